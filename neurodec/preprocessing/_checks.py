"""Checks of a recipe's settings; each names the value and the remedy."""

import contextlib

import numpy as np


def check_number(name, value, above=None):
    if isinstance(value, str):  # YAML 1.1 takes 150e-6 for text, 1.5e-4 for a number.
        with contextlib.suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ValueError(f"{name} is {value!r}; give a number.")
    if not np.isfinite(value) or (above is not None and value <= above):
        rule = "be finite" if above is None else f"exceed {above:g}"
        raise ValueError(f"{name} is {value!r}; it must {rule}.")
    return float(value)


def check_pair(name, value):
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{name} is {value!r}; give two numbers, [low, high].")
    return value


def check_band(band):
    if band is None:
        return None
    low, high = (
        None if end is None else check_number("band", end, above=0)
        for end in check_pair("band", band)
    )
    if low is None and high is None:
        return None
    if low is not None and high is not None and low >= high:
        raise ValueError(
            f"band is [{low:g}, {high:g}] Hz; the low end must be below the high end."
        )
    return (low, high)


def check_baseline(baseline):
    start, end = (check_number("baseline", v) for v in check_pair("baseline", baseline))
    if start >= end:
        raise ValueError(f"baseline is [{start:g}, {end:g}] s; start must precede end.")
    return (start, end)


def check_reject(reject):
    if not isinstance(reject, dict) or not reject:
        raise ValueError(
            f"reject is {reject!r}; give a limit by channel type, such as "
            "{'eeg': 150e-6} (volt)."
        )
    limits = {}
    for kind, limit in reject.items():
        limits[str(kind)] = check_number(f"reject[{kind!r}]", limit, above=0)
        if kind in ("eeg", "eog") and limits[kind] > 0.1:
            raise ValueError(
                f"reject[{kind!r}] is {limit!r} volt; microvolts? write 150e-6 for "
                "150 microvolt."
            )
    return limits

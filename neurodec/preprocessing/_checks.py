"""Checks of a recipe's settings; each names the value and the remedy."""

import contextlib

import numpy as np

FILTER_METHODS = ("iir", "fir")
PHASES = ("zero", "causal")


def check_settings(given):
    """All settings of a recipe by name, each checked and in its plain form."""

    def optional(check, name, **rule):
        value = given[name]
        return None if value is None else check(name, value, **rule)

    checked = {
        "band": check_band(given["band"]),
        "method": check_choice("method", given["method"], FILTER_METHODS),
        "resample": optional(check_number, "resample", above=0),
        "tmin": check_number("tmin", given["tmin"]),
        "baseline": optional(check_baseline, "baseline"),
        "reject": optional(check_reject, "reject"),
        "phase": check_choice("phase", given["phase"], PHASES),
        "notch": check_notch(given["notch"]),
        "bads": check_names("bads", given["bads"]),
        "interpolate": check_flag("interpolate", given["interpolate"]),
    }
    checked["tmax"] = optional(check_number, "tmax", above=checked["tmin"])
    checked["reference"] = check_reference(given["reference"], checked["bads"])
    return checked


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


def check_baseline(name, baseline):
    start, end = (check_number(name, v) for v in check_pair(name, baseline))
    if start >= end:
        raise ValueError(f"baseline is [{start:g}, {end:g}] s; start must precede end.")
    return (start, end)


def check_reject(name, reject):
    if not isinstance(reject, dict) or not reject:
        raise ValueError(
            f"{name} is {reject!r}; give a limit by channel type, such as "
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


def check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; use one of {', '.join(choices)}.")
    return value


def check_notch(notch):
    if notch is None or (isinstance(notch, list | tuple) and not notch):
        return None
    values = notch if isinstance(notch, list | tuple) else [notch]
    return tuple(sorted({check_number("notch", value, above=0.6) for value in values}))


def check_names(name, value, instead=""):
    """A list of channel names as a tuple; None and an empty list are none."""
    if value is None or (isinstance(value, list | tuple) and not value):
        return None
    if not isinstance(value, list | tuple) or not all(
        isinstance(channel, str) for channel in value
    ):
        raise ValueError(
            f"{name} is {value!r}; give {instead}a list of channel names, such as "
            "['T7', 'T8']."
        )
    repeated = [channel for channel in value if list(value).count(channel) > 1]
    if repeated:
        raise ValueError(f"{name} names {repeated[0]!r} twice; name each once.")
    return tuple(value)


def check_reference(reference, bads):
    if reference == "average":
        return reference
    reference = check_names("reference", reference, "'average' or ")
    bad = [channel for channel in reference or () if channel in (bads or ())]
    if bad:
        raise ValueError(
            f"reference channel {bad[0]!r} is among bads; take it out of one of them."
        )
    return reference


def check_flag(name, value):
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; give true or false.")
    return value

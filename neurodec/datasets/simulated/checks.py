"""What a simulator is asked for, checked."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from .. import _sources as head
from .background import Background, default_backgrounds

LINE_FREQ = 50.0  # Hz


@dataclass(frozen=True)
class Design:
    """What all sessions share."""

    classes: tuple
    counts: tuple  # trials of each class
    ch_names: list
    sfreq: float
    trial_length: float  # s
    gap: tuple  # shortest and longest rest after a trial (s)
    window: tuple  # what the optimal decoder sees, from the stimulus (s)
    snr: float
    line_noise: float  # V
    blink_rate: float  # 1 / s
    drift: float
    recipe: dict  # how the trials are usually cut

    @property
    def samples(self):
        """The window in samples from the stimulus."""
        start, stop = (round(edge * self.sfreq) for edge in self.window)
        return np.arange(start, stop)


def check_count(name, value, lowest=1):
    """An integer of at least ``lowest``.

    Raises
    ------
    TypeError, ValueError
        If it is none, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name}={value!r} is not an integer; give a whole number")
    if value < lowest:
        raise ValueError(f"{name}={value} is too small; give at least {lowest}")
    return int(value)


def check_number(name, value, lowest=0.0, highest=np.inf):
    """A finite number of at least ``lowest`` and at most ``highest``.

    Raises
    ------
    TypeError, ValueError
        If it is none, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}={value!r} is not a number; give one number")
    if not lowest <= value <= highest or not np.isfinite(value):
        limit = f" and at most {highest:g}" if np.isfinite(highest) else ""
        raise ValueError(
            f"{name}={value} is out of range; give a finite number of at least "
            f"{lowest:g}{limit}"
        )
    return float(value)


def check_trials(n_trials, n_classes):
    """Trials of each class, if ``n_trials`` can be shared equally.

    Raises
    ------
    TypeError, ValueError
        If it is no integer, too small, or cannot be shared.
    """
    n_trials = check_count("n_trials", n_trials, n_classes)
    if n_trials % n_classes:
        more = n_trials + n_classes - n_trials % n_classes
        raise ValueError(
            f"n_trials={n_trials} cannot be shared equally between {n_classes} "
            f"classes; give a multiple such as {more}"
        )
    return (n_trials // n_classes,) * n_classes


def check_design(
    *,
    fastest,
    sfreq,
    ch_names,
    snr,
    line_noise,
    blink_rate,
    drift,
    **rest,
):
    """A `Design` of checked values; ``fastest`` names the response's edge in Hz.

    Raises
    ------
    TypeError, ValueError
        Naming the value and the remedy.
    """
    line_noise = check_number("line_noise", line_noise)
    if line_noise > 1e-3:
        raise ValueError(
            f"line_noise={line_noise:g} is more than a millivolt; give it in volts: "
            "2e-6 for two microvolts"
        )
    sfreq = check_number("sfreq", sfreq)
    edge, what = max(fastest, (LINE_FREQ, "line noise")) if line_noise else fastest
    if sfreq <= 2 * edge:
        raise ValueError(
            f"sfreq={sfreq:g} Hz cannot hold {what}, up to {edge:g} Hz; give more "
            f"than {2 * edge:g} Hz{' or line_noise=0' if line_noise else ''}"
        )
    return Design(
        ch_names=head.check_electrodes(ch_names),
        sfreq=sfreq,
        snr=check_number("snr", snr),
        line_noise=line_noise,
        blink_rate=check_number("blink_rate", blink_rate, 0.0, 2.0),
        drift=check_number("drift", drift),
        **rest,
    )


def check_backgrounds(background):
    """Backgrounds as a tuple; the shipped ones for None.

    Raises
    ------
    TypeError, ValueError
        If one is no Background, or there is none.
    """
    if background is None:
        return default_backgrounds()
    backgrounds = (background,) if isinstance(background, Background) else background
    if not np.iterable(backgrounds) or not all(
        isinstance(one, Background) for one in backgrounds
    ):
        raise TypeError(
            f"background={background!r} is no Background nor a list of them; fit one "
            "with fit_background(raw), or give None"
        )
    if not len(backgrounds):
        raise ValueError("background is an empty list; give None for the shipped ones")
    return tuple(backgrounds)

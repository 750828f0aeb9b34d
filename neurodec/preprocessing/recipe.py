"""``Recipe``: how continuous recordings become trials, in one printable object."""

import dataclasses
from pathlib import Path

import mne
import numpy as np
import yaml

FILTER_METHODS = ("iir", "fir")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Filter, resample, epoch, baseline and reject, with MNE's functions.

    Each step looks at one recording or one trial, never at labels nor at several
    trials, so no choice in a recipe can carry test data into training.

    Parameters
    ----------
    band : (low, high) or None, default=(8.0, 32.0)
        Pass band in hertz; either end may be None. Zero-phase.
    method : {"iir", "fir"}, default="iir"
        "iir" is a Butterworth filter of order 4, as in MOABB; "fir" is MNE's
        default window design.
    resample : float or None, default=None
        New sampling rate in hertz, after the filter.
    tmin, tmax : float, default=0.0 and None
        Window in seconds from the event; None ends where the trial ends.
    baseline : (start, end) or None, default=None
        Its mean is subtracted from each trial and channel (seconds from the event).
    reject : dict or None, default=None
        Largest peak-to-peak amplitude by channel type, in SI units, such as
        ``{"eeg": 150e-6}``; trials beyond it are dropped.

    Raises
    ------
    ValueError
        If a value breaks its rule; the message names it and the remedy.

    Examples
    --------
    >>> Recipe(band=(1, 24), tmin=0, tmax=0.8).to_dict()["band"]
    [1.0, 24.0]
    """

    band: tuple | None = (8.0, 32.0)
    method: str = "iir"
    resample: float | None = None
    tmin: float = 0.0
    tmax: float | None = None
    baseline: tuple | None = None
    reject: dict | None = None

    def __post_init__(self):
        object.__setattr__(self, "band", _check_band(self.band))
        object.__setattr__(self, "tmin", _check_number("tmin", self.tmin))
        if self.method not in FILTER_METHODS:
            raise ValueError(
                f"method is {self.method!r}; use one of {', '.join(FILTER_METHODS)}."
            )
        if self.resample is not None:
            object.__setattr__(
                self, "resample", _check_number("resample", self.resample, above=0)
            )
        if self.tmax is not None:
            object.__setattr__(
                self, "tmax", _check_number("tmax", self.tmax, above=self.tmin)
            )
        if self.baseline is not None:
            object.__setattr__(self, "baseline", _check_baseline(self.baseline))
        if self.reject is not None:
            object.__setattr__(self, "reject", _check_reject(self.reject))

    @classmethod
    def from_dict(cls, values):
        """A recipe from a mapping, as read from YAML.

        Raises
        ------
        ValueError
            If it is no mapping or holds an unknown key.
        """
        if not isinstance(values, dict):
            raise ValueError(
                f"a recipe is a mapping of settings, got {type(values).__name__}: "
                f"{values!r}."
            )
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = [key for key in values if key not in known]
        if unknown:
            raise ValueError(
                f"recipe has no setting {unknown[0]!r}; it has {', '.join(known)}."
            )
        return cls(**values)

    @classmethod
    def from_yaml(cls, path):
        """A recipe from a YAML file that holds its settings.

        Raises
        ------
        ValueError
            If the file is not YAML or not a recipe; the message names the file.
        """
        try:
            return cls.from_dict(yaml.safe_load(Path(path).read_text("utf-8")))
        except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
            raise ValueError(f"{path} is not a recipe: {error}") from error

    def to_dict(self):
        """The settings as plain lists, numbers and strings, for JSON and YAML."""
        values = dataclasses.asdict(self)
        for key in ("band", "baseline"):
            if values[key] is not None:
                values[key] = list(values[key])
        return values

    def epochs(self, raw, events, event_id):
        """Cut trials out of one continuous recording.

        Parameters
        ----------
        raw : mne.io.BaseRaw
            It is copied, not changed.
        events : array, shape (n_events, 3)
            MNE events, in samples of ``raw``.
        event_id : dict
            Label of each event code.

        Returns
        -------
        epochs : mne.Epochs
            Loaded; ``epochs.selection`` tells which events were kept.

        Raises
        ------
        ValueError
            If the band or the rate does not fit the recording, or if no trial is
            left.
        """
        if self.tmax is None:
            raise ValueError(
                "tmax is None, but a continuous recording does not tell where a trial "
                "ends; give tmax in seconds."
            )
        self._check_rate(raw.info["sfreq"])
        raw = raw.copy().load_data(verbose=False)
        if self.band is not None:
            raw.filter(*self.band, method=self.method, picks="data", verbose=False)
        epochs = mne.Epochs(
            raw,
            events,
            event_id,
            tmin=self._start,
            tmax=self.tmax,
            baseline=self.baseline,
            reject=self.reject,
            preload=True,
            verbose=False,
            on_missing="ignore",
        )
        if not len(epochs):
            raise ValueError(
                f"no trial is left of {len(events)} events "
                f"({_reasons(epochs)}); check the window "
                f"[{self._start:g}, {self.tmax:g}] s and reject={self.reject}."
            )
        if self.resample is not None:
            epochs.resample(self.resample, verbose=False)
        return epochs.crop(tmin=self.tmin, verbose=False)

    def array(self, data, sfreq, tmin):
        """The same steps for trials that come already cut, trial by trial.

        Parameters
        ----------
        data : array, shape (n_trials, n_channels, n_times)
            Signals in SI units if ``reject`` is set.
        sfreq : float
            Sampling rate in hertz.
        tmin : float
            Time of the first sample, in seconds from the event.

        Returns
        -------
        data : array, shape (n_kept, n_channels, n_times_new)
        sfreq, tmin : float
        kept : array of int, shape (n_kept,)
            Rows of the input that were not rejected.

        Raises
        ------
        ValueError
            If the band, the rate or the window does not fit, or no trial is left.
        """
        self._check_rate(sfreq)
        data = np.array(data, float)
        if self.band is not None:
            data = mne.filter.filter_data(
                data, sfreq, *self.band, method=self.method, verbose=False
            )
        if self.baseline is not None:
            inside = self._inside(data, sfreq, tmin, *self.baseline)
            data -= data[..., inside].mean(axis=-1, keepdims=True)
        inside = self._inside(data, sfreq, tmin, self.tmin, self.tmax)
        data, tmin = data[..., inside], tmin + int(np.argmax(inside)) / sfreq
        kept = self._kept(data)
        data = data[kept]
        if self.resample is not None and self.resample != sfreq:
            data = mne.filter.resample(
                data, up=self.resample / sfreq, method="polyphase", verbose=False
            )
            sfreq = self.resample
        return data, float(sfreq), float(tmin), kept

    @property
    def _start(self):
        """First sample to cut: the baseline may begin before the window."""
        return self.tmin if self.baseline is None else min(self.tmin, self.baseline[0])

    def _check_rate(self, sfreq):
        high = None if self.band is None else self.band[1]
        if high is not None and high >= sfreq / 2:
            raise ValueError(
                f"band ends at {high:g} Hz, at or above half of the sampling rate "
                f"({sfreq:g} Hz); lower it below {sfreq / 2:g} Hz."
            )
        if self.resample is not None and self.resample > sfreq:
            raise ValueError(
                f"resample is {self.resample:g} Hz but the recording has {sfreq:g} Hz; "
                "it cannot gain detail, lower it."
            )
        if self.resample is not None and high is not None and self.resample <= 2 * high:
            raise ValueError(
                f"resample to {self.resample:g} Hz does not hold a band up to "
                f"{high:g} Hz; use more than {2 * high:g} Hz."
            )

    def _inside(self, data, sfreq, first, start, end):
        times = first + np.arange(data.shape[-1]) / sfreq
        end = times[-1] if end is None else end
        half = 0.5 / sfreq
        if start < times[0] - half or end > times[-1] + 1 / sfreq + half:
            raise ValueError(
                f"window [{start:g}, {end:g}] s is not inside the trials, which hold "
                f"[{times[0]:g}, {times[-1]:g}] s; change tmin, tmax or baseline."
            )
        return (times >= start - half) & (times <= end + half)

    def _kept(self, data):
        if self.reject is None:
            return np.arange(len(data))
        # Arrays have one channel type; with several limits the strictest holds.
        limit = min(self.reject.values())
        kept = np.flatnonzero(np.ptp(data, axis=-1).max(axis=-1) <= limit)
        if not len(kept):
            raise ValueError(
                f"no trial is left of {len(data)}: all exceed reject={self.reject}; "
                "check the unit (volt, tesla) or raise the limit."
            )
        return kept


def _reasons(epochs):
    reasons = sorted({reason for log in epochs.drop_log for reason in log})
    return "dropped for " + ", ".join(reasons) if reasons else "none fits the window"


def _check_number(name, value, above=None):
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ValueError(f"{name} is {value!r}; give a number.")
    if not np.isfinite(value) or (above is not None and value <= above):
        rule = "be finite" if above is None else f"exceed {above:g}"
        raise ValueError(f"{name} is {value!r}; it must {rule}.")
    return float(value)


def _check_pair(name, value):
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{name} is {value!r}; give two numbers, [low, high].")
    return value


def _check_band(band):
    if band is None:
        return None
    low, high = (
        None if end is None else _check_number("band", end, above=0)
        for end in _check_pair("band", band)
    )
    if low is None and high is None:
        return None
    if low is not None and high is not None and low >= high:
        raise ValueError(
            f"band is [{low:g}, {high:g}] Hz; the low end must be below the high end."
        )
    return (low, high)


def _check_baseline(baseline):
    start, end = (
        _check_number("baseline", v) for v in _check_pair("baseline", baseline)
    )
    if start >= end:
        raise ValueError(f"baseline is [{start:g}, {end:g}] s; start must precede end.")
    return (start, end)


def _check_reject(reject):
    if not isinstance(reject, dict) or not reject:
        raise ValueError(
            f"reject is {reject!r}; give a limit by channel type, such as "
            "{'eeg': 150e-6} (volt)."
        )
    limits = {}
    for kind, limit in reject.items():
        limits[str(kind)] = _check_number(f"reject[{kind!r}]", limit, above=0)
        if kind in ("eeg", "eog") and limits[kind] > 0.1:
            raise ValueError(
                f"reject[{kind!r}] is {limit!r} volt; microvolts? write 150e-6 for "
                "150 microvolt."
            )
    return limits

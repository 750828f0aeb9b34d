"""``Recipe``: how continuous recordings become trials, in one printable object."""

import dataclasses

import mne
import numpy as np

from .._yaml import read_mapping
from ._checks import check_band, check_baseline, check_number, check_reject

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
        New sampling rate in hertz, after the filter (MNE's "polyphase" method).
    tmin, tmax : float, default=0.0 and None
        Window in seconds from the event; None ends where the trial ends.
    baseline : (start, end) or None, default=None
        Its mean is subtracted from each trial and channel (seconds from the event).
    reject : dict or None, default=None
        Largest peak-to-peak amplitude by channel type, in SI units, such as
        ``{"eeg": 150e-6}``, within the window and the baseline; trials beyond it are
        dropped. In sets that MOABB reads: within the window, after resampling.

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
        object.__setattr__(self, "band", check_band(self.band))
        object.__setattr__(self, "tmin", check_number("tmin", self.tmin))
        if self.method not in FILTER_METHODS:
            raise ValueError(
                f"method is {self.method!r}; use one of {', '.join(FILTER_METHODS)}."
            )
        if self.resample is not None:
            object.__setattr__(
                self, "resample", check_number("resample", self.resample, above=0)
            )
        if self.tmax is not None:
            object.__setattr__(
                self, "tmax", check_number("tmax", self.tmax, above=self.tmin)
            )
        if self.baseline is not None:
            object.__setattr__(self, "baseline", check_baseline(self.baseline))
        if self.reject is not None:
            object.__setattr__(self, "reject", check_reject(self.reject))

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
            If the file is missing, not YAML or not a recipe; the message names it.
        """
        values = read_mapping(path, [field.name for field in dataclasses.fields(cls)])
        try:
            return cls.from_dict(values)
        except ValueError as error:
            raise ValueError(f"{path} is not a recipe: {error}") from error

    def to_dict(self):
        """The settings as plain lists, numbers and strings, for JSON and YAML."""
        values = dataclasses.asdict(self)
        for key in ("band", "baseline"):
            if values[key] is not None:
                values[key] = list(values[key])
        return values

    def epochs(self, raw, events, event_id, picks="data"):
        """Cut trials out of one continuous recording.

        Parameters
        ----------
        raw : mne.io.BaseRaw
            It is copied, not changed. Its projectors are not applied: call
            ``raw.apply_proj()`` first to have them. Channels of a type in ``reject``
            drop trials unless they are marked bad.
        events : array, shape (n_events, 3)
            MNE events, in samples of ``raw``.
        event_id : dict
            Code of each label.
        picks : str or list, default="data"
            Channels to filter; the others stay as they are.

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
        self.check_rate(raw.info["sfreq"])
        raw = raw.copy().load_data(verbose=False)
        if self.band is not None:
            raw.filter(*self.band, method=self.method, picks=picks, verbose=False)
        epochs = mne.Epochs(
            raw,
            events,
            {str(label): code for label, code in event_id.items()},
            tmin=self._start,
            tmax=self.tmax,
            baseline=self.baseline,
            reject=self.reject,
            preload=True,
            verbose=False,
            on_missing="ignore",
            proj=False,  # A projector would change the signals unsaid.
        )
        if not len(epochs):
            raise ValueError(
                f"no trial is left of {len(events)} events "
                f"({_reasons(epochs)}); check the window "
                f"[{self._start:g}, {self.tmax:g}] s and reject={self.reject}."
            )
        if self.resample is not None:
            epochs.resample(self.resample, method="polyphase", verbose=False)
        return epochs if self._start == self.tmin else epochs.crop(self.tmin)

    def array(self, data, sfreq, tmin, ch_types="eeg"):
        """The same steps for trials that come already cut, trial by trial.

        Parameters
        ----------
        data : array, shape (n_trials, n_channels, n_times)
            Signals in SI units if ``reject`` is set.
        sfreq : float
            Sampling rate in hertz.
        tmin : float
            Time of the first sample, in seconds from the event.
        ch_types : str or list of str, default="eeg"
            What ``reject`` looks for.

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
        self.check_rate(sfreq)
        data = np.array(data, float)
        if self.band is not None:
            data = mne.filter.filter_data(
                data, sfreq, *self.band, method=self.method, verbose=False
            )
        times = _times(data, sfreq, tmin)
        if self.baseline is not None:
            _inside(times, sfreq, *self.baseline)  # Refuses, with the remedy.
            mne.baseline.rescale(data, times, self.baseline, copy=False, verbose=False)
        inside = _inside(times, sfreq, self._start, self.tmax)
        data, tmin = data[..., inside], times[inside][0]
        kept = self.kept(data, ch_types)
        data = data[kept]
        if self.resample is not None and self.resample != sfreq:
            # The padding of mne.Epochs.resample.
            data = mne.filter.resample(
                data,
                self.resample,
                sfreq,
                method="polyphase",
                pad="edge",
                verbose=False,
            )
            sfreq = self.resample
        times = _times(data, sfreq, tmin)
        inside = _inside(times, sfreq, self.tmin, None)
        return data[..., inside], float(sfreq), float(times[inside][0]), kept

    def kept(self, data, ch_types="eeg"):
        """Which trials ``reject`` leaves.

        Parameters
        ----------
        data : array, shape (n_trials, n_channels, n_times)
            In SI units.
        ch_types : str or list of str, default="eeg"

        Returns
        -------
        kept : array of int, shape (n_kept,)

        Raises
        ------
        ValueError
            If no trial is left, or no channel has a type that ``reject`` names.
        """
        if self.reject is None:
            return np.arange(len(data))
        types = np.broadcast_to(ch_types, data.shape[1])
        unknown = [kind for kind in self.reject if kind not in types]
        if unknown:
            raise ValueError(
                f"reject names {unknown[0]!r} but the channels are of type "
                f"{', '.join(np.unique(types))}; leave it out of reject."
            )
        limits = np.array([self.reject.get(kind, np.inf) for kind in types])
        kept = np.flatnonzero((np.ptp(data, axis=-1) <= limits).all(axis=1))
        if not len(kept):
            raise ValueError(
                f"no trial is left of {len(data)}: all exceed reject={self.reject}; "
                "check the unit (volt, tesla) or raise the limit."
            )
        return kept

    @property
    def _start(self):
        """First sample to cut: the baseline may begin before the window."""
        return self.tmin if self.baseline is None else min(self.tmin, self.baseline[0])

    def check_rate(self, sfreq):
        """Refuse a recording whose sampling rate the recipe does not fit.

        Parameters
        ----------
        sfreq : float
            In hertz.

        Raises
        ------
        ValueError
            Naming the setting and the remedy.
        """
        ends = [end for end in self.band or () if end is not None]
        if ends and ends[-1] >= sfreq / 2:
            raise ValueError(
                f"band ends at {ends[-1]:g} Hz, at or above half of the sampling rate "
                f"({sfreq:g} Hz); lower it below {sfreq / 2:g} Hz."
            )
        if self.resample is None:
            return
        if self.resample > sfreq:
            raise ValueError(
                f"resample is {self.resample:g} Hz but the recording has {sfreq:g} Hz; "
                "it cannot gain detail, lower it."
            )
        if ends and self.resample <= 2 * ends[-1]:
            raise ValueError(
                f"resample to {self.resample:g} Hz does not hold a band up to "
                f"{ends[-1]:g} Hz; use more than {2 * ends[-1]:g} Hz."
            )


def as_recipe(recipe):
    """A recipe from a recipe or from a mapping of its settings."""
    return recipe if isinstance(recipe, Recipe) else Recipe.from_dict(recipe)


def _times(data, sfreq, tmin):
    """Seconds of the samples; rounded, so that -0.5 + 0.3 is not before -0.2."""
    return np.round(tmin + np.arange(data.shape[-1]) / sfreq, 9)


def _inside(times, sfreq, start, end):
    """Mask of the samples within a window, its ends included (seconds)."""
    end = times[-1] if end is None else end
    half = 0.5 / sfreq
    # A trial of 4 s at 250 Hz often comes as 1000 samples, without the one at 4 s.
    if start < times[0] - half or end > times[-1] + 1 / sfreq + half:
        raise ValueError(
            f"window [{start:g}, {end:g}] s is not inside the trials, which hold "
            f"[{times[0]:g}, {times[-1]:g}] s; change tmin, tmax or baseline."
        )
    return (times >= start - half) & (times <= end + half)


def _reasons(epochs):
    reasons = sorted({reason for log in epochs.drop_log for reason in log})
    return "dropped for " + ", ".join(reasons) if reasons else "none fits the window"

"""``Recipe``: how continuous recordings become trials, in one printable object."""

import dataclasses

import numpy as np

from .._yaml import read_mapping
from . import _channels, _filters, _steps
from ._checks import check_settings

# A recipe is part of every result's key. These settings came later and are told only
# where they were chosen, so that the results of earlier recipes are found again.
_LATER = ("phase", "notch", "reference", "bads", "interpolate")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Clean, filter, epoch, baseline, reject and resample, with MNE's functions.

    Each step looks at one recording or one trial, never at labels nor at several
    trials, so no choice in a recipe can carry test data into training. What learns
    from trials is a step of the pipeline instead: `EyeRegression`, `ICACleaner`,
    `NoiseNormalisation`, `ChannelTypeScaler`. Steps run in this order: bad channels,
    reference, band, notch, window, baseline, rejection, resampling.

    Parameters
    ----------
    band : (low, high) or None, default=(8.0, 32.0)
        Pass band in hertz; either end may be None.
    method : {"iir", "fir"}, default="iir"
        "iir" is a Butterworth filter of order 4, as in MOABB; "fir" is MNE's
        default window design.
    resample : float or None, default=None
        New sampling rate in hertz, after the filter (MNE's "polyphase" method, which
        reaches a few samples ahead).
    tmin, tmax : float, default=0.0 and None
        Window in seconds from the event; None ends where the trial ends.
    baseline : (start, end) or None, default=None
        Its mean is subtracted from each trial and channel (seconds from the event).
    reject : dict or None, default=None
        Largest peak-to-peak amplitude by channel type, in SI units, such as
        ``{"eeg": 150e-6}``, within the window and the baseline; trials beyond it are
        dropped. In sets that MOABB reads: within the window, after resampling.
    phase : {"zero", "causal"}, default="zero"
        "zero" delays nothing and sees samples after the present one: "iir" runs
        forward and backward, which halves the amplitude at the ends of the band.
        "causal" sees the past only, as online, and delays: "iir" runs forward, from
        the first sample; "fir" becomes a minimum-phase filter.
    notch : list of float or None, default=None
        Frequencies to remove, in hertz, each about 1 Hz wide, by ``method`` and
        ``phase``. Method "iir" suits trials that come cut: "fir" is 6.6 s long.
    reference : {"average"}, list of str or None, default=None
        The mean of all good EEG channels, or of these channels, is subtracted from
        the EEG channels, whichever are decoded later. Named channels are dropped
        afterwards. An average reference lowers the rank by one: choose a shrinkage
        estimator, or drop a channel.
    bads : list of str or None, default=None
        Channels that are bad in every recording.
    interpolate : bool, default=False
        Whether bad channels are interpolated from the positions of the others (also
        those that a recording marks bad) or dropped. Each lowers the rank by one.

    Raises
    ------
    ValueError
        If a value breaks its rule; the message names it and the remedy.

    Examples
    --------
    >>> Recipe(band=(1, 24), tmin=0, tmax=0.8).to_dict()["band"]
    [1.0, 24.0]
    >>> online = Recipe(phase="causal", notch=[50], reference="average")
    >>> online.notch
    (50.0,)
    """

    band: tuple | None = (8.0, 32.0)
    method: str = "iir"
    resample: float | None = None
    tmin: float = 0.0
    tmax: float | None = None
    baseline: tuple | None = None
    reject: dict | None = None
    phase: str = "zero"
    notch: tuple | None = None
    reference: str | tuple | None = None
    bads: tuple | None = None
    interpolate: bool = False

    def __post_init__(self):
        for name, value in check_settings(vars(self)).items():
            object.__setattr__(self, name, value)

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
        """The settings as plain lists, numbers and strings, for JSON and YAML.

        ``phase``, ``notch``, ``reference``, ``bads`` and ``interpolate`` are left out
        where they have their defaults.
        """
        values = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        return {
            key: value
            for key, value in values.items()
            if key not in _LATER or value != defaults[key]
        }

    @property
    def reworks_channels(self):
        """Whether bad channels or the reference are to be dealt with."""
        return bool(self.bads or self.interpolate or self.reference)

    def rework_channels(self, inst):
        """The first two steps: bad channels and reference.

        They need all channels, hence come before any is picked.

        Parameters
        ----------
        inst : mne.io.BaseRaw or mne.BaseEpochs
            It is copied, not changed.

        Returns
        -------
        inst : of the same kind

        Raises
        ------
        ValueError
            If a channel is unknown or has no position, or too few are left.
        """
        if not self.reworks_channels:
            return inst
        return _channels.rework_channels(
            inst, self.bads, self.interpolate, self.reference
        )

    def without_channel_steps(self):
        """The recipe for recordings whose channels are reworked already.

        Returns
        -------
        recipe : Recipe
        """
        return dataclasses.replace(self, bads=None, interpolate=False, reference=None)

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
            Channels to filter; the others stay as they are. The reference and bad
            channels look at all.

        Returns
        -------
        epochs : mne.Epochs
            Loaded; ``epochs.selection`` tells which events were kept.

        Raises
        ------
        ValueError
            If the band, the rate or a channel does not fit the recording, or if no
            trial is left.
        """
        return _steps.cut(self, raw, events, event_id, picks)

    def array(self, data, sfreq, tmin, ch_types="eeg"):
        """The same steps for trials that come already cut, trial by trial.

        A filter then starts at each trial's first sample, and its edges are worse
        than in a recording.

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
            If the band, the rate or the window does not fit, no trial is left, or the
            recipe has steps that need names of channels.
        """
        return _steps.apply(self, data, sfreq, tmin, ch_types)

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
        return _steps.kept_trials(data, self.reject, ch_types)

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
        _filters.check_rate(self, sfreq)


def as_recipe(recipe):
    """A recipe from a recipe or from a mapping of its settings."""
    return recipe if isinstance(recipe, Recipe) else Recipe.from_dict(recipe)

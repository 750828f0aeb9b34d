"""FieldTrip structures in ``.mat`` files."""

import warnings

import h5py
import mne
import numpy as np
import pymatreader
import scipy.io

_UNITS = {"v": 1.0, "mv": 1e-3, "uv": 1e-6, "nv": 1e-9, "t": 1.0, "ft": 1e-15}
_UNITS |= {"t/m": 1.0, "t/cm": 1e2, "ft/cm": 1e-13}
# No EEG swings by this much, in volt: such numbers are microvolts.
_MOST_VOLTS = 0.01


class RefusedFileError(ValueError):
    """A file that can be read but not taken; says why, without the file's name."""


def read_fieldtrip(path, variable, unit):
    """Raw (one trial) or epochs of a FieldTrip structure, in SI units.

    Parameters
    ----------
    path : Path
    variable : str or None
    unit : float or None

    Returns
    -------
    recording : mne.io.RawArray or mne.EpochsArray

    Raises
    ------
    RefusedFileError
        If there is no such variable or structure, or no sensible unit.
    """
    variable = _variable(path, variable)
    outline = pymatreader.read_mat(
        path, variable_names=[variable], ignore_fields=["trial", "cfg", "previous"]
    )[variable]
    if not isinstance(outline, dict) or "label" not in outline or "time" not in outline:
        raise RefusedFileError(
            f"variable {variable!r} is no raw data structure of FieldTrip"
        )
    one_trial = np.ndim(outline["time"][0]) == 0
    if not one_trial and "trialinfo" not in outline:
        raise RefusedFileError(
            f"variable {variable!r} has no trialinfo, so its trials have no labels; "
            "use mne.read_epochs_fieldtrip, and trials_from_epochs with y"
        )
    with warnings.catch_warnings(), mne.utils.use_log_level("ERROR"):
        # MNE warns that sensor positions are not those of the original file.
        warnings.simplefilter("ignore", RuntimeWarning)
        read = mne.io.read_raw_fieldtrip if one_trial else mne.read_epochs_fieldtrip
        recording = read(path, info=None, data_name=variable)
        if not one_trial:
            columns = {c: f"trialinfo{c}" for c in recording.metadata}
            recording.metadata = recording.metadata.rename(columns=columns)
    _to_si(recording, outline, unit)
    return recording


def _variable(path, variable):
    try:
        names = [name for name, _, _ in scipy.io.whosmat(path)]
    except NotImplementedError:  # MATLAB 7.3 is HDF5.
        with h5py.File(path) as file:
            names = [name for name in file if not name.startswith("#")]
    if variable is None:
        variable = names[0] if len(names) == 1 else "data"
    if variable not in names:
        raise RefusedFileError(
            f"no variable {variable!r}, only {names}; name one in variable"
        )
    return variable


def _to_si(recording, outline, unit):
    """Numbers as volt and tesla, by the unit of each channel."""
    header = outline.get("hdr", {})
    said = dict(zip(header.get("label", []), header.get("chanunit", []), strict=False))
    data = recording._data
    kinds = recording.get_channel_types()
    for i, (name, kind) in enumerate(zip(recording.ch_names, kinds, strict=True)):
        factor = _UNITS.get(str(said.get(name)).lower(), 1.0)
        if kind != "stim":
            data[..., i, :] *= factor if unit is None else unit
    eeg = mne.pick_types(recording.info, eeg=True, exclude=[])
    if len(eeg) and np.median(np.ptp(data[..., eeg, :], axis=-1)) > _MOST_VOLTS:
        raise RefusedFileError(
            "EEG in this file swings by more than 10 mV if its numbers are volts; give "
            "unit=1e-6 if they are microvolts"
        )

"""Filters of a recipe, for recordings and for trials, with MNE's functions."""

import contextlib
import warnings

import mne

_PHASES = {
    ("iir", "zero"): {"phase": "zero"},
    ("iir", "causal"): {"phase": "forward"},
    ("fir", "zero"): {"phase": "zero"},
    # Other padding mirrors later samples into the filter's past.
    ("fir", "causal"): {"phase": "minimum", "pad": "edge"},
}


def filter_raw(raw, recipe, picks):
    """Filter channels of a recording in place.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Loaded.
    recipe : Recipe
    picks : str or list
    """
    how = {"method": recipe.method, **_PHASES[recipe.method, recipe.phase]}
    offset = None
    if (recipe.method, recipe.phase) == ("iir", "causal"):
        offset = raw.get_data(picks=picks, start=0, stop=1)
        _add(raw, -offset, picks)
    if recipe.band is not None:
        raw.filter(*recipe.band, picks=picks, verbose=False, **how)
    for frequency in recipe.notch or ():
        raw.notch_filter(frequency, picks=picks, verbose=False, **how)
    if offset is not None and not _stops_constants(recipe):
        _add(raw, offset, picks)


def _add(raw, offset, picks):
    raw.apply_function(
        lambda data: data + offset, picks=picks, channel_wise=False, verbose=False
    )


def filter_array(data, sfreq, recipe):
    """Filter trials, each from its own first sample.

    Parameters
    ----------
    data : array, shape (..., n_times)
    sfreq : float
        In hertz.
    recipe : Recipe

    Returns
    -------
    data : array, of the same shape

    Raises
    ------
    ValueError
        If the trials are shorter than a notch or causal filter of finite length.
    """
    how = {"method": recipe.method, **_PHASES[recipe.method, recipe.phase]}
    offset = None
    if (recipe.method, recipe.phase) == ("iir", "causal"):
        offset = data[..., :1]
        data = data - offset
    if recipe.band is not None:
        with _refusing_short(data, sfreq, "band", strict=recipe.phase == "causal"):
            data = mne.filter.filter_data(
                data, sfreq, *recipe.band, verbose=False, **how
            )
    for frequency in recipe.notch or ():
        with _refusing_short(data, sfreq, "notch", strict=True):
            data = mne.filter.notch_filter(data, sfreq, frequency, verbose=False, **how)
    if offset is not None and not _stops_constants(recipe):
        data = data + offset
    return data


def _stops_constants(recipe):
    return recipe.band is not None and recipe.band[0] is not None


@contextlib.contextmanager
def _refusing_short(data, sfreq, setting, strict):
    """MNE's remark that a filter is longer than a trial, as an error."""
    try:
        with warnings.catch_warnings():
            if strict:
                warnings.filterwarnings("error", message="filter_length")
            yield
    except RuntimeWarning as error:
        raise ValueError(
            f"the {setting} filter by method 'fir' is longer than trials of "
            f"{data.shape[-1] / sfreq:g} s ({error}); use method='iir', or filter the "
            "recording before it is cut (trials_from_raw)."
        ) from error


def check_rate(recipe, sfreq):
    """Refuse a sampling rate (hertz) that the recipe does not fit."""
    ends = [end for end in recipe.band or () if end is not None]
    if ends and ends[-1] >= sfreq / 2:
        raise ValueError(
            f"band ends at {ends[-1]:g} Hz, at or above half of the sampling rate "
            f"({sfreq:g} Hz); lower it below {sfreq / 2:g} Hz."
        )
    # MNE's notch is half a hertz and a two hundredth of the frequency wide.
    reach = [f * (1 + 1 / 400) + 0.5 for f in recipe.notch or ()]
    if reach and reach[-1] >= sfreq / 2:
        raise ValueError(
            f"notch at {recipe.notch[-1]:g} Hz reaches half of the sampling rate "
            f"({sfreq:g} Hz); leave it out."
        )
    if recipe.resample is None:
        return
    if recipe.resample > sfreq:
        raise ValueError(
            f"resample is {recipe.resample:g} Hz but the recording has {sfreq:g} Hz; "
            "it cannot gain detail, lower it."
        )
    if ends and recipe.resample <= 2 * ends[-1]:
        raise ValueError(
            f"resample to {recipe.resample:g} Hz does not hold a band up to "
            f"{ends[-1]:g} Hz; use more than {2 * ends[-1]:g} Hz."
        )

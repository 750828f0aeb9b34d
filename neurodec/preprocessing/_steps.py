"""What a recipe does after its channels: filter, cut, baseline, reject, resample."""

import mne
import numpy as np

from ._filters import filter_array, filter_raw


def cut(recipe, raw, events, event_id, picks):
    """``Recipe.epochs``."""
    if recipe.tmax is None:
        raise ValueError(
            "tmax is None, but a continuous recording does not tell where a trial "
            "ends; give tmax in seconds."
        )
    recipe.check_rate(raw.info["sfreq"])
    raw = recipe.rework_channels(raw).copy().load_data(verbose=False)
    filter_raw(raw, recipe, picks)
    start = first_sample(recipe)
    epochs = mne.Epochs(
        raw,
        events,
        {str(label): code for label, code in event_id.items()},
        tmin=start,
        tmax=recipe.tmax,
        baseline=recipe.baseline,
        reject=recipe.reject,
        preload=True,
        verbose=False,
        on_missing="ignore",
        proj=False,  # A projector would change the signals unsaid.
    )
    if not len(epochs):
        raise ValueError(
            f"no trial is left of {len(events)} events "
            f"({_reasons(epochs)}); check the window "
            f"[{start:g}, {recipe.tmax:g}] s and reject={recipe.reject}."
        )
    if recipe.resample is not None:
        epochs.resample(recipe.resample, method="polyphase", verbose=False)
    return epochs if start == recipe.tmin else epochs.crop(recipe.tmin)


def apply(recipe, data, sfreq, tmin, ch_types):
    """``Recipe.array``."""
    if recipe.reworks_channels:
        raise ValueError(
            f"bads={recipe.bads}, interpolate={recipe.interpolate} and "
            f"reference={recipe.reference!r} need the names of channels, which an "
            "array lacks; use trials_from_arrays with ch_names, or "
            "rework_channels on mne.EpochsArray."
        )
    recipe.check_rate(sfreq)
    data = filter_array(np.array(data, float), sfreq, recipe)
    times = _times(data, sfreq, tmin)
    if recipe.baseline is not None:
        _inside(times, sfreq, *recipe.baseline)  # Refuses, with the remedy.
        mne.baseline.rescale(data, times, recipe.baseline, copy=False, verbose=False)
    within = _inside(times, sfreq, first_sample(recipe), recipe.tmax)
    data, tmin = data[..., within], times[within][0]
    kept = recipe.kept(data, ch_types)
    data = data[kept]
    if recipe.resample is not None and recipe.resample != sfreq:
        # The padding of mne.Epochs.resample.
        data = mne.filter.resample(
            data,
            recipe.resample,
            sfreq,
            method="polyphase",
            pad="edge",
            verbose=False,
        )
        sfreq = recipe.resample
    times = _times(data, sfreq, tmin)
    within = _inside(times, sfreq, recipe.tmin, None)
    return data[..., within], float(sfreq), float(times[within][0]), kept


def first_sample(recipe):
    """Where to begin to cut (seconds): the baseline may precede the window."""
    if recipe.baseline is None:
        return recipe.tmin
    return min(recipe.tmin, recipe.baseline[0])


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


def kept_trials(data, reject, ch_types):
    """Rows whose peak-to-peak amplitudes are within the limits by channel type."""
    types = np.broadcast_to(ch_types, data.shape[1])
    unknown = [kind for kind in reject if kind not in types]
    if unknown:
        raise ValueError(
            f"reject names {unknown[0]!r} but the channels are of type "
            f"{', '.join(np.unique(types))}; leave it out of reject."
        )
    limits = np.array([reject.get(kind, np.inf) for kind in types])
    kept = np.flatnonzero((np.ptp(data, axis=-1) <= limits).all(axis=1))
    if not len(kept):
        raise ValueError(
            f"no trial is left of {len(data)}: all exceed reject={reject}; "
            "check the unit (volt, tesla) or raise the limit."
        )
    return kept


def _reasons(epochs):
    """Why events gave no epoch, in words."""
    found = sorted({reason for log in epochs.drop_log for reason in log})
    return "dropped for " + ", ".join(found) if found else "none fits the window"

"""Trials of a recording that a model is applied to: at its events, or sliding."""

import dataclasses

import mne
import numpy as np
import pandas as pd

from ..datasets._events import find_events
from ..datasets.readers import trials_from_raw
from ..datasets.trials import Trials

ROWS = "model_row"  # Metadata column: which of the events asked for a trial is.
_BLOCK_BYTES = 2**29  # Of overlapping windows held at once.


def events_of(raw, events, event_id):
    """Onsets of a recording, and what each was called there.

    Parameters
    ----------
    raw : mne.io.BaseRaw
    events : array, shape (n_events, 3) or None
    event_id : list of str or int, dict, or None
        Annotation descriptions or trigger codes; None is all of ``events``.

    Returns
    -------
    samples : array of int, shape (n_events,)
    names : list of str

    Raises
    ------
    ValueError
        If an event does not occur.
    """
    if event_id is None:
        events = np.asarray(events)
        if events.ndim != 2 or events.shape[1] != 3 or not len(events):
            raise ValueError(
                f"events has shape {events.shape}; MNE events are (n_events, 3): "
                "sample, previous code, code."
            )
        event_id = np.unique(events[:, 2]).tolist()
    if isinstance(event_id, (str, int)):
        event_id = [event_id]
    if not isinstance(event_id, dict):
        event_id = {str(wanted): wanted for wanted in event_id}
    events, codes = find_events(raw, event_id, events)
    names = {code: label for label, code in codes.items()}
    events = events[np.isin(events[:, 2], list(names))]
    return events[:, 0], [names[code] for code in events[:, 2]]


def sliding_onsets(raw, form, window, step):
    """Samples at which sliding windows begin, as if there had been an event.

    Parameters
    ----------
    raw : mne.io.BaseRaw
    form : TrialFormat
    window, step : float or None
        Seconds.

    Returns
    -------
    samples : array of int, shape (n_windows,)

    Raises
    ------
    ValueError
        If the window is not the model's, the step is not positive, or the recording
        is shorter than a window.
    """
    recipe, sfreq = form.recipe_for_recordings(), raw.info["sfreq"]
    length = form.n_times / form.sfreq
    # Whether the last sample counts is a matter of habit.
    if window is not None and abs(window - length) > 1.5 / form.sfreq:
        raise ValueError(
            f"window is {window:g} s, but the model was trained on trials of "
            f"{length:g} s; leave it out, or fit a model on such trials."
        )
    step = length if step is None else step
    if not step * sfreq >= 1:
        raise ValueError(
            f"step is {step!r} s; give at least one sample, {1 / sfreq:g} s."
        )
    first, last = _reach(recipe, sfreq)
    room = raw.n_times - 1 - last + first
    if room < 0:
        raise ValueError(
            f"the recording is {raw.n_times / sfreq:g} s long, shorter than one window "
            f"of {length:g} s; give a longer one."
        )
    starts = np.round(np.arange(0, room / sfreq + step, step) * sfreq).astype(int)
    return raw.first_samp - first + starts[starts <= room]


def windows(raw, form, samples, skip_incomplete=False, whole=False):
    """Blocks of trials at these samples, made by the model's recipe.

    Parameters
    ----------
    raw : mne.io.BaseRaw
    form : TrialFormat
    samples : array of int
    skip_incomplete : bool, default=False
        Whether windows outside of the recording are left out; else they are refused.
    whole : bool, default=False
        Whether there is to be one block only.

    Yields
    ------
    trials : Trials
        In the model's channel order; ``metadata[ROWS]`` is the position in
        ``samples``. Rejected ones are not among them.

    Raises
    ------
    ValueError
        Naming what does not fit, and the remedy.
    """
    recipe = form.recipe_for_recordings()
    _check_recording(raw, form, recipe)
    rows = _inside(raw, recipe, samples, skip_incomplete)
    length = raw.info["sfreq"] * (recipe.tmax - recipe.tmin) * len(form.channels)
    n_blocks = 1 if whole else int(len(rows) * length * 8 // _BLOCK_BYTES) + 1
    for block in np.array_split(rows, min(n_blocks, len(rows))):
        trials = _cut(raw, form, recipe, samples, block)
        short = form.n_times - trials.n_times
        if short and recipe.resample is not None:
            # Another rate rounds the window otherwise: a sample more, or one less.
            if short > 0:
                recipe = dataclasses.replace(
                    recipe, tmax=recipe.tmax + short / form.sfreq
                )
                block = block[_inside(raw, recipe, samples[block], skip_incomplete)]
                trials = _cut(raw, form, recipe, samples, block)
            trials = _trials_with(trials, trials.X[..., : form.n_times])
        form.check_window(trials.tmin, trials.n_times)
        yield trials


def _cut(raw, form, recipe, samples, rows):
    return trials_from_raw(
        raw,
        {"event": 1},
        recipe,
        events=np.column_stack([samples[rows], 0 * rows, 1 + 0 * rows]),
        metadata=pd.DataFrame({ROWS: rows}),
        picks=list(form.channels),
    )


def _check_recording(raw, form, recipe):
    types = raw.get_channel_types()
    form.check_channels(raw.ch_names, types, "recording")
    if recipe.resample is None:
        form.check_rate(raw.info["sfreq"], "recording")
    recipe.check_rate(raw.info["sfreq"])
    bad = [name for name in form.channels if name in raw.info["bads"]]
    if bad and not recipe.interpolate:
        raise ValueError(
            f"channels {bad} of the model are marked bad in the recording; interpolate "
            "them (raw.interpolate_bads), or take the mark away if they are good."
        )


def _reach(recipe, sfreq):
    """First and last sample of a window, counted from the event."""
    start = recipe.tmin
    if recipe.baseline is not None:
        start = min(start, recipe.baseline[0])
    return round(start * sfreq), round(recipe.tmax * sfreq)


def _inside(raw, recipe, samples, skip_incomplete):
    first, last = _reach(recipe, raw.info["sfreq"])
    begin = samples - raw.first_samp
    inside = (begin + first >= 0) & (begin + last < raw.n_times)
    if not inside.all() and not (skip_incomplete and inside.any()):
        onset = begin[~inside][0] / raw.info["sfreq"]
        raise ValueError(
            f"the window [{recipe.tmin:g}, {recipe.tmax:g}] s of the event at "
            f"{onset:g} s reaches outside of the recording, which is "
            f"{raw.n_times / raw.info['sfreq']:g} s long ({np.sum(~inside)} of "
            f"{len(inside)} events); leave such events out (skip_incomplete=True, "
            "--skip-incomplete)."
        )
    return np.flatnonzero(inside)


def _trials_with(trials, X):
    """The same trials with other signals."""
    return Trials(
        X,
        trials.y,
        trials.metadata,
        trials.info,
        unit=trials.unit,
        tmin=trials.tmin,
        name=trials.name,
        recipe=trials.recipe,
    )


def is_recording(data):
    """Whether this is a continuous recording of MNE."""
    return isinstance(data, mne.io.BaseRaw)

"""Ways into ``Trials`` from one file of any kind."""

from pathlib import Path

import mne
import numpy as np
import pandas as pd

from ..preprocessing.recipe import as_recipe
from ._formats import kind_of, read_recording, refuse_given, stem_of
from ._rework import rework_recording
from .channels import index_of_names
from .numpy_files import trials_from_numpy
from .readers import apply_recipe, trials_from_epochs, trials_from_raw


def trials_from_file(
    path,
    event_id=None,
    recipe=None,
    *,
    events=None,
    subject=None,
    session=None,
    run=None,
    metadata=None,
    picks=None,
    ch_types=None,
    name=None,
    variable=None,
    unit=None,
):
    """Trials of one recording in a file, told by its extension.

    Continuous: EEGLAB ``.set``, BrainVision ``.vhdr``, EDF, BDF, GDF, FIF, CTF
    ``.ds`` and whatever else ``mne.io.read_raw`` knows. Cut already: EEGLAB ``.set``,
    FIF, FieldTrip ``.mat``, and the arrays of :func:`trials_from_numpy`.

    Parameters
    ----------
    path : str or pathlib.Path
    event_id : dict or None
        From label to annotation description (str) or trigger code (int); of epochs
        also to their event name. None keeps all epochs, by their names.
    recipe : Recipe, dict or None
        Filter, window and rejection. Epochs and arrays do without, and else it is
        applied trial by trial.
    events : array, shape (n_events, 3) or None
        MNE events of a continuous recording; found in the stimulus channel by
        default.
    subject, session, run : scalar or None
        1, "0" and "0" by default.
    metadata : DataFrame or None
        One row per row of ``events``, or per epoch of the file.
    picks : str, list of str or None
        A channel type, or channel names.
    ch_types : dict, str or None
        From channel name to MNE channel type, for what the file calls otherwise:
        ``{"EOG1": "eog"}``. A str is the type of all channels that it calls EEG.
    name : str or None
        The file's name without its extension by default.
    variable : str or None
        Of a ``.mat`` file: the variable; the only one, or "data", by default.
    unit : float or None
        Of a ``.mat`` file that does not say it: what one unit is in volt or tesla.

    Returns
    -------
    trials : Trials
        In SI units.

    Raises
    ------
    FileNotFoundError
        If the file, or one that belongs to it, is missing.
    ValueError
        If it is damaged, of an unknown kind or an average (evoked), lacks a wanted
        event, or mixes channel types.

    Examples
    --------
    .. code-block:: python

        trials = trials_from_file(
            "sub1.vhdr",
            {"left": "Stimulus/S  1", "right": "Stimulus/S  2"},
            Recipe(band=(8, 30), tmin=0.5, tmax=3.5),
            subject=1,
        )
    """
    path = Path(path)
    kind = kind_of(path)
    origin = {"subject": subject, "session": session, "run": run}
    shared = {"picks": picks, "name": stem_of(path) if name is None else name, **origin}
    if kind in (".npz", ".npy"):
        refuse_given(path, event_id=event_id, events=events)
        shared |= {"name": name, "metadata": metadata, "ch_types": ch_types}
        return trials_from_numpy(path, recipe=recipe, **shared)
    recording = read_recording(path, kind, variable, unit)
    _set_types(recording, ch_types)
    if isinstance(recording, mne.io.BaseRaw):
        _check_wanted(recording, event_id, recipe, path)
        return trials_from_raw(
            recording, event_id, recipe, events=events, metadata=metadata, **shared
        )
    refuse_given(path, events=events)
    return _trials_of_epochs(recording, event_id, recipe, metadata, shared)


def _set_types(recording, ch_types):
    if ch_types is None:
        return
    if isinstance(ch_types, str):
        types = zip(recording.ch_names, recording.get_channel_types(), strict=True)
        ch_types = {name: ch_types for name, kind in types if kind == "eeg"}
    index_of_names(recording.ch_names, list(ch_types))
    recording.set_channel_types(ch_types, on_unit_change="ignore", verbose=False)


def _check_wanted(raw, event_id, recipe, path):
    if event_id is None:
        found, counts = np.unique(raw.annotations.description, return_counts=True)
        there = dict(zip(found.tolist(), counts.tolist(), strict=True))
        raise ValueError(
            f"{path.name} is continuous and event_id is None; map labels to its "
            f"annotations ({there or 'there are none'}) or to trigger codes."
        )
    if recipe is None:
        raise ValueError(
            f"{path.name} is continuous and recipe is None; say where a trial begins "
            "and ends, such as Recipe(band=(8, 30), tmin=0.5, tmax=3.5)."
        )


def _trials_of_epochs(epochs, event_id, recipe, metadata, shared):
    rows, y = _wanted_epochs(epochs, event_id)
    table = epochs.metadata if metadata is None else pd.DataFrame(metadata)
    if table is not None:
        if len(table) != len(epochs):
            raise ValueError(
                f"metadata has {len(table)} rows for {len(epochs)} epochs; give one "
                "each."
            )
        table = table.iloc[rows]
    epochs = epochs[rows]
    if recipe is None:
        return trials_from_epochs(epochs, y, metadata=table, **shared)
    recipe = as_recipe(recipe)
    epochs = rework_recording(epochs, recipe)
    trials = trials_from_epochs(epochs, y, metadata=table, **shared)
    return apply_recipe(recipe, trials)


def _wanted_epochs(epochs, event_id):
    """Positions of the epochs that have a label, and the labels."""
    names = {code: name for name, code in epochs.event_id.items()}
    of_epoch = [names[code] for code in epochs.events[:, 2]]
    if event_id is None:
        return np.arange(len(epochs)), np.array(of_epoch)
    if not isinstance(event_id, dict) or not event_id:
        raise ValueError(
            f"event_id is {event_id!r}; give a mapping from label to event name or "
            "code."
        )
    labels = np.full(len(epochs), None, object)
    for label, wanted in event_id.items():
        rows = [
            i
            for i, (name, code) in enumerate(
                zip(of_epoch, epochs.events[:, 2], strict=True)
            )
            # EEGLAB names an epoch after all of its events, with a slash between.
            if wanted in (code, name) or wanted in name.split("/")
        ]
        if not rows:
            raise ValueError(
                f"event {wanted!r} does not occur; the epochs have {epochs.event_id}."
            )
        both = [i for i in rows if labels[i] is not None]
        if both:
            raise ValueError(
                f"epoch {both[0]} ({of_epoch[both[0]]}) is {labels[both[0]]!r} and "
                f"{label!r} by event_id {event_id}; name events that exclude each "
                "other."
            )
        labels[rows] = [label] * len(rows)
    rows = np.flatnonzero([label is not None for label in labels])
    return rows, np.array(labels[rows].tolist())

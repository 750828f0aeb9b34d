"""Ways into ``Trials``: arrays, epochs and continuous recordings."""

import mne
import numpy as np
import pandas as pd

from ..preprocessing.recipe import as_recipe
from ._checks import check_labels
from ._events import find_events
from ._rework import rework_recording
from .channels import (
    BRAIN_TYPES,
    pick_channels,
    refuse_triggers,
    takes_many_values,
)
from .trials import Trials

# Signals show more values than codes do within this time.
_SCAN_SECONDS = 10


def trials_from_arrays(
    X,
    y,
    *,
    sfreq,
    ch_names=None,
    ch_types="eeg",
    subject=None,
    session=None,
    run=None,
    metadata=None,
    unit=1.0,
    tmin=0.0,
    picks=None,
    recipe=None,
    name="arrays",
):
    """Trials from plain arrays.

    Parameters
    ----------
    X : array, shape (n_trials, n_channels, n_times)
    y : array, shape (n_trials,)
    sfreq : float
        Sampling rate in hertz.
    ch_names : list of str or None
        "0", "1", ... by default.
    ch_types : str or list of str, default="eeg"
        MNE channel types; stimulus, EOG and other such channels are left out
        unless ``picks`` names them.
    subject, session, run : scalar, array of shape (n_trials,) or None
        Where each trial comes from; else the columns of ``metadata``, else 1, "0"
        and "0".
    metadata : DataFrame or None
        Further columns; it may also hold subject, session and run.
    unit : float, default=1.0
        What one unit of ``X`` is in SI units.
    tmin : float, default=0.0
        Time of the first sample, in seconds from the event.
    picks : str, list of str or None
        A channel type, or channel names.
    recipe : Recipe, dict or None
        Applied trial by trial.
    name : str, default="arrays"

    Returns
    -------
    trials : Trials

    Raises
    ------
    ValueError
        If shapes disagree, the rate is missing or not positive, channel types are
        mixed, a channel looks like a trigger, or a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((4, 3, 20))
    >>> trials_from_arrays(
    ...     X, [0, 1, 0, 1], sfreq=50, ch_types=["eeg", "eeg", "stim"]
    ... ).ch_names
    ['0', '1']
    """
    X = np.asanyarray(X)
    if X.ndim != 3:
        raise ValueError(
            f"X has shape {X.shape}; trials are (n_trials, n_channels, n_times)."
        )
    if not len(X):
        raise ValueError(f"X has shape {X.shape}: no trial is left; check the events.")
    y = check_labels(y, len(X))
    info = _make_info(X.shape[1], sfreq, ch_names, ch_types)
    recipe = None if recipe is None else as_recipe(recipe)
    if recipe is not None and recipe.reworks_channels:
        epochs = mne.EpochsArray(
            np.asarray(X, float) * unit, info, proj=False, verbose=False
        )
        epochs = rework_recording(epochs, recipe)
        X, info = epochs.get_data(copy=False) / unit, epochs.info
    index = pick_channels(info, picks)
    if index != list(range(X.shape[1])):  # All of them: no copy, a map stays a map.
        X, info = X[:, index], mne.pick_info(info, index)
    if picks is None or isinstance(picks, str):
        refuse_triggers(X, info, refuse_constant=recipe is not None)
    table = origin_table(len(X), metadata, subject=subject, session=session, run=run)
    trials = Trials(X, y, table, info, unit=unit, tmin=tmin, name=name)
    return trials if recipe is None else apply_recipe(recipe, trials)


def _make_info(n_channels, sfreq, ch_names, ch_types):
    if not np.isscalar(sfreq) or isinstance(sfreq, str) or not 0 < sfreq < np.inf:
        raise ValueError(
            f"sfreq is {sfreq!r}; arrays do not tell their sampling rate, give it in "
            "hertz."
        )
    if ch_names is None:
        ch_names = [str(i) for i in range(n_channels)]
    for what, given in (("names", ch_names), ("types", ch_types)):
        if not isinstance(given, str) and len(given) != n_channels:
            raise ValueError(
                f"{len(given)} channel {what} for {n_channels} channels; give one for "
                "each."
            )
    if len(set(ch_names)) != len(ch_names):
        raise ValueError(f"channel names repeat: {list(ch_names)}; make them distinct.")
    return mne.create_info(list(ch_names), float(sfreq), ch_types, verbose=False)


def apply_recipe(recipe, trials):
    """A recipe applied to trials that are cut already."""
    data, sfreq, tmin, kept = recipe.without_channel_steps().array(
        trials.X * trials.unit,
        trials.sfreq,
        trials.tmin,
        ch_types=trials.info.get_channel_types(),
    )
    info = trials.info.copy()
    with info._unlock():
        info["sfreq"] = sfreq
        info["lowpass"] = min(info["lowpass"], sfreq / 2)
    return Trials(
        data / trials.unit,
        trials.y[kept],
        trials.metadata.iloc[kept],
        info,
        unit=trials.unit,
        tmin=tmin,
        name=trials.name,
        recipe=recipe.to_dict(),
    )


def trials_from_epochs(
    epochs,
    y=None,
    *,
    subject=None,
    session=None,
    run=None,
    metadata=None,
    picks=None,
    recipe=None,
    name="epochs",
):
    """Trials from ``mne.Epochs``.

    Parameters
    ----------
    epochs : mne.BaseEpochs
    y : array, shape (n_trials,) or None
        Labels; the event names by default.
    subject, session, run : scalar, array or None
        Taken from the metadata where None, else 1, "0" and "0".
    metadata : DataFrame or None
        ``epochs.metadata`` by default.
    picks : str, list of str or None
        A channel type, or channel names. Stimulus, EOG and other such channels
        are left out unless named.
    recipe : Recipe, dict or None
        How the epochs were made, kept for reports.
    name : str, default="epochs"

    Returns
    -------
    trials : Trials
        In SI units.

    Raises
    ------
    ValueError
        If there is no epoch, channel types are mixed, or a channel looks like a
        trigger.
    """
    if not isinstance(epochs, mne.BaseEpochs):
        raise ValueError(
            f"epochs is {type(epochs).__name__}; give mne.Epochs, or use "
            "trials_from_raw or trials_from_arrays."
        )
    if not epochs.preload:
        epochs = epochs.copy().load_data()
    if not len(epochs):
        raise ValueError(
            "epochs is empty: every event was dropped; see epochs.drop_log for why."
        )
    if y is None:
        names = {code: label for label, code in epochs.event_id.items()}
        y = np.array([names[code] for code in epochs.events[:, 2]])
    metadata = epochs.metadata if metadata is None else metadata
    table = origin_table(
        len(epochs), metadata, subject=subject, session=session, run=run
    )
    # A copy, because whoever made the epochs may change them yet.
    return _of_epochs(epochs, y, table, picks, recipe, name, copy=True)


def _of_epochs(epochs, y, table, picks, recipe, name, *, copy):
    index = pick_channels(epochs.info, picks)
    data, info = epochs.get_data(copy=False), mne.pick_info(epochs.info, index)
    if index != list(range(data.shape[1])):
        data = data[:, index]
    elif copy:
        data = data.copy()
    if picks is None or isinstance(picks, str):
        refuse_triggers(data, info, refuse_constant=False)
    return Trials(
        data,
        y,
        table,
        info,
        tmin=epochs.tmin,
        name=name,
        recipe=as_dict(recipe),
    )


def trials_from_raw(
    raw,
    event_id,
    recipe,
    *,
    events=None,
    subject=None,
    session=None,
    run=None,
    metadata=None,
    picks=None,
    name="raw",
):
    """Trials from one continuous recording with annotations, triggers or events.

    Parameters
    ----------
    raw : mne.io.BaseRaw
    event_id : dict
        From label to annotation description (str) or trigger code (int).
    recipe : Recipe or dict
        Filter, window and rejection.
    events : array, shape (n_events, 3) or None
        MNE events with the codes of ``event_id``; found in the stimulus channel by
        default.
    subject, session, run : scalar or None
        1, "0" and "0" by default.
    metadata : DataFrame or None
        One row per row of ``events``.
    picks : str, list of str or None
        A channel type, or channel names. Stimulus, EOG and other such channels
        are left out unless named.
    name : str, default="raw"

    Returns
    -------
    trials : Trials
        In SI units; ``metadata["onset"]`` is the event's time in seconds from the
        start of the recording.

    Raises
    ------
    ValueError
        If an event does not occur, channel types are mixed, a channel looks like a
        trigger, or no trial is left.
    """
    recipe = as_recipe(recipe)
    if not isinstance(raw, mne.io.BaseRaw):
        raise ValueError(
            f"raw is {type(raw).__name__}; read the file with mne.io.read_raw, or use "
            "trials_from_epochs or trials_from_arrays."
        )
    raw = rework_recording(raw, recipe)
    index = pick_channels(raw.info, picks)
    if picks is None or isinstance(picks, str):
        _refuse_triggers_in(raw, index)
    events, codes = find_events(raw, event_id, events)
    rows = range(len(events)) if metadata is None else None
    table = pd.DataFrame(metadata, index=rows)
    if len(table) != len(events):
        raise ValueError(
            f"metadata has {len(table)} rows for {len(events)} events; give one each."
        )
    names = [raw.ch_names[i] for i in index]
    epochs = recipe.without_channel_steps().epochs(
        _only(raw, names, recipe), events, codes, picks=names
    )
    table = table.iloc[epochs.selection].reset_index(drop=True)
    table["onset"] = (events[epochs.selection, 0] - raw.first_samp) / raw.info["sfreq"]
    labels = {code: label for label, code in codes.items()}
    y = np.array([labels[code] for code in epochs.events[:, 2]])
    table = origin_table(len(epochs), table, subject=subject, session=session, run=run)
    return _of_epochs(epochs, y, table, names, recipe, name, copy=False)


def _refuse_triggers_in(raw, index):
    """As ``refuse_triggers``, reading of the recording as little as tells."""
    unsure, step = list(index), int(_SCAN_SECONDS * raw.info["sfreq"]) + 1
    for start in range(0, raw.n_times, step):
        if not unsure:
            return
        block = raw.get_data(unsure, start, min(start + step, raw.n_times))
        signals = zip(unsure, block, strict=True)
        unsure = [i for i, signal in signals if not takes_many_values(signal)]
    if unsure:
        refuse_triggers(
            raw.get_data(picks=unsure)[np.newaxis],
            mne.pick_info(raw.info, unsure),
            refuse_constant=True,
        )


def _only(raw, names, recipe):
    """The channels asked for, and those of other kinds that ``reject`` looks at.

    Rejection then sees what a decoder will see: a channel that was asked for counts
    although it is marked bad, and one that was not does not.
    """
    limits = set(recipe.reject or ()) - set(BRAIN_TYPES)
    types = zip(raw.ch_names, raw.get_channel_types(), strict=True)
    watched = [n for n, kind in types if kind in limits and n not in names]
    part = raw.copy().pick([*names, *watched], verbose=False)
    part.info["bads"] = [name for name in part.info["bads"] if name not in names]
    return part


def origin_table(n_trials, metadata, **origin):
    """Metadata with subject, session and run first: given, in metadata, or default."""
    table = (
        pd.DataFrame(index=range(n_trials))
        if metadata is None
        else pd.DataFrame(metadata).reset_index(drop=True)
    )
    if len(table) != n_trials:
        raise ValueError(
            f"metadata has {len(table)} rows but there are {n_trials} trials; give one "
            "row each."
        )
    first = {}
    for column, default in (("subject", 1), ("session", "0"), ("run", "0")):
        value = origin.get(column)
        if value is None:
            value = table[column] if column in table else default
        if np.ndim(value):
            # As an array: pandas would align a Series by its index.
            value = np.asarray(value)
            if len(value) != n_trials:
                raise ValueError(
                    f"{column} has {len(value)} entries but there are {n_trials} "
                    "trials; give one each, or a single value."
                )
        first[column] = value
    return table.drop(columns=list(first), errors="ignore").assign(**first)[
        [*first, *(column for column in table if column not in first)]
    ]


def as_dict(recipe):
    """A recipe as plain values; None and dictionaries pass."""
    return recipe.to_dict() if hasattr(recipe, "to_dict") else recipe

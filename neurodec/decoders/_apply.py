"""A model applied: what is asked, and the table of answers."""

import functools

import mne
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ..datasets.readers import trials_from_arrays, trials_from_epochs
from ..datasets.trials import Trials
from ._binding import call_with_metadata, reproducible
from ._recordings import ROWS, events_of, sliding_onsets, windows

_ZERO_PHASE = (
    "the recipe's filter is zero-phase: an answer rests on samples after its window, "
    "which a live decoder would not have; a model for that is fitted with "
    "phase='causal' in the recipe"
)


def questions_of_recording(form, raw, event_id, events, step, window, skip):
    """Rows of the table for the events or windows of a recording.

    Parameters
    ----------
    form : TrialFormat
    raw : mne.io.BaseRaw
    event_id, events, step, window, skip
        As of ``Model.apply``.

    Returns
    -------
    table : DataFrame
        ``onset``, ``time`` and, for events, ``event``.
    parts : callable
        With ``whole``: yields blocks of trials.
    notes : list of str

    Raises
    ------
    ValueError
        If it is not said where the trials are.
    """
    recipe = form.recipe_for_recordings()
    told = event_id is not None or events is not None
    if told == (step is not None or window is not None):
        raise ValueError(
            "say where the trials of the recording are: either event_id (or events), "
            "or step for a sliding window; annotations here: "
            f"{sorted(set(map(str, raw.annotations.description)))}."
        )
    if told:
        samples, names = events_of(raw, events, event_id)
    else:
        samples, names = sliding_onsets(raw, form, window, step), None
    onsets = (samples - raw.first_samp) / raw.info["sfreq"]
    table = pd.DataFrame({"onset": onsets, "time": onsets + recipe.tmax})
    if names is not None:
        table["event"] = names
    notes = form.order_notes(raw.ch_names)
    if (recipe.band or recipe.notch) and recipe.phase == "zero":
        notes.append(_ZERO_PHASE)
    return table, functools.partial(windows, raw, form, samples, skip), notes


def questions_of_trials(form, data, prepared):
    """Rows of the table for trials or epochs.

    Parameters
    ----------
    form : TrialFormat
    data : Trials or mne.BaseEpochs
    prepared : bool or None
        As of ``Model.apply``.

    Returns
    -------
    table : DataFrame
        ``onset`` and ``time`` where the onset is known.
    parts : list of Trials
    notes : list of str

    Raises
    ------
    ValueError
        Naming what is not the model's, and the remedy.
    """
    trials = _as_trials(data, form)
    notes = form.order_notes(trials.ch_names)
    table = pd.DataFrame(index=range(len(trials)))
    if "onset" in trials.metadata:
        table["onset"] = trials.metadata["onset"].to_numpy()
        table["time"] = table["onset"] + form.tmax
    if prepared is False:
        trials = _prepare(trials, form)
    else:
        if prepared is None:
            form.check_recipe(trials.recipe)
        trials = trials.pick(form.channels)
    form.check_rate(trials.sfreq, "trials")
    form.check_window(trials.tmin, trials.n_times)
    return table, [trials], notes


def _as_trials(data, form):
    """Trials or epochs as trials, if they have the model's channels."""
    if isinstance(data, Trials):
        form.check_channels(data.ch_names, data.info.get_channel_types(), "trials")
        return data
    if isinstance(data, mne.BaseEpochs):
        form.check_channels(data.ch_names, data.get_channel_types(), "epochs")
        return trials_from_epochs(data, np.zeros(len(data), int), picks=form.channels)
    raise ValueError(
        f"data is {type(data).__name__}, which does not tell its channels and rate; "
        "give a recording (mne.io.read_raw), epochs or Trials (trials_from_arrays)."
    )


def _prepare(trials, form):
    """The model's recipe, applied to each trial."""
    return trials_from_arrays(
        trials.X,
        trials.y,
        sfreq=trials.sfreq,
        ch_names=trials.ch_names,
        ch_types=trials.info.get_channel_types(),
        metadata=trials.metadata.assign(**{ROWS: range(len(trials))}),
        unit=trials.unit,
        tmin=trials.tmin,
        picks=form.channels,
        recipe=form.recipe_for_recordings(),
    )


def answer(model, form, table, parts, target, domain, any_amplitude):
    """The table with answers in the rows that have trials.

    Parameters
    ----------
    model : Model
    form : TrialFormat
    table : DataFrame
    parts : iterable of Trials
    target, domain, any_amplitude
        As of ``Model.apply``.

    Returns
    -------
    table : DataFrame
    """
    rows, answers = [], []
    for trials in parts:
        X = np.asarray(trials.X)
        if trials.unit != form.unit:
            X = X * (trials.unit / form.unit)
        if not any_amplitude:
            form.check_amplitude(X)
        answers.append(_respond(model, X, trials.metadata, target, domain))
        found = trials.metadata.get(ROWS)
        rows.append(np.arange(len(X)) if found is None else found.to_numpy())
    said = pd.concat(answers, ignore_index=True)
    said.index = np.concatenate(rows)
    if len(said) < len(table):
        said["predicted"] = said["predicted"].astype(object)
        said = said.reindex(table.index)
        said["predicted"] = said["predicted"].where(said["predicted"].notna(), None)
    return table.join(said)


def _respond(model, X, metadata, target, domain):
    """Labels and what grades them, for the trials of one part."""
    given = {"domains": [domain] * len(X)}
    if domain is None:
        # A third column, so that no default name is taken for one of training.
        origin = metadata[["subject", "session"]].assign(new=True)
        given = {"domains": origin.to_numpy(object)}
    if target != "none":
        given |= {"target": target, "order": metadata.get("onset")}
    said = {}
    with reproducible():
        codes = call_with_metadata(model.estimator, "predict", X, **given)
        for method in ("predict_proba", "decision_function"):
            if hasattr(model.estimator, method):
                graded = call_with_metadata(model.estimator, method, X, **given)
                said = _columns(method, np.asarray(graded), model.classes)
                break
        silent = _abstains(model.estimator, X, given)
    labels = model.classes[codes]
    if silent.any():
        labels = np.where(silent, None, labels.astype(object))
    return pd.DataFrame({"predicted": labels, **said})


def _abstains(estimator, X, given):
    """Where a decoder that may abstain does so."""
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not hasattr(last, "predict_or_abstain"):
        return np.zeros(len(X), bool)
    if last is not estimator and len(estimator) > 1:
        X = call_with_metadata(estimator[:-1], "transform", X, **given)
    return np.array([label is None for label in last.predict_or_abstain(X)])


def _columns(method, graded, classes):
    if method == "predict_proba":
        return {f"probability_{c}": graded[:, i] for i, c in enumerate(classes)}
    if graded.ndim == 1:
        return {f"decision_{classes[1]}": graded}
    return {f"decision_{c}": graded[:, i] for i, c in enumerate(classes)}

"""Evaluate pipelines on trials, fold by fold, keeping each row as it is computed."""

import datetime
import operator
from pathlib import Path

import joblib
import numpy as np
from sklearn.base import clone

from ..datasets.trials import Trials
from ..decoders import load_pipeline, pipeline_info
from ..decoders._binding import bind
from .chance import chance_level, majority_share
from .fitting import Part, fit_and_score
from .keys import library_versions
from .plan import domain_numbers, group_by_training, plan_tasks
from .protocols import Protocol, get_protocol
from .results import Results
from .scoring import check_scorers
from .store import ResultStore


def evaluate(
    trials,
    pipelines,
    protocols=("within-session",),
    *,
    seed=42,
    scoring=None,
    n_jobs=1,
    store=None,
    keep_copies=False,
    progress=None,
    description=None,
):
    """Score pipelines under protocols; finished rows of the store are not repeated.

    Parameters
    ----------
    trials : Trials
    pipelines : dict of name to estimator, list of str, or str
        Names are those of :func:`neurodec.decoders.list_pipelines`, or YAML files.
    protocols : list of str or Protocol, default=("within-session",)
        A name may hold a target after a colon, such as "cross-session:past".
    seed : int, default=42
        Of the folds, and of every ``random_state`` that a pipeline leaves at None.
    scoring : str, list of str or None, default=None
        scikit-learn scorers; the first is the main one. None is ROC-AUC for two
        classes (and balanced accuracy for Target and NonTarget), else accuracy.
    n_jobs : int, default=1
        Worker processes; each uses one BLAS thread.
    store : ResultStore, path or None, default=None
        Where rows are kept; None keeps them in memory.
    keep_copies : bool, default=False
        Leave trials in training that stand in the test part as well, as other tools
        do. Only to reproduce a published score.
    progress : callable or None, default=None
        Called with (done, total, row) after each fold and pipeline, and once with
        row None before the first.
    description : dict or None, default=None
        Kept with the run.

    Returns
    -------
    results : Results
        A row per fold and pipeline. One that failed holds its error instead of a
        score, and the others go on.

    Raises
    ------
    ValueError
        If the trials cannot be split so, a channel is constant, a name is unknown,
        or a pipeline's sampling rate is not that of the trials.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> results = evaluate(load("simulated", subjects=[1]), ["mdm"], ["cross-session"])
    >>> results.rows["status"].tolist()
    ['ok', 'ok']
    """
    if not isinstance(trials, Trials):
        raise ValueError(
            f"trials is {type(trials).__name__}; make Trials of it with "
            "neurodec.datasets.trials_from_arrays or trials_from_epochs."
        )
    seed = _check_seed(seed)
    pipelines = _prepare(pipelines, trials, seed)
    protocols = [protocols] if isinstance(protocols, str | Protocol) else protocols
    protocols = [get_protocol(protocol).for_trials(trials) for protocol in protocols]
    if not protocols:
        raise ValueError("no protocol; name at least one, such as 'cross-session'.")
    scorers = check_scorers(scoring or _default_scoring(trials.y))
    _check_scorable(scorers, trials.classes)
    _check_channels(trials)
    tasks = plan_tasks(trials, pipelines, protocols, scorers, seed, keep_copies)
    # Only now: a request that was refused leaves no file behind.
    store = store if isinstance(store, ResultStore) else ResultStore(store)
    finished = store.finished(tasks)
    todo = [task for key, task in tasks.items() if key not in finished]
    description = {"versions": library_versions(), **(description or {})}
    started = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    run = store.start_run(started, description) if todo else None
    done = len(finished)
    _report(progress, done, len(tasks), None)
    order = trials.metadata.groupby(["subject", "session"]).cumcount().to_numpy()
    for task, outcome in _outcomes(trials, pipelines, scorers, todo, seed, n_jobs):
        row, predictions = _row(task, outcome, trials, order, scorers, seed, run)
        store.add(row, predictions)
        done += 1
        _report(progress, done, len(tasks), row)
    return Results(store, list(tasks), {**description, "started": started})


def _outcomes(trials, pipelines, scorers, tasks, seed, n_jobs):
    """Pairs of task and outcome, as they come; one fit for each training part."""
    data = trials.X, trials.y, domain_numbers(trials.metadata)
    groups = group_by_training(tasks)
    calls = [
        (
            i,
            pipelines[group[0].pipeline],
            group[0].train,
            [Part.of(task.fold, task.protocol) for task in group],
        )
        for i, group in enumerate(groups)
    ]
    if n_jobs == 1 or len(groups) < 2:
        done = (_numbered(data, scorers, seed, *call) for call in calls)
    else:
        # joblib hands large arrays to its workers as one memory map, not as copies.
        done = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
            joblib.delayed(_numbered)(data, scorers, seed, *call) for call in calls
        )
    for i, outcomes in done:
        for j, pair in enumerate(zip(groups[i], outcomes, strict=True)):
            # The fit was paid for once.
            pair[1]["seconds_here"] = pair[1]["seconds"] if j == 0 else 0.0
            yield pair


def _numbered(data, scorers, seed, number, pipeline, train, parts):
    X, y, domains = data
    outcomes = fit_and_score(X, y, scorers, pipeline, train, parts, seed, domains)
    return number, outcomes


def _row(task, outcome, trials, order, scorers, seed, run):
    """The store's row and predictions of one outcome."""
    protocol, fold, test = task.protocol, task.fold, task.fold.test
    labels, n_classes = trials.y[test], len(trials.classes)
    scores = outcome.get("scores", {})
    chance, level, deviation = chance_level(scorers[0], labels, n_classes=n_classes)
    row = {
        "key": task.key,
        "run": run,
        "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "dataset": trials.name,
        "pipeline": task.pipeline,
        "protocol": protocol.name,
        "target": protocol.target,
        "transductive": int(protocol.transductive),
        "subject": _plain(fold.subject),
        "session": _plain(fold.session),
        "fold": fold.number,
        "seed": seed,
        "scoring": scorers[0],
        "score": scores.get(scorers[0]),
        "scores": scores,
        "chance": _finite(chance),
        "chance_level": _finite(level),
        "chance_deviation": _finite(deviation),
        "majority": majority_share(labels),
        "n_train": len(task.train),
        "n_test": len(test),
        "n_classes": n_classes,
        "n_channels": len(trials.ch_names),
        "time": outcome["seconds"],
        "time_shared": outcome["seconds_here"],
        "status": "failed" if "error" in outcome else "ok",
        "error": outcome.get("error"),
        "details": {
            "copies_removed": len(fold.train) - len(task.train),
            "warnings": outcome["warnings"],
            "where": outcome.get("where"),
            "classes": [_plain(c) for c in outcome.get("classes", [])],
        },
        "identity": task.identity,
    }
    if "error" in outcome:
        return row, None
    response = outcome["response"]
    return row, {
        "trial": order[test],
        "y_true": labels.astype(str),
        "y_pred": outcome["predicted"].astype(str),
        "response": np.empty((len(test), 0)) if response is None else response,
    }


def _prepare(pipelines, trials, seed):
    """Clones by name, told the trials' sampling rate and the seed."""
    if isinstance(pipelines, str | Path):
        pipelines = [pipelines]
    if not isinstance(pipelines, dict):
        # A file is known by the name that it holds, wherever it lies.
        wanted = list(dict.fromkeys(pipelines))
        names = [pipeline_info(name)["name"] for name in wanted]
        if len(set(names)) < len(names):
            raise ValueError(
                f"pipelines {list(map(str, wanted))} have the names {names}; give each "
                "its own name."
            )
        pipelines = dict(zip(names, map(load_pipeline, wanted), strict=True))
    if not pipelines:
        raise ValueError("no pipeline; name at least one.")
    return {
        name: bind(name, clone(pipeline), trials.sfreq, seed)
        for name, pipeline in pipelines.items()
    }


def _check_seed(seed):
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if isinstance(seed, bool) or number < 0:
        raise ValueError(f"seed is {seed!r}; give a whole number from 0.")
    return number


def _default_scoring(y):
    if set(map(str, np.unique(y))) == {"NonTarget", "Target"}:
        return ["roc_auc", "balanced_accuracy"]  # One class is rare.
    return "roc_auc" if len(np.unique(y)) == 2 else "accuracy"


def _check_scorable(scorers, classes):
    if "roc_auc" in scorers and len(classes) > 2:
        raise ValueError(
            f"roc_auc needs two classes and there are {len(classes)} "
            f"({', '.join(map(str, classes))}); use accuracy or roc_auc_ovr."
        )


def _check_channels(trials):
    spread = np.zeros(len(trials.ch_names))
    for trial in trials.X:
        spread = np.maximum(spread, np.ptp(trial, axis=-1))
    if (spread == 0).any():
        flat = [n for n, s in zip(trials.ch_names, spread, strict=True) if s == 0]
        raise ValueError(
            f"channels {flat} are constant in every trial (reference or dead "
            f"electrode?); use trials.drop({flat})."
        )


def _report(progress, done, total, row):
    if progress is not None:
        progress(done, total, row)


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _finite(value):
    return None if value is None or not np.isfinite(value) else float(value)

"""Evaluate pipelines on trials, fold by fold, keeping each row as it is computed."""

import datetime
import hashlib
import time
import traceback
import warnings

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.preprocessing import LabelEncoder
from threadpoolctl import threadpool_limits

from ..datasets.trials import Trials
from ..decoders import load_pipeline
from .chance import chance_level, majority_share
from .copies import drop_copies
from .keys import ALGORITHM, canonical, digest, library_series, library_versions
from .protocols import Protocol, get_protocol
from .results import Results
from .scoring import Responses, check_scorers
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
    seed : int, default=42
        Of the folds, and of every ``random_state`` that a pipeline leaves at None.
    scoring : str, list of str or None, default=None
        scikit-learn scorers; the first is the main one. None is ROC-AUC for two
        classes, else accuracy.
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
    pipelines = _prepare(pipelines, trials, seed)
    protocols = [protocols] if isinstance(protocols, str | Protocol) else protocols
    protocols = [get_protocol(protocol) for protocol in protocols]
    y, metadata = trials.y, trials.metadata
    scorers = check_scorers(scoring or _default_scoring(y))
    _check_scorable(scorers, trials.classes)
    _check_channels(trials)
    hashes = np.array(trials.signal_hashes())
    tasks = _plan(trials, hashes, pipelines, protocols, scorers, seed, keep_copies)
    # Only now: a request that was refused leaves no file behind.
    store = store if isinstance(store, ResultStore) else ResultStore(store)
    finished = store.finished(tasks)
    todo = [task for key, task in tasks.items() if key not in finished]
    run = store.start_run(
        datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        {"versions": library_versions(), **(description or {})},
    )
    done = len(finished)
    order = metadata.groupby(["subject", "session"]).cumcount().to_numpy()
    _report(progress, done, len(tasks), None)
    for task, outcome in _outcomes(trials.X, y, pipelines, scorers, todo, n_jobs):
        row, predictions = _row(task, outcome, trials, y, order, scorers, run)
        store.add(row, predictions)
        done += 1
        _report(progress, done, len(tasks), row)
    return Results(store, keys=list(tasks), description=store.run(run))


def _outcomes(X, y, pipelines, scorers, tasks, n_jobs):
    """Pairs of task and outcome, as they come."""
    parts = [
        (i, pipelines[task["pipeline"]], task["train"], task["test"])
        for i, task in enumerate(tasks)
    ]
    if n_jobs == 1 or len(tasks) < 2:
        outcomes = (_numbered(X, y, scorers, *part) for part in parts)
    else:
        # joblib hands large arrays to its workers as one memory map, not as copies.
        outcomes = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
            joblib.delayed(_numbered)(X, y, scorers, *part) for part in parts
        )
    for i, outcome in outcomes:
        yield tasks[i], outcome


def _numbered(X, y, scorers, number, pipeline, train, test):
    return number, fit_and_score(X, y, scorers, pipeline, train, test)


def fit_and_score(X, y, scorers, pipeline, train, test):
    """Fit a clone on the training part and score it on the test part.

    Parameters
    ----------
    X : array, shape (n_trials, n_channels, n_times)
    y : array, shape (n_trials,)
    scorers : list of str
    pipeline : estimator
    train, test : array of int
        Positions in ``X``.

    Returns
    -------
    outcome : dict
        scores, predicted, response, classes, seconds, warnings; or error.
    """
    started = time.perf_counter()
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            # As MOABB does: labels become 0 ... k-1 by the training labels alone.
            encoder = LabelEncoder().fit(y[train])
            estimator = clone(pipeline)
            started = time.perf_counter()
            estimator.fit(X[train], encoder.transform(y[train]))
            seconds = time.perf_counter() - started
            said = Responses(estimator, X[test])
            outcome = {
                "scores": said.score_all(encoder.transform(y[test]), scorers),
                "predicted": encoder.inverse_transform(said.predict()),
                "response": said.graded,
                "classes": encoder.classes_,
            }
        except Exception as error:  # Whatever a pipeline raises is its result.
            seconds = time.perf_counter() - started
            where = traceback.extract_tb(error.__traceback__)[-1]
            outcome = {
                "error": f"{type(error).__name__}: {error}",
                "where": f"{where.filename}:{where.lineno} in {where.name}",
            }
    outcome["seconds"] = seconds
    outcome["warnings"] = sorted({str(warning.message) for warning in caught})
    return outcome


def _plan(trials, hashes, pipelines, protocols, scorers, seed, keep_copies):
    """One task per fold and pipeline, by the key of its result."""
    y, metadata = trials.y, trials.metadata
    identities = np.array([f"{h}:{label}" for h, label in zip(hashes, y, strict=True)])
    same = {
        "algorithm": ALGORITHM,
        "recipe": trials.recipe,
        "seed": seed,
        "scoring": scorers,
        "libraries": library_series(),
    }
    plain = {name: canonical(pipeline) for name, pipeline in pipelines.items()}
    tasks = {}
    for protocol in protocols:
        for fold in protocol.folds(y, metadata, seed):
            train = fold.train
            if not keep_copies:
                train = drop_copies(train, fold.test, hashes)
            shared = {
                **same,
                "protocol": protocol.to_dict(),
                "fold": [str(fold.subject), str(fold.session), fold.number],
                "train": _digest_of(identities[train]),
                "test": _digest_of(identities[fold.test]),
            }
            for name, parameters in plain.items():
                identity = {**shared, "pipeline": parameters}
                tasks[digest([name, trials.name, identity])] = {
                    "identity": identity,
                    "protocol": protocol,
                    "fold": fold,
                    "train": train,
                    "test": fold.test,
                    "pipeline": name,
                    "seed": seed,
                }
    return {key: {**task, "key": key} for key, task in tasks.items()}


def _digest_of(identities):
    return hashlib.sha256("\n".join(identities).encode()).hexdigest()


def _row(task, outcome, trials, y, order, scorers, run):
    """The store's row and predictions of one outcome."""
    protocol, fold, test = task["protocol"], task["fold"], task["test"]
    scores = outcome.get("scores", {})
    chance, level, deviation = chance_level(scorers[0], y[test])
    row = {
        "key": task["key"],
        "run": run,
        "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "dataset": trials.name,
        "pipeline": task["pipeline"],
        "protocol": protocol.name,
        "target": protocol.target,
        "transductive": int(protocol.transductive),
        "subject": _plain(fold.subject),
        "session": _plain(fold.session),
        "fold": fold.number,
        "seed": task["seed"],
        "scoring": scorers[0],
        "score": scores.get(scorers[0]),
        "scores": scores,
        "chance": _finite(chance),
        "chance_level": _finite(level),
        "chance_deviation": _finite(deviation),
        "majority": majority_share(y[test]),
        "n_train": len(task["train"]),
        "n_test": len(test),
        "n_classes": len(np.unique(y[test])),
        "n_channels": len(trials.ch_names),
        "time": outcome["seconds"],
        "time_shared": outcome["seconds"],
        "status": "failed" if "error" in outcome else "ok",
        "error": outcome.get("error"),
        "details": {
            "copies_removed": len(fold.train) - len(task["train"]),
            "warnings": outcome["warnings"],
            "where": outcome.get("where"),
            "classes": [_plain(c) for c in outcome.get("classes", [])],
        },
        "identity": task["identity"],
    }
    if "error" in outcome:
        return row, None
    response = outcome["response"]
    return row, {
        "trial": order[test],
        "y_true": y[test].astype(str),
        "y_pred": outcome["predicted"].astype(str),
        "response": np.empty((len(test), 0)) if response is None else response,
    }


def _prepare(pipelines, trials, seed):
    """Clones by name, told the trials' sampling rate and the seed."""
    if isinstance(pipelines, str):
        pipelines = [pipelines]
    if not isinstance(pipelines, dict):
        pipelines = {str(name): load_pipeline(name) for name in pipelines}
    if not pipelines:
        raise ValueError("no pipeline; name at least one.")
    return {
        name: _bind(name, clone(pipeline), trials.sfreq, seed)
        for name, pipeline in pipelines.items()
    }


def _bind(name, pipeline, sfreq, seed):
    for key, value in sorted(pipeline.get_params().items()):
        last = key.rsplit("__", 1)[-1]
        if last == "random_state" and value is None:
            pipeline.set_params(**{key: seed})
        elif last == "sfreq" and value is None:
            pipeline.set_params(**{key: sfreq})
        elif last == "sfreq" and value != sfreq:
            raise ValueError(
                f"pipeline {name!r} has {key}={value:g} Hz but the trials have "
                f"{sfreq:g} Hz; set {key} to {sfreq:g}, or to None to take the trials' "
                "rate."
            )
    return pipeline


def _default_scoring(y):
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

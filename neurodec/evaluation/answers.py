"""What the kept answers to test trials tell: confusions, recall, probabilities."""

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from .._names import natural_key
from .intervals import bootstrap_interval
from .subjects import checked_rows, one_protocol


def confusion_counts(results, pipeline, protocol=None, *, subject=None):
    """Confusion matrix of a pipeline over all its test folds, without fitting again.

    Parameters
    ----------
    results : Results
    pipeline : str
    protocol : str or None, default=None
        None where there is only one.
    subject : int, str or None, default=None
        None is all.

    Returns
    -------
    counts : DataFrame, shape (n_classes, n_classes)
        Trials by true (rows) and predicted class (columns), in natural order. Empty if
        no fold has predicted labels.

    Raises
    ------
    ValueError
        If there is no such pipeline, protocol or subject.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1])
    >>> results = evaluate(trials, ["mdm"], ["cross-session"])
    >>> int(confusion_counts(results, "mdm").to_numpy().sum())
    80
    """
    answers = pd.concat(
        [pd.DataFrame(columns=["y_true", "y_pred"], dtype=str)]
        + [
            pd.DataFrame(
                {name: kept[name].astype(str) for name in ("y_true", "y_pred")}
            )
            for _, kept in kept_answers(results, pipeline, protocol, subject)
        ]
    )
    return _count(answers["y_true"], answers["y_pred"])


def _count(y_true, y_pred, labels=None):
    if labels is None:
        labels = sorted({*y_true, *y_pred}, key=natural_key)
    code = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, ([code[y] for y in y_true], [code[y] for y in y_pred]), 1)
    return pd.DataFrame(
        counts, pd.Index(labels, name="true"), pd.Index(labels, name="predicted")
    )


def class_recall(
    results, pipeline, protocol=None, *, confidence=0.95, n_resamples=9999, seed=42
):
    """Share of each class that is found, with an interval over subjects.

    Parameters
    ----------
    results : Results
    pipeline : str
    protocol : str or None, default=None
        None where there is only one.
    confidence : float, default=0.95
    n_resamples : int, default=9999
    seed : int, default=42

    Returns
    -------
    recall : DataFrame
        A row per true class: recall (mean over subjects of the mean over sessions),
        low, high (:func:`bootstrap_interval`; NaN for one subject), n_subjects and
        n_trials.

    Raises
    ------
    ValueError
        If there is no such pipeline or protocol, or no fold has predicted labels.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1])
    >>> results = evaluate(trials, ["mdm"], ["cross-session"])
    >>> class_recall(results, "mdm")["n_trials"].to_dict()
    {'left_hand': 40, 'right_hand': 40}
    """
    tables = [
        pd.DataFrame(
            {
                "dataset": row["dataset"],
                "subject": row["subject"],
                "session": row["session"],
                "class": kept["y_true"].astype(str),
                "found": kept["y_true"].astype(str) == kept["y_pred"].astype(str),
            }
        )
        for row, kept in kept_answers(results, pipeline, protocol)
    ]
    if not tables:
        raise ValueError(
            f"no predicted labels of pipeline {pipeline!r} are kept; see the failed "
            "folds in results.rows."
        )
    found = pd.concat(tables)
    unit = ["dataset", "subject", "class"]
    sessions = found.groupby([*unit, "session"])["found"].mean()
    wide = sessions.groupby(unit).mean().unstack("class")
    wide = wide[sorted(wide.columns, key=natural_key)]
    low, high = bootstrap_interval(
        wide.to_numpy(), confidence, n_resamples=n_resamples, seed=seed
    )
    return pd.DataFrame(
        {
            "recall": wide.mean(),
            "low": low.clip(0, 1),
            "high": high.clip(0, 1),
            "n_subjects": wide.count(),
            "n_trials": found["class"].value_counts().reindex(wide.columns),
        }
    )


def kept_probabilities(
    results, pipeline, protocol=None, *, subject=None, response="probabilities"
):
    """Class probabilities of all test trials, from the kept responses.

    Parameters
    ----------
    results : Results
    pipeline : str
    protocol : str or None, default=None
        None where there is only one.
    subject : int, str or None, default=None
        None is all.
    response : {"probabilities", "log-odds"}, default="probabilities"
        What is kept: a classifier's ``decision_function`` where it has one, else its
        ``predict_proba``. The first is log odds for linear discriminant analysis and
        logistic regression, and "log-odds" turns them into the same probabilities. For
        other classifiers, such as a support vector machine, it is no such thing.

    Returns
    -------
    y : ndarray of str, shape (n_trials,)
    probabilities : ndarray, shape (n_trials, n_classes)
    classes : ndarray of str, shape (n_classes,)

    Raises
    ------
    ValueError
        If the responses are not probabilities, or a name is unknown.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1])
    >>> results = evaluate(trials, ["csp-lda"], ["cross-session"])
    >>> y, p, classes = kept_probabilities(results, "csp-lda", response="log-odds")
    >>> p.shape, classes.tolist()
    ((80, 2), ['left_hand', 'right_hand'])
    """
    if response not in ("probabilities", "log-odds"):
        raise ValueError(
            f"response is {response!r}; choose one of probabilities, log-odds."
        )
    parts, order = [], {}
    for row, kept in kept_answers(results, pipeline, protocol, subject):
        classes = [str(label) for label in row["details"]["classes"]]
        order.update(dict.fromkeys(classes))
        values = np.asarray(kept.get("response", np.empty((len(kept["y_true"]), 0))))
        if response == "log-odds":
            values = _from_log_odds(values, len(classes))
        _check_probabilities(values, len(classes), pipeline, response)
        parts.append(
            (kept["y_true"].astype(str), pd.DataFrame(values, columns=classes))
        )
    if not parts:
        raise ValueError(
            f"no responses of pipeline {pipeline!r} are kept; see the failed folds in "
            "results.rows."
        )
    y = np.concatenate([y for y, _ in parts])
    table = pd.concat([table for _, table in parts])[list(order)]
    return y, table.fillna(0).to_numpy(), np.array(list(order))


def _from_log_odds(values, n_classes):
    if values.ndim == 1 and n_classes == 2:
        return np.column_stack([expit(-values), expit(values)])
    return softmax(values, axis=1) if values.shape[1:] == (n_classes,) else values


def _check_probabilities(values, n_classes, pipeline, response):
    if values.shape[1:] == (0,):
        raise ValueError(
            f"pipeline {pipeline!r} gives labels only (shape {values.shape}); end it "
            "in a classifier with predict_proba, or use CalibratedPipeline."
        )
    fits = values.ndim == 2 and values.shape[1] == n_classes and (values >= 0).all()
    if not fits or np.abs(values.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError(
            f"responses of pipeline {pipeline!r} are decision values from "
            f"{values.min():.3g} to {values.max():.3g}, not probabilities; pass "
            "response='log-odds' if they are that (linear discriminant analysis, "
            "logistic regression), else use CalibratedPipeline."
        )


def kept_answers(results, pipeline, protocol=None, subject=None):
    """Pairs of row and kept answers, of the folds that were finished."""
    if not hasattr(results, "predictions"):
        raise ValueError(
            f"results is {type(results).__name__}, which keeps no answers; pass "
            "Results."
        )
    rows = one_protocol(checked_rows(results), protocol)
    for column, wanted in (("pipeline", pipeline), ("subject", subject)):
        if wanted is not None:
            known = list(rows[column].unique())
            rows = rows[rows[column] == wanted]
            if not len(rows):
                raise ValueError(
                    f"no rows of {column} {wanted!r}; choose one of {known}."
                )
    for row in rows[~rows["failed"]].to_dict("records"):
        kept = results.predictions(row["key"])
        if kept is not None and kept.get("y_pred") is not None:
            yield row, {name: np.asarray(value) for name, value in kept.items()}

"""What can be said of one subject: an interval over its trials."""

import numpy as np

from .answers import kept_answers
from .intervals import check_share
from .statistics import check_whole

_SCORERS = ("accuracy", "balanced_accuracy", "roc_auc")
_AT_ONCE = 2_000_000  # numbers drawn in one go


def trial_interval(
    results,
    pipeline,
    protocol=None,
    *,
    subject=None,
    confidence=0.95,
    n_resamples=1999,
    seed=42,
):
    """Interval of one subject's score over that subject's trials.

    The fitted classifiers stay as they are; test trials are drawn with replacement
    within each fold and class. The interval says how well the score is known for
    further trials of this person in these sessions. It says nothing of other people,
    and trials that resemble their neighbours make it too short.

    Parameters
    ----------
    results : Results
        Scored by accuracy, balanced_accuracy or roc_auc.
    pipeline : str
    protocol : str or None, default=None
        None where there is only one.
    subject : int, str or None, default=None
        None where there is only one.
    confidence : float, default=0.95
    n_resamples : int, default=1999
    seed : int, default=42

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If there are several subjects and none is named, another scorer was used, or
        its responses were not kept.

    References
    ----------
    Rao, J. N. K. and Wu, C. F. J. (1988). Resampling inference with complex survey
    data. Journal of the American Statistical Association 83, 231-241. One trial fewer
    is drawn than there are, which makes small classes vary as much as they should.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1])
    >>> results = evaluate(trials, ["mdm"], ["cross-session"])
    >>> low, high = trial_interval(results, "mdm")
    >>> bool(low < results.rows["score"].mean() < high)
    True
    """
    tail = (1 - check_share("confidence", confidence)) / 2
    n_resamples = check_whole("n_resamples", n_resamples, least=int(np.ceil(2 / tail)))
    folds = list(kept_answers(results, pipeline, protocol, subject))
    found = list(dict.fromkeys((row["dataset"], row["subject"]) for row, _ in folds))
    if len(found) != 1:
        raise ValueError(
            f"pipeline {pipeline!r} has answers of {len(found)} subjects "
            f"({[subject for _, subject in found[:5]]}); name one with subject=."
        )
    rng = np.random.default_rng(seed)
    sessions = {}
    for row, kept in folds:
        scores = _resampled_scores(row, kept, n_resamples, rng)
        sessions.setdefault(row["session"], []).append(scores)
    means = np.mean([np.mean(scores, axis=0) for scores in sessions.values()], axis=0)
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def _resampled_scores(row, kept, n_resamples, rng):
    """The score of one fold on resampled test trials, shape (n_resamples,)."""
    scoring, y = row["scoring"], kept["y_true"].astype(str)
    if scoring not in _SCORERS:
        raise ValueError(
            f"no interval over trials for {scoring}; score by one of "
            f"{', '.join(_SCORERS)}."
        )
    if scoring == "roc_auc":
        return _resampled_auc(y, *_graded(row, kept), n_resamples, rng)
    labels, counts = np.unique(y, return_counts=True)
    right = y == kept["y_pred"].astype(str)
    # Resampled with replacement, the number of right answers is binomial.
    drawn = np.maximum(counts - 1, 1)
    recalls = [
        rng.binomial(n, right[y == label].mean(), n_resamples) / n
        for label, n in zip(labels, drawn, strict=True)
    ]
    weights = counts if scoring == "accuracy" else None
    return np.average(recalls, axis=0, weights=weights)


def _graded(row, kept):
    """The positive class, and one number per trial that is larger for it."""
    values = np.asarray(kept.get("response", np.empty((0, 0))))
    classes = row["details"]["classes"] if values.size else []
    if len(classes) != 2:
        raise ValueError(
            f"ROC-AUC over trials needs the responses of two classes and there are "
            f"{len(classes)}; evaluate with a classifier that has decision_function or "
            "predict_proba."
        )
    return str(classes[1]), values if values.ndim == 1 else values[:, -1]


def _resampled_auc(y, positive, graded, n_resamples, rng):
    order = np.argsort(graded, kind="stable")
    is_positive = (y == positive)[order]
    starts = np.flatnonzero(np.r_[True, np.diff(graded[order]) > 0])
    n_at_once = max(1, _AT_ONCE // len(y))
    areas = []
    for first in range(0, n_resamples, n_at_once):
        size = min(n_at_once, n_resamples - first)
        hits, misses = (
            np.add.reduceat(_shares_drawn(part, size, rng), starts, axis=1)
            for part in (is_positive, ~is_positive)
        )
        # Equal responses count half.
        areas.append((hits * (np.cumsum(misses, axis=1) - misses / 2)).sum(axis=1))
    return np.concatenate(areas)


def _shares_drawn(part, size, rng):
    n = int(part.sum())
    drawn = max(n - 1, 1)
    shares = np.zeros((size, len(part)))
    shares[:, part] = rng.multinomial(drawn, np.full(n, 1 / n), size=size) / drawn
    return shares

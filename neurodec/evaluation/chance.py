"""What a score is worth when nothing was learned."""

import numpy as np
from moabb.analysis.chance_level import adjusted_chance_level
from scipy.stats import norm


def chance_level(scoring, labels, alpha=0.05, *, n_classes=None):
    """Chance, and the score that guessing exceeds with probability ``alpha``.

    Parameters
    ----------
    scoring : str
        "accuracy" (binomial; Combrisson & Jerbi 2015), "balanced_accuracy" (sum of
        binomials, normal approximation) or "roc_auc" (Mann-Whitney statistic, normal
        approximation). Others have no known chance level.
    labels : array, shape (n_test,)
        Labels of the test trials.
    alpha : float, default=0.05
    n_classes : int or None, default=None
        That a decoder chooses from, where the test trials lack some.

    Returns
    -------
    chance : float
        Expected score of guessing without looking; nan if unknown.
    level : float
        Chance adjusted for the number of trials; nan if unknown.
    deviation : float
        Standard deviation of a guessing score; nan if unknown.

    Examples
    --------
    >>> chance, level, _ = chance_level("roc_auc", ["left"] * 60 + ["right"] * 60)
    >>> chance, round(level, 3)
    (0.5, 0.587)
    """
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    n_classes, n_trials = n_classes or len(counts), int(counts.sum())
    if scoring not in _DEVIATIONS or n_classes < 2:
        return np.nan, np.nan, np.nan
    if scoring == "roc_auc" and n_classes > 2:
        return np.nan, np.nan, np.nan
    chance = 0.5 if scoring == "roc_auc" else 1 / n_classes
    deviation = float(_DEVIATIONS[scoring](counts, chance))
    if scoring == "accuracy":
        level = float(adjusted_chance_level(n_classes, n_trials, alpha))
    else:
        level = min(1.0, chance + float(norm.isf(alpha)) * deviation)
    return chance, level, deviation


def pooled_chance_level(chances, deviations, weights, alpha=0.05):
    """The adjusted chance level of a weighted mean over separate test parts.

    Parameters
    ----------
    chances, deviations, weights : array, shape (n_parts,)
        The weights sum to one.
    alpha : float, default=0.05

    Returns
    -------
    level : float
        nan if any part's is unknown.

    Examples
    --------
    >>> round(pooled_chance_level([0.5, 0.5], [0.06, 0.06], [0.5, 0.5]), 3)
    0.57
    """
    chances, deviations = np.asarray(chances, float), np.asarray(deviations, float)
    weights = np.asarray(weights, float)
    spread = np.sqrt(np.sum((weights * deviations) ** 2))
    level = np.sum(weights * chances) + norm.isf(alpha) * spread
    return float(np.minimum(1.0, level))  # Python's min() would hide a nan.


def majority_share(labels):
    """Share of the largest class: the accuracy of always answering it."""
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    return float(counts.max() / counts.sum())


def _accuracy_deviation(counts, p):
    return np.sqrt(p * (1 - p) / counts.sum())


def _balanced_accuracy_deviation(counts, p):
    return np.sqrt(np.sum(p * (1 - p) / counts)) / len(counts)


def _roc_auc_deviation(counts, p):
    # Variance of the Mann-Whitney statistic under the null, without ties.
    return np.sqrt((counts.sum() + 1) / (12 * counts.prod()))


_DEVIATIONS = {
    "accuracy": _accuracy_deviation,
    "balanced_accuracy": _balanced_accuracy_deviation,
    "roc_auc": _roc_auc_deviation,
}

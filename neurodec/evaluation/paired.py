"""Paired tests of two decoders on the same trials."""

import typing

import numpy as np
from scipy.stats import binomtest, norm, rankdata

ALTERNATIVES = ("two-sided", "greater", "less")


class PairedTest(typing.NamedTuple):
    """What a paired test gives.

    Attributes
    ----------
    difference : float
        Score of the first decoder minus that of the second.
    pvalue : float
        Of the null that the expected scores are equal.
    """

    difference: float
    pvalue: float


def delong_test(y, first, second, *, groups=None, alternative="two-sided"):
    """DeLong's test of two ROC-AUCs on the same trials [1]_.

    With several test sets, each with its own fitted decoder, ROC-AUCs are taken within
    the sets, since decision values of different fits cannot be compared. Differences
    are averaged with the sets' sizes as weights; their variances add up, as test sets
    do not share trials.

    Parameters
    ----------
    y : array, shape (n_trials,)
        Two labels; the larger is the positive class.
    first, second : array, shape (n_trials,)
        Decision values of both decoders.
    groups : array, shape (n_trials,), or None
        The test set of each trial; None is one for all.
    alternative : {"two-sided", "greater", "less"}
        "greater" asks whether the first decoder is better.

    Returns
    -------
    result : PairedTest

    Raises
    ------
    ValueError
        If lengths differ, a value is not finite, the alternative is unknown, or a test
        set has fewer than two trials of a class.

    References
    ----------
    .. [1] DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988). Comparing the
       areas under two or more correlated receiver operating characteristic curves: a
       nonparametric approach. Biometrics 44, 837-845.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 1, 1]
    >>> round(delong_test(y, [1, 2, 3, 4, 5, 6], [1, 5, 3, 4, 2, 6]).difference, 3)
    0.333
    """
    y, first, second = (np.asarray(values) for values in (y, first, second))
    _check(alternative, y, first, second)
    labels = np.unique(y)
    if len(labels) != 2:
        raise ValueError(f"y holds {len(labels)} labels; a ROC-AUC needs two")
    groups = np.zeros(len(y)) if groups is None else np.asarray(groups)
    if len(groups) != len(y):
        raise ValueError(f"groups has {len(groups)} entries for {len(y)} trials")
    names, members = np.unique(groups, return_inverse=True)
    weights = np.bincount(members) / len(y)
    difference = variance = 0.0
    for number, weight in enumerate(weights):
        rows = members == number
        positive = y[rows] == labels[1]
        if min(positive.sum(), (~positive).sum()) < 2:
            negative, larger = labels.tolist()
            raise ValueError(
                f"test set {names.tolist()[number]!r} has {positive.sum()} trials of "
                f"{larger!r} and {(~positive).sum()} of {negative!r}; two of each are "
                "needed: use fewer folds"
            )
        parts = [
            a - b
            for a, b in zip(
                _placements(first[rows], positive),
                _placements(second[rows], positive),
                strict=True,
            )
        ]
        difference += weight * parts[0].mean()
        variance += weight**2 * sum(part.var(ddof=1) / len(part) for part in parts)
    # Decoders that order all trials alike differ by nothing, for certain.
    z = 0.0 if difference == 0 else difference / max(np.sqrt(variance), 1e-300)
    pvalue = {
        "two-sided": 2 * norm.sf(abs(z)),
        "greater": norm.sf(z),
        "less": norm.cdf(z),
    }[alternative]
    return PairedTest(float(difference), float(pvalue))


def _placements(response, positive):
    """Share of the other class that lies below each positive, above each negative."""
    n_positive, n_negative = positive.sum(), (~positive).sum()
    ranks = rankdata(response)
    above = ranks[positive] - rankdata(response[positive])
    below = ranks[~positive] - rankdata(response[~positive])
    return above / n_negative, 1 - below / n_positive


def mcnemar_test(first, second, *, alternative="two-sided"):
    """McNemar's exact test of two accuracies on the same trials [1]_.

    Parameters
    ----------
    first, second : array of bool, shape (n_trials,)
        Whether each decoder is right.
    alternative : {"two-sided", "greater", "less"}
        "greater" asks whether the first decoder is better.

    Returns
    -------
    result : PairedTest

    Raises
    ------
    ValueError
        If lengths differ, or the alternative is unknown.

    References
    ----------
    .. [1] McNemar, Q. (1947). Note on the sampling error of the difference between
       correlated proportions or percentages. Psychometrika 12, 153-157.

    Examples
    --------
    >>> right = [True] * 12
    >>> mcnemar_test(right, [False] * 6 + [True] * 6).pvalue
    0.03125
    """
    first, second = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    _check(alternative, first, second)
    gains, losses = np.sum(first & ~second), np.sum(second & ~first)
    difference = float((gains - losses) / len(first))
    if gains + losses == 0:
        return PairedTest(difference, 1.0)
    test = binomtest(int(gains), int(gains + losses), alternative=alternative)
    return PairedTest(difference, float(test.pvalue))


def _check(alternative, *arrays):
    if alternative not in ALTERNATIVES:
        raise ValueError(
            f"alternative is {alternative!r}; use one of {', '.join(ALTERNATIVES)}"
        )
    lengths = [len(values) for values in arrays]
    if len(set(lengths)) > 1 or not lengths[0]:
        raise ValueError(
            f"there are {', '.join(map(str, lengths))} values; give one per trial of "
            "the same trials"
        )
    for values in arrays:
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError("a decision value is NaN or infinite; leave that fold out")

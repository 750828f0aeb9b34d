"""Paired tests and effect sizes over subjects: pure functions on arrays.

A NaN is a subject without a value. Columns of a two-dimensional array are treated one
by one.
"""

import numpy as np
from scipy.special import gammaln

# All 2**n patterns of signs are gone through up to here.
EXACT_SUBJECTS = 16
ALTERNATIVES = ("two-sided", "greater", "less")


def sign_flip_test(
    differences, alternative="two-sided", *, n_resamples=9999, seed=42, exact=None
):
    """Permutation test of paired differences: their signs are as good as any others.

    Without a difference between two pipelines each subject's difference could as well
    have the other sign. The p-value is the share of all patterns of signs under which
    the mean is at least as far from zero as it is.

    Parameters
    ----------
    differences : array-like, shape (n_subjects,) or (n_subjects, n_columns)
        One difference per subject.
    alternative : {"two-sided", "greater", "less"}, default="two-sided"
        "greater": the mean difference is above zero.
    n_resamples : int, default=9999
        Random patterns, where not all are gone through.
    seed : int, default=42
        Of the random patterns.
    exact : bool or None, default=None
        Go through all patterns; None does so for up to 16 subjects. Otherwise the
        p-value is (b + 1) / (n_resamples + 1), with b patterns at least as extreme:
        never 0.

    Returns
    -------
    p : float, or ndarray of shape (n_columns,)
        NaN without any subject. See :func:`least_p_value` for the least that there is.

    Raises
    ------
    ValueError
        If a value is infinite or a parameter is out of range.

    References
    ----------
    Phipson, B. and Smyth, G. K. (2010). Permutation p-values should never be zero.
    Statistical Applications in Genetics and Molecular Biology 9, 39.

    Examples
    --------
    >>> sign_flip_test([0.02, 0.05, 0.01, 0.04, 0.03])
    0.0625
    >>> sign_flip_test([0.02, 0.05, 0.01, 0.04, 0.03], "greater")
    0.03125
    """
    columns = as_columns(differences, "differences")
    _check_alternative(alternative)
    n_resamples = check_whole("n_resamples", n_resamples)
    p = np.full(columns.shape[1], np.nan)
    for i, column in enumerate(columns.T):
        d = column[~np.isnan(column)] * (-1 if alternative == "less" else 1)
        if len(d) == 0:
            continue
        if _check_exact(exact, len(d)):
            sums = _all_sums(d)
        else:
            rng = np.random.default_rng(seed)
            sums = rng.choice([-1.0, 1.0], size=(n_resamples, len(d))) @ d
            sums = np.append(sums, d.sum())  # The pattern that was found: no p of 0.
        # Sums that differ by rounding alone are equal.
        least = abs(d.sum()) if alternative == "two-sided" else d.sum()
        sums = np.abs(sums) if alternative == "two-sided" else sums
        p[i] = np.mean(sums >= least - 1e-9 * np.abs(d).sum())
    return p if np.ndim(differences) == 2 else float(p[0])


def _all_sums(d):
    """Sums of the values under all patterns of signs, shape (2**n,)."""
    sums = np.zeros(1)
    for value in d:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def least_p_value(n_subjects, alternative="two-sided", *, n_resamples=9999):
    """The least p-value that :func:`sign_flip_test` can give, however large the effect.

    Parameters
    ----------
    n_subjects : int
    alternative : {"two-sided", "greater", "less"}, default="two-sided"
    n_resamples : int, default=9999

    Returns
    -------
    p : float

    Raises
    ------
    ValueError
        If there is no subject or no such alternative.

    Examples
    --------
    >>> least_p_value(5), least_p_value(5, "greater")
    (0.0625, 0.03125)
    """
    n_subjects = check_whole("n_subjects", n_subjects)
    _check_alternative(alternative)
    if n_subjects > EXACT_SUBJECTS:
        return 1 / (check_whole("n_resamples", n_resamples) + 1)
    return (2 if alternative == "two-sided" else 1) / 2**n_subjects


def holm(p_values):
    """p-values corrected for their number by Holm's step-down method.

    Rejecting where the corrected value is at most alpha, the chance of one or more
    wrong rejections is at most alpha, however the tests depend on each other.

    Parameters
    ----------
    p_values : array-like, shape (n_tests,)
        NaN is a test that could not be done: it counts for nothing and stays NaN.

    Returns
    -------
    corrected : ndarray, shape (n_tests,)

    Raises
    ------
    ValueError
        If a p-value does not lie between 0 and 1.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure.
    Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    outside = p[(p < 0) | (p > 1)]
    if p.ndim != 1 or len(outside):
        raise ValueError(
            f"p_values have shape {p.shape} and hold {outside.tolist() or 'no'} values "
            "outside 0 to 1; give one list of p-values."
        )
    corrected = np.full(p.shape, np.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(steps))
    return corrected


def effect_size(differences):
    """Cohen's d of paired differences (dz) with Hedges' correction for few subjects.

    Parameters
    ----------
    differences : array-like, shape (n_subjects,) or (n_subjects, n_columns)
        One difference per subject.

    Returns
    -------
    d : float, or ndarray of shape (n_columns,)
        Mean over standard deviation, times the correction. NaN for fewer than three
        subjects, whose correction would be 0, and where all differences are equal.

    Raises
    ------
    ValueError
        If a value is infinite.

    References
    ----------
    Hedges, L. V. (1981). Distribution theory for Glass's estimator of effect size.
    Journal of Educational Statistics 6, 107-128.

    Examples
    --------
    >>> round(effect_size([0.02, 0.05, 0.01, 0.04, 0.03]), 2)
    1.51
    """
    columns = as_columns(differences, "differences")
    d = np.full(columns.shape[1], np.nan)
    for i, column in enumerate(columns.T):
        column = column[~np.isnan(column)]
        if len(column) > 2 and np.ptp(column) > 1e-12 * np.abs(column).max():
            df = len(column) - 1
            correction = np.exp(gammaln(df / 2) - gammaln((df - 1) / 2))
            correction /= np.sqrt(df / 2)
            d[i] = correction * column.mean() / column.std(ddof=1)
    return d if np.ndim(differences) == 2 else float(d[0])


def as_columns(values, name="values"):
    """Values as a table of floats, subjects in rows."""
    columns = np.asarray(values, dtype=float)
    if columns.ndim not in (1, 2) or not columns.size:
        raise ValueError(
            f"{name} have shape {columns.shape}; give one value per subject, at least "
            "one."
        )
    if np.isinf(columns).any():
        raise ValueError(
            f"{name} hold {columns[np.isinf(columns)][0]}; leave out the subject (NaN) "
            "or use a scorer that is finite."
        )
    return columns if columns.ndim == 2 else columns[:, None]


def check_whole(name, value, least=1):
    """A whole number of at least so many."""
    if value != int(value) or value < least:
        raise ValueError(f"{name} is {value}; give a whole number from {least}.")
    return int(value)


def _check_alternative(alternative):
    if alternative not in ALTERNATIVES:
        raise ValueError(
            f"alternative is {alternative!r}; choose one of {', '.join(ALTERNATIVES)}."
        )


def _check_exact(exact, n):
    if exact and n > 24:
        raise ValueError(
            f"exact=True with {n} subjects means 2**{n} patterns; leave exact at None."
        )
    return n <= EXACT_SUBJECTS if exact is None else exact

"""Confidence intervals over subjects: a pure function on arrays."""

import numpy as np
from scipy.stats import t as student_t

from .statistics import as_columns, check_whole

# From so many subjects on bootstrap resamples differ enough; fewer leave Student's t.
BOOTSTRAP_SUBJECTS = 5


def bootstrap_interval(values, confidence=0.95, *, n_resamples=9999, seed=42):
    """Confidence interval of the mean over subjects, by the studentised bootstrap.

    Subjects are drawn with replacement, and the mean of each resample is divided by its
    own standard error. Percentile and BCa intervals, which do not, hold the mean far
    less often than they say when subjects are few; ``benchmarks/intervals.py`` prints
    how often.

    Parameters
    ----------
    values : array-like, shape (n_subjects,) or (n_subjects, n_columns)
        One value per subject.
    confidence : float, default=0.95
    n_resamples : int, default=9999
    seed : int, default=42
        Of the resamples.

    Returns
    -------
    low, high : float, or ndarray of shape (n_columns,)
        NaN for one subject, and where all subjects have the same value: nothing is
        then known of how they differ. For two to four subjects, and at an end where
        too many resamples consist of equal values, Student's t interval.

    Raises
    ------
    ValueError
        If a value is infinite or a parameter is out of range.

    References
    ----------
    DiCiccio, T. J. and Efron, B. (1996). Bootstrap confidence intervals. Statistical
    Science 11, 189-228.

    Examples
    --------
    >>> low, high = bootstrap_interval([0.71, 0.78, 0.80, 0.69, 0.77, 0.83, 0.74])
    >>> print(f"{low:.2f} to {high:.2f}")
    0.71 to 0.80
    """
    columns = as_columns(values)
    tail = (1 - check_share("confidence", confidence)) / 2
    n_resamples = check_whole("n_resamples", n_resamples, least=int(np.ceil(2 / tail)))
    limits = np.full((2, columns.shape[1]), np.nan)
    sizes = (~np.isnan(columns)).sum(axis=0)
    for n in np.unique(sizes[sizes > 1]):
        here = np.flatnonzero(sizes == n)
        # One column after another keeps the order of subjects.
        x = columns[:, here].T[~np.isnan(columns[:, here]).T].reshape(-1, n).T
        limits[:, here] = _studentised_limits(x, tail, n_resamples, seed)
    low, high = limits
    return (low, high) if np.ndim(values) == 2 else (float(low[0]), float(high[0]))


def _studentised_limits(x, tail, n_resamples, seed):
    n = len(x)
    mean, error = x.mean(axis=0), x.std(axis=0, ddof=1) / np.sqrt(n)
    centred = x - mean
    # Rounding of equal scores is no spread.
    equal = np.abs(centred).max(axis=0) <= 1e-12 * np.maximum(np.abs(mean), 1e-300)
    error = np.where(equal, np.nan, error)
    wide = student_t.isf(tail, n - 1)
    quantiles = np.tile([[-wide], [wide]], (1, x.shape[1]))
    if n >= BOOTSTRAP_SUBJECTS:
        rng = np.random.default_rng(seed)
        shares = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples) / n
        means = shares @ centred
        variances = (shares @ centred**2 - means**2) / (n - 1)
        # A resample of equal values: its mean is off, by infinitely many errors of 0.
        flat = variances <= 1e-12 * error**2
        off = np.abs(means) > 1e-9 * error
        means[flat] = np.where(off, np.copysign(np.inf, means), 0)[flat]
        variances[flat] = 1
        with np.errstate(divide="ignore", invalid="ignore"):  # of equal columns
            found = np.quantile(
                means / np.sqrt(variances), [tail, 1 - tail], axis=0, method="nearest"
            )
        quantiles = np.where(np.isfinite(found), found, quantiles)
    return mean - quantiles[1] * error, mean - quantiles[0] * error


def check_share(name, value):
    """A share between 0 and 1, both excluded."""
    if not 0 < value < 1:
        raise ValueError(
            f"{name} is {value}; give a share between 0 and 1, such as 0.95."
        )
    return value

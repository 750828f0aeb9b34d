"""Shrunk covariances of many sets of samples at once."""

import numpy as np

from ._checks import check_number

SHRINKAGES = ("auto", "ledoit_wolf", "oas")


def check_shrinkage(shrinkage):
    """A rule's name, or a weight from 0 to 1.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if isinstance(shrinkage, str) and shrinkage in SHRINKAGES:
        return shrinkage
    if isinstance(shrinkage, str):
        raise ValueError(
            f"shrinkage is {shrinkage!r}; use one of {', '.join(SHRINKAGES)}, or a "
            "number from 0 to 1."
        )
    weight = check_number("shrinkage", shrinkage)
    if not 0 <= weight <= 1:
        raise ValueError(f"shrinkage is {weight:g}; give a number from 0 to 1.")
    return weight


def shrunk_covariances(samples, shrinkage="auto"):
    """One covariance per set of samples, shrunk towards a multiple of the identity.

    Parameters
    ----------
    samples : array, shape (n_sets, n_samples, n_channels)
        Centred here, set by set.
    shrinkage : {"auto", "ledoit_wolf", "oas"} or float, default="auto"
        "ledoit_wolf" [1]_ and "oas" [2]_ estimate the weight of the identity from the
        samples, as scikit-learn's functions of these names do. "auto" is Ledoit-Wolf
        on channels of unit variance, scaled back: the shrinkage of scikit-learn's
        discriminant analysis. A number is the weight itself, 0 shrinks nothing.

    Returns
    -------
    covariances : array, shape (n_sets, n_channels, n_channels)
        float64, divided by ``n_samples``.

    References
    ----------
    .. [1] O. Ledoit, M. Wolf. A well-conditioned estimator for large-dimensional
       covariance matrices. Journal of Multivariate Analysis 88(2), 365-411, 2004.
    .. [2] Y. Chen, A. Wiesel, Y. C. Eldar, A. O. Hero. Shrinkage algorithms for MMSE
       covariance estimation. IEEE Transactions on Signal Processing 58(10), 2010.

    Examples
    --------
    >>> samples = np.random.default_rng(0).standard_normal((5, 40, 3))
    >>> shrunk_covariances(samples, "oas").shape
    (5, 3, 3)
    """
    shrinkage = check_shrinkage(shrinkage)
    samples = np.asarray(samples, np.float64)
    samples = samples - samples.mean(axis=1, keepdims=True)
    n_channels = samples.shape[2]
    scale = 1.0
    if shrinkage == "auto":
        scale = samples.std(axis=1, keepdims=True)
        scale[scale == 0] = 1.0
        samples = samples / scale
    covariances = samples.swapaxes(1, 2) @ samples / samples.shape[1]
    if shrinkage == "oas":
        weight = _oas_weight(covariances, samples.shape[1])
    elif isinstance(shrinkage, str):
        weight = _ledoit_wolf_weight(samples, covariances)
    else:
        weight = np.full(len(samples), shrinkage)
    target = weight * np.trace(covariances, axis1=1, axis2=2) / n_channels
    covariances *= (1 - weight)[:, np.newaxis, np.newaxis]
    diagonal = np.arange(n_channels)
    covariances[:, diagonal, diagonal] += target[:, np.newaxis]
    if shrinkage == "auto":
        covariances *= scale.swapaxes(1, 2) * scale
    return covariances


def _ledoit_wolf_weight(samples, covariances):
    n_samples, n_channels = samples.shape[1:]
    trace = np.trace(covariances, axis1=1, axis2=2)
    squares = np.sum(covariances**2, axis=(1, 2))
    fourth = np.sum(np.sum(samples**2, axis=2) ** 2, axis=1)
    noise = (fourth / n_samples - squares) / (n_channels * n_samples)
    distance = (squares - trace**2 / n_channels) / n_channels
    noise = np.minimum(noise, distance)  # Beyond it, the weight would exceed one.
    weight = np.zeros(len(samples))
    return np.divide(noise, distance, out=weight, where=(noise != 0) & (distance != 0))


def _oas_weight(covariances, n_samples):
    n_channels = covariances.shape[1]
    if n_channels == 1:
        return np.zeros(len(covariances))
    alpha = np.mean(covariances**2, axis=(1, 2))
    level = (np.trace(covariances, axis1=1, axis2=2) / n_channels) ** 2
    distance = (n_samples + 1) * (alpha - level / n_channels)
    weight = np.ones(len(covariances))
    np.divide(alpha + level, distance, out=weight, where=distance != 0)
    return np.minimum(weight, 1.0)

"""Covariances of many trials at once: sample and shrunk estimates."""

import numpy as np
from array_api_compat import array_namespace, is_numpy_array

from ._threads import run, split


def covariances(X, estimator="scm"):
    """Covariance of each trial.

    Parameters
    ----------
    X : array, shape (..., n_channels, n_times)
        NumPy or torch, float64 or float32; the result has the same type. Channel means
        are removed.
    estimator : {"scm", "cov", "corr", "oas", "lwf", "sch"}, default="scm"
        Sample covariance (divided by the number of samples), unbiased covariance
        (divided by one less), correlation, and three shrunk estimates: oracle
        approximating [1]_, Ledoit-Wolf [2]_, Schaefer-Strimmer [3]_. Shrunk ones stay
        positive definite under an average reference and for short trials.

    Returns
    -------
    covariances : array, shape (..., n_channels, n_channels)
        In the square of the unit of ``X``. Equal to those of
        :func:`pyriemann.geometry.covariance.covariances`.

    Raises
    ------
    ValueError
        If a sample is not finite, there are fewer than two samples, or the estimator
        is unknown.

    References
    ----------
    .. [1] Chen et al. (2010), Shrinkage algorithms for MMSE covariance estimation,
       eq. 23.
    .. [2] Ledoit and Wolf (2004), A well-conditioned estimator for large-dimensional
       covariance matrices.
    .. [3] Schaefer and Strimmer (2005), A shrinkage approach to large-scale covariance
       matrix estimation.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((10, 3, 200))
    >>> covariances(X, "oas").shape
    (10, 3, 3)
    """
    if estimator not in ESTIMATORS:
        raise ValueError(
            f"no estimator {estimator!r}; use one of {', '.join(ESTIMATORS)}, or "
            "pyriemann.geometry.covariance.covariances for others."
        )
    xp = _check_trials(X)
    function = ESTIMATORS[estimator]
    if not is_numpy_array(X) or X.ndim != 3 or not len(X):
        return _checked(function, X, xp)
    n, channels, times = X.shape
    chunks = [
        piece
        for part in split(n, 2 * channels**2 * times)
        for piece in _pieces(part, channels * times)
    ]
    out = np.empty((n, channels, channels), X.dtype)

    def fill(chunk):
        out[chunk] = _checked(function, X[chunk], xp, chunk.start)

    run(fill, chunks)
    return out


def _pieces(part, size):
    """Cut a chunk so that the centred copy stays in the processor's cache."""
    step = max(1, 2**18 // size)
    return [
        slice(start, min(start + step, part.stop))
        for start in range(part.start, part.stop, step)
    ]


def _check_trials(X):
    try:
        xp = array_namespace(X)
    except TypeError as error:
        raise ValueError(
            f"X is {type(X).__name__}; give a NumPy or torch array."
        ) from error
    if X.ndim < 2:
        raise ValueError(
            f"X has shape {tuple(X.shape)}; give (n_trials, n_channels, n_times)."
        )
    if not xp.isdtype(X.dtype, "real floating"):
        raise ValueError(f"X holds {X.dtype}; give float64 or float32.")
    if X.shape[-1] < 2:
        raise ValueError(
            f"trials have {X.shape[-1]} sample; a covariance needs two, use longer "
            "trials."
        )
    return xp


def _checked(function, X, xp, first=0):
    """Covariances, refused where a sample is not finite.

    One such sample makes its covariance so: looking at the small matrices is cheaper
    than looking at the signals.
    """
    centred = X - xp.mean(X, axis=-1, keepdims=True)
    result = function(centred, xp)
    finite = xp.all(xp.isfinite(result), axis=(-2, -1))
    if bool(xp.all(finite)):
        return result
    if result.ndim == 2:
        raise ValueError("X holds NaN or infinity, or a constant channel; drop it.")
    where = np.argwhere(~np.asarray(finite))[0]
    where[0] += first
    raise ValueError(
        f"trial {', '.join(map(str, where))} has no covariance: it holds NaN or "
        "infinity, or a constant channel; drop it."
    )


def _sample(centred, xp):
    return centred @ centred.mT / centred.shape[-1]


def _unbiased(centred, xp):
    return centred @ centred.mT / (centred.shape[-1] - 1)


def _correlation(centred, xp):
    scatter = centred @ centred.mT
    spread = xp.sqrt(xp.linalg.diagonal(scatter))
    return scatter / (spread[..., :, None] * spread[..., None, :])


def _shrink(sample, shrinkage, xp):
    """Move towards the identity, scaled to the mean variance."""
    n = sample.shape[-1]
    mean_variance = xp.sum(xp.linalg.diagonal(sample), axis=-1) / n
    eye = xp.eye(n, dtype=sample.dtype, device=sample.device)
    shrinkage = shrinkage[..., None, None]
    return (1 - shrinkage) * sample + shrinkage * mean_variance[..., None, None] * eye


def _oracle_approximating(centred, xp):
    n, n_times = centred.shape[-2:]
    sample = _sample(centred, xp)
    alpha = xp.mean(sample**2, axis=(-2, -1))
    mu2 = (xp.sum(xp.linalg.diagonal(sample), axis=-1) / n) ** 2
    denominator = (n_times + 1) * (alpha - mu2 / n)
    ratio = (alpha + mu2) / xp.where(denominator > 0, denominator, alpha + mu2)
    return _shrink(sample, xp.clip(ratio, 0, 1), xp)


def _ledoit_wolf(centred, xp):
    n, n_times = centred.shape[-2:]
    sample = _sample(centred, xp)
    squares = xp.sum(sample**2, axis=(-2, -1))
    trace = xp.sum(xp.linalg.diagonal(sample), axis=-1)
    # The sum over all pairs of channels of x_i^2 x_j^2 is that of (sum_i x_i^2)^2.
    fourth = xp.sum(xp.sum(centred**2, axis=-2) ** 2, axis=-1) / n_times
    beta = (fourth - squares) / (n * n_times)
    delta = (squares - trace**2 / n) / n
    beta = xp.minimum(beta, delta)
    shrinkage = xp.where(beta == 0, 0 * beta, beta / xp.where(delta == 0, 1, delta))
    return _shrink(sample, shrinkage, xp)


def _schaefer_strimmer(centred, xp):
    n, n_times = centred.shape[-2:]
    sample = _sample(centred, xp)
    variance = xp.linalg.diagonal(sample)
    outer = variance[..., :, None] * variance[..., None, :]
    squared = centred**2
    spread = squared @ squared.mT - n_times * sample**2
    spread = spread * (n_times / ((n_times - 1) ** 3 * outer))
    correlation2 = (n_times / (n_times - 1)) ** 2 * sample**2 / outer
    off = 1 - xp.eye(n, dtype=sample.dtype, device=sample.device)
    total = xp.sum(off * correlation2, axis=(-2, -1))
    lacking = xp.sum(off * spread, axis=(-2, -1))
    weight = xp.where(total > 0, lacking / xp.where(total > 0, total, 1), 0 * total)
    weight = xp.clip(weight, 0, 1)[..., None, None]
    return (n_times / (n_times - 1)) * sample * (1 - weight * off)


ESTIMATORS = {
    "scm": _sample,
    "cov": _unbiased,
    "corr": _correlation,
    "oas": _oracle_approximating,
    "lwf": _ledoit_wolf,
    "sch": _schaefer_strimmer,
}

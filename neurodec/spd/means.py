"""Means of symmetric positive definite matrices; the Riemannian one converges."""

import warnings

from ._arrays import check_definite, check_matrices, check_weights, symmetric
from .distances import distance, log_cholesky
from .functions import expm, invsqrtm, logm, sqrtm
from .riemannian_mean import riemannian_mean


def gmean(
    X, metric="riemann", sample_weight=None, *, robust=None, tol=1e-8, maxiter=50
):
    """Mean of matrices under a metric.

    Parameters
    ----------
    X : array, shape (n_matrices, n, n)
        Positive definite, NumPy or torch.
    metric : {"riemann", "euclid", "logeuclid", "logchol", "wasserstein"}
    sample_weight : array, shape (n_matrices,), or None
        From zero; they are divided by their sum.
    robust : {None, "huber", "median"}
        For "riemann": None is the mean of squared distances; "median" that of
        distances [3]_; "huber" squares up to 1.345 times the median distance and goes
        on linearly from there, so that an outlier has a bounded pull.
    tol : float, default=1e-8
        Largest norm of the gradient at the mean.
    maxiter : int, default=50

    Returns
    -------
    mean : array, shape (n, n)
        Equal to that of :func:`pyriemann.geometry.mean.gmean` where it converges.

    Raises
    ------
    ValueError
        If a matrix is not positive definite (the message names it), or a name is
        unknown.

    Warns
    -----
    ConvergenceWarning
        If ``tol`` was not reached; the message says what stands in the way.

    References
    ----------
    .. [1] Moakher (2005), A differential geometric approach to the geometric mean of
       symmetric positive-definite matrices.
    .. [2] Alvarez-Esteban et al. (2016), A fixed-point approach to barycenters in
       Wasserstein space.
    .. [3] Fletcher et al. (2009), The geometric median on Riemannian manifolds.

    Examples
    --------
    >>> import numpy as np
    >>> gmean(np.array([np.eye(2), 4 * np.eye(2)])).round(6).tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """
    if metric not in MEANS:
        raise ValueError(f"no metric {metric!r}; use one of {', '.join(MEANS)}.")
    if robust not in (None, "huber", "median"):
        raise ValueError(f"robust is {robust!r}; use None, 'huber' or 'median'.")
    if robust and metric != "riemann":
        raise ValueError(f"robust={robust!r} is for metric 'riemann', not {metric!r}.")
    xp = check_matrices(X, ndim=3)
    if X.ndim != 3 or not X.shape[0]:
        raise ValueError(
            f"X has shape {tuple(X.shape)}; give (n_matrices, n, n), at least one."
        )
    weights = check_weights(sample_weight, X.shape[0], xp, X)
    if robust:
        return _robust(X, weights, xp, robust, tol, maxiter)
    return MEANS[metric](X, weights, xp, tol, maxiter)


def _weighted(X, weights, xp):
    return xp.tensordot(weights, X, axes=([0], [0]))


def _euclid(X, weights, xp, tol, maxiter):
    return _weighted(X, weights, xp)


def _log_euclid(X, weights, xp, tol, maxiter):
    return expm(_weighted(logm(X), weights, xp))


def _log_cholesky(X, weights, xp, tol, maxiter):
    check_definite(xp.linalg.eigvalsh(X), xp)
    mean = _weighted(log_cholesky(X, xp), weights, xp)
    eye = xp.eye(X.shape[-1], dtype=X.dtype, device=X.device)
    factor = xp.tril(mean, k=-1) + xp.exp(xp.linalg.diagonal(mean)) * eye
    return factor @ factor.mT


def _wasserstein(X, weights, xp, tol, maxiter):
    mean = _weighted(X, weights, xp)
    for _ in range(maxiter):
        half, inverse = sqrtm(mean), invsqrtm(mean)
        root = _weighted(sqrtm(symmetric(half @ X @ half)), weights, xp)
        new = symmetric(inverse @ root @ root @ inverse)
        moved = float(xp.linalg.matrix_norm(new - mean) / xp.linalg.matrix_norm(mean))
        mean = new
        if moved <= tol:
            return mean
    warn(f"moved by {moved:.1e} in step {maxiter}, above tol={tol:g}; raise maxiter.")
    return mean


def _riemann(X, weights, xp, tol, maxiter):
    mean, problem = riemannian_mean(X, weights, xp, tol, maxiter)
    if problem:
        warn(problem)
    return mean


def _robust(X, weights, xp, kind, tol, maxiter):
    """Means with weights that fall with the distance, until they no longer change."""
    mean, problem = riemannian_mean(X, weights, xp, tol, maxiter)
    before = None
    for _ in range(10 * maxiter):
        distances = distance(X, mean)
        floor = 1e-12 + 1e-9 * xp.max(distances)
        pull = 1 / xp.maximum(distances, floor)
        if kind == "huber":
            ordered = xp.sort(distances)
            limit = 1.345 * ordered[(len(ordered) - 1) // 2]
            pull = xp.clip(limit * pull, 0, 1)
        new = weights * pull / xp.sum(weights * pull)
        if before is not None and float(xp.sum(xp.abs(new - before))) <= 100 * tol:
            break
        before = new
        mean, problem = riemannian_mean(X, new, xp, tol, maxiter, start=mean)
    else:
        problem = f"weights still changed after {10 * maxiter} rounds; raise maxiter."
    if problem:
        warn(problem)
    return mean


def warn(problem):
    """Warn, with scikit-learn's class, which is imported only here."""
    from sklearn.exceptions import ConvergenceWarning

    warnings.warn(f"mean did not converge: {problem}", ConvergenceWarning, stacklevel=4)


MEANS = {
    "riemann": _riemann,
    "euclid": _euclid,
    "logeuclid": _log_euclid,
    "logchol": _log_cholesky,
    "wasserstein": _wasserstein,
}

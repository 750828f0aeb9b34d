"""Distances between symmetric positive definite matrices."""

import math

import numpy as np
from array_api_compat import is_numpy_array

from ._arrays import check_definite, check_matrices, symmetric
from ._threads import run, split
from .functions import logm, sqrtm


def distance(A, B, metric="riemann", squared=False):
    """Distance between matrices, pair by pair with broadcasting.

    Parameters
    ----------
    A : array, shape (..., n, n)
        Positive definite, NumPy or torch.
    B : array, shape (n, n) or (..., n, n)
    metric : {"riemann", "euclid", "logeuclid", "logchol", "wasserstein"}
        Affine-invariant [1]_, Frobenius, log-Euclidean [2]_, log-Cholesky [3]_ or
        Bures-Wasserstein distance.
    squared : bool, default=False

    Returns
    -------
    distances : array, shape (...)
        Equal to those of :func:`pyriemann.geometry.distance.distance`.

    Raises
    ------
    ValueError
        If shapes disagree, a matrix is not positive definite or the metric is unknown.

    References
    ----------
    .. [1] Foerstner and Moonen (2003), A metric for covariance matrices.
    .. [2] Arsigny et al. (2007), Geometric means in a novel vector space structure on
       symmetric positive-definite matrices.
    .. [3] Lin (2019), Riemannian geometry of symmetric positive definite matrices via
       Cholesky decomposition.

    Examples
    --------
    >>> float(distance(np.eye(2), np.e * np.eye(2)).round(3))
    1.414
    """
    if metric not in METRICS:
        raise ValueError(f"no metric {metric!r}; use one of {', '.join(METRICS)}.")
    xp = check_matrices(A, "A")
    check_matrices(B, "B")
    if A.shape[-1] != B.shape[-1]:
        raise ValueError(
            f"A has matrices of {A.shape[-1]} and B of {B.shape[-1]}; both describe "
            "the same channels or none can be compared."
        )
    found = METRICS[metric](A, B, xp)
    return found if squared else xp.sqrt(found)


def whiten(A, B, xp):
    """``L^-1 A L^-T`` for ``B = L L^T``: its eigenvalues are those of ``B^-1 A``."""
    try:
        factor = xp.linalg.cholesky(B)
    except Exception:  # LinAlgError of NumPy or of torch.
        check_definite(xp.linalg.eigvalsh(B), xp, "B")
        raise
    inverse = xp.linalg.inv(factor)
    return inverse @ A @ inverse.mT


def _riemann(A, B, xp):
    def squares(chunk):
        values = xp.linalg.eigvalsh(symmetric(whiten(A[chunk], B, xp)))
        check_definite(values, xp, "A", getattr(chunk, "start", 0))
        return xp.sum(xp.log(values) ** 2, axis=-1)

    if not is_numpy_array(A) or A.ndim != 3 or B.ndim != 2:
        return squares(...)
    return np.concatenate(run(squares, split(len(A), 5 * A.shape[-1] ** 3)))


def _euclid(A, B, xp):
    return xp.sum((A - B) ** 2, axis=(-2, -1))


def _log_euclid(A, B, xp):
    return _euclid(logm(A), logm(B), xp)


def _log_cholesky(A, B, xp):
    return _euclid(log_cholesky(A, xp), log_cholesky(B, xp), xp)


def log_cholesky(X, xp):
    """Cholesky factor with the logarithm of its diagonal."""
    factor = xp.linalg.cholesky(X)
    eye = xp.eye(X.shape[-1], dtype=X.dtype, device=X.device)
    diagonal = xp.log(xp.linalg.diagonal(factor))
    return xp.tril(factor, k=-1) + diagonal[..., None] * eye


def _wasserstein(A, B, xp):
    root = sqrtm(B)
    cross = xp.linalg.eigvalsh(symmetric(root @ A @ root))
    cross = xp.sum(xp.sqrt(xp.clip(cross, 0, math.inf)), axis=-1)
    traces = xp.sum(xp.linalg.diagonal(A), axis=-1)
    traces = traces + xp.sum(xp.linalg.diagonal(B), axis=-1)
    # Rounding makes the distance of a matrix to itself slightly negative.
    return xp.clip(traces - 2 * cross, 0, math.inf)


METRICS = {
    "riemann": _riemann,
    "euclid": _euclid,
    "logeuclid": _log_euclid,
    "logchol": _log_cholesky,
    "wasserstein": _wasserstein,
}

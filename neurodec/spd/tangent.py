"""Tangent space of the positive definite matrices, and transport between places."""

import math

import numpy as np
import pyriemann.geometry.tangentspace as _pyriemann
from array_api_compat import is_numpy_array

from ._arrays import check_definite, check_matrices, symmetric
from ._threads import run, split
from .functions import expm, invsqrtm, sqrtm


def tangent_space(X, reference, metric="riemann"):
    """Tangent vectors of matrices at a reference.

    Parameters
    ----------
    X : array, shape (..., n, n)
        Positive definite, NumPy or torch.
    reference : array, shape (n, n)
    metric : {"riemann", "logeuclid", "logchol", "wasserstein", "euclid"}

    Returns
    -------
    vectors : array, shape (..., n (n + 1) / 2)
        Upper triangles, off the diagonal times the square root of two, so that the
        Euclidean norm is the distance to the reference (metric "riemann") [1]_. Equal
        to those of :func:`pyriemann.geometry.tangentspace.tangent_space`.

    Raises
    ------
    ValueError
        If shapes disagree or a matrix is not positive definite.

    References
    ----------
    .. [1] Tuzel et al. (2008), Pedestrian detection via classification on Riemannian
       manifolds.

    Examples
    --------
    >>> tangent_space(np.e * np.eye(2)[None], np.eye(2)).round(12).tolist()
    [[1.0, 0.0, 1.0]]
    """
    xp = _check_pair(X, reference)
    if metric != "riemann":
        return _pyriemann.tangent_space(X, reference, metric=metric)
    half = invsqrtm(reference)
    if not is_numpy_array(X) or X.ndim != 3:
        return upper(_log_at(X, half, xp), xp)
    n = X.shape[-1]
    rows, columns, scale = _triangle(n)
    out = np.empty((len(X), n * (n + 1) // 2), np.result_type(X, half))

    def fill(chunk):
        logs = _log_at(X[chunk], half, np, chunk.start)
        np.multiply(logs[:, rows, columns], scale, out=out[chunk])

    run(fill, split(len(X), 12 * n**3))
    return out


def untangent_space(vectors, reference, metric="riemann"):
    """Matrices of tangent vectors; undoes :func:`tangent_space`.

    Examples
    --------
    >>> untangent_space(np.array([[1.0, 0.0, 1.0]]), np.eye(2)).round(3).tolist()
    [[[2.718, 0.0], [0.0, 2.718]]]
    """
    return exp_map(_pyriemann.unupper(vectors), reference, metric=metric)


def log_map(X, reference, metric="riemann"):
    """Symmetric tangent matrices, whitened by the reference.

    Examples
    --------
    >>> log_map(np.eye(2)[None], np.eye(2)).tolist()
    [[[0.0, 0.0], [0.0, 0.0]]]
    """
    xp = _check_pair(X, reference)
    if metric != "riemann":
        return _pyriemann.log_map(X, reference, metric=metric)
    return _log_at(X, invsqrtm(reference), xp)


def exp_map(X, reference, metric="riemann"):
    """Matrices of tangent matrices; undoes :func:`log_map`.

    Examples
    --------
    >>> exp_map(np.zeros((1, 2, 2)), np.eye(2)).tolist()
    [[[1.0, 0.0], [0.0, 1.0]]]
    """
    _check_pair(X, reference)
    if metric != "riemann":
        return _pyriemann.exp_map(X, reference, metric=metric)
    half = sqrtm(reference)
    return symmetric(half @ expm(X) @ half)


def transport(X, source, destination, metric="riemann"):
    """Parallel transport of symmetric matrices between two references.

    Parameters
    ----------
    X : array, shape (..., n, n)
        Tangent matrices at ``source``, or positive definite ones to be moved with it.
    source, destination : array, shape (n, n)
    metric : {"riemann", "logeuclid", "logchol", "euclid"}

    Returns
    -------
    moved : array, shape (..., n, n)

    References
    ----------
    .. [1] Sra and Hosseini (2015), Conic geometric optimisation on the manifold of
       positive definite matrices.

    Examples
    --------
    >>> transport(np.eye(2)[None], np.eye(2), 4 * np.eye(2)).round(12).tolist()
    [[[4.0, 0.0], [0.0, 4.0]]]
    """
    _check_pair(X, source)
    _check_pair(X, destination)
    return _pyriemann.transport(X, source, destination, metric=metric)


def upper(X, xp):
    """Weighted upper triangles of symmetric matrices."""
    if is_numpy_array(X):
        rows, columns, scale = _triangle(X.shape[-1])
        return X[..., rows, columns] * scale
    return _pyriemann.upper(X)


def _triangle(n):
    rows, columns = np.triu_indices(n)
    return rows, columns, np.where(rows == columns, 1.0, math.sqrt(2))


def _log_at(X, half, xp, first=0):
    values, vectors = xp.linalg.eigh(symmetric(half @ X @ half))
    check_definite(values, xp, first=first)
    return (vectors * xp.log(values)[..., None, :]) @ vectors.mT


def _check_pair(X, reference):
    xp = check_matrices(X)
    check_matrices(reference, "reference")
    if X.shape[-1] != reference.shape[-1]:
        raise ValueError(
            f"X has matrices of {X.shape[-1]} and the reference has "
            f"{reference.shape[-1]}; both must describe the same channels."
        )
    return xp

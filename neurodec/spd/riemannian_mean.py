"""The affine-invariant mean by Newton's method on the manifold."""

import numpy as np
from array_api_compat import is_numpy_array

from ._arrays import check_definite, symmetric
from ._threads import run, split

_MOST_INNER_STEPS = 20
_MOST_HALVINGS = 20


def riemannian_mean(X, weights, xp, tol, maxiter, start=None):
    """Mean whose gradient has a norm of at most ``tol``.

    The sum of squared distances is geodesically convex. At ``M = L L^T`` its gradient
    is minus the mean of the logarithms of ``W = L^-1 X L^-T``, and its Hessian acts on
    a symmetric ``V``, in the eigenbasis of each ``W``, by ``s coth(s)`` with half the
    differences ``s`` of the logarithms [1]_. A product with the Hessian takes four
    matrix products, some five times less than the eigenvalues for another gradient, and
    a few conjugate-gradient steps on it replace most steps of the plain descent.

    Parameters
    ----------
    X : array, shape (n_matrices, n, n)
    weights : array, shape (n_matrices,)
        Sum to one.
    xp : namespace
    tol : float
    maxiter : int
    start : array, shape (n, n), or None
        None is the arithmetic mean.

    Returns
    -------
    mean : array, shape (n, n)
    problem : str or None
        Why ``tol`` was not reached.

    References
    ----------
    .. [1] Ferreira et al. (2006), Newton's method and the Karcher mean; Bhatia (2007),
       Positive definite matrices, ch. 6.
    """
    parts = _parts(X, weights)
    mean = xp.tensordot(weights, X, axes=([0], [0])) if start is None else start
    factor = _factor(mean, xp)
    gradient, cost, conditions = _gradient(parts, factor, xp)
    norm = _norm(gradient, xp)
    for _ in range(maxiter):
        if norm <= tol:
            return symmetric(factor @ factor.mT), None
        step = _solve(parts, gradient, norm, tol, xp)
        for halving in range(_MOST_HALVINGS):
            moved = factor @ _half_exponential(step / 2**halving, xp)
            found, moved_cost, _ = _gradient(parts, moved, xp)
            moved_norm = _norm(found, xp)
            # Near the minimum the cost is flat to rounding; the gradient still falls.
            if moved_cost < cost or moved_norm < norm:
                break
        else:
            break
        stuck = moved_norm > norm / 2 and norm < _floor(X, conditions, xp)
        factor, gradient, cost, norm = moved, found, moved_cost, moved_norm
        if stuck:
            break
    if norm <= tol:
        return symmetric(factor @ factor.mT), None
    return symmetric(factor @ factor.mT), _why(X, norm, tol, conditions, maxiter, xp)


class _Part:
    """A chunk of the matrices, and the eigenvectors of its last gradient."""

    def __init__(self, X, weights, first):
        self.X, self.weights, self.first = X, weights, first


def _parts(X, weights):
    if not is_numpy_array(X):
        return [_Part(X, weights, 0)]
    chunks = split(len(X), 14 * X.shape[-1] ** 3)
    return [_Part(X[chunk], weights[chunk], chunk.start) for chunk in chunks]


def _factor(mean, xp):
    check_definite(xp.linalg.eigvalsh(mean), xp, "the arithmetic mean")
    return xp.linalg.cholesky(mean)


def _half_exponential(step, xp):
    """``exp(step / 2)``: any factor of the new mean will do."""
    values, vectors = xp.linalg.eigh(step)
    return (vectors * xp.exp(values / 2)[..., None, :]) @ vectors.mT


def _norm(gradient, xp):
    return float(xp.linalg.matrix_norm(gradient))


def _gradient(parts, factor, xp):
    """Weighted mean of logarithms, cost, and the largest condition of a matrix."""
    inverse = xp.linalg.inv(factor)

    def one(part):
        whitened = symmetric(inverse @ part.X @ inverse.mT)
        values, vectors = xp.linalg.eigh(whitened)
        check_definite(values, xp, first=part.first)
        part.logs, part.vectors, part.curvature = xp.log(values), vectors, None
        weighted = part.logs * part.weights[:, None]
        total = xp.sum((vectors * weighted[:, None, :]) @ vectors.mT, axis=0)
        spread = xp.max(part.logs[:, -1] - part.logs[:, 0])
        return total, float(xp.sum(weighted * part.logs)), float(spread)

    totals, costs, spreads = zip(*run(one, parts), strict=True)
    return sum(totals), sum(costs), float(np.exp(max(spreads)))


def _solve(parts, gradient, norm, tol, xp):
    """Newton's step, by conjugate gradients that stop when they are good enough."""
    goal = max(min(0.1, norm) * norm, tol / 3)
    step, rest = xp.zeros_like(gradient), gradient
    direction, square = rest, xp.sum(rest**2)
    for _ in range(_MOST_INNER_STEPS):
        bent = _hessian(parts, direction, xp)
        length = square / xp.sum(direction * bent)
        step, rest = step + length * direction, rest - length * bent
        new = xp.sum(rest**2)
        if float(new) ** 0.5 <= goal:
            break
        direction, square = rest + new / square * direction, new
    return symmetric(step)


def _hessian(parts, direction, xp):
    def one(part):
        if part.curvature is None:
            part.curvature = _curvature(part.logs, xp) * part.weights[:, None, None]
        U = part.vectors
        return xp.sum(U @ (part.curvature * (U.mT @ direction @ U)) @ U.mT, axis=0)

    return sum(run(one, parts))


def _curvature(logs, xp):
    """``s coth(s)``, where ``s`` is half the difference of two logarithms."""
    half = (logs[:, :, None] - logs[:, None, :]) / 2
    small = xp.abs(half) < 1e-4
    half = xp.where(small, 1.0, half)
    return xp.where(small, 1.0, half / xp.tanh(half))


def _floor(X, condition, xp):
    """Gradient that rounding leaves at best, for the worst-conditioned matrix."""
    return 100 * X.shape[-1] * xp.finfo(X.dtype).eps * condition


def _why(X, norm, tol, condition, maxiter, xp):
    if norm <= _floor(X, condition, xp):
        return (
            f"gradient {norm:.1e} is above tol={tol:g}, but rounding allows no less: a "
            f"whitened matrix has condition {condition:.1e} in {X.dtype}; use a "
            "shrunk estimator, float64 or a larger tol."
        )
    return (
        f"gradient {norm:.1e} is above tol={tol:g} after {maxiter} steps; raise "
        "maxiter."
    )

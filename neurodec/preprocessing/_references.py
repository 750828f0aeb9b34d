"""Pure functions of alignment: means, running means, whitening, rotation."""

import numpy as np
from pyriemann.geometry.base import expm, invsqrtm, logm, powm
from pyriemann.geometry.distance import distance
from pyriemann.geometry.geodesic import geodesic
from pyriemann.geometry.mean import gmean

METRICS = ("riemann", "logeuclid", "euclid")


def mean_of(items, metric=None, start=None, weight=0.0):
    """Mean of items along the first axis, and of a starting point.

    Parameters
    ----------
    items : array, shape (n, c, c) or (n, ...)
    metric : {"riemann", "logeuclid", "euclid"} or None
        Of covariance matrices; None is the arithmetic mean of numbers or vectors.
    start : array, shape (c, c) or (...), or None
    weight : float, default=0.0
        How many items the starting point counts for.

    Returns
    -------
    mean : array, shape (c, c) or (...)
    """
    weights = np.ones(len(items))
    if weight > 0:
        items = np.concatenate([np.asarray(start)[np.newaxis], items])
        weights = np.r_[weight, weights]
    if metric is None:
        return np.average(items, axis=0, weights=weights)
    if len(items) == 1:
        return items[0]
    return gmean(items, metric=metric, sample_weight=weights)


def prior_weight(items, groups, means, metric=None, *, alone=1.0, most=100.0):
    """How many trials of its own a new domain needs to outweigh the other domains.

    The variance of trials within a domain over the variance of the true means of
    domains: the weight with which a mean of few trials and the mean of all domains are
    combined best, in mean square (empirical Bayes).

    Parameters
    ----------
    items : array, shape (n_trials, ...)
    groups : list of array of int
        Rows of each domain.
    means : list of array
        Mean of each domain.
    metric : str or None
        As in :func:`mean_of`.
    alone : float
        The weight where there is but one domain, which tells nothing of others.
    most : float
        The weight where domains differ no more than by chance.

    Returns
    -------
    weight : float
    """
    if len(groups) < 2:
        return alone
    origin = mean_of(np.stack(means), metric)
    n = np.array([len(rows) for rows in groups])
    pairs = zip(groups, means, strict=True)
    inside = np.array([_spread(items[rows], mean, metric) for rows, mean in pairs])
    within = np.sum(n * inside) / max(np.sum(n - 1), 1)
    between = _spread(np.stack(means), origin, metric) * len(n) / (len(n) - 1)
    between -= within * np.mean(1 / n)
    return float(within / between) if between * most > within else most


def _spread(items, mean, metric):
    """Mean squared distance of items from their mean."""
    if metric is None:
        return np.sum(np.abs(items - mean) ** 2) / len(items)
    return np.mean(distance(items, mean, metric=metric, squared=True))


def running_means(items, start, weight, metric=None):
    """For each item, the mean of those before it and of a starting point.

    Each step goes from the mean so far towards the next item, by one over the number
    of trials that the mean then stands for. For numbers, vectors and the metrics
    "euclid" and "logeuclid" that is the weighted mean itself, for "riemann" the
    inductive mean, which converges to it.

    Parameters
    ----------
    items : array, shape (n, ...)
        In the order of recording.
    start : array, shape (...)
    weight : float
        How many items the starting point counts for.
    metric : str or None
        As in :func:`mean_of`.

    Returns
    -------
    means : array, shape (n, ...)
        ``means[i]`` has seen ``items[:i]``.

    Examples
    --------
    >>> running_means(np.array([4.0, 7.0, 9.0]), 1.0, weight=2).round(2).tolist()
    [1.0, 2.0, 3.25]
    """
    means = np.empty((len(items), *np.shape(start)))
    mean = start
    for i, item in enumerate(items):
        means[i] = mean
        share = 1 / (weight + i + 1)
        if metric is None:
            mean = mean + share * (item - mean)
        else:
            mean = geodesic(mean, item, share, metric=metric)
    return means


def congruence(maps, matrices):
    """``A C A.T`` for maps (c, c) or (n, c, c) and matrices (n, c, c), symmetric."""
    moved = maps @ matrices @ np.swapaxes(maps, -1, -2)
    return (moved + np.swapaxes(moved, -1, -2)) / 2


def whiteners(means, origin_whitener):
    """Maps that whiten domains, each as near as can be to that of the origin.

    The inverse square root of a mean is only one map of many that take it to the
    identity; they differ by a rotation. Taken in the space that ``origin_whitener``
    has whitened, the root is the parallel transport of Yair et al. (2019), and one
    mixing of all channels of all domains changes nothing but a common rotation.

    Parameters
    ----------
    means : array, shape (c, c) or (n, c, c)
        In the space that ``origin_whitener`` leads to.
    origin_whitener : array, shape (c, c)

    Returns
    -------
    maps : array, shape (c, c) or (n, c, c)
    """
    return invsqrtm(means) @ origin_whitener


def squared_norms(items):
    """Squared distance of each item from the identity matrix, or from zero.

    Parameters
    ----------
    items : array, shape (n, c, c) or (n, n_features)
        Covariance matrices (affine-invariant distance), or vectors.

    Returns
    -------
    squared : array, shape (n,)
    """
    if items.ndim == 3:
        return np.sum(np.log(np.linalg.eigvalsh(items)) ** 2, axis=-1)
    return np.sum(items**2, axis=-1)


def dilate(matrices, exponents):
    """Powers of covariance matrices: a dilation about the identity.

    Parameters
    ----------
    matrices : array, shape (n, c, c)
    exponents : float or array, shape (n,)
    """
    if np.ndim(exponents) == 0:
        return powm(matrices, float(exponents))
    return expm(np.asarray(exponents)[:, None, None] * logm(matrices))


def rotation_of_vectors(points, goals, pull):
    """The rotation that takes points nearest to their goals, and nothing else along.

    Orthogonal Procrustes; what the points do not determine stays where it is, because
    the identity counts a little as well.

    Parameters
    ----------
    points, goals : array, shape (n_points, n_features)
    pull : float
        How strongly the identity pulls, relative to the points.

    Returns
    -------
    rotation : array, shape (n_features, n_features)
        ``rotation @ point`` is near the goal.
    """
    # Beyond the span of points and goals the identity is the answer.
    basis = np.linalg.qr(np.concatenate([points, goals]).T)[0]
    cross = (goals @ basis).T @ (points @ basis)
    small = np.eye(len(cross))
    turn = _polar(cross + pull * np.linalg.norm(cross, 2) * small)
    return np.eye(points.shape[1]) + basis @ (turn - small) @ basis.T


def rotation_of_matrices(points, goals, pull, n_iter=200):
    """As :func:`rotation_of_vectors`, for ``rotation @ point @ rotation.T``.

    Each step maximises a bound of the sum of traces of goal and rotated point, from
    the identity on, so that the nearest optimum is found.

    Parameters
    ----------
    points, goals : array, shape (n_points, c, c)
        Symmetric: logarithms of covariance matrices.
    pull : float
    n_iter : int

    Returns
    -------
    rotation : array, shape (c, c)
    """
    identity = np.eye(points.shape[-1])
    held = pull * np.linalg.norm(np.sum(goals @ points, axis=0), 2) * identity
    # Made positive definite by a shift, which changes no optimum: then steps ascend.
    points = points + np.linalg.norm(points, 2, axis=(1, 2))[:, None, None] * identity
    goals = goals + np.linalg.norm(goals, 2, axis=(1, 2))[:, None, None] * identity
    rotation = identity
    for _ in range(n_iter):
        new = _polar(np.sum(goals @ rotation @ points, axis=0) + held)
        done = np.allclose(new, rotation, rtol=0, atol=1e-10)
        rotation = new
        if done:
            break
    return rotation


def class_means(items, y, classes):
    """Mean of each class, shape (n_classes, ...); NaN where a class is missing."""
    missing = np.full(items.shape[1:], np.nan)
    return np.stack(
        [items[y == c].mean(axis=0) if (y == c).any() else missing for c in classes]
    )


def rotation_between(means, goals, pull):
    """The rotation that takes class means to their goals, where both are known.

    Parameters
    ----------
    means, goals : array, shape (n_classes, c, c) or (n_classes, n_features)
    pull : float

    Returns
    -------
    rotation : array, shape (c, c) or (n_features, n_features)
    """
    known = ~np.isnan(means + goals).reshape(len(means), -1).any(axis=1)
    if not known.any():
        return np.eye(means.shape[-1])
    find = rotation_of_matrices if means.ndim == 3 else rotation_of_vectors
    return find(means[known], goals[known], pull)


def meeting_point(means, pull, n_iter=10):
    """Rotations of several domains towards the mean of their class means.

    Parameters
    ----------
    means : array, shape (n_domains, n_classes, ...)
    pull : float
    n_iter : int

    Returns
    -------
    rotations : list of array
    goals : array, shape (n_classes, ...)
    """
    turned = means
    for _ in range(n_iter):
        goals = np.nanmean(turned, axis=0)
        rotations = [rotation_between(of_domain, goals, pull) for of_domain in means]
        before = turned
        turned = np.stack([rotate(r, m) for r, m in zip(rotations, means, strict=True)])
        if np.allclose(turned, before, rtol=0, atol=1e-8, equal_nan=True):
            break
    return rotations, goals


def rotate(rotation, items):
    """Rotated symmetric matrices (n, c, c), or vectors (n, n_features)."""
    if items.ndim == 3:
        return rotation @ items @ rotation.T
    return items @ rotation.T


def _polar(matrix):
    """The orthogonal matrix nearest to ``matrix``."""
    left, _, right = np.linalg.svd(matrix)
    return left @ right

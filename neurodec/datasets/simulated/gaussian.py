"""Exact likelihood of Gaussian trials: a stationary background and responses."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky, eigh, solve_triangular, toeplitz
from scipy.special import logsumexp


@dataclass(frozen=True)
class Response:
    """One way in which a class shows in a trial: a Gaussian signal.

    Parameters
    ----------
    mean : ndarray, shape (n_channels, n_times), or None
        What is the same in every such trial; None is nothing.
    parts : tuple of (pattern, courses)
        Random parts, independent of each other: ``pattern`` (n_channels,) times
        ``courses`` (n_times, rank) times ``rank`` independent standard normal numbers.
    weight : float, default=1.0
        Probability within the class; a class is a mixture of its responses.
    """

    mean: np.ndarray | None = None
    parts: tuple = ()
    weight: float = 1.0


class StationaryNoise:
    """Covariance of the background of a trial, made diagonal once.

    The sum of two separable terms, each a spatial covariance (Kronecker) times a
    Toeplitz matrix. Channels are mixed so that both spatial covariances become
    diagonal; what is left is one Toeplitz matrix per mixture.

    Parameters
    ----------
    spatial : tuple of ndarray, shape (n_channels, n_channels)
        The first must be positive definite, the second positive semidefinite.
    temporal : tuple of ndarray, shape (n_times,)
        Autocovariances.

    Raises
    ------
    ValueError
        If the first spatial covariance is not positive definite.
    """

    def __init__(self, spatial, temporal):
        first, second = spatial
        try:
            # mixing.T @ first @ mixing = 1, mixing.T @ second @ mixing = diag(ratios)
            ratios, self._mixing = eigh(second, first)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                "the aperiodic spatial covariance is not positive definite; give the "
                "background own > 0, or fewer channels"
            ) from error
        one, other = (toeplitz(lags) for lags in temporal)
        self._factors = [
            cholesky(one + max(ratio, 0.0) * other, lower=True) for ratio in ratios
        ]
        self._shape = (len(first), len(one))
        diagonal = np.array([np.diag(factor) for factor in self._factors])
        self.log_determinant = 2 * np.sum(np.log(diagonal))
        self.log_determinant += len(one) * np.linalg.slogdet(first)[1]

    def whiten(self, trials):
        """Trials (n_trials, n_channels, n_times) with independent samples."""
        mixed = np.einsum("ck,nct->knt", self._mixing, trials)
        return np.stack(
            [
                solve_triangular(factor, part.T, lower=True).T
                for factor, part in zip(self._factors, mixed, strict=True)
            ],
            axis=1,
        )

    def whiten_courses(self, courses):
        """Courses (n_times, rank) in each mixture: (n_channels, n_times, rank)."""
        return np.stack(
            [solve_triangular(f, courses, lower=True) for f in self._factors]
        )

    def whiten_parts(self, parts, known):
        """All random parts side by side, shape (n_channels * n_times, rank).

        ``known`` holds courses that were whitened before, by identity.
        """
        columns = []
        for pattern, courses in parts:
            if id(courses) not in known:
                # The courses are kept too, lest another array gets their identity.
                known[id(courses)] = courses, self.whiten_courses(courses)
            mixed = self._mixing.T @ pattern
            columns.append(mixed[:, np.newaxis, np.newaxis] * known[id(courses)][1])
        return np.concatenate(columns, axis=-1).reshape(np.prod(self._shape), -1)


def log_likelihood(trials, noise, classes):
    """Log-density of trials under each class.

    Parameters
    ----------
    trials : ndarray, shape (n_trials, n_channels, n_times)
    noise : StationaryNoise
    classes : list of list of Response
        The mixture of each class.

    Returns
    -------
    log_density : ndarray, shape (n_trials, n_classes)

    Notes
    -----
    With whitened data ``z`` and whitened random parts ``U`` of a response, the
    covariance is ``1 + U U'``, so Woodbury's identity and the determinant lemma need a
    matrix of the rank of ``U`` only.
    """
    whitened = noise.whiten(trials).reshape(len(trials), -1)
    known = {}
    constant = noise.log_determinant + whitened.shape[1] * np.log(2 * np.pi)
    columns = [
        logsumexp(
            [
                np.log(response.weight) + _log_density(whitened, noise, response, known)
                for response in responses
            ],
            axis=0,
        )
        for responses in classes
    ]
    return np.stack(columns, axis=1) - 0.5 * constant


def _log_density(whitened, noise, response, known):
    """Of whitened trials, without the background's constant."""
    if response.mean is not None:
        mean = noise.whiten(response.mean[np.newaxis]).reshape(1, -1)
        whitened = whitened - mean
    exponent = np.einsum("nt,nt->n", whitened, whitened)
    if not response.parts:
        return -0.5 * exponent
    parts = noise.whiten_parts(response.parts, known)
    gram = parts.T @ parts
    gram[np.diag_indices_from(gram)] += 1.0
    factor = cholesky(gram, lower=True)
    projected = (whitened @ parts).T
    explained = np.einsum("rn,rn->n", projected, cho_solve((factor, True), projected))
    log_determinant = 2 * np.sum(np.log(np.diag(factor)))
    return -0.5 * (exponent - explained + log_determinant)


def square_root(autocovariance, tolerance=1e-5):
    """Courses whose random mixtures have a Toeplitz covariance.

    Parameters
    ----------
    autocovariance : ndarray, shape (n_times,)
    tolerance : float, default=1e-5
        Share of the largest eigenvalue below which directions are left out: of a
        narrow rhythm few remain, and what is left out lies far below any background.

    Returns
    -------
    courses : ndarray, shape (n_times, rank)
        ``courses @ courses.T`` is the covariance.

    Examples
    --------
    >>> square_root(np.array([1.0, 1.0])).round(6).T ** 2
    array([[1., 1.]])
    """
    values, vectors = eigh(toeplitz(autocovariance))
    kept = values > tolerance * values[-1]
    return vectors[:, kept] * np.sqrt(values[kept])

"""Multivariate noise normalisation: channels whitened by the noise covariance."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._arrays import (
    check_trials,
    refuse_constant,
    remember_channels,
    require_same_channels,
)
from ._aligner import group
from ._checks import check_choice
from ._shrinkage import check_shrinkage, shrunk_covariances

METHODS = ("epoch", "time")
# Numbers in a block that is worked on at a time: 64 MiB in double precision.
_BLOCK = 2**23


def noise_covariance(X, y=None, method="epoch", shrinkage="auto"):
    """Noise covariance of trials, averaged within and then over conditions.

    Parameters
    ----------
    X : array, shape (n_trials, n_channels, n_times)
    y : array, shape (n_trials,) or None
        Condition of each trial; None takes all trials for one.
    method : {"epoch", "time"}, default="epoch"
        "epoch" estimates a covariance over the samples of each trial, "time" one over
        the trials of a condition at each sample.
    shrinkage : {"auto", "ledoit_wolf", "oas"} or float, default="auto"
        See :class:`NoiseNormalisation`.

    Returns
    -------
    covariance : array, shape (n_channels, n_channels)
        float64, in the squared unit of ``X``.

    Raises
    ------
    ValueError
        If a setting is unknown, or a condition has one trial and the method is
        "time".

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((30, 4, 200))
    >>> np.diagonal(noise_covariance(X, np.arange(30) % 3)).round(1)
    array([1., 1., 1., 1.])
    """
    check_choice("method", method, METHODS)
    y = np.zeros(len(X), int) if y is None else np.asarray(y)
    conditions, codes = np.unique(y, return_inverse=True)
    total = np.zeros((X.shape[1], X.shape[1]))
    for code, condition in enumerate(conditions):
        rows = np.flatnonzero(codes == code)
        if method == "epoch":
            total += _over_epochs(X, rows, shrinkage)
        elif len(rows) > 1:
            total += _over_times(X[rows], shrinkage)
        else:
            raise ValueError(
                f"condition {condition} has one trial, so its samples do not vary; use "
                "method='epoch', or leave the condition out."
            )
    return total / len(conditions)


def _over_epochs(X, rows, shrinkage):
    size = max(1, _BLOCK // (X.shape[1] * X.shape[2]))
    total = 0.0
    for start in range(0, len(rows), size):
        trials = X[rows[start : start + size]]
        total += shrunk_covariances(trials.swapaxes(1, 2), shrinkage).sum(axis=0)
    return total / len(rows)


def _over_times(X, shrinkage):
    size = max(1, _BLOCK // (X.shape[0] * X.shape[1]))
    total = 0.0
    for start in range(0, X.shape[2], size):
        samples = X[:, :, start : start + size].transpose(2, 0, 1)
        total += shrunk_covariances(samples, shrinkage).sum(axis=0)
    return total / X.shape[2]


def whitening_matrix(covariance):
    """Inverse square root of a covariance.

    Parameters
    ----------
    covariance : array, shape (n_channels, n_channels)

    Returns
    -------
    whitener : array, shape (n_channels, n_channels)
        Symmetric.

    Raises
    ------
    ValueError
        If the covariance has not full rank.

    Examples
    --------
    >>> whitening_matrix(np.diag([4.0, 1.0])).round(3)
    array([[0.5, 0. ],
           [0. , 1. ]])
    """
    # Units apart, or a channel in tesla would seem missing beside one in volt.
    scale = np.sqrt(np.diagonal(covariance))
    n_channels, rank = len(covariance), 0
    if (scale > 0).all():
        rank = np.linalg.matrix_rank(covariance / np.outer(scale, scale))
    values, vectors = np.linalg.eigh(covariance)
    if rank < n_channels or values[0] <= 0:
        raise ValueError(
            f"the noise covariance has rank {rank} of {n_channels}; average reference "
            "or interpolated channels? use shrinkage='oas' or drop a channel."
        )
    return (vectors / np.sqrt(values)) @ vectors.T


class NoiseNormalisation(TransformerMixin, BaseEstimator):
    r"""Multivariate noise normalisation: whiten channels by their noise covariance.

    :math:`X' = \Sigma^{-1/2} X`, where :math:`\Sigma` is the covariance of each
    training trial, averaged over the trials of a condition and then over conditions
    [1]_. Fitted on training trials only; with the test trials in :math:`\Sigma`, the
    score would be that of no online decoder.

    Parameters
    ----------
    method : {"epoch", "time"}, default="epoch"
        "epoch" estimates a covariance over the samples of each trial, "time" one over
        the trials of a condition at each sample.
    shrinkage : {"auto", "ledoit_wolf", "oas"} or float, default="auto"
        "auto" is Ledoit-Wolf on channels of unit variance, scaled back, as published;
        the others shrink the channels as they are. A number from 0 to 1 is the weight
        of the identity.

    Attributes
    ----------
    whitener_ : array, shape (n_channels, n_channels)
        From all training trials or, with domains, from the mean of their covariances.
    whiteners_ : dict of domain to array
        Of each domain seen in `fit`; empty if it was given none.
    n_channels_ : int
    ch_names_ : tuple of str or None
        Known if fitted on `mne.Epochs`.

    Notes
    -----
    A session has its own noise. Name the session of each trial in ``domains`` and every
    session seen in `fit` gets its own whitener; an unseen one gets ``whitener_``,
    because its own would have to be learned from test trials. In a ``Pipeline``,
    scikit-learn's metadata routing hands on ``domains``. Without them, as in a bare
    ``Pipeline`` or in MOABB, one whitener serves all.

    References
    ----------
    .. [1] M. Guggenmos, P. Sterzer, R. M. Cichy. Multivariate pattern analysis for MEG:
       a comparison of dissimilarity measures. NeuroImage 173, 434-447, 2018.
       https://doi.org/10.1016/j.neuroimage.2018.02.044

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.preprocessing import NoiseNormalisation
    >>> rng = np.random.default_rng(0)
    >>> X = 1e-6 * np.array([[1.0], [20.0]]) * rng.standard_normal((50, 2, 100))
    >>> NoiseNormalisation().fit_transform(X).std(axis=(0, 2)).round(1)
    array([1., 1.])
    """

    # scikit-learn hands these on inside a Pipeline while metadata routing is enabled.
    __metadata_request__fit = {"domains": True}
    __metadata_request__transform = {"domains": True}

    def __init__(self, method="epoch", shrinkage="auto"):
        self.method = method
        self.shrinkage = shrinkage

    def fit(self, X, y=None, domains=None):
        """Estimate the noise covariance.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : array-like, shape (n_trials,) or None
            Condition of each trial; None takes all trials for one condition.
        domains : array-like, shape (n_trials,) or (n_trials, n_columns), or None
            Session of each trial, such as ``metadata[["subject", "session"]]``.

        Returns
        -------
        self : NoiseNormalisation

        Raises
        ------
        ValueError
            If a trial holds NaN, a channel is constant within a trial, the covariance
            has not full rank, or a setting is unknown.
        """
        check_choice("method", self.method, METHODS)
        shrinkage = check_shrinkage(self.shrinkage)
        X, ch_names, _ = self._check(X)
        refuse_constant(X, ch_names)
        y = np.zeros(len(X), int) if y is None else column_or_1d(y)
        check_consistent_length(X, y)
        self.whiteners_, covariances = {}, []
        for domain, rows in group(domains, len(X)):
            # All of them at once: no copy.
            part = X if len(rows) == len(X) else X[rows]
            covariances.append(noise_covariance(part, y[rows], self.method, shrinkage))
            if domain is not None:
                self.whiteners_[domain] = whitening_matrix(covariances[-1])
        self.whitener_ = whitening_matrix(np.mean(covariances, axis=0))
        remember_channels(self, X, ch_names)
        return self

    def transform(self, X, domains=None):
        """Whiten the channels.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        domains : array-like, shape (n_trials,) or (n_trials, n_columns), or None
            Those seen in `fit` get their own whitener, others ``whitener_``.

        Returns
        -------
        X_new : ndarray, shape (n_trials, n_channels, n_times)
            Without unit; float32 where `X` is.

        Raises
        ------
        ValueError
            If a trial holds NaN, or the channels are not those of `fit`.
        """
        check_is_fitted(self)
        X, ch_names, _ = self._check(X)
        require_same_channels(self, X, ch_names)
        X_new = np.empty(X.shape, X.dtype)
        size = max(1, _BLOCK // (X.shape[1] * X.shape[2]))
        for domain, rows in group(domains, len(X)):
            whitener = self.whiteners_.get(domain, self.whitener_)
            for start in range(0, len(rows), size):
                block = rows[start : start + size]
                X_new[block] = whitener @ X[block].astype(np.float64, copy=False)
        return X_new

    def fit_transform(self, X, y=None, domains=None):
        """Fit and whiten the same trials; see `fit` and `transform`.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y, domains : array-like or None
            As in `fit`.

        Returns
        -------
        X_new : ndarray, shape (n_trials, n_channels, n_times)
        """
        return self.fit(X, y, domains=domains).transform(X, domains=domains)

    def _check(self, X):
        # Other shrinkages compare channels, hence their units.
        together = ("mag", "grad", "eeg") if self.shrinkage == "auto" else ()
        return check_trials(X, together)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

"""What estimators that need the sampling rate and the labels have in common."""

import math
import numbers

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from ._checks import (
    check_trials,
    refuse_constant,
    remember_channels,
    require_same_channels,
)


class SampledEstimator(BaseEstimator):
    """Estimator of trials with a parameter ``sfreq``; checks trials in one place."""

    def _check_training(self, X):
        """Trials of `fit` as an array, names of channels or None, sampling rate."""
        X, ch_names, sfreq = check_trials(X)
        refuse_constant(X, ch_names)
        return X, ch_names, _resolve_sfreq(self.sfreq, sfreq)

    def _remember(self, X, ch_names, sfreq):
        """Set what was trained on; the last line of `fit`, so that none half-fits."""
        remember_channels(self, X, ch_names)
        self.sfreq_ = sfreq

    def _check_new(self, X):
        """Trials as an array, if their channels and rate are those of `fit`."""
        check_is_fitted(self)
        X, ch_names, sfreq = check_trials(X)
        require_same_channels(self, X, ch_names)
        refuse_constant(X, ch_names)
        if sfreq is not None and not math.isclose(sfreq, self.sfreq_):
            raise ValueError(
                f"the epochs are sampled at {sfreq:g} Hz, but {type(self).__name__} "
                f"was fitted at {self.sfreq_:g} Hz: epochs.resample({self.sfreq_:g})."
            )
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _resolve_sfreq(own, epochs_sfreq):
    if own is None and epochs_sfreq is None:
        raise ValueError(
            "the sampling rate is unknown: pass sfreq= in Hz, or fit on mne.Epochs."
        )
    if own is None:
        return epochs_sfreq
    own = positive("sfreq", own, "the sampling rate in Hz")
    if epochs_sfreq is not None and not math.isclose(own, epochs_sfreq):
        raise ValueError(
            f"sfreq is {own:g} Hz, but the epochs are sampled at {epochs_sfreq:g} Hz: "
            f"set sfreq={epochs_sfreq:g}, or None to take theirs, or resample them."
        )
    return own


def check_classes(estimator, X, y, least=1):
    """Classes of the trials, and the position of each trial's class among them.

    Parameters
    ----------
    estimator : estimator
        Named in messages.
    X : ndarray, shape (n_trials, ...)
    y : array-like, shape (n_trials,)
    least : int, default=1
        Trials that each class must have.

    Returns
    -------
    classes : ndarray, shape (n_classes,)
        Sorted.
    codes : ndarray of int, shape (n_trials,)

    Raises
    ------
    ValueError
        If there are no labels, not one for each trial, fewer than two classes, or a
        class has fewer than `least` trials.
    """
    name = type(estimator).__name__
    if y is None:
        raise ValueError(
            f"{name} requires y to be passed, but the target y is None: give the label "
            "of each trial."
        )
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"y holds one class, {classes.tolist()[0]!r}; {name} tells classes apart: "
            "give trials of at least two."
        )
    counts = np.bincount(codes)
    if counts.min() < least:
        rare = classes.tolist()[counts.argmin()]
        raise ValueError(
            f"class {rare!r} has too few trials, {counts.min()}; "
            f"{name} needs at least {least} of each: record more, or leave the class "
            "out."
        )
    return classes, codes


def require_full_rank(covariance, what, remedy):
    """Raise ValueError if a covariance is singular to double precision.

    Parameters
    ----------
    covariance : ndarray, shape (n_channels, n_channels)
    what, remedy : str
        Start and end of the message.
    """
    values = np.linalg.eigvalsh(covariance)
    limit = len(values) * np.finfo(np.float64).eps * values[-1]
    rank = np.count_nonzero(values > 10 * limit)
    if rank < len(values):
        raise ValueError(
            f"{what} has rank {rank} of {len(values)} (average reference, interpolated "
            f"channel, or too few samples?): {remedy}"
        )


def shrink(covariance, shrinkage):
    """Mix covariances with the identity of the same trace.

    Parameters
    ----------
    covariance : ndarray, shape (..., n_channels, n_channels)
    shrinkage : float
        Share of the identity.
    """
    n = covariance.shape[-1]
    power = np.trace(covariance, axis1=-2, axis2=-1)[..., None, None] / n
    return (1 - shrinkage) * covariance + shrinkage * power * np.eye(n)


def positive(name, value, meaning):
    """A parameter as float, if it is a finite number above 0."""
    if not _is_real(value) or not 0 < value < math.inf:
        raise ValueError(f"{name} is {value!r}; give {meaning}, greater than 0.")
    return float(value)


def share(name, value, example):
    """A parameter as float, if it is a number from 0 up to, not including, 1."""
    if not _is_real(value) or not 0 <= value < 1:
        raise ValueError(
            f"{name} is {value!r}; give a number from 0 to below 1, such as {example}."
        )
    return float(value)


def whole(name, value):
    """A parameter as int, if it is a whole number from 1."""
    integral = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integral or value < 1:
        raise ValueError(f"{name} is {value!r}; give a whole number from 1.")
    return int(value)


def _is_real(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)

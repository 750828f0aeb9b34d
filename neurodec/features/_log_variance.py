"""Log-variance of each channel."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ._checks import (
    check_trials,
    refuse_constant,
    remember_channels,
    require_same_channels,
)


class LogVariance(TransformerMixin, BaseEstimator):
    """Log-variance of each channel: its band power, for band-passed trials.

    The natural logarithm makes the distribution of band power nearly normal, as a
    linear classifier wants it [1]_. Another unit of `X` only adds a constant.

    Attributes
    ----------
    n_channels_ : int
    ch_names_ : tuple of str or None
        Known if fitted on `mne.Epochs`.
    trialwise : bool
        True: each output row depends on its own trial alone.

    References
    ----------
    .. [1] B. Blankertz, R. Tomioka, S. Lemm, M. Kawanabe, K.-R. Müller. Optimizing
       spatial filters for robust EEG single-trial analysis. IEEE Signal Processing
       Magazine 25(1), 41-56, 2008. https://doi.org/10.1109/MSP.2008.4408441

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.features import LogVariance
    >>> X = np.array([[[1.0, -1.0, 1.0, -1.0], [2.0, -2.0, 2.0, -2.0]]])
    >>> LogVariance().fit_transform(X).round(2)
    array([[0.  , 1.39]])
    """

    trialwise = True

    def fit(self, X, y=None):
        """Remember the channels.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
            Band-passed trials.
        y : None
            Not used.

        Returns
        -------
        self : LogVariance

        Raises
        ------
        ValueError
            If a trial holds NaN, or a channel is constant within a trial.
        """
        X, ch_names, _ = check_trials(X)
        refuse_constant(X, ch_names)
        remember_channels(self, X, ch_names)
        return self

    def transform(self, X):
        """Log-variance over time.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs

        Returns
        -------
        X_new : ndarray, shape (n_trials, n_channels)
            Natural logarithm of the variance, in the squared unit of `X`.

        Raises
        ------
        ValueError
            As in `fit`, and if the channels are not those of `fit`.
        """
        check_is_fitted(self)
        X, ch_names, _ = check_trials(X)
        require_same_channels(self, X, ch_names)
        refuse_constant(X, ch_names)
        # float32 squares of signals in tesla would underflow.
        return np.log(np.var(X, axis=-1, dtype=np.float64))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

"""Task-related component analysis."""

import numpy as np
from scipy.linalg import eigh

from ..features._sampled import check_classes, require_full_rank, share, shrink
from .ssvep import SubBandClassifier


def trca_filters(X, shrinkage=0.0):
    """Spatial filter whose output repeats best over trials: the task-related component.

    The largest eigenvalue of the covariance between trials, relative to that within
    [1]_.

    Parameters
    ----------
    X : ndarray, shape (..., n_trials, n_channels, n_times)
        Trials of one class without the mean of each channel.
    shrinkage : float, default=0.0
        Share of the identity in the covariance within trials.

    Returns
    -------
    filters : ndarray, shape (..., n_channels)

    Raises
    ------
    ValueError
        If channels are linearly dependent and `shrinkage` is 0.

    References
    ----------
    .. [1] M. Nakanishi, Y. Wang, X. Chen, Y.-T. Wang, X. Gao, T.-P. Jung. Enhancing
       detection of SSVEPs for a high-speed brain speller using task-related component
       analysis. IEEE Transactions on Biomedical Engineering 65(1), 104-112, 2018.
       https://doi.org/10.1109/TBME.2017.2694818

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.decoders import trca_filters
    >>> X = np.random.default_rng(0).standard_normal((9, 2, 200))
    >>> X[:, 1] += 3 * np.sin(np.arange(200) / 5)
    >>> np.abs(trca_filters(X)).argmax()
    np.int64(1)
    """
    within = np.einsum("...nct,...ndt->...cd", X, X, optimize=True)
    # The sum over all pairs of trials is that of the sum of trials with itself. It
    # holds each trial's pair with itself too, which adds 1 to all eigenvalues.
    total = X.sum(axis=-3)
    between = total @ np.swapaxes(total, -1, -2)
    filters = np.empty(within.shape[:-1])
    for index in np.ndindex(within.shape[:-2]):
        if shrinkage == 0:
            require_full_rank(
                within[index],
                "the covariance of the training trials",
                "set shrinkage=0.01, or drop a channel.",
            )
        filters[index] = eigh(between[index], shrink(within[index], shrinkage))[1][
            :, -1
        ]
    return filters


class TRCA(SubBandClassifier):
    """Task-related component analysis with a filter bank, ensemble or not.

    A spatial filter of each class makes its trials repeat best; a new trial belongs to
    the class with whose average, so filtered, it correlates most [1]_. The ensemble
    uses the filters of all classes at once.

    For stimuli that start at the same phase in every trial. Where they do not, averages
    cancel and the answer is at chance: use `neurodec.features.ReferenceCorrelations`.

    Parameters
    ----------
    bands : sequence of (float, float) or None, default=None
        Edges of sub-bands in Hz, lowest first, each usually reaching from a multiple of
        the lowest stimulus frequency up to the same end: band ``m`` has weight
        ``m ** -1.25 + 0.25``. None takes the trials as they are.
    sfreq : float or None, default=None
        Sampling rate in Hz; None takes that of the `mne.Epochs` in `fit`.
    order : int, default=4
        Order of the Butterworth filters, run forward and backward.
    ensemble : bool, default=True
        Use the filters of all classes for each class.
    shrinkage : float, default=0.0
        Share of the identity in the covariance within trials, from 0 to below 1; as
        published 0. Average-referenced trials need some.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    filters_ : ndarray, shape (n_bands, n_classes, n_channels)
    templates_ : ndarray, shape (n_bands, n_classes, n_channels, n_times)
        Average of each class.
    sfreq_ : float
    n_channels_ : int
    ch_names_ : tuple of str or None
        Known if fitted on `mne.Epochs`.

    See Also
    --------
    FilterBankCCA : Needs no training and no common phase.

    References
    ----------
    .. [1] M. Nakanishi, Y. Wang, X. Chen, Y.-T. Wang, X. Gao, T.-P. Jung. Enhancing
       detection of SSVEPs for a high-speed brain speller using task-related component
       analysis. IEEE Transactions on Biomedical Engineering 65(1), 104-112, 2018.
       https://doi.org/10.1109/TBME.2017.2694818

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.decoders import TRCA
    >>> rng, y = np.random.default_rng(0), np.tile(["13", "17"], 10)
    >>> phase = 2 * np.pi * y.astype(float)[:, None] * np.arange(256) / 256
    >>> X = rng.standard_normal((20, 4, 256)) + np.sin(phase)[:, None]
    >>> TRCA(sfreq=256).fit(X[:10], y[:10]).score(X[10:], y[10:])
    1.0
    """

    def __init__(self, bands=None, sfreq=None, order=4, ensemble=True, shrinkage=0.0):
        self.bands = bands
        self.sfreq = sfreq
        self.order = order
        self.ensemble = ensemble
        self.shrinkage = shrinkage

    def fit(self, X, y):
        """Learn spatial filters and averages.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : array-like, shape (n_trials,)
            Labels.

        Returns
        -------
        self : TRCA

        Raises
        ------
        ValueError
            If no sampling rate is known or two differ, a band does not fit it, trials
            hold NaN or a constant channel, there are fewer than two classes or two
            trials of one, or channels are linearly dependent and `shrinkage` is 0.
        """
        X, ch_names, sfreq = self._check_training(X)
        shrinkage = share("shrinkage", self.shrinkage, 0.01)
        classes, codes = check_classes(self, X, y, least=2)
        X_bands = np.swapaxes(self._split(X, sfreq), 0, 1)
        of_class = [X_bands[:, codes == code] for code in range(len(classes))]
        filters = [trca_filters(trials, shrinkage) for trials in of_class]
        self.classes_ = classes
        self.filters_ = np.stack(filters, axis=1)
        self.templates_ = np.stack([t.mean(axis=1) for t in of_class], axis=1)
        self._remember(X, ch_names, sfreq)
        return self

    def _scores(self, X):
        n_times = self.templates_.shape[-1]
        if X.shape[-1] != n_times:
            raise ValueError(
                f"trials have {X.shape[-1]} samples, but TRCA was fitted on {n_times}, "
                "the length of its averages: cut them to the same window."
            )
        X_bands = self._split(X, self.sfreq_)
        filtered = np.einsum("bfc,nbct->nbft", self.filters_, X_bands, optimize=True)
        averages = np.einsum(
            "bfc,bkct->bkft", self.filters_, self.templates_, optimize=True
        )
        joint = "nbft,bkft->nbkf"
        products = np.einsum(joint, filtered, averages, optimize=True)
        power = np.square(filtered).sum(axis=-1)[:, :, np.newaxis]
        power_averages = np.square(averages).sum(axis=-1)
        if self.ensemble:
            products, power, power_averages = (
                values.sum(axis=-1) for values in (products, power, power_averages)
            )
        else:
            products, power_averages = (
                np.diagonal(values, axis1=-2, axis2=-1)
                for values in (products, power_averages)
            )
            power = power[:, :, 0]
        return self._weigh(products / np.sqrt(power * power_averages))

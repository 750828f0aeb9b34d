"""Filter bank around stimulus frequencies, and the covariance of its output."""

import math
import numbers

import numpy as np
from pyriemann.geometry.covariance import covariances
from scipy.signal import butter, sosfiltfilt
from sklearn.base import TransformerMixin

from ._sampled import SampledEstimator, positive

# Trials that are filtered at a time: the bank multiplies their memory.
_BLOCK = 128


def filter_bank(X, bands, sfreq, order=1):
    """Filter trials in each of several bands and stack the copies along the channels.

    Zero-phase Butterworth filters (forward and backward), each trial on its own. Before
    filtering, each end is extended by the point reflection of one transient of the
    filter, ``sfreq / (high - low)`` samples, by which time a first-order filter has
    decayed to 4 percent.

    Parameters
    ----------
    X : ndarray, shape (n_trials, n_channels, n_times)
    bands : sequence of (float, float)
        Edges of each pass band in Hz, ``0 < low < high < sfreq / 2``.
    sfreq : float
        Sampling rate in Hz.
    order : int, default=1
        Order of the Butterworth prototype: the band-pass has ``2 * order`` poles.

    Returns
    -------
    X_new : ndarray, shape (n_trials, n_bands * n_channels, n_times)
        All channels in the first band, then all in the second, and so on; float64.

    Raises
    ------
    ValueError
        If a band does not lie between 0 and half the sampling rate, or trials are not
        longer than the transient.

    See Also
    --------
    FilterBankCovariances : The covariance of the stacked copies.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.features import filter_bank
    >>> times = np.arange(512) / 256
    >>> X = np.sin(2 * np.pi * 13 * times)[np.newaxis, np.newaxis]
    >>> filter_bank(X, [(12, 14), (20, 22)], sfreq=256).std(axis=-1).round(1)
    array([[0.7, 0. ]])
    """
    sfreq = positive("sfreq", sfreq, "the sampling rate in Hz")
    if isinstance(order, bool) or not isinstance(order, numbers.Integral) or order < 1:
        raise ValueError(f"order is {order!r}; give a whole number from 1, such as 1.")
    check_bands(bands)
    return np.concatenate(
        [_filter_band(X, low, high, sfreq, order) for low, high in bands], axis=-2
    )


def _filter_band(X, low, high, sfreq, order):
    if not 0 < low < high:
        raise ValueError(
            f"band {low:g}-{high:g} Hz: expected 0 < low < high; use a narrower band, "
            "or a higher frequency."
        )
    if high >= sfreq / 2:
        raise ValueError(
            f"band {low:g}-{high:g} Hz reaches {sfreq / 2:g} Hz, the Nyquist frequency "
            f"of {sfreq:g} Hz: drop this frequency, or resample less."
        )
    transient = math.ceil(sfreq / (high - low))
    n_times = X.shape[-1]
    if n_times <= transient:
        raise ValueError(
            f"trials of {n_times} samples ({n_times / sfreq:g} s) are not longer than "
            f"the transient of the {low:g}-{high:g} Hz filter, {transient} samples "
            f"({transient / sfreq:g} s): use longer trials or a wider band."
        )
    sos = butter(order, (low, high), btype="bandpass", fs=sfreq, output="sos")
    return sosfiltfilt(sos, X, axis=-1, padlen=transient)


class FilterBankCovariances(TransformerMixin, SampledEstimator):
    """Covariance of trials filtered around each stimulus frequency.

    Trials are band-passed around every frequency by `filter_bank`, the filtered copies
    are stacked along the channels, and one covariance of the stack is estimated per
    trial: the extended covariance of steady-state visual evoked potentials [1]_ [2]_. A
    class then shows in the power of its own band's block.

    The filter bank is in the estimator because MOABB's evaluations hand on only the
    first band of a filter-bank paradigm.

    Parameters
    ----------
    frequencies : sequence of float
        Stimulus frequencies in Hz, distinct.
    sfreq : float or None, default=None
        Sampling rate in Hz; None takes that of the `mne.Epochs` in `fit`.
    half_bandwidth : float, default=1.0
        Each band reaches from ``frequency - half_bandwidth`` to ``frequency +
        half_bandwidth``, in Hz. Trials must be longer than ``0.5 / half_bandwidth``
        seconds.
    order : int, default=1
        Order of the Butterworth filters. Steeper filters ring longer, which costs more
        than their selectivity gains in trials of a few seconds.
    estimator : str, default="oas"
        Covariance estimator of `pyriemann.geometry.covariance.covariances`. The stack
        has many channels, few independent samples and, referenced to an average, no
        full rank, so that a shrinkage estimator is needed.

    Attributes
    ----------
    sfreq_ : float
        Sampling rate in Hz.
    n_channels_ : int
    ch_names_ : tuple of str or None
        Known if fitted on `mne.Epochs`.
    trialwise : bool
        True: each output row depends on its own trial alone.

    See Also
    --------
    filter_bank : The filters alone.

    References
    ----------
    .. [1] M. Congedo, A. Barachant, A. Andreev. A new generation of brain-computer
       interface based on Riemannian geometry, 2013. https://arxiv.org/abs/1310.8115
    .. [2] E. K. Kalunga, S. Chevallier, Q. Barthélemy, K. Djouani, E. Monacelli, Y.
       Hamam. Online SSVEP-based BCI using Riemannian geometry. Neurocomputing 191,
       55-68, 2016. https://doi.org/10.1016/j.neucom.2016.01.007

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.features import FilterBankCovariances
    >>> X = np.random.default_rng(0).standard_normal((10, 8, 512))
    >>> bank = FilterBankCovariances(frequencies=[13, 17, 21], sfreq=256)
    >>> bank.fit_transform(X).shape
    (10, 24, 24)
    """

    trialwise = True

    def __init__(
        self, frequencies, sfreq=None, half_bandwidth=1.0, order=1, estimator="oas"
    ):
        self.frequencies = frequencies
        self.sfreq = sfreq
        self.half_bandwidth = half_bandwidth
        self.order = order
        self.estimator = estimator

    def fit(self, X, y=None):
        """Check the parameters and remember the channels and the sampling rate.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : None
            Not used.

        Returns
        -------
        self : FilterBankCovariances

        Raises
        ------
        ValueError
            If no sampling rate is known or two differ, a band does not lie between 0
            and half the sampling rate, trials are shorter than the filter's transient,
            a trial holds NaN, or a channel is constant within a trial.
        """
        X, ch_names, sfreq = self._check_training(X)
        self._covariances(X[:1], sfreq)  # raises what transform would raise
        self._remember(X, ch_names, sfreq)
        return self

    def transform(self, X):
        """Estimate the covariance of each trial's filtered copies.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs

        Returns
        -------
        X_new : ndarray, shape (n_trials, n_frequencies * n_channels, same)
            Covariances, all channels of the first frequency first.

        Raises
        ------
        ValueError
            As in `fit`, and if the channels or the sampling rate are not those of
            `fit`.
        """
        X = self._check_new(X)
        return in_blocks(self._covariances, X, self.sfreq_)

    def _covariances(self, X, sfreq):
        bands = _bands(self.frequencies, self.half_bandwidth)
        return covariances(
            filter_bank(X, bands, sfreq, self.order), estimator=self.estimator
        )


def in_blocks(function, X, *args):
    """Apply a function of trials to some at a time, for its memory."""
    blocks = range(0, len(X), _BLOCK)
    return np.concatenate([function(X[i : i + _BLOCK], *args) for i in blocks])


def _bands(frequencies, half_bandwidth):
    half = positive("half_bandwidth", half_bandwidth, "half a band's width in Hz")
    centres = check_frequencies(frequencies)
    return [(centre - half, centre + half) for centre in centres]


def check_frequencies(frequencies):
    """Stimulus frequencies as floats, each once."""
    if isinstance(frequencies, (str, numbers.Real)) or len(frequencies) == 0:
        raise ValueError(
            f"frequencies is {frequencies!r}; give a list of stimulus frequencies in "
            "Hz, such as [13, 17, 21]."
        )
    centres = [positive("a frequency", f, "a number in Hz") for f in frequencies]
    if len(set(centres)) < len(centres):
        raise ValueError(
            f"frequencies {list(frequencies)} repeat one, which tells nothing more and "
            "makes the covariance singular: give each once."
        )
    return centres


def check_bands(bands):
    """Raise ValueError unless bands are a list of pairs of frequencies."""
    listed = isinstance(bands, (list, tuple, np.ndarray))
    if not listed or any(np.shape(band) != (2,) for band in bands):
        raise ValueError(
            f"bands is {bands!r}; give a list of pairs in Hz, such as [(8, 12), "
            "(12, 16)]."
        )
    if len(bands) == 0:
        raise ValueError("bands is empty; give at least one, such as [(12, 14)].")

"""Power and connectivity of trials in frequency bands, from windowed cross-spectra."""

import numpy as np
from pyriemann.geometry.covariance import cross_spectrum
from sklearn.base import TransformerMixin

from ._filter_bank import in_blocks
from ._sampled import SampledEstimator, positive, share

# Mu and beta rhythms.
BANDS = ((8.0, 13.0), (13.0, 20.0), (20.0, 30.0))
_METHODS = ("coherence", "imaginary")


def band_power(X, sfreq, bands=BANDS, window=0.25, overlap=0.5):
    """Logarithm of the mean power in each band (Welch's method, Hann windows).

    Parameters
    ----------
    X : ndarray, shape (n_trials, n_channels, n_times)
    sfreq : float
        Sampling rate in Hz.
    bands : sequence of (low, high)
        In Hz; both ends belong to the band.
    window : float, default=0.25
        Length of a window in seconds; frequencies are multiples of its inverse.
    overlap : float, default=0.5
        Share of a window that the next one repeats.

    Returns
    -------
    powers : ndarray, shape (n_trials, n_channels, n_bands)
        Natural logarithm, in the squared unit of `X`.

    Raises
    ------
    ValueError
        If a band does not fit the rate or the window, or trials are too short.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((4, 3, 256))
    >>> band_power(X, 128).shape
    (4, 3, 3)
    """
    spectra, members = _spectra(X, sfreq, bands, window, overlap, least=1)
    power = np.diagonal(spectra.real, axis1=1, axis2=2)  # (n, n_frequencies, c)
    means = [power[:, member].mean(axis=1) for member in members]
    return np.log(np.stack(means, axis=-1))


def node_strength(X, sfreq, bands=BANDS, window=0.25, overlap=0.5, method="imaginary"):
    """How much each channel is coupled to all others, in each band.

    Parameters
    ----------
    X : ndarray, shape (n_trials, n_channels, n_times)
    sfreq : float
        Sampling rate in Hz.
    bands : sequence of (low, high)
        In Hz; both ends belong to the band.
    window : float, default=0.25
        Length of a window in seconds. Coherence is estimated over the windows of one
        trial: short windows make more of them, and less bias.
    overlap : float, default=0.5
        Share of a window that the next one repeats.
    method : {"imaginary", "coherence"}
        Size of the imaginary part of coherency, which volume conduction does not
        touch [1]_, or its squared magnitude.

    Returns
    -------
    strengths : ndarray, shape (n_trials, n_channels, n_bands)
        Sum over the other channels, mean over the band.

    Raises
    ------
    ValueError
        If a band does not fit, trials hold fewer than two windows (every coherence
        would be one), there is one channel, or the method is unknown.

    References
    ----------
    .. [1] G. Nolte et al. Identifying true brain interaction from EEG data using the
       imaginary part of coherency. Clinical Neurophysiology 115(10), 2004.
       https://doi.org/10.1016/j.clinph.2004.04.029

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((4, 3, 256))
    >>> node_strength(X, 128).shape
    (4, 3, 3)
    """
    if method not in _METHODS:
        raise ValueError(f"method is {method!r}; use one of {', '.join(_METHODS)}.")
    if X.shape[1] < 2:
        raise ValueError(
            "connectivity needs two channels and there is 1; use band power."
        )
    spectra, members = _spectra(X, sfreq, bands, window, overlap, least=2)
    power = np.diagonal(spectra.real, axis1=1, axis2=2)  # (n, n_frequencies, c)
    power = np.moveaxis(power, 1, -1)
    scale = np.sqrt(power[:, :, None] * power[:, None])
    coherency = spectra / scale
    if method == "imaginary":
        coupling = np.abs(coherency.imag)
    else:
        coupling = np.abs(coherency) ** 2
    strength = coupling.sum(axis=2) - np.diagonal(coupling, axis1=1, axis2=2).swapaxes(
        1, 2
    )
    return np.stack([strength[..., m].mean(axis=-1) for m in members], axis=-1)


def _spectra(X, sfreq, bands, window, overlap, least):
    """Cross-spectra (n_trials, c, c, n_frequencies), and the mask of each band."""
    sfreq = positive("sfreq", sfreq, "the sampling rate in Hz")
    seconds = positive("window", window, "seconds")
    overlap = share("overlap", overlap, 0.5)
    length = round(seconds * sfreq)
    step = max(1, round(length * (1 - overlap)))
    if X.shape[-1] < length + (least - 1) * step:
        raise ValueError(
            f"trials of {X.shape[-1]} samples ({X.shape[-1] / sfreq:g} s) hold fewer "
            f"than {least} windows of {seconds:g} s: use longer trials or a shorter "
            "window."
        )
    frequencies = np.arange(length // 2 + 1) * sfreq / length
    members = []
    for low, high in bands:
        if not 0 < low < high < sfreq / 2:
            raise ValueError(
                f"band ({low:g}, {high:g}) Hz; give 0 < low < high < {sfreq / 2:g} Hz, "
                f"the Nyquist frequency of {sfreq:g} Hz."
            )
        member = (frequencies >= low) & (frequencies <= high)
        if not member.any():
            raise ValueError(
                f"no multiple of {sfreq / length:g} Hz lies in band ({low:g}, "
                f"{high:g}) Hz: use a longer window or a wider band."
            )
        members.append(member)
    if not members:
        raise ValueError("bands is empty; give at least one (low, high) in Hz.")
    # pyRiemann truncates (1 - overlap) * length; half a sample more makes it ours.
    spectra, _ = cross_spectrum(
        np.asarray(X, dtype=np.float64), length, 1 - (step + 0.5) / length
    )
    return spectra, members


class _Spectral(TransformerMixin, SampledEstimator):
    """What both transformers share: one row per trial, computed from it alone."""

    trialwise = True

    def fit(self, X, y=None):
        """Remember channels and rate, after trying one trial.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : None
            Not used.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If no sampling rate is known or two differ, a band or the window does not
            fit, or trials hold NaN or a constant channel.
        """
        X, ch_names, sfreq = self._check_training(X)
        self._describe(X[:1], sfreq)
        self._remember(X, ch_names, sfreq)
        return self

    def transform(self, X):
        """Numbers of each trial.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs

        Returns
        -------
        X_new : ndarray, shape (n_trials, n_channels * n_bands)
            All bands of the first channel, then of the second, and so on.

        Raises
        ------
        ValueError
            As in `fit`, and if the channels or the rate are not those of `fit`.
        """
        X = self._check_new(X)
        found = in_blocks(self._describe, X, self.sfreq_)
        return found.reshape(len(X), -1)


class BandPower(_Spectral):
    """Logarithm of the power of each channel in each band.

    Parameters
    ----------
    bands : sequence of (low, high), default=((8, 13), (13, 20), (20, 30))
        In Hz; both ends belong to the band.
    sfreq : float or None, default=None
        Sampling rate in Hz; None takes that of the `mne.Epochs` in `fit`.
    window : float, default=0.25
        Length of the windows in seconds.
    overlap : float, default=0.5
        Share of a window that the next one repeats.

    Attributes
    ----------
    sfreq_ : float
    n_channels_ : int
    ch_names_ : tuple of str or None

    See Also
    --------
    band_power : The function.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((4, 3, 256))
    >>> BandPower(sfreq=128).fit_transform(X).shape
    (4, 9)
    """

    def __init__(self, bands=BANDS, sfreq=None, window=0.25, overlap=0.5):
        self.bands = bands
        self.sfreq = sfreq
        self.window = window
        self.overlap = overlap

    def _describe(self, X, sfreq):
        return band_power(X, sfreq, self.bands, self.window, self.overlap)


class NodeStrength(_Spectral):
    """Coupling of each channel with all others in each band.

    Parameters
    ----------
    bands : sequence of (low, high), default=((8, 13), (13, 20), (20, 30))
        In Hz; both ends belong to the band.
    method : {"imaginary", "coherence"}
    sfreq : float or None, default=None
        Sampling rate in Hz; None takes that of the `mne.Epochs` in `fit`.
    window : float, default=0.25
        Length of the windows in seconds.
    overlap : float, default=0.5
        Share of a window that the next one repeats.

    Attributes
    ----------
    sfreq_ : float
    n_channels_ : int
    ch_names_ : tuple of str or None

    See Also
    --------
    node_strength : The function.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((4, 3, 256))
    >>> NodeStrength(sfreq=128).fit_transform(X).shape
    (4, 9)
    """

    def __init__(
        self, bands=BANDS, method="imaginary", sfreq=None, window=0.25, overlap=0.5
    ):
        self.bands = bands
        self.method = method
        self.sfreq = sfreq
        self.window = window
        self.overlap = overlap

    def _describe(self, X, sfreq):
        return node_strength(
            X, sfreq, self.bands, self.window, self.overlap, self.method
        )

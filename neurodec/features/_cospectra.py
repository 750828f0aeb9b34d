"""Cospectra of trials, and their tangent space frequency by frequency."""

import numpy as np
from pyriemann.geometry.covariance import cross_spectrum
from pyriemann.geometry.mean import mean_riemann
from pyriemann.geometry.tangentspace import tangent_space
from sklearn.base import TransformerMixin

from ._filter_bank import in_blocks
from ._sampled import SampledEstimator, positive, require_full_rank, share, shrink


def shrunk_cospectra(X, sfreq, fmin, fmax, window=0.25, overlap=0.5, shrinkage=0.1):
    """Cospectral matrices of each trial, mixed with the identity.

    The real part of the cross-spectrum, averaged over Hann windows, by pyRiemann.

    Parameters
    ----------
    X : ndarray, shape (n_trials, n_channels, n_times)
    sfreq : float
        Sampling rate in Hz.
    fmin, fmax : float
        Frequencies to keep in Hz, both ends included. Frequencies that a filter took
        away, and 0 Hz, hold nothing but rounding errors: leave them out.
    window : float, default=0.25
        Length of a window in seconds; frequencies are multiples of its inverse.
    overlap : float, default=0.5
        Share of a window that the next one repeats.
    shrinkage : float, default=0.1
        Share of the identity. A few windows of a trial are fewer than its channels, so
        that the matrices have no full rank without it.

    Returns
    -------
    matrices : ndarray, shape (n_trials, n_frequencies, n_channels, n_channels)
    frequencies : ndarray, shape (n_frequencies,)
        In Hz.

    Raises
    ------
    ValueError
        If trials are shorter than a window, or no frequency lies in the range.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.features import shrunk_cospectra
    >>> X = np.random.default_rng(0).standard_normal((5, 3, 256))
    >>> matrices, frequencies = shrunk_cospectra(X, 128, fmin=8, fmax=32)
    >>> matrices.shape, frequencies
    ((5, 7, 3, 3), array([ 8., 12., 16., 20., 24., 28., 32.]))
    """
    sfreq = positive("sfreq", sfreq, "the sampling rate in Hz")
    seconds = positive("window", window, "seconds")
    overlap = positive("overlap", share("overlap", overlap, 0.5), "0.5")
    shrinkage = share("shrinkage", shrinkage, 0.1)
    if not 0 < fmin < fmax < sfreq / 2:
        raise ValueError(
            f"fmin is {fmin!r} and fmax {fmax!r} Hz; give 0 < fmin < fmax < "
            f"{sfreq / 2:g} Hz, the Nyquist frequency of {sfreq:g} Hz."
        )
    length = round(seconds * sfreq)
    step = max(1, round(length * (1 - overlap)))
    if X.shape[-1] < length + step:
        raise ValueError(
            f"trials of {X.shape[-1]} samples ({X.shape[-1] / sfreq:g} s) hold fewer "
            f"than two windows of {seconds:g} s: use longer trials or a shorter window."
        )
    frequencies = np.arange(length // 2 + 1) * sfreq / length
    kept = (frequencies >= fmin) & (frequencies <= fmax)
    if not kept.any():
        raise ValueError(
            f"no multiple of {sfreq / length:g} Hz lies between {fmin:g} and {fmax:g} "
            "Hz: use a longer window or a wider range."
        )
    # pyRiemann truncates (1 - overlap) * length; half a sample more makes it ours.
    spectra, _ = cross_spectrum(
        np.asarray(X, dtype=np.float64), length, 1 - (step + 0.5) / length
    )
    matrices = np.moveaxis(spectra.real[..., kept], -1, 1)
    return shrink(matrices, shrinkage), frequencies[kept]


class CospectralTangentSpace(TransformerMixin, SampledEstimator):
    """Tangent vectors of the cospectral matrix at each frequency.

    A trial is described by one cospectral matrix per frequency; each frequency has its
    own Riemannian mean, learned in `fit`, and its own tangent space there. The power of
    rhythms is then told apart by frequency and by place, without bands chosen
    beforehand.

    Parameters
    ----------
    fmin, fmax : float, default=8.0 and 32.0
        Frequencies to keep in Hz. The trials must hold them: near 0 Hz, and where a
        filter left nothing, matrices hold rounding errors alone.
    sfreq : float or None, default=None
        Sampling rate in Hz; None takes that of the `mne.Epochs` in `fit`.
    window : float, default=0.25
        Length of the windows in seconds; frequencies are multiples of its inverse.
    overlap : float, default=0.5
        Share of a window that the next one repeats.
    shrinkage : float, default=0.1
        Share of the identity in each matrix, from 0 to below 1.

    Attributes
    ----------
    references_ : ndarray, shape (n_frequencies, n_channels, n_channels)
        Riemannian mean of the training trials at each frequency.
    frequencies_ : ndarray, shape (n_frequencies,)
        In Hz.
    sfreq_ : float
    n_channels_ : int
    ch_names_ : tuple of str or None
        Known if fitted on `mne.Epochs`.

    References
    ----------
    .. [1] A. Barachant, S. Bonnet, M. Congedo, C. Jutten. Multiclass brain-computer
       interface classification by Riemannian geometry. IEEE Transactions on Biomedical
       Engineering 59(4), 920-928, 2012. https://doi.org/10.1109/TBME.2011.2172210

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.features import CospectralTangentSpace
    >>> X = np.random.default_rng(0).standard_normal((10, 3, 256))
    >>> CospectralTangentSpace(sfreq=128).fit_transform(X).shape
    (10, 42)
    """

    def __init__(
        self,
        fmin=8.0,
        fmax=32.0,
        sfreq=None,
        window=0.25,
        overlap=0.5,
        shrinkage=0.1,
    ):
        self.fmin = fmin
        self.fmax = fmax
        self.sfreq = sfreq
        self.window = window
        self.overlap = overlap
        self.shrinkage = shrinkage

    def fit(self, X, y=None):
        """Learn the mean of each frequency.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : None
            Not used.

        Returns
        -------
        self : CospectralTangentSpace

        Raises
        ------
        ValueError
            If no sampling rate is known or two differ, the range of frequencies does
            not fit it, trials are too short for two windows, hold NaN or a constant
            channel, or `shrinkage` is 0 and windows are fewer than channels.
        """
        X, ch_names, sfreq = self._check_training(X)
        matrices = in_blocks(self._cospectra, X, sfreq)
        _, frequencies = shrunk_cospectra(X[:1], sfreq, **self._settings())
        for matrix, frequency in zip(matrices[0], frequencies, strict=True):
            require_full_rank(
                matrix,
                f"the cospectral matrix of trial 0 at {frequency:g} Hz",
                "set shrinkage=0.1, use a shorter window, or drop a channel.",
            )
        references = [mean_riemann(of_all) for of_all in np.swapaxes(matrices, 0, 1)]
        self.references_ = np.array(references)
        self.frequencies_ = frequencies
        self._remember(X, ch_names, sfreq)
        return self

    def transform(self, X):
        """Tangent vectors at the means of `fit`.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs

        Returns
        -------
        X_new : ndarray, shape (n_trials, n_frequencies * n_elements)
            The ``n_channels * (n_channels + 1) / 2`` elements of the first frequency,
            then of the second, and so on.

        Raises
        ------
        ValueError
            As in `fit`, and if the channels or the sampling rate are not those of
            `fit`.
        """
        X = self._check_new(X)
        matrices = in_blocks(self._cospectra, X, self.sfreq_)
        parts = [
            tangent_space(matrices[:, i], reference, metric="riemann")
            for i, reference in enumerate(self.references_)
        ]
        return np.concatenate(parts, axis=1)

    def _cospectra(self, X, sfreq):
        return shrunk_cospectra(X, sfreq, **self._settings())[0]

    def _settings(self):
        names = ("fmin", "fmax", "window", "overlap", "shrinkage")
        return {name: getattr(self, name) for name in names}

"""Correlation of trials with sine and cosine references at stimulus frequencies."""

import numpy as np
from scipy.linalg import eigh
from sklearn.base import TransformerMixin

from ._filter_bank import check_frequencies
from ._sampled import (
    SampledEstimator,
    check_classes,
    positive,
    require_full_rank,
    share,
    shrink,
    whole,
)


def sinusoidal_references(frequencies, n_times, sfreq, n_harmonics=2):
    """Sine and cosine of each frequency and its harmonics, made orthonormal.

    Parameters
    ----------
    frequencies : sequence of float
        Stimulus frequencies in Hz, distinct.
    n_times : int
        Samples of a trial.
    sfreq : float
        Sampling rate in Hz.
    n_harmonics : int, default=2
        The first is the frequency itself.

    Returns
    -------
    references : ndarray, shape (n_frequencies, 2 * n_harmonics, n_times)
        Rows of a frequency span its references without their means; orthonormal, so
        that ``X @ references[i].T`` is the part of a centred ``X`` that they explain.

    Raises
    ------
    ValueError
        If a harmonic is not below half the sampling rate, or trials are too short to
        tell the frequencies apart.

    Examples
    --------
    >>> from neurodec.features import sinusoidal_references
    >>> sinusoidal_references([13, 17, 21], n_times=256, sfreq=256).shape
    (3, 4, 256)
    """
    sfreq = positive("sfreq", sfreq, "the sampling rate in Hz")
    n_harmonics = whole("n_harmonics", n_harmonics)
    frequencies = np.array(check_frequencies(frequencies))
    highest = n_harmonics * frequencies.max()
    if highest >= sfreq / 2:
        possible = int(np.ceil(sfreq / 2 / frequencies.max())) - 1
        remedy = (
            f"set n_harmonics to at most {possible}"
            if possible
            else "drop the frequency"
        )
        raise ValueError(
            f"harmonic {n_harmonics} of {frequencies.max():g} Hz, {highest:g} Hz, is "
            f"not below {sfreq / 2:g} Hz, the Nyquist frequency of {sfreq:g} Hz: "
            f"{remedy}, or resample less."
        )
    if n_times / sfreq * frequencies.min() < 1 or n_times <= 2 * n_harmonics + 1:
        raise ValueError(
            f"trials of {n_times} samples ({n_times / sfreq:g} s) hold less than one "
            f"cycle of {frequencies.min():g} Hz: use longer trials."
        )
    harmonics = frequencies[:, None] * np.arange(1, n_harmonics + 1)
    phase = 2 * np.pi * harmonics[..., None] * np.arange(n_times) / sfreq
    waves = np.concatenate([np.sin(phase), np.cos(phase)], axis=1)
    waves -= waves.mean(axis=-1, keepdims=True)
    return np.swapaxes(np.linalg.qr(np.swapaxes(waves, -1, -2))[0], -1, -2)


def canonical_correlations(X, references):
    """Canonical correlations of each trial with each set of references.

    The standard method for steady-state visual evoked potentials without training
    [1]_, for all trials at once. Channels may be linearly dependent.

    Parameters
    ----------
    X : ndarray, shape (n_trials, n_channels, n_times)
    references : ndarray, shape (n_sets, n_references, n_times)
        Orthonormal without means, from `sinusoidal_references`.

    Returns
    -------
    correlations : ndarray, shape (n_trials, n_sets, min(n_channels, n_references))
        Largest first.

    References
    ----------
    .. [1] Z. Lin, C. Zhang, W. Wu, X. Gao. Frequency recognition based on canonical
       correlation analysis for SSVEP-based BCIs. IEEE Transactions on Biomedical
       Engineering 53(12), 2610-2614, 2006. https://doi.org/10.1109/TBME.2006.886577

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.features import canonical_correlations, sinusoidal_references
    >>> wave = np.sin(2 * np.pi * 13 * np.arange(256) / 256)
    >>> references = sinusoidal_references([13, 17], n_times=256, sfreq=256)
    >>> canonical_correlations(wave[None, None], references)[0, :, 0].round(3)
    array([1., 0.])
    """
    _, scale, bases = np.linalg.svd(centred(X), full_matrices=False)
    # Directions that hold rounding errors alone would correlate with anything.
    limit = max(X.shape[-2:]) * np.finfo(np.float64).eps * scale[:, :1]
    bases *= (scale > limit)[..., None]
    products = np.einsum("nct,krt->nkcr", bases, references, optimize=True)
    return np.linalg.svd(products, compute_uv=False).clip(0, 1)


def centred(X):
    """Trials in double precision without the mean of each channel."""
    X = np.asarray(X, dtype=np.float64)
    return X - X.mean(axis=-1, keepdims=True)


def reference_filters(X, codes, references, shrinkage=0.05, n_filters=1):
    """Spatial filters that correlate most with references, over many trials at once.

    Canonical correlation analysis of trials laid end to end, in which each trial has
    sine and cosine coefficients of its own, so that the phase may differ between
    trials: the largest eigenvalues of the mean covariance that references explain,
    relative to the mean covariance of all trials.

    Which class belongs to which frequency is read off the trials: a frequency's filters
    are those of the class that it explains most, compared with the other classes. A
    class without stimulus, such as rest, gets no filter.

    Parameters
    ----------
    X : ndarray, shape (n_trials, n_channels, n_times)
        Without the mean of each channel.
    codes : ndarray of int, shape (n_trials,)
        Class of each trial, from 0.
    references : ndarray, shape (n_frequencies, n_references, n_times)
        From `sinusoidal_references`.
    shrinkage : float, default=0.05
        Share of the identity in the covariance of all trials.
    n_filters : int, default=1
        Filters for each frequency.

    Returns
    -------
    filters : ndarray, shape (n_frequencies, n_filters, n_channels)
    matched : ndarray of int, shape (n_frequencies,)
        The class whose trials gave each frequency's filters.
    """
    n_classes = codes.max() + 1
    covariances = X @ np.swapaxes(X, -1, -2)
    total = covariances.mean(axis=0)
    if shrinkage == 0:
        require_full_rank(
            total,
            "the covariance of the training trials",
            "set shrinkage=0.05, or drop a channel.",
        )
    total = shrink(total, shrinkage)
    of_class = np.eye(n_classes)[codes] / np.bincount(codes)
    powers = np.einsum("nk,ncd->kcd", of_class, covariances)
    filters, matched = [], []
    for reference in references:
        explained = X @ reference.T
        means = np.einsum(
            "nk,ncr,ndr->kcd", of_class, explained, explained, optimize=True
        )
        vectors = [eigh(mean, total)[1][:, ::-1].T for mean in means]
        first = np.array(vectors)[:, 0]
        # Share explained, by class (columns), through each class's own first filter.
        shares = np.einsum("ic,kcd,id->ik", first, means, first)
        shares /= np.einsum("ic,kcd,id->ik", first, powers, first)
        own = np.diag(shares)
        others = (shares.sum(axis=1) - own) / (n_classes - 1)
        best = np.argmax(own / others)
        filters.append(vectors[best][:n_filters])
        matched.append(best)
    return np.array(filters), np.array(matched)


class ReferenceCorrelations(TransformerMixin, SampledEstimator):
    """Correlation of spatially filtered trials with sine and cosine references.

    For steady-state visual evoked potentials whose phase differs between trials, where
    methods that average trials (`neurodec.decoders.TRCA`) find nothing. Spatial filters
    for each stimulus frequency are learned by canonical correlation analysis of all
    training trials of a class together [1]_ [2]_, in place of each trial on its own as
    in `canonical_correlations`. A feature is the log-odds of the squared multiple
    correlation of one filtered signal with the references of one frequency: its
    signal-to-noise ratio there.

    Parameters
    ----------
    frequencies : sequence of float
        Stimulus frequencies in Hz, distinct, in any order: which class saw which is
        learned, so labels need not be numbers.
    sfreq : float or None, default=None
        Sampling rate in Hz; None takes that of the `mne.Epochs` in `fit`.
    n_harmonics : int, default=2
        Harmonics in the references; the first is the frequency itself.
    n_filters : int, default=1
        Spatial filters for each frequency; at most the number of channels.
    shrinkage : float, default=0.05
        Share of the identity in the covariance of all trials, from 0 to below 1.

    Attributes
    ----------
    filters_ : ndarray, shape (n_frequencies, n_filters, n_channels)
    matched_ : ndarray, shape (n_frequencies,)
        The class whose trials gave each frequency's filters.
    n_times_ : int
    sfreq_ : float
    n_channels_ : int
    ch_names_ : tuple of str or None
        Known if fitted on `mne.Epochs`.

    See Also
    --------
    canonical_correlations : The same without training.

    References
    ----------
    .. [1] O. Friman, I. Volosyak, A. Gräser. Multiple channel detection of steady-state
       visual evoked potentials for brain-computer interfaces. IEEE Transactions on
       Biomedical Engineering 54(4), 742-750, 2007.
       https://doi.org/10.1109/TBME.2006.889160
    .. [2] M. X. Cohen, R. Gulbinaite. Rhythmic entrainment source separation:
       optimizing analyses of neural responses to rhythmic sensory stimulation.
       NeuroImage 147, 43-56, 2017. https://doi.org/10.1016/j.neuroimage.2016.11.036

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.features import ReferenceCorrelations
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 8, 512)), np.tile(["13", "17"], 6)
    >>> features = ReferenceCorrelations([13, 17], sfreq=256)
    >>> features.fit(X, y).transform(X).shape
    (12, 4)
    """

    def __init__(
        self, frequencies, sfreq=None, n_harmonics=2, n_filters=1, shrinkage=0.05
    ):
        self.frequencies = frequencies
        self.sfreq = sfreq
        self.n_harmonics = n_harmonics
        self.n_filters = n_filters
        self.shrinkage = shrinkage

    def fit(self, X, y):
        """Learn the spatial filters of each frequency.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : array-like, shape (n_trials,)
            Labels.

        Returns
        -------
        self : ReferenceCorrelations

        Raises
        ------
        ValueError
            If no sampling rate is known or two differ, a harmonic is not below half of
            it, trials are shorter than a cycle, hold NaN or a constant channel, all
            labels are the same, or channels are linearly dependent and `shrinkage` is
            0.
        """
        X, ch_names, sfreq = self._check_training(X)
        classes, codes = check_classes(self, X, y)
        references = self._references(X, sfreq)
        filters, matched = reference_filters(
            centred(X),
            codes,
            references,
            share("shrinkage", self.shrinkage, 0.05),
            whole("n_filters", self.n_filters),
        )
        self.filters_ = filters
        self.matched_ = classes[matched]
        self.n_times_ = X.shape[-1]
        self._remember(X, ch_names, sfreq)
        return self

    def transform(self, X):
        """Log-odds of the squared multiple correlation with each frequency.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
            Trials may be longer or shorter than in `fit`.

        Returns
        -------
        X_new : ndarray, shape (n_trials, n_frequencies * n_frequencies * n_filters)
            All filtered signals with the first frequency, then with the second, and so
            on.

        Raises
        ------
        ValueError
            As in `fit`, and if the channels or the sampling rate are not those of
            `fit`.
        """
        X = self._check_new(X)
        references = self._references(X, self.sfreq_)
        filtered = self.filters_.reshape(-1, self.n_channels_) @ centred(X)
        explained = np.einsum("nft,krt->nkfr", filtered, references, optimize=True)
        power = np.square(filtered).sum(axis=-1)[:, None]
        squared = np.square(explained).sum(axis=-1) / power
        # A signal without noise would have infinite log-odds.
        squared = squared.clip(1e-12, 1 - 1e-12)
        return (np.log(squared) - np.log1p(-squared)).reshape(len(X), -1)

    def _references(self, X, sfreq):
        return sinusoidal_references(
            self.frequencies, X.shape[-1], sfreq, self.n_harmonics
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

"""Classifiers of steady-state visual evoked potentials by correlation."""

import numpy as np
from sklearn.base import ClassifierMixin

from ..features._filter_bank import check_frequencies, filter_bank
from ..features._reference_correlations import (
    canonical_correlations,
    centred,
    sinusoidal_references,
)
from ..features._sampled import (
    SampledEstimator,
    check_classes,
)


class SubBandClassifier(ClassifierMixin, SampledEstimator):
    """Mean over sub-bands of a score for each class; the largest is the answer."""

    def _split(self, X, sfreq):
        """Trials in each sub-band: (n_trials, n_bands, n_channels, n_times)."""
        if self.bands is None:
            return centred(X)[:, np.newaxis]
        bands = filter_bank(X, self.bands, sfreq, self.order)
        return centred(bands.reshape(len(X), len(self.bands), -1, X.shape[-1]))

    def _weigh(self, scores):
        """Sum over bands (axis 1), the lower ones counting for more."""
        weights = np.arange(1, scores.shape[1] + 1) ** -1.25 + 0.25
        return np.einsum("b,nbk->nk", weights / weights.sum(), scores)

    def decision_function(self, X):
        """Weighted mean of correlations (TRCA) or their squares over the sub-bands.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs

        Returns
        -------
        scores : ndarray, shape (n_trials, n_classes), or (n_trials,) for two classes
            For two classes the score of the second less that of the first.

        Raises
        ------
        ValueError
            As in `fit`, and if the channels or the sampling rate are not those of
            `fit`.
        """
        scores = self._scores(self._check_new(X))
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X):
        """The class with the largest score.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs

        Returns
        -------
        y_pred : ndarray, shape (n_trials,)

        Raises
        ------
        ValueError
            As in `decision_function`.
        """
        scores = self._scores(self._check_new(X))
        return self.classes_[scores.argmax(axis=1)]


class FilterBankCCA(SubBandClassifier):
    """Canonical correlation with sine and cosine references; nothing is trained.

    The class whose stimulus frequency gives the largest canonical correlation [1]_;
    with `bands`, the largest weighted mean of its squares over sub-bands [2]_. `fit`
    only notes which label stands for which frequency.

    Parameters
    ----------
    frequencies : sequence of float or None, default=None
        Stimulus frequency of each class in Hz, in the order of the sorted labels. None
        reads the labels as frequencies. `neurodec.evaluation.evaluate` and MOABB hand
        on labels as codes, so that they need it; note that texts are sorted as texts,
        "10" before "8".
    sfreq : float or None, default=None
        Sampling rate in Hz; None takes that of the `mne.Epochs` in `fit`.
    n_harmonics : int, default=2
        Harmonics in the references; the first is the frequency itself.
    bands : sequence of (float, float) or None, default=None
        Edges of sub-bands in Hz, lowest first: band ``m`` has weight ``m ** -1.25 +
        0.25``. None takes the trials as they are.
    order : int, default=4
        Order of the Butterworth filters, run forward and backward.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    frequencies_ : ndarray, shape (n_classes,)
        In Hz.
    sfreq_ : float
    n_channels_ : int
    ch_names_ : tuple of str or None
        Known if fitted on `mne.Epochs`.

    See Also
    --------
    neurodec.features.ReferenceCorrelations : With trained spatial filters.

    References
    ----------
    .. [1] Z. Lin, C. Zhang, W. Wu, X. Gao. Frequency recognition based on canonical
       correlation analysis for SSVEP-based BCIs. IEEE Transactions on Biomedical
       Engineering 53(12), 2610-2614, 2006. https://doi.org/10.1109/TBME.2006.886577
    .. [2] X. Chen, Y. Wang, S. Gao, T.-P. Jung, X. Gao. Filter bank canonical
       correlation analysis for implementing a high-speed SSVEP-based brain-computer
       interface. Journal of Neural Engineering 12, 046008, 2015.
       https://doi.org/10.1088/1741-2560/12/4/046008

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.decoders import FilterBankCCA
    >>> rng, y = np.random.default_rng(0), np.tile(["13", "17"], 10)
    >>> phase = rng.uniform(0, 6, (20, 1)) + y.astype(float)[:, None] * np.arange(256)
    >>> X = rng.standard_normal((20, 4, 256))
    >>> X += np.sin(2 * np.pi * phase / 256)[:, None]
    >>> FilterBankCCA(sfreq=256).fit(X, y).score(X, y)
    1.0
    """

    def __init__(
        self, frequencies=None, sfreq=None, n_harmonics=2, bands=None, order=4
    ):
        self.frequencies = frequencies
        self.sfreq = sfreq
        self.n_harmonics = n_harmonics
        self.bands = bands
        self.order = order

    def fit(self, X, y):
        """Note the classes and their frequencies.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : array-like, shape (n_trials,)
            Labels.

        Returns
        -------
        self : FilterBankCCA

        Raises
        ------
        ValueError
            If no sampling rate is known or two differ, a band or a harmonic does not
            fit it, trials hold NaN or a constant channel, there are fewer than two
            classes, labels are no frequencies, or not one for each class is given.
        """
        X, ch_names, sfreq = self._check_training(X)
        classes, _ = check_classes(self, X, y)
        frequencies = self._frequencies_of(classes)
        sinusoidal_references(frequencies, X.shape[-1], sfreq, self.n_harmonics)
        self._split(X[:1], sfreq)  # raises what predict would raise
        self.classes_ = classes
        self.frequencies_ = np.array(frequencies)
        self._remember(X, ch_names, sfreq)
        return self

    def _frequencies_of(self, classes):
        if self.frequencies is None:
            return _read_frequencies(classes)
        frequencies = check_frequencies(self.frequencies)
        if len(frequencies) != len(classes):
            raise ValueError(
                f"frequencies has {len(frequencies)} numbers, but y holds "
                f"{len(classes)} classes, {classes.tolist()}: give one for each, in "
                "that order, or leave classes without stimulus out."
            )
        return frequencies

    def _scores(self, X):
        references = sinusoidal_references(
            self.frequencies_, X.shape[-1], self.sfreq_, self.n_harmonics
        )
        X_bands = self._split(X, self.sfreq_)
        flat = canonical_correlations(X_bands.reshape(-1, *X.shape[1:]), references)
        largest = flat[..., 0].reshape(len(X), X_bands.shape[1], -1)
        return self._weigh(largest**2)


def _read_frequencies(classes):
    """Labels as frequencies in Hz, where they can be nothing else."""
    remedy = (
        f"give frequencies=, one for each of {classes.tolist()} in that order, or "
        "labels such as '13'."
    )
    try:
        frequencies = [float(label) for label in classes]
    except ValueError as error:
        raise ValueError(f"a label is no frequency ({error}): {remedy}") from error
    if any(frequency <= 0 or not np.isfinite(frequency) for frequency in frequencies):
        raise ValueError(f"labels {classes.tolist()} are no frequencies: {remedy}")
    if sorted(frequencies) == list(range(1, len(classes) + 1)):
        raise ValueError(
            f"labels {classes.tolist()} look like codes, not frequencies: {remedy}"
        )
    return frequencies

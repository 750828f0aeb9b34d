"""Common spatial patterns in each band of a filter bank, and choice among them."""

import numpy as np
from pyriemann.spatialfilters import CSP
from sklearn.base import TransformerMixin
from sklearn.feature_selection import mutual_info_classif

from ._filter_bank import check_bands, filter_bank, in_blocks
from ._sampled import (
    SampledEstimator,
    check_classes,
    require_full_rank,
    share,
    shrink,
    whole,
)

_REMEDY = "set shrinkage=0.01, or drop a channel."


def band_covariances(X, bands, sfreq, order=4):
    """Covariance of each trial in each band.

    Parameters
    ----------
    X : ndarray, shape (n_trials, n_channels, n_times)
    bands : sequence of (float, float)
        Edges in Hz, as in `filter_bank`.
    sfreq : float
        Sampling rate in Hz.
    order : int, default=4

    Returns
    -------
    matrices : ndarray, shape (n_trials, n_bands, n_channels, n_channels)

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.features import band_covariances
    >>> X = np.random.default_rng(0).standard_normal((5, 3, 256))
    >>> band_covariances(X, [(8, 12), (12, 16)], sfreq=128).shape
    (5, 2, 3, 3)
    """
    parts = (filter_bank(X, [band], sfreq, order) for band in bands)
    return np.stack([x @ np.swapaxes(x, 1, 2) / x.shape[-1] for x in parts], axis=1)


def paired_csp_filters(matrices, inside, n_pairs):
    """Spatial filters whose variance differs most between two classes, in pairs.

    Filter ``j`` and filter ``n - 1 - j`` are a pair: the same rank from either end of
    the eigenvalues.

    Parameters
    ----------
    matrices : ndarray, shape (n_trials, n_channels, n_channels)
        Covariances.
    inside : ndarray of bool, shape (n_trials,)
        Which trials belong to the first class.
    n_pairs : int
        Filters from each end; all filters where channels are fewer than twice that.

    Returns
    -------
    filters : ndarray, shape (n_filters, n_channels)
        Most variance in the first class comes first, most in the other last.
    """
    n_channels = matrices.shape[-1]
    csp = CSP(nfilter=n_channels, log=False).fit(matrices, inside.astype(int))
    filters = csp.filters_
    means = [matrices[inside].mean(axis=0), matrices.mean(axis=0)]
    power, reference = np.einsum("fc,kcd,fd->kf", filters, means, filters)
    # pyRiemann sorts by the distance from one half, which hides the pairs.
    filters = filters[np.argsort(-power / reference, kind="stable")]
    if 2 * n_pairs >= n_channels:
        return filters
    return np.concatenate([filters[:n_pairs], filters[-n_pairs:]])


def with_partners(information, group_size, n_selected):
    """Positions of the most informative features and of their CSP partners.

    Parameters
    ----------
    information : ndarray, shape (n_features,)
        Mutual information with the label.
    group_size : int
        Filters of a band; feature ``j`` of a group pairs with ``group_size - 1 - j``.
    n_selected : int
        Features taken before their partners are added.

    Returns
    -------
    selected : ndarray of int
        Sorted, between ``n_selected`` and twice as many.

    Examples
    --------
    >>> import numpy as np
    >>> with_partners(np.array([0.1, 0.0, 0.0, 0.0, 0.5, 0.4, 0.0, 0.0]), 4, 2)
    array([4, 5, 6, 7])
    """
    best = np.argsort(-np.asarray(information), kind="stable")[:n_selected]
    group, place = np.divmod(best, group_size)
    return np.union1d(best, group * group_size + group_size - 1 - place)


class FilterBankCSP(TransformerMixin, SampledEstimator):
    """Log-variance of common spatial patterns in the bands that inform about the class.

    Filter bank common spatial patterns [1]_ [2]_: trials are band-passed in each band,
    spatial filters are learned in each band, and of the log-variances those with the
    most mutual information with the label are kept, each with the partner from the
    other end of its band's eigenvalues. Selection takes place in `fit`, thus on
    training trials alone. More than two classes are taken one against the rest: each
    has its own filters and its own selection [2]_.

    Mutual information is scikit-learn's nearest-neighbour estimate
    (`sklearn.feature_selection.mutual_info_classif`), where the papers use a Parzen
    window.

    The filter bank is in the estimator because MOABB's evaluations hand on only the
    first band of a filter-bank paradigm. The trials must hold the bands: a recipe that
    passes 8 to 32 Hz leaves nothing in 4 to 8 Hz.

    Parameters
    ----------
    bands : sequence of (float, float)
        Edges of each band in Hz.
    sfreq : float or None, default=None
        Sampling rate in Hz; None takes that of the `mne.Epochs` in `fit`.
    order : int, default=4
        Order of the Butterworth filters, run forward and backward.
    n_pairs : int, default=2
        Spatial filters from each end of the eigenvalues; all where channels are fewer.
    n_selected : int, default=4
        Features selected before their partners are added (for each class against the
        rest where there are more than two).
    shrinkage : float, default=0.01
        Share of the identity in the covariances from which filters are learned, from 0
        to below 1; as published 0. Average-referenced trials need some.
    random_state : int, RandomState or None, default=None
        Of the tiny noise by which the estimate of mutual information breaks ties.

    Attributes
    ----------
    filters_ : ndarray, shape (n_contrasts, n_bands, n_filters, n_channels)
        One contrast for two classes, else one for each class against the rest.
    information_ : ndarray, shape (n_contrasts, n_bands * n_filters)
        Mutual information of each feature in nat.
    selected_ : list of ndarray of int
        Positions of the features kept, for each contrast.
    sfreq_ : float
        Sampling rate in Hz.
    n_channels_ : int
    ch_names_ : tuple of str or None
        Known if fitted on `mne.Epochs`.

    References
    ----------
    .. [1] K. K. Ang, Z. Y. Chin, H. Zhang, C. Guan. Filter bank common spatial pattern
       (FBCSP) in brain-computer interface. IJCNN 2008, 2390-2397.
       https://doi.org/10.1109/IJCNN.2008.4634130
    .. [2] K. K. Ang, Z. Y. Chin, C. Wang, C. Guan, H. Zhang. Filter bank common spatial
       pattern algorithm on BCI competition IV datasets 2a and 2b. Frontiers in
       Neuroscience 6, 39, 2012. https://doi.org/10.3389/fnins.2012.00039

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.features import FilterBankCSP
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 256)), np.arange(20) % 2
    >>> bank = FilterBankCSP([(8, 12), (12, 16)], sfreq=128, n_selected=1)
    >>> bank.fit(X, y).transform(X).shape
    (20, 2)
    """

    def __init__(
        self,
        bands,
        sfreq=None,
        order=4,
        n_pairs=2,
        n_selected=4,
        shrinkage=0.01,
        random_state=None,
    ):
        self.bands = bands
        self.sfreq = sfreq
        self.order = order
        self.n_pairs = n_pairs
        self.n_selected = n_selected
        self.shrinkage = shrinkage
        self.random_state = random_state

    def fit(self, X, y):
        """Learn the spatial filters of each band and select features.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : array-like, shape (n_trials,)
            Labels.

        Returns
        -------
        self : FilterBankCSP

        Raises
        ------
        ValueError
            If no sampling rate is known or two differ, a band does not lie between 0
            and half of it, trials are shorter than a filter's transient, hold NaN or a
            constant channel, there are fewer than two classes or two trials of one, or
            channels are linearly dependent and `shrinkage` is 0.
        """
        X, ch_names, sfreq = self._check_training(X)
        n_pairs = whole("n_pairs", self.n_pairs)
        n_selected = whole("n_selected", self.n_selected)
        classes, codes = check_classes(self, X, y, least=2)
        matrices = in_blocks(self._covariances, X, sfreq)
        shrunk = shrink(matrices, share("shrinkage", self.shrinkage, 0.01))
        for band, mean in zip(self.bands, shrunk.mean(axis=0), strict=True):
            what = "the covariance of the training trials in {:g}-{:g} Hz"
            require_full_rank(mean, what.format(*band), _REMEDY)
        contrasts = [1] if len(classes) == 2 else range(len(classes))
        filters, information, selected = [], [], []
        for code in contrasts:
            inside = codes == code
            filters.append(
                [
                    paired_csp_filters(shrunk[:, i], inside, n_pairs)
                    for i in range(matrices.shape[1])
                ]
            )
            features = _log_variances(matrices, filters[-1])
            information.append(
                mutual_info_classif(features, inside, random_state=self.random_state)
            )
            group_size = len(filters[-1][0])
            selected.append(with_partners(information[-1], group_size, n_selected))
        self.filters_ = np.array(filters)
        self.information_ = np.array(information)
        self.selected_ = selected
        self._remember(X, ch_names, sfreq)
        return self

    def transform(self, X):
        """Log-variance of the selected components.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs

        Returns
        -------
        X_new : ndarray, shape (n_trials, n_features)
            Natural logarithm of the variance of the spatially filtered trials.

        Raises
        ------
        ValueError
            As in `fit`, and if the channels or the sampling rate are not those of
            `fit`.
        """
        X = self._check_new(X)
        matrices = in_blocks(self._covariances, X, self.sfreq_)
        parts = [
            _log_variances(matrices, filters)[:, selected]
            for filters, selected in zip(self.filters_, self.selected_, strict=True)
        ]
        return np.concatenate(parts, axis=1)

    def _covariances(self, X, sfreq):
        check_bands(self.bands)
        return band_covariances(X, self.bands, sfreq, self.order)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _log_variances(matrices, filters):
    """Log-variance by band, then by filter: (n_trials, n_bands * n_filters)."""
    variances = np.einsum("bfc,nbcd,bfd->nbf", filters, matrices, filters)
    return np.log(variances.reshape(len(matrices), -1))

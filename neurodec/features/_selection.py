"""Choice of features by the share of variance that the classes explain."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ._sampled import check_classes, whole


def r2_map(features, y, signed=False):
    """Share of the variance of each feature that the classes explain.

    Parameters
    ----------
    features : array-like, shape (n_trials, ...)
        Such as the result of :func:`band_power`, (n_trials, n_channels, n_bands).
    y : array-like, shape (n_trials,)
    signed : bool, default=False
        For two classes: negative where the second (in sorted order) has the lower
        mean.

    Returns
    -------
    r2 : ndarray, shape (...)
        From 0 to 1 (to -1 if signed); 0 for a constant feature. For two classes
        ``(S1^2 / n1 + S2^2 / n2 - G) / (sum x^2 - G)`` with the sums ``S`` of the
        classes and ``G = (S1 + S2)^2 / (n1 + n2)`` [1]_: the squared correlation with
        the label.

    Raises
    ------
    ValueError
        If labels are missing or of one class, or `signed` with more than two.

    References
    ----------
    .. [1] A. Desbois et al. HappyFeat: an interactive and efficient BCI framework for
       clinical applications, 2023. https://doi.org/10.48550/arXiv.2310.02948

    Examples
    --------
    >>> r2_map([[0.0, 1.0], [0.1, 0.0], [1.0, 1.0], [1.1, 0.0]], [1, 1, 2, 2]).round(2)
    array([0.99, 0.  ])
    """
    features = np.asarray(features, dtype=np.float64)
    classes, codes = check_classes(R2Selection(), features, y)
    if signed and len(classes) > 2:
        raise ValueError(
            f"signed=True compares two classes and there are {len(classes)}; keep two, "
            "or use signed=False."
        )
    total = ((features - features.mean(axis=0)) ** 2).sum(axis=0)
    means = np.array([features[codes == c].mean(axis=0) for c in range(len(classes))])
    counts = np.bincount(codes)
    between = np.tensordot(counts, (means - features.mean(axis=0)) ** 2, axes=1)
    # The spread of a constant is rounding of its mean.
    rounding = len(features) * (np.finfo(float).eps * np.abs(features).max(axis=0)) ** 2
    constant = total <= rounding
    r2 = np.where(constant, 0.0, between / np.where(constant, 1.0, total))
    return r2 * np.sign(means[1] - means[0]) if signed else r2


class R2Selection(SelectorMixin, BaseEstimator):
    """The features that tell the classes apart best, learned from training trials.

    As a step of a pipeline it is fitted inside each fold. A choice made on all trials
    beforehand would make the score of the same trials too good.

    Parameters
    ----------
    n_features : int, default=10
        How many to keep; all, where there are fewer.

    Attributes
    ----------
    r2_ : ndarray, shape (n_features,)
    n_features_in_ : int

    Examples
    --------
    >>> X = [[0.0, 1.0], [0.1, 0.0], [1.0, 1.0], [1.1, 0.0]]
    >>> R2Selection(n_features=1).fit_transform(X, [1, 1, 2, 2]).ravel().tolist()
    [0.0, 0.1, 1.0, 1.1]
    """

    def __init__(self, n_features=10):
        self.n_features = n_features

    def fit(self, X, y):
        """Compute the share of variance of each feature.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_features)
        y : array-like, shape (n_trials,)

        Returns
        -------
        self : R2Selection

        Raises
        ------
        ValueError
            If `n_features` is no whole number from 1, or the labels are of one class.
        """
        whole("n_features", self.n_features)
        X = validate_data(self, X)
        check_classes(self, X, y)
        self.r2_ = r2_map(X, y)
        return self

    def _get_support_mask(self):
        check_is_fitted(self)
        # A stable sort: of equal features the first are kept, on every machine.
        best = np.argsort(-self.r2_, kind="stable")[: self.n_features]
        mask = np.zeros(len(self.r2_), dtype=bool)
        mask[best] = True
        return mask

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

"""Alignment of domains: recentring, rescaling and rotation, one family.

Recordings of other subjects or days differ by where their trials lie, how far they
spread and how they are turned. Each aligner learns a reference for every training
domain and takes it away, for signals, covariance matrices or tangent vectors.
"""

import numpy as np
from pyriemann.geometry.base import invsqrtm

from ._aligner import Aligner, group, prefix_length, refuse_low_rank
from ._references import (
    METRICS,
    class_means,
    congruence,
    dilate,
    meeting_point,
    rotate,
    rotation_between,
    squared_norms,
    whiteners,
)


class Recenter(Aligner):
    """Move the mean of every domain to one place.

    Covariances become ``W C W.T`` and signals ``W X``, where ``W`` whitens the
    domain's mean covariance: the identity is then the mean of each domain. Of all maps
    that do so, ``W`` is the parallel transport to the mean of all training domains,
    followed by whitening there [1]_, [2]_: what all domains share, such as the
    reference electrode, then turns no domain against another. With one domain it is
    ``M**-0.5``, as in Euclidean alignment [3]_. From tangent vectors the domain's mean
    is subtracted.

    Parameters
    ----------
    inputs : {"covariances", "trials", "tangent"}, default="covariances"
        What comes in: matrices (n_trials, n_channels, n_channels), signals
        (n_trials, n_channels, n_times), or vectors (n_trials, n_features).
    metric : {"riemann", "euclid", "logeuclid"}, default="riemann"
        Of the mean. "euclid" is Euclidean alignment. With "logeuclid" the mean is the
        identity only nearly. Not used on tangent vectors.
    estimator : str, default="oas"
        Of each trial's covariance, as in pyRiemann's ``Covariances``; on trials only.
    prior : float or None, default=None
        How many trials ``reference_`` counts for under targets "past" and "prefix",
        in a domain that training did not know; 0 forgets it at once. None is the
        variance of trials within the training domains over that of the domains'
        means, at most 100: the weight that makes the best mean out of few trials. It
        is 1 where there is but one training domain.

    Attributes
    ----------
    references_ : dict of domain to array
        Mean covariance, or mean vector; empty if ``fit`` was given no domains.
    reference_ : array
        Mean of these means, for domains that training did not know.
    n_trials_ : dict of domain to int
        A domain that training knew has this weight instead of the prior.
    prior_ : float

    See Also
    --------
    Rescale, Rotate

    Notes
    -----
    In a ``Pipeline``, scikit-learn's metadata routing hands on ``domains`` and the
    other arguments; :func:`neurodec.evaluation.evaluate` enables it. Without domains,
    as in a bare ``Pipeline`` or in MOABB, all training trials are one domain, and
    ``transform`` uses the reference learned there, never the batch that it is given.
    ``fit_transform`` always equals ``fit`` and ``transform`` with the same domains.

    References
    ----------
    .. [1] Zanini, P. et al. (2018). Transfer learning: a Riemannian geometry framework
       with applications to brain-computer interfaces. IEEE Transactions on Biomedical
       Engineering 65, 1107-1116. https://doi.org/10.1109/TBME.2017.2742541
    .. [2] Yair, O., Ben-Chen, M. and Talmon, R. (2019). Parallel transport on the cone
       manifold of SPD matrices for domain adaptation. IEEE Transactions on Signal
       Processing 67, 1797-1811. https://doi.org/10.1109/TSP.2019.2894801
    .. [3] He, H. and Wu, D. (2020). Transfer learning for brain-computer interfaces: a
       Euclidean space data alignment approach. IEEE Transactions on Biomedical
       Engineering 67, 399-410. https://doi.org/10.1109/TBME.2019.2913914

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((20, 3, 100))
    >>> X[10:] *= 4  # Another day.
    >>> day = np.repeat(["first", "second"], 10)
    >>> aligned = Recenter(inputs="trials").fit_transform(X, domains=day)
    >>> aligned[:10].std().round(1), aligned[10:].std().round(1)
    (np.float64(1.0), np.float64(1.0))
    """

    def __init__(
        self, inputs="covariances", metric="riemann", estimator="scm", prior=None
    ):
        self.inputs = inputs
        self.metric = metric
        self.estimator = estimator
        self.prior = prior

    @property
    def _metric(self):
        return None if self.inputs == "tangent" else self.metric

    def _check_parameters(self):
        super()._check_parameters()
        if self.metric not in METRICS:
            raise ValueError(
                f"metric is {self.metric!r}; use one of {', '.join(METRICS)}."
            )

    def _items(self, X):
        # The arithmetic mean may have the rank that single trials lack.
        return self._matrices(X, full_rank=self.metric != "euclid")

    def _mean(self, items, start=None, weight=0.0):
        mean = super()._mean(items, start, weight)
        if self.metric == "euclid" and self.inputs != "tangent":
            refuse_low_rank(mean[np.newaxis], "the mean")
        return mean

    def _apply(self, X, references):
        if self.inputs == "tangent":
            return X - references
        if references.ndim == 3:
            refuse_low_rank(references, "the mean before")
        origin = invsqrtm(self.reference_)
        maps = whiteners(congruence(origin, references), origin)
        return maps @ X if self.inputs == "trials" else congruence(maps, X)


class Rescale(Aligner):
    """Give every domain the same spread about the common mean; after `Recenter`.

    The root mean square distance of a domain's trials from the identity (or of
    tangent vectors from zero) becomes one. Covariances are raised to a power, which
    stretches them along the geodesics from the identity [1]_; signals are mixed so that
    the same happens to their covariances; vectors are divided.

    Parameters
    ----------
    inputs : {"covariances", "trials", "tangent"}, default="covariances"
        As for `Recenter`.
    estimator : str, default="oas"
        As for `Recenter`.
    prior : float or None, default=None
        As for `Recenter`.

    Attributes
    ----------
    references_ : dict of domain to float
        Mean squared distance; empty if ``fit`` was given no domains.
    reference_ : float
    n_trials_ : dict of domain to int
    prior_ : float

    References
    ----------
    .. [1] Rodrigues, P. L. C., Jutten, C. and Congedo, M. (2019). Riemannian Procrustes
       analysis: transfer learning for brain-computer interfaces. IEEE Transactions on
       Biomedical Engineering 66, 2390-2401. https://doi.org/10.1109/TBME.2018.2889705

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> vectors = rng.standard_normal((20, 3)) * np.repeat([1, 4], 10)[:, None]
    >>> day = np.repeat(["first", "second"], 10)
    >>> scaled = Rescale(inputs="tangent").fit_transform(vectors, domains=day)
    >>> np.mean(scaled[10:] ** 2, axis=0).sum().round(6)
    np.float64(1.0)
    """

    def __init__(self, inputs="covariances", estimator="scm", prior=None):
        self.inputs = inputs
        self.estimator = estimator
        self.prior = prior

    def fit(self, X, y=None, domains=None):
        """As `Recenter.fit`; refuses trials that were not recentred."""
        super().fit(X, y, domains=domains)
        self._refuse_uncentred(self._check(X, reset=False))
        return self

    def _items(self, X):
        return squared_norms(self._matrices(X))

    def _mean(self, items, start=None, weight=0.0):
        mean = super()._mean(items, start, weight)
        if not mean > 1e-12:
            raise ValueError(
                f"{len(items)} trials have no spread about their mean; give a domain "
                "at least two different trials, or a longer prefix."
            )
        return mean

    def _apply(self, X, references):
        exponents = 1 / np.sqrt(references)
        if self.inputs == "tangent":
            return X * np.reshape(exponents, (-1, 1))
        if self.inputs == "covariances":
            return dilate(X.astype(float), exponents)
        # C**((p - 1) / 2) X has the covariance C**p.
        return dilate(self._matrices(X), (exponents - 1) / 2) @ X


class Rotate(Aligner):
    """Turn every domain so that its class means meet those of the others.

    Orthogonal Procrustes on the class means of the training domains, of logarithms of
    covariances or of tangent vectors; after `Recenter` (and `Rescale`). Labels are
    needed: a test domain is turned only if a labelled prefix of it is given, and is
    left as it is otherwise [1]_, [2]_.

    Parameters
    ----------
    inputs : {"covariances", "trials", "tangent"}, default="covariances"
        As for `Recenter`.
    estimator : str, default="oas"
        As for `Recenter`.
    pull : float, default=0.1
        How strongly the identity holds the rotation back, relative to the class means:
        few classes leave most directions undetermined, and few trials are noisy.

    Attributes
    ----------
    references_ : dict of domain to array
        Rotations; empty if ``fit`` was given no domains.
    reference_ : array
        The identity.
    classes_ : array
    class_means_ : array, shape (n_classes, ...)
        Where the domains meet.

    References
    ----------
    .. [1] Rodrigues, P. L. C., Jutten, C. and Congedo, M. (2019). Riemannian Procrustes
       analysis: transfer learning for brain-computer interfaces. IEEE Transactions on
       Biomedical Engineering 66, 2390-2401. https://doi.org/10.1109/TBME.2018.2889705
    .. [2] Bleuzé, A., Mattout, J. and Congedo, M. (2022). Tangent space alignment:
       transfer learning for brain-computer interface. Frontiers in Human Neuroscience
       16, 1049985. https://doi.org/10.3389/fnhum.2022.1049985

    Examples
    --------
    >>> vectors = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    >>> turned = Rotate(inputs="tangent", pull=1e-6).fit_transform(
    ...     vectors, ["a", "b", "a", "b"], domains=[1, 1, 2, 2]
    ... )
    >>> np.allclose(turned[:2], turned[2:], atol=1e-4)
    True
    """

    def __init__(self, inputs="covariances", estimator="scm", pull=0.1):
        self.inputs = inputs
        self.estimator = estimator
        self.pull = pull

    def fit(self, X, y, domains=None):
        """As `Recenter.fit`, with labels; refuses trials that were not recentred."""
        self._check_parameters()
        X = self._check(X, reset=True)
        if y is None:
            raise ValueError(
                "Rotate requires y to be passed, but the target y is None; leave it "
                "out where there are no labels."
            )
        y = np.asarray(y)
        if y.shape != (len(X),):
            raise ValueError(
                f"y has shape {y.shape} but there are {len(X)} trials; Rotate needs "
                "one label each."
            )
        self._refuse_uncentred(X)
        logs, groups = self._logarithms(X), group(domains, len(X))
        self.classes_ = np.unique(y)
        means = [class_means(logs[rows], y[rows], self.classes_) for _, rows in groups]
        rotations, self.class_means_ = meeting_point(np.stack(means), self.pull)
        self._remember(groups, rotations)
        self.reference_ = np.eye(X.shape[1])
        return self

    def fit_transform(self, X, y, domains=None):
        """The same as ``fit(X, y, domains).transform(X, domains)``."""
        return super().fit_transform(X, y, domains=domains)

    def _references(self, X, domain, target, labels):
        if not target.labelled:
            return self.references_.get(domain, self.reference_)
        n = prefix_length(target, X, domain)
        means = class_means(self._logarithms(X[:n]), labels[:n], self.classes_)
        return rotation_between(means, self.class_means_, self.pull)

    def _apply(self, X, references):
        return references @ X if self.inputs == "trials" else rotate(references, X)

    def _check_parameters(self):
        super()._check_parameters()
        if isinstance(self.pull, bool) or not np.isreal(self.pull) or self.pull <= 0:
            raise ValueError(f"pull is {self.pull!r}; give a number above 0.")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

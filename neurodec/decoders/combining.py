"""Decoders made of named pipelines: stacked, calibrated, or allowed to abstain."""

import numbers

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from .._arrays import check_trials
from ..features._sampled import check_classes
from ._binding import bind
from ._registry import load_pipeline


class _OfPipelines(ClassifierMixin, BaseEstimator):
    """What decoders that hold fitted pipelines share."""

    def _named(self, pipeline):
        """A pipeline by name, bound to this estimator's rate and seed, or a clone."""
        if hasattr(pipeline, "fit"):
            made, label = clone(pipeline), type(pipeline).__name__
        else:
            made, label = load_pipeline(pipeline), str(pipeline)
        needs = [key for key in made.get_params() if key.split("__")[-1] == "sfreq"]
        if self.sfreq is None:
            unset = [key for key in needs if made.get_params()[key] is None]
            if unset:
                raise ValueError(
                    f"pipeline {label!r} needs the sampling rate and sfreq is None: "
                    f"pass sfreq= in Hz to {type(self).__name__}."
                )
            return made
        return bind(label, made, self.sfreq, self.random_state)

    def _folds(self, X, y):
        """Inner folds, and the labels as an array."""
        n_folds = self.n_folds
        integral = isinstance(n_folds, numbers.Integral)
        if not integral or isinstance(n_folds, bool) or n_folds < 2:
            raise ValueError(f"n_folds is {n_folds!r}; give a whole number from 2.")
        check_trials(X)
        classes, codes = check_classes(self, X, y)
        counts = np.bincount(codes)
        if counts.min() < n_folds:
            raise ValueError(
                f"class {classes.tolist()[counts.argmin()]!r} has too few trials, "
                f"{counts.min()}, for {n_folds} inner folds: record more, or lower "
                "n_folds."
            )
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=self.random_state)
        return folds, classes[codes]

    def predict(self, X):
        """Most probable class of each trial."""
        check_is_fitted(self)
        return self.fitted_.predict(X)

    def predict_proba(self, X):
        """Probability of each class, shape (n_trials, n_classes)."""
        check_is_fitted(self)
        return self.fitted_.predict_proba(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


class StackedPipelines(_OfPipelines):
    """Several pipelines, and a logistic regression on what they say.

    The regression learns from answers that each pipeline gave to trials it was not
    trained on (inner folds of the training trials), so that a pipeline that overfits
    gets no more trust than it deserves.

    Parameters
    ----------
    pipelines : sequence of str or estimator, default=("csp-lda", "ts-lr")
        Names of :func:`neurodec.decoders.list_pipelines`, files, or estimators.
    n_folds : int, default=5
        Inner folds, stratified and shuffled.
    sfreq : float or None, default=None
        Sampling rate in Hz, for pipelines that need it.
    random_state : int or None, default=None
        Of the inner folds, and of pipelines that leave theirs at None.

    Attributes
    ----------
    fitted_ : sklearn.ensemble.StackingClassifier
    classes_ : ndarray

    References
    ----------
    .. [1] D. H. Wolpert. Stacked generalization. Neural Networks 5(2), 1992.
       https://doi.org/10.1016/S0893-6080(05)80023-1

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 3, 100)), np.arange(20) % 2
    >>> X[y == 1, 0] *= 5
    >>> StackedPipelines(["mdm", "ts-lr"], n_folds=2, random_state=0).fit(X, y).score(
    ...     X, y
    ... )
    1.0
    """

    def __init__(
        self, pipelines=("csp-lda", "ts-lr"), n_folds=5, sfreq=None, random_state=None
    ):
        self.pipelines = pipelines
        self.n_folds = n_folds
        self.sfreq = sfreq
        self.random_state = random_state

    def fit(self, X, y):
        """Fit every pipeline, and the regression on their held-out answers.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : array-like, shape (n_trials,)

        Returns
        -------
        self : StackedPipelines

        Raises
        ------
        ValueError
            If fewer than two pipelines are given, a name is unknown, or a class has
            fewer trials than there are folds.
        """
        if isinstance(self.pipelines, str) or len(self.pipelines) < 2:
            raise ValueError(
                f"pipelines is {self.pipelines!r}; give at least two, such as "
                "['csp-lda', 'ts-lr']."
            )
        made = [
            (f"{i}-{p}" if isinstance(p, str) else str(i), self._named(p))
            for i, p in enumerate(self.pipelines)
        ]
        folds, y = self._folds(X, y)
        self.fitted_ = StackingClassifier(made, LogisticRegression(), cv=folds)
        self.fitted_.fit(X, y)
        self.classes_ = self.fitted_.classes_
        return self


class CalibratedPipeline(_OfPipelines):
    """A pipeline whose probabilities are as often right as they say.

    Parameters
    ----------
    pipeline : str or estimator, default="ts-svm"
        Name of :func:`neurodec.decoders.list_pipelines`, file, or estimator.
    method : {"sigmoid", "isotonic"}, default="sigmoid"
        Platt's sigmoid, which a few dozen trials can fit, or an increasing step
        function, which needs hundreds.
    n_folds : int, default=5
        Inner folds of the training trials: the map is learned on trials that the
        pipeline was not trained on.
    sfreq : float or None, default=None
        Sampling rate in Hz, for a pipeline that needs it.
    random_state : int or None, default=None
        Of the inner folds, and of a pipeline that leaves its own at None.

    Attributes
    ----------
    fitted_ : sklearn.calibration.CalibratedClassifierCV
    classes_ : ndarray

    References
    ----------
    .. [1] A. Niculescu-Mizil, R. Caruana. Predicting good probabilities with supervised
       learning. ICML, 2005.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 3, 100)), np.arange(20) % 2
    >>> X[y == 1, 0] *= 5
    >>> model = CalibratedPipeline("mdm", n_folds=2, random_state=0).fit(X, y)
    >>> model.predict_proba(X).sum(axis=1).round(6).tolist() == [1.0] * 20
    True
    """

    def __init__(
        self,
        pipeline="ts-svm",
        method="sigmoid",
        n_folds=5,
        sfreq=None,
        random_state=None,
    ):
        self.pipeline = pipeline
        self.method = method
        self.n_folds = n_folds
        self.sfreq = sfreq
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the pipeline on all trials, and the map on held-out answers.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : array-like, shape (n_trials,)

        Returns
        -------
        self : CalibratedPipeline

        Raises
        ------
        ValueError
            If the name or the method is unknown, or a class has fewer trials than
            there are folds.
        """
        if self.method not in ("sigmoid", "isotonic"):
            raise ValueError(
                f"method is {self.method!r}; use 'sigmoid' or, with hundreds of "
                "trials, 'isotonic'."
            )
        pipeline = self._named(self.pipeline)
        folds, y = self._folds(X, y)
        self.fitted_ = CalibratedClassifierCV(
            pipeline, method=self.method, cv=folds, ensemble=False
        ).fit(X, y)
        self.classes_ = self.fitted_.classes_
        return self


class AbstainingPipeline(CalibratedPipeline):
    """A calibrated pipeline that does not answer where it is not sure.

    ``predict`` always names a class, as scikit-learn's scorers need it;
    ``predict_or_abstain`` gives None where no class reaches the threshold.

    Parameters
    ----------
    pipeline : str or estimator, default="ts-svm"
        Name of :func:`neurodec.decoders.list_pipelines`, file, or estimator.
    threshold : float, default=0.8
        Smallest probability of a class that is named.
    method, n_folds, sfreq, random_state
        As in :class:`CalibratedPipeline`.

    Attributes
    ----------
    fitted_ : sklearn.calibration.CalibratedClassifierCV
    classes_ : ndarray

    References
    ----------
    .. [1] C. K. Chow. On optimum recognition error and reject tradeoff. IEEE
       Transactions on Information Theory 16(1), 1970.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((40, 3, 100)), np.arange(40) % 2
    >>> model = AbstainingPipeline("mdm", threshold=0.95, random_state=0).fit(X, y)
    >>> list(model.predict_or_abstain(X)).count(None)  # Pure noise.
    40
    """

    def __init__(
        self,
        pipeline="ts-svm",
        threshold=0.8,
        method="sigmoid",
        n_folds=5,
        sfreq=None,
        random_state=None,
    ):
        super().__init__(pipeline, method, n_folds, sfreq, random_state)
        self.threshold = threshold

    def fit(self, X, y):
        """Fit the calibrated pipeline; see :class:`CalibratedPipeline`.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : array-like, shape (n_trials,)

        Returns
        -------
        self : AbstainingPipeline

        Raises
        ------
        ValueError
            If the threshold is not between 0 and 1, and as `CalibratedPipeline`.
        """
        threshold = self.threshold
        real = isinstance(threshold, numbers.Real) and not isinstance(threshold, bool)
        if not real or not 0 <= threshold <= 1:
            raise ValueError(
                f"threshold is {threshold!r}; give a probability from 0 to 1, such as "
                "0.8."
            )
        return super().fit(X, y)

    def predict_or_abstain(self, X):
        """Class of each trial, or None.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs

        Returns
        -------
        answers : ndarray of object, shape (n_trials,)
        """
        probabilities = self.predict_proba(X)
        answers = self.classes_[probabilities.argmax(axis=1)].astype(object)
        answers[probabilities.max(axis=1) < self.threshold] = None
        return answers

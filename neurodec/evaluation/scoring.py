"""Score fitted pipelines from responses that are computed once and kept."""

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.metaestimators import available_if

from .._names import nearest

_GRADED = ("decision_function", "predict_proba")


def _estimator_has(method):
    return lambda responses: hasattr(responses.estimator, method)


def check_scorers(scoring):
    """Scorer names as a list.

    Raises
    ------
    ValueError
        If scikit-learn has no scorer of that name; the message gives the nearest.

    Examples
    --------
    >>> check_scorers("roc_auc")
    ['roc_auc']
    """
    names = [scoring] if isinstance(scoring, str) else list(scoring)
    if not names:
        raise ValueError("scoring is empty; name at least one scorer.")
    known = get_scorer_names()
    for name in names:
        if name not in known:
            raise ValueError(f"no scorer {name!r}; {nearest(name, known)}")
        module = get_scorer(name)._score_func.__module__
        if "_regression" in module or "cluster" in module:
            raise ValueError(
                f"{name} does not score classifiers; use roc_auc, accuracy, "
                "balanced_accuracy or another score of labels."
            )
    return names


def call(estimator, method, *arguments, **context):
    """Call a method with those items of the context that the estimator asks for.

    What it asks for is what scikit-learn's metadata routing knows of it, and of the
    steps inside it.

    Parameters
    ----------
    estimator : estimator
    method : str
    *arguments
        Handed on as they are.
    **context
        Such as domains.

    Returns
    -------
    result : object
        The method's.
    """
    if not context:
        return getattr(estimator, method)(*arguments)
    with config_context(enable_metadata_routing=True):
        asked = get_routing_for_object(estimator).consumes(method, context.keys())
        if asked:
            wanted = {name: context[name] for name in asked}
            return getattr(estimator, method)(*arguments, **wanted)
    return getattr(estimator, method)(*arguments)


def asks_for(estimator, name):
    """Whether an estimator, or a step inside it, asks for an item of the context.

    Examples
    --------
    >>> from neurodec.preprocessing import Recenter
    >>> asks_for(Pipeline([("recenter", Recenter())]), "domains")
    True
    """
    with config_context(enable_metadata_routing=True):
        return bool(get_routing_for_object(estimator).consumes("fit", [name]))


class Responses(ClassifierMixin, BaseEstimator):
    """What a fitted classifier says of some trials, asked once and kept.

    Scorers take it for the classifier, so several of them cost one transform.

    Parameters
    ----------
    estimator : fitted classifier or Pipeline
    X : array, shape (n_trials, n_channels, n_times)
    context : dict or None
        What aligners may ask for: domains, target, order, labels.
    n_given : int
        The first trials of ``X`` that are given beforehand: no answers for these.
    """

    def __init__(self, estimator, X, context=None, n_given=0):
        self.asked, self.original = estimator, X
        self.context, self.n_given = context or {}, n_given
        if isinstance(estimator, GridSearchCV | RandomizedSearchCV):
            # In predict they hand nothing on.
            estimator = estimator.best_estimator_
        if type(estimator) is Pipeline:  # A subclass may predict in its own way.
            # Step by step: a slice of the pipeline would ask stateless steps, which
            # the whole pipeline does not, whether they are fitted.
            for _, step in estimator.steps[:-1]:
                if step not in (None, "passthrough"):
                    X = call(step, "transform", X, **self.context)
            estimator = estimator[-1]
        self.estimator, self.X = estimator, X
        self.classes_ = estimator.classes_
        self._said = {}

    def __repr__(self):
        return f"Responses({self.estimator!r})"

    def __sklearn_is_fitted__(self):
        return True

    @property
    def graded(self):
        """``decision_function`` where there is one, else ``predict_proba``, or None."""
        method = next((m for m in _GRADED if hasattr(self.estimator, m)), None)
        return None if method is None else self._say(method)

    def predict(self, X=None):
        """Labels, shape (n_trials,)."""
        return self._say("predict")

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X=None):
        """Scores, shape (n_trials,) or (n_trials, n_classes)."""
        return self._say("decision_function")

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X=None):
        """Probabilities, shape (n_trials, n_classes)."""
        return self._say("predict_proba")

    def again(self, rows, X=None):
        """The same estimator asked of some of the trials, or of others instead.

        Parameters
        ----------
        rows : array of int or None
            Those of ``X`` to ask of, the given ones first; None is all.
        X : array or None
            Signals in place of the original ones.

        Returns
        -------
        responses : Responses
        """
        X = self.original if X is None else X
        rows = slice(None) if rows is None else rows
        context = {
            name: value if isinstance(value, str) else value[rows]
            for name, value in self.context.items()
        }
        return Responses(self.asked, X[rows], context, self.n_given)

    def _say(self, method):
        if method not in self._said:
            said = np.asarray(call(self.estimator, method, self.X, **self.context))
            self._said[method] = said[self.n_given :]
        return self._said[method]

    def score_all(self, y, scorers):
        """The scorers' values.

        Parameters
        ----------
        y : array, shape (n_trials,)
        scorers : list of str

        Returns
        -------
        scores : dict of float

        Raises
        ------
        ValueError
            If a score is not a finite number.
        """
        scores = {}
        for name in scorers:
            value = float(get_scorer(name)(self, self.X, y))
            if not np.isfinite(value):
                raise ValueError(
                    f"{name} is {value} on {len(y)} trials with labels "
                    f"{np.unique(y).tolist()}; it needs every class in the test part "
                    "and finite responses."
                )
            scores[name] = value
        return scores

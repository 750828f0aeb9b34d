"""Fit a pipeline on one training part and score it on its test parts."""

import time
import traceback
import typing
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.preprocessing import LabelEncoder
from threadpoolctl import threadpool_limits

from ..preprocessing._target import Target, parse_target
from .access import refuse_forbidden
from .scoring import Responses, call


class Part(typing.NamedTuple):
    """A test part, and what of its session may be used.

    Attributes
    ----------
    test, given : array of int
        Positions of the trials to score, and of those given beforehand, in the order
        of recording where the target needs one.
    target : Target
    """

    test: np.ndarray
    given: np.ndarray
    target: Target

    @classmethod
    def of(cls, fold, protocol):
        """The test part of a fold; a share of a session becomes a number of trials."""
        target = parse_target(protocol.target)
        if target.kind == "prefix":
            target = target._replace(size=len(fold.given), percent=False)
        return cls(fold.test, fold.given, target)


def fit_and_score(X, y, scorers, pipeline, train, parts, seed, domains):
    """Fit a clone on the training part and score it on each test part.

    Parameters
    ----------
    X : array, shape (n_trials, n_channels, n_times)
    y : array, shape (n_trials,)
    scorers : list of str
    pipeline : estimator
    train : array of int
        Positions in ``X``.
    parts : list of Part
        Test parts of this training part: a left-out subject has one per session.
    seed : int
        Of NumPy's global generator, for steps that have no ``random_state``.
    domains : array of int, shape (n_trials,)
        Which session of which subject; handed to the steps that ask for it.

    Returns
    -------
    outcomes : list of dict, one for each test part
        scores, predicted, response, classes, seconds, warnings; or error, where.
    """
    # The global generator, because a step that has no parameter draws from it.
    state = np.random.get_state()  # noqa: NPY002
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            np.random.seed(seed % 2**32)  # noqa: NPY002
            estimator, encoder, seconds, problem = _fit(pipeline, X, y, train, domains)
            outcomes = [
                problem or _score(estimator, encoder, X, y, part, scorers, domains)
                for part in parts
            ]
        finally:
            np.random.set_state(state)  # noqa: NPY002
    messages = sorted({str(warning.message) for warning in caught})
    return [{**o, "seconds": seconds, "warnings": messages} for o in outcomes]


def _fit(pipeline, X, y, train, domains):
    started = time.perf_counter()
    try:
        if not len(train):
            raise ValueError(
                "no training trial is left: all are copies of test trials; check the "
                "sessions, or use keep_copies=True to train on them."
            )
        # As MOABB does: labels become 0 ... k-1 by the training labels alone.
        encoder = LabelEncoder().fit(y[train])
        estimator = clone(pipeline)
        labels, of_train = encoder.transform(y[train]), domains[train]
        started = time.perf_counter()
        call(estimator, "fit", X[train], labels, domains=of_train)
        return estimator, encoder, time.perf_counter() - started, None
    except Exception as error:  # Whatever a pipeline raises is its result.
        return None, None, time.perf_counter() - started, _problem(error)


def _score(estimator, encoder, X, y, part, scorers, domains):
    try:
        rows = np.concatenate([part.given, part.test])
        n_given = len(part.given)
        context = {"domains": domains[rows]}
        if part.target.kind != "none":
            context["target"] = str(part.target)
        if part.target.kind in ("past", "prefix"):
            # The protocol has made sure that they stand as they were recorded.
            context["order"] = np.arange(len(rows))
        if part.target.labelled:
            # The labels of the trials to score never leave this function.
            known = encoder.transform(y[part.given])
            context["labels"] = np.r_[known, np.full(len(part.test), -1)]
        said = Responses(estimator, X[rows], context, n_given)
        scores = said.score_all(encoder.transform(y[part.test]), scorers)
        refuse_forbidden(said, part.target)
        return {
            "scores": scores,
            "predicted": encoder.inverse_transform(said.predict()),
            "response": said.graded,
            "classes": encoder.classes_,
        }
    except Exception as error:
        return _problem(error)


def _problem(error):
    where = traceback.extract_tb(error.__traceback__)[-1]
    return {
        "error": f"{type(error).__name__}: {error}",
        "where": f"{where.filename}:{where.lineno} in {where.name}",
    }

"""Fit a pipeline on one training part and score it on its test parts."""

import functools
import time
import traceback
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.preprocessing import LabelEncoder
from threadpoolctl import threadpool_limits

from .scoring import Responses


def fit_and_score(X, y, scorers, pipeline, train, tests, seed):
    """Fit a clone on the training part and score it on each test part.

    Parameters
    ----------
    X : array, shape (n_trials, n_channels, n_times)
    y : array, shape (n_trials,)
    scorers : list of str
    pipeline : estimator
    train : array of int
        Positions in ``X``.
    tests : list of array of int
        Test parts of this training part: a left-out subject has one per session.
    seed : int
        Of NumPy's global generator, for steps that have no ``random_state``.

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
            estimator, encoder, seconds, problem = _fit(pipeline, X, y, train)
            outcomes = [
                problem or _score(estimator, encoder, X, y, test, scorers)
                for test in tests
            ]
        finally:
            np.random.set_state(state)  # noqa: NPY002
    messages = sorted({str(warning.message) for warning in caught})
    return [{**o, "seconds": seconds, "warnings": messages} for o in outcomes]


def _fit(pipeline, X, y, train):
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
        started = time.perf_counter()
        estimator.fit(X[train], encoder.transform(y[train]))
        return estimator, encoder, time.perf_counter() - started, None
    except Exception as error:  # Whatever a pipeline raises is its result.
        return None, None, time.perf_counter() - started, _problem(error)


def _score(estimator, encoder, X, y, test, scorers):
    try:
        said = Responses(estimator, X[test])
        scores = said.score_all(encoder.transform(y[test]), scorers)
        _refuse_batch(estimator, X[test], said)
        return {
            "scores": scores,
            "predicted": encoder.inverse_transform(said.predict()),
            "response": said.graded,
            "classes": encoder.classes_,
        }
    except Exception as error:
        return _problem(error)


def _refuse_batch(estimator, X, said):
    """Refuse a pipeline whose answer for a trial depends on other test trials.

    Three trials, in reverse, must get the answers that they got among all: else a
    statistic of the test part was used, and the protocol's target would be untrue.
    """
    rows = np.unique([0, len(X) // 2, len(X) - 1])[::-1]
    again = Responses(estimator, X[rows])
    if said.graded is None:
        whole, alone, same = said.predict()[rows], again.predict(), np.array_equal
    else:
        whole, alone = said.graded[rows], again.graded
        # Single precision sums in another order for another number of trials.
        tolerance = 1e-3 if whole.dtype == np.float32 else 1e-6
        scale = np.abs(said.graded).max()
        same = functools.partial(np.allclose, rtol=tolerance, atol=tolerance * scale)
    if not same(whole, alone):
        raise ValueError(
            f"trials {rows.tolist()} of the test part get {np.ravel(whole)[:3]} among "
            f"all and {np.ravel(alone)[:3]} among themselves: answers depend on other "
            "test trials; learn the reference in fit."
        )


def _problem(error):
    where = traceback.extract_tb(error.__traceback__)[-1]
    return {
        "error": f"{type(error).__name__}: {error}",
        "where": f"{where.filename}:{where.lineno} in {where.name}",
    }

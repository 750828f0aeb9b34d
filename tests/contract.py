"""What every decoder and transformer of trials must keep to, checked on easy data.

``CONTRACT`` holds the checks; each takes an unfitted estimator and a paradigm of
`make_easy`. A new estimator gets all of them from one line in a test's list.
"""

import pickle

import joblib
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.utils.validation import check_is_fitted, validate_data

from neurodec.features import FilterBankCovariances, LogVariance

SFREQ = 256.0
OUTPUTS = ("predict", "predict_proba", "decision_function")


def make_easy(paradigm, seed=0, n_trials=48, n_channels=4):
    """Trials in volts, whose classes any decoder of the paradigm tells apart."""
    rng = np.random.default_rng(seed)
    n_times = 256 if paradigm == "SSVEP" else 128
    X = rng.standard_normal((n_trials, n_channels, n_times))
    times = np.arange(n_times) / SFREQ
    if paradigm == "P300":
        y = np.where(np.arange(n_trials) % 4 == 0, "Target", "NonTarget")
        bump = 2 * np.exp(-(((times - 0.3) / 0.1) ** 2))
        X[y == "Target", :2] += bump
    elif paradigm == "SSVEP":
        y = np.array(["13", "17", "21"])[np.arange(n_trials) % 3]
        phase = rng.uniform(0, 2 * np.pi, n_trials)
        cycles = y.astype(float)[:, None] * times
        X[:, 0] += 2 * np.sin(2 * np.pi * cycles + phase[:, None])
    else:
        classes = ["feet", "left_hand", "right_hand"]
        if paradigm == "LeftRightImagery":
            classes = classes[1:]
        y = np.array(classes)[np.arange(n_trials) % len(classes)]
        for channel, name in enumerate(classes):
            X[y == name, channel] *= 2
    mixing = np.eye(n_channels) + 0.3 * np.random.default_rng(1).standard_normal(
        (n_channels, n_channels)
    )
    return 1e-5 * np.einsum("ij,njt->nit", mixing, X), y


def outputs(estimator, X):
    """What a decoder, or else a transformer, says about trials, by method."""
    methods = OUTPUTS if hasattr(estimator, "predict") else ["transform"]
    return {
        method: getattr(estimator, method)(X)
        for method in methods
        if hasattr(estimator, method)
    }


def assert_same_outputs(actual, expected, rtol=0.0):
    assert actual.keys() == expected.keys()
    assert actual
    for method, values in expected.items():
        if values.dtype.kind == "f" and rtol:
            atol = rtol * np.abs(values).max()
            assert_allclose(actual[method], values, rtol, atol, err_msg=method)
        else:
            assert_array_equal(actual[method], values, err_msg=method)


def plain_params(estimator):
    """Parameters that are not estimators: `Pipeline.fit` fits its steps in place."""
    params = estimator.get_params(deep=True)
    nested = tuple(key for key, value in params.items() if hasattr(value, "fit"))
    return {k: v for k, v in params.items() if k not in (*nested, "steps")}


def check_params_round_trip(estimator, paradigm):
    params = plain_params(estimator)
    assert repr(clone(estimator)) == repr(estimator)
    assert joblib.hash(plain_params(clone(estimator))) == joblib.hash(params)
    estimator.set_params(**params)
    assert plain_params(estimator) == params


def check_fit_returns_self_and_edits_nothing(estimator, paradigm):
    X, y = make_easy(paradigm)
    before = joblib.hash((plain_params(estimator), X, y))
    assert estimator.fit(X, y) is estimator
    assert joblib.hash((plain_params(estimator), X, y)) == before


def check_outputs_write_nothing(estimator, paradigm):
    X, y = make_easy(paradigm)
    estimator.fit(X, y)
    before = joblib.hash((estimator, X))
    outputs(estimator, X[:5])
    outputs(estimator, X)
    assert joblib.hash((estimator, X)) == before


def check_refit_forgets_the_earlier_shape(estimator, paradigm):
    X, y = make_easy(paradigm)
    smaller = X[:-6, 1:, :-30]
    fresh = clone(estimator).fit(smaller, y[:-6])
    estimator.fit(X, y).fit(smaller, y[:-6])
    assert_same_outputs(outputs(estimator, smaller), outputs(fresh, smaller))


def check_deterministic(estimator, paradigm):
    X, y = make_easy(paradigm)
    first = outputs(clone(estimator).fit(X, y), X)
    assert_same_outputs(outputs(clone(estimator).fit(X, y), X), first)


def check_trial_alone_or_in_a_batch(estimator, paradigm):
    X, y = make_easy(paradigm)
    whole = outputs(estimator.fit(X[:32], y[:32]), X[32:])
    for i in range(5):
        alone = outputs(estimator, X[32 + i : 33 + i])
        row = {method: values[i : i + 1] for method, values in whole.items()}
        assert_same_outputs(alone, row, rtol=1e-9)


def check_order_of_test_trials(estimator, paradigm):
    X, y = make_easy(paradigm)
    order = np.random.default_rng(0).permutation(len(X))
    straight = outputs(estimator.fit(X, y), X)
    shuffled = outputs(estimator, X[order])
    straight = {method: values[order] for method, values in straight.items()}
    assert_same_outputs(shuffled, straight, rtol=1e-9)


def check_names_of_labels(estimator, paradigm):
    X, y = make_easy(paradigm)
    expected = outputs(clone(estimator).fit(X, y), X)
    classes, codes = np.unique(y, return_inverse=True)
    as_int = outputs(clone(estimator).fit(X, 10 + 5 * codes), X)
    # The same numbers in another order of classes: only the labels can be compared.
    other = clone(estimator).fit(X, -codes)
    if is_classifier(estimator):
        assert_array_equal(
            classes[(as_int.pop("predict") - 10) // 5], expected["predict"]
        )
        assert_array_equal(classes[-other.predict(X)], expected.pop("predict"))
    assert_same_outputs(as_int, expected, rtol=1e-12)


def check_float32(estimator, paradigm):
    X, y = make_easy(paradigm)
    double = outputs(clone(estimator).fit(X, y), X)
    X = X.astype(np.float32)
    single = outputs(clone(estimator).fit(X, y), X)
    assert_same_outputs(single, double, rtol=1e-2)


def check_readonly_and_strided_arrays(estimator, paradigm):
    X, y = make_easy(paradigm)
    expected = outputs(clone(estimator).fit(X, y), X)
    frozen = X.copy()
    frozen.setflags(write=False)
    labels = y.copy()
    labels.setflags(write=False)
    assert_same_outputs(outputs(clone(estimator).fit(frozen, labels), frozen), expected)
    strided = np.repeat(X, 2, axis=-1)[..., ::2]
    assert not strided.flags.c_contiguous
    actual = outputs(clone(estimator).fit(strided, y), strided)
    assert_same_outputs(actual, expected, rtol=1e-6)


def check_pickles(estimator, paradigm):
    X, y = make_easy(paradigm)
    estimator.fit(X, y)
    again = pickle.loads(pickle.dumps(estimator))
    assert_same_outputs(outputs(again, X), outputs(estimator, X))
    unfitted = pickle.loads(pickle.dumps(clone(estimator)))
    assert_same_outputs(outputs(unfitted.fit(X, y), X), outputs(estimator, X))


CONTRACT = [
    check_params_round_trip,
    check_fit_returns_self_and_edits_nothing,
    check_outputs_write_nothing,
    check_refit_forgets_the_earlier_shape,
    check_deterministic,
    check_trial_alone_or_in_a_batch,
    check_order_of_test_trials,
    check_names_of_labels,
    check_float32,
    check_readonly_and_strided_arrays,
    check_pickles,
]


class _TwoDimensional:
    """Lets scikit-learn's 2-D checks reach an estimator of trials.

    A row becomes one channel, repeated until it is longer than any filter's transient.
    Nothing else is checked or converted here, so that the estimator's own checks run.
    """

    def fit(self, X, y=None):
        return super().fit(self._trials(X, reset=True), y)

    def transform(self, X):
        check_is_fitted(self)
        X_new = super().transform(self._trials(X, reset=False))
        return X_new.reshape(len(X_new), -1)

    def _trials(self, X, reset):
        rows = X if hasattr(X, "toarray") else np.asarray(X)
        if rows.ndim != 2:
            return rows
        validate_data(self, X, reset=reset, skip_check_array=True)
        if hasattr(X, "toarray") or not rows.size:
            return rows
        return np.tile(rows, -(-128 // rows.shape[1]))[:, np.newaxis]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = False
        return tags


class LogVariance2D(_TwoDimensional, LogVariance):
    """LogVariance of rows."""


class FilterBankCovariances2D(_TwoDimensional, FilterBankCovariances):
    """FilterBankCovariances of rows."""

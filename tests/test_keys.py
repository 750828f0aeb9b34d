"""Keys tell apart what computes differently, and nothing else."""

import functools
import importlib
import linecache
import sys
from pathlib import Path

import numpy as np
import pytest
from pyriemann.classification import MDM
from pyriemann.estimation import Covariances
from sklearn.base import BaseEstimator, clone
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from neurodec.evaluation.keys import canonical, digest, library_series


def _named(X):
    return X


def test_equal_estimators_have_equal_keys():
    pipeline = make_pipeline(Covariances("oas"), SVC(C=1))
    assert canonical(pipeline) == canonical(clone(pipeline))
    assert canonical(SVC(C=1)) == canonical(SVC(C=1.0))


@pytest.mark.parametrize(
    "a, b",
    [
        (SVC(C=1), SVC(C=2)),
        (Covariances("oas"), Covariances("scm")),
        (make_pipeline(Covariances(), MDM()), make_pipeline(Covariances(), SVC())),
        (
            MDM(metric="riemann"),
            MDM(metric={"mean": "riemann", "distance": "logeuclid"}),
        ),
        (np.arange(3), np.arange(3.0)),
        (np.arange(4), np.arange(4).reshape(2, 2)),
        (FunctionTransformer(_named), FunctionTransformer(np.log)),
        (functools.partial(_named, 1), functools.partial(_named, 2)),
        (True, 1),
        ("1", 1),
    ],
)
def test_what_computes_differently_has_another_key(a, b):
    assert digest(canonical(a)) != digest(canonical(b))


def test_long_arrays_are_told_apart_where_repr_cannot():
    a, b = np.zeros(5000), np.zeros(5000)
    b[2500] = 1
    assert repr(a) == repr(b)
    assert canonical(a) != canonical(b)


@pytest.mark.parametrize(
    "value", [FunctionTransformer(lambda X: X), object(), np.random.RandomState(0)]
)
def test_what_has_no_lasting_identity_is_refused(value):
    with pytest.raises(ValueError, match="lasting"):
        canonical(value)


def test_the_order_of_a_mapping_does_not_matter():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_series_hold_major_and_minor():
    assert all(len(series.split(".")) == 2 for series in library_series().values())


def test_edited_code_of_the_users_own_estimator_is_another_key(tmp_path, monkeypatch):
    """The same name with another body must not be handed the old score."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    digests = []
    for body in ("X", "X * 2"):
        (tmp_path / "users_own.py").write_text(
            "from sklearn.base import BaseEstimator\n"
            "class Mine(BaseEstimator):\n"
            f"    def transform(self, X):\n        return {body}\n"
        )
        sys.modules.pop("users_own", None)
        importlib.invalidate_caches()
        linecache.clearcache()
        digests.append(canonical(importlib.import_module("users_own").Mine()))
    assert digests[0] != digests[1]


def test_code_typed_at_a_prompt_is_told_apart_too():
    digests = []
    for body in ("X", "X * 2", "X * 3"):
        typed = {"__name__": "__main__", "BaseEstimator": BaseEstimator}
        exec(
            f"class Mine(BaseEstimator):\n def transform(self, X): return {body}", typed
        )
        digests.append(digest(canonical(typed["Mine"]())))
    assert len(set(digests)) == 3


def made(k):
    """A function with a closure."""

    def scale(X):
        return X * k

    return scale


def with_default(k):
    def scale(X, k=k):
        return X * k

    return scale


@pytest.mark.parametrize("make", [made, with_default])
def test_functions_that_differ_in_what_they_hold_have_another_key(make):
    a, b = (canonical(FunctionTransformer(make(k))) for k in (2, 3))
    assert digest(a) != digest(b)
    assert digest(a) == digest(canonical(FunctionTransformer(make(2))))


def test_a_helper_beside_the_users_class_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    digests = []
    for factor in (2, 3):
        (tmp_path / "users_helped.py").write_text(
            "from sklearn.base import BaseEstimator\n"
            f"FACTOR = {factor}\n"
            "class Mine(BaseEstimator):\n"
            "    def transform(self, X):\n        return X * FACTOR\n"
        )
        sys.modules.pop("users_helped", None)
        importlib.invalidate_caches()
        module = importlib.import_module("users_helped")
        digests.append(digest(canonical(module.Mine())))
    assert digests[0] != digests[1]


@pytest.mark.parametrize(
    "value",
    [
        GridSearchCV(SVC(), {"C": [1, 2]}, cv=StratifiedKFold(5)),
        GridSearchCV(SVC(), {"C": [1, 2]}, scoring=make_scorer(f1_score)),
        GaussianProcessClassifier(RBF(2.0)),
        slice(1, 3),
        np.bool_(True),
        Path("a"),
    ],
    ids=str,
)
def test_ordinary_parameters_have_an_identity(value):
    assert digest(canonical(value)) == digest(canonical(value))


@pytest.mark.parametrize(
    "a, b",
    [
        (2**53, 2**53 + 1),
        ({1: 2}, {"1": 2}),
        (np.array(["a", None], object), np.array(["b", None], object)),
        (GridSearchCV(SVC(), {}, cv=StratifiedKFold(5)),
         GridSearchCV(SVC(), {}, cv=StratifiedKFold(4))),
        (make_scorer(f1_score), make_scorer(f1_score, average="macro")),
    ],
)  # fmt: skip
def test_near_misses_are_told_apart(a, b):
    assert digest(canonical(a)) != digest(canonical(b))


def test_how_it_computes_is_not_what_it_computes():
    a = Pipeline([("svc", SVC())])
    b = Pipeline([("svc", SVC(verbose=True))], memory="/tmp/somewhere", verbose=True)
    assert canonical(a) == canonical(b)

"""Keys tell apart what computes differently, and nothing else."""

import functools
import importlib
import linecache
import sys

import numpy as np
import pytest
from pyriemann.classification import MDM
from pyriemann.estimation import Covariances
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import make_pipeline
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

"""Stacking, calibration and abstention on simulated trials of known difficulty."""

import numpy as np
import pytest
from contract import CONTRACT, make_easy
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted
from two_dimensional import CONSTANT, TwoDimensionalClassifier, assert_passes_checks

from neurodec.decoders import (
    AbstainingPipeline,
    CalibratedPipeline,
    StackedPipelines,
    load_pipeline,
)
from neurodec.evaluation import accuracy_and_coverage
from neurodec.features import LogVariance

STACKED = StackedPipelines(["mdm", "logvar-lda"], n_folds=3, random_state=0)
CALIBRATED = CalibratedPipeline("ts-svm", n_folds=3, random_state=0)
ABSTAINING = AbstainingPipeline("mdm", n_folds=3, random_state=0)


def make_hard(n_trials=200, strength=1.25, seed=0, share=0.5):
    """Trials whose classes overlap: the first channel's variance differs a little."""
    rng = np.random.default_rng(seed)
    y = (rng.uniform(size=n_trials) < share).astype(int)
    X = rng.standard_normal((n_trials, 3, 60))
    X[y == 1, 0] *= strength
    return X, y


@pytest.mark.parametrize("estimator", [STACKED, CALIBRATED, ABSTAINING], ids=repr)
@pytest.mark.parametrize("check", CONTRACT)
def test_contract(check, estimator):
    check(clone(estimator), "LeftRightImagery")


class Calibrated2D(TwoDimensionalClassifier, CalibratedPipeline):
    """CalibratedPipeline of rows; it has probabilities and no decision function."""

    decision_function = property()

    def predict_proba(self, X):
        check_is_fitted(self)
        return CalibratedPipeline.predict_proba(self, self._trials(X, reset=False))

    def predict(self, X):
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_scikit_learns_checks():
    pipeline = make_pipeline(LogVariance(), LogisticRegression())
    constant = {**CONSTANT, "check_classifier_data_not_an_array": "a row is constant"}
    assert_passes_checks(Calibrated2D(pipeline, n_folds=2), constant)


def test_stacking_is_scikit_learns():
    X, y = make_easy("MotorImagery")
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    expected = StackingClassifier(
        [("a", load_pipeline("mdm")), ("b", load_pipeline("logvar-lda"))],
        LogisticRegression(),
        cv=folds,
    ).fit(X, y)
    found = clone(STACKED).fit(X, y)
    assert_array_equal(found.predict_proba(X), expected.predict_proba(X))
    assert_array_equal(found.classes_, expected.classes_)


def test_stacking_does_not_trust_a_pipeline_that_learned_by_heart():
    X, y = make_hard()
    X_new, y_new = make_hard(seed=1)

    class ByHeart(LogisticRegression):
        """Knows its training trials, and nothing else."""

        def fit(self, X, y):
            self.known_ = {x.tobytes(): label for x, label in zip(X, y, strict=True)}
            self.classes_ = np.unique(y)
            return self

        def predict_proba(self, X):
            said = np.array([self.known_.get(x.tobytes(), 0.5) for x in X])
            return np.column_stack([1 - said, said])

    both = StackedPipelines([ByHeart(), "logvar-lda"], random_state=0).fit(X, y)
    alone = load_pipeline("logvar-lda").fit(X, y)
    score = roc_auc_score(y_new, both.predict_proba(X_new)[:, 1])
    assert score > roc_auc_score(y_new, alone.predict_proba(X_new)[:, 1]) - 0.02


def test_calibration_is_scikit_learns_and_makes_probabilities_honest():
    X, y = make_hard(300)
    X_new, y_new = make_hard(2000, seed=1)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    expected = CalibratedClassifierCV(load_pipeline("mdm"), cv=folds, ensemble=False)
    found = CalibratedPipeline("mdm", n_folds=3, random_state=0).fit(X, y)
    assert_array_equal(found.predict_proba(X), expected.fit(X, y).predict_proba(X))
    calibrated = found.predict_proba(X_new)[:, 1]
    plain = load_pipeline("mdm").fit(X, y).predict_proba(X_new)[:, 1]
    assert brier_score_loss(y_new, calibrated) < brier_score_loss(y_new, plain)
    # Of the trials that get about 70 %, about 70 % are of that class.
    for low in (0.3, 0.5, 0.7):
        inside = (calibrated >= low) & (calibrated < low + 0.2)
        assert abs(y_new[inside].mean() - calibrated[inside].mean()) < 0.1


def test_abstaining_buys_accuracy_with_answers():
    X, y = make_hard(300)
    X_new, y_new = make_hard(2000, seed=1)
    model = AbstainingPipeline("mdm", threshold=0.75, random_state=0).fit(X, y)
    answers = model.predict_or_abstain(X_new)
    answered = answers != None  # noqa: E711
    assert 0.1 < answered.mean() < 0.9
    right = (answers == y_new)[answered].mean()
    assert right > (model.predict(X_new) == y_new).mean() + 0.05
    accuracy, coverage = accuracy_and_coverage(
        y_new, model.predict_proba(X_new), model.classes_, [0, 0.75, 1]
    )
    assert_allclose(accuracy[1], right)
    assert_allclose(coverage[:2], [1, answered.mean()])
    assert np.isnan(accuracy[2]) or coverage[2] > 0


def test_class_weights_raise_the_balanced_accuracy_of_a_rare_class():
    X, y = make_hard(300, share=0.15)
    X_new, y_new = make_hard(1000, seed=1, share=0.15)
    plain = load_pipeline("ts-lr").fit(X, y)
    weighted = load_pipeline("ts-lr")
    weighted.set_params(logisticregression__class_weight="balanced").fit(X, y)
    scores = [
        balanced_accuracy_score(y_new, p.predict(X_new)) for p in (plain, weighted)
    ]
    assert scores[1] > scores[0] + 0.1


def test_the_rate_and_the_seed_reach_the_pipelines_inside():
    X, y = make_easy("LeftRightImagery")
    model = StackedPipelines(["bandpower-lda", "mdm"], 2, sfreq=256, random_state=0)
    inner = model.fit(X, y).fitted_.estimators_[0]
    assert inner.named_steps["bandpower"].sfreq == 256

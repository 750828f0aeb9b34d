"""Scores are scikit-learn's, and chance is what guessing gives."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from neurodec.evaluation.chance import (
    chance_level,
    majority_share,
    pooled_chance_level,
)
from neurodec.evaluation.scoring import Responses, check_scorers

SCORERS = ["roc_auc", "accuracy", "balanced_accuracy", "f1_macro"]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "classifier",
    [
        LogisticRegression(),
        SVC(kernel="linear"),
        LinearDiscriminantAnalysis(),
        KNeighborsClassifier(),
    ],
    ids=lambda c: type(c).__name__,
)
def test_scores_equal_scikit_learns_scorer_on_the_pipeline(classifier, n_classes):
    X, y = make_classification(
        120, n_informative=6, n_classes=n_classes, random_state=0, flip_y=0.3
    )
    pipeline = make_pipeline(StandardScaler(), classifier).fit(X[:60], y[:60])
    scorers = SCORERS if n_classes == 2 else SCORERS[1:]
    ours = Responses(pipeline, X[60:]).score_all(y[60:], scorers)
    for name in scorers:
        assert ours[name] == get_scorer(name)(pipeline, X[60:], y[60:])


def test_several_scorers_cost_one_transform():
    class Counting(StandardScaler):
        calls = 0

        def transform(self, X, copy=None):
            Counting.calls += 1
            return super().transform(X)

    X, y = make_classification(60, random_state=0)
    pipeline = make_pipeline(Counting(), LogisticRegression()).fit(X, y)
    Counting.calls = 0
    Responses(pipeline, X).score_all(y, [*SCORERS, "neg_log_loss"])
    assert Counting.calls == 1


def test_an_undefined_score_is_an_error_not_a_number():
    X, y = make_classification(60, random_state=0)
    said = Responses(LogisticRegression().fit(X, y), X[y == 0])
    with pytest.raises(ValueError, match="needs every class in the test part"):
        with pytest.warns(UserWarning):
            said.score_all(y[y == 0], ["roc_auc"])


def test_a_wrong_scorer_name_gets_the_nearest():
    with pytest.raises(ValueError, match="'roc_aucc'.*did you mean roc_auc"):
        check_scorers("roc_aucc")


@pytest.mark.parametrize("counts", [(30, 30), (20, 60), (12, 12, 12), (10, 20, 40)])
@pytest.mark.parametrize("scoring", ["accuracy", "balanced_accuracy", "roc_auc"])
def test_guessing_exceeds_the_chance_level_in_about_five_percent(scoring, counts):
    if scoring == "roc_auc" and len(counts) > 2:
        assert np.isnan(chance_level(scoring, np.repeat([0, 1, 2], counts))).all()
        return
    y = np.repeat(np.arange(len(counts)), counts)
    chance, level, deviation = chance_level(scoring, y)
    rng = np.random.default_rng(0)
    scores = np.array([_guess(scoring, y, len(counts), rng) for _ in range(4000)])
    # 4,000 guesses give the mean to deviation / 63 and the tail to 0.0035.
    assert abs(scores.mean() - chance) < 5 * deviation / 63
    assert abs(scores.std() / deviation - 1) < 0.1
    # Accuracy is discrete, so the tail lies between its neighbours' shares.
    assert np.mean(scores > level + 1e-12) < 0.07
    assert np.mean(scores >= level - 0.6 / len(y)) > 0.03


def _guess(scoring, y, n_classes, rng):
    if scoring == "roc_auc":
        from sklearn.metrics import roc_auc_score

        return roc_auc_score(y, rng.standard_normal(len(y)))
    right = rng.integers(n_classes, size=len(y)) == y
    if scoring == "accuracy":
        return right.mean()
    return np.mean([right[y == c].mean() for c in range(n_classes)])


def test_pooling_independent_parts_narrows_the_level():
    one = pooled_chance_level([0.5], [0.08], [1.0])
    four = pooled_chance_level([0.5] * 4, [0.08] * 4, [0.25] * 4)
    assert four - 0.5 == pytest.approx((one - 0.5) / 2)


def test_unknown_chance_is_not_invented():
    assert np.isnan(chance_level("f1_macro", [0, 1, 0, 1])).all()
    assert np.isnan(pooled_chance_level([np.nan, 0.5], [0.1, 0.1], [0.5, 0.5]))


def test_majority_share():
    assert majority_share(["a", "b", "a", "a"]) == 0.75

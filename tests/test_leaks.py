"""Shuffled labels give chance under every protocol, and a planted leak does not."""

import numpy as np
import pytest
from pyriemann.classification import MDM
from pyriemann.estimation import Covariances
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline

from neurodec.datasets import trials_from_arrays
from neurodec.decoders import list_pipelines, load_pipeline, pipeline_info
from neurodec.evaluation import list_protocols, shuffled_label_test
from neurodec.evaluation.copies import drop_copies
from neurodec.evaluation.leaks import shuffle_labels


class RemembersEarlierFolds(ClassifierMixin, BaseEstimator):
    """A planted leak: state outlives the fold, so earlier labels answer later tests.

    So did a published cross-subject loop that went on from the weights of the fold
    before.
    """

    memory = {}

    def __init__(self, share=1.0):
        self.share = share

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        kept = int(len(X) * self.share)
        seen = zip(X[:kept], y[:kept], strict=True)
        self.memory.setdefault(self.share, {}).update(
            (x.tobytes(), label) for x, label in seen
        )
        return self

    def decision_function(self, X):
        memory = self.memory[self.share]
        return np.array([memory.get(x.tobytes(), 0.5 + 0.1 * x[0, 0]) for x in X])

    def predict(self, X):
        return (self.decision_function(X) > 0.5).astype(int)


def make_trials(n_times=64, sfreq=128.0, n_classes=2, seed=0):
    """Three subjects, two sessions; the domains differ, the labels mean nothing."""
    rng = np.random.default_rng(seed)
    subject = np.repeat([1, 2, 3], 48)
    session = np.tile(np.repeat(["0", "1"], 24), 3)
    X = rng.standard_normal((144, 4, n_times)) * 10.0
    X *= 1 + 0.3 * subject[:, None, None] + (session == "1")[:, None, None]
    return trials_from_arrays(
        X,
        np.tile([f"class{i}" for i in range(n_classes)], 144 // n_classes),
        sfreq=sfreq,
        subject=subject,
        session=session,
    )


PLANTED = {"total": 1.0, "mild": 0.35}


@pytest.fixture(scope="module")
def shuffled_scores():
    """All pipelines and two planted leaks; the level holds for all rows together."""
    by_kind = {"usual": {}, "ssvep": {}}
    for name in list_pipelines():
        ssvep = "SSVEP" in pipeline_info(name)["paradigms"]
        by_kind["ssvep" if ssvep else "usual"][name] = load_pipeline(name)
    for name, share in PLANTED.items():
        by_kind["usual"][name] = RemembersEarlierFolds(share)
    RemembersEarlierFolds.memory.clear()
    n_cases = sum(map(len, by_kind.values()))
    rows = {}
    for kind, pipelines in by_kind.items():
        trials = make_trials(256, 256.0, 3) if kind == "ssvep" else make_trials()
        table = shuffled_label_test(
            trials,
            pipelines,
            list_protocols(),
            n_shuffles=6,
            level=0.001 * len(pipelines) / n_cases,
        )
        rows.update({(row.protocol, row.pipeline): row for row in table.itertuples()})
    return rows


@pytest.mark.parametrize("protocol", list_protocols())
@pytest.mark.parametrize("name", list_pipelines())
def test_every_pipeline_is_at_chance_under_every_protocol(
    name, protocol, shuffled_scores
):
    row = shuffled_scores[protocol, name]
    assert not row.leaks
    assert abs(row.score - row.chance) < 0.12


@pytest.mark.parametrize("protocol", list_protocols())
@pytest.mark.parametrize("name", PLANTED)
def test_planted_leaks_are_caught_under_every_protocol(name, protocol, shuffled_scores):
    row = shuffled_scores[protocol, name]
    assert row.leaks
    assert row.score > row.chance + 0.05


def test_shuffling_stays_inside_the_session():
    trials = make_trials()
    y = trials.y.copy()
    y[trials.metadata["session"] == "1"] = "other"
    trials = trials_from_arrays(trials.X, y, sfreq=128, metadata=trials.metadata)
    shuffled = shuffle_labels(trials, 0)
    np.testing.assert_array_equal(shuffled.y == "other", y == "other")
    assert (shuffled.y != y).any()
    np.testing.assert_array_equal(shuffled.X, trials.X)


def test_a_failing_pipeline_is_no_evidence():
    class Fails(MDM):
        def fit(self, X, y, sample_weight=None):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="nothing was tested"):
        shuffled_label_test(
            make_trials(),
            {"p": make_pipeline(Covariances(), Fails())},
            ["cross-subject"],
        )


def test_one_shuffle_cannot_tell():
    with pytest.raises(ValueError, match="n_shuffles is 1.*at least 3"):
        shuffled_label_test(make_trials(), ["mdm"], ["cross-subject"], n_shuffles=1)


def test_copies_leave_training_and_nothing_else_does():
    hashes = np.array(["a", "b", "a", "c", "b"])
    train, test = np.array([0, 1, 3]), np.array([2])
    np.testing.assert_array_equal(drop_copies(train, test, hashes), [1, 3])

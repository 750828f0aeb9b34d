"""Shuffled labels give chance under every protocol, and a planted leak does not."""

import dataclasses
import functools

import numpy as np
import pytest
from pyriemann.classification import MDM
from pyriemann.estimation import Covariances
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline

from neurodec.datasets import trials_from_arrays
from neurodec.decoders import list_pipelines, load_pipeline, pipeline_info
from neurodec.evaluation import evaluate, get_protocol, shuffled_label_test
from neurodec.evaluation.copies import drop_copies
from neurodec.evaluation.leaks import shuffle_labels
from neurodec.preprocessing import Recenter, Rescale, Rotate

PROTOCOLS = ["within-session", "cross-session", "cross-subject"]


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
        metadata={"onset": np.tile(np.arange(24.0), 6)},
    )


PLANTED = {"total": 1.0, "mild": 0.35}


CASES = [*list_pipelines(), *PLANTED]
SLOW = ("fbcsp", "stacked")  # Ten times the others' time.


@functools.cache
def shuffled_scores(name):
    """A pipeline or a planted leak, by protocol; the level holds for all of them."""
    ssvep = name not in PLANTED and "SSVEP" in pipeline_info(name)["paradigms"]
    if name in PLANTED:
        pipeline = RemembersEarlierFolds(PLANTED[name])
    else:
        pipeline = load_pipeline(name)
    table = shuffled_label_test(
        make_trials(256, 256.0, 3) if ssvep else make_trials(),
        {name: pipeline},
        PROTOCOLS,
        n_shuffles=20 if name in PLANTED else 3 if name in SLOW else 6,
        level=0.001 / len(CASES),
    )
    return {row.protocol: row for row in table.itertuples()}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", list_pipelines())
def test_every_pipeline_is_at_chance_under_every_protocol(name, protocol):
    row = shuffled_scores(name)[protocol]
    assert not row.leaks
    assert abs(row.score - row.chance) < 0.12


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", PLANTED)
def test_planted_leaks_are_caught_under_every_protocol(name, protocol):
    row = shuffled_scores(name)[protocol]
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


# What the targets allow, and no more


ALIGNED = {
    "recentred": make_pipeline(Recenter("trials"), Covariances(), MDM()),
    "whole family": make_pipeline(
        Covariances("oas"), Recenter(), Rescale(), Rotate(), MDM()
    ),
}


@pytest.mark.parametrize(
    "protocol",
    ["cross-session:past", "cross-session:prefix(6, labelled)", "cross-subject:all"],
)
def test_alignment_is_at_chance_when_labels_mean_nothing(protocol):
    table = shuffled_label_test(make_trials(), ALIGNED, [protocol], n_shuffles=20)
    assert not table["leaks"].any()
    assert (table["score"] - 0.5).abs().max() < 0.12


def test_in_time_chance_and_a_planted_leak():
    # Two blocks: small ones would lack a class under some shuffle.
    in_time, past = (
        dataclasses.replace(get_protocol("chronological", target), n_folds=1)
        for target in ("none", "past")
    )
    trials = make_trials()
    table = shuffled_label_test(trials, ALIGNED, [in_time, past], n_shuffles=4)
    assert not table["leaks"].any()
    # It remembers what the folds of the other protocol trained on.
    leak = {"leak": RemembersEarlierFolds(0.999)}
    table = shuffled_label_test(trials, leak, ["within-session", in_time], n_shuffles=6)
    assert table["leaks"].all()


class Disobedient(Recenter):
    """Takes more of the test part than it is allowed, whatever the target."""

    def __init__(self, takes="all", inputs="covariances", metric="riemann",
                 estimator="scm", prior=None):  # fmt: skip
        super().__init__(inputs, metric, estimator, prior)
        self.takes = takes

    def transform(self, X, domains=None, target="none", order=None, labels=None):
        aligned = super().transform(X, domains, target, order, labels)
        if self.takes == "all":
            return super().transform(X, domains, "all")
        if self.takes == "the next":
            weight = np.r_[np.linalg.norm(X[1:], axis=(1, 2)), 1.0]
            return aligned * weight[:, None, None]
        if self.takes == "rows beyond the prefix" and target.startswith("prefix"):
            return super().transform(X, domains, f"prefix({len(X)})", order)
        return aligned


@pytest.mark.parametrize(
    "takes, target, said",
    [
        ("all", "none", "depend on other test trials"),
        ("the next", "none", "depend on other test trials"),
        ("all", "past", "depend on the future"),
        ("the next", "past", "depend on the future"),
        ("all", "prefix(6)", "depend on other test trials"),
        ("rows beyond the prefix", "prefix(6)", "depend on other test trials"),
        ("rows beyond the prefix", "past", None),
        ("all", "all", None),
    ],
)
def test_more_than_the_target_allows_is_caught_at_run_time(takes, target, said):
    pipelines = {
        "honest": make_pipeline(Covariances(), Recenter(), MDM()),
        "leaky": make_pipeline(Covariances(), Disobedient(takes), MDM()),
    }
    trials = make_trials().select(subject=[1, 2])
    rows = evaluate(trials, pipelines, get_protocol("cross-session", target)).rows
    errors = rows.set_index("pipeline")["error"]
    assert errors["honest"].isna().all()
    if said is None:
        assert errors["leaky"].isna().all()
    else:
        assert errors["leaky"].str.contains(said).all()


class Spy(Recenter):
    """Writes down what it is handed in transform."""

    seen = []

    def transform(self, X, domains=None, target="none", order=None, labels=None):
        self.seen.append((len(X), target, labels))
        return super().transform(X, domains, target, order, labels)


@pytest.mark.parametrize("target", ["prefix(6, labelled)", "prefix(25%, labelled)"])
def test_labels_of_scored_trials_never_leave_the_evaluator(target):
    Spy.seen.clear()
    spy = {"spy": make_pipeline(Covariances(), Spy(), MDM())}
    trials = make_trials().select(subject=[1, 2])
    rows = evaluate(trials, spy, get_protocol("cross-session", target)).rows
    assert (rows["status"] == "ok").all()
    handed = [labels for _, _, labels in Spy.seen if labels is not None]
    assert len(handed) >= 4
    for labels in handed:
        assert set(labels[:6]) <= {0, 1}
        assert (labels[6:] == -1).all()
    assert {seen for _, seen, labels in Spy.seen if labels is not None} == {
        "prefix(6, labelled)"
    }

"""Alignment: known answers, invariances, targets, and what scikit-learn asks."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pyriemann.estimation import Covariances
from pyriemann.geometry.base import invsqrtm, powm
from pyriemann.geometry.covariance import covariances
from pyriemann.geometry.distance import distance_riemann
from pyriemann.geometry.mean import gmean
from pyriemann.tangentspace import TangentSpace
from scipy.linalg import expm
from scipy.stats import ortho_group
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from neurodec.decoders import load_pipeline
from neurodec.preprocessing import Recenter, Rescale, Rotate
from neurodec.preprocessing._references import (
    prior_weight,
    rotation_between,
    running_means,
)

N, C, T = 60, 4, 100
METRICS = ("riemann", "euclid", "logeuclid")
RNG = np.random.default_rng(0)
DOMAINS = np.repeat(["a", "b", "c"], N // 3)
LABELS = np.tile(["left", "right"], N // 2)
MIXING = [expm(0.5 * RNG.standard_normal((C, C))) for _ in range(3)]


def make_signals(seed=0):
    """Three domains, each mixed in its own way."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, C, T)) * np.exp(0.2 * rng.standard_normal((N, C, 1)))
    X[LABELS == "left", 0] *= 1.5
    return np.repeat(MIXING, N // 3, axis=0) @ X


SIGNALS = make_signals()
MATRICES = covariances(SIGNALS, "scm")
VECTORS = np.random.default_rng(1).standard_normal((N, 6)) + 3 * np.repeat(
    np.eye(6)[:3], N // 3, axis=0
)
INPUTS = {"trials": SIGNALS, "covariances": MATRICES, "tangent": VECTORS}
each_input = pytest.mark.parametrize("inputs", INPUTS)
each_metric = pytest.mark.parametrize("metric", METRICS)


def aligners(inputs):
    """The family for one kind of input; the later ones want what the first gives."""
    return {
        "recenter": make_pipeline(Recenter(inputs=inputs)),
        "rescale": make_pipeline(Recenter(inputs=inputs), Rescale(inputs=inputs)),
        "rotate": make_pipeline(
            Recenter(inputs=inputs), Rescale(inputs=inputs), Rotate(inputs=inputs)
        ),
    }


ALL = [(i, name) for i in INPUTS for name in aligners(i)]
each_aligner = pytest.mark.parametrize(("inputs", "name"), ALL)


def run(pipeline, method, *arguments, **context):
    with config_context(enable_metadata_routing=True):
        return getattr(pipeline, method)(*arguments, **context)


# What each does


@each_metric
def test_recentred_domains_have_one_mean(metric):
    aligned = Recenter(metric=metric).fit_transform(MATRICES, domains=DOMAINS)
    for domain in "abc":
        mean = gmean(aligned[domain == DOMAINS], metric=metric)
        # The log-Euclidean mean does not move with the matrices exactly.
        assert_allclose(mean, np.eye(C), atol=0.1 if metric == "logeuclid" else 1e-6)


def test_recentred_vectors_have_mean_zero():
    aligned = Recenter("tangent").fit_transform(VECTORS, domains=DOMAINS)
    for domain in "abc":
        assert_allclose(aligned[domain == DOMAINS].mean(axis=0), 0, atol=1e-12)


@each_metric
def test_one_domain_is_whitened_by_its_mean(metric):
    whitener = invsqrtm(gmean(MATRICES, metric=metric))
    aligned = Recenter(metric=metric).fit_transform(MATRICES)
    assert_allclose(aligned, whitener @ MATRICES @ whitener.T, atol=1e-9)


def test_euclidean_alignment_of_one_domain():
    pooled = np.mean([np.cov(x, bias=True) for x in SIGNALS], axis=0)
    values, axes = np.linalg.eigh(pooled)
    expected = axes @ np.diag(values**-0.5) @ axes.T @ SIGNALS
    aligner = Recenter("trials", metric="euclid", estimator="scm")
    assert_allclose(aligner.fit_transform(SIGNALS), expected, rtol=1e-8)


@pytest.mark.parametrize("name", ["recenter", "rescale", "rotate"])
def test_covariances_of_aligned_trials_are_the_aligned_covariances(name):
    steps = {}
    for inputs in ("trials", "covariances"):
        steps[inputs] = aligners(inputs)[name]
        for _, step in steps[inputs].steps:
            step.set_params(estimator="scm")
    trials = run(steps["trials"], "fit_transform", SIGNALS, LABELS, domains=DOMAINS)
    C_new = run(
        steps["covariances"], "fit_transform", MATRICES, LABELS, domains=DOMAINS
    )
    assert_allclose(covariances(trials, "scm"), C_new, atol=1e-7)


def test_symmetric_mixing_of_white_signals_is_undone():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((200, C, T))
    pooled = [np.mean(covariances(part, "scm"), axis=0) for part in (X[:100], X[100:])]
    X = np.concatenate(
        [invsqrtm(M) @ X[i : i + 100] for M, i in zip(pooled, (0, 100), strict=True)]
    )
    S = [rng.standard_normal((C, C)) for _ in range(2)]
    mixing = np.repeat([expm(0.4 * (s + s.T)) for s in S], 100, axis=0)
    aligner = Recenter("trials", metric="euclid", estimator="scm")
    days = np.repeat([1, 2], 100)
    aligned = aligner.fit_transform(mixing @ X, domains=days)
    # Up to one orthogonal matrix for both days.
    left, _, right = np.linalg.svd(np.einsum("nit,njt->ij", aligned, X))
    turn = left @ right
    common = np.abs(aligned - turn @ X).max()
    own = aligner.fit_transform(X, domains=days)
    assert np.abs(own - X).max() < 1e-6
    assert common < np.abs(mixing @ X - X).max()


def test_a_mixing_that_all_domains_share_turns_none_against_another():
    shared = expm(np.random.default_rng(5).standard_normal((C, C)))
    plain = Recenter().fit_transform(MATRICES, domains=DOMAINS)
    mixed = Recenter().fit_transform(shared @ MATRICES @ shared.T, domains=DOMAINS)
    i, j = 3, 47  # Of different domains.
    assert distance_riemann(plain[i], plain[j]) == pytest.approx(
        distance_riemann(mixed[i], mixed[j]), rel=1e-5
    )


def test_rescaled_domains_have_spread_one():
    pipeline = aligners("covariances")["rescale"]
    aligned = run(pipeline, "fit_transform", MATRICES, domains=DOMAINS)
    for domain in "abc":
        squared = distance_riemann(aligned[domain == DOMAINS], np.eye(C)) ** 2
        assert squared.mean() == pytest.approx(1)
    exponent = 1 / np.sqrt(pipeline[-1].references_["b"])
    recentred = pipeline[0].transform(MATRICES, domains=DOMAINS)
    assert_allclose(aligned[25], powm(recentred[25], exponent), atol=1e-9)


@pytest.mark.parametrize("size", [C, 3 * C])
def test_rotation_of_vectors_is_found(size):
    turn = ortho_group.rvs(size, random_state=0)
    points = np.random.default_rng(0).standard_normal((size + 2, size))
    found = rotation_between(points, points @ turn.T, pull=1e-9)
    assert_allclose(found, turn, atol=1e-6)


def test_rotation_of_matrices_is_found():
    skew = np.random.default_rng(0).standard_normal((C, C))
    turn = expm(0.3 * (skew - skew.T))
    points = np.random.default_rng(1).standard_normal((3, C, C))
    points = points + points.transpose(0, 2, 1)
    found = rotation_between(points, turn @ points @ turn.T, pull=1e-9)
    assert_allclose(found, turn, atol=1e-6)


def test_rotation_leaves_alone_what_the_classes_do_not_tell():
    points, goals = np.eye(6)[:1], np.eye(6)[1:2]
    found = rotation_between(points, goals, pull=1e-9)
    assert_allclose(found @ points[0], goals[0], atol=1e-6)
    assert_array_equal(found[2:, 2:], np.eye(4))


def test_rotated_training_domains_meet():
    turns = ortho_group.rvs(6, size=2, random_state=3)
    rng = np.random.default_rng(0)
    classes = np.tile([0, 1], 30)
    base = np.eye(6)[classes] * 3 - 1.5 * (np.eye(6)[0] + np.eye(6)[1])
    base = base + 0.1 * rng.standard_normal((60, 6))
    days = np.repeat([0, 1], 30)
    X = np.einsum("nij,nj->ni", turns[days], base)
    aligned = Rotate("tangent", pull=1e-6).fit_transform(X, classes, domains=days)
    for label in (0, 1):
        first, second = (
            aligned[(days == day) & (classes == label)].mean(axis=0) for day in (0, 1)
        )
        assert np.linalg.norm(first - second) < 0.2
        assert np.linalg.norm(first) > 1


# Domains that training did not know, and bare pipelines


@each_aligner
def test_fit_transform_is_fit_and_transform(inputs, name):
    X, pipeline = INPUTS[inputs], aligners(inputs)[name]
    together = run(clone(pipeline), "fit_transform", X, LABELS, domains=DOMAINS)
    fitted = run(clone(pipeline), "fit", X, LABELS, domains=DOMAINS)
    assert_array_equal(run(fitted, "transform", X, domains=DOMAINS), together)
    bare = clone(pipeline).fit_transform(X, LABELS)
    assert_array_equal(clone(pipeline).fit(X, LABELS).transform(X), bare)


@each_aligner
def test_without_domains_the_batch_is_never_used(inputs, name):
    X = INPUTS[inputs]
    fitted = aligners(inputs)[name].fit(X[:40], LABELS[:40])
    whole = fitted.transform(X[40:])
    assert_allclose(fitted.transform(X[50:51]), whole[10:11], rtol=1e-9, atol=1e-12)


@each_aligner
def test_an_unknown_domain_has_the_mean_of_the_references(inputs, name):
    X = INPUTS[inputs]
    fitted = run(
        aligners(inputs)[name], "fit", X[:40], LABELS[:40], domains=DOMAINS[:40]
    )
    new = run(fitted, "transform", X[40:], domains=DOMAINS[40:])
    assert_array_equal(new, fitted.transform(X[40:]))
    first = fitted[0]
    assert set(first.references_) == {"a", "b"}
    stacked = np.stack([first.references_[d] for d in "ab"])
    metric = None if inputs == "tangent" else "riemann"
    expected = stacked.mean(axis=0) if metric is None else gmean(stacked, metric=metric)
    assert_allclose(first.reference_, expected)


def test_a_domain_is_as_many_columns_as_it_takes():
    subject, session = np.repeat(["1", "2"], 30), np.tile(["0", "1"], 30)
    both = np.stack([subject, session], axis=1)
    joined = np.array([f"{a}/{b}" for a, b in both])
    assert_array_equal(
        Recenter().fit_transform(MATRICES, domains=both),
        Recenter().fit_transform(MATRICES, domains=joined),
    )


def test_bare_recentring_of_covariances_changes_no_answer():
    # One domain, one whitening: tangent vectors are only turned.
    y = np.tile([0, 1], N // 2)
    steps = Covariances("scm"), TangentSpace(), LogisticRegression(tol=1e-8)
    plain = make_pipeline(*map(clone, steps)).fit(SIGNALS[:40], y[:40])
    recentred = make_pipeline(steps[0], Recenter(), *steps[1:])
    recentred.fit(SIGNALS[:40], y[:40])
    assert_allclose(
        recentred.decision_function(SIGNALS[40:]),
        plain.decision_function(SIGNALS[40:]),
        atol=1e-4,
    )


# Targets


@each_aligner
@pytest.mark.parametrize("target", ["past", "prefix(5)", "all"])
def test_targets_keep_to_what_they_may_use(inputs, name, target):
    X = INPUTS[inputs]
    fitted = run(
        aligners(inputs)[name], "fit", X[:40], LABELS[:40], domains=DOMAINS[:40]
    )

    def transform(X):
        order = np.arange(len(X))
        return run(fitted, "transform", X, target=target, order=order)

    whole = transform(X[40:])
    cut = transform(X[40:52])
    if target == "all":
        assert not np.allclose(cut, whole[:12], rtol=1e-3)
    else:
        assert_allclose(cut, whole[:12], rtol=1e-7, atol=1e-9)
    if name != "rotate":
        assert not np.allclose(whole, fitted.transform(X[40:]), rtol=1e-3)


@each_input
def test_all_is_what_training_does_to_its_own_domains(inputs):
    X = INPUTS[inputs]
    aligner = Recenter(inputs).fit(X, domains=DOMAINS)
    expected = aligner.transform(X, domains=DOMAINS)
    new = np.array([d + " anew" for d in DOMAINS])
    actual = aligner.transform(X, domains=new, target="all")
    assert_allclose(actual, expected, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("metric", [*METRICS, None])
def test_running_means(metric):
    items = VECTORS if metric is None else MATRICES
    means = running_means(items, items[0], weight=1, metric=metric)
    assert_array_equal(means[0], items[0])
    expected = (
        items[[0, *range(30)]].mean(axis=0)
        if metric is None
        else gmean(items[[0, *range(30)]], metric=metric)
    )
    # Step by step the Riemannian mean is only approached.
    tolerance = 0.2 * np.abs(expected).max() if metric == "riemann" else 1e-8
    assert_allclose(means[30], expected, atol=tolerance)


def test_past_begins_anew_in_each_domain():
    aligner = Recenter("tangent", prior=2).fit(VECTORS[:20])
    order = np.tile(np.arange(20), 2)
    both = aligner.transform(
        VECTORS[20:], domains=DOMAINS[20:], target="past", order=order
    )
    alone = aligner.transform(VECTORS[40:], target="past", order=order[:20])
    assert_allclose(both[20:], alone)
    assert_allclose(alone[0], VECTORS[40] - aligner.reference_)
    weighted = (2 * aligner.reference_ + VECTORS[40] + VECTORS[41]) / 4
    assert_allclose(alone[2], VECTORS[42] - weighted)


def test_a_known_domain_goes_on_from_its_own_training_trials():
    aligner = Recenter("tangent").fit(VECTORS[:30], domains=DOMAINS[:30])
    later = aligner.transform(
        VECTORS[30:40], domains=DOMAINS[30:40], target="past", order=np.arange(10)
    )
    mean = VECTORS[20:35].mean(axis=0)
    assert_allclose(later[5], VECTORS[35] - mean)


def test_prefix_is_combined_with_the_prior():
    aligner = Recenter("tangent", prior=3).fit(VECTORS[:40])
    new = aligner.transform(VECTORS[40:], target="prefix(5)", order=np.arange(20))
    mean = (3 * aligner.reference_ + VECTORS[40:45].sum(axis=0)) / 8
    assert_allclose(new, VECTORS[40:] - mean)


def test_the_prior_is_the_ratio_of_the_variances():
    rng = np.random.default_rng(0)
    offsets = 2 * rng.standard_normal((40, 1, 5))
    items = (offsets + 3 * rng.standard_normal((40, 30, 5))).reshape(-1, 5)
    groups = np.split(np.arange(1200), 40)
    means = [items[rows].mean(axis=0) for rows in groups]
    assert prior_weight(items, groups, means) == pytest.approx(9 / 4, rel=0.3)
    assert prior_weight(items[:30], groups[:1], means[:1]) == 1
    same = rng.standard_normal((40, 30, 5))
    same -= same.mean(axis=1, keepdims=True)
    assert prior_weight(same.reshape(-1, 5), groups, np.zeros((40, 5))) == 100


def test_a_labelled_prefix_turns_the_target():
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 40)
    base = np.where(y[:, None] == 0, 1.0, -1.0) * np.eye(5)[0]
    base = base + 0.1 * rng.standard_normal((80, 5))
    turn = np.eye(5)[[1, 0, 2, 3, 4]]
    rotate = Rotate("tangent", pull=1e-6).fit(base[:40], y[:40])
    X, order = base[40:] @ turn.T, np.arange(40)
    left = rotate.transform(X, target="prefix(10)", order=order)
    assert_array_equal(left, X)
    labels = np.r_[y[40:50], np.full(30, -1)]
    turned = rotate.transform(X, target="prefix(10, labelled)", order=order,
                              labels=labels)  # fmt: skip
    classifier = LogisticRegression().fit(base[:40], y[:40])
    assert classifier.score(turned, y[40:]) == 1
    assert classifier.score(left, y[40:]) < 0.8


# A pipeline, and scikit-learn's own checks


def test_domains_reach_an_aligner_in_the_middle():
    y = np.tile([0, 1], N // 2)
    pipeline = load_pipeline("recenter-ts-lr")
    run(pipeline, "fit", SIGNALS, y, domains=DOMAINS)
    middle = pipeline.named_steps["recenter"]
    assert set(middle.references_) == {"a", "b", "c"}
    answers = run(pipeline, "decision_function", SIGNALS, domains=DOMAINS)
    assert not np.allclose(answers, pipeline.decision_function(SIGNALS))


def test_another_name_for_the_domains():
    with config_context(enable_metadata_routing=True):
        aligner = (
            Recenter()
            .set_fit_request(domains="subjects")
            .set_transform_request(domains="subjects")
        )
        pipeline = make_pipeline(aligner).fit(MATRICES, subjects=DOMAINS)
    assert set(pipeline[0].references_) == {"a", "b", "c"}


@pytest.mark.parametrize("aligner", [Recenter, Rescale, Rotate])
def test_scikit_learn_checks(aligner):
    far = ["check_fit_idempotent", "check_fit_check_is_fitted", "check_n_features_in"]
    reason = "its data lie 100 from the origin, and are refused"
    expected = {} if aligner is Recenter else dict.fromkeys(far, reason)
    results = check_estimator(
        aligner("tangent"), expected_failed_checks=expected, on_skip=None, on_fail=None
    )
    by_status = {}
    for result in results:
        by_status.setdefault(result["status"], {})[result["check_name"]] = result
    assert set(by_status) <= {"passed", "xfail", "skipped"}, by_status.get("failed")
    assert by_status.get("xfail", {}).keys() == expected.keys()
    for result in by_status.get("xfail", {}).values():
        assert "put Recenter" in str(result["exception"])
    assert len(by_status["passed"]) >= 40


@each_aligner
def test_single_precision_stays_and_agrees(inputs, name):
    X = INPUTS[inputs]
    double = run(aligners(inputs)[name], "fit_transform", X, LABELS, domains=DOMAINS)
    single = run(
        aligners(inputs)[name],
        "fit_transform",
        X.astype(np.float32),
        LABELS,
        domains=DOMAINS,
    )
    assert single.dtype == np.float32
    assert_allclose(single, double, atol=1e-2 * np.abs(double).max())


# Known mixings


@pytest.fixture(scope="module")
def won_back():
    """The share of lost accuracy that the script of the benchmark finds won back."""
    folder = Path(__file__).parents[1] / "benchmarks"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        script = importlib.import_module("alignment")
        tables = sys.modules.pop("tables"), sys.modules.pop("alignment")
    assert tables
    return script, script.simulated_rows()[1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["symmetric", "any"])
@pytest.mark.parametrize("target, least", [("all", 0.8), ("past", 0.6)])
def test_alignment_wins_back_the_loss_of_a_known_mixing(kind, target, least, won_back):
    script, shares = won_back
    assert script.REQUIRED[target] == least
    assert shares[kind, target][1] >= least
    # Aligned in training alone, nothing is won.
    assert shares[kind, "none"][1] < 0.2

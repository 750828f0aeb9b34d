"""The optimal decoder: its likelihood is right, and it is what it claims to be."""

import numpy as np
import pytest
from scipy.linalg import toeplitz
from scipy.special import logsumexp
from scipy.stats import kstest, multivariate_normal, norm
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from neurodec.datasets import (
    concatenate_trials,
    make_erp,
    make_motor_imagery,
    make_ssvep,
    trials_from_arrays,
)
from neurodec.datasets.simulated import gaussian, imagery, series
from neurodec.decoders import load_pipeline
from neurodec.evaluation import delong_test, mcnemar_test

SMALL = {"n_subjects": 2, "n_sessions": 1, "ch_names": ["C3", "Cz", "C4"]}
RNG = np.random.default_rng(0)


def _noise(n_channels=3, n_times=20):
    """Two separable terms: the explicit covariance and the class's."""
    roots = RNG.standard_normal((2, n_channels, n_channels))
    spatial = [roots[0] @ roots[0].T, np.outer(roots[1, 0], roots[1, 0])]
    lags = [
        series.autocovariance(density, 200, 100.0, n_times)
        for density in (
            series.power_law,
            lambda freqs: series.rhythm(freqs, 10.0, 1.0),
        )
    ]
    explicit = sum(np.kron(c, toeplitz(r)) for c, r in zip(spatial, lags, strict=True))
    return explicit, gaussian.StationaryNoise(tuple(spatial), tuple(lags))


def _part(n_channels=3, n_times=20, rank=2):
    return RNG.standard_normal(n_channels), RNG.standard_normal((n_times, rank))


def _covariance(explicit, response):
    added = [np.kron(pattern[:, None], courses) for pattern, courses in response.parts]
    return explicit + sum(part @ part.T for part in added)


# The likelihood


@pytest.mark.parametrize("n_parts", [0, 1, 3])
@pytest.mark.parametrize("with_mean", [False, True])
def test_density_is_that_of_the_explicit_covariance(n_parts, with_mean):
    explicit, noise = _noise()
    response = gaussian.Response(
        RNG.standard_normal((3, 20)) if with_mean else None,
        tuple(_part() for _ in range(n_parts)),
    )
    trials = RNG.standard_normal((7, 3, 20))
    mean = response.mean.ravel() if with_mean else np.zeros(60)
    reference = multivariate_normal(mean, _covariance(explicit, response))
    np.testing.assert_allclose(
        gaussian.log_likelihood(trials, noise, [[response]])[:, 0],
        reference.logpdf(trials.reshape(7, -1)),
        rtol=1e-9,
    )


def test_a_class_is_a_mixture_and_its_density_integrates_to_one():
    explicit, noise = _noise(1, 2)
    one = gaussian.Response(np.array([[1.0, -1.0]]), (_part(1, 2, 1),), weight=0.3)
    other = gaussian.Response(None, (_part(1, 2, 1),), weight=0.7)
    grid = np.stack(np.meshgrid(*[np.linspace(-60, 60, 601)] * 2), axis=-1)
    density = np.exp(
        gaussian.log_likelihood(grid.reshape(-1, 1, 2), noise, [[one, other]])
    )
    assert density.sum() * 0.2**2 == pytest.approx(1, abs=1e-3)
    trials = RNG.standard_normal((5, 1, 2))
    both = [gaussian.log_likelihood(trials, noise, [[r]]) for r in (one, other)]
    # A class of one response counts its weight too.
    np.testing.assert_allclose(
        gaussian.log_likelihood(trials, noise, [[one, other]]),
        logsumexp(both, axis=0),
    )


def test_square_root_leaves_out_next_to_nothing():
    lags = series.autocovariance(
        lambda freqs: series.rhythm(freqs, 10.0, 1.5), 4000, 128.0, 400
    )
    root = gaussian.square_root(lags)
    assert root.shape[1] < 130
    np.testing.assert_allclose(root @ root.T, toeplitz(lags), atol=1e-4)


def test_a_covariance_that_is_not_definite_is_refused():
    flat = np.ones((2, 2))
    with pytest.raises(ValueError, match="not positive definite.*own > 0"):
        gaussian.StationaryNoise((flat, np.eye(2)), (np.ones(3), np.ones(3)))


# Known answers


def test_roc_auc_of_two_means_is_the_closed_form():
    """Gaussians of one covariance: the ROC-AUC is Phi(d' / sqrt 2)."""
    explicit, noise = _noise()
    mean = 0.5 * RNG.standard_normal((3, 20))
    distance = np.sqrt(mean.ravel() @ np.linalg.solve(explicit, mean.ravel()))
    mean *= 1.8 / distance
    draws = RNG.multivariate_normal(np.zeros(60), explicit, 20_000).reshape(-1, 3, 20)
    y = np.arange(20_000) % 2
    classes = [[gaussian.Response(None)], [gaussian.Response(mean)]]
    density = gaussian.log_likelihood(draws + y[:, None, None] * mean, noise, classes)
    expected = norm.cdf(1.8 / np.sqrt(2))
    area = roc_auc_score(y, density[:, 1] - density[:, 0])
    assert area == pytest.approx(expected, abs=0.008)


@pytest.mark.parametrize("make", [make_motor_imagery, make_erp, make_ssvep])
def test_trials_have_the_distribution_that_the_likelihood_claims(make):
    """Made white under their own class, trials have a chi-square sum of squares.

    It tells of every parameter at once. Where a class is a mixture, each trial is
    taken under its most likely response, which cannot raise the sum by much.
    """
    simulation = make(2, 1, 60, ch_names=["C3", "Cz", "Oz"], random_state=3)
    z = []
    for subject in (1, 2):
        truth = simulation._truths[subject]["0"]
        labels = simulation.trials(subjects=[subject]).y
        noise = gaussian.StationaryNoise(truth.spatial, truth.temporal)
        known = {}
        for name, responses in zip(simulation.classes, truth.responses(), strict=True):
            trials = truth.seen[labels == name]
            squares = _squares(trials, noise, responses, known)
            z.extend((squares - trials[0].size) / np.sqrt(2 * trials[0].size))
    assert abs(np.mean(z)) < 4 / np.sqrt(len(z))
    assert 0.75 < np.std(z) < 1.25


def _squares(trials, noise, responses, known):
    """Of whitened trials, under the most likely response of each."""
    white = noise.whiten(trials).reshape(len(trials), -1)
    cost, squares = [], []
    for response in responses:
        left = white
        if response.mean is not None:
            left = white - noise.whiten(response.mean[np.newaxis]).reshape(1, -1)
        parts = noise.whiten_parts(response.parts, known)
        gram = parts.T @ parts + np.eye(parts.shape[1])
        projected = left @ parts
        square = np.sum(left**2, axis=1)
        square -= np.sum(projected * np.linalg.solve(gram, projected.T).T, axis=1)
        squares.append(square)
        cost.append(square + np.linalg.slogdet(gram)[1])
    return np.array(squares)[np.argmin(cost, axis=0), np.arange(len(trials))]


# The optimal decoder


@pytest.fixture(scope="module")
def many():
    simulation = make_motor_imagery(
        n_trials=300, snr=0.6, beta=0.0, random_state=1, **SMALL
    )
    trials = simulation.trials()
    return simulation, trials, simulation.log_likelihood(trials)


def test_posterior_probabilities_are_calibrated(many):
    simulation, trials, _ = many
    posterior = np.exp(simulation.predict_log_proba(trials))
    np.testing.assert_allclose(posterior.sum(axis=1), 1)
    right = trials.y == "right_hand"
    assert 0.2 < posterior[:, 1].std()
    for low in np.arange(0, 1, 0.2):
        part = (posterior[:, 1] >= low) & (posterior[:, 1] < low + 0.2)
        expected = posterior[part, 1].mean()
        error = np.sqrt(expected * (1 - expected) / part.sum())
        assert abs(right[part].mean() - expected) < 4 * error


def test_multiclass_posterior_is_calibrated():
    simulation = make_ssvep(n_subjects=2, n_sessions=1, n_trials=180, snr=0.03)
    trials = simulation.trials()
    posterior = np.exp(simulation.predict_log_proba(trials))
    chosen = posterior.argmax(axis=1)
    right = np.array(simulation.classes)[chosen] == trials.y
    expected = posterior.max(axis=1)
    error = np.sqrt(np.sum(expected * (1 - expected))) / len(right)
    assert 0.45 < expected.mean() < 0.95
    assert abs(right.mean() - expected.mean()) < 4 * error


def test_roc_auc_is_that_of_ratios_drawn_from_the_model(many):
    """The likelihood ratio's own distribution tells the area: E[L] = 1 under class 0.

    For any ratio, area = 1/2 + (1/4) integral |f1 - f0| is bounded by the total
    variation; calibrated posteriors p give the expected accuracy mean(max(p, 1-p)).
    """
    simulation, trials, density = many
    ratio = density[:, 1] - density[:, 0]
    posterior = 1 / (1 + np.exp(-ratio))
    expected = np.maximum(posterior, 1 - posterior).mean()
    right = (ratio > 0) == (trials.y == "right_hand")
    assert right.mean() == pytest.approx(expected, abs=0.06)
    # The area of calibrated posteriors, each trial counted with both of its labels.
    weights = np.concatenate([1 - posterior, posterior])
    labels = np.repeat([0, 1], len(ratio))
    area = roc_auc_score(labels, np.tile(ratio, 2), sample_weight=weights)
    truth = roc_auc_score(trials.y, ratio)
    assert truth == pytest.approx(area, abs=0.05)


def test_permuted_labels_give_chance(many):
    _, trials, density = many
    ratio = density[:, 1] - density[:, 0]
    areas = [
        roc_auc_score(np.random.default_rng(seed).permutation(trials.y), ratio)
        for seed in range(200)
    ]
    # Under the null the area's standard error is known.
    positive = np.sum(trials.y == "right_hand")
    error = np.sqrt((len(ratio) + 1) / (12 * positive * (len(ratio) - positive)))
    assert np.mean(areas) == pytest.approx(0.5, abs=4 * error / np.sqrt(200))
    assert kstest((np.array(areas) - 0.5) / error, "norm").pvalue > 1e-3


@pytest.mark.parametrize(
    ("make", "kwargs"),
    [
        (make_motor_imagery, {"n_trials": 20}),
        (make_erp, {"n_trials": 40}),
        (make_ssvep, {"n_trials": 12}),
    ],
)
def test_without_response_all_classes_are_equally_likely(make, kwargs):
    simulation = make(1, 1, snr=0, **kwargs)
    density = simulation.log_likelihood(simulation.trials())
    assert np.ptp(density, axis=1).max() < 1e-6


def test_more_signal_is_easier():
    areas = []
    for snr in (0.15, 0.3, 0.6, 1.2):
        simulation = make_motor_imagery(n_trials=100, snr=snr, beta=0.0, **SMALL)
        trials = simulation.trials()
        areas.append(roc_auc_score(trials.y, simulation.log_likelihood_ratio(trials)))
    assert 0.5 < areas[0] and np.all(np.diff(areas) > 0)


def test_more_of_the_recording_adds_nothing(monkeypatch):
    """The window is wide enough to stand for the whole recording."""
    areas = []
    original = imagery.checks.check_design
    for margin in (0.0, 0.75):

        def wider(margin=margin, **kwargs):
            start, stop = kwargs.pop("window")
            return original(window=(start - margin, stop + margin), **kwargs)

        monkeypatch.setattr(imagery.checks, "check_design", wider)
        simulation = make_motor_imagery(n_trials=100, snr=0.5, beta=0.0, **SMALL)
        trials = simulation.trials()
        areas.append(roc_auc_score(trials.y, simulation.log_likelihood_ratio(trials)))
    assert areas[0] == pytest.approx(areas[1], abs=0.005)


def test_any_selection_order_and_recipe_gives_the_same_values(many):
    simulation, trials, density = many
    rows = np.array([370, 3, 350, 12])
    some = concatenate_trials([trials.select(subject=2), trials.select(subject=1)])
    np.testing.assert_allclose(
        simulation.log_likelihood(some), np.roll(density, 300, axis=0)
    )
    other = simulation.trials({"band": [4, 40], "tmin": 1.0}, subjects=[2])
    np.testing.assert_allclose(
        simulation.log_likelihood(other)[rows[[0, 2]] - 300], density[rows[[0, 2]]]
    )


def test_what_is_seen_is_the_recording_without_what_is_told():
    """Without blinks and line noise it is the recording, sample by sample."""
    for make, kwargs in (
        (make_motor_imagery, {"n_trials": 4}),
        (make_ssvep, {"n_trials": 6}),
    ):
        simulation = make(1, 1, line_noise=0, blink_rate=0, **kwargs)
        raw, truth = simulation.recordings[1]["0"], simulation._truths[1]["0"]
        eeg = raw.get_data("eeg")
        shift = 0 if make is make_motor_imagery else -round(0.25 * 256)
        for onset, seen in zip(truth.onsets, truth.seen, strict=True):
            start = onset + shift
            np.testing.assert_allclose(
                eeg[:, start : start + seen.shape[1]], seen, atol=1e-15
            )


def test_trials_of_something_else_are_refused(many):
    simulation, trials, _ = many
    other = make_motor_imagery(n_trials=300, random_state=2, **SMALL).trials()
    with pytest.raises(ValueError, match="no stimulus at .* of this simulation"):
        simulation.log_likelihood(other)
    plain = trials_from_arrays(trials.X[:4], trials.y[:4], sfreq=128)
    with pytest.raises(ValueError, match="do not tell their onset; take them from"):
        simulation.log_likelihood(plain)


# Pipelines beside it


def _answers(name, trials, seed=0):
    """Decision values or answers, out of fold, and the fold of each trial."""
    given, folds = np.empty(len(trials.y), dtype=object), np.empty(len(trials.y))
    groups = trials.metadata.groupby(["subject", "session"]).groups.values()
    for number, rows in enumerate(map(np.asarray, groups)):
        split = StratifiedKFold(5, shuffle=True, random_state=seed)
        for fold, (train, test) in enumerate(split.split(rows, trials.y[rows])):
            train, test = rows[train], rows[test]
            model = load_pipeline(name).fit(1e6 * trials.X[train], trials.y[train])
            if len(np.unique(trials.y)) > 2:
                given[test] = model.predict(1e6 * trials.X[test])
            elif hasattr(model, "decision_function"):
                given[test] = model.decision_function(1e6 * trials.X[test])
            else:
                given[test] = model.predict_proba(1e6 * trials.X[test])[:, 1]
            folds[test] = 5 * number + fold
    return given, folds


@pytest.mark.slow
def test_ts_lr_comes_within_three_points_where_the_optimum_is_90():
    names = ["C5", "C3", "Cz", "C4", "C6"]
    simulation = make_motor_imagery(
        4, 1, 400, ch_names=names, trial_length=4.0, beta=0.0, snr=0.53
    )
    trials = simulation.trials({"band": [7, 15]})
    ratio = simulation.log_likelihood_ratio(trials)
    given, folds = _answers("ts-lr", trials)
    test = delong_test(
        trials.y, given.astype(float), ratio, groups=folds, alternative="greater"
    )
    areas = [
        roc_auc_score(trials.y[rows], ratio[rows])
        for rows in trials.metadata.groupby("subject").groups.values()
    ]
    assert 0.88 < np.mean(areas) < 0.92
    assert -0.03 < test.difference < 0
    assert test.pvalue > 0.001


@pytest.mark.parametrize(
    ("make", "kwargs", "name"),
    [
        (make_motor_imagery, {"n_trials": 60, "snr": 0.3}, "ts-lr"),
        (make_motor_imagery, {"n_trials": 60, "snr": 0.3}, "logvar-lda"),
        (make_erp, {"n_trials": 150}, "lda-shrinkage"),
    ],
)
def test_no_pipeline_exceeds_it(make, kwargs, name):
    simulation = make(n_subjects=2, n_sessions=1, **kwargs)
    trials = simulation.trials()
    ratio = simulation.log_likelihood_ratio(trials)
    given, folds = _answers(name, trials)
    test = delong_test(
        trials.y, given.astype(float), ratio, groups=folds, alternative="greater"
    )
    assert test.pvalue > 0.001
    assert test.difference < 0
    # Knowing half of the labels is found out.
    known = np.where(trials.y == simulation.classes[1], 1e9, -1e9)
    leak = np.where(np.arange(len(ratio)) % 2, ratio, known)
    test = delong_test(trials.y, leak, ratio, groups=folds, alternative="greater")
    assert test.pvalue < 0.001


def test_no_ssvep_pipeline_exceeds_it():
    simulation = make_ssvep(n_subjects=2, n_sessions=1, snr=0.03, n_trials=60)
    trials = simulation.trials()
    best = simulation.predict_log_proba(trials).argmax(axis=1)
    best = np.array(simulation.classes)[best] == trials.y
    given, _ = _answers("ssvep-ts", trials)
    test = mcnemar_test(given == trials.y, best, alternative="greater")
    assert test.difference < 0 and test.pvalue > 0.001
    knows = best | (np.arange(len(best)) % 2 == 0)
    assert mcnemar_test(knows, best, alternative="greater").pvalue < 0.001

"""SSVEP by correlation: known sources, plain loops, MOABB, the contract, bad input."""

import mne
import numpy as np
import pytest
from contract import (
    CONTRACT,
    SFREQ,
    _TwoDimensional,
    check_names_of_labels,
    make_easy,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import eig
from scipy.signal import butter, sosfiltfilt
from sklearn.base import clone
from sklearn.cross_decomposition import CCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from two_dimensional import CONSTANT, TwoDimensionalClassifier, assert_passes_checks

from neurodec.decoders import TRCA, FilterBankCCA, trca_filters
from neurodec.features import (
    ReferenceCorrelations,
    canonical_correlations,
    sinusoidal_references,
)

FREQUENCIES = [13, 17, 21]
BANDS = [(8, 60), (20, 60)]
ESTIMATORS = [
    ReferenceCorrelations(FREQUENCIES, sfreq=SFREQ),
    FilterBankCCA(FREQUENCIES, sfreq=SFREQ),
    FilterBankCCA(FREQUENCIES, sfreq=SFREQ, n_harmonics=1, bands=BANDS),
    TRCA(sfreq=SFREQ),
    TRCA(sfreq=SFREQ, bands=BANDS, ensemble=False, shrinkage=0.1),
]
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
N_CHANNELS = 5
rng = np.random.default_rng(3)
MIXING = np.eye(N_CHANNELS) + 0.5 * rng.standard_normal((N_CHANNELS, N_CHANNELS))
PATTERNS = rng.standard_normal((3, N_CHANNELS))


def make_flicker(n_trials=30, n_times=384, locked=False, amplitude=0.4, seed=0):
    """Noise of known covariance and one source of known pattern per frequency."""
    rng = np.random.default_rng(seed)
    X = MIXING @ rng.standard_normal((n_trials, N_CHANNELS, n_times))
    codes = np.arange(n_trials) % 3
    phase = np.zeros(n_trials) if locked else rng.uniform(0, 2 * np.pi, n_trials)
    cycles = np.array(FREQUENCIES)[codes][:, None] * np.arange(n_times) / SFREQ
    waves = amplitude * np.sin(2 * np.pi * cycles + phase[:, None])
    X += PATTERNS[codes][:, :, None] * waves[:, None]
    return X, np.array(["13", "17", "21"])[codes]


@each_estimator
@pytest.mark.parametrize("check", CONTRACT)
def test_contract(check, estimator):
    if isinstance(estimator, FilterBankCCA) and check is check_names_of_labels:
        pytest.skip("the order of the labels tells it the frequencies")
    check(clone(estimator), "SSVEP")


class ReferenceCorrelations2D(_TwoDimensional, ReferenceCorrelations):
    pass


class TRCA2D(TwoDimensionalClassifier, TRCA):
    pass


class FilterBankCCA2D(TwoDimensionalClassifier, FilterBankCCA):
    def _frequencies_of(self, classes):  # The checks vary the number of classes.
        return [4.0 + 2 * i for i in range(len(classes))]


CONSTANT_TOO = {**CONSTANT, "check_classifier_data_not_an_array": "a row is 1, 1"}


@pytest.mark.parametrize(
    ("estimator", "constant"),
    [
        (ReferenceCorrelations2D([8, 12], sfreq=64), CONSTANT),
        (TRCA2D(sfreq=64), CONSTANT_TOO),
        (FilterBankCCA2D(sfreq=64), CONSTANT_TOO),
    ],
    ids=["ReferenceCorrelations", "TRCA", "FilterBankCCA"],
)
def test_scikit_learn_checks(estimator, constant):
    assert_passes_checks(estimator, constant)


@each_estimator
def test_tags(estimator):
    tags = get_tags(estimator)
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert tags.target_tags.required
    with pytest.raises(NotFittedError):
        method = getattr(estimator, "predict", None) or estimator.transform
        method(make_easy("SSVEP")[0])


@each_estimator
def test_epochs_equal_arrays(estimator):
    X, y = make_easy("SSVEP")
    info = mne.create_info(4, SFREQ, "eeg", verbose=False)
    epochs = mne.EpochsArray(X, info, verbose=False)
    by_array = clone(estimator).fit(X, y)
    by_epochs = clone(estimator).set_params(sfreq=None).fit(epochs, y)
    assert by_epochs.sfreq_ == SFREQ
    method = "predict" if hasattr(estimator, "predict") else "transform"
    expected = getattr(by_array, method)(X)
    assert_array_equal(getattr(by_epochs, method)(epochs), expected)
    epochs = mne.EpochsArray(X, mne.create_info(4, 250.0, "eeg"), verbose=False)
    with pytest.raises(ValueError, match=r"250 Hz.*256 Hz.*resample\(256\)"):
        getattr(by_array, method)(epochs)


# References and canonical correlations


def test_references_span_sine_and_cosine():
    references = sinusoidal_references([13.3, 17], 300, SFREQ, n_harmonics=3)
    assert references.shape == (2, 6, 300)
    eye = np.broadcast_to(np.eye(6), (2, 6, 6))
    assert_allclose(references @ np.swapaxes(references, 1, 2), eye, atol=1e-12)
    assert_allclose(references.sum(axis=-1), 0, atol=1e-12)
    phase = 2 * np.pi * 13.3 * np.arange(300) / SFREQ
    for wave in (np.sin(phase + 0.4), np.cos(2 * phase - 1), np.sin(3 * phase)):
        wave = wave - wave.mean()
        explained = references[0].T @ (references[0] @ wave)
        assert_allclose(explained, wave, atol=1e-12)


def test_canonical_correlations_are_those_of_scikit_learn():
    X, _ = make_flicker(n_trials=6)
    references = sinusoidal_references(FREQUENCIES, X.shape[-1], SFREQ, n_harmonics=1)
    actual = canonical_correlations(X, references)
    assert actual.shape == (6, 3, 2)
    for i, trial in enumerate(X):
        for k, reference in enumerate(references):
            cca = CCA(n_components=2, tol=1e-12, max_iter=10000)
            S, T = cca.fit_transform(trial.T, reference.T)
            expected = [np.corrcoef(S[:, j], T[:, j])[0, 1] for j in range(2)]
            assert_allclose(actual[i, k], expected, rtol=1e-6)


def test_canonical_correlations_ignore_directions_without_power():
    X, _ = make_flicker(n_trials=6)
    references = sinusoidal_references(FREQUENCIES, X.shape[-1], SFREQ)
    average = X - X.mean(axis=1, keepdims=True)
    expected = canonical_correlations(average[:, 1:], references)
    assert_allclose(canonical_correlations(average, references), expected)
    # Any mixing of the channels, in any unit, is the same set of signals.
    mixed = canonical_correlations(1e-9 * MIXING @ X, references)
    assert_allclose(mixed, canonical_correlations(X, references))


def moabb_epochs(X, y):
    info = mne.create_info(X.shape[1], SFREQ, "eeg", verbose=False)
    codes = np.array(y).astype(int)
    events = np.c_[np.arange(len(X)) * 1000, np.zeros(len(X), int), codes]
    names = {name: int(name) for name in np.unique(y)}
    return mne.EpochsArray(X, info, events, event_id=names, verbose=False)


def test_predictions_are_those_of_moabbs_cca():
    from moabb.pipelines import SSVEP_CCA

    X, y = make_flicker(n_trials=24, amplitude=0.15)
    epochs = moabb_epochs(X, y)
    theirs = SSVEP_CCA(n_harmonics=2).fit(epochs, y)
    ours = FilterBankCCA(sfreq=SFREQ, n_harmonics=2).fit(X, y)
    assert_array_equal(ours.predict(X), theirs.predict(X))
    scores = np.sqrt(ours.decision_function(X))
    spread = scores - scores.min(axis=1, keepdims=True)
    # MOABB stops the iteration of scikit-learn's CCA early.
    expected = spread / spread.sum(axis=1, keepdims=True)
    assert_allclose(theirs.predict_proba(X), expected, atol=1e-3)


# Reference correlations with trained filters


def similarity(first, second, metric):
    """Cosine of the angle between two filters, in the metric of a covariance."""
    products = np.array([first, second]) @ metric @ np.array([first, second]).T
    return abs(products[0, 1]) / np.sqrt(products[0, 0] * products[1, 1])


def test_filters_are_the_optimal_ones():
    # The best filter is the inverse of the covariance of all trials by the pattern.
    X, y = make_flicker(n_trials=300, amplitude=2.0)
    total = MIXING @ MIXING.T + 2.0**2 / 2 * PATTERNS.T @ PATTERNS / 3
    features = ReferenceCorrelations([21, 13, 17], sfreq=SFREQ, shrinkage=0)
    features.fit(X, y)
    assert_array_equal(features.matched_, ["21", "13", "17"])
    for filters, pattern in zip(features.filters_, PATTERNS[[2, 0, 1]], strict=True):
        assert similarity(filters[0], np.linalg.solve(total, pattern), total) > 0.995


def test_features_are_the_log_odds_of_the_multiple_correlation():
    X, y = make_flicker()
    features = ReferenceCorrelations(FREQUENCIES, SFREQ, n_harmonics=1, n_filters=2)
    transformed = features.fit(X, y).transform(X).reshape(30, 3, 3, 2)
    times = np.arange(X.shape[-1]) / SFREQ
    for k, frequency in enumerate(FREQUENCIES):
        phase = 2 * np.pi * frequency * times
        design = np.c_[np.ones(len(times)), np.sin(phase), np.cos(phase)]
        signal = features.filters_[1, 1] @ X[4]
        residual = signal - design @ np.linalg.lstsq(design, signal)[0]
        share = 1 - residual.var() / signal.var()
        assert_allclose(transformed[4, k, 1, 1], np.log(share / (1 - share)))


def test_phase_that_differs_between_trials():
    correlations = make_pipeline(
        ReferenceCorrelations(FREQUENCIES, SFREQ), LinearDiscriminantAnalysis()
    )
    for locked in (True, False):
        X, y = make_flicker(n_trials=60, locked=locked)
        assert cross_val_score(correlations, X, y, cv=3).mean() > 0.95
        by_average = cross_val_score(TRCA(sfreq=SFREQ), X, y, cv=3).mean()
        assert by_average > 0.95 if locked else by_average < 0.6


def test_a_background_rhythm_near_one_stimulus():
    X, y = make_flicker(n_trials=60, amplitude=0.3)
    rhythm = np.random.default_rng(1).standard_normal((60, 1, X.shape[-1]))
    sos = butter(2, (12, 14), btype="bandpass", fs=SFREQ, output="sos")
    X += 5 * PATTERNS.sum(axis=0)[:, None] * sosfiltfilt(sos, rhythm)
    trained = make_pipeline(
        ReferenceCorrelations(FREQUENCIES, SFREQ), LinearDiscriminantAnalysis()
    )
    # Without training the rhythm passes for a response to 13 Hz.
    untrained = FilterBankCCA(sfreq=SFREQ).fit(X, y)
    assert np.mean(untrained.predict(X) == "13") > 0.5
    assert cross_val_score(trained, X, y, cv=3).mean() > untrained.score(X, y) + 0.1


def test_a_class_without_stimulus_gets_no_filter():
    X, y = make_flicker(n_trials=90)
    rest = y == "17"
    X[rest] = MIXING @ np.random.default_rng(1).standard_normal(X[rest].shape)
    y = np.where(rest, "rest", y)
    features = ReferenceCorrelations([21, 13], sfreq=SFREQ)
    assert_array_equal(features.fit(X, y).matched_, ["21", "13"])
    pipeline = make_pipeline(features, LinearDiscriminantAnalysis())
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.9


def test_mixing_of_channels_does_not_matter_without_shrinkage():
    X, y = make_flicker()
    features = ReferenceCorrelations(FREQUENCIES, SFREQ, shrinkage=0)
    expected = clone(features).fit(X, y).transform(X)
    mixed = 1e-6 * MIXING.T @ X
    assert_allclose(clone(features).fit(mixed, y).transform(mixed), expected, 1e-6)


def test_trials_of_another_length_than_in_training():
    X, y = make_flicker(n_trials=60)
    pipeline = make_pipeline(
        ReferenceCorrelations(FREQUENCIES, SFREQ), LinearDiscriminantAnalysis()
    )
    pipeline.fit(X[:30], y[:30])
    assert pipeline.score(X[30:, :, :320], y[30:]) > 0.9


# TRCA


def plain_trca(X, y, X_new, bands, ensemble):
    """Nakanishi's algorithm as it is written: loops over classes, bands and trials."""
    classes, n_bands = np.unique(y), len(bands)
    scores = np.zeros((len(X_new), len(classes)))
    for m, (low, high) in enumerate(bands):
        sos = butter(4, (low, high), btype="bandpass", fs=SFREQ, output="sos")
        length = int(np.ceil(SFREQ / (high - low)))
        filtered = sosfiltfilt(sos, X, padlen=length)
        filtered = filtered - filtered.mean(axis=-1, keepdims=True)
        new = sosfiltfilt(sos, X_new, padlen=length)
        new = new - new.mean(axis=-1, keepdims=True)
        filters, averages = [], []
        for label in classes:
            trials = filtered[y == label]
            between = np.zeros((X.shape[1], X.shape[1]))
            for i, first in enumerate(trials):
                for j, second in enumerate(trials):
                    if i != j:
                        between += first @ second.T
            joined = np.concatenate(list(trials), axis=1)
            values, vectors = eig(between, joined @ joined.T)
            best = vectors[:, values.real.argmax()].real
            # The scale counts in the ensemble: all outputs have the same power.
            filters.append(best / np.linalg.norm(best @ joined))
            averages.append(trials.mean(axis=0))
        weight = (m + 1) ** -1.25 + 0.25
        for i, trial in enumerate(new):
            for k, average in enumerate(averages):
                W = np.array(filters) if ensemble else filters[k][None]
                r = np.corrcoef((W @ trial).ravel(), (W @ average).ravel())[0, 1]
                scores[i, k] += weight * r
    return scores / sum((m + 1) ** -1.25 + 0.25 for m in range(n_bands))


@pytest.mark.parametrize("ensemble", [True, False])
def test_trca_equals_a_plain_loop(ensemble):
    X, y = make_flicker(n_trials=24, locked=True, amplitude=0.2)
    trca = TRCA(BANDS, SFREQ, ensemble=ensemble).fit(X[:15], y[:15])
    expected = plain_trca(X[:15], y[:15], X[15:], BANDS, ensemble)
    assert_allclose(trca.decision_function(X[15:]), expected, atol=1e-9)
    labels = np.array(["13", "17", "21"])[expected.argmax(axis=1)]
    assert_array_equal(trca.predict(X[15:]), labels)


def test_trca_filter_is_the_optimal_one():
    X, _ = make_flicker(n_trials=300, locked=True, amplitude=2.0)
    noise = MIXING @ MIXING.T
    for code in range(3):
        trials = X[code::3] - X[code::3].mean(axis=-1, keepdims=True)
        best = np.linalg.solve(noise, PATTERNS[code])
        assert similarity(trca_filters(trials), best, noise) > 0.995


def test_two_classes_give_one_decision_value():
    X, y = make_flicker(locked=True)
    two = y != "21"
    for estimator in (TRCA(sfreq=SFREQ), FilterBankCCA(sfreq=SFREQ)):
        decision = estimator.fit(X[two], y[two]).decision_function(X[two])
        assert decision.shape == (20,)
        predicted = np.where(decision > 0, "17", "13")
        assert_array_equal(estimator.predict(X[two]), predicted)


# Canonical correlation needs to know which class saw what


def test_frequencies_in_the_order_of_the_sorted_labels():
    X, y = make_flicker(amplitude=1.0)
    by_label = FilterBankCCA(sfreq=SFREQ).fit(X, y)
    assert_array_equal(by_label.frequencies_, FREQUENCIES)
    names = np.array(["c", "b", "a"])[(y.astype(int) - 13) // 4]
    named = FilterBankCCA([21, 17, 13], sfreq=SFREQ).fit(X, names)
    assert named.score(X, names) == by_label.score(X, y) == 1
    numbers = FilterBankCCA(sfreq=SFREQ).fit(X, y.astype(float))
    assert_array_equal(numbers.predict(X), y.astype(float))


@pytest.mark.parametrize(
    ("labels", "frequencies", "expected"),
    [
        (["left", "right", "rest"], None, ["'left'", "frequencies=", "'13'"]),
        ([0, 1, 2], None, ["[0, 1, 2] are no frequencies", "frequencies="]),
        ([1, 2, 3], None, ["[1, 2, 3] look like codes", "frequencies="]),
        (["13", "17", "nan"], None, ["'nan'", "are no frequencies"]),
        ([0, 1, 2], [13, 17], ["2 numbers", "3 classes, [0, 1, 2]"]),
        ([0, 1, 2], [13, 17, 17], ["repeat", "give each once"]),
        ([0, 1, 2], 13, ["frequencies is 13", "give a list"]),
    ],
)
def test_labels_that_are_no_frequencies(labels, frequencies, expected):
    X, _ = make_easy("SSVEP")
    y = np.array(labels)[np.arange(len(X)) % 3]
    with pytest.raises(ValueError) as caught:
        FilterBankCCA(frequencies, sfreq=SFREQ).fit(X, y)
    for part in expected:
        assert part in str(caught.value)


# Bad input

GOOD, LABELS = make_easy("SSVEP")


@each_estimator
@pytest.mark.parametrize(
    ("X", "y", "expected"),
    [
        (GOOD, None, ["requires y", "label of each trial"]),
        (GOOD, LABELS[:-1], ["inconsistent numbers of samples"]),
        (GOOD, np.full(48, "13"), ["one class, ", "'13'", "at least two"]),
        (GOOD, np.linspace(0, 1, 48), ["Unknown label type"]),
        (np.where(np.arange(256) == 3, np.nan, GOOD), LABELS, ["trial 0", "NaN"]),
        (0 * GOOD, LABELS, ["trial 0, channel 0 is constant at"]),
        (GOOD[0], LABELS, ["shape (4, 256)", "X[np.newaxis]"]),
    ],
)
def test_bad_trials(estimator, X, y, expected):
    with pytest.raises(ValueError) as caught:
        clone(estimator).fit(X, y)
    for part in expected:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("estimator", "X", "expected"),
    [
        (ReferenceCorrelations([13]), GOOD, ["sampling rate is unknown", "sfreq="]),
        (TRCA(), GOOD, ["sampling rate is unknown", "sfreq="]),
        (
            ReferenceCorrelations([13, 21], 100, n_harmonics=3),
            GOOD,
            ["harmonic 3 of 21 Hz, 63 Hz", "50 Hz, the Nyquist", "at most 2"],
        ),
        (FilterBankCCA(FREQUENCIES, 40), GOOD, ["harmonic 2 of 21 Hz", "drop the"]),
        (ReferenceCorrelations([13], 64, n_harmonics=0), GOOD, ["n_harmonics is 0"]),
        (ReferenceCorrelations([0.5], SFREQ), GOOD, ["one cycle of 0.5 Hz", "longer"]),
        (ReferenceCorrelations([13], SFREQ, n_filters=1.5), GOOD, ["n_filters is 1.5"]),
        (ReferenceCorrelations([13], SFREQ, shrinkage=1), GOOD, ["shrinkage is 1"]),
        (
            ReferenceCorrelations([13, 17], SFREQ, shrinkage=0),
            GOOD - GOOD.mean(axis=1, keepdims=True),
            ["rank 3 of 4", "average reference", "set shrinkage=0.05"],
        ),
        (
            TRCA(sfreq=SFREQ),
            GOOD - GOOD.mean(axis=1, keepdims=True),
            ["rank 3 of 4", "average reference", "set shrinkage=0.01"],
        ),
        (TRCA([(8, 130)], SFREQ), GOOD, ["8-130 Hz reaches 128 Hz, the Nyquist"]),
        (TRCA([], SFREQ), GOOD, ["bands is empty"]),
        (TRCA(8, SFREQ), GOOD, ["bands is 8", "list of pairs"]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_parameters(estimator, X, expected):
    with pytest.raises(ValueError) as caught:
        estimator.fit(X, LABELS)
    for part in expected:
        assert part in str(caught.value)


def test_too_few_trials_of_a_class():
    few = np.r_[:30, 31]
    y = np.where(np.arange(31) == 30, "21", np.tile(["13", "17"], 16)[:31])
    with pytest.raises(ValueError, match="class '21' has too few trials, 1; TRCA need"):
        TRCA(sfreq=SFREQ).fit(GOOD[few], y)


def test_other_trials_than_in_fit():
    trca = TRCA(sfreq=SFREQ).fit(GOOD, LABELS)
    with pytest.raises(ValueError, match="200 samples.*fitted on 256.*same window"):
        trca.predict(GOOD[..., :200])
    with pytest.raises(ValueError, match="X has 3 channels, but TRCA was fitted on 4"):
        trca.predict(GOOD[:, :3])

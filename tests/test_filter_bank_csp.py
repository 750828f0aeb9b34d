"""Filter bank CSP and cospectra: known sources, references, the contract, bad input."""

import mne
import numpy as np
import pytest
from contract import CONTRACT, SFREQ, _TwoDimensional, make_easy
from numpy.testing import assert_allclose, assert_array_equal
from pyriemann.spatialfilters import CSP
from pyriemann.tangentspace import TangentSpace
from scipy.signal import butter, csd, sosfiltfilt
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from two_dimensional import assert_passes_checks

from neurodec.features import (
    CospectralTangentSpace,
    FilterBankCSP,
    band_covariances,
    filter_bank,
    shrunk_cospectra,
)
from neurodec.features._filter_bank_csp import paired_csp_filters, with_partners

BANDS = [(8, 12), (12, 16), (16, 20), (20, 24)]
BANK = FilterBankCSP(BANDS, sfreq=SFREQ, random_state=0)
COSPECTRA = CospectralTangentSpace(sfreq=SFREQ)
each_estimator = pytest.mark.parametrize("estimator", [BANK, COSPECTRA], ids=repr)
N_CHANNELS = 5
MIXING = np.eye(N_CHANNELS)
MIXING += 0.4 * np.random.default_rng(2).standard_normal((N_CHANNELS, N_CHANNELS))


def make_rhythms(n_trials=60, n_times=512, classes=("left", "right"), seed=0):
    """Sources in white noise; source i is stronger in class i, in 12 to 16 Hz alone."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n_trials) % len(classes)
    sources = rng.standard_normal((n_trials, N_CHANNELS, n_times))
    sos = butter(4, (13, 15), btype="bandpass", fs=SFREQ, output="sos")
    rhythms = sosfiltfilt(sos, rng.standard_normal(sources.shape))
    strength = np.zeros((n_trials, N_CHANNELS))
    strength[np.arange(n_trials), codes] = 6
    X = MIXING @ (sources + strength[:, :, None] * rhythms)
    return X, np.array(classes)[codes]


@each_estimator
@pytest.mark.parametrize("paradigm", ["LeftRightImagery", "MotorImagery"])
@pytest.mark.parametrize("check", CONTRACT)
def test_contract(check, paradigm, estimator):
    check(clone(estimator), paradigm)


class FilterBankCSP2D(_TwoDimensional, FilterBankCSP):
    pass


class CospectralTangentSpace2D(_TwoDimensional, CospectralTangentSpace):
    pass


@pytest.mark.parametrize(
    "estimator",
    [
        FilterBankCSP2D([(8, 16), (16, 24)], sfreq=64, random_state=0),
        CospectralTangentSpace2D(4, 24, sfreq=64),
    ],
    ids=["FilterBankCSP", "CospectralTangentSpace"],
)
def test_scikit_learn_checks(estimator):
    assert_passes_checks(estimator)


@each_estimator
def test_tags(estimator):
    tags = get_tags(estimator)
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert tags.target_tags.required == isinstance(estimator, FilterBankCSP)
    with pytest.raises(NotFittedError):
        estimator.transform(make_easy("MotorImagery")[0])


@each_estimator
def test_epochs_equal_arrays(estimator):
    X, y = make_easy("LeftRightImagery")
    info = mne.create_info(4, SFREQ, "eeg", verbose=False)
    epochs = mne.EpochsArray(X, info, verbose=False)
    fitted = clone(estimator).set_params(sfreq=None).fit(epochs, y)
    assert fitted.sfreq_ == SFREQ
    expected = clone(estimator).fit(X, y).transform(X)
    assert_array_equal(fitted.transform(epochs), expected)
    epochs = mne.EpochsArray(X, mne.create_info(4, 250.0, "eeg"), verbose=False)
    with pytest.raises(ValueError, match=r"250 Hz.*256 Hz.*resample\(256\)"):
        fitted.transform(epochs)


# Common spatial patterns by band


def test_covariance_of_each_band():
    X, _ = make_rhythms(n_trials=4)
    matrices = band_covariances(X, BANDS, SFREQ)
    for i, band in enumerate(BANDS):
        filtered = filter_bank(X, [band], SFREQ, order=4)
        for trial, signals in enumerate(filtered):
            expected = signals @ signals.T / X.shape[-1]
            assert_allclose(matrices[trial, i], expected)


def test_filters_are_those_of_pyriemann_in_pairs():
    X, y = make_rhythms()
    matrices = band_covariances(X, [(12, 16)], SFREQ)[:, 0]
    inside = y == "right"
    theirs = CSP(nfilter=N_CHANNELS, log=False).fit(matrices, inside.astype(int))
    everything = paired_csp_filters(matrices, inside, n_pairs=9)
    assert sorted(map(tuple, everything)) == sorted(map(tuple, theirs.filters_))
    variances = np.einsum("fc,ncd,fd->nf", everything, matrices, everything)
    share = variances[inside].mean(axis=0) / variances.mean(axis=0)
    assert (np.diff(share) < 0).all()
    outer = paired_csp_filters(matrices, inside, n_pairs=2)
    assert_array_equal(outer, everything[[0, 1, 3, 4]])


@pytest.mark.parametrize(
    ("information", "group_size", "n_selected", "expected"),
    [
        ([0, 0, 0, 9, 0, 0, 0, 0], 4, 1, [0, 3]),  # The partner of the last is first.
        ([0, 9, 8, 0, 0, 0, 0, 0], 4, 2, [1, 2]),  # Partners of each other.
        ([0, 9, 0, 0, 0, 0, 8, 0], 4, 2, [1, 2, 5, 6]),
        ([0, 9, 0, 0, 0, 0], 3, 1, [1]),  # The middle is its own partner.
        ([1, 2], 2, 9, [0, 1]),  # More asked for than there are.
    ],
)
def test_partners(information, group_size, n_selected, expected):
    assert_array_equal(with_partners(information, group_size, n_selected), expected)


def test_the_band_and_the_sources_are_found():
    X, y = make_rhythms(n_trials=120)
    bank = clone(BANK).set_params(n_selected=2, n_pairs=1).fit(X, y)
    # Two filters in each of four bands; the second band holds the difference.
    assert_array_equal(bank.selected_[0], [2, 3])
    assert bank.information_[0, 2:4].min() > 5 * np.delete(
        bank.information_[0], [2, 3]
    ).max(initial=0.01)
    gains = np.abs(bank.filters_[0, 1] @ MIXING)
    # The contrast is the second class: its source first, the other's last.
    assert_array_equal(gains.argmax(axis=1), [1, 0])
    ordered = np.sort(gains, axis=1)
    assert (ordered[:, -1] > 5 * ordered[:, -2]).all()


def test_features_are_log_variances():
    X, y = make_rhythms()
    bank = clone(BANK).set_params(n_pairs=1, n_selected=1).fit(X, y)
    transformed = bank.transform(X)
    expected = [
        np.log(np.mean((filters @ trial) ** 2, axis=-1))
        for trial in filter_bank(X, [BANDS[1]], SFREQ, order=4)
        for filters in [bank.filters_[0, 1]]
    ]
    assert_allclose(transformed, expected)


def test_three_classes_one_against_the_rest():
    X, y = make_rhythms(90, classes=("feet", "left", "right"))
    bank = clone(BANK).set_params(n_pairs=1, n_selected=2).fit(X, y)
    assert bank.filters_.shape == (3, 4, 2, N_CHANNELS)
    for code in range(3):
        assert {2, 3} & set(bank.selected_[code])
        # The first filter of the right band is that of the class's own source.
        assert np.abs(bank.filters_[code, 1, 0] @ MIXING).argmax() == code
    pipeline = make_pipeline(clone(BANK), LinearDiscriminantAnalysis())
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.95


def test_selection_sees_training_trials_alone():
    # Chosen on all trials, a few of many noise features would tell test labels.
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 8, 256)), np.tile([0, 1], 30)
    bands = [(low, low + 2) for low in range(8, 32, 3)]
    bank = FilterBankCSP(bands, sfreq=128, random_state=0)
    lda = LinearDiscriminantAnalysis()
    honest = cross_val_score(make_pipeline(bank, lda), X, y, cv=3).mean()
    leaky = cross_val_score(lda, clone(bank).fit_transform(X, y), y, cv=3).mean()
    assert honest < 0.65 < 0.7 < leaky


def test_fewer_channels_than_filters():
    X, y = make_rhythms()
    bank = clone(BANK).fit(X[:, :3], y)
    assert bank.filters_.shape == (1, 4, 3, 3)
    assert clone(BANK).fit(X[:, :1], y).transform(X[:, :1]).shape == (60, 4)


# Cospectra


def test_cospectra_are_those_of_scipy():
    X, _ = make_rhythms(n_trials=3)
    settings = {"window": 0.5, "overlap": 0.75, "shrinkage": 0.0}
    matrices, frequencies = shrunk_cospectra(X, SFREQ, 8, 32, **settings)
    assert_array_equal(frequencies, np.arange(8, 33, 2))
    window = np.hanning(128)
    for trial in range(3):
        for i in range(N_CHANNELS):
            there, values = csd(
                X[trial, [i]], X[trial], SFREQ, window, nperseg=128, noverlap=96,
                detrend=False,
            )  # fmt: skip
            kept = np.isin(there, frequencies)
            expected = values.real[:, kept] * SFREQ  # From density to power.
            assert_allclose(matrices[trial, :, i].T, expected, rtol=1e-9)


def test_shrinkage_keeps_the_power_and_gives_full_rank():
    X, _ = make_rhythms(n_trials=2, n_times=160)
    X = np.repeat(X, 3, axis=1) + 1e-3 * np.random.default_rng(0).standard_normal(
        (2, 15, 160)
    )
    plain, _ = shrunk_cospectra(X, SFREQ, 8, 32, shrinkage=0)
    mixed, _ = shrunk_cospectra(X, SFREQ, 8, 32, shrinkage=0.1)
    assert np.linalg.matrix_rank(plain[0, 0]) < 15
    assert np.linalg.eigvalsh(mixed).min() > 0
    assert_allclose(np.trace(mixed, axis1=2, axis2=3), plain.trace(axis1=2, axis2=3))


def test_each_frequency_has_its_own_tangent_space():
    X, _ = make_rhythms(n_trials=12)
    features = CospectralTangentSpace(10, 18, SFREQ).fit(X[:8])
    matrices, frequencies = shrunk_cospectra(X, SFREQ, 10, 18)
    assert_array_equal(features.frequencies_, frequencies)
    expected = [
        TangentSpace().fit(matrices[:8, i]).transform(matrices[8:, i])
        for i in range(len(frequencies))
    ]
    assert_allclose(features.transform(X[8:]), np.concatenate(expected, axis=1))


def test_cospectra_find_the_frequency_without_being_told():
    X, y = make_rhythms(n_trials=90)
    features = CospectralTangentSpace(sfreq=SFREQ).fit_transform(X)
    by_frequency = features.reshape(90, 7, -1)
    scores = [
        cross_val_score(LinearDiscriminantAnalysis(), by_frequency[:, i], y).mean()
        for i in range(7)
    ]
    # 8, 12, 16, ... Hz; a Hann window of a quarter second reaches 8 Hz to each side.
    assert set(np.argsort(scores)[-2:]) == {1, 2}
    assert min(scores[1:3]) > 0.9
    assert max(scores[4:]) < 0.7


# Bad input

GOOD, LABELS = make_easy("LeftRightImagery")


@pytest.mark.parametrize(
    ("params", "X", "y", "expected"),
    [
        ({"sfreq": None}, GOOD, LABELS, ["sampling rate is unknown", "sfreq="]),
        ({"bands": 8}, GOOD, LABELS, ["bands is 8", "list of pairs"]),
        ({"bands": []}, GOOD, LABELS, ["bands is empty"]),
        ({"bands": [8, 12]}, GOOD, LABELS, ["bands is [8, 12]", "list of pairs"]),
        ({"bands": [(8, 12, 16)]}, GOOD, LABELS, ["list of pairs"]),
        ({"bands": [(12, 8)]}, GOOD, LABELS, ["band 12-8 Hz", "low < high"]),
        ({"bands": [(60, 130)]}, GOOD, LABELS, ["60-130 Hz", "128 Hz, the Nyquist"]),
        ({"bands": [(8, 10)]}, GOOD, LABELS, ["128 samples", "wider band"]),
        ({"n_pairs": 0}, GOOD, LABELS, ["n_pairs is 0", "whole number"]),
        ({"n_selected": 1.5}, GOOD, LABELS, ["n_selected is 1.5"]),
        ({"shrinkage": 1}, GOOD, LABELS, ["shrinkage is 1", "0.01"]),
        (
            {"shrinkage": 0},
            GOOD - GOOD.mean(axis=1, keepdims=True),
            LABELS,
            ["8-12 Hz has rank 3 of 4", "average reference", "set shrinkage=0.01"],
        ),
        ({}, GOOD, None, ["requires y", "label of each trial"]),
        ({}, GOOD, np.full(48, "left"), ["one class, 'left'", "at least two"]),
        (
            {},
            GOOD,
            np.where(np.arange(48) == 3, "left", "right"),
            ["class 'left' has too few trials, 1", "at least 2", "record more"],
        ),
        ({}, GOOD * np.nan, LABELS, ["trial 0, channel 0 holds NaN", "drop the"]),
    ],
)
def test_bad_input_of_the_bank(params, X, y, expected):
    with pytest.raises(ValueError) as caught:
        clone(BANK).set_params(**params).fit(X, y)
    for part in expected:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("params", "X", "expected"),
    [
        ({"sfreq": None}, GOOD, ["sampling rate is unknown", "sfreq="]),
        ({"fmin": 0}, GOOD, ["fmin is 0", "0 < fmin < fmax"]),
        ({"fmax": 128}, GOOD, ["fmax 128 Hz", "128 Hz, the Nyquist"]),
        ({"fmin": 40}, GOOD, ["fmin is 40 and fmax 32.0"]),
        ({"fmin": 9, "fmax": 11}, GOOD, ["no multiple of 4 Hz", "longer window"]),
        ({"window": 0.5}, GOOD, ["128 samples", "two windows of 0.5 s", "shorter"]),
        ({"window": -1}, GOOD, ["window is -1"]),
        ({"overlap": 1}, GOOD, ["overlap is 1"]),
        ({"shrinkage": -0.1}, GOOD, ["shrinkage is -0.1"]),
        (
            {"shrinkage": 0},
            GOOD - GOOD.mean(axis=1, keepdims=True),
            ["trial 0 at 8 Hz has rank 3 of 4", "set shrinkage=0.1"],
        ),
    ],
)
def test_bad_input_of_cospectra(params, X, expected):
    with pytest.raises(ValueError) as caught:
        clone(COSPECTRA).set_params(**params).fit(X)
    for part in expected:
        assert part in str(caught.value)


@each_estimator
def test_other_channels_than_in_fit(estimator):
    fitted = clone(estimator).fit(GOOD, LABELS)
    with pytest.raises(ValueError, match="X has 3 channels, but .* fitted on 4"):
        fitted.transform(GOOD[:, :3])


@each_estimator
def test_a_failed_fit_leaves_the_earlier_one(estimator):
    fitted = clone(estimator).fit(GOOD, LABELS)
    expected = fitted.transform(GOOD)
    with pytest.raises(ValueError, match="NaN"):
        fitted.fit(GOOD * np.nan, LABELS)
    assert_array_equal(fitted.transform(GOOD), expected)

"""Transformers of trials: known answers, references, the contract, bad input."""

from pickle import PicklingError

import contract
import mne
import numpy as np
import pytest
from contract import (
    CONTRACT,
    SFREQ,
    FilterBankCovariances2D,
    LogVariance2D,
    make_easy,
)
from numpy.testing import assert_allclose, assert_array_equal
from pyriemann.geometry.covariance import covariances
from scipy.signal import butter, freqz
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from neurodec.features import FilterBankCovariances, LogVariance, filter_bank

BANK = FilterBankCovariances(frequencies=[13, 17, 21], sfreq=SFREQ)
ESTIMATORS = {"LeftRightImagery": LogVariance(), "SSVEP": BANK}
each_estimator = pytest.mark.parametrize(
    ("paradigm", "estimator"), ESTIMATORS.items(), ids=lambda value: repr(value)[:12]
)


def make_epochs(X, sfreq=SFREQ, ch_types="eeg", ch_names=None):
    names = ch_names or [f"E{i}" for i in range(X.shape[1])]
    info = mne.create_info(names, sfreq, ch_types, verbose=False)
    return mne.EpochsArray(X, info, verbose=False)


@each_estimator
@pytest.mark.parametrize("check", CONTRACT)
def test_contract(check, paradigm, estimator):
    check(clone(estimator), paradigm)


class Planted(LogVariance):
    """LogVariance with one fault, which one check of the contract must find."""

    def __init__(self, fault=None, seen=0):
        self.fault = fault
        self.seen = seen

    def fit(self, X, y=None):
        if self.fault == "edits its parameter":
            self.seen = len(X)
        if self.fault == "edits X":
            X *= 2
        if self.fault == "keeps the first shape" and hasattr(self, "n_channels_"):
            return self
        if self.fault == "cannot be pickled":
            self.function_ = lambda x: x
        if self.fault == "computes with labels":
            self.offset_ = 0 if np.asarray(y).dtype.kind == "U" else np.mean(y)
        super().fit(X, y)
        return None if self.fault == "returns nothing" else self

    def transform(self, X):
        X_new = super().transform(X)
        if self.fault == "writes":
            self.last_ = len(X)
        if self.fault == "uses the batch":
            X_new = X_new - X_new.mean(axis=0)
        if self.fault == "uses the order":
            X_new = X_new + np.arange(len(X))[:, None]
        if self.fault == "is random":
            X_new = X_new + np.random.default_rng().standard_normal()
        if self.fault == "loses precision":
            X_new = np.log(np.var(X + X.dtype.type(1e3), axis=-1) + 1e-30)
        return X_new + getattr(self, "offset_", 0)


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("edits its parameter", contract.check_fit_returns_self_and_edits_nothing),
        ("edits X", contract.check_fit_returns_self_and_edits_nothing),
        ("edits X", contract.check_readonly_and_strided_arrays),
        ("returns nothing", contract.check_fit_returns_self_and_edits_nothing),
        ("keeps the first shape", contract.check_refit_forgets_the_earlier_shape),
        ("cannot be pickled", contract.check_pickles),
        ("computes with labels", contract.check_names_of_labels),
        ("writes", contract.check_outputs_write_nothing),
        ("uses the batch", contract.check_trial_alone_or_in_a_batch),
        ("uses the order", contract.check_order_of_test_trials),
        ("is random", contract.check_deterministic),
        ("loses precision", contract.check_float32),
    ],
)
def test_contract_finds_a_planted_fault(fault, check):
    check(Planted(), "LeftRightImagery")
    with pytest.raises((AssertionError, AttributeError, ValueError, PicklingError)):
        check(Planted(fault), "LeftRightImagery")


@each_estimator
def test_trialwise(paradigm, estimator):
    assert estimator.trialwise
    X, _ = make_easy(paradigm)
    whole = clone(estimator).fit(X).transform(X)
    # Fitted on other trials, the rows are the same: nothing is learned.
    assert_array_equal(clone(estimator).fit(X[:1]).transform(X), whole)


@pytest.mark.parametrize(
    "estimator",
    [LogVariance2D(), FilterBankCovariances2D([8, 16], sfreq=64, half_bandwidth=2.0)],
    ids=["LogVariance", "FilterBankCovariances"],
)
def test_scikit_learn_checks(estimator):
    expected = {
        "check_estimators_dtypes": "rounded to integers, a row of its data is constant",
        "check_fit2d_1feature": "a signal of one sample is constant",
    }
    results = check_estimator(
        estimator, expected_failed_checks=expected, on_skip=None, on_fail=None
    )
    by_status = {}
    for result in results:
        by_status.setdefault(result["status"], {})[result["check_name"]] = result
    assert set(by_status) <= {"passed", "xfail", "skipped"}, by_status.get("failed")
    assert by_status["xfail"].keys() == expected.keys()
    for result in by_status["xfail"].values():
        assert "is constant" in str(result["exception"])
    assert by_status["skipped"].keys() <= {"check_array_api_input"}
    assert len(by_status["passed"]) >= 40


@each_estimator
def test_tags(paradigm, estimator):
    tags = get_tags(estimator)
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert tags.requires_fit
    assert not tags.target_tags.required
    with pytest.raises(NotFittedError):
        clone(estimator).transform(make_easy(paradigm)[0])


@each_estimator
def test_epochs_equal_arrays(paradigm, estimator):
    X, _ = make_easy(paradigm)
    epochs = make_epochs(X)
    expected = clone(estimator).fit_transform(X)
    fitted = clone(estimator).fit(epochs)
    assert_array_equal(fitted.transform(epochs), expected)
    assert_array_equal(fitted.transform(X), expected)
    assert fitted.ch_names_ == tuple(epochs.ch_names)
    assert_array_equal(epochs.get_data(copy=False), X)


# Known answers


def test_log_variance_of_sines():
    times = np.arange(256) / 256
    amplitude = np.array([1e-6, 2e-6, 5e-5])
    X = amplitude[None, :, None] * np.sin(2 * np.pi * 8 * times)
    expected = np.log(amplitude**2 / 2)[None]
    assert_allclose(LogVariance().fit_transform(X), expected)
    assert_allclose(LogVariance().fit_transform(3 + X), expected)


def test_log_variance_of_weak_single_precision():
    # The square of a field of a femtotesla is below the smallest float32.
    X = np.random.default_rng(0).standard_normal((2, 3, 100)) * 1e-24
    expected = LogVariance().fit_transform(X)
    actual = LogVariance().fit_transform(X.astype(np.float32))
    assert_allclose(actual, expected, rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("frequency", [13.0, 14.0, 17.0, 25.0])
def test_filter_gain_is_the_squared_response(order, frequency):
    times = np.arange(8192) / SFREQ
    X = np.sin(2 * np.pi * frequency * times)[None, None]
    filtered = filter_bank(X, [(12, 14)], SFREQ, order)[0, 0]
    b, a = butter(order, [12, 14], btype="bandpass", fs=SFREQ)
    gain = np.abs(freqz(b, a, [frequency], fs=SFREQ)[1][0]) ** 2
    middle = slice(2048, -2048)
    # Forward and backward: the response squared, and no delay.
    assert_allclose(filtered[middle], gain * X[0, 0, middle], atol=1e-6)


def test_filter_bank_order_of_channels():
    times = np.arange(512) / SFREQ
    X = np.stack([np.sin(2 * np.pi * f * times) for f in (13, 21)])[None]
    power = filter_bank(X, [(12, 14), (20, 22)], SFREQ).var(axis=-1)[0]
    assert (power[[0, 3]] > 0.4).all()
    assert (power[[1, 2]] < 0.02).all()
    assert filter_bank(X.astype(np.float32), [(12, 14)], SFREQ).dtype == np.float64


def test_blocks_of_the_covariance_are_those_of_each_band():
    X, _ = make_easy("SSVEP")
    whole = clone(BANK).fit_transform(X)
    assert whole.shape == (48, 12, 12)
    unshrunk = clone(BANK).set_params(estimator="scm").fit_transform(X)
    for i, frequency in enumerate([13, 17, 21]):
        band = filter_bank(X, [(frequency - 1, frequency + 1)], SFREQ)
        block = slice(4 * i, 4 * i + 4)
        assert_allclose(unshrunk[:, block, block], covariances(band, "scm"))
    assert (np.linalg.eigvalsh(whole) > 0).all()


def test_each_class_has_its_power_in_its_own_block():
    X, y = make_easy("SSVEP", n_trials=30)
    diagonal = np.diagonal(clone(BANK).fit_transform(X), axis1=1, axis2=2)
    strongest = diagonal.reshape(30, 3, 4).sum(axis=-1).argmax(axis=-1)
    assert_array_equal(np.array(["13", "17", "21"])[strongest], y)


def test_more_trials_than_are_filtered_at_a_time():
    X = np.random.default_rng(0).standard_normal((300, 2, 160))
    whole = clone(BANK).fit_transform(X)
    apart = np.concatenate(
        [clone(BANK).fit_transform(X[[i]]) for i in range(0, 300, 50)]
    )
    assert_allclose(whole[::50], apart, rtol=1e-12)


def test_sampling_rate_of_epochs():
    X, _ = make_easy("SSVEP")
    epochs = make_epochs(X)
    from_epochs = clone(BANK).set_params(sfreq=None).fit(epochs)
    assert from_epochs.sfreq is None
    assert from_epochs.sfreq_ == SFREQ
    assert_array_equal(from_epochs.transform(X), clone(BANK).fit(X).transform(X))


# Bad input


def spoil(X, value):
    X = X.copy()
    X[3, 1] = value
    return X


GOOD = make_easy("SSVEP")[0]
NAMES = ["O1", "Oz", "O2", "POz"]


@each_estimator
@pytest.mark.parametrize("method", ["fit", "transform"])
@pytest.mark.parametrize(
    ("X", "error", "expected"),
    [
        (GOOD[0], ValueError, ["shape (4, 256)", "X[np.newaxis]"]),
        (GOOD[:0], ValueError, ["0 sample"]),
        (GOOD[..., :0], ValueError, ["(48, 4, 0)", "tmin and tmax"]),
        (spoil(GOOD, np.nan), ValueError, ["trial 3, channel 1", "NaN", "drop the"]),
        (spoil(GOOD, np.inf), ValueError, ["trial 3, channel 1", "infinity"]),
        (spoil(GOOD, 0.1), ValueError, ["trial 3, channel 1 is constant at 0.1"]),
        (GOOD * 1j, ValueError, ["Complex data"]),
        (np.full((2, 4, 9), "left"), ValueError, ["could not convert"]),
        (
            make_epochs(spoil(GOOD, 0), ch_names=NAMES),
            ValueError,
            ["trial 3, channel 1 (Oz) is constant", "in 1 of 48 trials"],
        ),
        (
            make_epochs(GOOD, ch_types=["eeg", "eeg", "eeg", "stim"]),
            ValueError,
            ["['eeg', 'stim']", "epochs.pick("],
        ),
        (
            make_epochs(GOOD, ch_types=["mag", "grad"] * 2),
            ValueError,
            ["'grad', 'mag'"],
        ),
    ],
)
def test_bad_trials(paradigm, estimator, method, X, error, expected):
    estimator = clone(estimator)
    if method == "transform":
        estimator.fit(GOOD)
    with pytest.raises(error) as caught:
        getattr(estimator, method)(X)
    for part in expected:
        assert part in str(caught.value)


@each_estimator
def test_trials_object_is_refused(paradigm, estimator, trials):
    with pytest.raises(TypeError, match=r"pass trials\.X or trials\.to_epochs"):
        clone(estimator).fit(trials)


@each_estimator
def test_other_channels_than_in_fit(paradigm, estimator):
    fitted = clone(estimator).fit(make_epochs(GOOD, ch_names=NAMES))
    with pytest.raises(ValueError, match="X has 3 channels, but .* fitted on 4"):
        fitted.transform(GOOD[:, :3])
    swapped = make_epochs(GOOD, ch_names=["O1", "O2", "Oz", "POz"])
    with pytest.raises(ValueError, match="channel 1 is 'O2'.*'Oz'.*reorder_channels"):
        fitted.transform(swapped)
    with pytest.raises(ValueError, match="channel 3 is 'Pz'.*'POz'.*pick the training"):
        fitted.transform(make_epochs(GOOD, ch_names=["O1", "Oz", "O2", "Pz"]))


@pytest.mark.parametrize(
    ("params", "X", "expected"),
    [
        ({"sfreq": None}, GOOD, ["sampling rate is unknown", "mne.Epochs"]),
        ({"sfreq": 250}, make_epochs(GOOD), ["sfreq is 250", "256 Hz", "or None"]),
        ({"sfreq": "256"}, GOOD, ["sfreq is '256'"]),
        ({"sfreq": -1}, GOOD, ["sfreq is -1", "greater than 0"]),
        ({"sfreq": 42}, GOOD, ["20-22 Hz", "21 Hz, the Nyquist", "drop this"]),
        ({"frequencies": [128]}, GOOD, ["127-129 Hz", "128 Hz, the Nyquist"]),
        ({"frequencies": []}, GOOD, ["frequencies is []", "[13, 17, 21]"]),
        ({"frequencies": 13}, GOOD, ["frequencies is 13", "give a list"]),
        ({"frequencies": "13"}, GOOD, ["frequencies is '13'"]),
        ({"frequencies": [13, 13.0]}, GOOD, ["repeat", "give each once"]),
        ({"frequencies": [0.5]}, GOOD, ["-0.5-1.5 Hz", "narrower band"]),
        ({"frequencies": [13, None]}, GOOD, ["a frequency is None"]),
        ({"half_bandwidth": 0}, GOOD, ["half_bandwidth is 0"]),
        ({"half_bandwidth": 0.5}, GOOD, ["256 samples (1 s)", "wider band"]),
        ({}, GOOD[..., :128], ["128 samples (0.5 s)", "longer trials"]),
        ({"order": 0}, GOOD, ["order is 0", "whole number"]),
        ({"order": 1.5}, GOOD, ["order is 1.5"]),
        ({"estimator": "osa"}, GOOD, ["osa"]),
    ],
)
def test_bad_parameters_of_the_bank(params, X, expected):
    with pytest.raises(ValueError) as caught:
        clone(BANK).set_params(**params).fit(X)
    for part in expected:
        assert part in str(caught.value)


def test_other_sampling_rate_than_in_fit():
    fitted = clone(BANK).fit(make_epochs(GOOD))
    with pytest.raises(ValueError, match=r"250 Hz.*256 Hz.*resample\(256\)"):
        fitted.transform(make_epochs(GOOD, sfreq=250))


def test_no_bands():
    with pytest.raises(ValueError, match="bands is empty"):
        filter_bank(GOOD, [], SFREQ)

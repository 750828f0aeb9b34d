"""Scales by channel type and learned rejection: known answers, references, contract."""

import sys
import types

import mne
import numpy as np
import pytest
from contract import CONTRACT, _TwoDimensional
from numpy.testing import assert_allclose, assert_array_equal
from pyriemann.estimation import Covariances
from pyriemann.tangentspace import TangentSpace
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from neurodec.datasets import load, trials_from_epochs
from neurodec.preprocessing import (
    ChannelTypeScaler,
    Recipe,
    learned_rejection_threshold,
)

TYPES = ["mag", "mag", "grad", "grad", "eeg"]
UNITS = np.array([1e-13, 2e-13, 5e-12, 4e-12, 1e-5])


def make_mixed(n_trials=60, seed=0):
    """Trials of three types, whose classes only a magnetometer tells apart."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_trials) % 2
    X = rng.standard_normal((n_trials, 5, 100)) + 3.0
    X[y == 1, 0] *= 1.8
    return X * UNITS[:, np.newaxis], y


X, Y = make_mixed()
INFO = mne.create_info([f"{k}{i}" for i, k in enumerate(TYPES)], 100.0, TYPES)
EPOCHS = mne.EpochsArray(X, INFO, verbose=False)


def test_each_type_has_unit_variance_and_keeps_its_proportions():
    scaler = ChannelTypeScaler(TYPES).fit(X)
    got = scaler.transform(X)
    kinds = np.array(TYPES)
    for kind in ("mag", "grad", "eeg"):
        variances = got[:, kinds == kind].var(axis=(0, 2))
        assert variances.mean() == pytest.approx(1)
        assert_allclose(
            got[:, kinds == kind] * scaler.scales_[kind], X[:, kinds == kind]
        )
    assert list(scaler.scales_) == ["mag", "grad", "eeg"]
    assert scaler.scales_["eeg"] == pytest.approx(X[:, 4].std())


def test_mnes_scaler_with_these_scales_is_the_same():
    scaler = ChannelTypeScaler().fit(EPOCHS)
    scalings = {kind: 1 / scale for kind, scale in scaler.scales_.items()}
    by_mne = mne.decoding.Scaler(INFO, scalings).fit_transform(X)
    assert_allclose(scaler.transform(EPOCHS), by_mne, rtol=1e-12)
    assert_array_equal(ChannelTypeScaler(TYPES).fit_transform(X), scaler.transform(X))


def test_training_trials_alone_set_the_scale():
    fitted = ChannelTypeScaler(TYPES).fit(X[:30])
    alone = fitted.transform(X[30:31])
    among = fitted.transform(np.concatenate([X[30:31], 100 * X[31:]]))[:1]
    assert_array_equal(among, alone)


def test_single_precision_stays():
    single = X.astype(np.float32)
    got = ChannelTypeScaler(TYPES).fit_transform(single)
    assert got.dtype == np.float32
    assert_allclose(got, ChannelTypeScaler(TYPES).fit_transform(X), rtol=1e-5)


def test_mixed_trials_are_decoded_from_the_smaller_numbers():
    trials = trials_from_epochs(EPOCHS, Y, picks=EPOCHS.ch_names)
    assert trials.info.get_channel_types() == TYPES
    shrunk = make_pipeline(Covariances("oas"), TangentSpace(), LogisticRegression())
    scaled = make_pipeline(ChannelTypeScaler(TYPES), clone(shrunk))
    scores = [
        cross_val_score(pipeline, trials.X, trials.y, scoring="roc_auc").mean()
        for pipeline in (shrunk, scaled)
    ]
    assert scores[0] < 0.7
    assert scores[1] > 0.95


def test_a_mixed_recording_says_how_to_mix():
    with pytest.raises(ValueError, match="name the channels of several.*ChannelTypeSc"):
        trials_from_epochs(EPOCHS, Y)


@pytest.mark.parametrize("check", CONTRACT)
def test_contract(check):
    check(ChannelTypeScaler("eeg"), "LeftRightImagery")


class ChannelTypeScaler2D(_TwoDimensional, ChannelTypeScaler):
    """ChannelTypeScaler of rows."""

    def __init__(self, ch_types="eeg"):
        super().__init__(ch_types)


def test_scikit_learn_checks():
    results = check_estimator(ChannelTypeScaler2D(), on_skip=None, on_fail=None)
    failed = [r for r in results if r["status"] == "failed"]
    assert not failed, failed


# Learned rejection


def make_loud(n_loud=6):
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.standard_normal((40, 4, 100))
    data[:n_loud] *= 8
    info = mne.create_info(["Fz", "Cz", "Pz", "Oz"], 100.0, "eeg")
    return mne.EpochsArray(data, info, verbose=False)


def test_learned_threshold_parts_the_loud_from_the_others():
    pytest.importorskip("autoreject")
    epochs = make_loud()
    reject = learned_rejection_threshold(epochs)
    assert reject.keys() == {"eeg"}
    assert type(reject["eeg"]) is float
    kept = Recipe(band=None, reject=reject).kept(epochs.get_data())
    assert 30 <= len(kept) <= 34
    assert kept.min() >= 6
    assert learned_rejection_threshold(epochs) == reject


def test_what_autoreject_is_asked(monkeypatch):
    asked = {}

    def get_rejection_threshold(epochs, **settings):
        asked.update(settings, n=len(epochs))
        return {"eeg": np.float64(1e-4)}

    fake = types.SimpleNamespace(get_rejection_threshold=get_rejection_threshold)
    monkeypatch.setitem(sys.modules, "autoreject", fake)
    epochs = load("simulated", subjects=[1]).select(session="0").to_epochs()
    reject = learned_rejection_threshold(epochs, decim=2, random_state=5)
    assert reject == {"eeg": 1e-4}
    assert type(reject["eeg"]) is float
    assert asked == dict(decim=2, random_state=5, cv=5, verbose=False, n=len(epochs))


def test_without_autoreject(monkeypatch):
    monkeypatch.setitem(sys.modules, "autoreject", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'neurodec\[autoreject"):
        learned_rejection_threshold(make_loud())

"""Eye artefacts: known mixing, MNE's own results, the contract, bad input."""

import mne
import numpy as np
import pytest
from contract import CONTRACT, SFREQ, _TwoDimensional
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from neurodec.datasets import trials_from_raw
from neurodec.preprocessing import EyeRegression, ICACleaner, Recipe

NAMES = ["Fp1", "Fp2", "C3", "C4", "Pz", "O1", "VEOG", "HEOG"]
EOG = ["VEOG", "HEOG"]
FITTED = {"VEOG": 6, "HEOG": 7}


def make_blinks(n_trials=40, n_times=256, seed=0, leak=0.0):
    """Six electrodes over four brain sources, two of EOG, with a known mixing.

    Returns trials, what they are without eyes, and the time courses of blinks.
    ``leak`` is how much of the brain the EOG electrodes see.
    """
    rng = np.random.default_rng(seed)
    times = np.arange(n_times) / SFREQ
    start = rng.uniform(0.1, 0.9, (n_trials, 1))
    blinks = 2e-4 * np.exp(-(((times - start) / 0.05) ** 2))
    looks = 6e-5 * np.sign(times - rng.uniform(0.2, 0.8, (n_trials, 1)))
    brain = 1e-5 * rng.laplace(size=(n_trials, 4, n_times))
    mixing = rng.uniform(-1, 1, (6, 4))
    clean = mixing @ brain + 5e-7 * rng.standard_normal((n_trials, 6, n_times))
    eyes = np.stack([blinks, looks], axis=1)
    spread = np.array(
        [[0.8, 0.3], [0.8, -0.3], [0.3, 0.2], [0.3, -0.2], [0.1, 0], [0, 0]]
    )
    electrodes = eyes + leak * clean[:, :2]
    electrodes += 1e-6 * rng.standard_normal(electrodes.shape)
    X = np.concatenate([clean + spread @ eyes, electrodes], axis=1)
    return X, clean, eyes


X, CLEAN, EYES = make_blinks()
CLEANERS = {
    "regression": EyeRegression(EOG, ch_names=NAMES),
    "fastica": ICACleaner(EOG, ch_names=NAMES),
    "infomax": ICACleaner(EOG, ch_names=NAMES, method="infomax"),
}
each_cleaner = pytest.mark.parametrize("name", ["regression", "fastica"])


def correlation(a, b):
    """Over all samples, each trial about its own mean."""
    a, b = (v - v.mean(axis=-1, keepdims=True) for v in (a, b))
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def as_epochs(X, names=NAMES):
    types = ["eog" if name in EOG else "eeg" for name in names]
    info = mne.create_info(list(names), SFREQ, types, verbose=False)
    return mne.EpochsArray(X, info, verbose=False)


# Known answers


@pytest.mark.parametrize("name", CLEANERS)
def test_blinks_go_and_the_brain_stays(name):
    train, test = slice(0, 20), slice(20, 40)
    cleaner = clone(CLEANERS[name]).fit(X[train])
    got = cleaner.transform(X[test])
    assert got.shape == (20, 6, 256)
    for channel in range(2):  # At the forehead.
        before = correlation(X[test][:, channel], EYES[test][:, 0])
        assert before > 0.8
        assert abs(correlation(got[:, channel], EYES[test][:, 0])) < 0.1
        assert correlation(X[test][:, channel], CLEAN[test][:, channel]) < 0.5
    for channel in range(6):
        assert correlation(got[:, channel], CLEAN[test][:, channel]) > 0.95
    # What is left of the error, by power: less than a hundredth.
    after, before = (
        np.var(v - v.mean(axis=-1, keepdims=True))
        for v in (got - CLEAN[test], X[test][:, :6] - CLEAN[test])
    )
    assert after < 0.01 * before


def test_known_weights():
    weights = EyeRegression([6, 7]).fit(X).coef_
    spread = np.array(
        [[0.8, 0.3], [0.8, -0.3], [0.3, 0.2], [0.3, -0.2], [0.1, 0], [0, 0]]
    )
    assert_allclose(weights, spread, atol=0.01)


def test_ica_keeps_what_the_eog_sees_of_the_brain():
    """The reason to prefer it: regression takes the brain that EOG sees along."""
    seen, clean, _ = make_blinks(leak=1.0)
    left = {}
    for name in ("regression", "fastica"):
        got = clone(CLEANERS[name]).fit_transform(seen)
        left[name] = np.var((got - clean)[:, :2]) / np.var(clean[:, :2])
    assert left["fastica"] < 0.1 < left["regression"]


@each_cleaner
def test_no_eog_channel_comes_out(name):
    cleaner = clone(CLEANERS[name]).fit(X)
    assert_array_equal(cleaner.eog_, [6, 7])
    assert_array_equal(cleaner.kept_, range(6))
    swapped = [6, 0, 1, 2, 7, 3, 4, 5]
    names = [NAMES[i] for i in swapped]
    other = clone(CLEANERS[name]).set_params(ch_names=names).fit(X[:, swapped])
    assert_allclose(
        other.transform(X[:, swapped]), cleaner.transform(X), rtol=0, atol=1e-9
    )


# MNE's own


def test_regression_is_mnes():
    epochs = as_epochs(X).set_eeg_reference([], verbose=False)
    by_mne = mne.preprocessing.EOGRegression(picks="eeg", proj=False).fit(epochs)
    cleaner = EyeRegression(EOG).fit(epochs)
    assert_allclose(cleaner.coef_, by_mne.coef_, rtol=1e-9, atol=1e-12)
    wanted = by_mne.apply(epochs).get_data(picks="eeg")
    assert_allclose(cleaner.transform(epochs), wanted, rtol=0, atol=1e-15)
    assert_array_equal(cleaner.transform(X), cleaner.transform(epochs))


@pytest.mark.parametrize("n_components", [None, 4, 0.99])
def test_ica_is_mnes(n_components):
    centred = X - X.mean(axis=-1, keepdims=True)
    epochs = as_epochs(centred)
    epochs.info._unlocked = True
    epochs.info["highpass"] = 1.0
    epochs.info._unlocked = False
    ica = mne.preprocessing.ICA(n_components, random_state=3, method="fastica")
    ica.fit(epochs, picks="eeg", verbose=False)
    cleaner = ICACleaner(EOG, n_components, random_state=3, ch_names=NAMES).fit(X)
    assert len(cleaner.correlations_) == ica.n_components_
    assert 1 <= len(cleaner.excluded_) <= 2
    wanted = ica.apply(epochs.copy(), exclude=list(cleaner.excluded_), verbose=False)
    assert_allclose(
        cleaner.transform(centred), wanted.get_data(picks="eeg"), rtol=0, atol=1e-12
    )
    sources = ica.get_sources(epochs).get_data()
    blink = [abs(correlation(s, EYES[:, 0])) for s in sources.swapaxes(0, 1)]
    assert np.argmax(blink) in cleaner.excluded_


# What may be learned from


@each_cleaner
def test_labels_and_test_trials_are_not_looked_at(name):
    train, test = X[:20], X[20:]
    y = np.arange(20) % 2
    got = clone(CLEANERS[name]).fit(train, y).transform(test)
    assert_array_equal(clone(CLEANERS[name]).fit(train, y[::-1]).transform(test), got)
    loud = np.concatenate([test[:3], 50 * test])
    among = clone(CLEANERS[name]).fit(train).transform(loud)[:3]
    assert_allclose(among, got[:3], rtol=0, atol=1e-18)


def test_ica_finds_nothing_and_says_so():
    rng = np.random.default_rng(0)
    noise = rng.laplace(size=(20, 4, 200))
    with pytest.warns(UserWarning, match=r"no component correlates above 0\.7.*great"):
        cleaner = ICACleaner([3]).fit(noise)
    assert_array_equal(cleaner.transform(noise), noise[:, :3])
    assert len(cleaner.excluded_) == 0


def test_readers_keep_eog_by_name():
    raw = mne.io.RawArray(
        np.concatenate(X, axis=1), as_epochs(X).info, verbose=False
    ).set_annotations(mne.Annotations(2.0 * np.arange(1, 19), 0.1, ["go", "stop"] * 9))
    recipe = Recipe(band=(1, 40), tmax=0.5)
    events = {"go": "go", "stop": "stop"}
    without = trials_from_raw(raw, events, recipe)
    assert without.ch_names == NAMES[:6]
    trials = trials_from_raw(raw, events, recipe, picks=NAMES)
    assert trials.ch_names == NAMES
    got = EyeRegression(EOG, trials.ch_names).fit_transform(trials.X)
    assert np.ptp(got[:, 0]) < 0.5 * np.ptp(without.X[:, 0])
    # A second cleaner finds no EOG to look at.
    with pytest.raises(ValueError, match="ch_names has 8 names but X has 6 channels"):
        make_pipeline(*[EyeRegression(EOG, NAMES)] * 2).fit(trials.X)


@each_cleaner
def test_single_precision_stays(name):
    expected = clone(CLEANERS[name]).fit(X).transform(X)
    got = (
        clone(CLEANERS[name]).fit(X.astype(np.float32)).transform(X.astype(np.float32))
    )
    assert got.dtype == np.float32
    assert_allclose(got, expected, rtol=0, atol=1e-3 * np.abs(expected).max())


# The contract

FIRST = {"regression": EyeRegression([0]), "ica": ICACleaner([0], threshold=0.4)}


@pytest.mark.filterwarnings("ignore:no component correlates")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", FIRST)
@pytest.mark.parametrize("check", CONTRACT)
def test_contract(check, name):
    check(clone(FIRST[name]), "LeftRightImagery")


class _ThreeChannels(_TwoDimensional):
    """A row becomes three channels: itself, slowly rising, and rising and falling."""

    def _trials(self, X, reset):
        rows = super()._trials(X, reset)
        if getattr(rows, "ndim", 0) != 3 or not rows.size:
            return rows
        if rows.dtype == object:
            return np.repeat(rows, 3, axis=1)
        turns = np.linspace(0, np.pi, rows.shape[2])
        return rows * np.stack([np.ones_like(turns), turns, np.sin(3 * turns)])


ONE_COMPONENT = dict.fromkeys(
    [
        "check_dont_overwrite_parameters",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_fit2d_1sample",
        "check_fit2d_1feature",
        "check_fit2d_predict1d",
    ],
    "the check sets n_components to 1",
)


class EyeRegression2D(_ThreeChannels, EyeRegression):
    """EyeRegression of rows."""

    def __init__(self, eog=(0,), ch_names=None):
        super().__init__(eog, ch_names)


class ICACleaner2D(_ThreeChannels, ICACleaner):
    """ICACleaner of rows."""

    def __init__(self, eog=(0,), random_state=0):
        super().__init__(eog, random_state=random_state)


@pytest.mark.filterwarnings("ignore:no component correlates")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", [EyeRegression2D(), ICACleaner2D()])
def test_scikit_learn_checks(estimator):
    # Some checks set n_components, where there is one, to 1.
    expected = {} if isinstance(estimator, EyeRegression2D) else dict(ONE_COMPONENT)
    results = check_estimator(
        estimator, expected_failed_checks=expected, on_skip=None, on_fail=None
    )
    failed = [r for r in results if r["status"] == "failed"]
    assert not failed, failed
    xfailed = [r for r in results if r["status"] == "xfail"]
    assert {r["check_name"] for r in xfailed} == expected.keys()
    assert all("n_components is 1;" in str(r["exception"]) for r in xfailed)
    assert sum(r["status"] == "passed" for r in results) >= 35

"""Band power, connectivity and selection: known sources, references, the contract."""

import numpy as np
import pytest
from contract import CONTRACT, SFREQ, _TwoDimensional
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import coherence, csd, welch
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator
from two_dimensional import assert_passes_checks

from neurodec.decoders import load_pipeline
from neurodec.features import (
    BandPower,
    NodeStrength,
    R2Selection,
    band_power,
    node_strength,
    r2_map,
)

RNG = np.random.default_rng(0)
NOISE = RNG.standard_normal((6, 4, 512))
POWER, STRENGTH = BandPower(sfreq=SFREQ), NodeStrength(sfreq=SFREQ)
each_estimator = pytest.mark.parametrize("estimator", [POWER, STRENGTH], ids=repr)


def make_coupled(n_trials=80, delay=6, seed=0):
    """One rhythm in two channels, a quarter of a cycle apart in class "b" alone."""
    rng = np.random.default_rng(seed)
    y = np.array(["a", "b"])[np.arange(n_trials) % 2]
    X = rng.standard_normal((n_trials, 4, 512))
    shared = rng.standard_normal((n_trials, 512 + delay))
    other = rng.standard_normal((n_trials, 512))
    X[:, 0] += 2 * shared[:, delay:]
    # The same power in both classes, so that only the coupling differs.
    X[:, 1] += 2 * np.where((y == "b")[:, None], shared[:, :512], other)
    return X, y


@each_estimator
@pytest.mark.parametrize("check", CONTRACT)
def test_contract(check, estimator):
    check(clone(estimator), "LeftRightImagery")


class BandPower2D(_TwoDimensional, BandPower):
    pass


def test_scikit_learns_checks():
    assert_passes_checks(BandPower2D(sfreq=SFREQ))
    check_estimator(R2Selection(n_features=1))


def test_power_is_welchs():
    found = band_power(NOISE, SFREQ, [(8, 12), (16, 32)], window=0.5)
    frequencies, density = welch(
        NOISE, SFREQ, np.hanning(128), 128, 64, detrend=False, scaling="spectrum"
    )
    for i, (low, high) in enumerate([(8, 12), (16, 32)]):
        inside = (frequencies >= low) & (frequencies <= high)
        expected = np.log(density[..., inside].mean(axis=-1))
        # The same spectrum but for its scale.
        difference = found[..., i] - expected
        assert_allclose(difference, difference[0, 0], atol=1e-9)


@pytest.mark.parametrize("method", ["coherence", "imaginary"])
def test_strength_is_the_sum_of_scipys_coherence(method):
    found = node_strength(NOISE, SFREQ, [(8, 30)], window=0.25, method=method)
    expected = np.zeros((6, 4))
    settings = dict(fs=SFREQ, window=np.hanning(64), noverlap=32, detrend=False)
    for i in range(4):
        for j in set(range(4)) - {i}:
            a, b = NOISE[:, i], NOISE[:, j]
            if method == "coherence":
                frequencies, pair = coherence(a, b, **settings)
            else:
                frequencies, cross = csd(a, b, **settings)
                power = csd(a, a, **settings)[1].real * csd(b, b, **settings)[1].real
                pair = np.abs(cross.imag) / np.sqrt(power)
            inside = (frequencies >= 8) & (frequencies <= 30)
            expected[:, i] += pair[:, inside].mean(axis=-1)
    assert_allclose(found[..., 0], expected, 1e-9)


def test_imaginary_coherence_does_not_see_instantaneous_mixing():
    source = np.random.default_rng(1).standard_normal((5, 1, 2000))
    X = np.array([[1.0], [0.5], [2.0]]) * source
    mixed = node_strength(X + 1e-9 * RNG.standard_normal(X.shape), SFREQ)
    assert mixed.max() < 1e-6
    assert node_strength(X, SFREQ, method="coherence").min() > 1.99


def test_coupling_is_found_and_the_right_channels_are_chosen():
    X, y = make_coupled()
    r2 = r2_map(node_strength(X, SFREQ), y)
    assert set(np.argsort(r2.max(axis=1))[-2:]) == {0, 1}
    assert r2.max() > 0.3
    assert r2_map(band_power(X, SFREQ), y).max() < 0.15
    pipeline = load_pipeline("coherence-lda").set_params(nodestrength__sfreq=SFREQ)
    assert cross_val_score(pipeline, X, y, scoring="roc_auc").mean() > 0.9


def test_r2_is_the_squared_correlation_and_ranks_as_the_f_test():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 30)), np.repeat([3, 8], [15, 25])
    X[:, 4] += 0.3 * y
    expected = [np.corrcoef(x, y)[0, 1] ** 2 for x in X.T]
    assert_allclose(r2_map(X, y), expected, 1e-10)
    assert_allclose(
        r2_map(X, y, signed=True), np.sign(np.corrcoef(X.T, y)[-1, :-1]) * expected
    )
    chosen = R2Selection(7).fit(X, y).get_support()
    assert_array_equal(chosen, SelectKBest(f_classif, k=7).fit(X, y).get_support())
    three = np.arange(40) % 3
    chosen = R2Selection(7).fit(X, three).get_support()
    assert_array_equal(chosen, SelectKBest(f_classif, k=7).fit(X, three).get_support())


def test_a_constant_feature_explains_nothing():
    X = np.random.default_rng(0).standard_normal((10, 3))
    X[:, 1] = 0.1
    assert r2_map(X, [1, 2] * 5)[1] == 0


def test_selection_inside_the_folds_is_honest_and_outside_is_not():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 2000)), np.arange(60) % 2
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    honest = cross_val_score(make_pipeline(R2Selection(10), lda), X, y).mean()
    leaky = cross_val_score(lda, R2Selection(10).fit_transform(X, y), y).mean()
    assert abs(honest - 0.5) < 0.2
    assert leaky > 0.8

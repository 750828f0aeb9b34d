"""Noise normalisation: published formula, domains, routing, contract, bad input."""

import numpy as np
import pytest
from contract import CONTRACT, _TwoDimensional, make_easy
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import fractional_matrix_power
from sklearn import config_context
from sklearn.base import clone
from sklearn.covariance import ledoit_wolf, oas, shrunk_covariance
from sklearn.discriminant_analysis import _cov
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from neurodec.features import LogVariance
from neurodec.preprocessing import (
    NoiseNormalisation,
    noise_covariance,
    noise_normalisation,
    whitening_matrix,
)
from neurodec.preprocessing._shrinkage import shrunk_covariances


def make_noise(n_trials=30, n_channels=6, n_times=40, seed=0, scale=1e-6):
    """Trials of correlated noise, unequal by channel; twelve conditions."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((n_channels, n_channels)) * rng.uniform(
        0.2, 5, (n_channels, 1)
    )
    X = scale * mixing @ rng.standard_normal((n_trials, n_channels, n_times))
    return X + 10 * scale * rng.standard_normal((n_trials, n_channels, 1))


X = make_noise()
Y = np.arange(30) % 4  # Unequal conditions: averages within and over differ.


REFERENCES = {
    "auto": lambda samples: _cov(samples, "auto"),
    "ledoit_wolf": lambda samples: ledoit_wolf(samples)[0],
    "oas": lambda samples: oas(samples)[0],
    0.3: lambda samples: shrunk_covariance(np.cov(samples.T, bias=True), 0.3),
}


@pytest.mark.parametrize("shrinkage", REFERENCES)
@pytest.mark.parametrize("n_times", [5, 40, 400])
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e-13])
def test_each_covariance_is_scikit_learns(shrinkage, n_times, scale):
    samples = make_noise(8, 6, n_times, scale=scale).swapaxes(1, 2)
    got = shrunk_covariances(samples, shrinkage)
    wanted = np.array([REFERENCES[shrinkage](each) for each in samples])
    assert_allclose(got, wanted, rtol=1e-10, atol=1e-10 * np.abs(wanted).max())


@pytest.mark.parametrize("shrinkage", ["auto", "ledoit_wolf", "oas"])
def test_shrinkage_at_its_ends(shrinkage):
    rng = np.random.default_rng(0)
    one = rng.standard_normal((3, 50, 1))
    assert_allclose(shrunk_covariances(one, shrinkage)[:, 0, 0], one.var(axis=(1, 2)))
    pair = rng.standard_normal((1, 2, 5))  # Two samples: shrunk to the identity.
    assert_allclose(
        shrunk_covariances(pair, shrinkage)[0], REFERENCES[shrinkage](pair[0])
    )
    still = shrunk_covariances(np.ones((2, 9, 3)), shrinkage)
    assert np.isfinite(still).all()


def published(X, y, method):
    """As in the authors' example, trial by trial and sample by sample."""
    of_conditions = []
    for condition in np.unique(y):
        trials = X[y == condition]
        if method == "time":
            sigmas = [_cov(trials[:, :, t], "auto") for t in range(X.shape[2])]
        else:
            sigmas = [_cov(trial.T, "auto") for trial in trials]
        of_conditions.append(np.mean(sigmas, axis=0))
    sigma = np.mean(of_conditions, axis=0)
    inverse = fractional_matrix_power(sigma, -0.5)
    return sigma, (X.swapaxes(1, 2) @ inverse).swapaxes(1, 2)


@pytest.mark.parametrize("method", ["epoch", "time"])
def test_the_published_formula(method):
    sigma, whitened = published(X, Y, method)
    assert_allclose(noise_covariance(X, Y, method), sigma, rtol=1e-10)
    got = NoiseNormalisation(method=method).fit(X, Y).transform(X)
    assert_allclose(got, whitened, rtol=0, atol=1e-9 * np.abs(whitened).max())
    without = noise_covariance(X, None, method)
    assert_allclose(without, published(X, np.zeros(30), method)[0], rtol=1e-10)
    assert not np.allclose(without, sigma, rtol=1e-3, atol=0)


@pytest.mark.parametrize("method", ["epoch", "time"])
def test_blocks_change_nothing(method, monkeypatch):
    whole = NoiseNormalisation(method=method).fit(X, Y)
    expected = whole.transform(X)
    monkeypatch.setattr(noise_normalisation, "_BLOCK", 7 * 6 * 40)
    got = NoiseNormalisation(method=method).fit(X, Y)
    assert_allclose(got.whitener_, whole.whitener_, rtol=1e-12)
    assert_allclose(got.transform(X), expected, rtol=0, atol=1e-12 * expected.max())


def test_noise_becomes_white():
    many = make_noise(200, 6, 100)
    white = NoiseNormalisation(shrinkage=0.0).fit(many[:100]).transform(many[100:])
    centred = white - white.mean(axis=-1, keepdims=True)
    covariance = np.cov(np.concatenate(centred, axis=1))
    assert_allclose(covariance, np.eye(6), atol=0.05)


@pytest.mark.parametrize("scale", [1e-6, 1e-13, 1e-15])
def test_single_precision_stays_and_is_right(scale):
    double = make_noise(scale=scale)
    single = double.astype(np.float32)
    expected = NoiseNormalisation().fit_transform(double)
    got = NoiseNormalisation().fit_transform(single)
    assert got.dtype == np.float32
    assert_allclose(got, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_inverse_square_root():
    covariance = noise_covariance(X)
    whitener = whitening_matrix(covariance)
    assert_allclose(whitener, whitener.T)
    assert_allclose(whitener @ covariance @ whitener, np.eye(6), atol=1e-10)
    assert_allclose(whitener, fractional_matrix_power(covariance, -0.5), rtol=1e-8)


# Domains

SESSION = np.repeat(["a", "b", "c"], 10)
DAYS = np.concatenate([X[:10], 4 * X[10:20], X[20:] * np.arange(1, 7)[:, None]])


def test_each_session_has_its_own_whitener():
    fitted = NoiseNormalisation().fit(DAYS, Y, domains=SESSION)
    got = fitted.transform(DAYS, domains=SESSION)
    for name in "abc":
        here = SESSION == name
        alone = NoiseNormalisation().fit(DAYS[here], Y[here])
        assert_allclose(fitted.whiteners_[name], alone.whitener_, rtol=1e-12)
        assert_allclose(got[here], alone.transform(DAYS[here]), rtol=1e-9)
    both = clone(fitted).fit_transform(DAYS, Y, domains=SESSION)
    assert_array_equal(both, got)


def test_an_unseen_session_gets_the_mean_of_training():
    train, test = SESSION != "c", SESSION == "c"
    fitted = NoiseNormalisation().fit(DAYS[train], Y[train], domains=SESSION[train])
    mean = np.mean(
        [noise_covariance(DAYS[SESSION == s], Y[SESSION == s]) for s in "ab"], axis=0
    )
    assert_allclose(fitted.whitener_, whitening_matrix(mean), rtol=1e-9)
    unseen = fitted.transform(DAYS[test], domains=SESSION[test])
    assert_array_equal(unseen, fitted.transform(DAYS[test]))
    assert_allclose(unseen, fitted.whitener_ @ DAYS[test], rtol=1e-12)
    # Its own trials, and those beside them, change nothing.
    loud = np.concatenate([DAYS[test][:1], 50 * DAYS[train]])
    among = fitted.transform(loud, domains=["c", *SESSION[train]])
    assert_allclose(among[0], unseen[0], rtol=1e-12)


def test_subject_and_session_in_two_columns():
    columns = np.column_stack([np.repeat(["1", "2"], 15), np.tile(["0", "1", "2"], 10)])
    joined = ["-".join(row) for row in columns]
    got = NoiseNormalisation().fit_transform(X, Y, domains=columns)
    assert_array_equal(got, NoiseNormalisation().fit_transform(X, Y, domains=joined))


def test_a_pipeline_hands_on_domains():
    pipeline = make_pipeline(NoiseNormalisation(), LogVariance())
    alone = LogVariance().fit_transform(
        NoiseNormalisation().fit_transform(DAYS, Y, domains=SESSION)
    )
    with config_context(enable_metadata_routing=True):
        fitted = pipeline.fit(DAYS, Y, domains=SESSION)
        assert_array_equal(fitted.transform(DAYS, domains=SESSION), alone)
    whole = make_pipeline(NoiseNormalisation(), LogVariance()).fit(DAYS, Y)
    assert not np.allclose(whole.transform(DAYS), alone, rtol=1e-2)


# The contract


@pytest.mark.parametrize("method", ["epoch", "time"])
@pytest.mark.parametrize("check", CONTRACT)
def test_contract(check, method):
    check(NoiseNormalisation(method=method), "LeftRightImagery")


class NoiseNormalisation2D(_TwoDimensional, NoiseNormalisation):
    """NoiseNormalisation of rows."""

    def fit_transform(self, X, y=None):
        return self.fit(X, y).transform(X)


def test_scikit_learn_checks():
    expected = {
        "check_estimators_dtypes": "rounded to integers, a row of its data is constant",
        "check_fit2d_1feature": "a signal of one sample is constant",
    }
    results = check_estimator(
        NoiseNormalisation2D(),
        expected_failed_checks=expected,
        on_skip=None,
        on_fail=None,
    )
    failed = [r for r in results if r["status"] == "failed"]
    assert not failed, failed
    xfailed = {
        r["check_name"]: str(r["exception"]) for r in results if r["status"] == "xfail"
    }
    assert xfailed.keys() == expected.keys()
    assert all("is constant" in said for said in xfailed.values())


def test_labels_of_a_fit_change_no_single_trial():
    easy, y = make_easy("P300")
    fitted = NoiseNormalisation().fit(easy, y)
    other = NoiseNormalisation().fit(easy, y[::-1])
    assert not np.allclose(fitted.whitener_, other.whitener_, rtol=1e-6, atol=0)
    assert_allclose(fitted.transform(easy), fitted.whitener_ @ easy)


def test_average_reference_needs_shrinkage():
    averaged = X - X.mean(axis=1, keepdims=True)
    with pytest.raises(ValueError, match="rank 5 of 6; average reference.*'oas' or"):
        NoiseNormalisation(shrinkage=0.0).fit(averaged)
    white = NoiseNormalisation(shrinkage="oas").fit_transform(averaged)
    assert np.isfinite(white).all()

"""Functions of positive definite matrices: pyRiemann's numbers, the geometry's laws."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pyriemann.geometry import covariance, distance, mean, median, tangentspace
from scipy.signal import butter, sosfiltfilt
from sklearn.exceptions import ConvergenceWarning

from neurodec import spd
from neurodec.spd._threads import limit_threads, n_threads
from neurodec.spd.covariance import ESTIMATORS
from neurodec.spd.distances import METRICS
from neurodec.spd.means import MEANS

QUICK = settings(max_examples=15, deadline=None, derandomize=True)


def random_matrices(seed, n_matrices, n, spread=0.5, condition=100.0):
    """Positive definite matrices around one of a given condition."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((n, n)))[0]
    half = axes * np.sqrt(np.geomspace(1, condition, n))
    noise = spread * rng.standard_normal((n_matrices, n, n)) / np.sqrt(n)
    values, vectors = np.linalg.eigh(noise + noise.transpose(0, 2, 1))
    near_one = (vectors * np.exp(values)[:, None, :]) @ vectors.transpose(0, 2, 1)
    return half @ near_one @ half.T


@st.composite
def sets(draw):
    """Sets of matrices over sizes, dispersions, conditions; and weights."""
    n_matrices = draw(st.integers(1, 12))
    X = random_matrices(
        draw(st.integers(0, 2**16)),
        n_matrices,
        draw(st.integers(1, 9)),
        draw(st.sampled_from([0.01, 0.3, 1.0])),
        draw(st.sampled_from([1.0, 100.0, 1e5])),
    )
    weights = draw(
        st.lists(st.floats(0.1, 10), min_size=n_matrices, max_size=n_matrices)
    )
    return X, np.array(weights)


def relative(actual, expected):
    return np.abs(actual - expected).max() / np.abs(expected).max()


# --- covariances --------------------------------------------------------------


@QUICK
@given(
    seed=st.integers(0, 2**16),
    shape=st.tuples(st.integers(1, 7), st.integers(2, 8), st.integers(3, 60)),
    estimator=st.sampled_from(list(ESTIMATORS)),
)
def test_covariances_are_pyriemanns(seed, shape, estimator):
    rng = np.random.default_rng(seed)
    X = 1e-5 * rng.standard_normal(shape) * rng.uniform(0.1, 3, (1, shape[1], 1)) + 1e-4
    expected = covariance.covariances(X, estimator)
    assert_allclose(
        spd.covariances(X, estimator), expected, 1e-9, 1e-9 * np.abs(expected).max()
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_covariances_in_torch_in_single_precision_and_in_any_shape(estimator):
    X = np.random.default_rng(0).standard_normal((6, 4, 50))
    expected = spd.covariances(X, estimator)
    assert_allclose(spd.covariances(torch.from_numpy(X), estimator).numpy(), expected)
    single = spd.covariances(X.astype(np.float32), estimator)
    assert single.dtype == np.float32
    assert_allclose(single, expected, 1e-4, 1e-5)
    folded = spd.covariances(X.reshape(2, 3, 4, 50), estimator)
    assert_allclose(folded, expected.reshape(2, 3, 4, 4), 1e-12, 1e-14)
    assert_allclose(spd.covariances(X[0], estimator), expected[0], 1e-12, 1e-14)


def test_shrunk_covariances_survive_an_average_reference():
    X = np.random.default_rng(0).standard_normal((4, 8, 100))
    X -= X.mean(axis=1, keepdims=True)
    for estimator in ("oas", "lwf", "sch"):
        assert np.linalg.eigvalsh(spd.covariances(X, estimator)).min() > 1e-6
    with pytest.raises(ValueError, match="matrix 0 has rank 7 of 8.*estimator='oas'"):
        spd.logm(spd.covariances(X, "scm"))


# --- functions ----------------------------------------------------------------


@QUICK
@given(case=sets(), power=st.floats(-1.5, 1.5))
def test_functions_undo_each_other(case, power):
    X, _ = case
    assert relative(spd.sqrtm(X) @ spd.sqrtm(X), X) < 1e-9
    assert relative(spd.expm(spd.logm(X)), X) < 1e-9
    eye = np.broadcast_to(np.eye(X.shape[-1]), X.shape)
    root = spd.invsqrtm(X)
    # Rounding grows with the condition.
    assert_allclose(root @ X @ root, eye, 0, 1e-12 * np.linalg.cond(X).max())
    raised, lowered = spd.powm(X, power), spd.powm(X, -power)
    assert_allclose(raised @ lowered, eye, 0, 1e-12 * np.linalg.cond(raised).max())


def test_nearest_spd_leaves_good_matrices_and_mends_others():
    X = random_matrices(0, 5, 4)
    assert_allclose(spd.nearest_spd(X), X, 1e-10)
    broken = X.copy()
    broken[2] -= 5 * np.eye(4)
    mended = spd.nearest_spd(broken, floor=1e-3)
    values = np.linalg.eigvalsh(mended)
    assert (values[:, 0] >= 0.999e-3 * values[:, -1]).all()
    # No matrix of a random search with such eigenvalues is nearer.
    rng = np.random.default_rng(0)
    best = np.linalg.norm(mended[2] - broken[2])
    for _ in range(200):
        other = spd.nearest_spd(mended[2] + 0.1 * rng.standard_normal((4, 4)), 1e-3)
        assert np.linalg.norm(other - broken[2]) >= best - 1e-3


# --- distances and tangent space ----------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@QUICK
@given(case=sets())
def test_distances_are_pyriemanns(metric, case):
    X, _ = case
    expected = distance.distance(X, X[0], metric=metric).ravel()
    # The root of a rounded zero: compare squares, on the scale of the matrices.
    scale = max(1.0, np.abs(X).max() ** 2, expected.max() ** 2)
    found = spd.distance(X, X[0], metric, squared=True)
    assert_allclose(found, expected**2, 1e-6, 1e-9 * scale)


@QUICK
@given(case=sets())
def test_riemannian_distance_knows_no_basis_and_no_inverse(case):
    X, _ = case
    n = X.shape[-1]
    G = np.eye(n) + 0.3 * np.random.default_rng(0).standard_normal((n, n)) / n
    plain = spd.distance(X, X[0])
    assert_allclose(spd.distance(G @ X @ G.T, G @ X[0] @ G.T), plain, 1e-6, 1e-6)
    inverse = np.linalg.inv(X)
    assert_allclose(spd.distance(inverse, inverse[0]), plain, 1e-6, 1e-6)


@pytest.mark.parametrize("metric", ["riemann", "logeuclid", "logchol", "euclid"])
def test_tangent_space_is_pyriemanns_and_leads_back(metric):
    X = random_matrices(1, 9, 6)
    reference = X.mean(axis=0)
    vectors = spd.tangent_space(X, reference, metric)
    expected = tangentspace.tangent_space(X, reference, metric=metric)
    assert_allclose(vectors, expected, 1e-9, 1e-9)
    assert_allclose(spd.untangent_space(vectors, reference, metric), X, 1e-8, 1e-8)
    logs = spd.log_map(X, reference, metric)
    assert_allclose(spd.exp_map(logs, reference, metric), X, 1e-8, 1e-8)
    moved = spd.transport(X, reference, X[0], metric)
    expected = tangentspace.transport(X, reference, X[0], metric=metric)
    assert_allclose(moved, expected, 1e-9, 1e-9)


@QUICK
@given(case=sets())
def test_length_of_a_tangent_vector_is_the_distance(case):
    X, _ = case
    lengths = np.linalg.norm(spd.tangent_space(X, X[0]), axis=1)
    assert_allclose(lengths, spd.distance(X, X[0]), 1e-6, 1e-6)


def test_transport_keeps_distances():
    X = random_matrices(2, 5, 4)
    moved = spd.transport(X, X[0], X[1])
    assert_allclose(spd.distance(moved, moved[2]), spd.distance(X, X[2]), 1e-9, 1e-9)
    assert_allclose(moved[0], X[1], 1e-9)


# --- means --------------------------------------------------------------------


@pytest.mark.parametrize("metric", MEANS)
@QUICK
@given(case=sets())
def test_means_are_pyriemanns(metric, case):
    X, weights = case
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = spd.gmean(X, metric, weights, maxiter=500)
    if metric in ("riemann", "wasserstein"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                expected = mean.gmean(
                    X, metric=metric, sample_weight=weights, maxiter=500
                )
        except UserWarning:  # pyRiemann's does not converge on every set.
            return
    else:
        expected = mean.gmean(X, metric=metric, sample_weight=weights)
    assert relative(found, expected) < 1e-6


@QUICK
@given(case=sets())
def test_gradient_of_the_riemannian_mean_vanishes(case):
    X, weights = case
    center = spd.gmean(X, sample_weight=weights)
    half = spd.invsqrtm(center)
    logs = tangentspace.logm(half @ X @ half)
    gradient = np.tensordot(weights / weights.sum(), logs, axes=1)
    assert np.linalg.norm(gradient) < 1e-6


@QUICK
@given(case=sets())
def test_laws_of_the_riemannian_mean(case):
    X, weights = case
    n = X.shape[-1]
    center = spd.gmean(X, sample_weight=weights)
    G = np.eye(n) + 0.3 * np.random.default_rng(0).standard_normal((n, n)) / n
    assert (
        relative(spd.gmean(G @ X @ G.T, sample_weight=weights), G @ center @ G.T) < 1e-6
    )
    inverse = spd.gmean(np.linalg.inv(X), sample_weight=weights)
    assert relative(inverse, np.linalg.inv(center)) < 1e-6
    order = np.random.default_rng(1).permutation(len(X))
    assert relative(spd.gmean(X[order], sample_weight=weights[order]), center) < 1e-7
    assert relative(spd.gmean(3 * X, sample_weight=weights), 3 * center) < 1e-7


def test_mean_of_two_is_the_middle_of_the_geodesic():
    A, B = random_matrices(3, 2, 5)
    half, inverse = spd.sqrtm(A), spd.invsqrtm(A)
    middle = half @ spd.sqrtm(inverse @ B @ inverse) @ half
    assert_allclose(spd.gmean(np.stack([A, B])), middle, 1e-8, 1e-9)


def test_whole_weights_are_repetitions():
    X = random_matrices(4, 3, 4)
    expected = spd.gmean(X[[0, 1, 1, 2, 2, 2]])
    assert_allclose(spd.gmean(X, sample_weight=[1, 2, 3]), expected, 1e-9)


def test_robust_means_are_pulled_less_by_an_outlier():
    X = random_matrices(5, 30, 4, spread=0.2)
    spoiled = np.concatenate([X, 1e4 * X[:2]])
    clean = spd.gmean(X)
    moved = {
        kind: float(spd.distance(spd.gmean(spoiled, robust=kind), clean))
        for kind in (None, "huber", "median")
    }
    assert moved["huber"] < moved[None] / 3
    assert moved["median"] < moved[None] / 3
    expected = median.median_riemann(spoiled, tol=1e-9, maxiter=500)
    assert_allclose(spd.gmean(spoiled, robust="median"), expected, 1e-5)


def test_mean_converges_where_pyriemanns_does_not():
    # Delay-embedded covariances of band-passed signals: hardly invertible.
    rng = np.random.default_rng(0)
    band = butter(4, [8, 35], "band", fs=250, output="sos")
    signals = sosfiltfilt(band, rng.standard_normal((40, 3, 630)))[..., 50:]
    windows = [signals[..., lag : lag + 500] for lag in range(10)]
    X = spd.covariances(np.concatenate(windows, axis=1))
    with pytest.warns(UserWarning, match="not reached"):
        mean.gmean(X, metric="riemann")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        center = spd.gmean(X)
    half = spd.invsqrtm(center)
    gradient = tangentspace.logm(half @ X @ half).mean(axis=0)
    assert np.linalg.norm(gradient) < 1e-6


def test_mean_that_cannot_converge_says_why():
    X = random_matrices(6, 20, 6, spread=1.0)
    with pytest.warns(ConvergenceWarning, match=r"gradient .* after 1 steps.*maxiter"):
        spd.gmean(X, maxiter=1)
    with pytest.warns(ConvergenceWarning, match="rounding allows no less.*condition"):
        spd.gmean(X.astype(np.float32), tol=1e-14)


# --- arrays, threads ----------------------------------------------------------


def calls(X, weights):
    return {
        "sqrtm": spd.sqrtm(X),
        "logm": spd.logm(X),
        "tangent": spd.tangent_space(X, X[0]),
        **{f"mean {m}": spd.gmean(X, m, weights) for m in MEANS},
        **{f"distance {m}": spd.distance(X, X[0], m) for m in METRICS},
        "robust": spd.gmean(X, robust="huber"),
        "nearest": spd.nearest_spd(X),
    }


def test_torch_and_numpy_agree():
    X, weights = random_matrices(7, 8, 5), np.arange(1.0, 9.0)
    expected = calls(X, weights)
    for name, found in calls(torch.from_numpy(X), torch.from_numpy(weights)).items():
        assert isinstance(found, torch.Tensor), name
        assert found.dtype == torch.float64
        # A distance to itself is the root of a rounded zero.
        assert_allclose(found.numpy(), expected[name], 1e-7, 1e-6, err_msg=name)


def test_single_precision_stays_and_is_near():
    X = random_matrices(8, 8, 5, condition=10.0)
    expected = spd.gmean(X)
    for single in (X.astype(np.float32), torch.from_numpy(X).float()):
        found = spd.gmean(single, tol=1e-5)
        assert found.dtype == single.dtype
        assert_allclose(np.asarray(found), expected, 1e-3, 1e-4)


def test_threads_change_no_number():
    X = random_matrices(9, 60, 30)
    signals = np.random.default_rng(0).standard_normal((300, 20, 200))
    with limit_threads(1):
        alone = (
            spd.gmean(X),
            spd.tangent_space(X, X[0]),
            spd.covariances(signals, "oas"),
        )
    with limit_threads(3):
        many = spd.gmean(X), spd.tangent_space(X, X[0]), spd.covariances(signals, "oas")
    assert_allclose(many[0], alone[0], 1e-9)  # Sums in another order.
    assert_array_equal(many[1], alone[1])
    assert_array_equal(many[2], alone[2])


def test_no_threads_in_workers():
    code = """
import joblib
from neurodec.spd._threads import n_threads
if __name__ == "__main__":
    for backend in ("loky", "threading"):
        found = joblib.Parallel(2, backend=backend)(
            joblib.delayed(n_threads)() for _ in range(4)
        )
        assert set(found) == {1}, (backend, found)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    with limit_threads(5):
        assert n_threads() == 5


def test_inputs_are_left_alone():
    X = random_matrices(10, 6, 4)
    before = X.copy()
    X.flags.writeable = False
    calls(X, np.ones(6))
    assert_array_equal(X, before)

"""Noise, envelopes, dipoles and blinks of the simulators."""

import mne
import numpy as np
import pytest
from mne.time_frequency import psd_array_welch
from scipy.linalg import toeplitz

from neurodec.datasets import _sources
from neurodec.datasets.simulated import series


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_noise_has_the_slope_and_the_density_asked_for(slope):
    rng = np.random.default_rng(0)

    def density(freqs):
        return series.power_law(freqs, slope)

    noise = series.shaped_noise(density, 8, 40_000, 200.0, rng)
    psd, freqs = psd_array_welch(noise, 200.0, 4, 60, n_fft=1000, verbose=False)
    fit = np.polyfit(np.log(freqs), np.log(psd.mean(axis=0)), 1)
    assert fit[0] == pytest.approx(-slope, abs=0.05)
    np.testing.assert_allclose(psd.mean(axis=0), density(freqs), rtol=0.3)


@pytest.mark.parametrize("n_times", [200, 211])
def test_autocovariance_is_that_of_the_noise(n_times):
    """The mean over many series; a length that the transform likes and a prime."""
    rng = np.random.default_rng(0)

    def density(freqs):
        return series.power_law(freqs) + series.rhythm(freqs, 9.0, 1.0)

    noise = series.shaped_noise(density, 40_000, n_times, 100.0, rng)
    window = noise[:, 30:60]
    lags = series.autocovariance(density, n_times, 100.0, 30)
    tolerance = 6 * lags[0] / np.sqrt(len(noise))
    covariance = window.T @ window / len(noise)
    np.testing.assert_allclose(covariance, toeplitz(lags), atol=tolerance)
    np.testing.assert_allclose(window.mean(axis=0), 0, atol=tolerance)


def test_noise_series_are_independent_and_any_length_is_met():
    rng = np.random.default_rng(0)
    for n_times in (997, 1000, 1001):
        noise = series.shaped_noise(series.power_law, 3, n_times, 100.0, rng)
        assert noise.shape == (3, n_times)
    noise = series.shaped_noise(np.ones_like, 5, 50_000, 100.0, rng)
    off_diagonal = np.corrcoef(noise)[np.triu_indices(5, 1)]
    assert np.abs(off_diagonal).max() < 4 / np.sqrt(50_000)


def test_rhythm_keeps_to_its_band():
    rng = np.random.default_rng(0)

    def power(freqs):
        return series.rhythm(freqs, 11.0, 1.0)

    noise = series.shaped_noise(power, 4, 20_000, 128.0, rng)
    psd, freqs = psd_array_welch(noise, 128.0, n_fft=512, verbose=False)
    mean = np.average(freqs, weights=psd.mean(axis=0))
    spread = np.sqrt(np.average((freqs - mean) ** 2, weights=psd.mean(axis=0)))
    assert (mean, spread) == (pytest.approx(11, abs=0.1), pytest.approx(1, abs=0.15))


def test_envelope_has_the_depth_and_timing_asked_for():
    envelope = series.erd_envelope(1200, [200, 700], [0.75, 0.19], 3.0, 100.0)
    power = envelope**2
    # Rest, the half second before the fall, trial, recovery, second trial.
    for start, stop, value in [
        (0, 251, 1.0),
        (300, 501, 0.25),
        (550, 751, 1.0),
        (800, 1001, 0.81),
        (1050, 1200, 1.0),
    ]:
        np.testing.assert_allclose(power[start:stop], value, atol=1e-12)
    assert power[275] == pytest.approx(1 - 0.75 / 2)
    assert power[525] == pytest.approx(1 - 0.75 / 2)
    assert np.all(np.diff(power[250:301]) <= 0)


@pytest.mark.parametrize(
    ("onsets", "depths", "message"),
    [
        ([100], [1.2], r"depth 1\.2 is not within 0 and 1"),
        ([100], [np.nan], "depth nan is not within 0 and 1"),
        ([100, 300], [0.5, 0.5], "200 samples apart .* takes 250"),
    ],
)
def test_envelope_refuses_what_has_no_amplitude(onsets, depths, message):
    with pytest.raises(ValueError, match=message):
        series.erd_envelope(1000, onsets, depths, 2.0, 100.0)


def _some_dipoles(n_sources=6):
    rng = np.random.default_rng(3)
    directions, orientations = rng.standard_normal((2, n_sources, 3))
    directions[:, 2] = np.abs(directions[:, 2])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    orientations /= np.linalg.norm(orientations, axis=1, keepdims=True)
    return _sources.head_model()["r0"] + 0.06 * directions, orientations


def test_leadfield_equals_mne_forward_of_the_same_dipoles():
    positions, orientations = _some_dipoles()
    names = ["C3", "Cz", "C4", "Oz"]
    info = mne.create_info(names, 100.0, "eeg")
    info.set_montage(_sources.standard_montage())
    count = len(positions)
    dipoles = mne.Dipole(
        np.arange(count) / 100.0,
        positions,
        np.ones(count),
        orientations,
        np.full(count, 100.0),
    )
    forward, _ = mne.make_forward_dipole(
        dipoles, _sources.head_model(), info, verbose=False
    )
    gain = _sources.leadfield(positions, orientations, names)
    np.testing.assert_allclose(gain, forward["sol"]["data"], rtol=1e-4, atol=1e-3)
    turned = _sources.leadfield(positions, -orientations, names)
    np.testing.assert_allclose(turned, -gain, rtol=1e-6)


def test_leadfield_refuses_a_source_outside_the_brain():
    positions, orientations = _some_dipoles()
    positions[4] += 0.05 * (positions[4] - _sources.head_model()["r0"]) / 0.06
    with pytest.raises(ValueError, match=r"source 4 lies 110\.0 mm .* move it inwards"):
        _sources.leadfield(positions, orientations, ["Cz"])


def test_blinks_fade_from_the_forehead_backwards():
    share = _sources.blink_reach(["Fpz", "Fz", "Cz", "Oz"])
    assert np.all(np.diff(share) < 0)
    assert 0 < share[-1] and share[0] < 1


def test_three_axes_of_a_source_give_every_orientation():
    positions, orientations = _some_dipoles()
    names = ["C3", "Cz", "C4", "Oz"]
    free = _sources.leadfield(positions, None, names)
    gain = _sources.leadfield(positions, orientations, names)
    np.testing.assert_allclose(np.sum(free * orientations, axis=-1), gain, rtol=1e-9)

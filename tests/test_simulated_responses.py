"""Simulated evoked and steady-state responses hold the truth that they claim."""

import mne
import numpy as np
import pytest
from mne.time_frequency import psd_array_welch
from sklearn.metrics import roc_auc_score

from neurodec.datasets import make_erp, make_ssvep

QUIET = {"line_noise": 0, "blink_rate": 0}


def _same(first, second):
    return all(
        np.array_equal(raw.get_data(), second.recordings[subject][session].get_data())
        for subject, sessions in first.recordings.items()
        for session, raw in sessions.items()
    )


# Evoked responses


@pytest.fixture(scope="module")
def loud():
    """Responses far above the background, whose averages show the truth."""
    simulation = make_erp(3, 1, 120, target_share=0.5, snr=5.0, **QUIET)
    return simulation, simulation.trials({"resample": None, "band": [0.5, 30]})


def test_stimuli_share_and_intervals():
    simulation = make_erp(1, 2, 150, target_share=0.3)
    assert simulation.priors == pytest.approx((0.7, 0.3))
    for raw in simulation.recordings[1].values():
        events = mne.find_events(raw, "STI", verbose=False)
        assert np.bincount(events[:, 2]).tolist() == [0, 105, 45]
        gaps = np.diff(events[:, 0]) / raw.info["sfreq"]
        assert 0.98 < gaps.min() and gaps.max() < 1.32
        names = raw.annotations.description
        np.testing.assert_array_equal(names == "Target", events[:, 2] == 2)


def test_target_has_a_late_positive_wave_at_the_back_and_both_have_n1(loud):
    simulation, trials = loud
    times = trials.tmin + np.arange(trials.X.shape[2]) / trials.sfreq
    target = trials.y == "Target"
    difference = trials.X[target].mean(axis=0) - trials.X[~target].mean(axis=0)
    pz = trials.ch_names.index("Pz")
    assert 0.3 < times[np.argmax(difference[pz])] < 0.5
    late = (times > 0.35) & (times < 0.45)
    strength = difference[:, late].mean(axis=1)
    assert trials.ch_names[np.argmax(strength)] in ("Pz", "CPz", "POz", "P3", "P4")
    sides = [trials.ch_names.index(name) for name in ("PO7", "PO8")]
    for part in (target, ~target):
        early = trials.X[part][:, sides].mean(axis=(0, 1))
        assert 0.13 < times[np.argmin(early)] < 0.21


def test_latency_jitter_widens_the_average():
    widths = []
    for jitter in (0.0, 0.05):
        simulation = make_erp(
            1, 1, 200, target_share=0.5, snr=5.0, jitter=jitter, **QUIET
        )
        trials = simulation.trials({"resample": None})
        target = trials.y == "Target"
        pz = trials.ch_names.index("Pz")
        wave = (trials.X[target].mean(axis=0) - trials.X[~target].mean(axis=0))[pz]
        widths.append(np.sum(wave > wave.max() / 2))
    assert widths[1] > widths[0]


def test_responses_do_not_reach_the_next_trial(loud):
    simulation, _ = loud
    for sessions in simulation._truths.values():
        for truth in sessions.values():
            classes = truth.responses()
            mean = classes[1][2].mean
            assert np.abs(mean[:, -5:]).max() < 1e-3 * np.abs(mean).max()
            assert np.abs(mean[:, :5]).max() < 1e-3 * np.abs(mean).max()


# Steady-state responses


@pytest.fixture(scope="module")
def flicker():
    return make_ssvep(2, 1, 30, snr=0.5, **QUIET)


def test_power_stands_at_the_flicker_and_twice_that(flicker):
    trials = flicker.trials({"band": [1, 60], "tmin": 0.5, "tmax": 4.0 - 1 / 256})
    psd, freqs = psd_array_welch(
        trials.X, trials.sfreq, n_fft=512, n_per_seg=512, verbose=False
    )
    psd = psd.mean(axis=1)
    for name in flicker.classes:
        part = psd[trials.y == name].mean(axis=0)
        rest = psd[trials.y != name].mean(axis=0)
        for harmonic in (1, 2):
            line = np.argmin(np.abs(freqs - harmonic * float(name)))
            assert part[line] > 1.3 * rest[line]
        assert part[np.argmin(np.abs(freqs - float(name)))] > 4 * np.median(part)


@pytest.mark.parametrize("locking", [0.0, 0.5, 1.0])
def test_phase_is_locked_as_much_as_asked(locking):
    simulation = make_ssvep(1, 1, 120, snr=2.0, phase_locking=locking, **QUIET)
    trials = simulation.trials({"band": None, "tmin": 0.5, "tmax": 3.5 - 1 / 256})
    times = np.arange(trials.X.shape[2]) / trials.sfreq
    oz = trials.ch_names.index("Oz")
    shares = []
    for name in simulation.classes:
        wave = np.exp(-2j * np.pi * float(name) * times)
        z = trials.X[trials.y == name][:, oz] @ wave
        shares.append(np.abs(z.mean()) ** 2 / np.mean(np.abs(z) ** 2))
    assert np.mean(shares) == pytest.approx(locking, abs=0.12)


def test_classes_are_named_by_their_frequencies():
    simulation = make_ssvep(1, 1, 8, frequencies=[8.5, 10, 12, 15])
    assert simulation.classes == ("8.5", "10", "12", "15")
    assert sorted(simulation.trials().y) == sorted(2 * ["8.5", "10", "12", "15"])


# Both


@pytest.mark.parametrize(("make", "n_trials"), [(make_erp, 10), (make_ssvep, 6)])
def test_seeds_subjects_and_sessions(make, n_trials):
    size = {"n_trials": n_trials}
    both = make(2, 2, **size)
    assert _same(make(1, 1, **size), both)
    raws = [
        raw
        for seed in (0, 1)
        for sessions in make(2, 2, random_state=seed, **size).recordings.values()
        for raw in sessions.values()
    ]
    starts = {raw.get_data("eeg")[:, :10].tobytes() for raw in raws}
    assert len(starts) == 8


@pytest.mark.parametrize(("make", "n_trials"), [(make_erp, 10), (make_ssvep, 6)])
def test_snr_changes_the_response_and_nothing_else(make, n_trials):
    none, usual, loud = (
        make(1, 1, n_trials, snr=snr).recordings[1]["0"].get_data("eeg")
        for snr in (0, 0.5, 1.5)
    )
    np.testing.assert_allclose(loud - none, 3 * (usual - none), atol=1e-14)


def test_optimal_scores_of_the_defaults_are_sensible():
    """Decodable, not trivially: pipelines have room below and above chance."""
    simulation = make_erp(4, 1)
    trials = simulation.trials()
    assert (
        0.75 < roc_auc_score(trials.y, simulation.log_likelihood_ratio(trials)) < 0.98
    )
    simulation = make_ssvep(4, 1)
    trials = simulation.trials()
    chosen = simulation.predict_log_proba(trials).argmax(axis=1)
    assert 0.7 < np.mean(np.array(simulation.classes)[chosen] == trials.y) < 1


def test_a_ratio_of_three_classes_is_refused(flicker):
    with pytest.raises(ValueError, match="needs two classes, there are 3; use log_lik"):
        flicker.log_likelihood_ratio(flicker.trials())
    assert repr(flicker) == "<Simulation: 13, 17, 21; 2 subjects, 2 sessions>"

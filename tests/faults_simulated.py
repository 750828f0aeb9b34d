"""Faults of the simulators, of the model of rest and of the optimal decoder."""

import mne
import numpy as np

from neurodec.datasets import (
    fit_background,
    make_erp,
    make_motor_imagery,
    make_ssvep,
    trials_from_arrays,
)
from neurodec.datasets.simulated.simulation import Simulation

NAMES = mne.channels.make_standard_montage("standard_1020").ch_names[:20]


def imagery(**kwargs):
    return lambda d: make_motor_imagery(**{"n_subjects": 1, **kwargs})


def erp(**kwargs):
    return lambda d: make_erp(**{"n_subjects": 1, **kwargs})


def ssvep(**kwargs):
    return lambda d: make_ssvep(**{"n_subjects": 1, **kwargs})


def rest(names=NAMES, sfreq=128.0, seconds=30, value=None, **kwargs):
    def call(d):
        data = 1e-5 * np.random.default_rng(0).standard_normal(
            (len(names), int(seconds * sfreq))
        )
        if value is not None:
            data[3, 5] = value
        info = mne.create_info(list(names), sfreq, "eeg")
        return fit_background(mne.io.RawArray(data, info, verbose=False), **kwargs)

    return call


def small():
    return make_motor_imagery(1, 1, 4)


def of_another(d):
    return small().log_likelihood(make_motor_imagery(1, 1, 4, random_state=1).trials())


def without_onset(d):
    trials = trials_from_arrays(np.ones((2, 2, 9)) * [[[1], [2]]], [0, 1], sfreq=9)
    return small().log_likelihood(trials)


FAULTS = [
    # numbers
    (make_motor_imagery, "no subject", imagery(n_subjects=0),
     ["n_subjects=0 is too small", "give at least 1"]),
    (make_motor_imagery, "half a subject", imagery(n_subjects=2.5),
     ["n_subjects=2.5 is not an integer", "give a whole number"], TypeError),
    (make_motor_imagery, "truth as a count", imagery(n_subjects=True),
     ["n_subjects=True is not an integer", "give a whole number"], TypeError),
    (make_motor_imagery, "negative sessions", imagery(n_sessions=-1),
     ["n_sessions=-1 is too small", "give at least 1"]),
    (make_motor_imagery, "no trial", imagery(n_trials=0),
     ["n_trials=0 is too small", "give at least 2"]),
    (make_motor_imagery, "odd trials", imagery(n_trials=7),
     ["n_trials=7 cannot be shared equally between 2", "a multiple such as 8"]),
    (make_motor_imagery, "rate below line noise", imagery(sfreq=100),
     ["sfreq=100 Hz cannot hold line noise", "more than 100 Hz or line_noise=0"]),
    (make_motor_imagery, "rate below beta", imagery(sfreq=64, line_noise=0),
     ["sfreq=64 Hz cannot hold beta, up to 35 Hz", "give more than 70 Hz"]),
    (make_motor_imagery, "rate as text", imagery(sfreq="128"),
     ["sfreq='128' is not a number", "give one number"], TypeError),
    (make_motor_imagery, "infinite rate", imagery(sfreq=np.inf),
     ["sfreq=inf is out of range", "give a finite number"]),
    (make_motor_imagery, "short trial", imagery(trial_length=0.5),
     ["trial_length=0.5 is out of range", "at least 1"]),
    (make_motor_imagery, "negative snr", imagery(snr=-0.1),
     ["snr=-0.1 is out of range", "at least 0"]),
    (make_motor_imagery, "snr NaN", imagery(snr=np.nan),
     ["snr=nan is out of range", "give a finite number"]),
    (make_motor_imagery, "no snr", imagery(snr=None),
     ["snr=None is not a number", "give one number"], TypeError),
    (make_motor_imagery, "negative beta", imagery(beta=-1),
     ["beta=-1 is out of range", "at least 0"]),
    (make_motor_imagery, "line noise in microvolts", imagery(line_noise=2.0),
     ["line_noise=2 is more than a millivolt", "give it in volts"]),
    (make_motor_imagery, "negative drift", imagery(drift=-1),
     ["drift=-1 is out of range", "at least 0"]),
    (make_motor_imagery, "blinking always", imagery(blink_rate=5),
     ["blink_rate=5 is out of range", "at most 2"]),
    (make_motor_imagery, "negative seed", imagery(random_state=-3),
     ["random_state=-3 is too small", "give at least 0"]),
    (make_motor_imagery, "generator as seed",
     imagery(random_state=np.random.default_rng(0)),
     ["random_state=Generator", "give a whole number"], TypeError),
    # channels
    (make_motor_imagery, "channels as text", imagery(ch_names="C3"),
     ["ch_names='C3' is no list of names", "give ['C3', 'C4']"], TypeError),
    (make_motor_imagery, "no channel", imagery(ch_names=[]),
     ["ch_names is empty", "name at least one"]),
    (make_motor_imagery, "channel number", imagery(ch_names=["C3", 4]),
     ["ch_names holds 4", "give names"], TypeError),
    (make_motor_imagery, "channel twice", imagery(ch_names=["C3", "C4", "C3"]),
     ["'C3' twice", "name it once"]),
    (make_motor_imagery, "channel in lower case", imagery(ch_names=["C3", "cz"]),
     ["'cz', which the 10-05 system lacks", "did you mean Cz"]),
    (make_motor_imagery, "no electrode", imagery(ch_names=["EOG"]),
     ["'EOG', which the 10-05 system lacks"]),
    # other paradigms
    (make_erp, "only targets", erp(n_trials=10, target_share=1.0),
     ["target_share=1 of n_trials=10 leaves one class empty", "nearer to 0.5"]),
    (make_erp, "share in percent", erp(target_share=20),
     ["target_share=20 is out of range", "at most 1"]),
    (make_erp, "jitter in milliseconds", erp(jitter=20),
     ["jitter=20 is out of range", "at most 0.05"]),
    (make_ssvep, "one frequency", ssvep(frequencies=[13]),
     ["frequencies=[13.0] are not at least two different", "one for each class"]),
    (make_ssvep, "frequency twice", ssvep(frequencies=[13, 13]),
     ["[13.0, 13.0] are not at least two different", "one for each class"]),
    (make_ssvep, "frequencies as a number", ssvep(frequencies=13),
     ["frequencies=13 is no list", "give [13, 17, 21]"], TypeError),
    (make_ssvep, "rate below the harmonic", ssvep(sfreq=128, frequencies=[13, 40]),
     ["cannot hold the second harmonic, up to 80 Hz", "more than 160 Hz"]),
    (make_ssvep, "trials for two classes", ssvep(n_trials=10),
     ["n_trials=10 cannot be shared equally between 3", "such as 12"]),
    (make_ssvep, "locking in percent", ssvep(phase_locking=50),
     ["phase_locking=50 is out of range", "at most 1"]),
    # rest
    (make_motor_imagery, "no background", imagery(background="rest"),
     ["background='rest' is no Background", "fit_background(raw)"], TypeError),
    (make_motor_imagery, "empty backgrounds", imagery(background=[]),
     ["background is an empty list", "give None"]),
    (fit_background, "an array", lambda d: fit_background(np.ones((20, 9000))),
     ["raw is ndarray", "mne.io.read_raw"], TypeError),
    (fit_background, "short recording", rest(seconds=10),
     ["lasts 10.0 s", "at least 20 s"]),
    (fit_background, "few channels", rest(NAMES[:8]),
     ["has 8 good EEG channels", "at least 16"]),
    (fit_background, "names of the file", rest([f"EEG {n}" for n in NAMES]),
     ["'EEG Fp1', which the 10-05 system lacks"]),
    (fit_background, "slow recording", rest(sfreq=64.0),
     ["rate is 64 Hz", "at least 100 Hz"]),
    (fit_background, "NaN", rest(value=np.nan),
     ["holds NaN or infinity", "cut that part out"]),
    (fit_background, "share in percent", rest(quiet=50),
     ["quiet=50 is not within 0 and 1", "give a share"]),
    # the optimal decoder
    (Simulation.log_likelihood, "trials of another simulation", of_another,
     ["has no stimulus at", "are the trials of this simulation?"]),
    (Simulation.log_likelihood, "trials without onset", without_onset,
     ["do not tell their onset", "Simulation.trials or trials_from_raw"]),
    (Simulation.trials, "no such subject", lambda d: small().trials(subjects=[7]),
     ["no subject 7", "it has 1"]),
]  # fmt: skip

"""The simulated imagery recordings hold the truth that they claim."""

import warnings

import mne
import numpy as np
import pytest
from mne.time_frequency import psd_array_welch
from pyriemann.classification import MDM
from pyriemann.estimation import Covariances
from pyriemann.geometry.distance import distance_riemann
from pyriemann.geometry.mean import mean_riemann
from pyriemann.spatialfilters import CSP
from pyriemann.tangentspace import TangentSpace
from scipy.stats import binomtest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

from neurodec.datasets import default_backgrounds, make_motor_imagery

HANDS = {"left_hand": 1, "right_hand": 2}
STRIP = ["FC3", "FC4", "C5", "C3", "Cz", "C4", "C6", "CP3", "CP4"]


def _recordings(*args, **kwargs):
    return make_motor_imagery(*args, **kwargs).recordings


def _epochs(raw, band=(8.0, 32.0), tmin=0.0, tmax=3.0):
    """EEG trials in microvolts and their labels, 0 for the left hand."""
    events, _ = mne.events_from_annotations(raw, HANDS, verbose=False)
    raw = raw.copy().pick("eeg").filter(*band, verbose=False)
    tmax -= 1 / raw.info["sfreq"]
    epochs = mne.Epochs(
        raw, events, HANDS, tmin, tmax, baseline=None, preload=True, verbose=False
    )
    return epochs.get_data(copy=False) * 1e6, epochs.events[:, 2] - 1


def _spectrum(raw, n_fft=512):
    data = raw.get_data("eeg")
    return psd_array_welch(data, raw.info["sfreq"], n_fft=n_fft, verbose=False)


def _ts_lr():
    return make_pipeline(Covariances("oas"), TangentSpace(), LogisticRegression())


def _log_variance(X):
    return np.log(X.var(axis=-1))


@pytest.fixture(scope="module")
def default():
    return _recordings()


@pytest.fixture(scope="module")
def trials(default):
    return {
        (subject, session): _epochs(raw)
        for subject, sessions in default.items()
        for session, raw in sessions.items()
    }


@pytest.fixture(scope="module")
def loud():
    """Rhythms far above the background, so that averages show the truth."""
    recordings = _recordings(4, 1, 60, snr=4.0, random_state=1)
    return [sessions["0"] for sessions in recordings.values()]


# What a recording is made of


def test_channels_positions_and_line_frequency(default):
    assert list(default) == [1, 2, 3, 4]
    for subject, sessions in default.items():
        assert list(sessions) == ["0", "1"]
        for raw in sessions.values():
            assert raw.get_channel_types() == ["eeg"] * 22 + ["eog", "stim"]
            assert raw.ch_names[-2:] == ["EOG", "STI"]
            assert raw.info["line_freq"] == 50.0
            assert raw.info["subject_info"]["id"] == subject
            positions = raw.get_montage().get_positions()["ch_pos"]
            assert list(positions) == raw.ch_names[:22]
            assert np.isfinite(np.array(list(positions.values()))).all()


def test_amplitudes_are_those_of_eeg_in_volts(default):
    for sessions in default.values():
        for raw in sessions.values():
            eeg = raw.get_data("eeg")
            assert np.all((eeg.std(axis=1) > 4e-6) & (eeg.std(axis=1) < 60e-6))
            assert 100e-6 < raw.get_data("eog").max() < 500e-6
            assert np.linalg.matrix_rank(np.cov(eeg * 1e6)) == 22


def test_annotations_and_stimulus_channel_agree(default):
    orders = set()
    for sessions in default.values():
        for raw in sessions.values():
            events, _ = mne.events_from_annotations(raw, HANDS, verbose=False)
            pulses = mne.find_events(raw, "STI", verbose=False)
            np.testing.assert_array_equal(events, pulses)
            assert np.bincount(events[:, 2]).tolist() == [0, 20, 20]
            gaps = np.diff(events[:, 0]) / raw.info["sfreq"] - 3.0
            assert 1.45 < gaps.min() < 1.7 and 2.3 < gaps.max() < 2.55
            assert raw.n_times / 128 - raw.annotations.onset[-1] > 4.4
            orders.add(tuple(events[:, 2]))
    assert len(orders) == 8, "cues come in the same order in several sessions"


def test_stimulus_channel_gives_the_classes_away(default):
    raw = default[1]["0"]
    events, _ = mne.events_from_annotations(raw, HANDS, verbose=False)
    stimulus = raw.get_data("stim")[0]
    heights = [stimulus[sample : sample + 384].max() for sample in events[:, 0]]
    assert roc_auc_score(events[:, 2] == 2, heights) == 1.0


def test_blinks_reach_the_front_of_the_head_most():
    names = ["Fpz", "Cz", "Oz"]
    quiet = default_backgrounds()[3]
    raw = _recordings(1, 1, 20, ch_names=names, snr=0, background=quiet)[1]["0"]
    raw.filter(None, 8.0, picks=["eeg", "eog"], verbose=False)
    front, middle, back = np.corrcoef(raw.get_data(["eeg", "eog"]))[-1, :3]
    assert front > 0.5 > middle > back


@pytest.mark.parametrize("sfreq", [101.0, 128.0, 250.0])
def test_any_sampling_rate_length_and_channels(sfreq):
    names = ["CP4", "C3", "Oz"]
    raw = _recordings(1, 1, 6, ch_names=names, sfreq=sfreq, trial_length=1.5)[1]["0"]
    assert raw.ch_names == [*names, "EOG", "STI"]
    assert raw.info["sfreq"] == sfreq
    assert raw.annotations.duration.tolist() == [1.5] * 6
    assert names == ["CP4", "C3", "Oz"]


def test_nothing_is_printed_or_warned(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _recordings(1, 1, 2)
    assert capfd.readouterr() == ("", "")


# The truth is in the data


def _class_difference(raw, band=(8.0, 13.0)):
    """Log power of left-hand minus right-hand imagery, per channel."""
    X, y = _epochs(raw, band, tmin=1.0)
    power = _log_variance(X)
    return power[y == 0].mean(axis=0) - power[y == 1].mean(axis=0)


def test_rhythm_falls_opposite_to_the_hand(loud):
    for raw in loud:
        difference = dict(zip(raw.ch_names, _class_difference(raw), strict=False))
        assert difference["C4"] < -0.1 < 0.1 < difference["C3"]
    mean = np.mean([_class_difference(raw) for raw in loud], axis=0)
    lateral = np.array([raw.info["chs"][pick]["loc"][0] for pick in range(22)])
    assert np.corrcoef(mean, lateral)[0, 1] < -0.8
    assert lateral[np.argmin(mean)] > 0.03 and lateral[np.argmax(mean)] < -0.03


def test_beta_falls_opposite_to_the_hand(loud):
    mean = np.mean([_class_difference(raw, (16.0, 26.0)) for raw in loud], axis=0)
    difference = dict(zip(loud[0].ch_names, mean, strict=False))
    assert difference["C4"] < -0.2 < 0.2 < difference["C3"]


def test_desynchronisation_begins_after_the_cue_and_ends_with_the_trial(loud):
    power = []
    for raw in loud:
        X, y = _epochs(raw, (8.0, 13.0), tmin=-1.0, tmax=4.4)
        sides = [raw.ch_names.index(name) for name in ("C4", "C3")]
        contralateral = X[np.arange(len(X)), np.take(sides, y)]
        trace = np.mean(contralateral**2, axis=0)
        power.append(trace / trace[:128].mean())
    times = np.arange(power[0].size) / 128 - 1
    trace = np.mean(power, axis=0)

    def level(start, stop):
        return trace[(times >= start) & (times < stop)].mean()

    assert level(0.0, 0.4) == pytest.approx(1.0, abs=0.15)
    assert level(3.7, 4.3) == pytest.approx(1.0, abs=0.15)
    # The rhythm loses 50 to 90 %; filter and background blur that a little.
    assert 0.1 < level(1.2, 2.9) < 0.55
    halfway = times[(times > 0) & (trace < (1 + level(1.2, 2.9)) / 2)]
    assert 0.5 <= halfway[0] <= 1.0
    assert 3.0 <= halfway[halfway < 3.7][-1] <= 3.5


def test_mu_peaks_at_the_frequency_of_the_subject(loud):
    peaks = []
    for raw in loud:
        psd, freqs = _spectrum(raw)
        peaks.append(freqs[np.argmax(psd[raw.ch_names.index("C3")])])
    assert np.all((np.array(peaks) > 8.4) & (np.array(peaks) < 12.6))
    assert np.ptp(peaks) > 0.5


def test_background_is_the_one_given():
    """Of the first shipped one, each subject's variation lies around it."""
    given = default_backgrounds()[0]
    recordings = _recordings(6, 1, 40, snr=0, line_noise=0, background=given)
    ratios = []
    for sessions in recordings.values():
        psd, freqs = _spectrum(sessions["0"])
        # Above blinks; the whole is referenced to infinity.
        band = (freqs > 14) & (freqs < 45)
        channels = sessions["0"].ch_names[:22]
        variance = np.diag(given.covariances(channels)[0]).mean()
        model = given.aperiodic(freqs[band]) * variance
        ratios.append(psd[:, band].mean(axis=0) / model)
    assert 0.6 < np.exp(np.mean(np.log(ratios))) < 1.6
    slope = np.polyfit(np.log(freqs[band]), np.log(ratios).mean(axis=0), 1)[0]
    assert abs(slope) < 0.25


def test_background_is_correlated_between_neighbours():
    raw = _recordings(1, 1, 40, snr=0, line_noise=0)[1]["0"]
    raw.filter(15.0, None, picks="eeg", verbose=False)
    correlation = np.corrcoef(raw.get_data("eeg"))
    near = correlation[raw.ch_names.index("C3"), raw.ch_names.index("C1")]
    far = correlation[raw.ch_names.index("C5"), raw.ch_names.index("C6")]
    # Electrodes have much noise of their own, in the real recordings too.
    assert near > 0.25 and near > far + 0.15


def test_line_noise_stands_at_50_hz_with_the_amplitude_asked_for():
    def line_power(line_noise):
        raw = _recordings(1, 1, 20, snr=0, line_noise=line_noise, drift=0)[1]["0"]
        psd, freqs = _spectrum(raw, n_fft=1024)
        psd = psd.mean(axis=0)
        floor = np.median(psd[(np.abs(freqs - 50) > 1) & (np.abs(freqs - 50) < 5)])
        peak = np.abs(freqs - 50) < 0.5
        return (psd[peak] - floor).sum() * (freqs[1] - freqs[0]), psd[
            peak
        ].max() / floor

    power, ratio = line_power(5e-6)
    assert ratio > 100
    assert np.sqrt(power) == pytest.approx(5e-6, rel=0.3)
    assert line_power(0)[1] < 3


# Seeds


def _same(first, second):
    return all(
        np.array_equal(first[subject][session].get_data(), raw.get_data())
        and first[subject][session].annotations == raw.annotations
        for subject, sessions in second.items()
        for session, raw in sessions.items()
    )


@pytest.mark.parametrize("threads", [1, 2])
def test_same_seed_same_arrays_on_any_number_of_threads(default, threads):
    with threadpool_limits(threads):
        assert _same(default, _recordings(2))


def test_a_recording_depends_on_its_subject_and_session_only(default):
    assert _same(default, _recordings(n_subjects=2, n_sessions=1))
    assert _same(_recordings(2, 3, 4), _recordings(2, 2, 4))


def test_recordings_differ_by_seed_subject_and_session():
    size = {"n_subjects": 2, "n_sessions": 2, "n_trials": 4}
    seeds = [0, 1, None, None]
    raws = [
        raw
        for seed in seeds
        for sessions in _recordings(**size, random_state=seed).values()
        for raw in sessions.values()
    ]
    starts = {raw.get_data("eeg")[:, :10].tobytes() for raw in raws}
    assert len(starts) == len(raws) == 16


def test_snr_changes_the_rhythms_and_nothing_else():
    quiet, usual, loud = (
        _recordings(1, 1, 10, snr=snr)[1]["0"] for snr in (0, 0.5, 1.5)
    )
    assert quiet.annotations == loud.annotations
    np.testing.assert_array_equal(quiet[["EOG", "STI"]][0], loud[["EOG", "STI"]][0])
    rhythm = usual.get_data("eeg") - quiet.get_data("eeg")
    louder = loud.get_data("eeg") - quiet.get_data("eeg")
    np.testing.assert_allclose(louder, 3 * rhythm, atol=1e-15)


# Sessions and subjects


def _mean_covariances(drift):
    """Per subject: means of both sessions and of both halves of the first."""
    for sessions in _recordings(3, 2, drift=drift, ch_names=STRIP).values():
        first, second = (
            Covariances("oas").transform(_epochs(raw)[0]) for raw in sessions.values()
        )
        halves = [mean_riemann(first[half::2]) for half in (0, 1)]
        yield (
            distance_riemann(mean_riemann(first), mean_riemann(second)),
            (distance_riemann(*halves)),
        )


def test_sessions_drift_by_as_much_as_asked():
    between = {}
    for drift in (0.0, 1.0, 3.0):
        distances = np.array(list(_mean_covariances(drift)))
        between[drift] = distances[:, 0].mean()
        if drift == 0:
            # Whole sessions vary less by chance than halves of one do.
            assert between[drift] < distances[:, 1].mean()
    assert 2 * between[0.0] < between[1.0] and 2 * between[1.0] < between[3.0]


def test_sessions_of_a_subject_are_nearer_than_those_of_others(trials):
    means = {
        key: mean_riemann(Covariances("oas").transform(X))
        for key, (X, _) in trials.items()
    }
    distances = np.array(
        [
            [distance_riemann(means[one, "0"], means[two, "1"]) for two in (1, 2, 3, 4)]
            for one in (1, 2, 3, 4)
        ]
    )
    others = distances[~np.eye(4, dtype=bool)]
    assert np.diag(distances).mean() < 0.85 * others.mean()


# How hard it is


def _chance_p_value(snr):
    """Of the hits in session 1 of decoders trained on session 0, six subjects."""
    # Without drift: a turned cap shifts decision values, which hits would count.
    recordings = _recordings(6, 2, 80, snr=snr, ch_names=STRIP, drift=0)
    hits = total = 0
    for sessions in recordings.values():
        (X, y), (X_test, y_test) = (_epochs(raw) for raw in sessions.values())
        hits += np.sum(_ts_lr().fit(X, y).predict(X_test) == y_test)
        total += len(y_test)
    return binomtest(int(hits), total).pvalue


def test_without_rhythm_decoding_is_at_chance_and_with_it_is_not():
    # The test trials are new to the decoder, so that their hits are binomial.
    assert _chance_p_value(0) > 0.001 > _chance_p_value(0.6)


def test_default_is_decodable_but_not_easy(trials):
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    within, across = [], []
    for (subject, session), (X, y) in trials.items():
        response = cross_val_predict(
            _ts_lr(), X, y, cv=folds, method="decision_function"
        )
        within.append(roc_auc_score(y, response))
        X_test, y_test = trials[subject, "1" if session == "0" else "0"]
        response = _ts_lr().fit(X, y).decision_function(X_test)
        across.append(roc_auc_score(y_test, response))
    assert 0.8 < np.mean(within) < 0.94
    assert 0.8 < np.mean(across) < 0.94


@pytest.mark.parametrize(
    "pipeline",
    [
        _ts_lr(),
        make_pipeline(Covariances("oas"), MDM()),
        make_pipeline(Covariances("oas"), CSP(6), LinearDiscriminantAnalysis()),
        make_pipeline(
            FunctionTransformer(_log_variance),
            LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        ),
    ],
    ids=["ts-lr", "mdm", "csp-lda", "logvar-lda"],
)
def test_every_decoder_transfers_to_new_subjects(trials, pipeline):
    scores = []
    for held_out in (1, 2, 3, 4):
        train = [value for key, value in trials.items() if key[0] != held_out]
        test = [value for key, value in trials.items() if key[0] == held_out]
        pipeline.fit(*(np.concatenate(part) for part in zip(*train, strict=True)))
        X, y = (np.concatenate(part) for part in zip(*test, strict=True))
        scores.append(roc_auc_score(y, pipeline.predict_proba(X)[:, 1]))
    # 320 trials: the null's standard error of the mean is about 0.03.
    assert np.mean(scores) > 0.65

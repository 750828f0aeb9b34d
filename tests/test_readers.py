"""Arrays, epochs and recordings become the same trials, without stimulus channels."""

import mne
import numpy as np
import pandas as pd
import pytest

from neurodec.datasets import (
    trials_from_arrays,
    trials_from_epochs,
    trials_from_raw,
)
from neurodec.preprocessing import Recipe

PLAIN = Recipe(band=None, tmin=0.0, tmax=0.5)
BAND = Recipe(band=(4, 30), tmin=0.0, tmax=0.5)
BY_CODE = {"left": 1, "right": 2}
BY_TEXT = {"left": "left", "right": "right"}
MIXED = ("eeg", "misc", "eeg", "eog", "stim", "ecg", "emg", "eeg", "bio", "resp")


def epochs_of(raw, **kwargs):
    given = dict(events=mne.find_events(raw, shortest_event=1, verbose=False))
    given.update(event_id=BY_CODE, tmin=0, tmax=0.5, baseline=None, preload=True)
    return mne.Epochs(raw, **{**given, **kwargs}, verbose=False)


def arrays_of(raw, **kwargs):
    epochs = epochs_of(raw)
    return trials_from_arrays(
        epochs.get_data(),
        epochs.events[:, 2],
        sfreq=raw.info["sfreq"],
        ch_names=raw.ch_names,
        ch_types=raw.get_channel_types(),
        **kwargs,
    )


WAYS = {
    "raw": lambda raw, **kw: trials_from_raw(raw, BY_CODE, PLAIN, **kw),
    "epochs": lambda raw, **kw: trials_from_epochs(epochs_of(raw), **kw),
    "arrays": arrays_of,
}


# --- which channels -----------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_only_brain_signals_reach_the_trials(way, raw_factory):
    trials = WAYS[way](raw_factory(MIXED))
    assert trials.ch_names == ["EEG0", "EEG2", "EEG7"]
    assert trials.X.shape == (12, 3, 51)


@pytest.mark.parametrize("way", WAYS)
def test_others_come_when_asked_for_by_name(way, raw_factory):
    raw = raw_factory(MIXED)
    trials = WAYS[way](raw, picks=["EOG3", "STIM4", "EEG0"])
    assert trials.ch_names == ["EOG3", "STIM4", "EEG0"]
    assert trials.info.get_channel_types() == ["eog", "stim", "eeg"]
    codes = trials.X[:, 1, 0]
    assert codes.tolist() == [1, 2] * 6


@pytest.mark.parametrize("way", WAYS)
def test_a_trigger_among_the_eeg_is_refused(way, raw_factory):
    raw = raw_factory(("eeg", "eeg", "stim", "stim"))
    raw.set_channel_types({"STIM3": "eeg"}, on_unit_change="ignore")
    if way != "raw":  # A cut trial holds the code at its first sample.
        raw.apply_function(lambda x: np.repeat(x[::100], 100), picks=["STIM3"])
    with pytest.raises(ValueError, match="'STIM3' has type 'eeg'.*stim.*picks"):
        WAYS[way](raw)
    assert WAYS[way](raw, picks=["EEG0", "STIM3"]).X.shape[1] == 2


@pytest.mark.parametrize("way", ["raw", "epochs"])
def test_bad_channels_are_left_out_unless_named(way, raw_factory):
    raw = raw_factory()
    raw.info["bads"] = ["EEG1"]
    assert WAYS[way](raw).ch_names == ["EEG0", "EEG2"]
    assert WAYS[way](raw, picks=["EEG1"]).ch_names == ["EEG1"]


@pytest.mark.parametrize("way", WAYS)
def test_mixed_kinds_are_refused_with_the_remedy(way, raw_factory):
    raw = raw_factory(("eeg", "eeg", "mag", "mag", "stim"))
    with pytest.raises(ValueError, match="eeg, mag? are mixed.*picks='|mag, .*picks="):
        WAYS[way](raw)
    assert WAYS[way](raw, picks="mag").ch_names == ["MAG2", "MAG3"]
    assert WAYS[way](raw, picks="eeg").ch_names == ["EEG0", "EEG1"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["mag", "grad", "seeg", "ecog"])
def test_one_path_for_every_kind_of_signal(way, kind, raw_factory):
    eeg = raw_factory(("eeg", "eeg", "stim"))
    other = eeg.copy().set_channel_types(
        dict.fromkeys(["EEG0", "EEG1"], kind), on_unit_change="ignore"
    )
    np.testing.assert_array_equal(WAYS[way](other).X, WAYS[way](eeg).X)


def test_a_named_channel_is_filtered_like_the_others(raw_factory):
    raw = raw_factory(("eeg", "eeg", "eog", "stim"))
    as_eeg = raw.copy().set_channel_types({"EOG2": "eeg"})
    names = ["EEG0", "EOG2"]
    got = trials_from_raw(raw, BY_CODE, BAND, picks=names)
    wanted = trials_from_raw(as_eeg, BY_CODE, BAND, picks=names)
    np.testing.assert_array_equal(got.X, wanted.X)


# --- three ways, one answer ---------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_samples_are_those_of_the_recording(way, raw_factory):
    raw = raw_factory()
    trials = WAYS[way](raw)
    signal = raw.get_data(picks="eeg")
    for trial, onset in zip(trials.X, range(100, 1300, 100), strict=True):
        np.testing.assert_array_equal(trial, signal[:, onset : onset + 51])
    assert (trials.sfreq, trials.tmin, trials.unit) == (100.0, 0.0, 1.0)


def test_annotations_and_triggers_give_equal_trials(raw_factory):
    raw = raw_factory()
    by_code = trials_from_raw(raw, BY_CODE, BAND)
    by_text = trials_from_raw(raw, BY_TEXT, BAND)
    by_events = trials_from_raw(
        raw.copy().pick("eeg"),
        BY_CODE,
        BAND,
        events=mne.find_events(raw, shortest_event=1, verbose=False),
    )
    assert by_code.fingerprint() == by_text.fingerprint() == by_events.fingerprint()
    assert by_code.y.tolist() == ["left", "right"] * 6


@pytest.mark.parametrize("event_id", [BY_CODE, BY_TEXT])
@pytest.mark.parametrize("crop", [0.0, 3.75])
def test_onset_is_the_time_in_the_recording(event_id, crop, raw_factory):
    raw = raw_factory().crop(tmin=crop)
    trials = trials_from_raw(raw, event_id, PLAIN)
    wanted = np.arange(1, 13) - crop
    np.testing.assert_allclose(trials.metadata["onset"], wanted[wanted >= 0])
    assert len(trials) == 12 - int(crop)


def test_rejected_epochs_take_their_metadata_with_them(raw_factory):
    raw = raw_factory()
    for cue in (3, 8):  # Seconds; the trial after each is spoilt.
        raw._data[0, cue * 100 + 10] = 1.0
    stimuli = pd.DataFrame({"stimulus": np.arange(12)}, index=list("abcdefghijkl"))
    recipe = Recipe(band=None, tmax=0.5, reject={"eeg": 1e-3})
    trials = trials_from_raw(raw, BY_CODE, recipe, metadata=stimuli)
    kept = [0, 1, 3, 4, 5, 6, 8, 9, 10, 11]
    assert trials.metadata["stimulus"].tolist() == kept
    np.testing.assert_allclose(trials.metadata["onset"], np.array(kept) + 1)
    assert trials.y.tolist() == [["left", "right"][i % 2] for i in kept]


def test_an_event_at_the_edge_is_left_out_with_its_row(raw_factory):
    raw = raw_factory().crop(tmax=12.2)  # The last cue is at 12 s.
    trials = trials_from_raw(
        raw, BY_CODE, PLAIN, metadata=pd.DataFrame({"stimulus": np.arange(12)})
    )
    assert trials.metadata["stimulus"].tolist() == list(range(11))


def test_only_wanted_events_and_their_rows(raw_factory):
    trials = trials_from_raw(
        raw_factory(),
        {"right": 2},
        PLAIN,
        metadata=pd.DataFrame({"stimulus": np.arange(12)}),
    )
    assert trials.metadata["stimulus"].tolist() == [1, 3, 5, 7, 9, 11]


def test_epochs_may_be_lazy_and_keep_their_metadata(raw_factory):
    raw = raw_factory()
    raw._data[0, 110] = 1.0
    metadata = pd.DataFrame(
        {"subject": 7, "session": "2", "word": list("abcdefghijkl")}
    )
    epochs = epochs_of(
        raw, preload=False, metadata=metadata, reject={"eeg": 1e-3}, tmin=-0.1
    )
    trials = trials_from_epochs(epochs, run="5")
    assert not epochs.preload
    assert list(trials.metadata) == ["subject", "session", "run", "word"]
    assert trials.metadata["word"].tolist() == list("bcdefghijkl")
    assert trials.metadata.iloc[0].tolist() == [7, "2", "5", "b"]
    assert trials.y.tolist() == (["left", "right"] * 6)[1:]
    assert trials.tmin == pytest.approx(-0.1)


# --- arrays -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (dict(), [1, "0", "0"]),
        (dict(subject="anna", session=3, run="b"), ["anna", 3, "b"]),
        (dict(metadata={"session": ["x"] * 4, "age": 30}), [1, "x", "0", 30]),
        (dict(metadata={"session": ["x"] * 4}, session="y"), [1, "y", "0"]),
        (dict(subject=pd.Series([8, 9, 9, 9], index=[3, 2, 1, 0])), [8, "0", "0"]),
    ],
)
def test_where_trials_come_from(given, wanted):
    X = np.random.default_rng(0).standard_normal((4, 2, 10))
    table = trials_from_arrays(X, [0, 1, 0, 1], sfreq=50, **given).metadata
    assert list(table)[:3] == ["subject", "session", "run"]
    assert table.iloc[0].tolist() == wanted


def test_a_recipe_on_arrays_is_in_si_units():
    rng = np.random.default_rng(0)
    volts = 1e-5 * rng.standard_normal((8, 2, 300))
    volts[[2, 5], 1, 150] = 3e-4
    recipe = {"band": [4, 30], "tmin": 0.5, "resample": 75, "reject": {"eeg": 1e-4}}
    given = dict(sfreq=100, tmin=-0.5, recipe=recipe, metadata={"trial": range(8)})
    in_volts = trials_from_arrays(volts, range(8), **given)
    in_microvolts = trials_from_arrays(volts * 1e6, range(8), unit=1e-6, **given)
    np.testing.assert_allclose(in_microvolts.X * 1e-6, in_volts.X, rtol=1e-9)
    for trials in (in_volts, in_microvolts):
        assert trials.y.tolist() == [0, 1, 3, 4, 6, 7]
        assert trials.metadata["trial"].tolist() == [0, 1, 3, 4, 6, 7]
        assert (trials.sfreq, trials.tmin) == (75.0, 0.5)
        assert trials.recipe == Recipe.from_dict(recipe).to_dict()
        assert trials.n_times == 150


def test_a_short_array_of_few_values_is_no_trigger():
    X = np.arange(2 * 2 * 5).reshape(2, 2, 5)
    assert trials_from_arrays(X, ["a", "b"], sfreq=10).X.shape == (2, 2, 5)


# --- what a recording may hold ------------------------------------------------


def held_levels(n_events=20, n_channels=3, sfreq=100.0):
    """A recording whose trigger level steps from code to code without a zero."""
    rng = np.random.default_rng(0)
    samples = 200 * (1 + np.arange(n_events))
    level = np.zeros(200 * (n_events + 2))
    for i, sample in enumerate(samples):
        level[sample:] = 2 - i % 2
    level[samples[-1] + 200 :] = 0
    eeg = rng.standard_normal((n_channels, len(level))) * 1e-5
    names = [f"C{i}" for i in range(n_channels)]
    info = mne.create_info([*names, "STI"], sfreq, ["eeg"] * n_channels + ["stim"])
    return mne.io.RawArray(np.vstack([eeg, level]), info, verbose=False)


CODES = {"left": 1, "right": 2}
SECOND = Recipe(band=None, tmax=1.0)


def test_a_held_trigger_level_loses_no_event():
    trials = trials_from_raw(held_levels(), CODES, SECOND)
    assert trials.y.tolist() == ["right", "left"] * 10


def test_rejection_sees_the_channels_that_were_asked_for_and_no_others():
    limit = Recipe(band=None, tmax=1.0, reject={"eeg": 1e-3})
    raw = held_levels()
    raw._data[0, 400:600] += np.linspace(0, 1, 200)  # C0 drifts in the second trial.
    assert len(trials_from_raw(raw, CODES, limit)) == 19
    assert len(trials_from_raw(raw, CODES, limit, picks=["C1", "C2"])) == 20
    raw.info["bads"] = ["C0"]
    assert len(trials_from_raw(raw, CODES, limit)) == 20
    assert len(trials_from_raw(raw, CODES, limit, picks=["C0", "C1"])) == 19


def test_projectors_are_applied_only_when_the_user_did_so():
    raw = held_levels()
    before = trials_from_raw(raw, CODES, SECOND).X
    raw.set_eeg_reference(projection=True, verbose=False)
    np.testing.assert_array_equal(trials_from_raw(raw, CODES, SECOND).X, before)
    raw.apply_proj(verbose=False)
    after = trials_from_raw(raw, CODES, SECOND).X
    np.testing.assert_allclose(after, before - before.mean(axis=1, keepdims=True))


def test_integer_labels_are_as_good_as_text():
    trials = trials_from_raw(held_levels(), {0: 1, 1: 2}, SECOND)
    assert trials.y.tolist() == [1, 0] * 10


def test_two_events_on_one_sample_are_refused():
    events = np.array([[200, 0, 1], [400, 0, 2], [400, 0, 1]])
    with pytest.raises(ValueError, match="both at sample 400; keep one"):
        trials_from_raw(held_levels(), CODES, SECOND, events=events)


def test_descriptions_do_not_name_events_of_an_array():
    events = np.array([[200, 0, 1], [400, 0, 2]])
    with pytest.raises(ValueError, match="whole numbers"):
        trials_from_raw(held_levels(), {"a": "square"}, SECOND, events=events)


@pytest.mark.parametrize("name", ["EOG1", "HEOG", "Trigger", "Status", "ECG"])
def test_a_name_that_contradicts_the_type_is_refused(name):
    raw = held_levels().rename_channels({"C0": name})
    with pytest.raises(ValueError, match=f"'{name}' has type 'eeg'.*name of another"):
        trials_from_raw(raw, CODES, SECOND)
    assert name in trials_from_raw(raw, CODES, SECOND, picks=[name, "C1"]).ch_names


def test_labels_of_two_kinds_are_refused():
    with pytest.raises(ValueError, match="mixes text and numbers.*one kind"):
        trials_from_arrays(np.ones((4, 2, 9)), [1, "1", 1, "1"], sfreq=10)

"""One file of any kind becomes trials: written, read back, and real ones."""

import mne
import numpy as np
import pandas as pd
import pytest
import scipy.io

from neurodec.datasets import trials_from_file, trials_from_numpy, trials_from_raw
from neurodec.preprocessing import Recipe

RECIPE = Recipe(band=None, tmin=0.0, tmax=0.5)
LABELS = {"l": "left", "r": "right"}
# Extension, and how far the format's numbers may lie from ours, in volts.
WRITERS = {
    "brainvision": (".vhdr", 1e-7),
    "edf": (".edf", 1e-8),
    "bdf": (".bdf", 1e-10),
    "eeglab": (".set", 1e-11),
    "fif": ("_raw.fif", 1e-11),
}


def write(raw, folder, kind):
    path = folder / f"rec{WRITERS[kind][0]}"
    if kind == "fif":
        raw.save(path, verbose="error")
    else:
        mne.export.export_raw(path, raw, fmt=kind, verbose="error")
    return path


def description_of(path, word):
    """A format may put words of its own before an annotation."""
    raw = mne.io.read_raw(path, verbose="error")
    (found,) = {d for d in raw.annotations.description if d.endswith(word)}
    return str(found)


# --- continuous recordings ------------------------------------------------------


@pytest.mark.parametrize("kind", WRITERS)
def test_a_written_recording_comes_back(kind, tmp_path, raw_factory):
    raw = raw_factory(("eeg", "eeg", "eeg"), n_trials=8)
    path = write(raw, tmp_path, kind)
    labels = {k: description_of(path, word) for k, word in LABELS.items()}
    trials = trials_from_file(path, labels, RECIPE, subject=7, session="b", run="2")
    wanted = trials_from_raw(raw, LABELS, RECIPE, subject=7, session="b", run="2")
    np.testing.assert_allclose(trials.X, wanted.X, rtol=0, atol=WRITERS[kind][1])
    assert np.std(wanted.X) > 50 * WRITERS[kind][1]
    assert trials.y.tolist() == wanted.y.tolist() == ["l", "r"] * 4
    pd.testing.assert_frame_equal(trials.metadata, wanted.metadata)
    assert trials.ch_names == raw.ch_names
    assert (trials.sfreq, trials.tmin, trials.unit) == (100.0, 0.0, 1.0)
    assert trials.name == path.name.removesuffix(".gz").rsplit(".", 1)[0]
    assert trials.recipe == RECIPE.to_dict()


def test_trigger_codes_of_a_stimulus_channel(tmp_path, raw_factory):
    path = write(raw_factory(), tmp_path, "fif")
    by_code = trials_from_file(path, {"l": 1, "r": 2}, RECIPE)
    by_text = trials_from_file(path, LABELS, RECIPE)
    assert by_code.fingerprint() == by_text.fingerprint()
    assert by_code.ch_names == ["EEG0", "EEG1", "EEG2"]


def test_events_and_metadata_may_be_given(tmp_path, raw_factory):
    path = write(raw_factory(("eeg", "eeg")), tmp_path, "edf")
    events = np.array([[150, 0, 5], [350, 0, 6], [550, 0, 9]])
    trials = trials_from_file(
        path,
        {"a": 5, "b": 6},
        RECIPE,
        events=events,
        metadata={"stimulus": ["x", "y", "z"]},
    )
    assert trials.y.tolist() == ["a", "b"]
    assert trials.metadata["onset"].tolist() == [1.5, 3.5]
    assert trials.metadata["stimulus"].tolist() == ["x", "y"]


def test_the_recipe_filters_as_it_does_a_raw(tmp_path, raw_factory):
    raw = raw_factory(("eeg", "eeg", "eog"))
    path = tmp_path / "rec_raw.fif"
    raw.save(path, fmt="double", verbose="error")
    recipe = Recipe(band=(4, 30), tmin=0.1, tmax=0.6, resample=80)
    read = trials_from_file(path, LABELS, recipe)
    np.testing.assert_array_equal(read.X, trials_from_raw(raw, LABELS, recipe).X)


def test_mixed_types_are_refused_and_one_is_picked(tmp_path, raw_factory):
    path = write(raw_factory(("eeg", "eeg", "mag", "mag")), tmp_path, "fif")
    with pytest.raises(ValueError, match="eeg, mag are mixed.*picks='eeg'"):
        trials_from_file(path, LABELS, RECIPE)
    assert trials_from_file(path, LABELS, RECIPE, picks="mag").ch_names == [
        "MAG2",
        "MAG3",
    ]


def test_a_type_that_the_file_does_not_know_can_be_told(tmp_path, raw_factory):
    raw = raw_factory(("eeg", "eeg", "eeg")).rename_channels({"EEG2": "HEOG"})
    path = write(raw, tmp_path, "edf")
    with pytest.raises(ValueError, match="'HEOG' has type 'eeg'.*ch_types"):
        trials_from_file(path, LABELS, RECIPE)
    trials = trials_from_file(path, LABELS, RECIPE, ch_types={"HEOG": "eog"})
    assert trials.ch_names == ["EEG0", "EEG1"]
    all_of_it = trials_from_file(path, LABELS, RECIPE, ch_types="seeg", picks=["EEG1"])
    assert all_of_it.info.get_channel_types() == ["seeg"]


def test_a_constant_channel_is_refused_before_a_filter_hides_it(tmp_path, raw_factory):
    raw = raw_factory(("eeg", "eeg"), n_trials=40)
    raw._data[1] = 3e-6
    path = write(raw, tmp_path, "fif")
    with pytest.raises(ValueError, match="'EEG1' is constant.*drop it"):
        trials_from_file(path, LABELS, RECIPE)


# --- recordings that are cut already --------------------------------------------


def epochs_of(raw):
    events, codes = mne.events_from_annotations(raw, verbose=False)
    return mne.Epochs(
        raw, events, codes, 0, 0.5, baseline=None, preload=True, verbose=False
    )


def test_epochs_of_fif(tmp_path, raw_factory):
    epochs = epochs_of(raw_factory())
    epochs.metadata = pd.DataFrame({"stimulus": np.arange(12)})
    epochs.save(tmp_path / "rec-epo.fif", fmt="double", verbose=False)
    trials = trials_from_file(tmp_path / "rec-epo.fif", {"l": "left"}, subject=3)
    wanted = epochs["left"]
    np.testing.assert_array_equal(trials.X, wanted.get_data(picks="eeg"))
    assert trials.y.tolist() == ["l"] * 6
    assert trials.metadata["stimulus"].tolist() == list(range(0, 12, 2))
    assert set(trials.metadata["subject"]) == {3}
    everything = trials_from_file(tmp_path / "rec-epo.fif")
    assert everything.y.tolist() == ["left", "right"] * 6
    coded = trials_from_file(tmp_path / "rec-epo.fif", {"r": epochs.event_id["right"]})
    assert coded.metadata["stimulus"].tolist() == list(range(1, 12, 2))


def test_a_recipe_is_applied_to_epochs_trial_by_trial(tmp_path, raw_factory):
    epochs = epochs_of(raw_factory(("eeg", "eeg")))
    epochs.save(tmp_path / "rec-epo.fif", fmt="double", verbose=False)
    recipe = Recipe(band=(10, 30), tmin=0.1, tmax=0.4)
    trials = trials_from_file(tmp_path / "rec-epo.fif", recipe=recipe)
    wanted, _, _, _ = recipe.array(epochs.get_data(), 100.0, 0.0)
    np.testing.assert_array_equal(trials.X, wanted)
    assert trials.recipe == recipe.to_dict()
    assert trials.tmin == 0.1


def test_epochs_of_eeglab(tmp_path, raw_factory):
    epochs = epochs_of(raw_factory(("eeg", "eeg"))).set_annotations(None)
    mne.export.export_epochs(tmp_path / "rec.set", epochs, verbose="error")
    trials = trials_from_file(tmp_path / "rec.set", LABELS)
    np.testing.assert_allclose(trials.X, epochs.get_data(), rtol=0, atol=1e-11)
    assert trials.y.tolist() == ["l", "r"] * 6


def fieldtrip(path, n_trials=6, unit=None, scale=1e-5, trialinfo=True):
    """A minimal raw data structure of FieldTrip, as MATLAB would write it."""
    rng = np.random.default_rng(0)
    cells = np.empty((1, n_trials), object)
    times = np.empty((1, n_trials), object)
    for i in range(n_trials):
        cells[0, i] = scale * rng.standard_normal((2, 50))
        times[0, i] = np.arange(50) / 100 - 0.1
    labels = np.array([["C3"], ["C4"]], object)
    data = {
        "label": labels,
        "trial": cells,
        "time": times,
        "fsample": 100.0,
        "elec": {"label": labels, "chanpos": np.eye(3)[:2], "unit": "m"},
    }
    data["elec"]["elecpos"] = data["elec"]["chanpos"]
    if trialinfo:
        data["trialinfo"] = np.array([[1.0], [2.0]] * (n_trials // 2))
    if unit is not None:
        units = np.array([[unit]] * 2, object)
        data["hdr"] = {"label": labels, "chanunit": units}
    scipy.io.savemat(path, {"data": data})
    return np.stack([cell for cell in cells[0]])


def test_fieldtrip_in_volt(tmp_path):
    X = fieldtrip(tmp_path / "rec.mat")
    trials = trials_from_file(tmp_path / "rec.mat", {"l": 1, "r": 2})
    np.testing.assert_allclose(trials.X, X, rtol=1e-12)
    assert trials.y.tolist() == ["l", "r"] * 3
    assert trials.tmin == pytest.approx(-0.1)
    assert trials.ch_names == ["C3", "C4"]


def test_fieldtrip_says_microvolt(tmp_path):
    X = fieldtrip(tmp_path / "rec.mat", unit="uV", scale=10)
    trials = trials_from_file(tmp_path / "rec.mat")
    np.testing.assert_allclose(trials.X, 1e-6 * X, rtol=1e-12)


def test_fieldtrip_that_does_not_say_microvolt(tmp_path):
    X = fieldtrip(tmp_path / "rec.mat", scale=10)
    with pytest.raises(ValueError, match="rec.mat.*10 mV.*unit=1e-6"):
        trials_from_file(tmp_path / "rec.mat")
    trials = trials_from_file(tmp_path / "rec.mat", unit=1e-6)
    np.testing.assert_allclose(trials.X, 1e-6 * X, rtol=1e-12)


# --- arrays -----------------------------------------------------------------------


def arrays(n=6):
    rng = np.random.default_rng(0)
    return {
        "X": rng.standard_normal((n, 3, 50)).astype(np.float32),
        "y": np.array(["a", "b"] * (n // 2)),
        "sfreq": 100.0,
        "ch_names": ["C3", "Cz", "EOG"],
        "ch_types": ["eeg", "eeg", "eog"],
        "unit": 1e-6,
        "tmin": -0.2,
        "subject": np.repeat([1, 2], n // 2),
        "stimulus": np.arange(n),
    }


@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_arrays_with_all_that_they_say(kind, tmp_path):
    given = arrays()
    path = tmp_path / "mine"
    if kind == "npz":
        path = tmp_path / "mine.npz"
        np.savez(path, **given)
    else:
        path.mkdir()
        for key, value in given.items():
            np.save(path / f"{key}.npy", value)
    for trials in (trials_from_numpy(path), trials_from_file(path)):
        np.testing.assert_array_equal(trials.X, given["X"][:, :2])
        assert trials.X.dtype == np.float32
        assert trials.y.tolist() == given["y"].tolist()
        assert (trials.sfreq, trials.unit, trials.tmin) == (100.0, 1e-6, -0.2)
        assert trials.ch_names == ["C3", "Cz"]
        assert trials.metadata["subject"].tolist() == [1, 1, 1, 2, 2, 2]
        assert trials.metadata["stimulus"].tolist() == list(range(6))
        assert trials.name == "mine"
    assert set(trials_from_file(path, subject=9).metadata["subject"]) == {9}


def test_a_pair_of_npy_files_is_memory_mapped(tmp_path):
    given = arrays()
    np.save(tmp_path / "signals.npy", given["X"])
    np.save(tmp_path / "labels.npy", np.arange(6) % 2)
    trials = trials_from_numpy(
        tmp_path / "signals.npy", tmp_path / "labels.npy", sfreq=100, session="x"
    )
    assert isinstance(trials.X, np.memmap)
    assert trials.y.tolist() == [0, 1] * 3
    assert set(trials.metadata["session"]) == {"x"}


def test_a_recipe_is_applied_to_arrays(tmp_path):
    given = {key: arrays()[key] for key in ("X", "y", "sfreq")}
    np.savez(tmp_path / "mine.npz", **given)
    recipe = Recipe(band=(8, 30), tmin=0.1, tmax=0.4)
    trials = trials_from_file(tmp_path / "mine.npz", recipe=recipe)
    assert trials.recipe == recipe.to_dict()
    assert trials.n_times == 31


# --- real files -------------------------------------------------------------------


@pytest.fixture
def formats(real_data):
    return real_data / "formats"


@pytest.mark.realdata
def test_the_eeglab_tutorial(formats):
    path = formats / "eeglab_data.set"
    recipe = Recipe(band=(1, 30), tmin=-0.2, tmax=0.5)
    events = {"square": "square", "response": "rt"}
    names = mne.io.read_raw(path, verbose="error").ch_names
    assert len(names) == 32
    trials = trials_from_file(path, events, recipe, picks=names)
    counts = {label: (trials.y == label).sum() for label in trials.classes}
    assert counts == {"square": 80, "response": 74}
    assert trials.X.shape == (154, 32, 91)
    assert 1e-6 < np.std(trials.X) < 1e-4
    no_eyes = trials_from_file(
        path, events, recipe, ch_types={"EOG1": "eog", "EOG2": "eog"}
    )
    assert len(no_eyes.ch_names) == 30


@pytest.mark.realdata
def test_fieldtrip_epochs_of_meg_and_eeg(formats):
    path = formats / "fieldtrip_from_mne_sample_epoched_v73.mat"
    with pytest.raises(ValueError, match="eeg, mag, grad are mixed.*picks="):
        trials_from_file(path)
    shapes = {
        k: trials_from_file(path, picks=k).X.shape for k in ("eeg", "mag", "grad")
    }
    assert shapes == {"eeg": (18, 60, 30), "mag": (18, 102, 30), "grad": (18, 204, 30)}
    trials = trials_from_file(path, {"one": 1, "three": 3}, picks="grad")
    assert (trials.y == "one").sum() == (trials.y == "three").sum() == 6
    assert 1e-13 < np.std(trials.X) < 1e-10


@pytest.mark.realdata
def test_an_evoked_is_refused_with_the_remedy(formats):
    path = formats / "ERP_CORE_P3_evoked" / "sub-015_ses-P3_task-P3_ave.fif"
    with pytest.raises(ValueError, match="ave.fif.*average over trials.*single trials"):
        trials_from_file(path, LABELS, RECIPE)


@pytest.mark.realdata
def test_ecog_in_edf(formats):
    path = formats / "ecog" / "sample_ecog.edf"
    recipe = Recipe(band=(1, 40), tmin=-1, tmax=2)
    seizure = {"seizure": "eeg sz start"}
    with pytest.raises(ValueError, match="'EKGL' has type 'eeg'"):
        trials_from_file(path, seizure, recipe)
    names = [
        n for n in mne.io.read_raw(path, verbose="error").ch_names if "EKG" not in n
    ]
    trials = trials_from_file(path, seizure, recipe, ch_types="ecog", picks=names)
    assert len(trials) == 1
    assert set(trials.info.get_channel_types()) == {"ecog"}
    assert trials.sfreq == pytest.approx(999.4, abs=0.1)


@pytest.mark.realdata
def test_a_continuous_recording_in_arrays(formats):
    """What trials_from_file says about it is what to do."""
    path = formats / "subject_01_session_01.npz"
    with pytest.raises(ValueError, match="no array 'X'.*RawArray.*trials_from_raw"):
        trials_from_file(path)
    with np.load(path) as file:
        data, stim = file["data"][:, :16].T * 1e-6, file["stim"]
    names = [f"E{i}" for i in range(16)]
    info = mne.create_info([*names, "STI"], 128.0, ["eeg"] * 16 + ["stim"])
    raw = mne.io.RawArray(np.vstack([data, stim]), info, verbose=False)
    trials = trials_from_raw(
        raw, {"NonTarget": 1, "Target": 2}, Recipe(band=(1, 24), tmin=0, tmax=0.8)
    )
    assert [(trials.y == c).sum() for c in ("NonTarget", "Target")] == [640, 128]

"""A BIDS folder that MNE-BIDS wrote comes back as trials, entities as metadata."""

import itertools

import mne
import mne_bids
import numpy as np
import pandas as pd
import pytest

from neurodec.datasets import as_moabb, load_trials, trials_from_bids, trials_from_raw
from neurodec.evaluation import evaluate
from neurodec.preprocessing import Recipe

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
LABELS = {"l": "left", "r": "right"}
RECIPE = Recipe(band=(4, 30), tmin=0.0, tmax=0.5)
# BrainVision as MNE-BIDS writes it: a tenth of a microvolt.
STEP = 1e-7


def write(root, raw, **entities):
    given = {"subject": "01", "task": "imagery", "datatype": "eeg", "root": root}
    path = mne_bids.BIDSPath(**{**given, **entities})
    kind = "FIF" if path.datatype == "meg" else "BrainVision"
    raw.info["line_freq"] = 50
    mne_bids.write_raw_bids(
        raw, path, allow_preload=True, format=kind, overwrite=True, verbose="error"
    )
    return path


@pytest.fixture(scope="module")
def raws(raw_factory):
    """Two subjects with two sessions of sixteen trials."""
    types = ("eeg", "eeg", "eeg", "eog")
    return {
        (subject, session): raw_factory(types, n_trials=16, seed=seed)
        for seed, (subject, session) in enumerate(
            itertools.product(["01", "02"], ["a", "b"])
        )
    }


@pytest.fixture(scope="module")
def root(raws, tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    for (subject, session), raw in raws.items():
        write(root, raw, subject=subject, session=session)
    return root


def wanted_of(raws, **kwargs):
    return {
        key: trials_from_raw(
            raw, LABELS, RECIPE, subject=key[0], session=key[1], **kwargs
        )
        for key, raw in raws.items()
    }


def test_what_was_written_comes_back(raws, root):
    trials = trials_from_bids(root, LABELS, RECIPE)
    assert trials.name == root.name
    assert trials.ch_names == ["EEG0", "EEG1", "EEG2"]
    assert len(trials) == 64
    assert trials.recipe == RECIPE.to_dict()
    assert list(trials.metadata) == ["subject", "session", "run", "task", "onset"]
    assert set(trials.metadata["task"]) == {"imagery"}
    assert set(trials.metadata["run"]) == {"0"}
    for (subject, session), wanted in wanted_of(raws).items():
        part = trials.select(subject=subject, session=session)
        np.testing.assert_allclose(part.X, wanted.X, rtol=0, atol=STEP)
        assert np.std(wanted.X) > 20 * STEP
        assert part.y.tolist() == wanted.y.tolist()
        assert part.metadata["onset"].tolist() == wanted.metadata["onset"].tolist()


def test_subjects_and_sessions_can_be_chosen(root):
    everything = trials_from_bids(root, LABELS, RECIPE)
    part = trials_from_bids(root, LABELS, RECIPE, subjects=["02"], sessions=["b"])
    wanted = everything.select(subject="02", session="b")
    assert part.fingerprint() == wanted.fingerprint()
    one = trials_from_bids(root, {"l": "left"}, RECIPE, subjects=["01"], name="mine")
    assert set(one.y) == {"l"}
    assert one.name == "mine"


def test_trials_of_a_folder_go_into_moabb_and_are_evaluated(root):
    trials = trials_from_bids(root, LABELS, RECIPE)
    dataset, paradigm = as_moabb(trials)
    X, y, metadata = paradigm.get_data(dataset, ["01"])
    assert X.shape == (32, 3, 51) and set(metadata["subject"]) == {"01"}
    rows = evaluate(trials, ["mdm"], ["cross-session"]).rows
    assert rows["status"].tolist() == ["ok"] * 4


def test_a_memory_map_is_the_same(root, tmp_path):
    given = {"memory_map": tmp_path / "map"}
    trials = trials_from_bids(root, LABELS, RECIPE, subjects=["01"], **given)
    assert isinstance(trials.X, np.memmap)
    asked = []
    grown = trials_from_bids(
        root, LABELS, RECIPE, progress=lambda *done: asked.append(done), **given
    )
    assert asked == [(0, 1, "02")]
    assert grown.fingerprint() == trials_from_bids(root, LABELS, RECIPE).fingerprint()
    assert load_trials(tmp_path / "map").fingerprint() == grown.fingerprint()
    with pytest.raises(ValueError, match="converted with event_id.*another folder"):
        trials_from_bids(root, {"l": "left"}, RECIPE, **given)


def test_a_changed_recording_is_not_taken_from_the_map(raws, tmp_path):
    path = write(tmp_path / "study", raws["01", "a"])
    given = {"memory_map": tmp_path / "map"}
    trials_from_bids(tmp_path / "study", LABELS, RECIPE, **given)
    path.fpath.write_text(path.fpath.read_text() + "\n")
    with pytest.raises(ValueError, match="subject '01' have changed.*another folder"):
        trials_from_bids(tmp_path / "study", LABELS, RECIPE, **given)


def test_bad_channels_are_left_out(raws, tmp_path):
    for (subject, session), raw in raws.items():
        raw = raw.copy()
        raw.info["bads"] = ["EEG1"] if (subject, session) == ("02", "b") else []
        write(tmp_path, raw, subject=subject, session=session)
    one = trials_from_bids(tmp_path, LABELS, RECIPE, subjects=["02"], sessions=["b"])
    assert one.ch_names == ["EEG0", "EEG2"]
    for given in ({}, {"memory_map": tmp_path.with_name("map")}):
        with pytest.raises(ValueError, match="subject 02, session b.*picks='common'"):
            trials_from_bids(tmp_path, LABELS, RECIPE, **given)
    common = trials_from_bids(tmp_path, LABELS, RECIPE, picks="common")
    assert common.ch_names == ["EEG0", "EEG2"]
    wanted = wanted_of(raws, picks=["EEG0", "EEG2"])["01", "a"]
    np.testing.assert_allclose(
        common.select(subject="01", session="a").X, wanted.X, rtol=0, atol=STEP
    )


def test_runs_and_a_recording_without_a_wanted_event(raws, tmp_path):
    raw = raws["01", "a"]
    write(tmp_path, raw, run="01")
    left_only = raw.copy()
    keep = np.flatnonzero(raw.annotations.description == "left")
    left_only.set_annotations(raw.annotations[keep])
    write(tmp_path, left_only, run="02")
    rest = raw.copy().set_annotations(mne.Annotations([1.0], [0.0], ["eyes open"]))
    write(tmp_path, rest, run="03")
    trials = trials_from_bids(tmp_path, LABELS, RECIPE)
    runs = trials.metadata["run"].to_numpy()
    assert pd.Series(runs).value_counts().to_dict() == {"01": 16, "02": 8}
    assert set(trials.y[runs == "02"]) == {"l"}
    with pytest.raises(ValueError, match="trial_type 'right' occurs in no recording"):
        trials_from_bids(tmp_path, LABELS, RECIPE, runs=["02"])


def test_further_columns_of_events_become_metadata(raws, tmp_path):
    path = write(tmp_path, raws["01", "a"])
    events = path.copy().update(suffix="events", extension=".tsv").fpath
    table = pd.read_csv(events, sep="\t")
    table["stim_file"] = [f"image{i}.png" for i in range(16)]
    table["response_time"] = ["n/a", *np.arange(15) / 4]
    table["value"] = np.arange(16)  # Several values for one trial type.
    table.to_csv(events, sep="\t", index=False, na_rep="n/a")
    trials = trials_from_bids(tmp_path, LABELS, RECIPE)
    assert trials.y.tolist() == ["l", "r"] * 8
    metadata = trials.metadata
    assert metadata["stim_file"].tolist() == [f"image{i}.png" for i in range(16)]
    assert np.isnan(metadata["response_time"][0])
    assert metadata["response_time"][1:].tolist() == (np.arange(15) / 4).tolist()


def test_meg_and_its_trigger_channel(raw_factory, tmp_path):
    raw = raw_factory(("mag", "mag", "mag", "stim"))
    raw.apply_function(lambda x: 1e-8 * x, picks="mag")
    for channel in raw.info["chs"][:3]:
        channel["coil_type"] = mne.io.constants.FIFF.FIFFV_COIL_VV_MAG_T3
    write(tmp_path, raw, datatype="meg", task="words")
    trials = trials_from_bids(tmp_path, LABELS, RECIPE, datatype="meg")
    wanted = trials_from_raw(raw, LABELS, RECIPE)
    np.testing.assert_allclose(trials.X, wanted.X, rtol=1e-4, atol=1e-18)
    assert set(trials.info.get_channel_types()) == {"mag"}
    by_code = trials_from_bids(tmp_path, {"l": 1, "r": 2}, RECIPE)
    np.testing.assert_array_equal(by_code.X, trials.X)


def test_several_tasks_and_datatypes_need_a_choice(raws, raw_factory, tmp_path):
    write(tmp_path, raws["01", "a"], task="imagery")
    write(tmp_path, raws["01", "b"], task="speller")
    with pytest.raises(ValueError, match="several tasks, imagery, speller.*task="):
        trials_from_bids(tmp_path, LABELS, RECIPE)
    trials = trials_from_bids(tmp_path, LABELS, RECIPE, task="speller")
    assert set(trials.metadata["task"]) == {"speller"}
    meg = raw_factory(("mag", "mag"))
    write(tmp_path, meg, datatype="meg")
    with pytest.raises(ValueError, match="several datatypes, eeg, meg.*datatype="):
        trials_from_bids(tmp_path, LABELS, RECIPE, task="speller")

"""The real recordings are what the registry says, and hold no answer in a channel."""

import csv

import mne
import numpy as np
import pandas as pd
import pytest
from pyriemann.estimation import XdawnCovariances
from pyriemann.tangentspace import TangentSpace
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from neurodec.datasets import dataset_info, list_datasets, load, trials_from_raw
from neurodec.datasets.files import _read_muse_csv
from neurodec.preprocessing import Recipe

pytestmark = pytest.mark.realdata

FILE_SETS = [
    name
    for name in list_datasets()
    if "reader" in dataset_info(name)["source"]
    and not dataset_info(name).get("unverified")
]
# Subjects on this machine, classes, sessions by subject, trials by session.
EXPECTED = {
    "bnci2014_004": (6, ["left_hand", "right_hand"], [5] * 6, {120}),
    "kalunga2016": (8, ["13", "17", "21"], [1] * 8, {48, 72}),
    "meg_wrist": (1, [f"direction{i}" for i in range(4)], [2], {160, 74}),
    "muse_n170": (3, ["face", "house"], [1, 1, 3], {1174, 394, 390, 199}),
    "muse_p300": (1, ["NonTarget", "Target"], [3], {1161, 966, 962}),
    "p300_bci2_iib": (1, ["NonTarget", "Target"], [2], {1080}),
    "p300_gtec": (3, ["NonTarget", "Target"], [1, 1, 1], {1200}),
    "physionet_mi": (1, ["left_hand", "right_hand"], [1], {45}),
}
# Cut by their publishers, who do not say when a trial was.
NO_ONSET = ("bnci2014_004", "meg_wrist")
# One has amplitudes a thousand times those of EEG, the other gives no gain.
NO_SCALE = ("kalunga2016", "p300_bci2_iib")


@pytest.fixture(scope="module")
def loaded():
    """Every local set, read once."""
    return {name: load(name) for name in EXPECTED}


@pytest.mark.parametrize("name", EXPECTED)
def test_recordings_agree_with_the_registry(name, loaded):
    trials, entry = loaded[name], dataset_info(name)
    n_subjects, classes, sessions, sizes = EXPECTED[name]
    metadata = trials.metadata
    assert trials.name == name
    assert trials.classes.tolist() == classes
    assert metadata["subject"].nunique() == n_subjects
    assert set(metadata["subject"]) <= set(entry["subjects"])
    if name in FILE_SETS:
        assert metadata["subject"].unique().tolist() == entry["subjects"]
    by_subject = metadata.groupby("subject")["session"].nunique()
    assert by_subject.tolist() == sessions
    assert by_subject.max() == entry["sessions"]
    assert set(metadata.groupby(["subject", "session"]).size()) == sizes
    assert len(trials.ch_names) == entry["channels"]
    recipe = Recipe.from_dict(entry["recipe"])
    assert trials.recipe == recipe.to_dict()
    assert trials.sfreq == (recipe.resample or entry["sfreq"])
    assert abs(trials.tmin - recipe.tmin) <= 0.5 / trials.sfreq  # On the grid.


@pytest.mark.parametrize("name", EXPECTED)
def test_signals_are_of_the_modality_and_of_its_size(name, loaded):
    trials = loaded[name]
    kind, low, high = {
        "eeg": ("eeg", 0.2e-6, 100e-6),
        "meg": ("mag", 1e-15, 1e-10),
    }[dataset_info(name)["modality"]]
    assert set(trials.info.get_channel_types()) == {kind}
    spread = np.median(np.std(trials.X[:200], axis=-1)) * trials.unit
    if name not in NO_SCALE:
        assert low < spread < high


@pytest.mark.parametrize("name", EXPECTED)
def test_no_channel_holds_codes(name, loaded):
    X = loaded[name].X
    for channel in range(X.shape[1]):
        assert len(np.unique(X[:20, channel])) > 100


@pytest.mark.parametrize("name", FILE_SETS)
def test_checksums_are_those_of_the_sources(name, real_data):
    with open(real_data / "SOURCES.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    source = dataset_info(name)["source"]
    folder = source["folder"] + "/"
    published = {
        row["file"].removeprefix(folder): row["sha256"]
        for row in rows
        if row["file"].startswith(folder)
    }
    assert source["files"] == published


def test_the_two_equal_recordings_of_kalunga_are_found(loaded):
    """One run of subject 3 is a run of subject 7, sample by sample."""
    trials = loaded["kalunga2016"]
    places = trials.metadata.assign(hash=trials.signal_hashes())
    pairs = places.merge(places, on="hash", suffixes=("", "_copy"))
    pairs = pairs[pairs["subject"] < pairs["subject_copy"]]
    assert len(pairs) == 24
    columns = ["subject", "run", "subject_copy", "run_copy"]
    assert pairs[columns].drop_duplicates().to_numpy().tolist() == [[3, "1", 7, "0"]]


@pytest.mark.parametrize("name", [n for n in EXPECTED if n != "kalunga2016"])
def test_no_other_set_holds_a_trial_twice(name, loaded):
    hashes = loaded[name].signal_hashes()
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize(
    ("name", "file", "key", "labels"),
    [
        ("bnci2014_004", "B03.npz", "y2T", {1: "left_hand", 2: "right_hand"}),
        ("meg_wrist", "y_test.npy", None, {i: f"direction{i}" for i in range(4)}),
        ("p300_gtec", "S2.npz", "trig", {-1: "NonTarget", 1: "Target"}),
        ("p300_bci2_iib", "AAS011R02.npz", None, {0: "NonTarget", 1: "Target"}),
    ],
)
def test_labels_are_those_of_the_file(name, file, key, labels, real_data, loaded):
    content = np.load(real_data / dataset_info(name)["source"]["folder"] / file)
    part = loaded[name]
    if name == "bnci2014_004":
        codes, part = content[key], part.select(subject=3, session="2T")
    elif name == "meg_wrist":
        codes, part = content, part.select(session="1test")
    elif name == "p300_gtec":
        codes, part = content[key][content[key] != 0], part.select(subject=2)
    else:
        flashes = np.flatnonzero(np.diff(content["Flashing"].astype(int)) == 1) + 1
        codes = content["StimulusType"][flashes]
        part = part.select(session="011", run="02")
    assert part.y.tolist() == [labels[code] for code in codes]


def test_labels_of_the_headband_are_those_of_the_marker(real_data, loaded):
    for name, labels in (
        ("muse_p300", {1: "NonTarget", 2: "Target"}),
        ("muse_n170", {1: "house", 2: "face"}),
    ):
        path = min((real_data / name / "subject1/session1").iterdir())
        marker = pd.read_csv(path).iloc[:, -1]
        marker = marker[marker != 0]
        run = loaded[name].select(subject=1, session="1", run="0")
        at = np.round(run.metadata["onset"] * 256).astype(int)
        assert run.y.tolist() == [labels[code] for code in marker[at]]
        # The last may be cut off.
        assert len(marker) - 1 <= len(run) <= len(marker)


# --- the marker among the channels --------------------------------------------


def read_with_marker(path, kind):
    """A Muse recording with the marker as a channel of the given type."""
    raw = _read_muse_csv(path)
    raw.set_channel_types({"Marker": kind}, on_unit_change="ignore")
    events = mne.find_events(_read_muse_csv(path), shortest_event=1, verbose=False)
    return raw, events


def auc(trials):
    pipeline = make_pipeline(
        XdawnCovariances(2, estimator="oas"), TangentSpace(), LogisticRegression()
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    y = trials.y == "Target"
    return cross_val_score(pipeline, trials.X, y, cv=folds, scoring="roc_auc").mean()


def test_a_marker_among_the_channels_is_refused_and_would_give_all_away(
    real_data, loaded
):
    path = min((real_data / "muse_p300/subject1/session1").iterdir())
    codes, recipe = {"NonTarget": 1, "Target": 2}, Recipe(band=(1, 30), tmax=0.8)
    raw, events = read_with_marker(path, "eeg")
    with pytest.raises(ValueError, match="'Marker' has type 'eeg' but the name of"):
        trials_from_raw(raw, codes, recipe, events=events)
    raw.rename_channels({"Marker": "Fz"})
    with pytest.raises(ValueError, match="'Fz' has type 'eeg' but only 3 distinct"):
        trials_from_raw(raw, codes, recipe, events=events)
    raw.rename_channels({"Fz": "Marker"})
    # By name it comes; scaled, so that the pipeline is as blind to units as any.
    raw._data[raw.ch_names.index("Marker")] *= 1e-5
    names = ["TP9", "AF7", "AF8", "TP10", "Marker"]
    leaky = trials_from_raw(raw, codes, recipe, events=events, picks=names)
    assert auc(leaky) > 0.99
    honest = loaded["muse_p300"].select(session="1")
    assert honest.ch_names == names[:4]
    assert 0.6 < auc(honest) < 0.95


# --- a known answer -----------------------------------------------------------


def test_meg_reaches_the_published_score(loaded):
    """Shrinkage LDA on the official split: .61 (winner .595, chance .25)."""
    train, test = (loaded["meg_wrist"].select(session=s) for s in ("0train", "1test"))
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    lda.fit(train.X.reshape(len(train), -1), train.y)
    assert lda.score(test.X.reshape(len(test), -1), test.y) > 0.55


def test_speller_stimuli_and_targets_agree(loaded):
    """Of twelve rows and columns, two hold the character: each is flashed 15 times."""
    metadata = loaded["p300_bci2_iib"].metadata
    target = loaded["p300_bci2_iib"].y == "Target"
    by_character = metadata.assign(target=target).groupby(
        ["session", "run", "character", "stimulus"]
    )["target"]
    assert set(by_character.size()) == {15}
    shares = by_character.mean().groupby(["session", "run", "character"])
    assert set(shares.sum()) == {2.0} and set(shares.size()) == {12}
    assert set(by_character.mean()) == {0.0, 1.0}


@pytest.mark.parametrize("name", [n for n in EXPECTED if n not in NO_ONSET])
def test_trials_are_in_recording_order(name, loaded):
    metadata = loaded[name].metadata
    for _, run in metadata.groupby(["subject", "session", "run"]):
        assert np.diff(run["onset"]).min() > 0


def test_eyes_that_a_file_types_as_eeg_are_refused(real_data):
    raw = mne.io.read_raw_eeglab(real_data / "formats/eeglab_data.set", verbose=False)
    recipe = Recipe(band=(1, 30), tmin=-0.2, tmax=0.5)
    events = {"square": "square", "rt": "rt"}
    with pytest.raises(ValueError, match="'EOG1' has type 'eeg'.*set_channel_types"):
        trials_from_raw(raw, events, recipe)
    raw.load_data().set_channel_types({"EOG1": "eog", "EOG2": "eog"}, verbose=False)
    trials = trials_from_raw(raw, events, recipe)
    assert not {"EOG1", "EOG2"} & set(trials.ch_names)
    assert len(trials.ch_names) == 30

"""The registry is sane, and local recordings are found without touching anything."""

import contextlib
import copy
import fnmatch
import hashlib
import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import mne
import moabb.datasets
import moabb.paradigms
import numpy as np
import pandas as pd
import pooch
import pytest
from sklearn.metrics import get_scorer_names

from neurodec.datasets import dataset_info, list_datasets, load, local, registry
from neurodec.datasets._set_files import files_of, moabb_files
from neurodec.datasets.files import READERS
from neurodec.preprocessing import Recipe

EEGBCI = "MNE-eegbci-data/files/eegmmidb/1.0.0/S001"
SSVEP = "MNE-ssvepexo-data/zenodo/2392979"
MODALITIES = {"eeg", "meg"}
PARADIGMS = {"imagery", "p300", "ssvep", "movement", "images"}
MOABB_SETS = [n for n in list_datasets() if "moabb" in dataset_info(n)["source"]]
# MOABB's loader gives four subjects of this set a session more than its class says.
MORE_SESSIONS = {"bnci2015_001": 3}
LEFT_OUT = {"physionet_mi": (88, 92, 100)}
# Kept under names that MOABB learns from a listing, or made while unpacking.
NOT_BY_URL = {"mamem1", "mamem2", "mamem3", "physionet_mi", "weibo2014", "zhou2016"}
NOT_BY_URL |= {"shin2017a"}


# --- entries ------------------------------------------------------------------


@pytest.mark.parametrize("name", list_datasets())
def test_entries_are_sane(name):
    entry = dataset_info(name)
    assert re.fullmatch("[a-z0-9_]+", name)
    assert entry["modality"] in MODALITIES
    assert entry["paradigm"] in PARADIGMS
    assert entry["title"] and entry["licence"]
    assert entry["doi"] is None or entry["doi"].startswith("10.")
    assert entry["pipelines"]
    assert set(entry["scoring"]) <= set(get_scorer_names())
    assert entry["subjects"] == sorted(set(entry["subjects"]))
    assert min(entry["subjects"]) == 1
    for field in ("sessions", "channels", "sfreq"):
        assert isinstance(entry[field], int) and entry[field] > 0
    assert entry["size"] is None or entry["size"] >= 0
    assert entry.get("unverified", False) in (True, False)
    recipe = Recipe.from_dict(entry["recipe"])
    recipe.check_rate(entry["sfreq"])


@pytest.mark.parametrize("name", list_datasets())
def test_sources_exist(name):
    source = dataset_info(name)["source"]
    if "moabb" in source:
        dataset = getattr(moabb.datasets, source["moabb"])()
        paradigm = getattr(moabb.paradigms, source["paradigm"])
        assert paradigm(**source.get("paradigm_parameters", {})).is_valid(dataset)
        assert set(dataset_info(name)["subjects"]) <= set(dataset.subject_list)
    elif "reader" in source:
        assert source["reader"] in READERS
        assert source["url"].startswith("https://")
        unverified = dataset_info(name).get("unverified")
        known = "None" if unverified else "[0-9a-f]{64}"
        assert all(re.fullmatch(known, str(h)) for h in source["files"].values())
        assert list(source["files"]) == sorted(source["files"])
        assert ("download" in source) != ("no_download" in source)
        if "download" in source:
            assert source["download"]["url"].startswith("https://")
            assert source["download"]["url"].endswith("/{file}")
        owned = [f for s in dataset_info(name)["subjects"] for f in files_of(source, s)]
        assert set(owned) == set(source["files"])
    else:
        assert source["simulator"] == "make_motor_imagery"


@pytest.mark.parametrize("name", MOABB_SETS)
def test_facts_are_those_of_moabbs_class(name):
    """So that nothing in the registry is invented."""
    entry = dataset_info(name)
    dataset = getattr(moabb.datasets, entry["source"]["moabb"])()
    about = dataset.metadata
    kept = [s for s in dataset.subject_list if s not in LEFT_OUT.get(name, ())]
    assert entry["subjects"] == kept
    assert entry["sessions"] == MORE_SESSIONS.get(name, dataset.n_sessions)
    assert entry["paradigm"] == dataset.paradigm
    assert entry["channels"] == about.acquisition.channel_types["eeg"]
    assert entry["sfreq"] == about.acquisition.sampling_rate
    assert entry["doi"] == dataset.doi.removeprefix("https://doi.org/")
    written = re.sub("[- ]", "", entry["licence"]).lower()
    assert written == re.sub("[- ]", "", about.documentation.license).lower()
    assert ("checksums" in (entry["source"]["files"] or {})) != entry.get("unverified")
    # The window starts with the task, or before it where MOABB cuts baselines.
    assert entry["recipe"]["tmin"] == dataset.interval[0]


@pytest.mark.parametrize("name", sorted(set(MOABB_SETS) - NOT_BY_URL))
def test_files_are_those_that_moabb_asks_for(name, tmp_path, monkeypatch, no_network):
    entry = dataset_info(name)
    source = entry["source"]
    asked = []

    def retrieve(url, known_hash=None, fname=None, path=None, **kwargs):
        file = Path(path) / (fname or pooch.utils.unique_file_name(url))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        asked.append(str(file.relative_to(tmp_path)))
        return str(file)

    monkeypatch.setattr(moabb.datasets.download, "retrieve", retrieve)
    dataset = getattr(moabb.datasets, source["moabb"])()
    for subject in (entry["subjects"][0], entry["subjects"][-1]):
        asked.clear()
        with local.moabb_downloads(source["sign"], tmp_path):
            with contextlib.suppress(zipfile.BadZipFile):  # After the download.
                dataset.data_path(subject)
        expected = moabb_files(source["files"], subject)
        assert asked and len(asked) <= len(expected)
        for file in asked:  # Of several archives it opens the first at once.
            assert any(fnmatch.fnmatchcase(file, pattern) for pattern in expected)
        if not file.endswith(".zip"):
            assert len(asked) == len(expected)


def test_every_published_table_has_its_sets():
    """The sets of MOABB's benchmark pages and of the table of augmented covariances."""
    names = {dataset_info(name)["source"]["moabb"] for name in MOABB_SETS}
    assert {"BNCI2014_001", "BNCI2014_002", "BNCI2014_004", "BNCI2015_001"} <= names
    assert {"Zhou2016", "AlexMI", "Cho2017", "Lee2019_MI", "Wang2016"} <= names


@pytest.mark.realdata
def test_the_published_tables_on_disk(real_data):
    names = {dataset_info(name)["source"]["moabb"] for name in MOABB_SETS}
    pages = sorted((real_data / "published").glob("moabb_within_session_*.csv"))
    assert len(pages) == 5
    for page in pages:
        header = page.read_text().splitlines()[0]
        assert set(re.findall(":class:`(.*?)`", header)) <= names


def test_lists_by_what_is_wanted():
    everything = list_datasets()
    assert set(list_datasets(modality="meg")) == {"meg_wrist", "things_meg"}
    assert "wang2016" in list_datasets(paradigm="ssvep", min_subjects=30)
    assert list_datasets(licence="cc-by 4.0") == list_datasets(licence="CC BY 4.0")
    assert 5 < len(list_datasets(licence="cc by 4.0")) < len(everything)
    assert list_datasets(min_subjects=1000) == []


def test_an_entry_is_a_copy():
    dataset_info("simulated")["subjects"].clear()
    dataset_info("simulated")["recipe"]["band"] = None
    assert dataset_info("simulated")["subjects"] == [1, 2, 3, 4]
    assert dataset_info("simulated")["recipe"]["band"] == [8, 32]


def test_subjects_recorded_at_another_rate_are_left_out():
    subjects = dataset_info("physionet_mi")["subjects"]
    assert len(subjects) == 106
    assert not {88, 92, 100} & set(subjects)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a: [1,", ["sets.yaml", "not valid YAML"]),
        ("- a\n- b", ["sets.yaml", "mapping"]),
        ("made: {}\nmade: {}", ["sets.yaml", "'made' is repeated", "line 2"]),
        ("made: {title: x}", ["sets.yaml", "'made'", "lacks", "modality", "source"]),
    ],
)
def test_a_wrong_registry_is_refused(text, pieces, tmp_path):
    path = tmp_path / "sets.yaml"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        registry._read_registry(path)
    for piece in pieces:
        assert piece in str(caught.value)


# --- loading ------------------------------------------------------------------


def test_simulated_subjects_do_not_depend_on_the_others():
    both, second = load("simulated", [1, 2]), load("simulated", [2])
    assert both.select(subject=2).fingerprint() == second.fingerprint()
    assert load("simulated", [2], random_state=1).fingerprint() != second.fingerprint()


@pytest.mark.parametrize(
    "recipe",
    [
        dict(tmax=2.0),
        dict(band=[8, 32], tmin=0.0, tmax=2.0),
        Recipe(band=(8, 32), tmax=2.0),
    ],
)
def test_a_recipe_replaces_settings_of_the_registrys(recipe):
    trials = load("simulated", [1], recipe=recipe)
    assert trials.n_times == 257
    assert trials.recipe == Recipe(band=(8, 32), tmax=2.0).to_dict()


# --- local first --------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A new home, so that MNE's configuration is our own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in list(os.environ):
        if name.startswith(("MNE_DATA", "MOABB")):
            monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def copy_files(source, folder):
    """The recordings of subject 1 of two MOABB sets, in MNE's layout."""
    for relative in (EEGBCI, SSVEP):
        (folder / relative).mkdir(parents=True)
        for path in sorted((source / "mne_data" / relative).iterdir()):
            if "01" in path.name[:10]:
                shutil.copyfile(path, folder / relative / path.name)
    return folder


@pytest.fixture
def data(real_data, tmp_path):
    return copy_files(real_data, tmp_path / "data")


def state(folder):
    """Everything in a folder: names, times and content."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None,
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["physionet_mi", "kalunga2016"])
@pytest.mark.parametrize("where", ["NEURODEC_DATA", "MNE_DATA", "MNE_DATASETS", "home"])
def test_local_sets_need_no_network_and_change_nothing(
    name, where, data, home, monkeypatch, no_network
):
    monkeypatch.delenv("NEURODEC_DATA", raising=False)
    sign = dataset_info(name)["source"]["sign"]
    if where == "home":
        data = data.rename(home / "mne_data")
    else:
        key = f"MNE_DATASETS_{sign}_PATH" if where == "MNE_DATASETS" else where
        monkeypatch.setenv(key, str(data))
    before = state(data), state(home), dict(os.environ)
    trials = load(name, [1])
    assert len(trials) > 40
    assert load(name).fingerprint() == trials.fingerprint()  # Those that are here.
    assert (state(data), state(home), dict(os.environ)) == before


@pytest.mark.realdata
def test_a_fresh_process_writes_no_configuration(data, home):
    code = """
        import socket
        def refuse(*args, **kwargs):
            raise SystemExit("network")
        socket.socket.connect = socket.getaddrinfo = refuse
        from neurodec.datasets import load
        print(len(load("physionet_mi", [1])), len(load("kalunga2016", [1])))
    """
    env = {**os.environ, "NEURODEC_DATA": str(data), "MPLCONFIGDIR": str(data.parent)}
    before = state(data)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["45", "48"], done.stderr
    assert state(data) == before
    assert state(home) == {}


@pytest.mark.realdata
def test_the_first_folder_with_the_wanted_subjects_is_read(
    data, home, monkeypatch, no_network
):
    """Subject 2 in one folder must not hide subject 1 in another."""
    other = home / "mne_data" / SSVEP
    other.mkdir(parents=True)
    for path in (data / SSVEP).iterdir():
        shutil.copyfile(path, other / path.name.replace("subject01", "subject02"))
    monkeypatch.setenv("NEURODEC_DATA", str(data))
    assert load("kalunga2016", [2]).metadata["subject"].unique().tolist() == [2]
    assert load("kalunga2016", [1]).metadata["subject"].unique().tolist() == [1]
    assert load("kalunga2016").metadata["subject"].unique().tolist() == [1]


def test_environment_is_put_back_even_after_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("MOABB_DOWNLOAD_PROVIDER", "nemar")
    monkeypatch.delenv("MNE_DATASETS_EEGBCI_PATH", raising=False)
    before = dict(os.environ)
    with pytest.raises(RuntimeError), local.moabb_reads_locally("EEGBCI", tmp_path):
        assert os.environ["MOABB_DOWNLOAD_PROVIDER"] == "upstream"
        assert os.environ["MNE_DATASETS_EEGBCI_PATH"] == str(tmp_path)
        raise RuntimeError
    assert dict(os.environ) == before


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("physionet_mi", f"{EEGBCI}/S001R08.edf"),
        ("kalunga2016", f"{SSVEP}/subject01_run2_raw.fif"),
    ],
)
@pytest.mark.parametrize("damage", ["cut", "no recording", "empty"])
def test_a_damaged_moabb_file_is_refused(
    name, file, damage, data, home, monkeypatch, no_network
):
    """MNE reads an EDF that was cut off, and gives fewer trials without a word."""
    content = (data / file).read_bytes()
    content = {
        "cut": content[: len(content) // 2],
        "no recording": b"<html>not found</html>",
        "empty": b"",
    }[damage]
    (data / file).write_bytes(content)
    monkeypatch.setenv("NEURODEC_DATA", str(data))
    with pytest.raises(ValueError, match=f"{file}.*fetch it again"):
        load(name, [1])
    assert (data / file).read_bytes() == content


def copy_set(name, real_data, folder):
    source = dataset_info(name)["source"]
    shutil.copytree(real_data / source["folder"], folder / source["folder"])
    return folder / source["folder"], list(source["files"])


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["meg_wrist", "muse_n170", "p300_gtec"])
def test_damaged_and_missing_files_are_refused(name, real_data, home, monkeypatch):
    folder, files = copy_set(name, real_data, home)
    monkeypatch.setenv("NEURODEC_DATA", str(home))
    assert len(load(name)) > 100
    path = folder / files[-1]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # One bit.
    with pytest.raises(ValueError, match=f"{path}.*damaged.*SHA-256.*fetch it again"):
        load(name)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"{path} is missing.*fetch"):
        load(name)


@pytest.mark.realdata
def test_other_files_in_the_folder_are_not_read(real_data, home, monkeypatch):
    folder, files = copy_set("muse_n170", real_data, home)
    before = load("muse_n170").fingerprint()
    shutil.copyfile(
        folder / files[0], folder / "subject1/session1/data_2020-01-01-00.00.00.csv.gz"
    )
    monkeypatch.setenv("NEURODEC_DATA", str(home))
    assert load("muse_n170").fingerprint() == before


def test_an_absent_set_names_the_folders_and_the_source(home, monkeypatch, no_network):
    monkeypatch.setenv("NEURODEC_DATA", str(home))
    with pytest.raises(FileNotFoundError) as caught:
        load("meg_wrist")
    for piece in ("meg_wrist", str(home), "set NEURODEC_DATA", "https://www.bbci.de"):
        assert piece in str(caught.value)


class Network:
    """Stands for MOABB's download: brings what it has, or fails at once."""

    def __init__(self, monkeypatch, store=None):
        self.asked, self.seen, self.store = [], [], store
        monkeypatch.setattr(moabb.datasets.PhysionetMI, "data_path", self.bring)

    def bring(self, subject):
        assert os.environ["MOABB_DOWNLOAD_PROVIDER"] == "upstream"
        self.asked.append(subject)
        folder = Path(mne.get_config("MNE_DATASETS_EEGBCI_PATH"))
        self.seen.append((folder.parent, folder == Path(mne.get_config("MNE_DATA"))))
        if self.store is None:
            raise ConnectionError("no route to host")
        name = EEGBCI.replace("S001", f"S{subject:03d}")
        shutil.copytree(self.store / name, folder / name)


def add_subject_7(data, folder):
    """Subject 1 under the number 7: real files that nobody needs to download."""
    target = folder / EEGBCI.replace("S001", "S007")
    target.mkdir(parents=True)
    for path in (data / EEGBCI).iterdir():
        shutil.copyfile(path, target / path.name.replace("S001", "S007"))
    return folder


def test_a_failed_download_says_where_files_may_lie(home, monkeypatch, capsys):
    monkeypatch.setenv("NEURODEC_DATA", str(home))
    network = Network(monkeypatch)
    before = dict(os.environ)
    with pytest.raises(FileNotFoundError) as caught:
        load("physionet_mi", [3])
    for piece in (
        *("subject 3 of physionet_mi is not in any data folder", "no route to host"),
        *("NEURODEC_DATA", "MNE-eegbci-data/"),
    ):
        assert piece in str(caught.value)
    captured = capsys.readouterr()
    assert captured.err == "downloading subject 3 of physionet_mi (Ctrl-C stops)\n"
    assert captured.out == ""
    assert network.seen == [(home / "mne_data", True)]
    left = {path.name for path in home.rglob("*")}
    assert left <= {"mne_data", ".fetching"}  # Not configured.
    assert dict(os.environ) == before


@pytest.mark.realdata
@pytest.mark.parametrize("wanted", [[7], [1, 7], [7, 1, 8]])
def test_only_missing_subjects_are_asked_for(
    wanted, data, home, monkeypatch, no_network
):
    monkeypatch.setenv("NEURODEC_DATA", str(data))
    network = Network(monkeypatch)
    with pytest.raises(FileNotFoundError) as caught:
        load("physionet_mi", wanted)
    assert network.asked == [7]
    assert str(caught.value) == (
        f"subject 7 of physionet_mi is not in {data} (which holds subjects 1) and "
        "could not be downloaded: subject 7 of physionet_mi could not be fetched "
        "through MOABB, 1 attempts: no route to host; run 'neurodec datasets fetch "
        "physionet_mi --subjects 7' when connected, or choose among those."
    )


@pytest.mark.realdata
@pytest.mark.parametrize("wanted", [[1, 7], [7, 1]])
@pytest.mark.parametrize("key", ["MNE_DATA", "MNE_DATASETS_EEGBCI_PATH"])
def test_downloaded_subjects_join_the_local_ones(
    wanted, key, data, home, tmp_path, monkeypatch, no_network
):
    store = add_subject_7(data, shutil.copytree(data, tmp_path / "store"))
    # The stand-in for subject 7 is not the published one.
    monkeypatch.setattr(
        "neurodec.datasets._moabb_sets.check_published", lambda *_: None
    )
    monkeypatch.setattr(
        "neurodec.datasets._moabb_files.check_published", lambda *_: None
    )
    monkeypatch.setenv("NEURODEC_DATA", str(store))
    at_once = load("physionet_mi", wanted)
    monkeypatch.setenv("NEURODEC_DATA", str(data))
    (home / "configured").mkdir()
    monkeypatch.setenv(key, str(home / "configured"))
    network = Network(monkeypatch, store)
    before = state(data), dict(os.environ)
    joined = load("physionet_mi", wanted)
    assert network.asked == [7]
    assert network.seen[0][0] == home / "configured"
    assert (state(data), dict(os.environ)) == before
    kept = [path.name for path in (home / "configured").iterdir()]
    assert sorted(kept) == [".fetching", "MNE-eegbci-data"]
    assert joined.fingerprint() == at_once.fingerprint()
    np.testing.assert_array_equal(joined.X, at_once.X)
    pd.testing.assert_frame_equal(joined.metadata, at_once.metadata)
    assert joined.metadata["subject"].unique().tolist() == wanted


@pytest.mark.realdata
def test_subjects_in_two_folders_are_read_together(data, home, monkeypatch, no_network):
    monkeypatch.setenv("NEURODEC_DATA", str(data))
    other = home / "mne_data" / SSVEP
    other.mkdir(parents=True)
    for path in (data / SSVEP).iterdir():
        shutil.copyfile(path, other / path.name.replace("subject01", "subject02"))
    trials = load("kalunga2016", [2, 1])
    assert trials.metadata["subject"].unique().tolist() == [2, 1]
    np.testing.assert_array_equal(*np.split(trials.X, 2))


def test_moabb_windows_count_from_the_event(home, monkeypatch, no_network):
    """MOABB counts from the start of the task, which is 2 s after Kalunga's event."""
    seen = {}

    def look(dataset, paradigm, subjects, **kwargs):
        seen.update(vars(paradigm), interval=copy.copy(dataset.interval))
        raise OSError

    monkeypatch.setattr("neurodec.datasets._moabb_sets.trials_from_moabb", look)
    monkeypatch.setattr("neurodec.datasets._set_files.data_folders", lambda sign: [])
    monkeypatch.setattr(
        "neurodec.datasets._moabb_sets.bring_subject", lambda *args, **kwargs: None
    )
    recipe = {"tmin": 2.5, "tmax": 3.5, "baseline": [1.5, 2.0]}
    with pytest.raises(OSError):
        load("kalunga2016", [1], recipe=recipe)
    assert seen["interval"] == [2, 4]
    assert (seen["tmin"], seen["tmax"], seen["baseline"]) == (0.5, 1.5, (-0.5, 0.0))
    with pytest.raises(OSError):
        load("kalunga2016", [1])
    assert (seen["tmin"], seen["tmax"], seen["baseline"]) == (0.0, None, None)

"""``neurodec datasets``: what it prints, and how it refuses."""

import os

import pytest
from download_server import CONTENT, SHA256, Server
from typer.testing import CliRunner

from neurodec.cli import app
from neurodec.datasets import dataset_info, list_datasets, registry


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A new home without data folders, and a terminal of usual width."""
    for name in list(os.environ):
        if name.startswith(("MNE_DATA", "MOABB", "NEURODEC")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def run(*arguments, status=0):
    result = CliRunner().invoke(app, ["datasets", *arguments])
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output
    return result.output


# --- list ---------------------------------------------------------------------


def test_all_sets_are_listed_in_eighty_columns(home, no_network):
    lines = run("list").splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == list_datasets()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    rows = {line.split()[0]: line for line in lines}
    assert rows["muse_p300"].split() == [
        *("muse_p300", "p300", "1", "3", "4", "eeg", "6.4", "MB"),
        *("BSD-3-Clause", "-"),
    ]
    assert " * " in rows["wang2016"] and " ? " in rows["wang2016"]
    assert rows["simulated"].rstrip().endswith("always")


def listed(*arguments):
    return [line.split()[0] for line in run("list", *arguments).splitlines()[1:-1]]


def test_filters(home):
    assert listed("--modality", "meg") == ["meg_wrist", "things_meg"]
    assert listed("--paradigm", "ssvep", "--min-subjects", "30") == [
        *("lee2019_ssvep", "wang2016")
    ]
    assert "kalunga2016" in listed("--licence", "cc-by")
    assert listed("--local") == ["simulated"]
    assert "no dataset is like that" in run("list", "--min-subjects", "999")


@pytest.mark.realdata
def test_what_is_on_this_machine(home, real_data, monkeypatch):
    monkeypatch.setenv("NEURODEC_DATA", str(real_data))
    rows = {line.split()[0]: line.rstrip() for line in run("list").splitlines()}
    assert rows["kalunga2016"].endswith("8/12")
    assert rows["physionet_mi"].endswith("1/106")
    assert {"muse_n170", "p300_gtec", "simulated"} <= set(listed("--local"))
    assert "bnci2014_001" not in listed("--local")


# --- info ---------------------------------------------------------------------


@pytest.mark.parametrize("name", list_datasets())
def test_an_entry_is_printed_whole(name, home):
    text, entry = " ".join(run("info", name).split()), dataset_info(name)
    assert entry["licence"] in text
    assert (entry["doi"] or "doi not known") in text
    assert ("unverified yes: no checksum is known" in text) == bool(
        entry.get("unverified")
    )
    for key in ("subjects", "sessions", "channels", "sfreq", "size", "recipe"):
        assert key in text
    for sha256 in (entry["source"].get("files") or {}).values():
        assert "reader" not in entry["source"] or str(sha256 or "?") in text


# --- fetch --------------------------------------------------------------------


@pytest.fixture
def server(home, monkeypatch):
    entry = {
        **dataset_info("simulated"),
        "subjects": [1, 2],
        "source": {
            **{"folder": "made", "reader": "none", "url": "https://example.org"},
            "subject_files": "s{subject}.bin",
            "files": {"s1.bin": SHA256, "s2.bin": SHA256},
        },
    }
    with Server() as server:
        entry["source"]["download"] = {"url": server.url + "/{file}"}
        monkeypatch.setattr(registry, "_registry", lambda: {"made": entry})
        yield server
        server.shutdown()


def test_a_fetch_says_where_the_files_are(server, home, tmp_path):
    text = run("fetch", "made", "--subjects", "2")
    assert f"made is in {home / 'mne_data'}\n" in text
    assert os.listdir(home / "mne_data/made") == ["s2.bin"]
    other = tmp_path / "other"
    text = run("fetch", "made", "--to", str(other))
    assert f"export NEURODEC_DATA={other}\n" in text
    assert (other / "made/s1.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ([{"status": 404}], "is not there (the server answered 404)"),
        ([{"body": CONTENT[::-1]}], "does not give the published file"),
        ([{"status": 500}], "0 of 2 files are here"),
    ],
)
def test_a_failed_fetch_is_one_line(server, home, script, said):
    server.script = script
    text = run("fetch", "made", "--retries", "0", status=2)
    (line,) = [line for line in text.splitlines() if "error:" in line]
    assert said in line
    assert not (home / "mne_data/made/s1.bin").exists()


def test_an_interrupted_fetch_says_how_to_go_on(server, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("neurodec.datasets._download.download", stop)
    assert "run the same command again" in run("fetch", "made", status=130)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fetch", "mouse_p300"], "did you mean muse_p300"),
        (["info", "mouse_p300"], "did you mean muse_p300"),
        (["fetch", "muse_n170", "--subjects", "1-9"], "it has 1 to 3"),
        (["fetch", "simulated"], "is made on this machine"),
        (["fetch", "p300_gtec"], "no public files"),
        (["fetch", "shin2017a"], "--accept-licence"),
        (["list", "--modality", "fmri"], "Known: eeg, meg"),
    ],
)
def test_what_cannot_be_done(arguments, said, home, no_network):
    text = " ".join(run(*arguments, status=2).split())
    assert text.startswith("error:") and said in text
    assert not (home / "mne_data").exists()

"""A download is whole and right, or it is not there; an interrupted one goes on."""

import gzip
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import filelock
import moabb.datasets.download
import numpy as np
import pytest
import scipy.io
from download_server import CONTENT, SHA256, Server

from neurodec.datasets import (
    dataset_info,
    fetch,
    load,
    registry,
    subjects_here,
    trials_from_arrays,
)
from neurodec.datasets._download import download
from neurodec.datasets.files import READERS

OTHER = CONTENT[::-1]
SHA256_OTHER = hashlib.sha256(OTHER).hexdigest()
PART = 300_000
QUICK = {"retries": 2, "timeout": 0.25, "pause": 0.01}
# Verified files, and those whose hash nobody knows.
BOTH = pytest.mark.parametrize("sha256", [SHA256, None], ids=["hash", "no hash"])


@pytest.fixture
def server():
    with Server() as server:
        yield server
        server.shutdown()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "set" / "s1.bin"


def get(server, target, sha256=SHA256, **kwargs):
    download(f"{server.url}/s1.bin", target, sha256, **{**QUICK, **kwargs})


def is_whole(target, content=CONTENT):
    """The file is right, and nothing of the way there is left."""
    return target.read_bytes() == content and os.listdir(target.parent) == ["s1.bin"]


def part_of(target):
    return target.with_name(target.name + ".part")


def ranges(server):
    return [headers.get("Range") for _, headers in server.asked]


# --- what servers do ----------------------------------------------------------


@BOTH
def test_a_file_is_fetched_and_its_progress_told(server, target, sha256):
    seen = []
    get(server, target, sha256, report=lambda *args: seen.append(args))
    assert is_whole(target)
    assert seen == sorted(seen) and seen[-1] == (len(CONTENT), len(CONTENT))


@BOTH
def test_a_cut_answer_is_gone_on_with(server, target, sha256):
    server.script = [{"send": PART}, {"send": PART}, {}]
    get(server, target, sha256)
    assert is_whole(target)
    first, *later = ranges(server)
    assert first is None and len(later) == 2
    assert all(0 < int(r[6:-1]) <= 2 * PART for r in later)


@BOTH
def test_answers_that_are_always_cut_leave_no_file(server, target, sha256):
    server.script, server.ranges = [{"send": PART}], False
    with pytest.raises(ConnectionError, match="broke off.*bytes are kept, to go on"):
        get(server, target, sha256)
    assert not target.exists()
    assert part_of(target).stat().st_size <= PART
    assert len(server.asked) == 1 + QUICK["retries"]
    server.script, server.ranges = [{}], True
    get(server, target, sha256)
    assert is_whole(target)
    assert ranges(server)[-1] is not None


def test_a_slow_road_is_gone_to_its_end(server, target):
    """Attempts that bring something new are not counted."""
    server.script = [{"send": 2**17}] * 9 + [{}]
    get(server, target, retries=1)
    assert is_whole(target)


@BOTH
def test_a_stall_is_given_up_and_gone_on_with(server, target, sha256):
    server.script = [{"send": PART, "stall": 1.5}, {}]
    get(server, target, sha256)
    assert is_whole(target)
    assert ranges(server)[1] is not None


def test_a_server_that_stays_silent_is_left(server, target):
    server.script = [{"send": 0, "stall": 1.5}]
    with pytest.raises(ConnectionError, match="3 attempts: no bytes for 0.25 s"):
        get(server, target)
    assert not target.exists()


def test_500_is_asked_again(server, target):
    server.script = [{"status": 500}, {"status": 503}, {}]
    get(server, target)
    assert is_whole(target)
    assert len(server.asked) == 3


def test_500_for_ever_is_left(server, target):
    server.script = [{"status": 500}]
    with pytest.raises(ConnectionError, match="3 attempts: the server answered 500"):
        get(server, target)
    assert not target.parent.exists()


@pytest.mark.parametrize(
    ("status", "error"), [(404, FileNotFoundError), (403, ConnectionError)]
)
def test_a_refusal_is_not_asked_again(server, target, status, error):
    server.script = [{"status": status}]
    with pytest.raises(error, match=f"s1.bin is.*answered {status}"):
        get(server, target)
    assert len(server.asked) == 1
    assert not target.parent.exists()


def test_wrong_bytes_are_refused_and_not_kept(server, target):
    server.script = [{"body": OTHER}]
    with pytest.raises(ValueError, match=f"SHA-256 {SHA256_OTHER[:12]}.*{SHA256[:12]}"):
        get(server, target)
    assert len(server.asked) == 1
    assert os.listdir(target.parent) == []


def test_wrong_bytes_do_not_replace_a_file(server, target):
    target.parent.mkdir()
    target.write_bytes(b"older")
    server.script = [{"body": OTHER}]
    with pytest.raises(ValueError, match="nothing was kept"):
        get(server, target)
    assert is_whole(target, b"older")


@BOTH
def test_a_server_that_knows_no_ranges(server, target, sha256):
    server.script, server.ranges = [{"send": PART}, {}], False
    get(server, target, sha256)
    assert is_whole(target)
    assert ranges(server)[1] is not None


@BOTH
@pytest.mark.parametrize("blind", [False, True])
def test_the_file_changes_between_two_parts(server, target, sha256, blind):
    server.script = [{"send": PART}, {"body": OTHER, "blind": blind}]
    get(server, target, sha256 and SHA256_OTHER)
    assert is_whole(target, OTHER)


def test_parts_of_two_files_under_one_tag_are_not_taken(server, target):
    tag = {"headers": {"ETag": '"same"'}}
    server.script = [{"send": PART, **tag}, {"body": OTHER, "blind": True, **tag}]
    get(server, target, SHA256_OTHER)
    assert is_whole(target, OTHER)
    assert ranges(server)[-1] is None  # The beginning was thrown away.


def test_without_hash_and_tag_nothing_is_pieced_together(server, target):
    server.script = [{"send": PART, "headers": {"ETag": None}}]
    with pytest.raises(ConnectionError):
        get(server, target, None, retries=0)
    server.script = [{"headers": {"ETag": None}}]
    get(server, target, None)
    assert is_whole(target)
    assert ranges(server) == [None, None]


def test_the_date_of_a_file_serves_as_its_tag(server, target):
    date = {"ETag": None, "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    server.script = [{"send": PART, "headers": date}, {"headers": date, "blind": True}]
    get(server, target, None)
    assert is_whole(target)
    assert server.asked[1][1]["If-Range"] == date["Last-Modified"]


def test_a_web_page_is_no_file(server, target):
    server.script = [{"body": b"<html>", "headers": {"Content-Type": "text/html"}}]
    with pytest.raises(ConnectionError, match="a web page, not with the file"):
        get(server, target, None)
    assert not target.parent.exists()


def test_a_file_of_unknown_length_needs_a_hash(server, target):
    server.script = [{"headers": {"Content-Length": None}}]
    with pytest.raises(ConnectionError, match="does not say how long the file is"):
        get(server, target, None)
    get(server, target)
    assert is_whole(target)


@BOTH
def test_an_answer_in_chunks_tells_its_end(server, target, sha256):
    server.script = [{"chunked": True, "send": PART}, {"chunked": True}]
    get(server, target, sha256)
    assert is_whole(target)


def test_no_server_at_all(server, target):
    server.shutdown()
    server.server_close()
    with pytest.raises(ConnectionError, match="3 attempts: the connection.*refused"):
        get(server, target)
    assert not target.parent.exists()


def test_no_room_is_said_before_the_first_byte(server, target, monkeypatch):
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 0, 10)
    )
    with pytest.raises(OSError, match="1,048,576 bytes but .*room for 10"):
        get(server, target)
    assert os.listdir(target.parent) == []


# --- what is on the disk ------------------------------------------------------


@BOTH
def test_a_killed_process_leaves_no_file_and_the_next_goes_on(server, target, sha256):
    server.script = [{"slow": 0.05}, {}]
    code = f"""
        from pathlib import Path
        from neurodec.datasets._download import download
        download("{server.url}/s1.bin", Path({str(target)!r}), {sha256!r})
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    until = time.monotonic() + 60
    while not part_of(target).exists() or part_of(target).stat().st_size < 2**17:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists()
    kept = part_of(target).stat().st_size
    assert 2**17 <= kept < len(CONTENT)
    get(server, target, sha256)
    assert is_whole(target)
    assert ranges(server)[1:] == [f"bytes={kept}-"]


@BOTH
def test_killed_after_the_last_byte(server, target, sha256):
    server.script = [{"send": PART}]
    with pytest.raises(ConnectionError):
        get(server, target, sha256, retries=0)
    part_of(target).write_bytes(CONTENT)
    get(server, target, sha256)
    assert is_whole(target)
    assert len(server.asked) == 1


@pytest.mark.parametrize("damage", ["bit", "longer", "note", "no note"])
def test_a_damaged_beginning_is_not_built_on(server, target, damage):
    server.script = [{"send": PART}]
    with pytest.raises(ConnectionError):
        get(server, target, retries=0)
    part, note = part_of(target), target.with_name(target.name + ".part.json")
    content = bytearray(part.read_bytes())
    if damage == "bit":
        content[1000] ^= 1
    if damage == "longer":
        content += CONTENT
    part.write_bytes(content)
    if damage == "note":
        note.write_text('{"url": 1, "total"')
    if damage == "no note":
        note.unlink()
    server.script = [{}]
    get(server, target)
    assert is_whole(target)


# --- sets ---------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A new home, so that MNE's configuration and data folder are our own."""
    for name in list(os.environ):
        if name.startswith(("MNE_DATA", "MOABB", "NEURODEC")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def read_made(files, subject, recipe):
    data = np.frombuffer(files[f"s{subject}.bin"].read_bytes()[:4800], np.int16)
    X = data.reshape(4, 2, 300).astype(float)
    yield trials_from_arrays(X, [0, 1, 0, 1], sfreq=100, subject=subject, recipe=recipe)


@pytest.fixture
def made(server, home, monkeypatch):
    """A registry of one set, two subjects with a file each, on the local server."""
    entry = {
        **dataset_info("simulated"),
        **{"subjects": [1, 2], "recipe": {"band": None}},
        "source": {
            **{"folder": "made", "reader": "made", "url": "https://example.org"},
            "subject_files": "s{subject}.bin",
            "download": {"url": server.url + "/there/{file}"},
            "files": {"s1.bin": SHA256, "s2.bin": SHA256},
        },
    }
    monkeypatch.setattr(registry, "_registry", lambda: {"made": entry})
    monkeypatch.setitem(READERS, "made", read_made)
    return entry


def tree(folder):
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_a_fetched_set_can_be_loaded(made, server, home):
    assert subjects_here("made") == []
    assert fetch("made", **QUICK) == [home / "mne_data"]
    assert [path for path, _ in server.asked] == ["/there/s1.bin", "/there/s2.bin"]
    assert subjects_here("made") == [1, 2]
    assert load("made").metadata["subject"].unique().tolist() == [1, 2]
    fetch("made", **QUICK)
    assert len(server.asked) == 2  # What is here is not asked for.


def test_only_the_wanted_subjects_are_fetched_and_needed(made, server, home):
    fetch("made", [2], **QUICK)
    assert subjects_here("made") == [2]
    assert len(load("made", [2])) == 4
    with pytest.raises(FileNotFoundError) as caught:
        load("made", [1])
    assert "s1.bin is missing" in str(caught.value)
    assert "'neurodec datasets fetch made --subjects 1'" in str(caught.value)


def test_an_absent_set_names_the_command(made, home):
    with pytest.raises(FileNotFoundError) as caught:
        load("made")
    assert "run 'neurodec datasets fetch made', or set NEURODEC_DATA" in str(
        caught.value
    )


def test_the_folder_of_others_is_never_written_to(made, home, tmp_path, monkeypatch):
    others = tmp_path / "others"
    (others / "made").mkdir(parents=True)
    (others / "made/s1.bin").write_bytes(CONTENT)
    (others / "made/s2.bin").write_bytes(OTHER)  # Damaged.
    monkeypatch.setenv("NEURODEC_DATA", str(others))
    before = tree(others)
    with pytest.raises(ValueError, match="others.*s2.bin is damaged.*fetch made"):
        load("made")
    assert fetch("made", **QUICK) == [others, home / "mne_data"]
    assert tree(others) == before
    assert os.listdir(home / "mne_data/made") == ["s2.bin"]
    assert len(load("made")) == 8  # The good copy is read.


def test_a_damaged_file_of_ours_is_replaced(made, home):
    fetch("made", **QUICK)
    path = home / "mne_data/made/s1.bin"
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ValueError, match="s1.bin is damaged"):
        load("made")
    fetch("made", **QUICK)
    assert path.read_bytes() == CONTENT


def test_another_folder(made, server, home, tmp_path, monkeypatch):
    fetch("made", **QUICK)
    target = tmp_path / "other"
    assert fetch("made", [1], to=target, **QUICK) == [target]
    assert (target / "made/s1.bin").read_bytes() == CONTENT
    assert len(server.asked) == 3
    shutil.rmtree(home / "mne_data")
    monkeypatch.setenv("NEURODEC_DATA", str(target))
    assert len(load("made", [1])) == 4


def test_mnes_configured_folder_is_the_default(made, home, tmp_path, monkeypatch):
    (tmp_path / "configured").mkdir()
    monkeypatch.setenv("MNE_DATA", str(tmp_path / "configured"))
    assert fetch("made", [1], **QUICK) == [tmp_path / "configured"]
    assert len(load("made", [1])) == 4
    assert not (home / "mne_data").exists()


def test_a_failed_set_says_how_far_it_came(made, server, home):
    server.script = [{}, {"status": 500}]
    with pytest.raises(ConnectionError) as caught:
        fetch("made", **QUICK)
    for piece in (
        *("made: http://127", "s2.bin could not be had", "1 of 2 files are here"),
        *("'neurodec datasets fetch made' again", "https://example.org"),
    ):
        assert piece in str(caught.value)
    assert subjects_here("made") == [1]
    server.script = [{"status": 404}]
    with pytest.raises(FileNotFoundError, match="look for it on https://example.org"):
        fetch("made", **QUICK)


def test_one_fetch_at_a_time(made, home):
    (home / "mne_data").mkdir()
    with filelock.FileLock(home / "mne_data/.fetching"):
        with pytest.raises(BlockingIOError, match="another fetch is writing.*wait"):
            fetch("made", **QUICK)


def test_a_set_without_hashes(made, home):
    made["source"]["files"] = dict.fromkeys(made["source"]["files"])
    made["unverified"] = True
    fetch("made", **QUICK)
    assert len(load("made")) == 8


def test_names_are_turned_into_those_of_the_publisher(made, server):
    made["source"]["download"]["replace"] = {"s": "subject 0"}
    fetch("made", [1], **QUICK)
    assert server.asked[0][0] == "/there/subject%2001.bin"


@pytest.mark.realdata
def test_recordings_as_published_uncompressed(home, real_data, monkeypatch):
    """What a fetch of this set brings: csv, whose hashes are those of the source."""
    source = dataset_info("muse_n170")["source"]
    for file in source["files"]:
        path = home / "mne_data/muse_n170" / file.removesuffix(".gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.decompress((real_data / "muse_n170" / file).read_bytes()))
    fetched = load("muse_n170", [2])
    path.write_bytes(b"1,2")  # Of subject 3.
    with pytest.raises(ValueError, match=f"{path} is damaged"):
        load("muse_n170", [3])
    monkeypatch.setenv("NEURODEC_DATA", str(real_data))
    assert load("muse_n170", [2]).fingerprint() == fetched.fingerprint()


# --- sets that MOABB reads ----------------------------------------------------


class Mirror:
    """Stands for the server that MOABB asks: brings a file, or something else."""

    def __init__(self, monkeypatch, *answers):
        self.answers, self.asked, self.seen = list(answers), [], []
        monkeypatch.setattr(moabb.datasets.download, "retrieve", self)

    def __call__(self, url, known_hash, fname, path, **kwargs):
        self.asked.append(url)
        self.seen.append(os.environ.get("MOABB_DOWNLOAD_PROVIDER"))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if answer == "mat":
            scipy.io.savemat(Path(path) / fname, {"data": np.zeros(3)})
        else:
            (Path(path) / fname).write_bytes(answer)
        return str(Path(path) / fname)


BNCI = "MNE-bnci-data/~bci/database/008-2014/A01.mat"


def test_moabb_brings_a_subject_once(home, monkeypatch):
    mirror = Mirror(monkeypatch, "mat")
    before = dict(os.environ)
    assert fetch("bnci2014_008", [1], **QUICK) == [home / "mne_data"]
    assert (home / "mne_data" / BNCI).is_file()
    assert subjects_here("bnci2014_008") == [1]
    assert mirror.seen == ["upstream"]
    assert dict(os.environ) == before
    fetch("bnci2014_008", [1], **QUICK)
    assert len(mirror.asked) == 1
    assert sorted(p.name for p in home.iterdir()) == ["mne_data"]  # Not configured.


@pytest.mark.parametrize(
    "bad", [b"<html>not found</html>", b"", OSError("reset"), RuntimeError("MOABB's")]
)
def test_what_moabb_may_bring_instead(bad, home, monkeypatch):
    Mirror(monkeypatch, bad)
    with pytest.raises(ConnectionError, match="subject 1 of bnci2014_008 .*3 attempts"):
        fetch("bnci2014_008", [1], **QUICK)
    assert tree(home / "mne_data").keys() <= {".fetching"}
    Mirror(monkeypatch, bad, "mat")
    fetch("bnci2014_008", [1], **QUICK)
    assert subjects_here("bnci2014_008") == [1]


def test_an_archive_that_moabb_cannot_unpack_is_not_kept(home, monkeypatch):
    Mirror(monkeypatch, b"no archive")
    with pytest.raises(ConnectionError, match="bi2014a.*not a zip file"):
        fetch("bi2014a", [1], **QUICK)
    assert [p.name for p in (home / "mne_data").rglob("*")] in ([], [".fetching"])


def test_what_a_killed_fetch_left_aside_is_thrown_away(home, monkeypatch):
    left = home / "mne_data/.bnci2014_008-1" / BNCI
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    Mirror(monkeypatch, "mat")
    fetch("bnci2014_008", [1], **QUICK)
    assert not (home / "mne_data/.bnci2014_008-1").exists()
    assert (home / "mne_data" / BNCI).read_bytes() != b"half"


def test_a_licence_waits_to_be_accepted(home, monkeypatch, no_network):
    with pytest.raises(ValueError, match="shin2017a.*GPL 3.0.*--accept-licence"):
        fetch("shin2017a", [1])
    with pytest.raises(FileNotFoundError, match="shin2017a.*yours to accept"):
        load("shin2017a", [1])

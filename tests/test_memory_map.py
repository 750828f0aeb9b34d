"""Trials on the disk come back the same, and a large set is converted only once."""

import json
import os
import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from mne.utils import object_diff

from neurodec.datasets import (
    as_moabb,
    concatenate_trials,
    load,
    load_trials,
    memory_mapped,
    save_trials,
    trials_from_arrays,
    trials_from_raw,
)
from neurodec.evaluation import evaluate
from neurodec.preprocessing import Recipe

RECIPE = Recipe(band=None, tmin=0.0, tmax=0.5)


def subject_trials(subject, recipe=None, n_trials=8, **kwargs):
    """Trials of a subject, as a user's function would read them."""
    rng = np.random.default_rng(subject)
    given = {"sfreq": 64, "subject": subject, "name": "mine", "ch_names": ["C3", "C4"]}
    return trials_from_arrays(
        rng.standard_normal((n_trials, 2, 32)),
        ["left", "right"] * (n_trials // 2),
        **{**given, **kwargs},
    )


def read(subject, recipe):
    """Two sessions, one after the other."""
    yield subject_trials(subject, session="a")
    yield subject_trials(subject, session="b", n_trials=4)


def in_memory(subjects):
    return concatenate_trials([t for s in subjects for t in read(s, None)])


def same(one, other):
    assert one.fingerprint() == other.fingerprint()
    pd.testing.assert_frame_equal(one.metadata, other.metadata)
    assert one.y.dtype == other.y.dtype
    assert (one.name, one.unit, one.tmin) == (other.name, other.unit, other.tmin)
    assert one.recipe == other.recipe
    assert object_diff(one.info, other.info) == ""


# --- saved and loaded -------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", ">f4"])
@pytest.mark.parametrize("y", [["a", "ü"] * 4, [3, 10] * 4])
def test_saved_trials_come_back(dtype, y, tmp_path):
    X = np.random.default_rng(0).integers(-500, 500, (8, 2, 30)).astype(dtype)
    metadata = pd.DataFrame(
        {
            "onset": np.r_[0.1 + 0.2, np.nan, np.arange(6)],
            "stimulus": np.arange(8, dtype="uint8"),
            "target": [True, False] * 4,
            "image": ["cat", None, "dog, 'x'", "\n", "", "né", "猫", "z"],
            "weight": np.arange(8, dtype="float32") / 3,
        }
    )
    trials = trials_from_arrays(
        X,
        y,
        sfreq=999.4,
        ch_names=["MEG1", "MEG2"],
        ch_types="mag",
        subject=["01", "02"] * 4,
        metadata=metadata,
        unit=1e-15,
        tmin=-0.1,
        name="mine",
    )
    folder = save_trials(trials, tmp_path / "deep" / "mine")
    again = load_trials(folder)
    if dtype == ">f4":  # Kept in the byte order of the machine.
        np.testing.assert_array_equal(again.X, X)
    else:
        same(again, trials)
    assert isinstance(again.X, np.memmap)
    assert again.sfreq == 999.4
    assert again.metadata.dtypes.to_dict() == trials.metadata.dtypes.to_dict()
    # NumPy opens the signals too.
    np.testing.assert_array_equal(np.load(folder / "X.npy"), X)


def test_recipe_and_positions_come_back(raw_factory, tmp_path):
    raw = raw_factory(("eeg", "eeg", "eeg", "stim"))
    raw.rename_channels({"EEG0": "C3", "EEG1": "Cz", "EEG2": "C4"})
    raw.set_montage("standard_1005", on_missing="ignore")
    trials = trials_from_raw(raw, {"l": "left", "r": "right"}, RECIPE)
    again = load_trials(save_trials(trials, tmp_path / "mine"))
    same(again, trials)
    assert again.recipe["tmax"] == 0.5
    np.testing.assert_array_equal(
        again.info["chs"][1]["loc"], trials.info["chs"][1]["loc"]
    )


def test_a_selection_is_saved_in_its_order(trials, tmp_path):
    part = trials[[41, 3, 17]]
    same(load_trials(save_trials(part, tmp_path / "part")), part)


def test_no_pickle_is_written(tmp_path):
    folder = save_trials(subject_trials(1), tmp_path / "mine")
    for path in folder.glob("*.json"):
        json.loads(path.read_text())
    np.load(folder / "X.npy", allow_pickle=False)
    assert {p.suffix for p in folder.iterdir()} == {".json", ".npy"}


def test_what_cannot_be_kept_leaves_no_folder(tmp_path):
    trials = subject_trials(1, metadata={"when": [{"a": 1}] * 8})
    with pytest.raises(ValueError, match=r"'when' has dtype object.*\{'a': 1\}"):
        save_trials(trials, tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_selecting_from_a_map_reads_only_what_is_selected(tmp_path):
    trials = load_trials(save_trials(in_memory([1, 2, 3]), tmp_path / "mine"))
    assert isinstance(trials.select(subject=2).X, np.memmap)
    assert not isinstance(trials[[0, 5]].X, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        trials.X[0, 0, 0] = 1


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("X.npy", lambda b: b[:-8], "cut off"),
        ("X.npy", lambda b: b"<html>" + b[6:], "no array of NumPy"),
        ("X.npy", lambda b: b"", "no array of NumPy"),
        ("part0000.json", lambda b: b.replace(b"left", b"righ", 1), "SHA-256"),
        ("part0000.json", lambda b: b[:-20], "SHA-256"),
        ("trials.json", lambda b: b[:-20], "damaged"),
        ("trials.json", lambda b: b'{"format": "other"}', "does not describe trials"),
        ("trials.json", lambda b: b.replace(b'"unit"', b'"what"'), "'unit'"),
        (
            "trials.json",
            lambda b: b.replace(b'"version": 1', b'"version": 9'),
            "update",
        ),
    ],
)
def test_a_damaged_folder_is_refused(check, name, damage, message, tmp_path):
    folder = save_trials(subject_trials(1), tmp_path / "mine")
    path = folder / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        load_trials(folder, check=check)


def test_a_changed_sample_is_found(tmp_path):
    folder = save_trials(subject_trials(1), tmp_path / "mine")
    content = bytearray((folder / "X.npy").read_bytes())
    content[-3] ^= 1
    (folder / "X.npy").write_bytes(content)
    with pytest.raises(ValueError, match="X.npy is damaged: trials 0 to 7.*SHA-256"):
        load_trials(folder)
    assert len(load_trials(folder, check=False)) == 8


# --- converted once ---------------------------------------------------------------


def test_a_converted_set_is_the_set(tmp_path):
    trials = memory_mapped(read, tmp_path / "map", [1, 2, 3])
    same(trials, in_memory([1, 2, 3]))
    assert isinstance(trials.X, np.memmap)
    same(load_trials(tmp_path / "map"), trials)
    np.testing.assert_array_equal(np.load(tmp_path / "map" / "X.npy"), trials.X)


def test_a_named_set(tmp_path):
    trials = memory_mapped("simulated", tmp_path / "map", [1], recipe={"tmax": 1.0})
    same(trials, load("simulated", [1], recipe={"tmax": 1.0}))
    assert trials.name == "simulated"


def test_what_is_there_is_not_read_again(tmp_path):
    calls = []

    def counted(subject, recipe):
        calls.append(subject)
        return subject_trials(subject)

    memory_mapped(counted, tmp_path / "map", [1, 2])
    memory_mapped(counted, tmp_path / "map", [2, 1])
    assert calls == [1, 2]
    grown = memory_mapped(counted, tmp_path / "map", [1, 3, 2])
    assert calls == [1, 2, 3]
    same(grown, concatenate_trials([subject_trials(s) for s in (1, 3, 2)]))
    one = memory_mapped(counted, tmp_path / "map", [2])
    same(one, subject_trials(2))
    assert isinstance(one.X, np.memmap)


def test_the_recipe_reaches_the_function(tmp_path, raw_factory):
    def cut(subject, recipe):
        raw = raw_factory(("eeg", "eeg"), seed=subject)
        return trials_from_raw(raw, {"l": "left"}, recipe, subject=subject)

    trials = memory_mapped(cut, tmp_path / "map", [1], recipe=RECIPE)
    assert trials.recipe == RECIPE.to_dict()
    again = memory_mapped(cut, tmp_path / "map", [1], recipe=RECIPE.to_dict())
    same(again, trials)
    with pytest.raises(ValueError, match="recipe.*'tmax': 0.5.*'tmax': 0.4.*another"):
        memory_mapped(cut, tmp_path / "map", [1], recipe=Recipe(band=None, tmax=0.4))


def test_another_function_is_another_set(tmp_path):
    def made(text):
        scope = {}
        exec(compile(text, "<typed in>", "exec"), {"f": subject_trials}, scope)
        return scope["read"]

    text = "def read(subject, recipe):\n    return f(subject, sfreq={})\n"
    memory_mapped(made(text.format(64)), tmp_path / "map", [1])
    memory_mapped(made(text.format(64)), tmp_path / "map", [1])
    with pytest.raises(ValueError, match="code.*name another folder"):
        memory_mapped(made(text.format(32)), tmp_path / "map", [1])


def test_an_error_in_the_middle_keeps_what_was_finished(tmp_path):
    broken = [3]

    def fails_at_first(subject, recipe):
        yield subject_trials(subject, session="a")
        if subject in broken:
            raise OSError("the disk was unplugged")
        yield subject_trials(subject, session="b", n_trials=4)

    with pytest.raises(OSError, match="unplugged"):
        memory_mapped(fails_at_first, tmp_path / "map", [1, 3, 2])
    with pytest.raises(ValueError, match=r"not complete: subjects \[3, 2\]"):
        load_trials(tmp_path / "map")
    broken.clear()
    same(
        memory_mapped(fails_at_first, tmp_path / "map", [1, 3, 2]),
        in_memory([1, 3, 2]),
    )


KILLED = """
import sys, time
import numpy as np
from neurodec.datasets import memory_mapped, trials_from_arrays

def read(subject, recipe):
    with open(sys.argv[2], "a") as log:
        print(subject, file=log)
    for session in "ab":
        rng = np.random.default_rng([subject, ord(session)])
        yield trials_from_arrays(
            rng.standard_normal((6, 2, 50)), [0, 1] * 3, sfreq=50, subject=subject,
            session=session,
        )
        if subject == 2 and sys.argv[3] == "stop":
            print("half", flush=True)
            time.sleep(600)

trials = memory_mapped(read, sys.argv[1], [1, 2, 3])
print(trials.fingerprint())
"""


def test_a_killed_conversion_goes_on_where_it_stopped(tmp_path):
    script, log = tmp_path / "convert.py", tmp_path / "log.txt"
    script.write_text(textwrap.dedent(KILLED))

    def command(folder, how):
        return [sys.executable, script, tmp_path / folder, log, how]

    with subprocess.Popen(command("map", "stop"), stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"half\n"  # Its samples are in X.npy.
        with pytest.raises(ValueError, match="another process is converting"):
            memory_mapped_as_script(script, tmp_path / "map")
        process.kill()
    with pytest.raises(ValueError, match=r"not complete: subjects \[2, 3\]"):
        load_trials(tmp_path / "map")
    resumed = subprocess.run(command("map", "go"), capture_output=True, check=True)
    assert log.read_text().split() == ["1", "2", "2", "3"]  # 1 was not read again.
    fresh = subprocess.run(command("fresh", "go"), capture_output=True, check=True)
    assert resumed.stdout == fresh.stdout
    assert len(load_trials(tmp_path / "map")) == 36


def memory_mapped_as_script(script, folder):
    """The conversion of the script, in this process."""
    header = json.loads((folder / "trials.json").read_text())
    from neurodec.datasets.memory_map import convert

    return convert(lambda s, r: subject_trials(s), header["source"], folder, [1, 2])


# --- used -------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_map_is_evaluated_as_the_set_in_memory(n_jobs, trials, tmp_path):
    mapped = load_trials(save_trials(trials, tmp_path / "mine"))
    one, other = (
        evaluate(t, ["mdm"], ["cross-session"], n_jobs=n_jobs).rows.set_index("key")
        for t in (trials, mapped)
    )
    assert one["status"].eq("ok").all()
    pd.testing.assert_series_equal(
        one["score"].sort_index(), other["score"].sort_index()
    )
    dataset, paradigm = as_moabb(mapped)
    X, _, _ = paradigm.get_data(dataset, [1])
    np.testing.assert_array_equal(X, trials.select(subject=1).X)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux")
def test_reading_a_map_takes_no_private_memory(tmp_path):
    X = np.zeros((60, 16, 10_000))  # 77 MB
    X += np.arange(60)[:, None, None]
    folder = save_trials(trials_from_arrays(X, [0, 1] * 30, sfreq=100), tmp_path / "m")
    script = textwrap.dedent(
        """
        import sys
        from neurodec.datasets import load_trials, trials_from_arrays

        def private():
            text = open("/proc/self/status").read()
            return int(text.split("RssAnon:")[1].split()[0]) / 1e3

        import neurodec.datasets.memory_map
        before = private()
        trials = load_trials(sys.argv[1])
        trials.fingerprint()
        total = sum(float(trial.sum()) for trial in trials.X)
        print(private() - before, total)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, folder], capture_output=True, check=True
    )
    grown, total = map(float, done.stdout.split())
    assert total == X.sum()
    assert grown < 20


def test_a_selection_is_saved_trial_by_trial(tmp_path):
    X = np.random.default_rng(0).standard_normal((40, 8, 20_000))
    trials = trials_from_arrays(X, [0, 1] * 20, sfreq=100)
    part = trials[np.arange(40)[::-1]]
    tracemalloc.start()
    save_trials(part, tmp_path / "mine")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < trials.X.nbytes / 2

"""The store keeps each row at once, and refuses what it cannot trust."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurodec.evaluation import ResultStore
from neurodec.evaluation.store import SCHEMA_VERSION


def make_row(key, status="ok", score=0.75, run=1):
    return {
        "key": key, "run": run, "created": "2026-01-01T00:00:00+00:00",
        "dataset": "d", "pipeline": "p", "protocol": "within-session",
        "target": "none", "transductive": 0, "subject": 1, "session": "0",
        "fold": 0, "seed": 42, "scoring": "roc_auc",
        "score": score if status == "ok" else None, "scores": {"roc_auc": score},
        "chance": 0.5, "chance_level": 0.6, "chance_deviation": 0.06,
        "majority": 0.5, "n_train": 80, "n_test": 20, "n_classes": 2,
        "n_channels": 3, "time": 0.1, "time_shared": 0.1, "status": status,
        "error": None if status == "ok" else "ValueError: no",
        "details": {"classes": ["a", "b"]}, "identity": {"seed": 42},
    }  # fmt: skip


PREDICTIONS = {
    "trial": np.arange(3),
    "y_true": np.array(["a", "b", "a"]),
    "y_pred": np.array(["a", "a", "a"]),
    "response": np.array([-1.0, 0.25, -0.5]),
}


def _store(path=None):
    store = ResultStore(path)
    store.start_run("2026-01-01", {"dataset": {"name": "d"}})
    return store


def test_rows_and_predictions_come_back_after_reopening(tmp_path):
    path = tmp_path / "results.sqlite"
    with _store(path) as store:
        store.add(make_row("k"), PREDICTIONS)
    with ResultStore(path) as store:
        (row,) = store.rows()
        assert row == make_row("k")
        for name, array in store.predictions("k").items():
            np.testing.assert_array_equal(array, PREDICTIONS[name])
        assert store.run(1) == {"dataset": {"name": "d"}, "started": "2026-01-01"}


def test_a_row_is_on_disk_as_soon_as_it_was_added(tmp_path):
    path = tmp_path / "results.sqlite"
    store = _store(path)
    store.add(make_row("k"), PREDICTIONS)
    with ResultStore(path) as other:  # The first is still open.
        assert other.finished(["k"]) == {"k"}
    store.close()


def test_a_failed_row_counts_as_missing_and_is_replaced():
    with _store() as store:
        store.add(make_row("k", status="failed"))
        assert store.finished(["k"]) == set()
        store.add(make_row("k"), PREDICTIONS)
        assert store.finished(["k", "other"]) == {"k"}
        assert store.count() == 1


def test_a_good_row_is_never_replaced():
    with _store() as store:
        store.add(make_row("k"), PREDICTIONS)
        store.add(make_row("k", status="failed"))
        store.add(make_row("k", score=0.1), {**PREDICTIONS, "trial": np.arange(3) + 9})
        assert store.finished(["k"]) == {"k"}
        assert store.rows()[0]["score"] == 0.75
        assert store.predictions("k")["trial"].tolist() == [0, 1, 2]


def test_a_failed_row_has_no_predictions():
    with _store() as store:
        store.add(make_row("k", status="failed"))
        with pytest.raises(KeyError, match="did that fold fail"):
            store.predictions("k")


def test_many_keys_are_looked_up_at_once():
    with _store() as store:
        store.add(make_row("k700"), PREDICTIONS)
        assert store.finished(f"k{i}" for i in range(1500)) == {"k700"}


def test_a_row_that_breaks_a_rule_leaves_nothing_behind():
    with _store() as store:
        with pytest.raises(sqlite3.IntegrityError):
            store.add(make_row("k") | {"status": "perhaps"}, PREDICTIONS)
        assert store.count() == 0
        with pytest.raises(sqlite3.IntegrityError):
            store.add(make_row("k", run=99), PREDICTIONS)
        assert store.count() == 0


def test_killed_in_the_middle_keeps_the_finished_rows(tmp_path):
    path = tmp_path / "results.sqlite"
    code = f"""
import os, sys
sys.path[:0] = {sys.path!r}
from test_store import _store, make_row, PREDICTIONS
store = _store({str(path)!r})
for i in range(5):
    store.add(make_row(f"k{{i}}"), PREDICTIONS)
store._connection.execute("BEGIN IMMEDIATE")
store._connection.execute("DELETE FROM rows")
os.kill(os.getpid(), 9)
"""
    here = str(Path(__file__).parent)
    ended = subprocess.run([sys.executable, "-c", code], cwd=here, check=False)
    assert ended.returncode == -9
    with ResultStore(path) as store:
        assert store.finished(f"k{i}" for i in range(5)) == {f"k{i}" for i in range(5)}


def test_a_newer_store_is_refused(tmp_path):
    path = tmp_path / "results.sqlite"
    _store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(ValueError, match="newer neurodec.*update neurodec"):
        ResultStore(path)


def test_a_file_that_is_no_store_is_refused_and_kept(tmp_path):
    text, other = tmp_path / "text", tmp_path / "other.sqlite"
    text.write_text("not a database, but long enough to be looked at" * 10)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    for path, remedy in ((text, "move it away"), (other, "name another")):
        before = path.read_bytes()
        with pytest.raises(ValueError, match=remedy):
            ResultStore(path)
        assert path.read_bytes() == before


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        ResultStore(tmp_path)

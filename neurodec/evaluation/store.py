"""The result store: one SQLite row per fold and pipeline, kept as it is computed."""

import io
import json
import sqlite3
from pathlib import Path

import numpy as np

SCHEMA_VERSION = 1
# "NDEC" as a number: tells our stores from any other SQLite file.
_APPLICATION_ID = 0x4E444543
_BUSY_SECONDS = 60

_SCHEMA = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    started TEXT NOT NULL,
    description TEXT NOT NULL            -- JSON: dataset, recipe, versions, command
);
CREATE TABLE rows (
    key TEXT PRIMARY KEY,                -- SHA-256 of identity as sorted JSON
    run INTEGER NOT NULL REFERENCES runs(id),
    created TEXT NOT NULL,
    dataset TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    protocol TEXT NOT NULL,
    target TEXT NOT NULL,
    transductive INTEGER NOT NULL,
    subject TEXT NOT NULL,               -- JSON: number or string
    session TEXT NOT NULL,               -- JSON
    fold INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    scoring TEXT NOT NULL,               -- the first scorer, which `score` holds
    score REAL,
    scores TEXT NOT NULL,                -- JSON: every scorer
    chance REAL,
    chance_level REAL,
    chance_deviation REAL,
    majority REAL,
    n_train INTEGER NOT NULL,
    n_test INTEGER NOT NULL,
    n_classes INTEGER NOT NULL,
    n_channels INTEGER NOT NULL,
    time REAL,                           -- seconds of fit, shared steps included
    time_shared REAL,                    -- seconds of fit in this run
    status TEXT NOT NULL CHECK (status IN ('ok', 'failed')),
    error TEXT,
    details TEXT NOT NULL,               -- JSON: classes, warnings, copies removed
    identity TEXT NOT NULL               -- JSON: everything that can change the score
);
CREATE TABLE predictions (
    key TEXT PRIMARY KEY REFERENCES rows(key) ON DELETE CASCADE,
    arrays BLOB NOT NULL                 -- npz: trial, y_true, y_pred, response
);
"""
_JSON_COLUMNS = ("subject", "session", "scores", "details", "identity")


class ResultStore:
    """Rows of results in a SQLite file, each committed by itself.

    Parameters
    ----------
    path : str, Path or None, default=None
        The file, made where there is none; None keeps the rows in memory.

    Raises
    ------
    ValueError
        If the file is not a store, is damaged, or was written by a newer neurodec.

    Examples
    --------
    >>> store = ResultStore()
    >>> store.count()
    0
    """

    def __init__(self, path=None):
        self.path = None if path is None else Path(path)
        self._connection = None
        if self.path is not None and self.path.is_dir():
            raise ValueError(f"{self.path} is a folder; name a file for the store.")
        try:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                ":memory:" if path is None else self.path, timeout=_BUSY_SECONDS
            )
            self._open()
        except (sqlite3.DatabaseError, OSError) as error:
            self.close()
            if "locked" in str(error):
                raise ValueError(
                    f"another run is writing to {self.path}; wait for it or name "
                    "another folder."
                ) from error
            raise ValueError(
                f"{self.path} cannot be used as a result store ({error}); move it away "
                "or name another folder."
            ) from error
        except ValueError:
            self.close()
            raise

    def _open(self):
        self._connection.execute("PRAGMA foreign_keys = ON")
        version = self._pragma("user_version")
        empty = not self._connection.execute(
            "SELECT count(*) FROM sqlite_master"
        ).fetchone()[0]
        if empty and version == 0:
            self._create()
        elif self._pragma("application_id") != _APPLICATION_ID:
            raise ValueError(
                f"{self.path} is a SQLite file of another program; name another one."
            )
        elif version > SCHEMA_VERSION:
            raise ValueError(
                f"{self.path} was written by a newer neurodec (schema {version}, this "
                f"one reads {SCHEMA_VERSION}); update neurodec."
            )
        damage = self._pragma("quick_check")
        if damage != "ok":
            raise sqlite3.DatabaseError(damage)

    def _create(self):
        # One transaction, so that a second process waits and then finds it made.
        self._connection.execute("BEGIN IMMEDIATE")
        if self._pragma("user_version") == 0:
            for statement in _SCHEMA.split(";\n"):
                if statement.strip():
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        self._connection.commit()

    def _pragma(self, name):
        return self._connection.execute(f"PRAGMA {name}").fetchone()[0]

    def close(self):
        """Close the file; rows in memory are gone."""
        if self._connection is not None:
            self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start_run(self, started, description):
        """Record a run and return its number.

        Parameters
        ----------
        started : str
            ISO date and time.
        description : dict
            Plain values: dataset, recipe, versions, command.
        """
        with self._connection:
            cursor = self._connection.execute(
                "INSERT INTO runs (started, description) VALUES (?, ?)",
                (started, json.dumps(description, sort_keys=True)),
            )
        return cursor.lastrowid

    def add(self, row, predictions=None):
        """Commit one row, and its predictions.

        A failed row of that key is replaced; a good one stays, whichever run wrote it.

        Parameters
        ----------
        row : dict
            One value per column of the table ``rows``.
        predictions : dict of array or None
            ``trial``, ``y_true``, ``y_pred``, ``response``.
        """
        row = {k: json.dumps(v) if k in _JSON_COLUMNS else v for k, v in row.items()}
        names = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        try:
            with self._connection as connection:
                connection.execute(
                    "DELETE FROM rows WHERE key = ? AND status = 'failed'",
                    (row["key"],),
                )
                written = connection.execute(
                    f"INSERT INTO rows ({names}) VALUES ({marks}) "
                    "ON CONFLICT (key) DO NOTHING",
                    tuple(row.values()),
                ).rowcount
                if written and predictions is not None:
                    connection.execute(
                        "INSERT INTO predictions VALUES (?, ?)",
                        (row["key"], _to_npz(predictions)),
                    )
        except sqlite3.OperationalError as error:
            raise OSError(
                f"{self.path} cannot be written ({error}); free the disk or end the "
                "run that holds it, and run again: finished rows are kept."
            ) from error

    def finished(self, keys):
        """Those of ``keys`` that have a row without error."""
        found = self._select("key", list(keys), "AND status = 'ok'")
        return {row["key"] for row in found}

    def count(self):
        """Number of rows."""
        return self._connection.execute("SELECT count(*) FROM rows").fetchone()[0]

    def rows(self, keys=None):
        """Rows as dictionaries: those of ``keys``, or all in the order of writing."""
        rows = self._select("*", keys, "ORDER BY rowid")
        for row in rows:
            for column in _JSON_COLUMNS:
                row[column] = json.loads(row[column])
        return rows

    def _select(self, columns, keys, condition):
        """Dictionaries of columns, for some keys or all."""
        # SQLite limits the number of marks in one statement.
        parts = (
            [None]
            if keys is None
            else [keys[start : start + 500] for start in range(0, len(keys), 500)]
        )
        rows = []
        for part in parts:
            marks = "" if part is None else ", ".join("?" for _ in part)
            where = "1" if part is None else f"key IN ({marks})"
            cursor = self._connection.execute(
                f"SELECT {columns} FROM rows WHERE {where} {condition}", part or ()
            )
            names = [column[0] for column in cursor.description]
            rows += [dict(zip(names, values, strict=True)) for values in cursor]
        return rows

    def run(self, number):
        """Description of a run, with the time when it was started."""
        started, text = self._connection.execute(
            "SELECT started, description FROM runs WHERE id = ?", (number,)
        ).fetchone()
        return {**json.loads(text), "started": started}

    def predictions(self, key):
        """Per-trial predictions of a row.

        Returns
        -------
        arrays : dict
            ``trial`` (position in the session), ``y_true``, ``y_pred`` (n_test,) and
            ``response`` (n_test,) or (n_test, n_classes); (n_test, 0) where the
            classifier gives labels only.

        Raises
        ------
        KeyError
            If no row of that key has predictions.
        """
        found = self._connection.execute(
            "SELECT arrays FROM predictions WHERE key = ?", (key,)
        ).fetchone()
        if found is None:
            raise KeyError(f"no predictions under key {key!r}; did that fold fail?")
        with np.load(io.BytesIO(found[0]), allow_pickle=False) as arrays:
            return dict(arrays)


def _to_npz(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()

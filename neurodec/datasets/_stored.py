"""Trials in a folder: ``X.npy``, ``trials.json`` and a table for each part.

``trials.json`` alone says which parts there are, and it is replaced as a whole after
the samples of a part are on the disk. What a process that was killed left behind it in
``X.npy`` is named by no header, so it is never read and is overwritten by the next.
"""

import hashlib
import importlib.metadata
import json
import os
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from .._files import write_whole
from ._checks import check_compatible
from ._tables import plain_table, read_table
from .trials import Trials, trials_of_checked

SIGNALS, HEADER = "X.npy", "trials.json"
_FORMAT, _VERSION = "neurodec trials", 1
_BLOCK_BYTES = 2**23


def read_header(folder):
    """What ``trials.json`` says.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    header : dict

    Raises
    ------
    FileNotFoundError, ValueError
        If there is none, it is damaged, or a newer neurodec wrote it.
    """
    path = Path(folder) / HEADER
    if not path.is_file():
        raise FileNotFoundError(
            f"{str(folder)!r} holds no {HEADER}, so it is no folder of trials; make "
            "one with save_trials or memory_mapped."
        )
    header = _read_json(path)
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise ValueError(
            f"{path} does not describe trials; make the folder with save_trials or "
            "memory_mapped."
        )
    if header.get("version") != _VERSION:
        raise ValueError(
            f"{path} has version {header.get('version')!r} and this neurodec reads "
            f"{_VERSION}; update neurodec."
        )
    return header


def _read_json(path):
    try:
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged ({error}); delete the folder and make it again."
        ) from error


def open_stored(folder, header, *, check):
    """Trials over the memory map of a folder.

    Parameters
    ----------
    folder : Path
    header : dict
        Of :func:`read_header`, with one part at least.
    check : bool
        Whether every sample is read once and compared with the stored SHA-256.

    Returns
    -------
    trials : Trials

    Raises
    ------
    ValueError, FileNotFoundError
        If a file is missing, cut off or not the one that was written.
    """
    try:
        data = _map_signals(folder / SIGNALS, header)
        tables = [_read_part(folder, part) for part in header["parts"]]
        if check:
            _check_sums(data, header["parts"], folder)
        return trials_of_checked(
            data,
            np.concatenate([np.array(table["labels"]) for table in tables]),
            pd.concat([read_table(t["metadata"]) for t in tables], ignore_index=True),
            mne.Info.from_json_dict(header["info"]),
            unit=header["unit"],
            tmin=header["tmin"],
            name=header["name"],
            recipe=header["recipe"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{folder / HEADER} or a table beside it is damaged "
            f"({type(error).__name__}: {error}); delete the folder and make it again."
        ) from error


def _map_signals(path, header):
    signals = header["signals"]
    n_trials = sum(part["n_trials"] for part in header["parts"])
    shape = (n_trials, signals["n_channels"], signals["n_times"])
    dtype = np.dtype(signals["dtype"])
    with open(path, "rb") as file:
        start, found_dtype, found_shape = _read_npy_header(file, path)
    if (found_dtype, found_shape[1:]) != (dtype, shape[1:]):
        raise ValueError(
            f"{path} holds {found_dtype} of shape (n, {found_shape[1:]}) but {HEADER} "
            f"says {dtype} of shape {shape}; one of them was replaced, delete the "
            "folder and make it again."
        )
    wanted, there = start + int(np.prod(shape)) * dtype.itemsize, path.stat().st_size
    if there < wanted:
        raise ValueError(
            f"{path} was cut off: it has {there} bytes and {n_trials} trials need "
            f"{wanted}; delete the folder and make it again."
        )
    return np.memmap(path, dtype, mode="r", offset=start, shape=shape)


def _read_npy_header(file, path):
    try:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"{path} is no array of NumPy ({error}); delete the folder and make it "
            "again."
        ) from error
    return file.tell(), dtype, shape


def _read_part(folder, part):
    content = (folder / part["table"]).read_bytes()
    if hashlib.sha256(content).hexdigest() != part["table_sha256"]:
        raise ValueError(
            f"{folder / part['table']} is not the one that was written: its SHA-256 "
            "differs; delete the folder and make it again."
        )
    return json.loads(content)


def _check_sums(data, parts, folder):
    start = 0
    for part in parts:
        digest = hashlib.sha256()
        for rows in _blocks(part["n_trials"], data[0].nbytes):
            digest.update(data[start:][rows].data)
        if digest.hexdigest() != part["sha256"]:
            raise ValueError(
                f"{folder / SIGNALS} is damaged: trials {start} to "
                f"{start + part['n_trials'] - 1} are not those that were written "
                "(SHA-256); delete the folder and make it again."
            )
        start += part["n_trials"]


def _blocks(n_trials, trial_bytes):
    """Slices of a few trials, so that nothing is copied as a whole."""
    step = max(1, _BLOCK_BYTES // trial_bytes)
    starts = range(0, n_trials, step)
    return [slice(start, min(start + step, n_trials)) for start in starts]


class Growing:
    """A folder of trials that takes part after part.

    Parameters
    ----------
    folder : Path
        Empty or missing, or one that was begun with the same ``source``.
    source : dict or None
        Kept in the header: what the trials are made of, as plain values.
    """

    def __init__(self, folder, source=None):
        self.folder = Path(folder)
        if (self.folder / HEADER).is_file():
            self.header = read_header(self.folder)
        else:
            self.header = {
                "format": _FORMAT,
                "version": _VERSION,
                "source": source,
                "missing": [],
                "parts": [],
            }
        # One trial that later ones are compared with; it holds no others alive.
        self._first = None
        if self.header["parts"]:
            self._first = open_stored(self.folder, self.header, check=False)[:1]
        self._begin()

    def _begin(self):
        """Forget what was appended and not committed."""
        self._digest, self._labels, self._tables = hashlib.sha256(), [], []
        self._n_trials = 0

    @property
    def n_stored(self):
        """Trials in the parts that are whole."""
        return sum(part["n_trials"] for part in self.header["parts"])

    def expect(self, missing):
        """Note which parts are still to come."""
        self.header["missing"] = list(missing)
        self._write_header()

    def append(self, trials):
        """Write the samples of a recording behind those that are there."""
        if not self.header["parts"] and not self._n_trials:
            self._describe(trials)
        else:
            check_compatible(self._first, trials, len(self.header["parts"]))
            self._check_dtype(trials)
        plain_table(trials.metadata)  # Refuses, before anything is written.
        self._tables.append(trials.metadata)
        dtype = np.dtype(self.header["signals"]["dtype"])
        size = len(trials.ch_names) * trials.n_times * dtype.itemsize
        with open(self.folder / SIGNALS, "r+b") as file:
            start, _, _ = _read_npy_header(file, self.folder / SIGNALS)
            file.seek(start + (self.n_stored + self._n_trials) * size)
            for rows in _blocks(len(trials), size):
                block = np.ascontiguousarray(trials[rows].X, dtype)
                file.write(block.data)
                self._digest.update(block.data)
        self._n_trials += len(trials)
        self._labels += trials.y.tolist()

    def commit(self, subject=None, stamp=None):
        """Make what was appended a part of the folder.

        Parameters
        ----------
        subject : str, int or None
            Whose part it is.
        stamp : list or None
            Plain values that change when the files of the part do.
        """
        number = len(self.header["parts"])
        table = {
            "labels": self._labels,
            "metadata": plain_table(pd.concat(self._tables, ignore_index=True)),
        }
        path = self.folder / f"part{number:04d}.json"
        write_whole(path, json.dumps(table))
        self.header["parts"].append(
            {
                "subject": subject,
                "stamp": stamp,
                "n_trials": self._n_trials,
                "sha256": self._digest.hexdigest(),
                "table": path.name,
                "table_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
        )
        if subject in self.header["missing"]:
            self.header["missing"].remove(subject)
        self._write_npy_header(self.n_stored)
        self._write_header()
        self._begin()

    def _describe(self, trials):
        dtype = trials[:1].X.dtype.newbyteorder("=")
        self.header |= {
            "name": trials.name,
            "unit": trials.unit,
            "tmin": trials.tmin,
            "recipe": trials.recipe,
            "signals": {
                "dtype": dtype.str,
                "n_channels": len(trials.ch_names),
                "n_times": trials.n_times,
            },
            "info": trials.info.to_json_dict(),
            "written_by": {
                name: importlib.metadata.version(name)
                for name in ("neurodec", "mne", "numpy")
            },
        }
        self._first = Trials(
            np.array(trials[:1].X),
            trials.y[:1],
            trials.metadata[:1],
            trials.info,
            unit=trials.unit,
            tmin=trials.tmin,
            recipe=trials.recipe,
        )
        self._write_npy_header(0, mode="wb")

    def _check_dtype(self, trials):
        wanted = np.dtype(self.header["signals"]["dtype"])
        dtype = trials[:1].X.dtype
        if not np.can_cast(dtype, wanted, "safe"):
            raise ValueError(
                f"these trials have dtype {dtype} and those before them "
                f"{wanted}, which cannot hold it; give all of them one dtype."
            )

    def _write_npy_header(self, n_trials, mode="r+b"):
        """The header of ``X.npy``; NumPy pads it, so its length stays the same."""
        signals = self.header["signals"]
        with open(self.folder / SIGNALS, mode) as file:
            np.lib.format.write_array_header_1_0(
                file,
                {
                    "descr": signals["dtype"],
                    "fortran_order": False,
                    "shape": (n_trials, signals["n_channels"], signals["n_times"]),
                },
            )
            file.flush()
            # The samples must be on the disk before a header names them.
            os.fsync(file.fileno())

    def _write_header(self):
        write_whole(self.folder / HEADER, json.dumps(self.header, indent=1))

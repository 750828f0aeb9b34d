"""Trials on the disk: saved, opened as a memory map, and converted once."""

import ast
import contextlib
import functools
import hashlib
import inspect
import json
import os
import shutil
import textwrap
from pathlib import Path, PurePath

import numpy as np
from filelock import FileLock, Timeout

from ..preprocessing.recipe import as_recipe
from ._stored import HEADER, Growing, open_stored, read_header
from .registry import check_subjects, dataset_info, recordings_of
from .trials import Trials

_LOCK = ".lock"


def save_trials(trials, folder):
    """Write trials to a folder of NumPy and JSON files, without pickle.

    Parameters
    ----------
    trials : Trials
    folder : str or pathlib.Path
        It must not exist yet. It appears whole or not at all.

    Returns
    -------
    folder : pathlib.Path
        It holds ``X.npy`` (the signals), ``trials.json`` (channels, sampling rate,
        unit, window, recipe) and a table of labels and metadata.

    Raises
    ------
    FileExistsError
        If the folder exists.
    ValueError
        If a metadata column holds anything but numbers or text.

    Examples
    --------
    >>> import tempfile
    >>> from neurodec.datasets import load
    >>> with tempfile.TemporaryDirectory() as home:
    ...     folder = save_trials(load("simulated", subjects=[1]), home + "/mine")
    ...     sorted(path.name for path in folder.iterdir())
    ['X.npy', 'part0000.json', 'trials.json']
    """
    if not isinstance(trials, Trials):
        raise ValueError(
            f"trials is {type(trials).__name__}; make Trials of it, for one with "
            "trials_from_arrays."
        )
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(
            f"{str(folder)!r} exists; name a new folder, or delete it first."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    temporary.mkdir()
    try:
        store = Growing(temporary)
        store.append(trials)
        store.commit()
        os.rename(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def load_trials(folder, *, check=True):
    """Trials of a folder, over a memory map: signals are read when they are used.

    Parameters
    ----------
    folder : str or pathlib.Path
        Made by :func:`save_trials` or :func:`memory_mapped`.
    check : bool, default=True
        Read every sample once and compare it with the stored SHA-256. False opens a
        folder of any size at once.

    Returns
    -------
    trials : Trials
        Read-only; ``X`` is a ``numpy.memmap``.

    Raises
    ------
    FileNotFoundError
        If it is no folder of trials, or a file of it is missing.
    ValueError
        If it is damaged, or subjects are still to be converted.

    Examples
    --------
    >>> import tempfile
    >>> from neurodec.datasets import load
    >>> trials = load("simulated", subjects=[1])
    >>> with tempfile.TemporaryDirectory() as home:
    ...     again = load_trials(save_trials(trials, home + "/mine"))
    ...     again.fingerprint() == trials.fingerprint()
    True
    """
    folder = Path(folder)
    header = read_header(folder)
    if header["missing"] or not header["parts"]:
        raise ValueError(
            f"{str(folder)!r} is not complete: subjects {header['missing']} are still "
            "to be converted; call memory_mapped again, it goes on where it stopped."
        )
    return open_stored(folder, header, check=check)


def memory_mapped(source, folder, subjects=None, *, recipe=None, progress=None):
    """Trials of a large set over a memory map, converted once.

    Subject after subject is read, cut and appended to one file, so that no more than
    a recording is ever in memory. What is there is not read again: a second call, or
    one after the first was killed, goes on where it stopped.

    Parameters
    ----------
    source : str or callable
        The name of a set (:func:`neurodec.datasets.list_datasets`), or a function
        ``read(subject, recipe)`` that returns or yields the ``Trials`` of a subject;
        yield each recording, and memory holds one at a time. Its code and the
        numbers, texts and mappings that it uses are remembered; what it reads is not.
    folder : str or pathlib.Path
        Where the set is kept; empty, missing, or made by an earlier call.
    subjects : list or None
        None takes all of a named set.
    recipe : Recipe, dict or None
        Handed to ``read``; for a named set as in :func:`neurodec.datasets.load`.
    progress : callable or None
        Called with (done, total, subject) before each subject that is converted.

    Returns
    -------
    trials : Trials
        In the order of ``subjects``. ``X`` copies nothing where that is the order in
        which they were converted.

    Raises
    ------
    ValueError
        If the folder was made from another source, function or recipe, holds other
        files, or is being written by another process; or if recordings differ in
        channels, sampling rate, window or unit.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     trials = memory_mapped("simulated", home, [1, 2])
    ...     type(trials.X).__name__, len(trials)
    ('memmap', 160)
    """
    if isinstance(source, str):
        subjects, recipe, read, identity = _of_registry(source, subjects, recipe)
    else:
        read, identity = source, _identity_of_function(source)
        recipe = None if recipe is None else as_recipe(recipe)
        identity["recipe"] = None if recipe is None else recipe.to_dict()
    return convert(read, identity, folder, subjects, recipe, progress)


def convert(read, identity, folder, subjects, recipe=None, progress=None, stamps=None):
    """Convert what is missing in a folder, then open it.

    Parameters
    ----------
    read : callable
        ``read(subject, recipe)`` returns or yields ``Trials``.
    identity : dict
        Plain values that tell this source from any other.
    folder : str or pathlib.Path
    subjects : list
    recipe : Recipe, dict or None
    progress : callable or None
    stamps : dict or None
        By subject, plain values that change when its files do.

    Returns
    -------
    trials : Trials
    """
    stamps = {} if stamps is None else stamps
    folder, subjects = Path(folder), _check_subjects(subjects)
    identity = json.loads(json.dumps(identity))  # As it comes back from the header.
    _refuse_foreign(folder, identity)
    todo = _missing(folder, subjects)
    if todo:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / _LOCK, timeout=0):
                _convert(read, identity, folder, subjects, recipe, progress, stamps)
        except Timeout as error:
            raise ValueError(
                f"another process is converting into {str(folder)!r}; wait for it, or "
                "name another folder."
            ) from error
    header = read_header(folder)
    _refuse_changed(folder, header, stamps)
    return _of_subjects(open_stored(folder, header, check=False), header, subjects)


def _convert(read, identity, folder, subjects, recipe, progress, stamps):
    store = Growing(folder, identity)
    todo = _missing(folder, subjects)
    store.expect(todo)
    for done, subject in enumerate(todo):
        if progress is not None:
            progress(done, len(todo), subject)
        parts = read(subject, recipe)
        n_parts = 0
        for part in [parts] if isinstance(parts, Trials) else parts:
            _check_part(part, subject)
            store.append(part)
            n_parts += 1
            del part  # Else it lives on while the next is read.
        del parts
        if not n_parts:
            raise ValueError(
                f"no recording of subject {subject!r} was read; check the function, or "
                "leave the subject out."
            )
        store.commit(subject, stamps.get(subject))


def _check_part(part, subject):
    if not isinstance(part, Trials):
        raise ValueError(
            f"subject {subject!r} was read as {type(part).__name__}; read(subject, "
            "recipe) returns or yields Trials."
        )
    found = part.metadata["subject"].unique().tolist()
    if found != [subject]:
        raise ValueError(
            f"trials read for subject {subject!r} say subject {found}; pass "
            "subject=subject where they are made."
        )


def _of_subjects(trials, header, subjects):
    """The trials of these subjects, in their order."""
    ends = np.cumsum([part["n_trials"] for part in header["parts"]])
    rows = {
        part["subject"]: np.arange(end - part["n_trials"], end)
        for part, end in zip(header["parts"], ends, strict=True)
    }
    return trials[np.concatenate([rows[subject] for subject in subjects])]


def _missing(folder, subjects):
    if not (folder / HEADER).is_file():
        return subjects
    there = [part["subject"] for part in read_header(folder)["parts"]]
    return [subject for subject in subjects if subject not in there]


def _refuse_foreign(folder, identity):
    """Refuse a folder of other things, or of trials that were made otherwise."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is a file; name a folder.")
    if not (folder / HEADER).is_file():
        others = (
            [p.name for p in folder.iterdir() if p.name != _LOCK]
            if (folder.is_dir())
            else []
        )
        if others:
            raise ValueError(
                f"{str(folder)!r} holds other files, such as {sorted(others)[0]!r}; "
                "name an empty or a new folder."
            )
        return
    before = read_header(folder)["source"]
    if before is None:
        raise ValueError(
            f"{str(folder)!r} was made by save_trials; open it with load_trials, or "
            "name another folder."
        )
    for key in sorted({*before, *identity}):
        if before.get(key) != identity.get(key):
            raise ValueError(
                f"{str(folder)!r} was converted with {key} {before.get(key)}, and now "
                f"it is {identity.get(key)}; name another folder, or delete this one."
            )


def _refuse_changed(folder, header, stamps):
    for part in header["parts"]:
        subject = part["subject"]
        if subject in stamps and part["stamp"] != stamps[subject]:
            raise ValueError(
                f"files of subject {subject!r} have changed since they were converted "
                f"into {str(folder)!r}; name another folder, or delete this one."
            )


def _check_subjects(subjects):
    if subjects is None or isinstance(subjects, str) or not np.iterable(subjects):
        raise ValueError(f"subjects is {subjects!r}; give a list such as [1, 2].")
    subjects = [s.item() if isinstance(s, np.generic) else s for s in subjects]
    if not subjects or len(set(subjects)) < len(subjects):
        raise ValueError(f"subjects is {subjects}; name at least one, and each once.")
    return subjects


def _of_registry(name, subjects, recipe):
    """Subjects, recipe, what reads them and what tells them, for a named set."""
    entry = dataset_info(name)
    check_subjects(name, entry, subjects)
    if recipe is None or isinstance(recipe, dict):
        recipe = {**entry["recipe"], **(recipe or {})}
    recipe = as_recipe(recipe)
    recipe.check_rate(entry["sfreq"])
    identity = {"dataset": name, "from": entry["source"], "recipe": recipe.to_dict()}
    subjects = entry["subjects"] if subjects is None else subjects
    return subjects, recipe, functools.partial(recordings_of, name), identity


def _identity_of_function(function):
    if not inspect.isfunction(function):
        raise ValueError(
            f"source is {function!r}; give the name of a set, or a function "
            "read(subject, recipe)."
        )
    return {
        "function": f"{function.__module__}.{function.__qualname__}",
        "code": hashlib.sha256(_code(function).encode()).hexdigest()[:12],
        "constants": _constants(function),
    }


def _constants(function):
    """Numbers, text and mappings around a function that it uses."""
    used = inspect.getclosurevars(function)
    found = {}
    for name, value in {**used.globals, **used.nonlocals}.items():
        if isinstance(value, PurePath):
            found[name] = str(value)
        # Not lists: functions note their progress in them.
        elif value is None or isinstance(value, str | int | float | tuple | dict):
            with contextlib.suppress(TypeError, ValueError):
                found[name] = json.loads(json.dumps(value, sort_keys=True))
    return found


def _code(function):
    """What a function does, as text that no comment or line break changes."""
    try:
        return ast.dump(ast.parse(textwrap.dedent(inspect.getsource(function))))
    except (OSError, SyntaxError):  # Typed in, or a lambda in the midst of a line.
        return repr([function.__code__.co_code.hex(), function.__code__.co_consts])

"""Which files a set of the registry has, whose they are, and where they lie."""

import fnmatch
import itertools
import re
from pathlib import Path

from .local import check_file, data_folders


def how_to_fetch(name, subjects=None):
    """The command that fetches a dataset, as part of an error message."""
    chosen = f" --subjects {','.join(map(str, subjects))}" if subjects else ""
    return f"run 'neurodec datasets fetch {name}{chosen}'"


def fetch_again(name, subjects=None):
    """The remedy for a damaged file, as part of an error message."""
    return f"remove it and fetch it again: {how_to_fetch(name, subjects)}"


def moabb_files(files, subject):
    """Files that MOABB looks for, relative to the data folder; may hold ``*``.

    Parameters
    ----------
    files : dict
        Of the registry: ``pattern`` (one or several), with ``runs`` (a list, or from
        the subject to their number or list, with a default) and ``names`` (the
        publisher's, in the order of the subjects).
    subject : int

    Returns
    -------
    names : list of str

    Examples
    --------
    >>> moabb_files({"pattern": "S{subject:02d}{run}.mat", "runs": ["T", "E"]}, 3)
    ['S03T.mat', 'S03E.mat']
    """
    runs = files.get("runs", [None])
    if isinstance(runs, dict):
        runs = runs.get(subject, runs["default"])
    if isinstance(runs, int):
        runs = range(1, runs + 1)
    patterns = files["pattern"]
    return [
        pattern.format(
            subject=subject,
            run=run,
            pair=(subject + 1) // 2,
            name=files.get("names", {subject - 1: None})[subject - 1],
        )
        for pattern in ([patterns] if isinstance(patterns, str) else patterns)
        for run in runs
    ]


def subjects_by_folder(entry, folders=None):
    """Subjects of a set in each data folder that holds all files of any.

    Parameters
    ----------
    entry : dict
        Of the registry; its source is a MOABB class or files.
    folders : list of Path or None
        All data folders by default.

    Returns
    -------
    held : dict
        From folder, best first, to list of subjects. Nothing is read.
    """
    source, held = entry["source"], {}
    for folder in data_folders(source.get("sign")) if folders is None else folders:
        if "moabb" in source:
            names = {s: _moabb_names(source, s) for s in entry["subjects"]}
        else:
            names = {
                s: [
                    [f"{source['folder']}/{name}" for name, _ in copies(source, file)]
                    for file in files_of(source, s)
                ]
                for s in entry["subjects"]
            }
        present = [s for s in names if _holds(folder, names[s])]
        if present:
            held[folder] = present
    return held


def _moabb_names(source, subject):
    if source["files"] is None:
        return None
    return [[name] for name in moabb_files(source["files"], subject)]


def _holds(folder, names):
    """Whether a folder holds each file under one of its names."""
    return names is not None and all(
        any(
            next(folder.glob(name), None) is not None
            if "*" in name  # Slower by far.
            else (folder / name).is_file()
            for name in choices
        )
        for choices in names
    )


def files_of(source, subject):
    """Files of one subject of a set of files, and those that all subjects share.

    Parameters
    ----------
    source : dict
        Of the registry. ``subject_files`` is the pattern of a subject's own files.
    subject : int

    Returns
    -------
    names : list of str
    """
    pattern = source.get("subject_files")
    if pattern is None:
        return list(source["files"])
    own = pattern.format(subject=subject)
    # A number in braces is any subject's.
    anyones = re.sub(r"\{.*?\}", "*", pattern)
    return [
        name
        for name in source["files"]
        if fnmatch.fnmatchcase(name, own) or not fnmatch.fnmatchcase(name, anyones)
    ]


def copies(source, file):
    """Names under which a file may lie, best first, each with its SHA-256 or None.

    A file that its publisher offers uncompressed may lie as such.
    """
    named = [(file, source["files"][file])]
    plain = file.removesuffix(".gz")
    fetched = source.get("download", {}).get("files", {})
    if plain != file and plain in fetched:
        named.append((plain, fetched[plain]))
    return named


def find_files(source, names, remedy):
    """Verified paths of a set's files, each from the first folder with a good copy.

    Parameters
    ----------
    source : dict
        Of the registry.
    names : list of str
        Of its files.
    remedy : str
        What to do about a damaged or missing file.

    Returns
    -------
    paths : dict
        From the names in the registry to Path.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no good copy of a file; the first damaged one is named.
    """
    found = {}
    folders = [folder / source["folder"] for folder in data_folders()]
    folders = [f for f in folders if f.is_dir()] or [Path(source["folder"])]
    for name in names:
        error = None
        for folder, (copy, sha256) in itertools.product(folders, copies(source, name)):
            if not (folder / copy).is_file():
                continue
            try:
                check_file(folder / copy, sha256, remedy)
            except ValueError as problem:
                error = error or problem
            else:
                found[name] = folder / copy
                break
        if name not in found:
            if error is None:
                check_file(folders[0] / name, None, remedy)
            raise error
    return found

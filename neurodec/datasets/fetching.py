"""``fetch``: a dataset's public files on this machine, whole or not at all."""

import contextlib
import functools
import sys
import urllib.parse
from pathlib import Path

import filelock

from ._set_files import (
    copies,
    files_of,
    find_files,
    how_to_fetch,
    subjects_by_folder,
)
from .local import check_file, download_folder
from .registry import check_subjects, dataset_info


def fetch(
    name,
    subjects=None,
    *,
    to=None,
    accept_licence=False,
    report=None,
    retries=3,
    timeout=30.0,
    pause=1.0,
):
    """Download the public files of a dataset, and check them.

    What is on this machine already is not fetched again. An interrupted download goes
    on where it stopped; a file has its name only when it is whole.

    Parameters
    ----------
    name : str
        See :func:`list_datasets`.
    subjects : list of int or None
        All by default.
    to : str, Path or None
        Data folder to write to. By default that of MNE (its setting ``MNE_DATA``, else
        ``~/mne_data``), where :func:`load` finds the files; never ``NEURODEC_DATA``,
        which may be somebody else's.
    accept_licence : bool, default=False
        Whether you accept the terms of a set whose authors ask for that.
    report : callable or None
        Called with a file's name, the bytes that are there and those of the whole file
        (None if unknown). Sets that MOABB reads show MOABB's own bars instead.
    retries : int, default=3
        Further attempts after one that failed in a way that may pass.
    timeout : float, default=30.0
        Longest wait for a connection, or for the next bytes (s).
    pause : float, default=1.0
        Wait before the second attempt (s); it doubles from one to the next.

    Returns
    -------
    folders : list of Path
        Data folders that hold the files now.

    Raises
    ------
    ValueError
        If the name or a subject is unknown, the set has no public files, its licence
        waits to be accepted, or other bytes came than were published.
    OSError
        If a file is not there, cannot be had or cannot be written. What came is kept
        for the next attempt.

    Examples
    --------
    >>> fetch("simulated")
    Traceback (most recent call last):
        ...
    ValueError: simulated is made on this machine; load("simulated") needs no files.
    """
    entry = dataset_info(name)
    check_subjects(name, entry, subjects)
    source = entry["source"]
    if "simulator" in source:
        raise ValueError(
            f'{name} is made on this machine; load("{name}") needs no files.'
        )
    subjects = entry["subjects"] if subjects is None else list(subjects)
    root = download_folder(source.get("sign")) if to is None else Path(to).expanduser()
    how = {"retries": retries, "timeout": timeout, "pause": pause}
    if "moabb" in source:
        _check_licence(name, entry, accept_licence)
        bring = functools.partial(_fetch_moabb, name, entry, subjects, root, **how)
    else:
        _check_download(name, entry, root)
        bring = functools.partial(_fetch_files, name, entry, subjects, root, **how)
        bring.keywords["report"] = report
    return bring(anywhere=to is None)


def _check_licence(name, entry, accepted):
    terms = entry["source"].get("licence_to_accept")
    if terms and not accepted:
        raise ValueError(
            f"the authors of {name} ask you to accept its licence first "
            f"({entry['licence']}, {terms}); {how_to_fetch(name)} --accept-licence, or "
            "give accept_licence=True."
        )


def _check_download(name, entry, root):
    source = entry["source"]
    if "download" in source:
        return
    first = next(iter(source["files"]))
    raise ValueError(
        f"{name} has no public files that neurodec can fetch (licence: "
        f"{entry['licence']}); {source['no_download']}. Its page: {source['url']}. "
        f"Put files that you have into {root / source['folder']}, such as {first}."
    )


# --- files of our own list ----------------------------------------------------


def _fetch_files(name, entry, subjects, root, *, anywhere, report, **how):
    from ._download import download

    source = entry["source"]
    names = list(dict.fromkeys(f for s in subjects for f in files_of(source, s)))
    missing = [f for f in names if not _is_here(source, f, None if anywhere else root)]
    folder = root / source["folder"]
    if missing:
        with writing(root):
            for done, file in enumerate(missing):
                url, stored, sha256 = _address(source, file)
                show = report and functools.partial(report, stored)
                try:
                    download(url, folder / stored, sha256, report=show, **how)
                except ConnectionError as error:
                    raise ConnectionError(
                        f"{name}: {error}. {len(names) - len(missing) + done} of "
                        f"{len(names)} files are here; {how_to_fetch(name)} again to "
                        f"go on, or copy the others to {folder} ({source['url']})."
                    ) from error
                except FileNotFoundError as error:
                    raise FileNotFoundError(
                        f"{name}: {error}; look for it on {source['url']} and put it "
                        f"into {folder}."
                    ) from error
    return list(_held(entry, subjects)) if anywhere else [root]


def _is_here(source, file, root):
    """Whether a good copy of a file is on this machine, or in the folder given."""
    if root is None:
        with contextlib.suppress(ValueError, OSError):
            return bool(find_files(source, [file], ""))
        return False
    for name, sha256 in copies(source, file):
        with contextlib.suppress(ValueError, OSError):
            check_file(root / source["folder"] / name, sha256)
            return True
    return False


def _address(source, file):
    """Where a file is published, under which name it is kept, and its SHA-256."""
    stored, sha256 = copies(source, file)[-1]
    path = stored
    for ours, theirs in source["download"].get("replace", {}).items():
        path = path.replace(ours, theirs)
    url = source["download"]["url"].format(file=urllib.parse.quote(path))
    return url, stored, sha256


def _held(entry, subjects):
    """Data folders that hold any of the subjects, with the subjects they hold."""
    held = subjects_by_folder(entry)
    return {f: here for f, here in held.items() if set(here) & set(subjects)}


@contextlib.contextmanager
def writing(folder):
    """A data folder that is there, and into which no other process fetches.

    Raises
    ------
    BlockingIOError, PermissionError
        If another one does, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".fetching", timeout=0)
        with lock:
            yield
    except filelock.Timeout:
        raise BlockingIOError(
            f"another fetch is writing to {folder}; wait until it is done."
        ) from None
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise PermissionError(
            f"cannot write to {folder} ({error.strerror or error}); choose another "
            "folder with --to."
        ) from error


# --- sets that MOABB reads ----------------------------------------------------


def _fetch_moabb(name, entry, subjects, root, *, anywhere, **how):
    from ._moabb_files import bring_subject  # Imports MOABB.

    source = entry["source"]
    here = {s for held in _held_at(entry, None if anywhere else root) for s in held}
    missing = [s for s in subjects if s not in here]
    for subject in missing:
        # One archive may have brought several subjects.
        if any(subject in held for held in _held_at(entry, root)):
            continue
        print(f"fetching subject {subject} of {name} (MOABB)", file=sys.stderr)
        with writing(root):
            try:
                bring_subject(name, source, subject, root, **how)
            except OSError as error:
                raise type(error)(
                    f"{error}; {how_to_fetch(name, [subject])} again when that has "
                    f"passed. Its page: https://doi.org/{entry['doi']}"
                ) from error
    if not anywhere or source["files"] is None:
        return [root]
    return list(_held(entry, subjects))


def _held_at(entry, root):
    """Subjects held by each data folder, or by the one given."""
    if root is None:
        return subjects_by_folder(entry).values()
    return subjects_by_folder(entry, [root]).values()

"""Files that MOABB keeps: brought whole, and checked."""

import contextlib
import importlib.resources
import os
import shutil
import time
import zipfile

import mne
import moabb.datasets
import pooch.downloaders
import scipy.io

from ._download import final_error
from ._set_files import (
    fetch_again,
    moabb_files,
)
from .local import check_file, moabb_downloads


def bring_subject(name, source, subject, root, *, retries=3, pause=1.0, timeout=30.0):
    """Have MOABB download a subject; put in place only when all of it is there.

    MOABB keeps whatever the server sent, web pages too, and takes a folder that was
    unpacked in part for a whole one. So it works in a folder of its own.

    Parameters
    ----------
    name : str
        Of the dataset.
    source : dict
        Of the registry.
    subject : int
    root : Path
        The data folder.
    retries : int, default=3
        Further attempts after one that failed in a way that may pass.
    pause, timeout : float
        Wait before the second attempt, and longest wait for the server (s).

    Raises
    ------
    OSError
        If the files could not be had; nothing of them is kept.
    """
    accepted = {"accept": True} if source.get("licence_to_accept") else {}
    dataset = moabb_dataset(source, **accepted)
    what = f"subject {subject} of {name}"
    # Where the names are not known, MOABB has checksums, and looks at what is there.
    aside = root if source["files"] is None else root / f".{name}-{subject}"
    for attempt in range(1, retries + 2):
        try:
            with _apart(aside, root), _patience(timeout):
                with moabb_downloads(
                    source["sign"], aside, MOABB_DOWNLOAD_PROVIDER="upstream"
                ):
                    dataset.data_path(subject)
                _check_brought(name, source, subject, aside)
            return
        except Exception as error:  # MOABB fails in as many ways as servers do.
            final = final_error(error, what)
            if final is not None:
                raise final from error
            if attempt > retries:
                raise ConnectionError(
                    f"{what} could not be fetched through MOABB, {attempt} attempts: "
                    f"{error}"
                ) from error
            time.sleep(pause * 2 ** (attempt - 1))


@contextlib.contextmanager
def _apart(aside, root):
    """An empty folder whose content moves to ``root`` if nothing fails."""
    if aside == root:
        yield
        return
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield
        _merge(aside, root)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _merge(source, target):
    """Move files and folders; a folder that is new moves at once, so it is whole."""
    for path in source.iterdir():
        there = target / path.name
        if path.is_dir() and there.is_dir():
            _merge(path, there)
        else:
            os.replace(path, there)


@contextlib.contextmanager
def _patience(timeout):
    """MOABB's downloads go through pooch, whose waits can be set for all only."""
    before = pooch.downloaders.DEFAULT_TIMEOUT
    pooch.downloaders.DEFAULT_TIMEOUT = timeout
    try:
        yield
    finally:
        pooch.downloaders.DEFAULT_TIMEOUT = before


def _check_brought(name, source, subject, folder):
    if source["files"] is None:
        return
    for file in moabb_files(source["files"], subject):
        if next(folder.glob(file), None) is None:
            raise RuntimeError(f"MOABB did not bring {file}")
    check_published(name, source, folder, [subject])
    damaged = first_unreadable(source, folder, [subject], whole=False)
    if damaged is not None:
        raise RuntimeError(f"what came as {damaged.name} is no such file")


def first_unreadable(source, folder, subjects, *, whole=True):
    """A local file that cannot be read, or None.

    Parameters
    ----------
    source : dict
        Of the registry.
    folder : Path
    subjects : list of int
    whole : bool, default=True
        Whether files are read to their end, or their beginning only.

    Returns
    -------
    path : Path or None
    """
    for subject in subjects if source["files"] is not None else ():
        for name in moabb_files(source["files"], subject):
            for path in sorted(folder.glob(name)):
                if not _can_be_read(path, whole):
                    return path
    return None


def _can_be_read(path, whole):
    """False if the file is not of the kind that its name says; True if unknown."""
    try:
        if path.suffix in (".edf", ".fif", ".set"):
            mne.io.read_raw(path, preload=whole, verbose="ERROR")
        elif path.suffix == ".mat":
            (scipy.io.loadmat if whole else scipy.io.whosmat)(path)
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                return not whole or archive.testzip() is None
    except NotImplementedError:  # MATLAB 7.3, which SciPy does not read.
        return True
    except Exception:
        return False
    return True


def check_published(name, source, folder, subjects):
    """Refuse damaged files where MNE has a list of checksums.

    Parameters
    ----------
    name : str
        Of the dataset.
    source : dict
        Of the registry.
    folder : Path
    subjects : list of int

    Raises
    ------
    ValueError
        Naming the file and the remedy.
    """
    if "checksums" not in (source["files"] or ()):
        return
    table = importlib.resources.files("mne") / "data" / source["files"]["checksums"]
    published = dict(line.split() for line in table.read_text().splitlines())
    for subject in subjects:
        for file in moabb_files(source["files"], subject):
            key = "/".join(file.split("/")[-2:])
            check_file(folder / file, published[key], fetch_again(name, [subject]))


def moabb_dataset(source, **parameters):
    """MOABB's dataset of a registry entry's source."""
    return getattr(moabb.datasets, source["moabb"])(**parameters)

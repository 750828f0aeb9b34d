"""A model's folder: card.json, model.json and arrays.npz, whole and checked."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np

FORMAT = "neurodec model"
FORMAT_VERSION = 1
CARD, TREE, ARRAYS = "card.json", "model.json", "arrays.npz"
_FILES = (CARD, TREE, ARRAYS)


def write_folder(folder, card, tree, arrays, *, overwrite=False):
    """Write a model's folder, whole or not at all.

    Parameters
    ----------
    folder : str or Path
    card, tree : dict
        Plain values.
    arrays : dict of str to ndarray
    overwrite : bool, default=False
        Whether a model that is there is replaced, once the new one is whole.

    Returns
    -------
    folder : Path

    Raises
    ------
    FileExistsError
        If something is there and is not to be replaced.
    OSError
        If the folder cannot be written.
    """
    folder = Path(folder).expanduser()
    check_place(folder, overwrite)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    contents = {TREE: _to_json(tree), ARRAYS: buffer.getvalue()}
    card = {"format": FORMAT, "format_version": FORMAT_VERSION, **card}
    card["files"] = {name: _sha256(content) for name, content in contents.items()}
    contents[CARD] = _to_json(seal(card))
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for name, content in contents.items():
            with open(new / name, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _put(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder


def _put(new, folder):
    """Rename; a folder that is there moves aside, and back if that fails."""
    if not folder.exists():
        os.rename(new, folder)
        return
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    os.rename(folder, old)
    try:
        os.rename(new, folder)
    except OSError:
        os.rename(old, folder)
        raise
    shutil.rmtree(old)


def check_place(folder, overwrite=False):
    """Refuse to write a model where something else is.

    Parameters
    ----------
    folder : Path
    overwrite : bool, default=False

    Raises
    ------
    FileExistsError
        Naming what is there and the remedy.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_symlink() or not folder.is_dir():
        raise FileExistsError(
            f"{str(folder)!r} is no folder; a model is a folder: choose another name."
        )
    foreign = sorted(p.name for p in folder.iterdir() if p.name not in _FILES)
    if foreign:
        raise FileExistsError(
            f"{str(folder)!r} holds {foreign[0]!r}, which is no part of a model; "
            "nothing was deleted: choose a new folder."
        )
    if not overwrite and any(folder.iterdir()):
        raise FileExistsError(
            f"there is a model in {str(folder)!r} already; choose another folder, or "
            "replace it (overwrite=True, --overwrite)."
        )


def read_folder(folder):
    """Card, tree and arrays of a model's folder, if every byte is as it was written.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    card, tree : dict
    arrays : dict of str to ndarray

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If the folder or a file is missing.
    ValueError
        If a file is damaged, or newer than this version of neurodec.
    """
    folder = Path(folder).expanduser()
    if not folder.exists():
        raise FileNotFoundError(f"there is no model folder {str(folder)!r}; check it.")
    if not folder.is_dir():
        raise NotADirectoryError(
            f"{str(folder)!r} is a file; a model is the folder that holds {CARD}, "
            f"{TREE} and {ARRAYS}: name that."
        )
    card = _check_card(_read_json(folder, CARD), folder)
    for name, sha256 in card["files"].items():
        found = _sha256(_read(folder, name))
        if found != sha256:
            raise ValueError(
                f"{folder / name} is damaged: SHA-256 {found[:12]}... instead of "
                f"{str(sha256)[:12]}...; copy the folder again, or save again."
            )
    return card, _read_json(folder, TREE), _read_arrays(folder)


def _check_card(card, folder):
    path = folder / CARD
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise ValueError(
            f"{path} is no card of a model; name a folder that neurodec saved."
        )
    version = card.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {version}, but this neurodec reads "
            f"{FORMAT_VERSION}: update neurodec."
        )
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {version!r}, which there never was; save the "
            "model again."
        )
    if seal(card)["sha256"] != card.get("sha256"):
        raise ValueError(
            f"{path} was changed after the model was saved; put the original back, or "
            "save the model again."
        )
    files = card.get("files")
    if not isinstance(files, dict) or sorted(files) != sorted((TREE, ARRAYS)):
        raise ValueError(
            f"{path} names the files {files!r}, but a model has {TREE} and {ARRAYS}; "
            "save the model again."
        )
    return card


def seal(card):
    """The card with the SHA-256 of all else that it says."""
    card = {key: value for key, value in card.items() if key != "sha256"}
    text = json.dumps(card, sort_keys=True)
    return {**card, "sha256": _sha256(text.encode())}


def _to_json(value):
    text = json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False)
    return (text + "\n").encode("utf-8", "surrogatepass")


def _read(folder, name):
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        held = ", ".join(sorted(p.name for p in folder.iterdir())[:5]) or "nothing"
        raise FileNotFoundError(
            f"{str(folder)!r} holds no {name} (it holds {held}); name the folder of a "
            "model, or copy it again."
        ) from None


def _read_json(folder, name):
    content = _read(folder, name)
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(content.decode("utf-8", "surrogatepass"))
    raise ValueError(
        f"{folder / name} is not valid JSON; copy the folder again, or save the model "
        "again."
    )


def _read_arrays(folder):
    path = folder / ARRAYS
    try:
        with np.load(io.BytesIO(_read(folder, ARRAYS)), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} cannot be read ({error}); it must be an npz archive of plain "
            "arrays: copy the folder again, or save the model again."
        ) from error


def _sha256(content):
    return hashlib.sha256(content).hexdigest()

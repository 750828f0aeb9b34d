"""Trials from arrays in files of NumPy."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from ._formats import first_line, stem_of
from .readers import trials_from_arrays

_SETTINGS = ("sfreq", "ch_names", "ch_types", "unit", "tmin", "name")


def trials_from_numpy(path, labels=None, **settings):
    """Trials from arrays in ``.npz`` or ``.npy`` files; never from a pickle.

    Parameters
    ----------
    path : str or pathlib.Path
        An ``.npz`` file, a folder of ``.npy`` files, or one such file of signals. The
        arrays are ``X`` (n_trials, n_channels, n_times), ``y`` (n_trials,) and
        ``sfreq``, perhaps ``ch_names``, ``ch_types``, ``unit``, ``tmin`` and ``name``;
        every other one of shape (n_trials,) is a metadata column, such as
        ``subject``. Signals in ``.npy`` files are memory-mapped.
    labels : str, pathlib.Path or None
        The ``.npy`` file of labels where ``path`` is one of signals.
    **settings
        As of :func:`trials_from_arrays`; they go before what the files say.

    Returns
    -------
    trials : Trials

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, holds Python objects, lacks an array, or holds one of
        another shape; and as of :func:`trials_from_arrays`.

    Examples
    --------
    >>> import tempfile
    >>> X = np.random.default_rng(0).standard_normal((4, 3, 50))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(folder + "/mine.npz", X=X, y=["a", "b"] * 2, sfreq=50.0)
    ...     trials_from_numpy(folder + "/mine.npz", subject=7)
    <Trials 'mine': 4 trials, 3 channels, 50 samples at 50 Hz, 1 subject>
    """
    path = Path(path)
    arrays = _arrays(path, labels)
    for key in ("X", "y"):
        if key not in arrays:
            raise ValueError(
                f"{path} has no array {key!r}, only {sorted(arrays)}; name the signals "
                "X and the labels y. A continuous recording goes into mne.io.RawArray "
                "and trials_from_raw."
            )
    X, y = arrays.pop("X"), arrays.pop("y")
    said = {key: _plain(arrays.pop(key)) for key in _SETTINGS if key in arrays}
    if "sfreq" not in {**said, **settings}:
        raise ValueError(
            f"{path} does not tell its sampling rate; save it as sfreq, or give "
            "trials_from_numpy(..., sfreq=...) in hertz."
        )
    columns = _columns(arrays, len(X), path)
    if settings.get("metadata") is not None:
        columns = columns.assign(**pd.DataFrame(settings["metadata"]))
    settings = {k: v for k, v in settings.items() if v is not None}
    settings = {"name": stem_of(path), **said, **settings, "metadata": columns}
    return trials_from_arrays(X, y, **settings)


def _arrays(path, labels):
    """Arrays by name; the signals of ``.npy`` files stay on the disk."""
    if labels is not None:
        return {"X": _load(path, "X"), "y": _load(Path(labels), "y")}
    if path.is_dir():
        return {
            file.stem: _load(file, file.stem) for file in sorted(path.glob("*.npy"))
        }
    found = _load(path, "X")
    if isinstance(found, np.ndarray):
        raise ValueError(
            f"{path} is one array; give its labels too, trials_from_numpy(X_file, "
            "y_file, sfreq=...), or name the folder that holds X.npy and y.npy."
        )
    with found:
        return {key: _member(found, key, path) for key in found.files}


def _load(path, key):
    if not path.exists():
        raise FileNotFoundError(f"{str(path)!r} does not exist; check the path.")
    try:
        return np.load(path, mmap_mode="r" if key == "X" else None, allow_pickle=False)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise _damaged(path, key, error) from error


def _member(file, key, path):
    try:
        return file[key]
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, key, error) from error


def _damaged(path, key, error):
    if "allow_pickle" in str(error) or "object" in str(error).lower():
        return ValueError(
            f"{path}: {key!r} holds Python objects, which only a pickle can, and "
            "neurodec loads none; save it as numbers or text, for one with "
            ".astype(str)."
        )
    return ValueError(
        f"{path} cannot be read ({type(error).__name__}: {first_line(error)}); is it "
        "damaged?"
    )


def _plain(array):
    array = np.asarray(array)
    return array.item() if array.size == 1 and array.ndim == 0 else array.tolist()


def _columns(arrays, n_trials, path):
    for key, array in arrays.items():
        if array.shape != (n_trials,):
            raise ValueError(
                f"{path}: array {key!r} has shape {array.shape}, so it is no metadata "
                f"column of {n_trials} trials; leave it out, or load the arrays and "
                "use trials_from_arrays."
            )
    return pd.DataFrame(arrays, index=range(n_trials))

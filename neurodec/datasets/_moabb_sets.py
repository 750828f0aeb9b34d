"""Sets of the registry that MOABB reads: found locally first, verified, loaded."""

import contextlib
import importlib.resources

import mne
import moabb.datasets
import moabb.paradigms

from .bridge import trials_from_moabb
from .local import check_file, data_folders, moabb_reads_locally


def load_moabb_set(name, entry, subjects, recipe):
    """Trials of a registry entry whose source is a MOABB class.

    Parameters
    ----------
    name : str
    entry : dict
        Of the registry.
    subjects : list of int or None
    recipe : Recipe

    Returns
    -------
    trials : Trials

    Raises
    ------
    ValueError
        If the recipe asks for what MOABB cannot do, or a file is damaged.
    FileNotFoundError
        If there is no local file and no download.
    """
    if recipe.method != "iir":
        raise ValueError(
            f"MOABB's paradigms filter with method 'iir', not {recipe.method!r}; "
            "use trials_from_raw for another filter."
        )
    source = entry["source"]
    folder, subjects = _locate(source, entry["subjects"], subjects)
    dataset = getattr(moabb.datasets, source["moabb"])()
    paradigm = _paradigm(source, recipe, dataset.interval[0])
    if folder is not None:
        _check_published(source, folder, subjects)
    try:
        with (
            moabb_reads_locally(source["sign"], folder)
            if folder
            else contextlib.nullcontext()
        ):
            trials = trials_from_moabb(
                dataset, paradigm, subjects, name=name, recipe=recipe
            )
    except Exception as error:  # MNE fails in many ways on a damaged file.
        _explain(error, name, source, folder, subjects)
        raise
    if recipe.reject is None:  # MOABB's paradigms have no rejection.
        return trials
    types = trials.info.get_channel_types()
    return trials[recipe.kept(trials.X * trials.unit, types)]


def _paradigm(source, recipe, start):
    """The recipe as a MOABB paradigm, which counts from ``start``, not from the cue."""
    low, high = recipe.band or (None, None)
    return getattr(moabb.paradigms, source["paradigm"])(
        fmin=low,
        fmax=high,
        tmin=recipe.tmin - start,
        tmax=None if recipe.tmax is None else recipe.tmax - start,
        baseline=recipe.baseline and tuple(t - start for t in recipe.baseline),
        resample=recipe.resample,
        **source.get("paradigm_parameters", {}),
    )


def _explain(error, name, source, folder, subjects):
    """Raise an error with the remedy, where files or the download are at fault."""
    if folder is None and isinstance(error, OSError):
        raise FileNotFoundError(
            f"{name}, subjects {subjects}: not on this machine, and MOABB's download "
            f"failed ({error}); set NEURODEC_DATA to the folder that holds "
            f"MNE-{source['sign'].lower()}-data/."
        ) from error
    damaged = _first_unreadable(source, folder, subjects)
    if damaged is not None:
        raise ValueError(
            f"{damaged} cannot be read ({error}); fetch it again."
        ) from error


def _locate(source, known, wanted):
    """Folder with the wanted subjects of a MOABB set, and whom to read from it."""
    for folder in data_folders(source["sign"]):
        present = [
            s
            for s in known
            if all((folder / f).is_file() for f in _expected(source["files"], s))
        ]
        if wanted is None and present:
            return folder, present
        if wanted is not None and set(wanted) <= set(present):
            return folder, list(wanted)
    return None, list(known if wanted is None else wanted)


def _first_unreadable(source, folder, subjects):
    """A local file that MNE cannot read, or None."""
    for subject in subjects if folder else ():
        for file in _expected(source["files"], subject):
            try:
                mne.io.read_raw(folder / file, preload=True, verbose="ERROR")
            except Exception:
                return folder / file
    return None


def _check_published(source, folder, subjects):
    """Refuse damaged files where MNE has a list of checksums."""
    if "checksums" not in source["files"]:
        return
    table = importlib.resources.files("mne") / "data" / source["files"]["checksums"]
    published = dict(line.split() for line in table.read_text().splitlines())
    for subject in subjects:
        for file in _expected(source["files"], subject):
            check_file(folder / file, published["/".join(file.split("/")[-2:])])


def _expected(files, subject):
    runs = files["runs"]
    if isinstance(runs, dict):
        runs = range(1, runs.get(subject, runs["default"]) + 1)
    return [files["pattern"].format(subject=subject, run=run) for run in runs]

"""Sets of the registry that MOABB reads: found locally first, verified, loaded."""

import importlib.resources
import itertools
import sys

import mne
import moabb.datasets
import moabb.paradigms

from .._names import number_ranges
from .bridge import trials_from_moabb
from .local import check_file, data_folders, moabb_downloads, moabb_reads_locally
from .trials import concatenate_trials


def load_moabb_set(name, entry, subjects, recipe):
    """Trials of a registry entry whose source is a MOABB class.

    Subjects whose files are on this machine are read from them; only the others are
    asked of MOABB, which downloads them.

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
        If a subject is not on this machine and cannot be downloaded.
    """
    if recipe.method != "iir":
        raise ValueError(
            f"MOABB's paradigms filter with method 'iir', not {recipe.method!r}; "
            "use trials_from_raw for another filter."
        )
    source = entry["source"]
    dataset = getattr(moabb.datasets, source["moabb"])()
    paradigm = _paradigm(source, recipe, dataset.interval[0])

    def read(chosen):
        return trials_from_moabb(dataset, paradigm, chosen, name=name, recipe=recipe)

    held = _held(source, entry["subjects"])
    if subjects is None:
        subjects = next(iter(held.values()), entry["subjects"])
    places = [next((f for f in held if s in held[f]), None) for s in subjects]
    for folder, chosen in _neighbours(places, subjects):
        if folder is not None:  # All of them, before a download begins.
            _check_published(source, folder, chosen)
    parts = []
    for folder, chosen in _neighbours(places, subjects):
        if folder is not None:
            parts.append(_read_local(read, source, folder, chosen))
        else:
            parts += [_download(read, name, source, s, held) for s in chosen]
    trials = parts[0] if len(parts) == 1 else concatenate_trials(parts)
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


def _held(source, known):
    """Subjects of a set in each data folder that holds any, best folder first."""
    held = {
        folder: [
            s
            for s in known
            if all((folder / f).is_file() for f in _expected(source["files"], s))
        ]
        for folder in data_folders(source["sign"])
    }
    return {folder: present for folder, present in held.items() if present}


def _neighbours(places, subjects):
    """Each folder, or None, with the subjects that follow one another in it."""
    pairs = zip(places, subjects, strict=True)
    for place, group in itertools.groupby(pairs, key=lambda pair: pair[0]):
        yield place, [subject for _, subject in group]


def _read_local(read, source, folder, subjects):
    try:
        with moabb_reads_locally(source["sign"], folder):
            return read(subjects)
    except Exception as error:  # MNE fails in many ways on a damaged file.
        damaged = _first_unreadable(source, folder, subjects)
        if damaged is None:
            raise
        raise ValueError(
            f"{damaged} cannot be read ({error}); fetch it again."
        ) from error


def _download(read, name, source, subject, held):
    # MOABB tries for the better part of a minute before it gives up.
    print(f"downloading subject {subject} of {name} (Ctrl-C stops)", file=sys.stderr)
    try:
        with moabb_downloads(source["sign"]):
            return read([subject])
    except (OSError, RuntimeError) as error:  # The latter are MOABB's own.
        places = " nor in ".join(
            f"{folder} (which holds subjects {number_ranges(present)})"
            for folder, present in held.items()
        )
        remedy = (
            "choose among those"
            if held
            else "set NEURODEC_DATA to the folder that holds "
            f"MNE-{source['sign'].lower()}-data/"
        )
        raise FileNotFoundError(
            f"subject {subject} of {name} is not in {places or 'any data folder'} and "
            f"could not be downloaded: {error}; connect, or {remedy}."
        ) from error


def _first_unreadable(source, folder, subjects):
    """A local file that MNE cannot read, or None."""
    for subject in subjects:
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

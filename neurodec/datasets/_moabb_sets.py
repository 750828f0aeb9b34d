"""Sets of the registry that MOABB reads: found locally first, verified, loaded."""

import itertools
import sys

import moabb.datasets
import moabb.paradigms

from .._names import number_ranges
from ._moabb_files import (
    bring_subject,
    check_published,
    first_unreadable,
    moabb_dataset,
)
from ._rework import rework_trials
from ._set_files import (
    fetch_again,
    how_to_fetch,
    subjects_by_folder,
)
from .bridge import trials_from_moabb
from .fetching import writing
from .local import download_folder, moabb_reads_locally
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
    if recipe.phase != "zero" or recipe.notch is not None:
        raise ValueError(
            f"MOABB's paradigms filter in a band with zero phase, not with phase="
            f"{recipe.phase!r} and notch={recipe.notch}; use trials_from_raw for that."
        )
    source = entry["source"]
    dataset = moabb_dataset(source)
    paradigm = _paradigm(source, recipe, dataset.interval[0])

    def read(chosen):
        return trials_from_moabb(dataset, paradigm, chosen, name=name, recipe=recipe)

    held = subjects_by_folder(entry)
    if subjects is None:
        subjects = next(iter(held.values()), entry["subjects"])
    places = [next((f for f in held if s in held[f]), None) for s in subjects]
    for folder, chosen in _neighbours(places, subjects):
        if folder is not None:  # All of them, before a download begins.
            check_published(name, source, folder, chosen)
        elif source.get("licence_to_accept"):
            raise FileNotFoundError(
                f"{name} is not on this machine, and its licence ({entry['licence']}) "
                f"is yours to accept; {how_to_fetch(name, chosen)} --accept-licence"
            )
    parts = []
    for folder, chosen in _neighbours(places, subjects):
        if folder is not None:
            parts.append(_read_local(read, name, source, folder, chosen))
        else:
            parts += [_download(read, name, source, s, held) for s in chosen]
    trials = parts[0] if len(parts) == 1 else concatenate_trials(parts)
    # A reference after the filter is the same as before it: both are linear.
    trials = rework_trials(trials, recipe)
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


def _neighbours(places, subjects):
    """Each folder, or None, with the subjects that follow one another in it."""
    pairs = zip(places, subjects, strict=True)
    for place, group in itertools.groupby(pairs, key=lambda pair: pair[0]):
        yield place, [subject for _, subject in group]


def _read_local(read, name, source, folder, subjects):
    try:
        with moabb_reads_locally(source["sign"], folder):
            return read(subjects)
    except Exception as error:  # MNE fails in many ways on a damaged file.
        damaged = first_unreadable(source, folder, subjects)
        if damaged is None:
            raise
        raise ValueError(
            f"{damaged} cannot be read ({error}); {fetch_again(name, subjects)}."
        ) from error


def _download(read, name, source, subject, held):
    # MOABB tries for the better part of a minute before it gives up.
    print(f"downloading subject {subject} of {name} (Ctrl-C stops)", file=sys.stderr)
    root = download_folder(source["sign"])
    try:
        with writing(root):
            bring_subject(name, source, subject, root, retries=0)
    except OSError as error:
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
            f"could not be downloaded: {error}; {how_to_fetch(name, [subject])} when "
            f"connected, or {remedy}."
        ) from error
    return _read_local(read, name, source, root, [subject])

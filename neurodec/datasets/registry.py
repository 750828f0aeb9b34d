"""The registry: ``datasets.yaml``, and ``load`` from a name to ``Trials``."""

import copy
import functools
from pathlib import Path

import numpy as np

from .._names import nearest, number_ranges
from .._yaml import read_mapping
from ..preprocessing.recipe import Recipe, as_recipe
from ._set_files import (
    fetch_again,
    files_of,
    find_files,
    how_to_fetch,
    subjects_by_folder,
)
from .local import data_folders, find_folder
from .trials import concatenate_trials

_REQUIRED = (
    *("title", "modality", "paradigm", "pipelines", "subjects", "sessions"),
    *("channels", "sfreq", "size", "licence", "doi", "scoring", "recipe", "source"),
)


def list_datasets(
    *, modality=None, paradigm=None, licence=None, min_subjects=None, local=False
):
    """Names of the datasets in the registry.

    Parameters
    ----------
    modality, paradigm : str or None
        Only those of this modality ("eeg", "meg") or paradigm ("imagery", "p300",
        "ssvep", "movement", "images").
    licence : str or None
        Only those whose licence holds this text, such as "CC BY"; upper and lower
        case, spaces and hyphens are alike.
    min_subjects : int or None
        Only those with so many subjects, or more.
    local : bool, default=False
        Only those of which a subject is on this machine.

    Returns
    -------
    names : list of str

    Raises
    ------
    ValueError
        If no dataset has this modality or paradigm.

    Examples
    --------
    >>> "simulated" in list_datasets()
    True
    >>> list_datasets(modality="meg", min_subjects=2)
    ['things_meg']
    """
    registry = _registry()
    for key, wanted in (("modality", modality), ("paradigm", paradigm)):
        known = {entry[key] for entry in registry.values()}
        if wanted is not None and wanted not in known:
            raise ValueError(
                f"no dataset has {key} {wanted!r}; {nearest(wanted, known)}"
            )

    def chosen(name, entry):
        return (
            entry["modality"] == (modality or entry["modality"])
            and entry["paradigm"] == (paradigm or entry["paradigm"])
            and _plain(licence or "") in _plain(entry["licence"])
            and len(entry["subjects"]) >= (min_subjects or 0)
            and (not local or bool(subjects_here(name)))
        )

    return sorted(name for name, entry in registry.items() if chosen(name, entry))


def _plain(licence):
    return licence.lower().replace("-", " ").replace(" ", "")


def subjects_here(name):
    """Subjects of a dataset whose files are on this machine.

    Parameters
    ----------
    name : str

    Returns
    -------
    subjects : list of int
        All of a simulated set. Files are looked for, not read.

    Raises
    ------
    ValueError
        If there is no such dataset.

    Examples
    --------
    >>> subjects_here("simulated")
    [1, 2, 3, 4]
    """
    entry = dataset_info(name)
    if "simulator" in entry["source"]:
        return entry["subjects"]
    held = subjects_by_folder(entry).values()
    return [s for s in entry["subjects"] if any(s in there for there in held)]


def dataset_info(name):
    """The registry's entry of a dataset, as a dictionary.

    Parameters
    ----------
    name : str

    Returns
    -------
    entry : dict
        title, modality, paradigm, pipelines, subjects (all of them), sessions (the
        most that a subject has), channels, sfreq (hertz, before the recipe), size
        (bytes of its files, or None), licence, doi, scoring, recipe, source; and
        unverified, true where no checksum of the files is known.

    Raises
    ------
    ValueError
        If there is no such dataset; the message names the nearest ones.

    Examples
    --------
    >>> dataset_info("kalunga2016")["paradigm"]
    'ssvep'
    """
    registry = _registry()
    if not isinstance(name, str) or name not in registry:
        raise ValueError(f"no dataset {name!r}; {nearest(name, registry)}")
    return copy.deepcopy(registry[name])


def load(name, subjects=None, *, recipe=None, random_state=0):
    """Trials of a dataset of the registry, from local files first.

    Parameters
    ----------
    name : str
        See :func:`list_datasets`.
    subjects : list or None
        Subjects to read. None reads all; of a set that MOABB knows, those in the
        first data folder that holds any, and all if none does. Subjects of such a set
        that are not on this machine are downloaded.
    recipe : Recipe, dict or None
        The registry's recipe by default; a dict replaces some of its settings.
    random_state : int, default=0
        Seed of the simulated set; recordings do not use it.

    Returns
    -------
    trials : Trials

    Raises
    ------
    ValueError
        If a name or a subject is unknown, or a file is damaged.
    FileNotFoundError
        If a set, or a subject of it, is not on this machine and cannot be downloaded.

    Examples
    --------
    >>> trials = load("simulated", subjects=[1])
    >>> trials.classes.tolist()
    ['left_hand', 'right_hand']
    """
    entry = dataset_info(name)
    if recipe is None or isinstance(recipe, dict):
        recipe = {**entry["recipe"], **(recipe or {})}
    recipe = as_recipe(recipe)
    recipe.check_rate(entry["sfreq"])
    check_subjects(name, entry, subjects)
    source = entry["source"]
    if "moabb" in source:
        from ._moabb_sets import load_moabb_set

        return load_moabb_set(name, entry, subjects, recipe)
    if "simulator" in source:
        return _load_simulated(name, entry, subjects, recipe, random_state)
    return _load_files(name, entry, subjects, recipe)


def recordings_of(name, subject, recipe):
    """Trials of a subject, recording by recording where the files are.

    Parameters
    ----------
    name : str
    subject : int
    recipe : Recipe

    Yields
    ------
    trials : Trials
    """
    entry = dataset_info(name)
    if "reader" in entry["source"]:
        for part in _file_parts(name, entry, [subject], recipe):
            yield part.rename(name)
            del part  # Else it lives on while the next is read.
    else:
        yield load(name, [subject], recipe=recipe)


def _load_files(name, entry, subjects, recipe):
    parts = list(_file_parts(name, entry, subjects, recipe))
    return parts[0].rename(name) if len(parts) == 1 else concatenate_trials(parts, name)


def _file_parts(name, entry, subjects, recipe):
    from .files import READERS

    source = entry["source"]
    subjects = entry["subjects"] if subjects is None else subjects
    if find_folder(source["folder"]) is None:
        raise FileNotFoundError(_absent(name, entry))
    # Only files that were checked, whatever else lies in the folder.
    files = {
        s: find_files(source, files_of(source, s), _remedy(name, source, s))
        for s in subjects
    }
    for subject in subjects:
        yield from READERS[source["reader"]](files[subject], subject, recipe)


def _absent(name, entry):
    source = entry["source"]
    looked = ", ".join(str(f) for f in data_folders()) or "no folder exists"
    public = f"{how_to_fetch(name)}, or " if "download" in source else ""
    return (
        f"{name} is not on this machine (looked in {looked}); {public}set "
        f"NEURODEC_DATA to the folder that holds {source['folder']}/. Source: "
        f"{source['url']}"
    )


def _remedy(name, source, subject):
    if "download" in source:
        return fetch_again(name, [subject] if "subject_files" in source else None)
    return f"get it again, or fetch it again from where it came ({source['url']})"


def _load_simulated(name, entry, subjects, recipe, random_state):
    from .simulated import make_motor_imagery

    subjects = entry["subjects"] if subjects is None else subjects
    simulation = make_motor_imagery(
        n_subjects=max(subjects),
        n_sessions=entry["sessions"],
        random_state=random_state,
        **entry["source"].get("parameters", {}),
    )
    return simulation.trials(recipe, subjects=subjects, name=name)


def check_subjects(name, entry, subjects):
    """Refuse subjects that a dataset does not have.

    Parameters
    ----------
    name : str
    entry : dict
        Of the registry.
    subjects : list or None

    Raises
    ------
    ValueError
        Naming the subject and those that there are.
    """
    if subjects is None:
        return
    if isinstance(subjects, str) or not np.iterable(subjects) or not len(subjects):
        raise ValueError(f"subjects is {subjects!r}; give a list such as [1, 2].")
    known = entry["subjects"]
    for subject in subjects:
        if subject not in known:
            raise ValueError(
                f"{name} has no subject {subject!r}; it has {number_ranges(known)}."
            )
    if len(set(subjects)) < len(subjects):
        raise ValueError(f"subjects {list(subjects)} repeat; name each once.")


@functools.cache
def _registry():
    package = Path(__file__).parents[1]
    # In a wheel the file lies in the package, in a checkout beside it.
    for path in (package / "datasets.yaml", package.parent / "datasets.yaml"):
        if path.is_file():
            return _read_registry(path)
    raise FileNotFoundError(
        f"datasets.yaml is neither in {package} nor beside it; reinstall neurodec."
    )


def _read_registry(path):
    """Entries of a registry file, checked.

    Raises
    ------
    ValueError
        If the file holds no mapping in YAML, or an entry lacks a field.
    """
    registry = read_mapping(path)
    for name, entry in registry.items():
        missing = [key for key in _REQUIRED if key not in (entry or {})]
        if missing:
            raise ValueError(f"{path}: dataset {name!r} lacks {', '.join(missing)}.")
        Recipe.from_dict(entry["recipe"])
        first, last = entry["subjects"]
        out = entry.pop("left_out", {})
        entry["subjects"] = [s for s in range(first, last + 1) if s not in out]
    return registry

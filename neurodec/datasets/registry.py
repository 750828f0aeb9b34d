"""The registry: ``datasets.yaml``, and ``load`` from a name to ``Trials``."""

import copy
import functools
from pathlib import Path

import numpy as np

from .._names import nearest, number_ranges
from .._yaml import read_mapping
from ..preprocessing.recipe import Recipe, as_recipe
from .local import check_file, data_folders, find_folder
from .readers import trials_from_raw
from .trials import concatenate_trials

_REQUIRED = (
    *("title", "modality", "paradigm", "pipelines", "subjects", "sessions"),
    *("channels", "sfreq", "licence", "doi", "scoring", "recipe", "source"),
)


def list_datasets():
    """Names of the datasets in the registry.

    Examples
    --------
    >>> "simulated" in list_datasets()
    True
    """
    return sorted(_registry())


def dataset_info(name):
    """The registry's entry of a dataset, as a dictionary.

    Parameters
    ----------
    name : str

    Returns
    -------
    entry : dict
        title, modality, paradigm, pipelines, subjects (all of them), sessions (the
        most that a subject has), channels, sfreq (hertz, before the recipe), licence,
        doi, scoring, recipe, source.

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
    _check_subjects(name, entry, subjects)
    source = entry["source"]
    if "moabb" in source:
        from ._moabb_sets import load_moabb_set

        return load_moabb_set(name, entry, subjects, recipe)
    if "simulator" in source:
        return _load_simulated(name, entry, subjects, recipe, random_state)
    return _load_files(name, entry, subjects, recipe)


def _load_files(name, entry, subjects, recipe):
    from .files import READERS

    source = entry["source"]
    folder = find_folder(source["folder"])
    if folder is None:
        looked = ", ".join(str(f) for f in data_folders()) or "no folder exists"
        raise FileNotFoundError(
            f"{name} is not on this machine (looked in {looked}); set NEURODEC_DATA to "
            f"the folder that holds {source['folder']}/. Source: {source['url']}"
        )
    for file, sha256 in source["files"].items():
        check_file(folder / file, sha256)
    # Only the files that were checked, whatever else lies in the folder.
    files = {file: folder / file for file in source["files"]}
    subjects = entry["subjects"] if subjects is None else subjects
    parts = [
        part
        for subject in subjects
        for part in READERS[source["reader"]](files, subject, recipe)
    ]
    return concatenate_trials(parts, name=name)


def _load_simulated(name, entry, subjects, recipe, random_state):
    from .simulated import make_imagery

    subjects = entry["subjects"] if subjects is None else subjects
    raws = make_imagery(
        n_subjects=max(subjects),
        n_sessions=entry["sessions"],
        random_state=random_state,
        **entry["source"].get("parameters", {}),
    )
    labels = {"left_hand": "left_hand", "right_hand": "right_hand"}
    return concatenate_trials(
        [
            trials_from_raw(raw, labels, recipe, subject=subject, session=session)
            for subject in subjects
            for session, raw in raws[subject].items()
        ],
        name=name,
    )


def _check_subjects(name, entry, subjects):
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

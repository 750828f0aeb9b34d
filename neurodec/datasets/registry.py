"""The registry: ``datasets.yaml``, and ``load`` from a name to ``Trials``."""

import copy
import difflib
import functools
from pathlib import Path

import numpy as np
import yaml

from ..preprocessing.recipe import Recipe
from .local import check_file, data_folders, find_folder, moabb_reads_locally
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
        title, modality, paradigm, pipelines, subjects, sessions, channels, sfreq,
        licence, doi, scoring, recipe, source.

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
    if name not in registry:
        close = difflib.get_close_matches(str(name), registry, n=3, cutoff=0.4)
        raise ValueError(
            f"no dataset {name!r}; "
            + (f"did you mean {' or '.join(close)}?" if close else "")
            + f" Known: {', '.join(sorted(registry))}."
        )
    return copy.deepcopy(registry[name])


def load(name, subjects=None, *, recipe=None, random_state=0):
    """Trials of a dataset of the registry, from local files first.

    Parameters
    ----------
    name : str
        See :func:`list_datasets`.
    subjects : list or None
        Subjects to read. None reads those that are on this machine, or all of them
        (through MOABB's download) when none is.
    recipe : Recipe, dict or None
        The registry's recipe by default.
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
        If the set is not on this machine and has no download.

    Examples
    --------
    >>> trials = load("simulated", subjects=[1])
    >>> trials.classes.tolist()
    ['left_hand', 'right_hand']
    """
    entry = dataset_info(name)
    if recipe is None or isinstance(recipe, dict):
        recipe = Recipe.from_dict({**entry["recipe"], **(recipe or {})})
    _check_subjects(name, entry, subjects)
    source = entry["source"]
    if "moabb" in source:
        return _load_moabb(name, entry, subjects, recipe)
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
    subjects = entry["subjects"] if subjects is None else subjects
    parts = [
        part
        for subject in subjects
        for part in READERS[source["reader"]](folder, subject, recipe)
    ]
    return concatenate_trials(parts, name=name)


def _load_moabb(name, entry, subjects, recipe):
    import moabb.datasets
    import moabb.paradigms

    from .bridge import trials_from_moabb

    source = entry["source"]
    folder, present = _present_subjects(source, entry["subjects"])
    if subjects is None:
        subjects = present or entry["subjects"]
    local = set(subjects) <= set(present)
    if recipe.method != "iir":
        raise ValueError(
            f"MOABB's paradigms filter with method 'iir', not {recipe.method!r}; "
            "use trials_from_raw for another filter."
        )
    settings = dict(source.get("paradigm_parameters", {}))
    settings.update(
        fmin=recipe.band[0] if recipe.band else None,
        fmax=recipe.band[1] if recipe.band else None,
        tmin=recipe.tmin,
        tmax=recipe.tmax,
        baseline=recipe.baseline,
        resample=recipe.resample,
    )
    paradigm = getattr(moabb.paradigms, source["paradigm"])(**settings)
    dataset = getattr(moabb.datasets, source["moabb"])()
    with moabb_reads_locally(source["sign"], folder if local else None):
        trials = trials_from_moabb(
            dataset, paradigm, list(subjects), name=name, recipe=recipe
        )
    return _reject(trials, recipe)


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


def _reject(trials, recipe):
    """Amplitude rejection, which MOABB's paradigms do not have."""
    if recipe.reject is None:
        return trials
    limit = min(recipe.reject.values())
    keep = np.array([np.ptp(x, axis=-1).max() * trials.unit <= limit for x in trials.X])
    if not keep.any():
        raise ValueError(
            f"no trial is left of {len(trials)}: all exceed reject={recipe.reject}; "
            "raise the limit."
        )
    return trials[keep]


def _present_subjects(source, subjects):
    """The folder that holds most subjects of a MOABB set, and those subjects."""
    best, most = None, []
    for folder in data_folders():
        present = [
            s
            for s in subjects
            if all((folder / f).is_file() for f in _expected(source["files"], s))
        ]
        if len(present) > len(most):
            best, most = folder, present
    return best, most


def _expected(files, subject):
    runs = files["runs"]
    if isinstance(runs, dict):
        runs = range(1, runs.get(subject, runs["default"]) + 1)
    return [files["pattern"].format(subject=subject, run=run) for run in runs]


def _check_subjects(name, entry, subjects):
    if subjects is None:
        return
    if not len(subjects):
        raise ValueError("subjects is empty; name at least one, or leave it out.")
    unknown = [s for s in subjects if s not in entry["subjects"]]
    if unknown:
        known = entry["subjects"]
        raise ValueError(
            f"{name} has no subject {unknown[0]!r}; it has {known[0]} to {known[-1]}."
        )


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
        If the file is not YAML, or an entry lacks a field.
    """
    try:
        registry = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    if not isinstance(registry, dict):
        raise ValueError(f"{path} holds no mapping from name to dataset.")
    for name, entry in registry.items():
        missing = [key for key in _REQUIRED if key not in (entry or {})]
        if missing:
            raise ValueError(f"{path}: dataset {name!r} lacks {', '.join(missing)}.")
        Recipe.from_dict(entry["recipe"])
        first, last = entry["subjects"]
        entry["subjects"] = list(range(first, last + 1))
    return registry

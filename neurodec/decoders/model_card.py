"""What a model's card says: what it was trained on, what it takes, how it scored."""

import datetime
import importlib.metadata
import json
import platform
import warnings

import numpy as np

from ..datasets.registry import dataset_info, list_datasets

# Distribution of each package whose estimators a model may hold.
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "pyriemann": "pyriemann", "mne": "mne"}
_TOLD = ("neurodec", "numpy", "scipy", "scikit-learn", "pyriemann", "mne", "moabb")


def make_card(name, title, trials, form, seed, scores, licence, doi):
    """The card of a model that was fitted on these trials.

    Parameters
    ----------
    name, title : str
    trials : Trials
    form : TrialFormat
    seed : int
    scores : dict, list of dict, DataFrame or None
    licence, doi : str or None
        Of the data; None takes the registry's.

    Returns
    -------
    card : dict
        Plain values, for JSON.
    """
    entry = dataset_info(trials.name) if trials.name in list_datasets() else {}
    origin = trials.metadata.groupby(["subject", "session"], sort=False).size()
    labels, counts = np.unique(trials.y, return_counts=True)
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    return {
        "name": name,
        "title": title,
        "created": now,
        "seed": seed,
        "input": {
            **vars(form),
            "unit_name": form.unit_name,
        },
        "classes": labels.tolist(),
        "training": {
            "dataset": trials.name,
            "title": entry.get("title"),
            "licence": licence or entry.get("licence"),
            "doi": doi or entry.get("doi"),
            "trials": len(trials),
            "trials_of_class": [int(count) for count in counts],
            "sessions": [
                {"subject": _plain(s), "session": _plain(t), "trials": int(n)}
                for (s, t), n in origin.items()
            ],
            "fingerprint": trials.fingerprint(),
        },
        "scores": check_scores(scores, name),
        "versions": versions(),
    }


def check_scores(scores, name):
    """Scores as a list of plain rows, or None.

    Parameters
    ----------
    scores : dict, list of dict, DataFrame or None
        From an evaluation, such as ``Results.summary()``.
    name : str
        Of the pipeline: of a table with several, its rows are taken.

    Raises
    ------
    ValueError
        If they are no such thing, or none is of this pipeline.
    """
    if scores is None:
        return None
    if hasattr(scores, "to_dict") and hasattr(scores, "columns"):
        scores = scores.to_dict("records")
    rows = [scores] if isinstance(scores, dict) else scores
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise ValueError(
            f"scores is {type(scores).__name__}; give what an evaluation says, such "
            "as results.summary(), or a mapping."
        )
    known = list(dict.fromkeys(row.get("pipeline", name) for row in rows))
    rows = [row for row in rows if row.get("pipeline", name) == name]
    if not rows:
        raise ValueError(
            f"scores are of {', '.join(map(str, known)) or 'nothing'}, none of "
            f"{name!r}; evaluate this pipeline, or leave scores out."
        )
    rows = [{key: _plain(value) for key, value in row.items()} for row in rows]
    try:
        json.dumps(rows, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"scores hold what JSON cannot ({error}); give numbers and texts."
        ) from error
    return rows


def scores_of_csv(path, dataset, pipeline):
    """Mean scores by protocol from the ``results.csv`` of a benchmark.

    Parameters
    ----------
    path : str or Path
    dataset, pipeline : str

    Returns
    -------
    scores : list of dict

    Raises
    ------
    ValueError
        If the file is none of these, or has no such row.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError) as error:
        raise ValueError(
            f"{path} is no CSV file ({error}); give the results.csv that neurodec "
            "benchmark wrote."
        ) from error
    needed = ["dataset", "pipeline", "protocol", "target", "scoring", "subject"]
    missing = [column for column in [*needed, "score"] if column not in table]
    if missing:
        raise ValueError(
            f"{path} has no column {missing[0]!r}; give the results.csv that neurodec "
            "benchmark wrote."
        )
    rows = table[(table["dataset"] == dataset) & (table["pipeline"] == pipeline)]
    rows = rows.dropna(subset="score")
    if not len(rows):
        raise ValueError(
            f"{path} has no score of {pipeline!r} on {dataset!r}; evaluate that "
            "first, or leave --scores out."
        )
    by_subject = rows.groupby(needed, sort=False)["score"].mean().reset_index()
    means = by_subject.groupby(needed[:-1], sort=False)["score"]
    return means.agg(score="mean", n_subjects="size").reset_index().to_dict("records")


def versions():
    """Versions of Python and of the libraries that compute."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _TOLD},
    }


def check_versions(saved, packages, folder):
    """Refuse another major version of a library that holds estimators; warn of minor.

    Parameters
    ----------
    saved : dict
        The card's versions.
    packages : set of str
        Packages of the model's estimators.
    folder : Path

    Raises
    ------
    ValueError
        Naming both versions.
    """
    here = versions()
    used = [_DISTRIBUTIONS[p] for p in _DISTRIBUTIONS if p in {*packages, "sklearn"}]
    for name in used:
        then, now = (v.get(name, "0").split(".") for v in (saved, here))
        told = f"{folder} was saved with {name} {saved.get(name)}"
        remedy = f"{here[name]} is installed; install {name}=={saved.get(name)}, or"
        if then[0] != now[0]:
            raise ValueError(f"{told}, but {remedy} fit and save the model again.")
        if then[:2] != now[:2]:
            warnings.warn(
                f"{told}, {remedy} fit again if the answers are not what they were.",
                stacklevel=4,
            )


def _plain(value):
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value

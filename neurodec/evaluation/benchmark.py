"""The main job in one call: dataset, pipelines, protocols, report."""

import dataclasses
import re
from pathlib import Path

from .._yaml import read_mapping
from ..datasets.registry import dataset_info, load
from ..decoders import load_pipeline
from ..preprocessing.recipe import Recipe
from .evaluator import evaluate
from .protocols import get_protocol
from .scoring import check_scorers

DEFAULT_PROTOCOLS = ("within-session", "cross-session")


@dataclasses.dataclass
class BenchmarkConfig:
    """What to run, as on the command line or in one YAML file.

    Parameters
    ----------
    dataset : str, default="simulated"
    subjects : list of int, str such as "1-3,5", or None, default=None
    pipelines : list of str or None, default=None
        Names or YAML files; the dataset's usual ones by default.
    protocols : list of str or None, default=None
        Within-session, and cross-session where there are several sessions. A target
        may stand after a colon: "cross-session:past", "cross-subject:prefix(20)".
    scoring : list of str or None, default=None
        The dataset's by default.
    seed : int, default=42
    jobs : int, default=1
    out : str, default="neurodec-results"
        Folder of ``results.sqlite`` and ``results.csv``.
    recipe : dict or None, default=None
        Settings that replace those of the dataset's recipe.
    keep_copies : bool, default=False
        See :func:`neurodec.evaluation.evaluate`.

    Raises
    ------
    ValueError
        If a name is unknown or a value breaks its rule.

    Examples
    --------
    >>> BenchmarkConfig(subjects="1-3,5").subjects
    [1, 2, 3, 5]
    """

    dataset: str = "simulated"
    subjects: list | str | None = None
    pipelines: list | str | None = None
    protocols: list | str | None = None
    scoring: list | str | None = None
    seed: int = 42
    jobs: int = 1
    out: str = "neurodec-results"
    recipe: dict | None = None
    keep_copies: bool = False

    def __post_init__(self):
        entry = dataset_info(self.dataset)
        self.subjects = _subjects(self.subjects, entry["subjects"])
        self.pipelines = _names("pipelines", self.pipelines) or entry["pipelines"]
        self.protocols = _names("protocols", self.protocols)
        self.scoring = check_scorers(
            _names("scoring", self.scoring) or entry["scoring"]
        )
        for protocol in self.protocols or []:
            get_protocol(protocol)
        for pipeline in self.pipelines:
            load_pipeline(pipeline)
        for name, least in (("seed", 0), ("jobs", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(
                    f"{name} is {value!r}; give a whole number from {least}."
                )
        if not isinstance(self.keep_copies, bool):
            raise ValueError(
                f"keep_copies is {self.keep_copies!r}; give true or false."
            )
        if not isinstance(self.out, str | Path) or not str(self.out):
            raise ValueError(f"out is {self.out!r}; give the name of a folder.")
        self.out = str(Path(self.out).expanduser())
        if self.recipe is not None:
            if not isinstance(self.recipe, dict):
                raise ValueError(
                    f"recipe is {self.recipe!r}; give a mapping of settings, such as "
                    "'band: [8, 30]'."
                )
            Recipe.from_dict({**entry["recipe"], **self.recipe})

    @classmethod
    def from_yaml(cls, path, **overrides):
        """Read a YAML file that holds these settings.

        Parameters
        ----------
        path : str or Path
        **overrides
            Settings that win over the file's; None leaves the file's.

        Raises
        ------
        ValueError
            If the file is no YAML mapping or holds an unknown setting.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        values = read_mapping(path, known)
        unknown = [key for key in values if key not in known]
        if unknown:
            raise ValueError(
                f"{path} has no setting {unknown[0]!r}; there are {', '.join(known)}."
            )
        given = {k: v for k, v in overrides.items() if v is not None}
        return cls(**{**values, **given})


def run_benchmark(config, progress=None, command=None):
    """Load, evaluate and export as ``config`` says.

    Parameters
    ----------
    config : BenchmarkConfig
    progress : callable or None
        As in :func:`neurodec.evaluation.evaluate`.
    command : str or None
        Printed in the report.

    Returns
    -------
    results : Results
        Also in ``out/results.sqlite`` and ``out/results.csv``; rows that the store
        holds already are not computed again.

    Raises
    ------
    ValueError, FileNotFoundError
        If the data cannot be read or split, before anything is written.
    """
    trials = load(config.dataset, config.subjects, recipe=config.recipe)
    protocols = _protocols(config, trials)
    out = Path(config.out)
    results = evaluate(
        trials,
        config.pipelines,
        protocols,
        seed=config.seed,
        scoring=config.scoring,
        n_jobs=config.jobs,
        store=out / "results.sqlite",
        keep_copies=config.keep_copies,
        progress=progress,
        description=describe(config, trials, protocols, command),
    )
    results.to_csv(out / "results.csv")
    return results


def describe(config, trials, protocols, command):
    """What the report says of a run, in plain values."""
    entry = dataset_info(config.dataset)
    metadata = trials.metadata
    return {
        "dataset": {
            "name": config.dataset,
            **{
                k: entry[k] for k in ("title", "modality", "paradigm", "licence", "doi")
            },
            "subjects": sorted(metadata["subject"].unique().tolist()),
            "of_subjects": len(entry["subjects"]),
            "sessions": int(metadata.groupby("subject")["session"].nunique().max()),
            "trials": len(trials),
            "channels": len(trials.ch_names),
            "sfreq": trials.sfreq,
            "classes": [str(c) for c in trials.classes],
        },
        "recipe": trials.recipe,
        "protocols": [
            _describe(get_protocol(protocol).for_trials(trials), metadata)
            for protocol in protocols
        ],
        "scoring": config.scoring,
        "seed": config.seed,
        "keep_copies": config.keep_copies,
        "command": command,
    }


def _describe(protocol, metadata):
    """A protocol's settings; who cannot take part in it stands in its description."""
    settings = protocol.to_dict()
    sessions = metadata.groupby("subject")["session"].nunique()
    alone = sessions.index[sessions < 2].tolist()
    if protocol.split_unit == "session" and alone:
        left_out = ", ".join(map(str, alone))
        settings["description"] += f" Left out, with one session: subjects {left_out}."
    return settings


def _protocols(config, trials):
    if config.protocols:
        return config.protocols
    sessions = trials.metadata.groupby("subject")["session"].nunique()
    return DEFAULT_PROTOCOLS if sessions.max() > 1 else DEFAULT_PROTOCOLS[:1]


def _names(what, value):
    if value is None:
        return None
    # A comma inside brackets is part of a name: prefix(20, labelled).
    names = re.split(r",(?![^(]*\))", value) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(
        isinstance(name, str) and name.strip() for name in names
    ):
        raise ValueError(f"{what} is {value!r}; give names, separated by commas.")
    return [name.strip() for name in names]


def _subjects(value, known):
    """Subject numbers from a list or from "1-3,5", in the order of the registry."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        # The order of training trials must not depend on the order of the request.
        rank = {subject: i for i, subject in enumerate(known)}
        return sorted(dict.fromkeys(value), key=lambda s: rank.get(s, len(rank)))
    subjects = []
    for part in str(value).split(","):
        first, dash, last = part.strip().partition("-")
        try:
            first, last = int(first), int(last if dash else first)
        except ValueError:
            raise ValueError(
                f"subjects is {value!r}; give numbers and ranges such as 1-3,5."
            ) from None
        if last < first:
            raise ValueError(
                f"subjects is {value!r}, but {part.strip()} is empty; write 1-3,5."
            )
        # One beyond the last is enough for the registry to refuse it.
        subjects += range(first, max(first, min(last, known[-1] + 1)) + 1)
    return _subjects(subjects, known)

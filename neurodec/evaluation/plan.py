"""What an evaluation has to compute: one task per fold and pipeline, by its key."""

import hashlib
import typing

import numpy as np

from .copies import drop_copies
from .keys import ALGORITHM, canonical, digest, library_series
from .protocols import Fold, Protocol
from .scoring import asks_for


class Task(typing.NamedTuple):
    """One row to be: a pipeline, its training and its test part."""

    key: str
    identity: dict
    protocol: Protocol
    fold: Fold
    train: np.ndarray
    pipeline: str


def plan_tasks(trials, pipelines, protocols, scorers, seed, keep_copies):
    """All tasks of an evaluation.

    Parameters
    ----------
    trials : Trials
    pipelines : dict of name to estimator
    protocols : list of Protocol
    scorers : list of str
    seed : int
    keep_copies : bool

    Returns
    -------
    tasks : dict of key to Task
        A key holds all that can change the row: signals and labels of both parts,
        recipe, protocol, seed, scorers, parameters, our algorithm, libraries; for
        pipelines that align domains, those of the training trials too.
    """
    y, metadata = trials.y, trials.metadata
    hashes = np.array(trials.signal_hashes())
    identities = np.array([f"{h}:{label}" for h, label in zip(hashes, y, strict=True)])
    same = {
        "algorithm": ALGORITHM,
        "dataset": trials.name,
        "recipe": trials.recipe,
        "seed": seed,
        "scoring": scorers,
        "libraries": library_series(),
    }
    plain = {name: canonical(pipeline) for name, pipeline in pipelines.items()}
    aligned = {name for name in plain if asks_for(pipelines[name], "domains")}
    domains = domain_numbers(metadata)
    tasks = {}
    for protocol in protocols:
        settings = protocol.to_dict()
        del settings["description"]  # Prose changes no score.
        for fold in protocol.folds(y, metadata, seed):
            train = fold.train
            if not keep_copies:
                train = drop_copies(train, fold.test, hashes)
            shared = {
                **same,
                "protocol": settings,
                "fold": [str(fold.subject), str(fold.session), fold.number],
                "train": _digest_of(identities[train]),
                "test": _digest_of(identities[fold.test]),
            }
            if len(fold.given):
                shared["given"] = _digest_of(identities[fold.given])
            for name, parameters in plain.items():
                identity = {**shared, "name": name, "pipeline": parameters}
                if name in aligned:
                    identity["domains"] = _partition(domains, train, fold.test)
                key = digest(identity)
                tasks[key] = Task(key, identity, protocol, fold, train, name)
    return tasks


def group_by_training(tasks):
    """Tasks that share a fit: the same pipeline and the same training part.

    Parameters
    ----------
    tasks : iterable of Task

    Returns
    -------
    groups : list of list of Task
    """
    groups = {}
    for task in tasks:
        identity = task.identity
        domains = identity.get("domains", {}).get("train")
        part = (task.pipeline, identity["train"], domains)
        groups.setdefault(part, []).append(task)
    return list(groups.values())


def domain_numbers(metadata):
    """A number for each session of each subject, shape (n_trials,)."""
    return metadata.groupby(["subject", "session"], sort=False).ngroup().to_numpy()


def _partition(domains, train, test):
    """Which training trials are of one domain, and whether one of these is tested."""
    numbers = {}  # In the order of appearance, whoever else is in the set.
    for domain in domains[train]:
        numbers.setdefault(domain, str(len(numbers)))
    return {
        "train": _digest_of(numbers[domain] for domain in domains[train]),
        "test": numbers.get(domains[test[0]]),
    }


def _digest_of(identities):
    return hashlib.sha256("\n".join(identities).encode()).hexdigest()

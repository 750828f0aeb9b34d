"""``Results``: rows and predictions of an evaluation, and its exports."""

import json

import numpy as np
import pandas as pd

from .._files import write_whole
from .chance import pooled_chance_level

# MOABB's columns, then ours; the CSV keeps this order.
_EXPORT = {
    "score": "score",
    "time": "time",
    "samples": "n_train",
    "samples_test": "n_test",
    "n_classes": "n_classes",
    "subject": "subject",
    "session": "session",
    "channels": "channels",
    "n_sessions": "n_sessions",
    "dataset": "dataset",
    "pipeline": "pipeline",
    "protocol": "protocol",
    "fold": "fold",
    "target": "target",
    "transductive": "transductive",
    "scoring": "scoring",
    "chance": "chance",
    "chance_level": "chance_level",
    "majority": "majority",
    "seed": "seed",
    "status": "status",
    "error": "error",
    "key": "key",
}


class Results:
    """What an evaluation gave, fold by fold.

    Parameters
    ----------
    store : ResultStore
        Predictions are read from it when asked for.
    keys : list of str or None, default=None
        Which rows, in which order; None is all of them.

    Attributes
    ----------
    rows : DataFrame
        One row per fold and pipeline.
    description : dict
        Dataset, recipe, versions and command of the latest run among the rows.

    Raises
    ------
    ValueError
        If there is no row, or two rows answer the same question differently (another
        seed, scorer, recipe or data): name the keys of those that belong together.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> results = evaluate(load("simulated", subjects=[1]), ["mdm"], "cross-session")
    >>> results.summary()[["protocol", "pipeline", "target", "n_folds"]].values.tolist()
    [['cross-session', 'mdm', 'none', 2]]
    """

    def __init__(self, store, keys=None, description=None):
        self._store = store
        found = {row["key"]: row for row in store.rows(keys)}
        chosen = [found[key] for key in (found if keys is None else keys)]
        self.rows = _frame(chosen)
        _refuse_mixture(self.rows)
        if description is None:
            description = store.run(int(self.rows["run"].max()))
        self.description = dict(description)

    def predictions(self, key):
        """Per-trial predictions of one row: trial, y_true, y_pred, response."""
        return self._store.predictions(key)

    def summary(self):
        """One row per protocol and pipeline; the subject is the unit.

        Returns
        -------
        table : DataFrame
            protocol, target, transductive, pipeline, scoring, score (mean over
            subjects of the mean over sessions of the mean over folds), sd (over
            subjects), chance, chance_level (adjusted for the number of trials),
            majority, n_subjects, n_folds, n_failed, time (seconds of fit, summed).
            Failed folds are left out of the means and counted.
        """
        groups = self.rows.groupby(["protocol", "pipeline"], sort=False)
        return pd.DataFrame(
            [
                {"protocol": protocol, "pipeline": pipeline, **_summarise(part)}
                for (protocol, pipeline), part in groups
            ],
            columns=[
                "protocol", "target", "transductive", "pipeline", "scoring", "score",
                "sd", "chance", "chance_level", "majority", "n_subjects", "n_folds",
                "n_failed", "time",
            ],
        )  # fmt: skip

    def to_moabb(self):
        """The rows under MOABB's column names, for ``moabb.analysis`` and CSV.

        Returns
        -------
        table : DataFrame
            MOABB's columns, then protocol, fold, target and what else tells rows
            apart; one row per fold and pipeline, failed ones with an empty score.
        """
        sessions = self.rows.groupby("dataset")["session"].transform("nunique")
        rows = self.rows.assign(n_sessions=sessions)
        table = pd.DataFrame({name: rows[column] for name, column in _EXPORT.items()})
        # The first scorer stands in score; the others after the columns of MOABB.
        for name in dict.fromkeys(name for scores in rows["scores"] for name in scores):
            if (rows["scoring"] != name).any():
                table[f"score_{name}"] = [scores.get(name) for scores in rows["scores"]]
        return table

    def to_csv(self, path):
        """Write :meth:`to_moabb` as CSV, whole or not at all."""
        return write_whole(path, self.to_moabb().to_csv(index=False))


def _frame(rows):
    frame = pd.DataFrame(rows)
    if not len(frame):
        raise ValueError("there is no row; run an evaluation first.")
    for column in ("score", "chance", "chance_level", "chance_deviation", "time"):
        frame[column] = pd.to_numeric(frame[column])
    return (
        frame.assign(
            transductive=frame["transductive"].astype(bool),
            recipe=[identity.get("recipe") for identity in frame["identity"]],
        )
        .drop(columns="identity")
        .rename(columns={"n_channels": "channels"})
    )


def _refuse_mixture(rows):
    """Rows that a mean would mix although they answer different questions."""
    for column in ("seed", "scoring", "recipe"):
        for (dataset, protocol), part in rows.groupby(["dataset", "protocol"]):
            found = list(dict.fromkeys(map(str, part[column])))
            if len(found) > 1:
                raise ValueError(
                    f"rows of {dataset}, {protocol} have {column} {found[0]} and "
                    f"{found[1]}; name the keys of those that belong together."
                )
    cell = ["dataset", "protocol", "pipeline", "subject", "session", "fold"]
    twice = rows[rows.astype({"subject": str, "session": str}).duplicated(cell)]
    if len(twice):
        row = twice.iloc[0]
        raise ValueError(
            f"two rows for {row['pipeline']}, {row['protocol']}, subject "
            f"{row['subject']}, session {row['session']}, fold {row['fold']}: other "
            "data or parameters? name the keys of those that belong together."
        )


def _summarise(part):
    ok = part[part["status"] == "ok"]
    common = {
        "target": part["target"].iloc[0],
        "transductive": bool(part["transductive"].iloc[0]),
        "scoring": part["scoring"].iloc[0],
        "n_subjects": ok["subject"].nunique(),
        "n_folds": len(part),
        "n_failed": len(part) - len(ok),
        "time": part["time"].sum(),
    }
    if not len(ok):
        return common
    weights = _weights(ok)
    subjects = (ok["score"] * weights).groupby(ok["subject"]).sum()
    subjects = subjects * len(subjects)
    return {
        **common,
        "score": subjects.mean(),
        "sd": subjects.std(ddof=1) if len(subjects) > 1 else np.nan,
        "chance": np.sum(weights * ok["chance"].to_numpy(float)),
        "chance_level": pooled_chance_level(
            ok["chance"], ok["chance_deviation"], weights
        ),
        "majority": np.sum(weights * ok["majority"]),
    }


def _weights(rows):
    """Equal weight for subjects, then for their sessions, then for their folds."""
    subject = rows["subject"].map(json.dumps)
    session = subject + rows["session"].map(json.dumps)
    folds = session.map(session.value_counts())
    sessions = session.groupby(subject).transform("nunique")
    return (1 / (folds * sessions * subject.nunique())).to_numpy()

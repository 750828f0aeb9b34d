"""The subject as the unit: folds, then sessions, become one score."""

import re

import numpy as np
import pandas as pd

from .._names import natural_key

# Scorers whose values are shares between 0 and 1.
SHARES = re.compile(
    "(balanced_|top_k_)?accuracy|roc_auc|f1|precision|recall|average_precision|jaccard"
)
PLACE = ["dataset", "protocol", "subject", "session", "fold"]
_ABSENT = {"dataset": "", "protocol": "", "session": "", "fold": 0, "status": "ok"}


def subject_scores(results):
    """One score for each pipeline, protocol and subject: the unit of all statistics.

    Folds share training trials and sessions share a brain, so neither are independent
    observations. Scores are averaged over folds, then over sessions.

    Parameters
    ----------
    results : Results or DataFrame
        A DataFrame has the columns pipeline, subject and score, and where there are
        such dataset, protocol, session, fold, status and scoring: the rows of Results,
        or what MOABB returns.

    Returns
    -------
    scores : DataFrame
        Columns dataset, protocol, pipeline, subject, score, n_sessions, n_folds and
        n_failed. Failed folds are left out and counted; a subject without any other has
        score NaN.

    Raises
    ------
    ValueError
        If a column is missing, two rows are of the same fold, scorers are mixed, or a
        score is infinite.

    Examples
    --------
    >>> rows = {"pipeline": "mdm", "subject": [1, 1, 1], "session": ["0", "0", "1"]}
    >>> rows = pd.DataFrame({**rows, "fold": [0, 1, 0], "score": [0.7, 0.8, 0.85]})
    >>> subject_scores(rows)[["subject", "score", "n_folds"]].values.tolist()
    [[1.0, 0.8, 3.0]]
    """
    rows = checked_rows(results)
    unit = ["dataset", "protocol", "pipeline", "subject"]
    groups = rows.groupby(unit, sort=False)
    table = groups.agg(n_folds=("score", "size"), n_failed=("failed", "sum"))
    sessions = rows[~rows["failed"]].groupby([*unit, "session"], sort=False)["score"]
    sessions = sessions.mean().groupby(unit, sort=False)
    table.insert(0, "score", sessions.mean())
    table.insert(1, "n_sessions", sessions.size().reindex(table.index).fillna(0))
    return table.astype({"n_sessions": int}).reset_index()


def by_subject(scores):
    """Scores with (dataset, subject) in rows, pipelines in columns, the best first.

    Parameters
    ----------
    scores : DataFrame
        What :func:`subject_scores` gives, of one protocol.

    Returns
    -------
    table : DataFrame
        Subjects in natural order. Whoever and whatever has no score is left out.
    """
    table = scores.dropna(subset="score").set_index(["dataset", "subject", "pipeline"])
    table = table["score"].unstack("pipeline", sort=False)
    best = table.mean().sort_values(ascending=False, kind="stable").index
    return table.loc[sorted(table.index, key=subject_order), best]


def subject_order(index):
    """Sort key of (dataset, subject): "2" before "10"."""
    return [natural_key(value) for value in index]


def one_protocol(rows, protocol):
    """Rows of the protocol of that name, or of the only one.

    Raises
    ------
    ValueError
        If there is none of that name, or several and no name.
    """
    known = list(rows["protocol"].unique())
    if protocol is None and len(known) > 1:
        raise ValueError(
            f"there are rows of the protocols {known}; name one with protocol=."
        )
    if protocol is not None and protocol not in known:
        raise ValueError(f"no rows of protocol {protocol!r}; choose one of {known}.")
    return rows if protocol is None else rows[rows["protocol"] == protocol]


def checked_rows(results):
    """Rows of Results or a DataFrame, with the columns that statistics need.

    Raises
    ------
    ValueError
        As :func:`subject_scores`.
    """
    rows = getattr(results, "rows", results)
    if not isinstance(rows, pd.DataFrame) or not len(rows):
        what = "an empty DataFrame" if isinstance(rows, pd.DataFrame) else type(rows)
        raise ValueError(
            f"results is {what}; pass Results, or a DataFrame with a row per fold."
        )
    missing = [c for c in ("pipeline", "subject", "score") if c not in rows]
    if missing:
        raise ValueError(
            f"rows lack the columns {missing} and have {list(rows)}; rename them, or "
            "pass Results."
        )
    rows = rows.assign(**{c: v for c, v in _ABSENT.items() if c not in rows})
    # A left-out subject may have no session, and a group of None would be dropped.
    rows["session"] = rows["session"].map(str)
    rows["score"] = pd.to_numeric(rows["score"]).astype(float)
    rows["failed"] = (rows["status"] != "ok") | rows["score"].isna()
    _refuse_infinite(rows)
    _refuse_doubles(rows)
    return rows


def _refuse_infinite(rows):
    infinite = rows[np.isinf(rows["score"])]
    if len(infinite):
        row = infinite.iloc[0]
        raise ValueError(
            f"the score of {row['pipeline']}, subject {row['subject']}, is "
            f"{row['score']}; use a scorer that is finite, or leave the row out."
        )


def _refuse_doubles(rows):
    twice = rows[rows.duplicated([*PLACE, "pipeline"])]
    if len(twice):
        row = twice.iloc[0]
        raise ValueError(
            f"two rows for {row['pipeline']}, subject {row['subject']}, session "
            f"{row['session']}, fold {row['fold']}; number the folds in a column "
            "'fold', or keep one of the rows."
        )
    if "scoring" in rows:
        for protocol, names in rows.groupby("protocol")["scoring"].unique().items():
            if len(names) > 1:
                raise ValueError(
                    f"scores of {protocol or 'the rows'} are {' and '.join(names)}; "
                    "keep the rows of one scorer."
                )

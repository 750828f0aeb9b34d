"""The numbers of a benchmark as tables."""

import numpy as np
import pandas as pd

from ..evaluation.answers import confusion_counts
from ..evaluation.subjects import SHARES, by_subject, subject_scores

COLUMNS = (
    "dataset pipeline protocol target transductive subject session fold scoring score"
    " scores chance chance_level majority n_classes channels time status error key"
).split()


def scoring_style(scoring):
    """Title, factor, unit and number of decimals with which a scorer is printed."""
    name = str(scoring)
    title = {"roc_auc": "ROC-AUC"}.get(name, name.replace("_", " "))
    return (title, 100, " %", 1) if SHARES.match(name) else (title, 1, "", 3)


def checked_rows(results):
    """Rows of a benchmark, with the columns that tables need.

    Raises
    ------
    TypeError
        If `results` has no rows, predictions, summary or description.
    ValueError
        If rows lack a column.
    """
    for name in ("rows", "predictions", "summary", "description"):
        if not hasattr(results, name):
            raise TypeError(
                f"results is a {type(results).__name__} without {name!r}; "
                "pass the Results that neurodec.evaluation.evaluate returns"
            )
    rows = results.rows
    if len(rows) == 0:
        return pd.DataFrame(columns=COLUMNS)
    missing = [name for name in COLUMNS if name not in rows.columns]
    if missing:
        raise ValueError(
            f"results.rows lacks the columns {missing}; "
            "pass the Results that neurodec.evaluation.evaluate returns"
        )
    return rows


def protocol_rows(results, protocol, pipeline=None):
    """Rows of one protocol (and pipeline), or an error that names what there is."""
    rows = checked_rows(results)
    for column, wanted in (("protocol", protocol), ("pipeline", pipeline)):
        if wanted is None:
            continue
        known = list(rows[column].unique())
        rows = rows[rows[column] == wanted]
        if rows.empty:
            raise ValueError(
                f"no rows of {column} {wanted!r}; choose one of {known or 'none'}"
            )
    return rows


def score_table(results):
    """Scores per protocol and pipeline, best first within a protocol.

    Parameters
    ----------
    results : neurodec.evaluation.Results
        A benchmark.

    Returns
    -------
    table : pandas.DataFrame
        Columns protocol, pipeline, target, transductive, scoring, score and sd (mean
        and standard deviation over subjects, sessions collapsed first), chance,
        chance_level (adjusted for the number of test trials), above_chance (missing
        where there is no chance level), majority, n_subjects, n_folds (all that were
        tried), n_failed and time (seconds, as in ``results.summary()``). A pipeline
        whose every fold failed has a row without score.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1])
    >>> results = evaluate(trials, ["mdm"], ["cross-session"])
    >>> score_table(results)[["pipeline", "n_folds", "n_failed"]].values.tolist()
    [['mdm', 2, 0]]
    """
    rows = checked_rows(results)
    keys = ["protocol", "pipeline"]
    groups = rows.groupby(keys, sort=False)
    table = groups[["target", "transductive", "scoring"]].first()
    table["n_folds"] = groups.size()
    failed = rows["status"].ne("ok")
    table["n_failed"] = failed.groupby([rows[k] for k in keys], sort=False).sum()
    numbers = ["score", "sd", "chance", "chance_level", "majority", "time"]
    summary = results.summary() if len(rows) else pd.DataFrame(columns=keys)
    summary = summary.set_index(keys).reindex(
        index=table.index, columns=[*numbers, "n_subjects"]
    )
    for name in numbers:
        table[name] = pd.to_numeric(summary[name], errors="coerce").astype(float)
    table["n_subjects"] = summary["n_subjects"].fillna(0).astype(int)
    above = (table["score"] > table["chance_level"]).astype("boolean")
    known = table["score"].notna() & table["chance_level"].notna()
    table["above_chance"] = above.where(known, pd.NA)
    order = {name: i for i, name in enumerate(rows["protocol"].unique())}
    return (
        table.reset_index()
        .sort_values("score", ascending=False, kind="stable", na_position="last")
        .sort_values("protocol", key=lambda names: names.map(order), kind="stable")
        .reset_index(drop=True)
    )


def subject_table(results, protocol):
    """Scores per subject and pipeline under one protocol.

    Parameters
    ----------
    results : neurodec.evaluation.Results
        A benchmark.
    protocol : str
        Name of a protocol in it.

    Returns
    -------
    table : pandas.DataFrame, shape (n_subjects, n_pipelines)
        Mean over folds, then over sessions. Subjects in natural order, the best
        pipeline first; a subject or pipeline without a successful fold is left out.

    Raises
    ------
    ValueError
        If there is no such protocol.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1])
    >>> results = evaluate(trials, ["mdm"], ["cross-session"])
    >>> subject_table(results, "cross-session").shape
    (1, 1)
    """
    table = by_subject(subject_scores(protocol_rows(results, protocol)))
    one = table.index.get_level_values("dataset").nunique() < 2
    return table.droplevel("dataset") if one else table


def metric_table(results, protocol):
    """Every metric per pipeline under one protocol, averaged as the score is.

    Parameters
    ----------
    results : neurodec.evaluation.Results
        A benchmark.
    protocol : str
        Name of a protocol in it.

    Returns
    -------
    table : pandas.DataFrame, shape (n_pipelines, n_metrics)
        Means over subjects, folds and sessions collapsed first; the best pipeline
        first.

    Raises
    ------
    ValueError
        If there is no such protocol.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1])
    >>> results = evaluate(trials, ["mdm"], ["cross-session"])
    >>> list(metric_table(results, "cross-session"))
    ['roc_auc']
    """
    rows = protocol_rows(results, protocol)
    rows = rows[rows["status"] == "ok"]
    dicts = [value if isinstance(value, dict) else {} for value in rows["scores"]]
    metrics = list(dict.fromkeys(name for scores in dicts for name in scores))
    table = pd.DataFrame(index=subject_table(results, protocol).columns)
    for name in metrics:
        values = pd.Series([scores.get(name) for scores in dicts], index=rows.index)
        scored = rows.assign(score=values, scoring=name)
        table[name] = by_subject(subject_scores(scored)).mean()
    return table


def confusion_table(results, pipeline, protocol):
    """Confusion counts of one pipeline under one protocol, over all its folds.

    Parameters
    ----------
    results : neurodec.evaluation.Results
        A benchmark.
    pipeline, protocol : str
        Their names in it.

    Returns
    -------
    counts : pandas.DataFrame, shape (n_classes, n_classes)
        Trials by true (rows) and predicted class (columns), labels in natural order.
        Empty if no fold has predicted labels.

    Raises
    ------
    ValueError
        If there is no such pipeline or protocol.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1])
    >>> results = evaluate(trials, ["mdm"], ["cross-session"])
    >>> confusion_table(results, "mdm", "cross-session").to_numpy().sum()
    np.int64(80)
    """
    protocol_rows(results, protocol, pipeline)
    return confusion_counts(results, pipeline, protocol)


def row_shares(counts):
    """Confusion counts divided by the number of trials of each true class."""
    return counts.div(counts.sum(axis=1).replace(0, np.nan), axis=0)

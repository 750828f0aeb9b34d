"""Scores per subject, their intervals, and pipelines compared in pairs."""

import itertools

import numpy as np
import pandas as pd

from .._names import nearest
from .intervals import bootstrap_interval
from .one_subject import trial_interval
from .statistics import effect_size, holm, least_p_value, sign_flip_test
from .subjects import (
    PLACE,
    SHARES,
    by_subject,
    checked_rows,
    one_protocol,
    subject_order,
    subject_scores,
)

_INTERVAL_COLUMNS = "protocol pipeline n_subjects score low high over".split()


def score_intervals(results, confidence=0.95, *, n_resamples=9999, seed=42):
    """Mean score of each pipeline under each protocol, with an interval.

    Parameters
    ----------
    results : Results or DataFrame
        As :func:`subject_scores` takes it.
    confidence : float, default=0.95
    n_resamples : int, default=9999
    seed : int, default=42
        Of the resamples.

    Returns
    -------
    intervals : DataFrame
        Columns protocol, pipeline, n_subjects, score, low, high and over: "subjects"
        (:func:`bootstrap_interval`), "trials" where there is one subject, whose
        interval says nothing of other people (:func:`trial_interval`), or "" where
        there is none.

    Raises
    ------
    ValueError
        As :func:`subject_scores` and :func:`bootstrap_interval`.

    Examples
    --------
    >>> rows = {"pipeline": "mdm", "subject": range(6)}
    >>> rows = pd.DataFrame({**rows, "score": [0.7, 0.8, 0.75, 0.72, 0.9, 0.77]})
    >>> score_intervals(rows)[["n_subjects", "over"]].values.tolist()
    [[6, 'subjects']]
    """
    options = {"n_resamples": n_resamples, "seed": seed}
    tables = []
    for protocol, rows in checked_rows(results).groupby("protocol", sort=False):
        wide = by_subject(subject_scores(rows))
        if wide.empty:  # every fold failed
            continue
        low, high = bootstrap_interval(wide.to_numpy(), confidence, **options)
        least, most = (0, 1) if _of_shares(rows) else (None, None)
        table = pd.DataFrame(
            {
                "protocol": protocol,
                "pipeline": wide.columns,
                "n_subjects": wide.count().to_numpy(),
                "score": wide.mean().to_numpy(),
                "low": low.clip(least, most),
                "high": high.clip(least, most),
            }
        )
        table["over"] = np.where(table["low"].notna(), "subjects", "")
        if hasattr(results, "predictions"):
            _add_trial_intervals(results, table, confidence, n_resamples, seed)
        tables.append(table)
    if not tables:
        return pd.DataFrame(columns=_INTERVAL_COLUMNS)
    return pd.concat(tables, ignore_index=True)


def _add_trial_intervals(results, table, confidence, n_resamples, seed):
    options = {"confidence": confidence, "n_resamples": min(n_resamples, 1999)}
    for i in table.index[table["n_subjects"] == 1]:
        where = table.at[i, "pipeline"], table.at[i, "protocol"]
        try:
            low, high = trial_interval(results, *where, seed=seed, **options)
        except ValueError:  # Another scorer, or no response was kept.
            continue
        table.loc[i, ["low", "high", "over"]] = low, high, "trials"


def compare_pipelines(
    results,
    protocol=None,
    *,
    reference=None,
    alternative="two-sided",
    confidence=0.95,
    n_resamples=9999,
    seed=42,
):
    """Compare pipelines in pairs, subject by subject, under one protocol.

    Both scores of a subject come from the same folds: one that failed for either
    pipeline is left out for both.

    Parameters
    ----------
    results : Results or DataFrame
        As :func:`subject_scores` takes it.
    protocol : str or None, default=None
        None where there is only one.
    reference : str or None, default=None
        Compare all others with this pipeline, instead of all with each other: fewer
        tests to correct for. Choose it beforehand, not by its score.
    alternative : {"two-sided", "greater", "less"}, default="two-sided"
        "greater": the first of the pair scores higher.
    confidence : float, default=0.95
        Of the interval.
    n_resamples : int, default=9999
        Of the interval, and of the test for more than 16 subjects.
    seed : int, default=42

    Returns
    -------
    comparisons : DataFrame
        A row per pair: first, second, n_subjects (that have both), n_better (for whom
        the first scores higher), n_equal, difference (mean of first minus second), low
        and high (:func:`bootstrap_interval`), effect_size (:func:`effect_size`), p
        (:func:`sign_flip_test`), p_holm (corrected for all rows by :func:`holm`), and
        least_p: what p cannot fall below with so many subjects.

    Raises
    ------
    ValueError
        If there are several protocols and none is named, fewer than two pipelines, or a
        name is unknown.

    Examples
    --------
    >>> rows = {"subject": [*range(5)] * 2, "pipeline": ["a"] * 5 + ["b"] * 5}
    >>> score = [0.82, 0.75, 0.91, 0.64, 0.70, 0.80, 0.70, 0.90, 0.60, 0.67]
    >>> table = compare_pipelines(pd.DataFrame({**rows, "score": score}))
    >>> table[["first", "second", "n_better", "p", "least_p"]].values.tolist()
    [['a', 'b', 5, 0.0625, 0.0625]]
    """
    rows = one_protocol(checked_rows(results), protocol)
    paired = paired_differences(rows, reference=reference)
    options = {"n_resamples": n_resamples, "seed": seed}
    values = paired.to_numpy()
    low, high = bootstrap_interval(values, confidence, **options)
    least, most = (-1, 1) if _of_shares(rows) else (None, None)
    p = sign_flip_test(values, alternative, **options)
    n_subjects = paired.count().to_numpy()
    return pd.DataFrame(
        {
            "first": paired.columns.get_level_values("first"),
            "second": paired.columns.get_level_values("second"),
            "n_subjects": n_subjects,
            # Means of equal scores may differ by rounding.
            "n_better": (paired > 1e-12).sum().to_numpy(),
            "n_equal": (paired.abs() <= 1e-12).sum().to_numpy(),
            "difference": paired.mean().to_numpy(),
            "low": low.clip(least, most),
            "high": high.clip(least, most),
            "effect_size": effect_size(values),
            "p": p,
            "p_holm": holm(p),
            "least_p": [
                least_p_value(n, alternative, n_resamples=n_resamples) if n else np.nan
                for n in n_subjects
            ],
        }
    )


def paired_differences(results, protocol=None, *, reference=None):
    """Differences between pipelines, subject by subject.

    Parameters
    ----------
    results, protocol, reference
        As :func:`compare_pipelines` takes them.

    Returns
    -------
    differences : DataFrame, shape (n_subjects, n_pairs)
        First minus second, over the folds that both finished. Columns (first, second),
        the pipelines in the order of their mean score; index (dataset, subject) in
        natural order. NaN where a subject has no such fold.

    Raises
    ------
    ValueError
        As :func:`compare_pipelines`.

    Examples
    --------
    >>> rows = {"subject": [1, 2, 1, 2], "pipeline": ["a", "a", "b", "b"]}
    >>> rows = pd.DataFrame({**rows, "score": [0.75, 0.5, 0.5, 0.5]})
    >>> paired_differences(rows)["a", "b"].tolist()
    [0.25, 0.0]
    """
    rows = one_protocol(checked_rows(results), protocol)
    names = _two_names(rows)
    if reference is None:
        pairs = list(itertools.combinations(names, 2))
    elif reference in names:
        pairs = [(name, reference) for name in names if name != reference]
    else:
        raise ValueError(
            f"no scored pipeline {reference!r}; {nearest(reference, names)}"
        )
    folds = rows[~rows["failed"]].set_index([*PLACE, "pipeline"])["score"]
    folds = folds.unstack("pipeline")
    folds = pd.concat({(a, b): folds[a] - folds[b] for a, b in pairs}, axis=1)
    subjects = _subject_means(folds)
    subjects.columns.names = ["first", "second"]
    return subjects


def paired_scores(results, protocol=None, first=None, second=None):
    """Scores per subject of two pipelines, over the folds that both finished.

    Parameters
    ----------
    results, protocol
        As :func:`compare_pipelines` takes them.
    first, second : str or None, default=None
        Pipelines; None is the one with the highest mean that is not the other.

    Returns
    -------
    scores : DataFrame, shape (n_subjects, 2)

    Raises
    ------
    ValueError
        As :func:`compare_pipelines`.

    Examples
    --------
    >>> rows = {"subject": [1, 2, 1, 2], "pipeline": ["a", "a", "b", "b"]}
    >>> rows = pd.DataFrame({**rows, "score": [0.75, 0.5, 0.5, 0.5]})
    >>> list(paired_scores(rows))
    ['a', 'b']
    """
    rows = one_protocol(checked_rows(results), protocol)
    names = _two_names(rows)
    for name in (first, second):
        if name is not None and name not in names:
            raise ValueError(f"no scored pipeline {name!r}; {nearest(name, names)}")
    first = first or next(name for name in names if name != second)
    second = second or next(name for name in names if name != first)
    folds = rows[~rows["failed"]].set_index([*PLACE, "pipeline"])["score"]
    return _subject_means(folds.unstack("pipeline")[[first, second]].dropna())


def _two_names(rows):
    """Names of the scored pipelines, the best first; at least two."""
    names = list(by_subject(subject_scores(rows)).columns)
    if len(names) < 2:
        raise ValueError(
            f"a comparison needs two pipelines with a score and there are {names}; "
            "evaluate another one under the same protocol."
        )
    return names


def _subject_means(folds):
    sessions = folds.groupby(["dataset", "subject", "session"], sort=False).mean()
    subjects = sessions.groupby(["dataset", "subject"], sort=False).mean()
    return subjects.loc[sorted(subjects.index, key=subject_order)]


def _of_shares(rows):
    """Whether the scores lie between 0 and 1."""
    return "scoring" in rows and bool(SHARES.match(str(rows["scoring"].iloc[0])))

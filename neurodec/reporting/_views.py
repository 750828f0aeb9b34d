"""The tables of a benchmark as the page prints them: captions, columns, cells."""

import pandas as pd

from . import figures, tables
from ._comparison_views import interval_text
from ._facts import text_of
from ._svg import as_svg
from .tables import scoring_style


def number(value, scoring):
    """A score as it is printed, or a dash."""
    _, factor, _, decimals = scoring_style(scoring)
    return "–" if pd.isna(value) else f"{factor * value:.{decimals}f}"


def _target(row):
    text = text_of(row.target)
    return f"{text} (transductive)" if row.transductive else text


def score_view(scores, intervals, protocol, measure):
    """Scores of one protocol, with their intervals."""
    lines = []
    intervals = intervals[intervals["protocol"] == protocol].set_index("pipeline")
    for row in scores.itertuples():
        score = number(row.score, row.scoring)
        if row.n_failed == row.n_folds:
            score = "failed"
        if not pd.isna(row.sd) and row.n_subjects > 1:
            score += f" ± {number(row.sd, row.scoring)}"
        if pd.isna(row.above_chance):
            above = "–"
        else:
            above = "yes" if row.above_chance else "≤ chance"
        interval = "–"
        if row.pipeline in intervals.index:
            found = intervals.loc[row.pipeline]
            interval = interval_text(found["low"], found["high"], row.scoring)
            interval += " (trials)" if found["over"] == "trials" else ""
        cells = [
            score,
            interval,
            above,
            number(row.chance_level, row.scoring),
            number(row.chance, row.scoring),
            number(row.majority, "accuracy"),
            _target(row),
            str(row.n_subjects),
            str(row.n_folds),
            str(row.n_failed),
            "–" if pd.isna(row.time) else f"{row.time:.2f}",
        ]
        weak = above == "≤ chance" or pd.isna(row.score)
        lines.append({"head": row.pipeline, "cells": cells, "weak": weak})
    return {
        "caption": f"{protocol}: {measure}",
        "columns": [
            "Pipeline",
            "Score ± sd",
            "95 % interval",
            "Above chance",
            "Chance level",
            "Chance",
            "Majority, %",
            "Target",
            "Subjects",
            "Folds",
            "Failed",
            "Time, s",
        ],
        "rows": lines,
        "foot": None,
        "words": (2, 6),
    }


def subject_view(subjects, scores, protocol, measure):
    """Scores of each subject."""
    scoring = scores["scoring"].iloc[0]
    means = scores.set_index("pipeline")["score"]
    foot = [number(means[name], scoring) for name in subjects.columns]
    return {
        "caption": f"{protocol}, each subject: {measure}",
        "columns": ["Subject", *subjects.columns],
        "rows": [
            {"head": text_of(subject), "cells": [number(v, scoring) for v in values]}
            for subject, values in zip(subjects.index, subjects.to_numpy(), strict=True)
        ],
        "foot": {"head": "Mean", "cells": foot},
    }


def metric_view(metrics, protocol):
    """Every metric."""
    columns = []
    for name in metrics.columns:
        title, _, unit, _ = scoring_style(name)
        columns.append(f"{title},{unit}" if unit else title)
    return {
        "caption": f"{protocol}: every metric, mean over subjects",
        "columns": ["Pipeline", *columns],
        "rows": [
            {
                "head": pipeline,
                "cells": [
                    number(v, n) for v, n in zip(values, metrics.columns, strict=True)
                ],
            }
            for pipeline, values in zip(metrics.index, metrics.to_numpy(), strict=True)
        ],
        "foot": None,
    }


def confusion_card(results, pipeline, protocol, slug):
    """Figure and table of one confusion matrix."""
    counts = tables.confusion_table(results, pipeline, protocol)
    card = {"pipeline": pipeline, "plot": None, "table": None, "n": len(counts)}
    if counts.empty:
        return card
    shares = tables.row_shares(counts)
    hits = [f"{name} {number(shares.at[name, name], 'accuracy')} %" for name in counts]
    alt = f"Confusion matrix of {pipeline}, {protocol}. Trials of each class found: "
    figure = figures.draw_confusion(counts)
    card["plot"] = as_svg(figure, alt + ", ".join(hits[:12]) + ".", slug)
    if len(counts) > figures.MAX_ANNOTATED_CLASSES:
        return card
    lines = []
    for label, row in counts.iterrows():
        percents = [number(share, "accuracy") for share in shares.loc[label]]
        cells = [f"{p} % ({n})" for p, n in zip(percents, row, strict=True)]
        lines.append({"head": label, "cells": cells})
    card["table"] = {
        "caption": f"{pipeline}, {protocol}: % of each true class (trials)",
        "columns": ["True \\ predicted", *counts.columns],
        "rows": lines,
        "foot": None,
    }
    return card

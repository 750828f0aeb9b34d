"""The section of the report that compares pipelines."""

import pandas as pd

from ..evaluation.comparison import compare_pipelines
from ._svg import as_svg
from .comparison import ALPHA, comparison_matrix, plot_differences, plot_paired
from .tables import scoring_style


def comparison_card(results, protocol, subjects, scoring, slug):
    """Text, figures and tables of one protocol's comparisons."""
    card = dict.fromkeys(("differences", "paired", "matrix", "pairs"))
    if subjects.shape[1] < 2:
        scored = "One pipeline has" if subjects.shape[1] else "No pipeline has"
        return {**card, "text": f"{scored} a score: there is nothing to compare."}
    if len(subjects) < 2:
        text = (
            "One subject: how pipelines compare in other people cannot be told from "
            "it, so there is neither a test nor a figure."
        )
        return {**card, "text": text}
    pairs = compare_pipelines(results, protocol)
    if pairs["n_subjects"].max() < 2:
        text = (
            "No two subjects have scores of the same two pipelines: see the failures."
        )
        return {**card, "text": text}
    best, next_best = subjects.columns[:2]
    with_best = pairs[pairs["first"] == best]
    if with_best["n_subjects"].max() > 1:
        alt = f"Each subject's difference from {best}, {protocol}. Means in the table."
        card["differences"] = as_svg(
            plot_differences(results, protocol), alt, f"{slug}d"
        )
    if with_best["n_subjects"].iloc[0] > 1:
        alt = f"{best} against {next_best}, a dot for each subject, {protocol}."
        card["paired"] = as_svg(
            plot_paired(results, protocol), alt, f"{slug}e", scale=1.2
        )
    card["text"] = _what_is_possible(pairs)
    unit = "percentage points" if scoring_style(scoring)[1] == 100 else "score"
    card["matrix"] = _matrix_view(pairs, protocol, scoring, unit)
    card["pairs"] = _pairs_view(pairs, protocol, scoring, unit)
    return card


def _what_is_possible(pairs):
    """Number of subjects, and the least p-value that they allow, in words."""
    tested = pairs[pairs["p"].notna()]
    n = sorted(tested["n_subjects"].unique())
    counts = f"{n[0]} subjects" if len(n) == 1 else f"{n[0]} to {n[-1]} subjects"
    least = tested["least_p"].min()
    corrected = min(1, least * len(tested))
    text = f"{counts}: p cannot be less than {_p(least)}"
    if len(tested) > 1:
        text += f", or {_p(corrected)} after correction for {len(tested)} pairs"
    if corrected > ALPHA:
        text += f". So no difference, however large, can reach {ALPHA} here"
    return text + "."


def _p(value):
    if pd.isna(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _signed(value, scoring):
    _, factor, _, decimals = scoring_style(scoring)
    # A real minus sign, which is as wide as the plus.
    text = f"{factor * value:+.{decimals}f}".replace("-", "−")
    return "–" if pd.isna(value) else text


def interval_text(low, high, scoring, signed=False):
    """Both ends of an interval, or a dash."""
    if pd.isna(low):
        return "–"
    _, factor, _, decimals = scoring_style(scoring)
    sign = "+" if signed else ""
    ends = [f"{factor * end:{sign}.{decimals}f}" for end in (low, high)]
    return " to ".join(ends).replace("-", "−")


def _matrix_view(pairs, protocol, scoring, unit):
    differences, p = comparison_matrix(pairs), comparison_matrix(pairs, "p_holm")
    lines = []
    for name in differences.index:
        cells = [
            "–"
            if name == other
            else f"{_signed(differences.at[name, other], scoring)} "
            f"(p {_p(p.at[name, other])}){_star(p.at[name, other])}"
            for other in differences.columns
        ]
        lines.append({"head": name, "cells": cells})
    return {
        "caption": f"{protocol}: row minus column, {unit} (p, corrected)",
        "columns": ["Pipeline", *differences.columns],
        "rows": lines,
        "foot": None,
    }


def _star(p):
    return " *" if p <= ALPHA else ""


def _pairs_view(pairs, protocol, scoring, unit):
    lines = [
        {
            "head": f"{row.first} − {row.second}",
            "cells": [
                _signed(row.difference, scoring),
                interval_text(row.low, row.high, scoring, signed=True),
                "–" if pd.isna(row.effect_size) else f"{row.effect_size:.2f}",
                f"{row.n_better} of {row.n_subjects}",
                _p(row.p),
                f"{_p(row.p_holm)}{_star(row.p_holm)}",
            ],
        }
        for row in pairs.itertuples()
    ]
    return {
        "caption": f"{protocol}: every pair, {unit}",
        "columns": [
            "Pair",
            "Difference",
            "95 % interval",
            "Effect size",
            "First better in",
            "p",
            "p, corrected",
        ],
        "rows": lines,
        "foot": None,
    }

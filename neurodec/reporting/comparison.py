"""Pipelines compared subject by subject: figures, and what the report prints."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from ..evaluation.comparison import (
    compare_pipelines,
    paired_differences,
    paired_scores,
)
from .figures import CHANCE_COLOR, SUBJECT_COLOR, ink, own_axes, short
from .tables import protocol_rows, scoring_style, subject_table

ALPHA = 0.05


def plot_differences(results, protocol, reference=None, ax=None):
    """Each subject's difference from a reference pipeline, with mean and interval.

    Parameters
    ----------
    results : neurodec.evaluation.Results
        A benchmark.
    protocol : str
        Name of a protocol in it.
    reference : str, optional
        The pipeline with the highest mean without it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure that holds the axes. A bar is the 95 % interval of the mean.

    Raises
    ------
    ValueError
        If there is no such protocol or pipeline, fewer than two pipelines, or fewer
        than two subjects.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1, 2])
    >>> results = evaluate(trials, ["mdm", "ts-lr"], ["cross-session"])
    >>> figure = plot_differences(results, "cross-session", "mdm")
    >>> figure.axes[0].get_xlabel()
    'ROC-AUC minus that of mdm (percentage points)'
    """
    title, factor, unit, _ = _style(protocol_rows(results, protocol))
    names = subject_table(results, protocol).columns
    reference = names[0] if reference is None and len(names) else reference
    table = compare_pipelines(results, protocol, reference=reference)
    values = factor * paired_differences(results, protocol, reference=reference)
    _refuse_one_subject(values, protocol)
    ax = own_axes(ax, 5.2, 1.5 + 0.3 * len(table))
    height = np.linspace(-0.28, 0.28, len(values))
    ax.axvline(0, color=CHANCE_COLOR, lw=1, ls="--", zorder=1, label="no difference")
    for i, row in enumerate(table.itertuples()):
        ax.scatter(
            values.iloc[:, i],
            i + height,
            s=24,
            color=SUBJECT_COLOR,
            alpha=0.85,
            linewidths=0,
            label="subject" if i == 0 else None,
        )
        limits = [factor * row.low, factor * row.high]
        ax.plot(limits, [i, i], color=ink(), lw=1.5, zorder=2)
        ax.scatter(
            factor * row.difference,
            i,
            s=40,
            marker="D",
            color=ink(),
            zorder=3,
            label="mean, 95 % interval" if i == 0 else None,
        )
    ax.set_yticks(range(len(table)))
    ax.set_yticklabels([short(name) for name in table["first"]], parse_math=False)
    ax.set_ylim(len(table) - 0.5, -0.5)
    label = f"{title} minus that of {short(reference)}{unit}"
    ax.set_xlabel(label, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=3,
        fontsize="small",
        frameon=False,
        borderaxespad=0,
    )
    return ax.figure


def plot_paired(results, protocol, first=None, second=None, ax=None):
    """Scores of two pipelines against each other, a dot per subject.

    Parameters
    ----------
    results : neurodec.evaluation.Results
        A benchmark.
    protocol : str
        Name of a protocol in it.
    first, second : str, optional
        Pipelines; the two with the highest means without them.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure that holds the axes. Above the diagonal, the first scores higher.

    Raises
    ------
    ValueError
        If there is no such protocol or pipeline, fewer than two pipelines, or fewer
        than two subjects.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1, 2])
    >>> results = evaluate(trials, ["mdm", "ts-lr"], ["cross-session"])
    >>> plot_paired(results, "cross-session", "mdm", "ts-lr").axes[0].get_ylabel()
    'mdm'
    """
    title, factor, _, _ = _style(protocol_rows(results, protocol))
    values = factor * paired_scores(results, protocol, first, second)
    _refuse_one_subject(values, protocol)
    first, second = values.columns
    ax = own_axes(ax, 3.6, 3.4)
    low, high = values.min(axis=None), values.max(axis=None)
    margin = 0.08 * (high - low) or 1.0
    ends = [low - margin, high + margin]
    ax.plot(ends, ends, color=CHANCE_COLOR, lw=1, ls="--", zorder=1)
    ax.scatter(
        values[second],
        values[first],
        s=28,
        color=SUBJECT_COLOR,
        alpha=0.85,
        linewidths=0,
    )
    ax.set(xlim=ends, ylim=ends, aspect="equal")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.set_xlabel(short(second), parse_math=False)
    ax.set_ylabel(short(first), parse_math=False)
    shares = ", %" if factor == 100 else ""
    ax.set_title(f"{title}{shares}", fontsize="small", parse_math=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax.figure


def _style(rows):
    """Title, factor, unit of a difference, decimals."""
    title, factor, unit, decimals = scoring_style(rows["scoring"].iloc[0])
    return title, factor, " (percentage points)" if unit else "", decimals


def _refuse_one_subject(values, protocol):
    if len(values.dropna(how="all")) < 2:
        raise ValueError(
            f"{protocol} has scores of one subject: there is no comparison over "
            "subjects; evaluate more of them."
        )


def comparison_matrix(comparisons, value="difference"):
    """Comparisons as a square table, pipelines in rows and columns.

    Parameters
    ----------
    comparisons : pandas.DataFrame
        What :func:`neurodec.evaluation.compare_pipelines` gives for all pairs.
    value : str, default="difference"
        A column of it. Differences are row minus column.

    Returns
    -------
    matrix : pandas.DataFrame, shape (n_pipelines, n_pipelines)
        NaN on the diagonal, and where a pair was not compared.

    Raises
    ------
    ValueError
        If there is no such column.

    Examples
    --------
    >>> pairs = pd.DataFrame({"first": ["a"], "second": ["b"], "difference": [0.25]})
    >>> comparison_matrix(pairs).loc["b", "a"]
    np.float64(-0.25)
    """
    if value not in comparisons:
        raise ValueError(
            f"comparisons have no column {value!r}; choose one of {list(comparisons)}."
        )
    names = list(dict.fromkeys([*comparisons["first"], *comparisons["second"]]))
    matrix = pd.DataFrame(np.nan, index=names, columns=names)
    sign = -1 if value in ("difference", "effect_size") else 1
    for pair in comparisons.to_dict("records"):
        matrix.loc[pair["first"], pair["second"]] = pair[value]
        matrix.loc[pair["second"], pair["first"]] = sign * pair[value]
    return matrix

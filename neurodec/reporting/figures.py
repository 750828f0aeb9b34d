"""The figures of a benchmark, drawn from its tables."""

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from .tables import (
    confusion_table,
    row_shares,
    score_table,
    scoring_style,
    subject_table,
)

# Mid-tones: both reach a contrast of 3 on white and on near-black.
SUBJECT_COLOR = "#4585c8"
CHANCE_COLOR = "#c2702a"
MAX_ANNOTATED_CLASSES = 30


def own_axes(ax, width, height):
    """The given axes, or those of a new figure of that size in inches."""
    if ax is not None:
        return ax
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def ink():
    """Colour of the text."""
    return rcParams["text.color"]


def short(label, length=22):
    """One line of at most `length` characters, the middle left out: ends differ."""
    label = " ".join(str(label).split())
    half = (length - 1) // 2
    return label if len(label) <= length else f"{label[:half]}…{label[-half:]}"


def plot_scores(results, protocol, ax=None):
    """Dots per subject, mean per pipeline and the chance line under one protocol.

    Parameters
    ----------
    results : neurodec.evaluation.Results
        A benchmark.
    protocol : str
        Name of a protocol in it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure that holds the axes. A hollow mean does not exceed the adjusted
        chance level.

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
    >>> plot_scores(results, "cross-session").axes[0].get_xlabel()
    'ROC-AUC (%)'
    """
    subjects = subject_table(results, protocol)
    scores = score_table(results)
    return draw_scores(subjects, scores[scores["protocol"] == protocol], ax)


def draw_scores(subjects, scores, ax=None):
    """Draw a subject table and a score table as `plot_scores` does."""
    ax = own_axes(ax, 5.2, 1.5 + 0.3 * len(scores))
    title, factor, unit, decimals = scoring_style(scores["scoring"].iloc[0])
    # A subject keeps its height within every row, so that a dot can be followed.
    height = np.linspace(-0.28, 0.28, len(subjects)) if len(subjects) > 1 else [0]
    for i, row in enumerate(scores.itertuples()):
        _draw_pipeline(ax, i, row, subjects, height, f".{decimals}f", factor)
    chance = scores["chance"].dropna().unique()
    if len(chance) == 1:
        ax.axvline(
            chance[0], color=CHANCE_COLOR, lw=1, ls="--", zorder=1, label="chance"
        )
    ax.set_yticks(range(len(scores)))
    ax.set_yticklabels([short(name) for name in scores["pipeline"]], parse_math=False)
    ax.set_ylim(len(scores) - 0.5, -0.5)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x * factor:g}"))
    ax.set_xlabel(f"{title}{f' ({unit.strip()})' if unit else ''}", parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    handles, labels = ax.get_legend_handles_labels()
    handles = dict(zip(labels, handles, strict=True))
    ax.legend(
        handles.values(),
        handles.keys(),
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        fontsize="small",
        frameon=False,
        borderaxespad=0,
    )
    return ax.figure


def _draw_pipeline(ax, i, row, subjects, height, decimals, factor):
    if np.isnan(row.score):
        text = "failed" if row.n_failed else "no score"
    else:
        text = format(row.score * factor, decimals)
        ax.scatter(
            subjects[row.pipeline],
            i + np.asarray(height),
            s=24,
            color=SUBJECT_COLOR,
            alpha=0.85,
            linewidths=0,
            label="subject",
        )
        below = row.above_chance is not pd.NA and not row.above_chance
        ax.scatter(
            row.score,
            i,
            s=40,
            marker="D",
            facecolors="none" if below else ink(),
            edgecolors=ink(),
            linewidths=1.2,
            zorder=3,
            label="mean ≤ chance level" if below else "mean",
        )
    if not np.isnan(row.chance_level):
        level = [row.chance_level] * 2
        ax.plot(
            level,
            [i - 0.5, i + 0.5],
            color=CHANCE_COLOR,
            lw=1.2,
            zorder=2,
            label="chance level",
        )
    ax.text(1.01, i, text, transform=ax.get_yaxis_transform(), va="center")


def plot_confusion(results, pipeline, protocol, ax=None):
    """Confusion matrix in percent of each true class, with counts where they fit.

    Parameters
    ----------
    results : neurodec.evaluation.Results
        A benchmark.
    pipeline, protocol : str
        Their names in it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure that holds the axes.

    Raises
    ------
    ValueError
        If there is no such pipeline or protocol, or no fold has predicted labels.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1])
    >>> results = evaluate(trials, ["mdm"], ["cross-session"])
    >>> plot_confusion(results, "mdm", "cross-session").axes[0].get_xlabel()
    'predicted'
    """
    counts = confusion_table(results, pipeline, protocol)
    if counts.empty:
        raise ValueError(
            f"no predicted labels of pipeline {pipeline!r} under {protocol!r}; "
            "see the failed folds in results.rows"
        )
    return draw_confusion(counts, ax)


def draw_confusion(counts, ax=None):
    """Draw confusion counts as `plot_confusion` does."""
    n_classes = len(counts)
    side = min(max(0.42 * n_classes, 1.6), 4.2)
    ax = own_axes(ax, side + 1.1, side + 0.9)
    shares = row_shares(counts)
    # Never darker than this, so that one ink colour is legible on every cell.
    strong = (*(int(SUBJECT_COLOR[i : i + 2], 16) / 255 for i in (1, 3, 5)), 0.75)
    ax.pcolormesh(
        np.ma.masked_invalid(shares.to_numpy()),
        cmap=LinearSegmentedColormap.from_list("share", [(*strong[:3], 0), strong]),
        vmin=0,
        vmax=1,
        rasterized=n_classes > MAX_ANNOTATED_CLASSES,
    )
    if n_classes <= MAX_ANNOTATED_CLASSES:
        _annotate(ax, counts, shares)
        labels = [short(label, 14) for label in counts.index]
        slanted = n_classes > 2 and max(map(len, labels)) > 3
        turn = dict(rotation=45, ha="right", rotation_mode="anchor") if slanted else {}
        ticks = np.arange(n_classes) + 0.5
        ax.set_xticks(ticks)
        ax.set_yticks(ticks)
        ax.set_xticklabels(labels, fontsize="small", parse_math=False, **turn)
        ax.set_yticklabels(labels, fontsize="small", parse_math=False)
    ax.tick_params(length=0)
    ax.set(xlabel="predicted", ylabel="true", aspect="equal")
    ax.invert_yaxis()
    return ax.figure


def _annotate(ax, counts, shares):
    small = len(counts) > 6
    for (i, j), share in np.ndenumerate(shares.to_numpy()):
        percent = "–" if np.isnan(share) else f"{100 * share:.0f}"
        text = percent if small else f"{percent} %\n{counts.iat[i, j]}"
        size = "x-small" if small else "small"
        ax.text(j + 0.5, i + 0.5, text, ha="center", va="center", fontsize=size)

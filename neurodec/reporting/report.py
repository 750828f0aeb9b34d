"""One self-contained HTML page for a benchmark."""

import io
import re
import warnings
from collections.abc import Mapping
from html import escape
from importlib.resources import files

import jinja2
import matplotlib
import pandas as pd
from markupsafe import Markup

from .._files import write_whole
from . import figures, tables
from .tables import natural_key, scoring_style

# Recognised in the rendered figures and replaced by the colour of the page's text.
_INK = "#010203"
_STYLE = {
    "axes.edgecolor": _INK,
    "axes.facecolor": "none",
    "axes.labelcolor": _INK,
    "figure.facecolor": "none",
    "font.size": 11,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "neurodec",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}
_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def write_report(results, path):
    """Write a benchmark as one HTML page that needs nothing else.

    The page holds the score tables, figures (inline SVG), confusion matrices,
    failures, recipe, protocols and versions. It runs no script and asks for no other
    file. The file appears whole or not at all.

    Parameters
    ----------
    results : neurodec.evaluation.Results
        A benchmark.
    path : str or pathlib.Path
        Where to write; a missing parent folder is created.

    Returns
    -------
    path : pathlib.Path
        The file.

    Raises
    ------
    IsADirectoryError, NotADirectoryError
        If `path` is a folder, or its parent is a file.
    TypeError, ValueError
        If `results` is not the result of a benchmark.

    Examples
    --------
    >>> import tempfile
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1])
    >>> results = evaluate(trials, ["mdm"], ["cross-session"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(results, f"{folder}/report.html").name
    'report.html'
    """
    return write_whole(path, _render(results))


def _render(results):
    scores = tables.score_table(results)
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source = files(__package__).joinpath("report.html.j2").read_text("utf-8")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # the page does not depend on the user's style
        matplotlib.rcParams.update(_STYLE)
        protocols = [
            _protocol(results, name, scores[scores["protocol"] == name], f"p{i}")
            for i, name in enumerate(scores["protocol"].unique())
        ]
    facts = _facts(results)
    page = environment.from_string(source).render(
        **facts,
        descriptions={s["name"]: s["description"] for s in facts["settings"]},
        protocols=protocols,
        n_folds=int(scores["n_folds"].sum()),
        n_failed=int(scores["n_failed"].sum()),
        failures=_failures(results),
    )
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", page)


# What the benchmark says of itself


def _facts(results):
    description = results.description
    rows = tables.checked_rows(results)
    dataset = description.get("dataset") or {}
    dataset = dataset or {"name": ", ".join(map(str, rows["dataset"].unique()))}
    return {
        "title": _text(dataset.get("title") or dataset.get("name")),
        "line": _dataset_line(dataset, rows),
        "dataset": _pairs(dataset),
        "recipe": _pairs(description.get("recipe") or {}),
        "settings": _settings(description, rows),
        "versions": _pairs(description.get("versions") or {}),
        "command": description.get("command"),
        "started": description.get("started"),
    }


def _dataset_line(dataset, rows):
    shown = ("name", "modality", "paradigm") if dataset.get("title") else ()
    line = [_text(dataset[name]) for name in shown if dataset.get(name)]
    counts = {
        "subject": rows["subject"].dropna().nunique(),
        "session": rows["session"].dropna().nunique(),
        "trial": dataset.get("trials"),
        "channel": rows["channels"].dropna().max(),
        "class": rows["n_classes"].dropna().max(),
    }
    for noun, count in counts.items():
        if not pd.isna(count) and count:
            plural = "" if count == 1 else "es" if noun == "class" else "s"
            line.append(f"{_text(count)} {noun}{plural}")
    if dataset.get("sfreq"):
        line.append(f"{_text(dataset['sfreq'])} Hz")
    return line


def _settings(description, rows):
    """Each protocol with its settings; one that is not described has few."""
    described = {p["name"]: p for p in description.get("protocols") or []}
    settings = []
    for name in dict.fromkeys([*described, *rows["protocol"]]):
        facts = dict(described.get(name, {}))
        facts.pop("name", None)
        text = facts.pop("description", None)
        here = rows[rows["protocol"] == name]
        folds = len(here[["subject", "session", "fold"]].drop_duplicates())
        facts = {key.replace("_", " "): v for key, v in facts.items() if v is not None}
        if len(here):
            facts.setdefault("target", here["target"].iloc[0])
        facts["folds here"] = folds
        facts.setdefault("seed", description.get("seed"))
        facts.setdefault("scoring", list(here["scoring"].unique()))
        settings.append({"name": name, "description": text, "pairs": _pairs(facts)})
    return settings


def _pairs(mapping, prefix=""):
    """Nested settings as a flat list of (name, text)."""
    pairs = []
    for name, value in mapping.items():
        name = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            pairs += _pairs(value, f"{name}.")
        else:
            pairs.append((name, _text(value)))
    return pairs


def _text(value):
    """Value as text: lists with commas, a dash for nothing."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value) or "–"
    if value is None or value is pd.NA or value != value or value in ("", {}):
        return "–"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


# One protocol: its tables and figures


def _protocol(results, name, scores, slug):
    subjects = tables.subject_table(results, name)
    scoring, _, unit, _ = scoring_style(scores["scoring"].iloc[0])
    measure = f"{scoring}{',' if unit else ''}{unit}"
    plot = None
    if not subjects.empty:
        alt = f"Scores per subject and pipeline, {name}. The table beside it has the"
        figure = figures.draw_scores(subjects, scores)
        plot = _svg(figure, f"{alt} same numbers.", f"{slug}s")
    metrics = tables.metric_table(results, name)
    confusions = [
        _confusion(results, pipeline, name, f"{slug}c{i}")
        for i, pipeline in enumerate(scores["pipeline"])
    ]
    return {
        "name": name,
        "slug": slug,
        "scores": _score_view(scores, name, measure),
        "plot": plot,
        "measure": measure,
        "subjects": _subject_view(subjects, scores, name, measure),
        "metrics": _metric_view(metrics, name) if metrics.shape[1] > 1 else None,
        "confusions": confusions,
        "large": any(card["n"] > 6 for card in confusions),
    }


def _number(value, scoring):
    _, factor, _, decimals = scoring_style(scoring)
    return "–" if pd.isna(value) else f"{factor * value:.{decimals}f}"


def _target(row):
    text = _text(row.target)
    return f"{text} (transductive)" if row.transductive else text


def _score_view(scores, protocol, measure):
    lines = []
    for row in scores.itertuples():
        score = _number(row.score, row.scoring)
        if row.n_failed == row.n_folds:
            score = "failed"
        if not pd.isna(row.sd) and row.n_subjects > 1:
            score += f" ± {_number(row.sd, row.scoring)}"
        if pd.isna(row.above_chance):
            above = "–"
        else:
            above = "yes" if row.above_chance else "≤ chance"
        cells = [
            score,
            above,
            _number(row.chance_level, row.scoring),
            _number(row.chance, row.scoring),
            _number(row.majority, "accuracy"),
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
        "words": (1, 5),
    }


def _subject_view(subjects, scores, protocol, measure):
    scoring = scores["scoring"].iloc[0]
    means = scores.set_index("pipeline")["score"]
    foot = [_number(means[name], scoring) for name in subjects.columns]
    return {
        "caption": f"{protocol}, each subject: {measure}",
        "columns": ["Subject", *subjects.columns],
        "rows": [
            {"head": _text(subject), "cells": [_number(v, scoring) for v in values]}
            for subject, values in zip(subjects.index, subjects.to_numpy(), strict=True)
        ],
        "foot": {"head": "Mean", "cells": foot},
    }


def _metric_view(metrics, protocol):
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
                    _number(v, n) for v, n in zip(values, metrics.columns, strict=True)
                ],
            }
            for pipeline, values in zip(metrics.index, metrics.to_numpy(), strict=True)
        ],
        "foot": None,
    }


def _confusion(results, pipeline, protocol, slug):
    counts = tables.confusion_table(results, pipeline, protocol)
    card = {"pipeline": pipeline, "plot": None, "table": None, "n": len(counts)}
    if counts.empty:
        return card
    shares = tables.row_shares(counts)
    hits = [f"{name} {_number(shares.at[name, name], 'accuracy')} %" for name in counts]
    alt = f"Confusion matrix of {pipeline}, {protocol}. Trials of each class found: "
    figure = figures.draw_confusion(counts)
    card["plot"] = _svg(figure, alt + ", ".join(hits[:12]) + ".", slug)
    if len(counts) > figures.MAX_ANNOTATED_CLASSES:
        return card
    lines = []
    for label, row in counts.iterrows():
        percents = [_number(share, "accuracy") for share in shares.loc[label]]
        cells = [f"{p} % ({n})" for p, n in zip(percents, row, strict=True)]
        lines.append({"head": label, "cells": cells})
    card["table"] = {
        "caption": f"{pipeline}, {protocol}: % of each true class (trials)",
        "columns": ["True \\ predicted", *counts.columns],
        "rows": lines,
        "foot": None,
    }
    return card


def _failures(results):
    """Failed folds, those of one pipeline with one message together."""
    rows = tables.checked_rows(results)
    rows = rows[rows["status"] != "ok"]
    rows = rows.assign(error=[_text(error) for error in rows["error"]])
    for name in ("fold", "session", "subject"):
        rows = rows.sort_values(name, kind="stable", key=_natural_keys)
    groups = []
    keys = ["protocol", "pipeline", "error"]
    for (protocol, pipeline, error), group in rows.groupby(keys, sort=False):
        where = []
        for (subject, session), part in group.groupby(
            ["subject", "session"], dropna=False, sort=False
        ):
            place = f"subject {_text(subject)}"
            if not pd.isna(session):
                place += f", session {_text(session)}"
            noun = "fold" if len(part) == 1 else "folds"
            where.append(f"{place}: {noun} {_text(list(part['fold']))}")
        groups.append(
            {
                "protocol": protocol,
                "pipeline": pipeline,
                "error": error,
                "n": len(group),
                "where": where,
            }
        )
    return groups


def _natural_keys(values):
    order = {v: i for i, v in enumerate(sorted(map(str, values), key=natural_key))}
    return values.astype(str).map(order)


def _svg(figure, alt, slug):
    """Figure as markup to put into the page, with ids of its own."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # The text stays text: the reader's fonts count, not those here.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(buffer, format="svg", metadata=_METADATA, bbox_inches="tight")
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    width = float(re.search(r'width="([\d.]+)pt"', text)[1])
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)  # page-wide there
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{slug}-", text)
    text = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", text)
    text = re.sub(r" ?font-family:[^;\"]*;?", "", text).replace(_INK, "currentColor")
    opening = f'<svg role="img" aria-label="{escape(alt)}"'
    opening += f' style="max-width: {width * 1.5:.0f}px"'
    return Markup(text.replace("<svg", opening, 1))

"""What a benchmark says of itself: its data, settings and failures, as text."""

from collections.abc import Mapping

import pandas as pd

from .._names import natural_key
from . import tables


def facts_of(results):
    """Title, dataset, recipe, protocols, versions and command."""
    description = results.description
    rows = tables.checked_rows(results)
    dataset = description.get("dataset") or {}
    dataset = dataset or {"name": ", ".join(map(str, rows["dataset"].unique()))}
    return {
        "title": text_of(dataset.get("title") or dataset.get("name")),
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
    line = [text_of(dataset[name]) for name in shown if dataset.get(name)]
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
            line.append(f"{text_of(count)} {noun}{plural}")
    if dataset.get("sfreq"):
        line.append(f"{text_of(dataset['sfreq'])} Hz")
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
            pairs.append((name, text_of(value)))
    return pairs


def text_of(value):
    """Value as text: lists with commas, a dash for nothing."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return ", ".join(text_of(item) for item in value) or "–"
    if value is None or value is pd.NA or value != value or value in ("", {}):
        return "–"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def failures_of(results):
    """Failed folds, those of one pipeline with one message together."""
    rows = tables.checked_rows(results)
    rows = rows[rows["status"] != "ok"]
    rows = rows.assign(error=[text_of(error) for error in rows["error"]])
    for name in ("fold", "session", "subject"):
        rows = rows.sort_values(name, kind="stable", key=_natural_keys)
    groups = []
    keys = ["protocol", "pipeline", "error"]
    for (protocol, pipeline, error), group in rows.groupby(keys, sort=False):
        where = []
        for (subject, session), part in group.groupby(
            ["subject", "session"], dropna=False, sort=False
        ):
            place = f"subject {text_of(subject)}"
            if not pd.isna(session):
                place += f", session {text_of(session)}"
            noun = "fold" if len(part) == 1 else "folds"
            where.append(f"{place}: {noun} {text_of(list(part['fold']))}")
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

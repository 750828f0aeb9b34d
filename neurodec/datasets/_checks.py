"""What trials must satisfy; each check says what is wrong and what to do."""

import numpy as np
import pandas as pd

ORIGIN = ("subject", "session", "run")


def check_compatible(first, part, i):
    if part.ch_names != first.ch_names:
        same = sorted(part.ch_names) == sorted(first.ch_names)
        raise ValueError(
            f"part {i}{_origin(part)} has channels {part.ch_names}, part 0 has "
            f"{first.ch_names}"
            + ("; same names in another order" if same else "")
            + "; use .pick(...) to bring both to the same channels in the same order."
        )
    for what, value, remedy in (
        ("channel types", _channel_types, "keep one kind of signal"),
        ("sampling rate", lambda t: t.sfreq, "resample both to one rate (Recipe)"),
        ("samples per trial", lambda t: t.n_times, "use one Recipe for both"),
        ("tmin", lambda t: t.tmin, "use one Recipe for both"),
        ("recipe", lambda t: t.recipe, "use one Recipe for both"),
        ("unit", lambda t: t.unit, "bring both to one unit"),
        ("labels of kind", _label_kind, "give strings or integers in both"),
    ):
        if value(part) != value(first):
            raise ValueError(
                f"part {i}{_origin(part)} has {what} {value(part)}, part 0 has "
                f"{value(first)}; {remedy}."
            )


def _channel_types(trials):
    return trials.info.get_channel_types(unique=True)


def _label_kind(trials):
    return "string" if trials.y.dtype.kind == "U" else "number"


def _origin(trials):
    """Where the trials come from, if that is one place."""
    places = trials.metadata[list(ORIGIN)].drop_duplicates()
    if len(places) > 1:
        return ""
    return " (" + ", ".join(f"{k} {v}" for k, v in places.iloc[0].items()) + ")"


def check_data(data):
    data = data if isinstance(data, np.ndarray) else np.asarray(data)
    if data.ndim != 3:
        raise ValueError(
            f"data has shape {data.shape}; trials are (n_trials, n_channels, n_times)."
        )
    if 0 in data.shape:
        raise ValueError(
            f"data has shape {data.shape}: no trial, channel or sample is left; check "
            "the events, the window and the rejection threshold."
        )
    if data.dtype.kind not in "fiu":
        raise ValueError(f"data has dtype {data.dtype}; use real numbers.")
    for i, trial in enumerate(data if data.dtype.kind == "f" else ()):
        if not np.isfinite(trial).all():
            bad = np.flatnonzero(~np.isfinite(trial).all(axis=1))
            raise ValueError(
                f"trial {i} has a sample that is not finite (NaN or infinite) in "
                f"channel {int(bad[0])}; drop the trial or interpolate the channel."
            )
    return frozen(data)


def check_labels(y, n_trials):
    # Through a list: pandas gives its strings as objects.
    labels = list(y) if np.ndim(y) == 1 else y
    kinds = {isinstance(label, str) for label in labels}
    if len(kinds) > 1:
        text, number = (
            next(v for v in labels if isinstance(v, str) == kind)
            for kind in (True, False)
        )
        raise ValueError(
            f"y mixes text and numbers ({text!r} and {number!r}); use one kind of "
            "label."
        )
    y = np.array(np.asarray(y).tolist())
    if y.shape != (n_trials,):
        raise ValueError(
            f"y has shape {y.shape} but there are {n_trials} trials; give one label "
            "per trial."
        )
    if y.dtype.kind not in "biuU":
        raise ValueError(
            f"y has dtype {y.dtype}, such as {y[0]!r}; labels are strings or integers."
        )
    return frozen(y)


def check_metadata(metadata, n_trials):
    metadata = pd.DataFrame(metadata).reset_index(drop=True)
    missing = [c for c in ORIGIN if c not in metadata]
    if missing:
        raise ValueError(
            f"metadata lacks the column {missing[0]!r}; it needs "
            f"{', '.join(ORIGIN)} (constant columns are fine)."
        )
    if len(metadata) != n_trials:
        raise ValueError(
            f"metadata has {len(metadata)} rows but there are {n_trials} trials; give "
            "one row each."
        )
    for column in ORIGIN:
        if metadata[column].isna().any():
            row = int(np.flatnonzero(metadata[column].isna())[0])
            raise ValueError(
                f"metadata column {column!r} is empty in row {row}; every trial needs "
                "its subject, session and run."
            )
    return metadata


def frozen(array):
    view = array.view()
    view.flags.writeable = False
    return view

"""Trials of a BIDS folder, through MNE-BIDS."""

import warnings
from pathlib import Path

import mne
import mne_bids
import numpy as np
import pandas as pd

from .._names import nearest
from ..preprocessing.recipe import as_recipe
from .channels import pick_channels
from .memory_map import convert
from .readers import trials_from_raw
from .trials import concatenate_trials

DATATYPES = ("eeg", "meg", "ieeg")
_KNOWN = {"subject", "session", "run", "task", "acquisition", "onset", "duration"}
_EXTENSIONS = sorted(
    {
        extension
        for datatype in DATATYPES
        for extension in mne_bids.config.ALLOWED_DATATYPE_EXTENSIONS[datatype]
    }
)


def trials_from_bids(
    root,
    event_id,
    recipe,
    *,
    subjects=None,
    sessions=None,
    task=None,
    runs=None,
    datatype=None,
    picks=None,
    name=None,
    memory_map=None,
    progress=None,
):
    """Trials of the recordings in a BIDS folder.

    The entities become the metadata columns ``subject``, ``session``, ``run`` ("0"
    where a name has none) and ``task``. Events are those of ``events.tsv``, by
    ``trial_type``; its further columns become metadata too. Channels that
    ``channels.tsv`` marks bad are left out, or interpolated if the recipe says so.

    Parameters
    ----------
    root : str or pathlib.Path
        The folder that holds ``sub-...``.
    event_id : dict
        From label to ``trial_type`` (str), or to a code of the stimulus channel (int).
        A recording may lack some of them.
    recipe : Recipe or dict
    subjects, sessions, runs : list of str or None
        Entities without their prefix, such as ["01", "02"]; None takes all.
    task : str or None
        Needed where there are several.
    datatype : {"eeg", "meg", "ieeg"} or None
        Needed where there are several.
    picks : str, list of str or None
        A channel type, or channel names. "common" takes the channels that are good in
        every recording, which must be of one type.
    name : str or None
        The folder's name by default.
    memory_map : str, pathlib.Path or None
        A folder: the trials are converted into it once, subject after subject, and
        come as a memory map (:func:`memory_mapped`).
    progress : callable or None
        Called with (done, total, subject) before each subject.

    Returns
    -------
    trials : Trials
        In SI units, sorted by subject, session and run.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it does not follow BIDS, a subject, session, run or task is unknown, a task
        or datatype must be chosen, an event occurs nowhere, or recordings differ in
        channels.

    Examples
    --------
    .. code-block:: python

        trials = trials_from_bids(
            "ds000117",
            {"famous": "Famous", "scrambled": "Scrambled"},
            Recipe(band=(1, 40), tmin=-0.1, tmax=0.8),
            task="facerecognition",
            datatype="meg",
            picks="mag",
        )
    """
    root, recipe = Path(root), as_recipe(recipe)
    if not isinstance(event_id, dict) or not event_id:
        raise ValueError(
            f"event_id is {event_id!r}; give a mapping from label to trial_type."
        )
    paths = _choose(_find(root), datatype, subjects, sessions, task, runs)
    if picks == "common":
        picks = _common_channels(paths)
    name = root.resolve().name if name is None else name
    _refuse_missing_events(paths, event_id)

    def read(subject, recipe):
        for path in paths:
            if path.subject == subject:
                yield from _trials_of(path, event_id, recipe, picks, name)

    order = list(dict.fromkeys(path.subject for path in paths))
    try:
        if memory_map is None:
            return concatenate_trials(_in_turn(read, order, recipe, progress), name)
        identity = {
            "root": str(root.resolve()),
            "recordings": [paths[0].datatype, paths[0].task, sessions, runs],
            "event_id": event_id,
            "recipe": recipe.to_dict(),
            "picks": picks,
        }
        stamps = {s: [_stamp(p) for p in paths if p.subject == s] for s in order}
        return convert(read, identity, memory_map, order, recipe, progress, stamps)
    except ValueError as error:
        if "has channels" not in str(error):
            raise
        raise ValueError(
            f"recordings differ in their good channels: {error} Or give "
            "picks='common', or interpolate=True in the recipe."
        ) from error


def _in_turn(read, subjects, recipe, progress):
    for done, subject in enumerate(subjects):
        if progress is not None:
            progress(done, len(subjects), subject)
        yield from read(subject, recipe)


def _find(root):
    """Recordings of a BIDS folder, sorted by their entities."""
    if not root.is_dir():
        raise FileNotFoundError(f"{str(root)!r} is no folder; check the path.")
    if not any(root.glob("sub-*")):
        raise ValueError(
            f"{str(root)!r} holds no folder sub-..., so it is no BIDS folder; give the "
            "one that does, or read single files with trials_from_file."
        )
    found = mne_bids.find_matching_paths(
        root,
        suffixes=list(DATATYPES),
        datatypes=list(DATATYPES),
        extensions=[*_EXTENSIONS, ".EDF"],
        ignore_nosub=True,
    )
    # A long FIF goes on in further files, which MNE opens with the first.
    paths = [p for p in found if p.split in (None, "01", "1")]
    paths = [p for p in paths if p.subject != "emptyroom"]
    if not paths:
        raise ValueError(
            f"{str(root)!r} holds no EEG or MEG recording under a name of BIDS, such "
            "as sub-01/eeg/sub-01_task-rest_eeg.vhdr; check it with the BIDS validator."
        )
    return sorted(paths, key=lambda path: [str(v) for v in _sort_key(path)])


def _sort_key(path):
    keys = [path.subject, path.session or "", path.task or "", path.run or ""]
    return [*(key.zfill(9) for key in keys), path.acquisition or "", path.basename]


def _choose(paths, datatype, subjects, sessions, task, runs):
    paths = _only(paths, "datatype", None if datatype is None else [datatype])
    _refuse_several(paths, "datatype")
    paths = _only(paths, "subject", subjects)
    paths = _only(paths, "task", None if task is None else [task])
    _refuse_several(paths, "task")
    paths = _only(paths, "session", sessions)
    return _only(paths, "run", runs)


def _only(paths, entity, wanted):
    """The recordings whose entity is one of these."""
    if wanted is None:
        return paths
    if isinstance(wanted, str) or not np.iterable(wanted) or not len(wanted):
        raise ValueError(f"{entity}s is {wanted!r}; give a list such as ['01', '02'].")
    known = sorted({str(getattr(p, entity)) for p in paths})
    for value in wanted:
        if str(value) not in known:
            raise ValueError(
                f"no {entity} {value!r} in {paths[0].root}; {nearest(value, known)}"
            )
    wanted = [str(value) for value in wanted]
    return [path for path in paths if getattr(path, entity) in wanted]


def _refuse_several(paths, entity):
    known = sorted({str(getattr(path, entity)) for path in paths})
    if len(known) > 1:
        raise ValueError(
            f"recordings are of several {entity}s, {', '.join(known)}; choose one, "
            f"such as {entity}={known[0]!r}."
        )


def _read(path):
    with warnings.catch_warnings(), mne.utils.use_log_level("ERROR"):
        # What MNE-BIDS remarks on for each file: positions, lines, missing sidecars.
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            return mne_bids.read_raw_bids(path, verbose="ERROR")
        except Exception as error:  # Each format has its own ways to be damaged.
            raise ValueError(
                f"{path.fpath} cannot be read ({type(error).__name__}: {error}); is it "
                "damaged, or a file beside it missing? Leave it out by subjects, "
                "sessions or runs."
            ) from error


def _trials_of(path, event_id, recipe, picks, name):
    """Trials of a recording, if it has any that are wanted."""
    raw = _read(path)
    here, events, table = _events(raw, event_id)
    if not here:
        return
    table["task"] = path.task or ""
    if path.acquisition:
        table["acquisition"] = path.acquisition
    try:
        yield trials_from_raw(
            raw,
            here,
            recipe,
            events=events,
            metadata=table,
            subject=path.subject,
            session=path.session or "0",
            run=path.run or "0",
            picks=picks,
            name=name,
        )
    except ValueError as error:
        raise ValueError(f"{path.basename}: {error}") from error


def _events(raw, event_id):
    """Events of a recording, as codes, and the further columns of events.tsv."""
    if not all(isinstance(wanted, str) for wanted in event_id.values()):
        events = mne.find_events(raw, shortest_event=1, consecutive=True, verbose=False)
        here = {k: v for k, v in event_id.items() if v in events[:, 2]}
        return here, events, pd.DataFrame(index=range(len(events)))
    codes = {label: code for code, label in enumerate(event_id, start=1)}
    labels = {kind: _label(kind, event_id) for kind in raw.annotations.description}
    code_of = {str(kind): codes[label] for kind, label in labels.items() if label}
    rows = [i for i, kind in enumerate(raw.annotations.description) if kind in code_of]
    if not rows:
        return {}, None, None
    events, _ = mne.events_from_annotations(raw, code_of, regexp=None, verbose=False)
    here = {label: code for label, code in codes.items() if code in code_of.values()}
    return here, events, _extra_columns(raw, rows)


def _label(kind, event_id):
    """The label of a trial type, or None.

    MNE-BIDS says "go/7" where one trial type stands with several values.
    """
    for exact in (True, False):
        for label, wanted in event_id.items():
            if kind == wanted or (not exact and kind.startswith(f"{wanted}/")):
                return label
    return None


def _extra_columns(raw, rows):
    extras = [dict(raw.annotations.extras[i] or {}) for i in rows]
    # Sorted, because MNE-BIDS takes them from a set.
    columns = sorted(set().union(*extras) - _KNOWN)
    return pd.DataFrame(
        {name: _column([row.get(name) for row in extras]) for name in columns},
        index=range(len(rows)),
    )


def _column(values):
    """Numbers where all values are, with NaN for BIDS's n/a; else text."""
    values = [None if value == "n/a" else value for value in values]
    try:
        return [np.nan if value is None else float(value) for value in values]
    except ValueError:
        return [None if value is None else str(value) for value in values]


def _refuse_missing_events(paths, event_id):
    """Read annotations only, and name a trial type that occurs nowhere."""
    if not all(isinstance(wanted, str) for wanted in event_id.values()):
        return
    missing, found = dict(event_id), set()
    for path in paths:
        there = set(map(str, _read(path).annotations.description))
        found |= there
        for label in {_label(kind, event_id) for kind in there}:
            missing.pop(label, None)
        if not missing:
            return
    raise ValueError(
        f"trial_type {next(iter(missing.values()))!r} occurs in no recording; there "
        f"are {sorted(found)}."
    )


def _common_channels(paths):
    """Channels that are of the brain and good in every recording."""
    common = None
    for path in paths:
        info = _read(path).info
        good = [info["ch_names"][i] for i in pick_channels(info)]
        common = good if common is None else [n for n in common if n in good]
    if not common:
        raise ValueError(
            "no channel is good in every recording; leave some out, or name channels."
        )
    return common


def _stamp(path):
    """What changes when a recording does."""
    status = path.fpath.stat()
    return [path.basename, status.st_size, status.st_mtime_ns]

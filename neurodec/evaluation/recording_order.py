"""In which order trials were recorded, as their metadata say."""

import numpy as np


def refuse_disorder(metadata, name):
    """Refuse trials that do not stand in the order of recording.

    Parameters
    ----------
    metadata : DataFrame
        With subject, session and run, and with ``order`` (numbers that grow within a
        session), ``onset`` (seconds that grow within a run), or both.
    name : str
        Of the protocol that asks.

    Raises
    ------
    ValueError
        If there is neither column, a value is missing, or trials were re-ordered: the
        message names the first.
    """
    columns = [c for c in ("order", "onset") if c in metadata]
    if not columns:
        raise ValueError(
            f"{name} needs the order of recording, and the metadata have neither "
            "'onset' (seconds in the run) nor 'order'; add one of these columns if you "
            "know it, or choose a protocol that needs no order."
        )
    for (subject, session), part in metadata.groupby(
        ["subject", "session"], sort=False
    ):
        where = f"session {session!r} of subject {subject!r}"
        for column in columns:
            _refuse_gaps(part[column], where)
        if "order" in columns:
            _refuse_decrease(part, "order", where, name)
        if "onset" in columns:
            _refuse_mixed_runs(part["run"], where, name)
            for _, run in part.groupby("run", sort=False):
                _refuse_decrease(run, "onset", where, name)


def _refuse_gaps(values, where):
    numbers = values.to_numpy()
    if numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
        raise ValueError(
            f"metadata column {values.name!r} of {where} holds what is no number; give "
            "the time or the place of every trial."
        )


def _refuse_decrease(part, column, where, name):
    values = part[column].to_numpy()
    wrong = np.flatnonzero(np.diff(values) <= 0)
    if len(wrong):
        row = int(part.index[wrong[0] + 1])
        raise ValueError(
            f"trial {row} ({column} {values[wrong[0] + 1]:g}) stands after one of "
            f"{column} {values[wrong[0]]:g} in {where}: the trials were re-ordered, "
            f"which {name} cannot use; sort them by subject, session, run and {column}."
        )


def _refuse_mixed_runs(runs, where, name):
    """Runs follow one another; numbered ones by their number."""
    names = runs.to_numpy()
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
    in_turn = names[starts].tolist()
    try:
        numbers = [float(run) for run in in_turn]
    except ValueError:
        numbers = list(range(len(in_turn)))
    if len(set(in_turn)) < len(in_turn) or numbers != sorted(numbers):
        raise ValueError(
            f"the runs of {where} stand in the order {in_turn}: the trials were "
            f"re-ordered, which {name} cannot use; sort them by session, run and onset."
        )

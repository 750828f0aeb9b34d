"""Folds within a session that train on the past only."""

import numpy as np

from ..preprocessing._reach import filter_reach
from ..preprocessing.recipe import as_recipe
from .recording_order import refuse_disorder


def least_gap(trials):
    """Seconds from a training trial to a test trial that keep their signals apart.

    Parameters
    ----------
    trials : Trials

    Returns
    -------
    gap : float
        From onset to onset: one epoch (with its baseline) and the impulse response of
        the recipe's filters.

    Raises
    ------
    ValueError
        If the recipe filters with zero phase: training trials then hold samples from
        after them.
    """
    start, end = trials.tmin, trials.tmin + trials.n_times / trials.sfreq
    if trials.recipe is None:
        return float(end - start)
    recipe = as_recipe(trials.recipe)
    if recipe.baseline is not None:
        start = min(start, recipe.baseline[0])
    ahead, back = filter_reach(recipe, trials.sfreq)
    if ahead > 0:
        raise ValueError(
            f"the recipe filters with phase={recipe.phase!r}, which reaches "
            f"{ahead:.2g} s ahead: training trials would hold what comes after them; "
            "give recipe={'phase': 'causal'}."
        )
    return float(end - start + back)


def split_in_time(y, metadata, n_folds, gap):
    """Training and test positions: each block is tested by what came before it.

    A session is cut into ``n_folds + 1`` blocks with equal numbers of trials; the
    first is only trained on.

    Parameters
    ----------
    y : array, shape (n_trials,)
    metadata : DataFrame
        With a RangeIndex and ``onset``.
    n_folds : int
    gap : float
        Least time in seconds between the onsets of a training and a test trial of one
        run. Runs were recorded apart.

    Yields
    ------
    train, test : array of int

    Raises
    ------
    ValueError
        If onsets are missing, or a fold is left without a class to train on.
    """
    if "onset" not in metadata:
        raise ValueError(
            "chronological needs the metadata column 'onset' (seconds in the run) to "
            "keep training and test apart in time; read the set from its recordings "
            "(trials_from_raw), or use cross-session."
        )
    refuse_disorder(metadata, "chronological")
    onset, run = metadata["onset"].to_numpy(), metadata["run"].to_numpy()
    y = np.asarray(y)
    for (subject, session), part in metadata.groupby(
        ["subject", "session"], sort=False
    ):
        if len(part) < n_folds + 1:
            raise ValueError(
                f"session {session!r} of subject {subject!r} has {len(part)} trials, "
                f"too few for {n_folds + 1} blocks; set n_folds lower."
            )
        blocks = np.array_split(part.index.to_numpy(), n_folds + 1)
        for number, test in enumerate(blocks[1:], start=1):
            train = np.concatenate(blocks[:number])
            first = test[0]
            far = (run[train] != run[first]) | (onset[train] <= onset[first] - gap)
            train = train[far]
            missing = np.setdiff1d(y[part.index], y[train])
            if len(missing):
                raise ValueError(
                    f"block {number} of session {session!r} of subject {subject!r} has "
                    f"no trial of {missing[0].item()!r} at least {gap:.3g} s before "
                    "it; set n_folds lower, or use within-session or cross-session."
                )
            yield train, test

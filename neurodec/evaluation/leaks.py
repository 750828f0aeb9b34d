"""The shuffled-label test: chance is all there is when labels mean nothing."""

import numpy as np
import pandas as pd
from scipy import stats

from ..datasets.trials import Trials
from .evaluator import evaluate
from .protocols import Protocol, get_protocol


def shuffle_labels(trials, seed):
    """The same trials with labels permuted inside each subject and session.

    Parameters
    ----------
    trials : Trials
    seed : int or list of int

    Returns
    -------
    shuffled : Trials
    """
    rng = np.random.default_rng(seed)
    y = trials.y.copy()
    for rows in trials.metadata.groupby(["subject", "session"]).indices.values():
        y[rows] = rng.permutation(y[rows])
    return Trials(
        trials.X,
        y,
        trials.metadata,
        trials.info,
        unit=trials.unit,
        tmin=trials.tmin,
        name=trials.name,
        recipe=trials.recipe,
    )


def shuffled_label_test(
    trials, pipelines, protocols, *, n_shuffles=10, level=0.001, seed=0, n_jobs=1
):
    """Whether pipelines stay at chance when the labels mean nothing.

    The labels are shuffled inside each session, and every pipeline is evaluated, many
    times over. An honest pipeline scores chance on average; one whose training saw
    test labels, by whatever way, scores more. The unit of the test is one subject
    under one shuffle: scores of folds that share training trials vary more than a
    binomial count (Noirhomme et al. 2014), but labels of different subjects and
    shuffles are drawn apart. Across subjects, where one subject's labels train the
    decoder of another, the unit is the mean of a whole shuffle.

    Parameters
    ----------
    trials : Trials
    pipelines : dict or list
        As in :func:`neurodec.evaluation.evaluate`.
    protocols : list of str or Protocol
    n_shuffles : int, default=10
    level : float, default=0.001
        Chance of calling an honest pipeline leaky, for all rows together
        (Bonferroni).
    seed : int, default=0
    n_jobs : int, default=1

    Returns
    -------
    table : DataFrame
        protocol, pipeline, score (mean), sd (over the units), chance, p
        (one-sided t test against chance) and ``leaks``.

    Raises
    ------
    ValueError
        If the scorer's chance is unknown, or there are fewer than three shuffles.
    RuntimeError
        If a fold failed: an error is no evidence of honesty.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> table = shuffled_label_test(
    ...     load("simulated", subjects=[1]), ["mdm"], ["cross-session"], n_shuffles=3
    ... )
    >>> table["leaks"].tolist()
    [False]
    """
    if n_shuffles < 3:
        raise ValueError(f"n_shuffles is {n_shuffles}; a spread needs at least 3.")
    rows = []
    for shuffle in range(n_shuffles):
        shuffled = shuffle_labels(trials, [seed, shuffle])
        results = evaluate(shuffled, pipelines, protocols, seed=seed, n_jobs=n_jobs)
        failed = results.rows[results.rows["status"] != "ok"]
        if len(failed):
            raise RuntimeError(
                f"{failed['pipeline'].iloc[0]} failed, so nothing was tested: "
                f"{failed['error'].iloc[0]}"
            )
        rows.append(results.rows.assign(shuffle=shuffle))
    case = ["protocol", "pipeline"]
    units = pd.concat(rows).groupby([*case, "shuffle", "subject"], sort=False)
    units = units[["score", "chance"]].mean().reset_index()
    protocols = [protocols] if isinstance(protocols, str | Protocol) else protocols
    shared = {p.name for p in map(get_protocol, protocols) if p.split_unit == "subject"}
    together = units["subject"].where(~units["protocol"].isin(shared), "all")
    units = units.assign(subject=together).groupby(
        [*case, "shuffle", "subject"], sort=False
    )
    units = units[["score", "chance"]].mean().reset_index()
    if units["chance"].isna().any():
        raise ValueError("the scorer's chance is unknown; use roc_auc or accuracy.")
    groups = units.groupby(case, sort=False)
    table = groups.agg(
        score=("score", "mean"), sd=("score", "std"), chance=("chance", "mean")
    ).reset_index()
    n_units = groups.size().to_numpy()
    above = table["score"] - table["chance"]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = above / (table["sd"] / np.sqrt(n_units))
    # No spread at all: always the same answer, at chance or beyond it.
    p = np.where(table["sd"] > 0, stats.t.sf(t, n_units - 1), above <= 0)
    return table.assign(p=p, leaks=p < level / len(table))

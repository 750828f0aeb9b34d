"""Do probabilities mean what they say? Pure functions on arrays."""

import typing

import numpy as np
import pandas as pd

from .statistics import check_whole


class Calibration(typing.NamedTuple):
    """How far probabilities are from the shares of right answers.

    Attributes
    ----------
    curve : DataFrame
        A row per bin that holds trials: low, high (its edges), n_trials, confidence
        (mean probability of the answer) and accuracy (share of right answers).
    expected_error : float
        Mean distance of confidence and accuracy over bins, weighted by their trials.
    brier : float
        Mean squared distance of the probabilities from 0 and 1: 0 to 1 for two classes,
        0 to 2 for more.
    """

    curve: pd.DataFrame
    expected_error: float
    brier: float


def calibration(y, probabilities, classes, *, n_bins=10, bins="equal-width"):
    """Reliability curve, expected calibration error and Brier score.

    Parameters
    ----------
    y : array-like, shape (n_trials,)
        True labels of held-out trials. One that is not among `classes` is never right.
    probabilities : array-like, shape (n_trials, n_classes)
        In the order of `classes`.
    classes : array-like, shape (n_classes,)
    n_bins : int, default=10
        Of the answer's probability.
    bins : {"equal-width", "equal-count"}, default="equal-width"
        Bins from 1 / n_classes, the least that an answer can have, to 1; or bins that
        hold the same number of trials.

    Returns
    -------
    calibration : Calibration
        With few trials in a bin even perfect probabilities have an error above zero:
        compare pipelines on the same trials.

    Raises
    ------
    ValueError
        If shapes disagree, or rows are no probabilities.

    References
    ----------
    Guo, C. et al. (2017). On calibration of modern neural networks. ICML.

    Brier, G. W. (1950). Verification of forecasts expressed in terms of probability.
    Monthly Weather Review 78, 1-3. For two classes half of it, as in scikit-learn.

    Examples
    --------
    >>> p = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]]
    >>> found = calibration(["a", "a", "b", "b"], p, ["a", "b"], n_bins=1)
    >>> found.expected_error, round(found.brier, 3)
    (0.0, 0.125)
    """
    y, p, classes = _checked(y, probabilities, classes)
    n_bins = check_whole("n_bins", n_bins)
    answer = p.argmax(axis=1)
    confidence, right = p[np.arange(len(p)), answer], classes[answer] == y
    if bins == "equal-width":
        edges = np.linspace(1 / len(classes), 1, n_bins + 1)
    elif bins == "equal-count":
        edges = np.unique(np.quantile(confidence, np.linspace(0, 1, n_bins + 1)))
        edges = np.repeat(edges, 2) if len(edges) == 1 else edges
    else:
        raise ValueError(f"bins is {bins!r}; choose one of equal-width, equal-count.")
    found = np.searchsorted(edges[1:-1], confidence, side="left")
    curve = pd.DataFrame({"bin": found, "confidence": confidence, "accuracy": right})
    curve = curve.groupby("bin").agg(
        n_trials=("accuracy", "size"),
        confidence=("confidence", "mean"),
        accuracy=("accuracy", "mean"),
    )
    curve.insert(0, "low", edges[curve.index])
    curve.insert(1, "high", edges[curve.index + 1])
    gaps = (curve["confidence"] - curve["accuracy"]).abs()
    error = float(np.average(gaps, weights=curve["n_trials"]))
    squares = ((p - (y[:, None] == classes)) ** 2).sum(axis=1).mean()
    # A label outside the classes had probability 0, and its truth was 1.
    squares += np.mean(~np.isin(y, classes))
    brier = float(squares / 2 if len(classes) == 2 else squares)
    return Calibration(curve.reset_index(drop=True), error, brier)


def _checked(y, probabilities, classes):
    y, classes = np.asarray(y), np.asarray(classes)
    p = np.asarray(probabilities, dtype=float)
    if not len(y) or p.shape != (len(y), len(classes)) or len(classes) < 2:
        raise ValueError(
            f"probabilities have shape {p.shape} and there are {len(y)} labels of "
            f"{len(classes)} classes; give one row per trial, one column per class."
        )
    wrong = ~((p >= 0).all(axis=1) & (np.abs(p.sum(axis=1) - 1) < 1e-3))
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"row {i} of the probabilities is {p[i].tolist()}; give values from 0 that "
            "sum to 1, as predict_proba does."
        )
    return y, p, classes

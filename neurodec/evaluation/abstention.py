"""What a decoder that may abstain gains and loses."""

import numpy as np


def accuracy_and_coverage(y, probabilities, classes, thresholds):
    """What abstaining gains: accuracy of the answered trials, and their share.

    Parameters
    ----------
    y : array-like, shape (n_trials,)
        True labels of held-out trials.
    probabilities : array, shape (n_trials, n_classes)
        In the order of `classes`.
    classes : array-like, shape (n_classes,)
    thresholds : array-like, shape (n_thresholds,)

    Returns
    -------
    accuracy : ndarray, shape (n_thresholds,)
        NaN where no trial is answered.
    coverage : ndarray, shape (n_thresholds,)

    Raises
    ------
    ValueError
        If the numbers of trials or classes disagree.

    Examples
    --------
    >>> accuracy_and_coverage(
    ...     ["a", "b"], [[0.9, 0.1], [0.6, 0.4]], ["a", "b"], [0, 0.8]
    ... )
    (array([0.5, 1. ]), array([1. , 0.5]))
    """
    y, probabilities = np.asarray(y), np.asarray(probabilities, dtype=float)
    classes, thresholds = np.asarray(classes), np.atleast_1d(thresholds)
    if probabilities.shape != (len(y), len(classes)):
        raise ValueError(
            f"probabilities have shape {probabilities.shape} and there are {len(y)} "
            f"labels of {len(classes)} classes; give one row per trial, one column per "
            "class."
        )
    right = classes[probabilities.argmax(axis=1)] == y
    answered = probabilities.max(axis=1) >= thresholds[:, None]
    n_answered = answered.sum(axis=1)
    with np.errstate(invalid="ignore"):
        accuracy = (right & answered).sum(axis=1) / n_answered
    return accuracy, n_answered / len(y)

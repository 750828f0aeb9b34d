"""From flashes to letters: the spelling step of a P300 speller with a matrix."""

from typing import NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

MATRIX_6X6 = tuple(
    tuple(row) for row in ("ABCDEF", "GHIJKL", "MNOPQR", "STUVWX", "YZ1234", "56789_")
)
ACCUMULATE = ("mean", "sum")
FIRST = ("columns", "rows")


class Spelling(NamedTuple):
    """What `spell` found, letter by letter.

    Attributes
    ----------
    text : str
        The letters in one word.
    letters : array of str, shape (n_letters,)
    margins : array, shape (n_letters,)
        How far the runner-up letter lies behind, in units of the accumulated scores;
        0 where two letters tie.
    index : array, shape (n_letters,)
        The letter's number in ``letters`` as it was given.
    totals : array, shape (n_letters, n_codes)
        The accumulated score of each code.
    counts : array of int, shape (n_letters, n_codes)
        Flashes that it was accumulated from.
    """

    text: str
    letters: np.ndarray
    margins: np.ndarray
    index: np.ndarray
    totals: np.ndarray
    counts: np.ndarray


def flash_scores(estimator, X, *, target="Target", prior=None):
    """How much each flash looks like that of a target, from a fitted classifier.

    Parameters
    ----------
    estimator : fitted classifier
        Of two classes, with ``decision_function`` or ``predict_proba``.
    X : array, shape (n_flashes, n_channels, n_times)
    target : label, default="Target"
        The class of a flash that lit the letter.
    prior : float or None, default=None
        Share of targets among the training flashes. If given, scores are
        log-likelihood ratios: the log odds that ``predict_proba`` gives, less those of
        ``prior``, which is right where the probabilities are. Leave it out for the
        decision values.

    Returns
    -------
    scores : array, shape (n_flashes,)
        Larger for a target.

    Raises
    ------
    ValueError
        If the classifier has not two classes with `target` among them, gives no graded
        answer, or `prior` is not within 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.array([[0.0], [1.0], [3.0], [4.0]])
    >>> y = ["NonTarget", "NonTarget", "Target", "Target"]
    >>> flash_scores(LogisticRegression().fit(X, y), [[1.5], [2.5]]).round(2)
    array([-0.5,  0.5])
    """
    classes = np.asarray(getattr(estimator, "classes_", [])).tolist()
    if len(classes) != 2 or target not in classes:
        raise ValueError(
            f"the classes are {classes}; spelling needs two, of which {target!r} is "
            "one: fit the classifier on target and other flashes, or set target."
        )
    sign = 1 if classes[1] == target else -1
    if prior is None and hasattr(estimator, "decision_function"):
        return sign * _finite(estimator.decision_function(X))
    if not hasattr(estimator, "predict_proba"):
        last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        lacks = "decision_function and no " if prior is None else ""
        raise ValueError(
            f"{type(last).__name__} has no {lacks}predict_proba; use a classifier with "
            "probabilities, such as LogisticRegression."
        )
    odds = _log_odds(_finite(estimator.predict_proba(X))[:, classes.index(target)])
    if prior is None:
        return odds
    if not 0 < prior < 1:
        raise ValueError(
            f"prior is {prior!r}; give the share of targets in training, such as 1/6."
        )
    return odds - _log_odds(prior)


def count_repetitions(codes, letters):
    """How often each flash's code was flashed before, for the same letter.

    Parameters
    ----------
    codes, letters : array of int, shape (n_flashes,)
        In the order of the flashes.

    Returns
    -------
    repetitions : array of int, shape (n_flashes,)
        From 0. Where flashes are missing, later ones are counted too low: give
        recorded numbers instead if there are any.

    Examples
    --------
    >>> count_repetitions([1, 2, 2, 1, 1], [0, 0, 0, 0, 1]).tolist()
    [0, 0, 1, 1, 0]
    """
    seen, repetitions = {}, []
    for pair in zip(
        np.asarray(letters).tolist(), np.asarray(codes).tolist(), strict=True
    ):
        repetitions.append(seen.get(pair, 0))
        seen[pair] = repetitions[-1] + 1
    return np.array(repetitions, dtype=int)


def accumulate_scores(
    scores, codes, letters, n_codes, *, accumulate="mean", n_repetitions=None,
    repetitions=None,
):  # fmt: skip
    """Score of each code for each letter, over its flashes.

    Parameters
    ----------
    scores : array, shape (n_flashes,)
        Larger for a target, as from `flash_scores`.
    codes : array of int, shape (n_flashes,)
        What was flashed, 1 to `n_codes`.
    letters : array of int, shape (n_flashes,)
        Number of the letter being spelled.
    n_codes : int
        Rows and columns together.
    accumulate : {"mean", "sum"}, default="mean"
        "sum" adds evidence up, which is what Bayes' rule asks of log-likelihood
        ratios; a code without a flash then has 0, no evidence. "mean" needs scores
        only up to scale and offset (decision values of any classifier): with a sum, a
        code with one flash more would gain or lose by the offset alone. For equal
        counts both choose the same letter.
    n_repetitions : int or None, default=None
        Use only the first repetitions; all by default.
    repetitions : array of int, shape (n_flashes,), or None
        Repetition of each flash from 0; counted if None.

    Returns
    -------
    totals : array, shape (n_letters, n_codes)
    counts : array of int, shape (n_letters, n_codes)
    index : array, shape (n_letters,)
        The letters' numbers, sorted.

    Raises
    ------
    ValueError
        If lengths differ, a score is not finite, a code is not within 1 and `n_codes`,
        or a code of a letter has no flash and "mean" cannot place it.
    """
    if accumulate not in ACCUMULATE:
        raise ValueError(f"accumulate is {accumulate!r}; choose 'mean' or 'sum'.")
    scores, codes, letters = _check_flashes(scores, codes, letters, n_codes)
    keep = np.ones(len(codes), bool)
    if n_repetitions is not None:
        keep = _first_repetitions(codes, letters, n_repetitions, repetitions)
    index, rows = np.unique(letters, return_inverse=True)
    where = rows[keep], codes[keep] - 1
    totals, counts = np.zeros((len(index), n_codes)), np.zeros((len(index), n_codes))
    np.add.at(totals, where, scores[keep])
    np.add.at(counts, where, 1)
    missing = np.argwhere(counts == 0)
    if len(missing) and (accumulate == "mean" or not counts.any(axis=1).all()):
        row, column = missing[0]
        raise ValueError(
            f"letter {index[row]} has no flash of code {column + 1}; leave the letter "
            "out, or use accumulate='sum' with log-likelihood ratios if it has others."
        )
    if accumulate == "mean":
        totals /= counts
    return totals, counts.astype(int), index


def spell(
    scores, codes, letters, matrix=MATRIX_6X6, *, accumulate="mean", first="columns",
    n_repetitions=None, repetitions=None,
):  # fmt: skip
    """Spell: the row and the column with the highest accumulated score.

    Given the letter, flashes are taken to be independent; then the log posterior of a
    letter is, up to a constant, the log-likelihood ratios of its row and of its column
    added up, and the best row and the best column can be chosen apart.

    Parameters
    ----------
    scores : array, shape (n_flashes,)
        Larger for a target, as from `flash_scores`.
    codes : array of int, shape (n_flashes,)
        What was flashed: by default 1 to n_columns the columns from the left, then the
        rows from the top, as BCI2000 numbers them [1]_.
    letters : array of int, shape (n_flashes,)
        Number of the letter being spelled; text comes in sorted order of the numbers.
    matrix : sequence of rows, each of n_columns letters
        Of any size; by default A to Z, 1 to 9 and an underscore in six rows.
    accumulate : {"mean", "sum"}, default="mean"
        "mean" for decision values, "sum" for log-likelihood ratios where counts differ;
        see `accumulate_scores`.
    first : {"columns", "rows"}, default="columns"
        Which have the lower codes.
    n_repetitions : int or None, default=None
        Spell with the first repetitions only. A letter that has fewer is spelled with
        those.
    repetitions : array of int, shape (n_flashes,), or None
        Repetition of each flash from 0; counted if None.

    Returns
    -------
    spelling : Spelling
        text, letters, margins, index, totals and counts. A tie goes to the lowest
        code: the leftmost column, the uppermost row.

    Raises
    ------
    ValueError
        If the matrix is no table of distinct letters, or for bad flashes; see
        `accumulate_scores`.

    References
    ----------
    .. [1] Farwell, L. A. and Donchin, E. (1988). Talking off the top of your head:
       toward a mental prosthesis utilizing event-related brain potentials.
       Electroencephalography and Clinical Neurophysiology 70, 510-523.

    Examples
    --------
    >>> codes = [1, 2, 3, 4, 4, 3, 2, 1]
    >>> scores = [0.1, 2.0, -0.3, 1.5, 0.9, 0.2, 1.1, 0.3]
    >>> found = spell(scores, codes, [0] * 8, ["AB", "CD"])
    >>> found.text, found.margins.round(2).tolist()
    ('D', [1.25])
    """
    table = check_matrix(matrix)
    if first not in FIRST:
        raise ValueError(f"first is {first!r}; choose 'columns' or 'rows'.")
    n_rows, n_columns = table.shape
    totals, counts, index = accumulate_scores(
        scores, codes, letters, n_rows + n_columns, accumulate=accumulate,
        n_repetitions=n_repetitions, repetitions=repetitions,
    )  # fmt: skip
    n_first = n_columns if first == "columns" else n_rows
    parts = totals[:, :n_first], totals[:, n_first:]
    columns, rows = parts if first == "columns" else parts[::-1]
    found = table[rows.argmax(axis=1), columns.argmax(axis=1)]
    # The runner-up shares the row or the column, whichever is less certain.
    margins = np.minimum(_lead(rows), _lead(columns))
    return Spelling("".join(found), found, margins, index, totals, counts)


def check_matrix(matrix):
    """The letters as an array, shape (n_rows, n_columns).

    Raises
    ------
    ValueError
        If rows differ in length, there are fewer than two letters, an entry is no
        text, or one stands twice.
    """
    rows = [list(row) for row in matrix]
    if not rows or not rows[0] or {len(row) for row in rows} != {len(rows[0])}:
        raise ValueError(
            f"the matrix has rows of {[len(row) for row in rows]} letters; give rows "
            "of one length, such as ['AB', 'CD']."
        )
    flat = [letter for row in rows for letter in row]
    odd = [letter for letter in flat if not isinstance(letter, str) or not letter]
    twice = [letter for letter in flat if flat.count(letter) > 1]
    if odd or twice or len(flat) < 2:
        what = f"holds {odd[0]!r}, which is no text" if odd else "has one letter"
        what = f"holds {twice[0]!r} twice" if twice else what
        raise ValueError(f"the matrix {what}; give two or more distinct letters.")
    return np.array(rows, dtype=object)


def _check_flashes(scores, codes, letters, n_codes):
    scores, codes, letters = np.asarray(scores), np.asarray(codes), np.asarray(letters)
    shapes = [a.shape for a in (scores, codes, letters)]
    if scores.ndim != 1 or len(set(shapes)) > 1 or not len(scores):
        raise ValueError(
            f"scores, codes and letters have shapes {shapes}; give one of each per "
            "flash."
        )
    scores = _finite(scores)
    whole = codes.dtype.kind in "iu"
    odd = codes[(codes < 1) | (codes > n_codes)] if whole else codes
    if len(odd):
        raise ValueError(
            f"codes hold {odd.tolist()[0]!r}; rows and columns are whole numbers from "
            f"1 to {n_codes}: check the matrix, and leave out the samples between "
            "flashes."
        )
    return scores, codes, letters


def _first_repetitions(codes, letters, n_repetitions, repetitions):
    if not isinstance(n_repetitions, (int, np.integer)) or n_repetitions < 1:
        raise ValueError(
            f"n_repetitions is {n_repetitions!r}; give a whole number from 1, or None."
        )
    if repetitions is None:
        repetitions = count_repetitions(codes, letters)
    repetitions = np.asarray(repetitions)
    if repetitions.shape != codes.shape:
        raise ValueError(
            f"repetitions have shape {repetitions.shape} for {len(codes)} flashes; "
            "give one per flash."
        )
    if repetitions.min() != 0:
        raise ValueError(
            f"repetitions start at {repetitions.min()}; count them from 0."
        )
    return repetitions < n_repetitions


def _lead(scores):
    """Distance of the best to the second best in each row; infinite if alone."""
    if scores.shape[1] == 1:
        return np.full(len(scores), np.inf)
    best = np.sort(scores, axis=1)[:, -2:]
    return best[:, 1] - best[:, 0]


def _log_odds(p):
    p = np.clip(p, np.finfo(float).tiny, 1 - np.finfo(float).eps)
    return np.log(p) - np.log1p(-p)


def _finite(scores):
    scores = np.asarray(scores, dtype=float)
    if not np.isfinite(scores).all():
        raise ValueError(
            f"the score of flash {np.argwhere(~np.isfinite(scores))[0][0]} is not "
            "finite; reject that flash, or mend the classifier."
        )
    return scores

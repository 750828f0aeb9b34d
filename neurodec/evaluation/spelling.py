"""How well and how fast a P300 speller spells."""

import numpy as np
import pandas as pd
from scipy.special import xlogy

from ..decoders.speller import MATRIX_6X6, check_matrix, count_repetitions, spell


def information_transfer_rate(n_choices, accuracy, seconds=None):
    """Information transfer rate of Wolpaw, for choices of equal probability.

    ``log2 N + P log2 P + (1 - P) log2((1 - P) / (N - 1))`` bits a choice [1]_, where
    errors are taken to fall on all other choices alike. At and below ``P = 1 / N`` the
    rate is 0: there the formula rises again, and pays for errors.

    Parameters
    ----------
    n_choices : int
        N, such as 36 letters.
    accuracy : float or array
        P, the share of right choices.
    seconds : float, array or None, default=None
        Time of one choice; None gives bits a choice instead of bits a minute.

    Returns
    -------
    rate : float or array
        Bits a minute, or bits a choice.

    Raises
    ------
    ValueError
        If there are fewer than two choices, or a value is out of range.

    References
    ----------
    .. [1] Wolpaw, J. R., Birbaumer, N., McFarland, D. J., Pfurtscheller, G. and
       Vaughan, T. M. (2002). Brain-computer interfaces for communication and control.
       Clinical Neurophysiology 113, 767-791.

    Examples
    --------
    >>> float(information_transfer_rate(4, 1.0))
    2.0
    >>> round(float(information_transfer_rate(36, 0.9, seconds=10.0)), 1)
    25.1
    """
    p = np.asarray(accuracy, dtype=float)
    if n_choices < 2:
        raise ValueError(f"n_choices is {n_choices!r}; a choice needs two or more.")
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"accuracy is {accuracy!r}; give shares from 0 to 1.")
    if seconds is not None and not np.all(np.asarray(seconds, dtype=float) > 0):
        raise ValueError(f"seconds is {seconds!r}; give the time of one choice.")
    known = xlogy(p, p) + xlogy(1 - p, (1 - p) / (n_choices - 1))
    bits = np.where(p > 1 / n_choices, np.log2(n_choices) + known / np.log(2), 0.0)
    rate = bits if seconds is None else 60 * bits / np.asarray(seconds, dtype=float)
    return rate[()]


def seconds_per_letter(codes, letters, onsets, n_repetitions, *, pause=None):
    """Time that a letter takes, from the onsets of the flashes.

    Parameters
    ----------
    codes, letters : array of int, shape (n_flashes,)
    onsets : array, shape (n_flashes,)
        In seconds, rising within a letter.
    n_repetitions : int
        Repetitions that are used.
    pause : float or None, default=None
        Seconds between letters, without flashes. None takes the recorded one (the
        median); it is 0 if there is one letter.

    Returns
    -------
    seconds : float
        Mean over the letters of the time from the first flash to the last one that is
        used, and one flash period more, and `pause`.

    Raises
    ------
    ValueError
        If an onset is missing, or onsets do not rise.

    Examples
    --------
    >>> codes, onsets = [1, 2, 1, 2], [0.0, 0.2, 0.4, 0.6]
    >>> round(seconds_per_letter(codes, [0] * 4, onsets, 2), 3)
    0.8
    """
    codes, letters = np.asarray(codes), np.asarray(letters)
    onsets = np.asarray(onsets, dtype=float)
    if onsets.shape != codes.shape or not np.isfinite(onsets).all():
        raise ValueError(
            f"onsets have shape {onsets.shape} for {len(codes)} flashes, or one is "
            "missing; give the time of each flash in seconds."
        )
    index = pd.unique(letters)
    # By letter: from each letter to the next the clock may start anew (another run).
    times = [onsets[letters == letter] for letter in index]
    steps = np.concatenate([np.diff(t) for t in times])
    if not len(steps) or steps.min() <= 0:
        raise ValueError(
            "onsets do not rise within a letter; give seconds from the start of the "
            "run, and another letter number in each run."
        )
    period = np.median(steps)
    if pause is None:
        gaps = [b[0] - a[-1] - period for a, b in zip(times, times[1:], strict=False)]
        gaps = [gap for gap in gaps if gap > 0]
        pause = np.median(gaps) if gaps else 0.0
    used = count_repetitions(codes, letters) < n_repetitions
    lasts = [onsets[(letters == letter) & used].max() for letter in index]
    spans = [last - t[0] for last, t in zip(lasts, times, strict=True)]
    return float(np.mean(spans) + period + pause)


def spelling_curve(
    scores, codes, letters, text, *, matrix=MATRIX_6X6, onsets=None, pause=None,
    **options,
):  # fmt: skip
    """Letters right, and how fast, by the number of repetitions.

    Parameters
    ----------
    scores, codes, letters : arrays, shape (n_flashes,)
        As for `neurodec.decoders.spell`.
    text : str or sequence of str, length n_letters
        What was to be spelled, in the order of the letters' numbers.
    matrix : sequence of rows
        The letters.
    onsets : array, shape (n_flashes,), or None
        Time of each flash in seconds from the start of its run. Without it there are
        no rates.
    pause : float or None, default=None
        Seconds between letters; the recorded pause if None. 0 gives the rate while
        flashes go on.
    **options
        Further arguments of `neurodec.decoders.spell`, but ``n_repetitions``.

    Returns
    -------
    curve : DataFrame
        One row per number of repetitions: ``repetitions``, ``text``, ``right``,
        ``letters``, ``accuracy``, ``margin`` (the smallest); and with onsets
        ``seconds`` a letter, ``bits_per_minute`` (`information_transfer_rate`) and
        ``symbols_per_minute``, the right letters a minute.

    Raises
    ------
    ValueError
        If the length of `text` differs from the number of letters, or it holds what the
        matrix has not; and as `neurodec.decoders.spell` does.

    Examples
    --------
    >>> codes, letters = [1, 2, 3, 4] * 2, [0] * 8
    >>> scores = [0.2, 0.1, 0.9, 0.3, 0.1, 1.5, 1.0, 0.2]
    >>> spelling_curve(scores, codes, letters, "B", matrix=["AB", "CD"])[
    ...     ["repetitions", "text", "right"]
    ... ]
       repetitions text  right
    0            1    A      0
    1            2    B      1
    """
    table = check_matrix(matrix)
    wanted = _check_text(text, letters, table)
    given = options.get("repetitions")
    counted = count_repetitions(codes, letters) if given is None else np.asarray(given)
    rows = []
    for n in range(1, int(counted.max()) + 2):
        found = spell(scores, codes, letters, matrix, n_repetitions=n, **options)
        right = int(np.sum(found.letters == wanted))
        row = {
            "repetitions": n,
            "text": found.text,
            "right": right,
            "letters": len(wanted),
            "accuracy": right / len(wanted),
            "margin": float(found.margins.min()),
        }
        if onsets is not None:
            seconds = seconds_per_letter(codes, letters, onsets, n, pause=pause)
            rate = information_transfer_rate(table.size, row["accuracy"], seconds)
            row["seconds"], row["bits_per_minute"] = seconds, float(rate)
            row["symbols_per_minute"] = 60 * row["accuracy"] / seconds
        rows.append(row)
    return pd.DataFrame(rows)


def _check_text(text, letters, table):
    wanted, n_letters = list(text), len(np.unique(letters))
    if len(wanted) != n_letters:
        raise ValueError(
            f"text has {len(wanted)} letters, {wanted}, but the flashes spell "
            f"{n_letters}; give one for each."
        )
    for letter in wanted:
        if letter not in table:
            raise ValueError(
                f"text holds {letter!r}, which the matrix has not; give the matrix "
                "that was shown."
            )
    return np.array(wanted, dtype=object)

"""Faults of spelling and of the submission checks."""

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from typer.testing import CliRunner

from neurodec.cli import app
from neurodec.datasets.files import load_p300_bci2_iib_test
from neurodec.decoders import check_submission, flash_scores, spell
from neurodec.evaluation import (
    information_transfer_rate,
    seconds_per_letter,
    spelling_curve,
)

CODES = np.tile(np.arange(1, 13), 2)
LETTERS = np.repeat([0, 1], 12)
SCORES = np.zeros(24)
ONSETS = 0.2 * np.arange(24)


def spelled(scores=SCORES, codes=CODES, letters=LETTERS, **kwargs):
    return spell(scores, codes, letters, **kwargs)


def changed(array, position, value):
    array = array.astype(float) if isinstance(value, float) else array.copy()
    array[position] = value
    return array


def scored(labels=("NonTarget", "Target"), classifier=None, **kwargs):
    X = np.arange(6.0).reshape(6, 1)
    fitted = (classifier or LogisticRegression()).fit(
        X, list(labels) * (6 // len(labels))
    )
    return flash_scores(fitted, X, **kwargs)


def curve(text="AB", **kwargs):
    return spelling_curve(SCORES, CODES, LETTERS, text, **kwargs)


def command(*arguments):
    result = CliRunner(env={"COLUMNS": "400"}).invoke(app, list(arguments))
    if result.exit_code == 2:
        raise ValueError(result.output)
    return result


def wrong_file(folder):
    path = folder / "mine.yaml"
    path.write_text("name: mine\n")
    return check_submission(path)


FAULTS = [
    (spell, "a score is missing",
     lambda d: spelled(changed(SCORES, 5, np.nan)),
     ["score of flash 5 is not finite", "reject that flash"]),
    (spell, "lengths differ", lambda d: spelled(letters=LETTERS[1:]),
     ["shapes [(24,), (24,), (23,)]", "one of each per flash"]),
    (spell, "no flash", lambda d: spelled([], [], []),
     ["shapes [(0,)", "one of each per flash"]),
    (spell, "code 0 between flashes", lambda d: spelled(codes=CODES - 1),
     ["codes hold 0", "from 1 to 12", "leave out the samples between"]),
    (spell, "matrix of another size", lambda d: spelled(matrix=["AB", "CD"]),
     ["codes hold 5", "from 1 to 4", "check the matrix"]),
    (spell, "code that is no whole number", lambda d: spelled(codes=CODES / 2),
     ["codes hold", "0.5", "whole numbers"]),
    (spell, "a row never flashed", lambda d: spelled(codes=changed(CODES, 23, 1)),
     ["letter 1 has no flash of code 12", "leave the letter out"]),
    (spell, "ragged matrix", lambda d: spelled(matrix=["ABC", "DE"]),
     ["rows of [3, 2] letters", "rows of one length"]),
    (spell, "letter twice in the matrix", lambda d: spelled(matrix=["AB", "CA"]),
     ["holds 'A' twice", "distinct letters"]),
    (spell, "matrix of numbers", lambda d: spelled(matrix=[[1, 2], [3, 4]]),
     ["holds 1, which is no text", "distinct letters"]),
    (spell, "unknown accumulation", lambda d: spelled(accumulate="product"),
     ["accumulate is 'product'", "'mean' or 'sum'"]),
    (spell, "unknown order of codes", lambda d: spelled(first="row"),
     ["first is 'row'", "'columns' or 'rows'"]),
    (spell, "no repetition", lambda d: spelled(n_repetitions=0),
     ["n_repetitions is 0", "from 1"]),
    (spell, "repetitions from 1",
     lambda d: spelled(n_repetitions=1, repetitions=np.ones(24, int)),
     ["repetitions start at 1", "from 0"]),
    (flash_scores, "target not among the classes",
     lambda d: scored(("face", "house")), ["['face', 'house']", "set target"]),
    (flash_scores, "three classes", lambda d: scored(("Target", "a", "b")),
     ["the classes are", "spelling needs two"]),
    (flash_scores, "no probabilities", lambda d: scored(
        classifier=RidgeClassifier(), prior=1 / 6),
     ["RidgeClassifier has no predict_proba", "LogisticRegression"]),
    (flash_scores, "prior of one", lambda d: scored(prior=1),
     ["prior is 1", "share of targets"]),
    (spelling_curve, "text of another length", lambda d: curve("ABC"),
     ["text has 3 letters", "the flashes spell 2", "one for each"]),
    (spelling_curve, "letter that the matrix has not", lambda d: curve("A0"),
     ["text holds '0'", "the matrix that was shown"]),
    (seconds_per_letter, "onsets that start anew",
     lambda d: seconds_per_letter(CODES, LETTERS, ONSETS % 1.0, 1),
     ["do not rise within a letter", "another letter number in each run"]),
    (seconds_per_letter, "an onset is missing",
     lambda d: seconds_per_letter(CODES, LETTERS, changed(ONSETS, 3, np.nan), 1),
     ["one is missing", "time of each flash"]),
    (information_transfer_rate, "accuracy in percent",
     lambda d: information_transfer_rate(36, 90), ["accuracy is 90", "0 to 1"]),
    (information_transfer_rate, "one choice",
     lambda d: information_transfer_rate(1, 1.0), ["n_choices is 1", "two or more"]),
    (information_transfer_rate, "no time",
     lambda d: information_transfer_rate(2, 1.0, 0.0), ["seconds is 0.0", "time of"]),
    (load_p300_bci2_iib_test, "not on this machine",
     lambda d: load_p300_bci2_iib_test(),
     ["not on this machine", "set NEURODEC_DATA"], FileNotFoundError),
    (check_submission, "no such file", lambda d: check_submission(d / "mine.yml"),
     ["no pipeline file", "mine.yml", "check the path"]),
    (check_submission, "another ending", wrong_file,
     ["mine.yaml", "does not end in .yml"]),
    ("check-submission", "no such file",
     lambda d: command("check-submission", str(d / "mine.yml")),
     ["error:", "no pipeline file", "check the path"]),
]  # fmt: skip

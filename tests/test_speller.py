"""Flashes to letters: known words, Bayes' rule, missing flashes, rates."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from neurodec.datasets import load
from neurodec.datasets.files import load_p300_bci2_iib_test
from neurodec.decoders import MATRIX_6X6, flash_scores, load_pipeline, spell
from neurodec.decoders.speller import accumulate_scores, count_repetitions
from neurodec.evaluation import (
    information_transfer_rate,
    seconds_per_letter,
    spelling_curve,
)

WIDE = ["ABCDE", "FGHIJ", "KLMNO"]


def make_flashes(word, matrix=MATRIX_6X6, n_repetitions=6, signal=1.5, seed=0):
    """Scores of N(+-signal / 2, 1), so ``signal * score`` is the log-likelihood ratio.

    Columns have the lower codes; each repetition flashes all codes in random order.
    """
    rng = np.random.default_rng(seed)
    table = np.array([list(row) for row in matrix])
    n_rows, n_columns = table.shape
    codes, letters, targets = [], [], []
    for number, letter in enumerate(word):
        ((row, column),) = np.argwhere(table == letter)
        for _ in range(n_repetitions):
            order = 1 + rng.permutation(n_rows + n_columns)
            codes.append(order)
            letters.append(np.full(len(order), number))
            targets.append((order == column + 1) | (order == n_columns + row + 1))
    codes, letters, targets = map(np.concatenate, (codes, letters, targets))
    scores = signal * (targets - 0.5) + rng.standard_normal(len(codes))
    return scores, codes, letters, targets


@pytest.mark.parametrize(
    ("matrix", "word"),
    [(MATRIX_6X6, "P3_SPELLER"), (WIDE, "DECODING"), (["AB"], "ABBA"), ("AB", "BA")],
)
def test_clear_flashes_spell_the_word(matrix, word):
    scores, codes, letters, _ = make_flashes(word, matrix, signal=20)
    for accumulate in ("mean", "sum"):
        found = spell(scores, codes, letters, matrix, accumulate=accumulate)
        assert found.text == "".join(found.letters) == word
        assert (found.margins > 5).all()
        assert (found.counts == 6).all()


def test_every_letter_of_the_matrix_has_its_codes():
    for row, column in product(range(6), range(6)):
        codes = np.arange(1, 13)
        scores = np.isin(codes, [column + 1, row + 7]).astype(float)
        assert spell(scores, codes, np.zeros(12, int)).text == MATRIX_6X6[row][column]


def test_letters_of_several_signs_and_rows_before_columns():
    matrix = [["yes", "no"], ["rest", "end"], ["left", "right"]]
    scores, codes = [0, 0, 1, 0, 1], [1, 2, 3, 4, 5]
    found = spell(scores, codes, [7] * 5, matrix, first="rows")
    assert (found.text, found.index.tolist()) == ("right", [7])


def test_sum_is_bayes_rule():
    """Against the posterior over all letters, from the densities themselves."""
    signal, matrix = 0.7, WIDE
    scores, codes, letters, _ = make_flashes("HILFE", matrix, 3, signal)
    keep = np.random.default_rng(1).random(len(codes)) > 0.2
    scores, codes, letters = scores[keep], codes[keep], letters[keep]
    found = spell(signal * scores, codes, letters, matrix, accumulate="sum")
    for number in range(5):
        own, posterior = letters == number, {}
        for (row, line), column in product(enumerate(matrix), range(5)):
            lit = np.isin(codes[own], [column + 1, 6 + row])
            means = np.where(lit, signal / 2, -signal / 2)
            posterior[line[column]] = -0.5 * np.sum((scores[own] - means) ** 2)
        ranked = sorted(posterior, key=posterior.get)[::-1]
        assert found.letters[number] == ranked[0]
        lead = posterior[ranked[0]] - posterior[ranked[1]]
        assert found.margins[number] == pytest.approx(lead)


def test_mean_ignores_offset_and_scale_where_a_sum_does_not():
    scores, codes, letters, _ = make_flashes("MISSING", signal=3)
    keep = np.random.default_rng(2).random(len(codes)) > 0.3
    scores, codes, letters = scores[keep], codes[keep], letters[keep]
    mean = spell(scores, codes, letters)
    assert mean.text == "MISSING"
    assert len(np.unique(mean.counts)) > 1
    moved = spell(5 * scores - 40, codes, letters)
    assert moved.text == mean.text
    np.testing.assert_allclose(moved.margins, 5 * mean.margins)
    assert spell(scores - 40, codes, letters, accumulate="sum").text != "MISSING"


def test_same_letters_by_mean_and_sum_where_counts_agree():
    scores, codes, letters, _ = make_flashes("EQUALCOUNTS", signal=0.5)
    mean, total = (
        spell(scores, codes, letters, accumulate=how) for how in ("mean", "sum")
    )
    assert mean.text == total.text
    np.testing.assert_allclose(6 * mean.margins, total.margins)


def test_order_of_flashes_does_not_matter():
    scores, codes, letters, _ = make_flashes("ORDER", signal=0.5)
    order = np.random.default_rng(3).permutation(len(codes))
    one = spell(scores, codes, letters)
    other = spell(scores[order], codes[order], letters[order])
    assert one.text == other.text
    np.testing.assert_allclose(one.totals, other.totals)


def test_ties_go_to_the_lowest_code_and_have_no_margin():
    found = spell(np.zeros(12), np.arange(1, 13), np.zeros(12, int))
    assert (found.text, found.margins.tolist()) == ("A", [0.0])


def test_first_repetitions_only():
    scores, codes, letters, _ = make_flashes("AB", n_repetitions=4)
    repetitions = count_repetitions(codes, letters)
    assert repetitions.tolist() == np.tile(np.repeat(range(4), 12), 2).tolist()
    first = repetitions < 2
    found = spell(scores, codes, letters, n_repetitions=2)
    expected = spell(scores[first], codes[first], letters[first])
    np.testing.assert_array_equal(found.totals, expected.totals)
    given = spell(scores, codes, letters, n_repetitions=2, repetitions=repetitions)
    np.testing.assert_array_equal(given.totals, expected.totals)
    # A letter with fewer repetitions is spelled with those.
    short = (letters == 0) | (repetitions < 1)
    found = spell(scores[short], codes[short], letters[short], n_repetitions=3)
    assert found.counts.max(axis=1).tolist() == [3, 1]


def test_a_code_without_flash():
    scores, codes, letters, _ = make_flashes("AB", n_repetitions=1, signal=20)
    keep = (codes != 9) | (letters == 0)
    kept = scores[keep], codes[keep], letters[keep]
    with pytest.raises(ValueError, match="letter 1 has no flash of code 9; leave"):
        spell(*kept)
    found = spell(*kept, accumulate="sum")
    assert found.text == "AB"
    assert (found.totals[1, 8], found.counts[1, 8]) == (0, 0)


def test_a_letter_without_any_flash_is_no_letter():
    with pytest.raises(ValueError, match="letter 1 has no flash of code 1"):
        accumulate_scores(
            np.ones(4), [1, 2, 1, 2], [0, 0, 1, 1], 2, accumulate="sum",
            n_repetitions=1, repetitions=[0, 0, 1, 1],
        )  # fmt: skip


# Scores of classifiers


@pytest.fixture(scope="module")
def flashes():
    """Features of a flash, whose class is Target in one of six."""
    rng = np.random.default_rng(0)
    y = np.where(np.arange(600) % 6 == 0, "Target", "NonTarget")
    return rng.standard_normal((600, 3)) + (y == "Target")[:, None], y


@pytest.mark.parametrize(
    "classifier",
    [LogisticRegression(), LinearDiscriminantAnalysis(), SVC(tol=1e-8)],
)
def test_scores_rise_towards_the_target(classifier, flashes):
    X, y = flashes
    fitted = classifier.fit(X, y)
    scores = flash_scores(fitted, X)
    assert scores[y == "Target"].mean() > scores[y != "Target"].mean()
    np.testing.assert_allclose(flash_scores(fitted, X, target="NonTarget"), -scores)
    renamed = classifier.fit(X, np.where(y == "Target", 0, 1))
    np.testing.assert_allclose(flash_scores(renamed, X, target=0), scores, atol=1e-5)


def test_log_likelihood_ratios_do_not_hold_the_prior():
    rng = np.random.default_rng(1)
    y = np.where(np.arange(60000) % 6 == 0, "Target", "NonTarget")
    X = rng.standard_normal((60000, 1)) + 2 * (y == "Target")[:, None]
    fitted = LinearDiscriminantAnalysis().fit(X, y)
    points = np.array([[0.0], [1.0], [2.0]])
    # log N(x; 2, 1) / N(x; 0, 1) = 2 x - 2
    ratios = flash_scores(fitted, points, prior=1 / 6)
    np.testing.assert_allclose(ratios, 2 * points[:, 0] - 2, atol=0.1)
    odds = flash_scores(fitted, points)
    np.testing.assert_allclose(odds - ratios, np.log((1 / 6) / (5 / 6)), atol=0.01)


# Rates


def test_information_transfer_rate_known_values():
    assert information_transfer_rate(2, 1.0) == pytest.approx(1.0)
    assert information_transfer_rate(36, 1.0) == pytest.approx(np.log2(36))
    # The capacity of a binary symmetric channel.
    flip = 0.1
    capacity = 1 + flip * np.log2(flip) + (1 - flip) * np.log2(1 - flip)
    assert information_transfer_rate(2, 0.9) == pytest.approx(capacity)
    np.testing.assert_array_equal(information_transfer_rate(4, [0.25, 0.1, 0]), 0)
    shares = np.linspace(0.25, 1, 50)
    assert (np.diff(information_transfer_rate(4, shares)) > 0).all()
    assert information_transfer_rate(8, 1.0, seconds=6.0) == pytest.approx(30.0)


def test_information_transfer_rate_is_mutual_information():
    """Of a choice and its answer, for uniform choices and errors."""
    n, p = 5, 0.7
    joint = (
        np.full((n, n), (1 - p) / (n - 1) / n) + np.eye(n) * (p - (1 - p) / (n - 1)) / n
    )
    bits = np.sum(joint * np.log2(joint * n * n))
    assert information_transfer_rate(n, p) == pytest.approx(bits)


def test_seconds_per_letter():
    _, codes, letters, _ = make_flashes("ABC", n_repetitions=2)
    # 24 flashes of 0.2 s, then 3 s without.
    onsets = 0.2 * np.arange(72) + 3.0 * letters + 10
    assert seconds_per_letter(codes, letters, onsets, 2) == pytest.approx(7.8)
    assert seconds_per_letter(codes, letters, onsets, 2, pause=0) == pytest.approx(4.8)
    assert seconds_per_letter(codes, letters, onsets, 1) == pytest.approx(5.4)
    # Another run starts its own clock: no pause can be read across it.
    onsets[letters == 2] -= 1000
    assert seconds_per_letter(codes, letters, onsets, 1) == pytest.approx(5.4)


def test_curve_counts_letters_and_rates():
    scores, codes, letters, _ = make_flashes("CURVE", signal=1.2)
    onsets = 0.2 * np.arange(len(codes)) + 3.0 * letters
    curve = spelling_curve(scores, codes, letters, "CURVE", onsets=onsets)
    assert curve["repetitions"].tolist() == [1, 2, 3, 4, 5, 6]
    assert (curve["letters"] == 5).all()
    for row in curve.itertuples():
        found = spell(scores, codes, letters, n_repetitions=row.repetitions)
        assert row.text == found.text
        assert row.right == sum(map(str.__eq__, found.text, "CURVE"))
        assert row.margin == pytest.approx(found.margins.min())
        assert row.accuracy == row.right / 5
        assert row.seconds == pytest.approx(3 + 2.4 * row.repetitions)
        rate = information_transfer_rate(36, row.accuracy, row.seconds)
        assert row.bits_per_minute == pytest.approx(rate)
        assert row.symbols_per_minute == pytest.approx(12 * row.right / row.seconds)
    assert curve["right"].iloc[-1] == 5 > curve["right"].iloc[0]
    plain = spelling_curve(scores, codes, letters, list("CURVE"))
    columns = ["repetitions", "text", "right", "letters", "accuracy", "margin"]
    pd.testing.assert_frame_equal(plain, curve[columns])


def test_noise_spells_by_chance():
    """One letter in 36, whatever the number of repetitions."""
    word = "ABCDEFGHI" * 100
    scores, codes, letters, _ = make_flashes(word, n_repetitions=3, signal=0)
    right = spelling_curve(scores, codes, letters, word)["right"]
    assert (right < 25 + 5 * np.sqrt(25)).all()


# Recordings


@pytest.fixture(scope="module")
def labelled():
    return load("p300_bci2_iib")


def numbers(trials):
    columns = ["session", "run", "character"]
    return trials.metadata.groupby(columns).ngroup().to_numpy()


@pytest.mark.realdata
def test_target_flashes_of_the_labelled_runs_spell_their_words(labelled):
    targets = (labelled.y == "Target").astype(float)
    codes = labelled.metadata["stimulus"].to_numpy()
    found = spell(targets, codes, numbers(labelled))
    assert found.text == "CATDOGHATHAT"
    np.testing.assert_array_equal(found.margins, 1)
    np.testing.assert_array_equal(
        count_repetitions(codes, numbers(labelled)), labelled.metadata["repetition"]
    )


@pytest.mark.realdata
def test_labelled_sessions_spell_the_unlabelled_words(labelled):
    """xdawn-ts, as it is shipped, with the recipe of the registry."""
    unknown = load_p300_bci2_iib_test()
    assert unknown.classes.tolist() == ["Unknown"]
    assert unknown.recipe == labelled.recipe
    fitted = load_pipeline("xdawn-ts").fit(labelled.X, labelled.y)
    words = {}
    for run in ("03", "04"):
        part = unknown.select(session="012", run=run)
        codes = part.metadata["stimulus"].to_numpy()
        found = spell(flash_scores(fitted, part.X), codes, numbers(part))
        assert (found.counts == 15).all()
        words[run] = found.text
    assert words == {"03": "HAM", "04": "PIE"}

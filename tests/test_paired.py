"""Paired tests: known formulas, the right size under the null, bad input."""

import numpy as np
import pytest
from scipy.stats import binom, kstest, norm
from sklearn.metrics import roc_auc_score

from neurodec.evaluation import delong_test, mcnemar_test


def _two_decoders(rng, n=60, second=1.0):
    y = np.arange(n) % 2
    common = rng.standard_normal(n)
    first = y + common + 0.7 * rng.standard_normal(n)
    return y, first, second * y + common + 0.7 * rng.standard_normal(n)


def _plain_variance(y, first, second):
    """DeLong's formula, written as the paper has it."""
    components = []
    for response in (first, second):
        psi = np.array(
            [
                [(x > v) + 0.5 * (x == v) for v in response[y == 0]]
                for x in response[y == 1]
            ]
        )
        components.append((psi.mean(axis=1), psi.mean(axis=0)))
    of_positive, of_negative = (
        np.cov([components[0][i], components[1][i]]) for i in (0, 1)
    )
    total = of_positive / np.sum(y == 1) + of_negative / np.sum(y == 0)
    return total[0, 0] + total[1, 1] - 2 * total[0, 1]


@pytest.mark.parametrize("rounded", [False, True])
def test_delong_is_the_formula_of_the_paper(rounded):
    y, first, second = _two_decoders(np.random.default_rng(0), second=0.4)
    if rounded:  # Ties.
        first, second = np.round(first), np.round(second)
    result = delong_test(y, first, second)
    difference = roc_auc_score(y, first) - roc_auc_score(y, second)
    assert result.difference == pytest.approx(difference)
    z = difference / np.sqrt(_plain_variance(y, first, second))
    assert result.pvalue == pytest.approx(2 * norm.sf(abs(z)))
    greater = delong_test(y, first, second, alternative="greater").pvalue
    less = delong_test(y, second, first, alternative="less").pvalue
    assert greater == pytest.approx(less) == pytest.approx(norm.sf(z))


def test_delong_over_test_sets_takes_differences_within_them():
    rng = np.random.default_rng(1)
    y, first, second = _two_decoders(rng, 120)
    groups = np.repeat(["a", "b", "c"], [20, 40, 60])
    shifted = first + np.repeat([0, 50, -50], [20, 40, 60])
    result = delong_test(y, shifted, second, groups=groups)
    parts = [delong_test(*(v[groups == g] for v in (y, first, second))) for g in "abc"]
    expected = np.average([part.difference for part in parts], weights=[20, 40, 60])
    assert result.difference == pytest.approx(expected)
    order = rng.permutation(120)
    again = delong_test(y[order], first[order], second[order], groups=groups[order])
    assert again == pytest.approx(result)


def test_delong_has_the_size_that_it_claims():
    rng = np.random.default_rng(2)
    groups = np.repeat([0, 1, 2], 40)
    pvalues = [
        delong_test(
            *_two_decoders(rng, 120), groups=groups, alternative="greater"
        ).pvalue
        for _ in range(800)
    ]
    assert kstest(pvalues, "uniform").pvalue > 1e-3
    assert binom.cdf(np.sum(np.array(pvalues) < 0.01), 800, 0.01) < 1 - 1e-4


def test_delong_of_equal_decoders_and_of_a_perfect_one():
    y, first, _ = _two_decoders(np.random.default_rng(3))
    assert delong_test(y, first, 3 * first) == (0, 1)
    assert delong_test(y, first, first, alternative="greater").pvalue == 0.5
    assert delong_test(y, y, first, alternative="greater").pvalue < 1e-3
    assert delong_test([0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0]).pvalue == 0


def test_mcnemar_is_the_binomial_of_the_discordant():
    first = np.array([1] * 9 + [0] * 2 + [1] * 30 + [0] * 10, dtype=bool)
    second = np.array([0] * 9 + [1] * 2 + [1] * 30 + [0] * 10, dtype=bool)
    result = mcnemar_test(first, second, alternative="greater")
    assert result.difference == pytest.approx(7 / 51)
    assert result.pvalue == pytest.approx(binom.sf(8, 11, 0.5))
    assert mcnemar_test(first, first) == (0, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: delong_test([0, 1], [1.0], [1.0, 2.0]), "2, 1, 2 values; give one"),
        (lambda: delong_test([0] * 4, [1] * 4, [2] * 4), "1 labels; a ROC-AUC needs"),
        (
            lambda: delong_test([0, 0, 1], [1, 2, 3], [1, 2, 3]),
            "1 trials of 1 and 2 of 0; two of each are needed: use fewer folds",
        ),
        (
            lambda: delong_test([0, 0, 1, 1], [1, 2, 3, np.nan], [1, 2, 3, 4]),
            "NaN or infinite; leave that fold out",
        ),
        (
            lambda: delong_test([0, 0, 1, 1], [1] * 4, [1] * 4, groups=[1]),
            "groups has 1 entries for 4 trials",
        ),
        (
            lambda: mcnemar_test([True], [False], alternative="better"),
            "alternative is 'better'; use one of two-sided, greater, less",
        ),
        (lambda: mcnemar_test([], []), "0, 0 values; give one per trial"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

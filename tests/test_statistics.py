"""Statistics over subjects: known answers, SciPy, simulation, bad input."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import brier_score_loss, recall_score, roc_auc_score
from sklearn.pipeline import make_pipeline

from neurodec.evaluation import (
    bootstrap_interval,
    calibration,
    class_recall,
    compare_pipelines,
    confusion_counts,
    effect_size,
    evaluate,
    holm,
    kept_probabilities,
    least_p_value,
    paired_differences,
    score_intervals,
    sign_flip_test,
    subject_scores,
    trial_interval,
)
from neurodec.features import LogVariance

RNG = np.random.default_rng(0)
N_RUNS = 1000


def rows_of(scores, **columns):
    """A row per pipeline and subject of a table of scores."""
    return pd.DataFrame(
        [
            dict(pipeline=name, subject=subject, score=score, **columns)
            for name, column in scores.items()
            for subject, score in enumerate(column, 1)
        ]
    )


def kept_results(answers, scoring="accuracy", classes=("a", "b")):
    """Results with one fold for each (subject, session) of the answers."""
    rows, kept = [], {}
    for (subject, session), arrays in answers.items():
        key = f"{subject}/{session}"
        kept[key] = {name: np.asarray(value) for name, value in arrays.items()}
        row = dict(dataset="d", protocol="p", pipeline="x", subject=subject, fold=0)
        row |= dict(session=session, status="ok", key=key, scoring=scoring)
        right = kept[key]["y_true"] == kept[key]["y_pred"]
        row |= dict(score=right.mean(), details={"classes": list(classes)})
        rows.append(row)
    return SimpleNamespace(rows=pd.DataFrame(rows), predictions=kept.get)


# The subject is the unit


def test_folds_then_sessions_become_one_score():
    rows = pd.DataFrame(
        [
            ("1", "a", 0, 0.5),
            ("1", "a", 1, 0.7),
            ("1", "b", 0, 1.0),
            ("2", "a", 0, 0.3),
        ],
        columns=["subject", "session", "fold", "score"],
    ).assign(pipeline="x", protocol="p")
    table = subject_scores(rows).set_index("subject")
    np.testing.assert_allclose(table["score"], [0.8, 0.3])
    assert table["n_sessions"].tolist() == [2, 1]
    assert table["n_folds"].tolist() == [3, 1]


def test_failed_folds_are_left_out_and_counted():
    rows = pd.DataFrame(
        dict(
            pipeline="x",
            subject=[1, 1, 2],
            fold=[0, 1, 0],
            score=[0.5, np.nan, np.nan],
            status=["ok", "failed", "failed"],
        )
    )
    table = subject_scores(rows)
    np.testing.assert_array_equal(table["score"], [0.5, np.nan])
    assert table["n_failed"].tolist() == [1, 1]
    assert table["n_sessions"].tolist() == [1, 0]


def test_subjects_of_the_same_number_in_two_datasets_are_two():
    rows = pd.concat([rows_of({"x": [0.5]}, dataset=name) for name in "ab"])
    assert len(subject_scores(rows)) == 2


def test_results_agree_with_their_summary(trials):
    results = evaluate(trials, ["mdm", "csp-lda"], ["within-session", "cross-session"])
    scores = subject_scores(results)
    assert len(scores) == 2 * 2 * 2
    means = scores.groupby(["protocol", "pipeline"])["score"].mean()
    summary = results.summary().set_index(["protocol", "pipeline"])["score"]
    np.testing.assert_allclose(means.loc[summary.index], summary)
    again = subject_scores(results.to_moabb())
    np.testing.assert_allclose(again["score"], scores["score"])


# Sign-flip test


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("n", [2, 5, 9])
def test_exact_p_values_are_scipy_s(n, alternative):
    differences = RNG.normal(0.3, 1, n)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", alternative=alternative
    )
    found = sign_flip_test(differences, alternative)
    assert found == pytest.approx(expected.pvalue)


def test_ranks_give_wilcoxon_s_exact_p():
    differences = RNG.normal(0.5, 1, 12)
    ranks = stats.rankdata(np.abs(differences)) * np.sign(differences)
    expected = stats.wilcoxon(differences, method="exact").pvalue
    assert sign_flip_test(ranks) == pytest.approx(expected)


def test_random_patterns_approach_all_of_them_and_never_give_zero():
    differences = RNG.normal(0.5, 1, 12)
    sampled = sign_flip_test(differences, exact=False, n_resamples=20000)
    error = np.sqrt(sampled * (1 - sampled) / 20000)
    assert abs(sampled - sign_flip_test(differences)) < 4 * error
    assert sign_flip_test(np.full(30, 0.1), n_resamples=999) == 0.001
    assert least_p_value(30, n_resamples=999) == 0.001


def test_the_least_p_value_of_few_subjects():
    for n in range(1, 9):
        same_sign = RNG.random(n) + 0.1
        assert sign_flip_test(same_sign, "greater") == least_p_value(n, "greater")
        assert sign_flip_test(same_sign) == least_p_value(n)
    assert least_p_value(5, "greater") == 1 / 32


def test_equal_scores_are_no_evidence():
    assert sign_flip_test(np.zeros(6)) == 1
    # Adding a subject without a difference changes nothing.
    differences = [0.1, 0.2, -0.05, 0.3]
    assert sign_flip_test([*differences, 0]) == sign_flip_test(differences)


def test_sign_and_scale_of_the_scores():
    d = RNG.normal(size=7)
    assert sign_flip_test(100 * d) == sign_flip_test(d) == sign_flip_test(-d)
    assert sign_flip_test(-d, "less") == sign_flip_test(d, "greater")
    assert effect_size(-100 * d) == pytest.approx(-effect_size(d))


# Effect size and correction


def test_effect_size_is_unbiased_where_cohen_s_is_not():
    differences = np.random.default_rng(1).normal(0.8, 1, size=(6, 40000))
    assert effect_size(differences).mean() == pytest.approx(0.8, abs=0.01)
    plain = differences.mean(axis=0) / differences.std(axis=0, ddof=1)
    assert plain.mean() > 0.9


def test_effect_size_of_too_little_is_missing():
    assert np.isnan(effect_size([0.1, 0.2]))
    assert np.isnan(effect_size([0.1, 0.1, 0.1]))


def test_holm_is_the_closed_test_of_bonferroni():
    p = np.array([0.01, 0.02, 0.03, 0.04, 0.2])
    expected = []
    for i in range(len(p)):
        rest = [j for j in range(len(p)) if j != i]
        families = itertools.chain.from_iterable(
            itertools.combinations(rest, size) for size in range(len(p))
        )
        tests = [min(p[[i, *f]]) * (1 + len(f)) for f in families]
        expected.append(min(1, max(tests)))
    np.testing.assert_allclose(holm(p), expected)
    assert (holm(p) >= stats.false_discovery_control(p)).all()


def test_holm_keeps_order_and_missing_tests():
    p = np.array([0.03, np.nan, 0.001, 1.0])
    np.testing.assert_allclose(holm(p), [0.06, np.nan, 0.003, 1.0])
    assert holm([]).shape == (0,)


# Intervals


def test_interval_is_that_of_all_resamples():
    x = np.array([0.61, 0.72, 0.70, 0.85, 0.66])
    everyone = x[np.array(list(itertools.product(range(5), repeat=5)))]
    spread = everyone.std(axis=1, ddof=1)
    with np.errstate(divide="ignore"):
        t = (everyone.mean(axis=1) - x.mean()) / (spread / np.sqrt(5))
    error = x.std(ddof=1) / np.sqrt(5)
    a, b = np.quantile(t, [0.975, 0.025], method="nearest")
    expected = x.mean() - a * error, x.mean() - b * error
    found = bootstrap_interval(x, n_resamples=200_000)
    np.testing.assert_allclose(found, expected, atol=0.15 * error)


def test_interval_agrees_with_scipy_s_resamples():
    x = RNG.beta(8, 2, size=15)
    errors = x.std(ddof=1) / np.sqrt(15)

    def studentised(sample, axis=-1):
        spread = sample.std(axis=axis, ddof=1) / np.sqrt(15)
        return (sample.mean(axis=axis) - x.mean()) / spread

    drawn = stats.bootstrap(
        (x,), studentised, n_resamples=50_000, method="percentile", rng=1
    ).confidence_interval
    expected = x.mean() - np.array([drawn.high, drawn.low]) * errors
    found = bootstrap_interval(x, n_resamples=50_000)
    np.testing.assert_allclose(found, expected, atol=0.1 * errors)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_few_subjects_have_student_s_interval(n):
    x = RNG.random(n)
    expected = stats.ttest_1samp(x, 0).confidence_interval(0.9)
    np.testing.assert_allclose(bootstrap_interval(x, 0.9), expected)


def test_one_subject_and_equal_subjects_have_no_interval():
    for values in ([0.7], [0.7, np.nan], [0.1 + 0.2, 0.3, 0.3, 0.3, 0.3, 0.3]):
        assert np.isnan(bootstrap_interval(values)).all()


def test_mostly_equal_subjects_have_a_finite_interval():
    low, high = bootstrap_interval([1, 1, 1, 1, 1, 0.9])
    assert 0.5 < low < 0.983 < high < 1.5


def test_columns_are_treated_one_by_one_and_missing_subjects_left_out():
    values = RNG.random((9, 3))
    values[4, 1] = np.nan
    low, high = bootstrap_interval(values, n_resamples=500)
    p, d = sign_flip_test(values - 0.5), effect_size(values - 0.5)
    for i in range(3):
        column = values[:, i][~np.isnan(values[:, i])]
        one = bootstrap_interval(column, n_resamples=500)
        np.testing.assert_allclose([low[i], high[i]], one)
        assert p[i] == sign_flip_test(column - 0.5)
        assert d[i] == pytest.approx(effect_size(column - 0.5))


def test_same_seed_same_interval():
    x = RNG.random(8)
    assert bootstrap_interval(x) == bootstrap_interval(x)
    assert bootstrap_interval(x) != bootstrap_interval(x, seed=1)
    moved = np.array(bootstrap_interval(x)) * 3 + 1
    np.testing.assert_allclose(bootstrap_interval(3 * x + 1), moved)


def test_intervals_of_shares_stay_between_0_and_1():
    scores = {"x": [1.0, 0.99, 1.0, 0.7, 1.0, 0.98]}
    bounded = score_intervals(rows_of(scores, scoring="accuracy")).iloc[0]
    free = score_intervals(rows_of(scores, scoring="neg_log_loss")).iloc[0]
    assert bounded["high"] == 1 or bounded["low"] >= 0
    assert bounded["low"] == max(free["low"], 0)
    assert bounded["high"] == min(free["high"], 1)
    assert bounded["over"] == "subjects"


# Pipelines in pairs


def test_every_pair_is_compared_and_corrected():
    means = dict(a=0.6, b=0.7, c=0.9)
    scores = {name: RNG.normal(mean, 0.05, 8) for name, mean in means.items()}
    table = compare_pipelines(rows_of(scores))
    assert list(zip(table["first"], table["second"], strict=True)) == [
        *(("c", "b"), ("c", "a"), ("b", "a"))
    ]
    for row in table.itertuples():
        d = scores[row.first] - scores[row.second]
        assert row.difference == pytest.approx(d.mean())
        assert row.effect_size == pytest.approx(effect_size(d))
        assert row.n_better == (d > 0).sum()
        assert row.p == sign_flip_test(d)
        np.testing.assert_allclose([row.low, row.high], bootstrap_interval(d))
    np.testing.assert_allclose(table["p_holm"], holm(table["p"]))


def test_with_a_reference_fewer_tests_are_corrected_for():
    rows = rows_of({name: RNG.random(6) for name in "abcd"})
    table = compare_pipelines(rows, reference="b", alternative="greater")
    assert set(table["second"]) == {"b"} and len(table) == 3
    np.testing.assert_allclose(table["p_holm"], holm(table["p"]))
    assert len(compare_pipelines(rows)) == 6


def test_a_fold_that_failed_for_one_is_left_out_for_both():
    rows = pd.DataFrame(
        [
            *[("a", 1, 0, 0.9), ("a", 1, 1, 0.5), ("a", 2, 0, 0.6), ("a", 2, 1, 0.6)],
            *[("b", 1, 0, 0.8), ("b", 1, 1, None), ("b", 2, 0, 0.5), ("b", 2, 1, 0.7)],
            ("a", 3, 0, 0.7),
        ],
        columns=["pipeline", "subject", "fold", "score"],
    )
    rows["status"] = np.where(rows["score"].isna(), "failed", "ok")
    found = paired_differences(rows)["b", "a"]
    np.testing.assert_allclose(found.iloc[:2], [-0.1, 0], atol=1e-12)
    assert np.isnan(found.iloc[2])
    assert compare_pipelines(rows)["n_subjects"].tolist() == [2]


def test_five_subjects_say_what_they_cannot_show():
    scores = {"a": np.full(5, 0.9), "b": [0.1, 0.2, 0.15, 0.12, 0.2]}
    row = compare_pipelines(rows_of(scores)).iloc[0]
    assert row["p"] == row["least_p"] == 1 / 16
    row = compare_pipelines(rows_of(scores), alternative="greater").iloc[0]
    assert row["p"] == row["least_p"] == 1 / 32


# Kept answers


def test_recall_and_confusions_are_scikit_learn_s():
    answers = {
        (subject, "0"): dict(
            y_true=RNG.choice(["a", "b", "c"], 60), y_pred=RNG.choice(["a", "b"], 60)
        )
        for subject in (1, 2, 3, 4)
    }
    results = kept_results(answers, classes="abc")
    table = class_recall(results, "x")
    recalls = [
        recall_score(kept["y_true"], kept["y_pred"], average=None)
        for kept in answers.values()
    ]
    np.testing.assert_allclose(table["recall"], np.mean(recalls, axis=0))
    low, high = bootstrap_interval(np.array(recalls))
    np.testing.assert_allclose(table["low"], low.clip(0))
    counts = confusion_counts(results, "x")
    assert counts.to_numpy().sum() == 240 and counts["c"].sum() == 0
    one = confusion_counts(results, "x", subject=2)
    assert one.loc["a", "b"] == np.sum(
        (answers[2, "0"]["y_true"] == "a") & (answers[2, "0"]["y_pred"] == "b")
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_brier_score_is_scikit_learn_s(n_classes):
    classes = np.array(list("abc"[:n_classes]))
    p = RNG.dirichlet(np.ones(n_classes), 50)
    y = RNG.choice(classes, 50)
    expected = brier_score_loss(
        y,
        p[:, 1] if n_classes == 2 else p,
        labels=classes,
        **({"pos_label": "b"} if n_classes == 2 else {}),
    )
    assert calibration(y, p, classes).brier == pytest.approx(expected)


def test_calibration_error_is_the_gap_that_was_made():
    rng = np.random.default_rng(2)
    top = rng.uniform(0.5, 1, 200_000)
    p = np.column_stack([top, 1 - top])
    honest = np.where(rng.random(len(top)) < top, "a", "b")
    assert calibration(honest, p, ["a", "b"]).expected_error < 0.005
    boastful = np.where(rng.random(len(top)) < top - 0.2, "a", "b")
    for bins in ("equal-width", "equal-count"):
        found = calibration(boastful, p, ["a", "b"], bins=bins)
        assert found.expected_error == pytest.approx(0.2, abs=0.005)
        assert found.curve["n_trials"].sum() == len(top)
        low, high = found.curve["low"], found.curve["high"]
        assert found.curve["confidence"].between(low, high).all()


def test_bins_hold_the_edges_and_every_trial():
    p = np.array([[0.5, 0.5], [1.0, 0.0], [0.75, 0.25], [0.0, 1.0]])
    for bins in ("equal-width", "equal-count"):
        curve = calibration(["a"] * 4, p, ["a", "b"], n_bins=2, bins=bins).curve
        assert curve["n_trials"].sum() == 4
    unknown = calibration(["z"], [[1.0, 0.0]], ["a", "b"])
    assert unknown.curve["accuracy"].tolist() == [0] and unknown.brier == 1


def test_kept_log_odds_are_the_probabilities(trials):
    one = trials.select(subject=1)
    pipelines = {"a": make_pipeline(LogVariance(), LinearDiscriminantAnalysis())}
    results = evaluate(one, pipelines, ["cross-session"])
    y, p, classes = kept_probabilities(results, "a", response="log-odds")
    assert classes.tolist() == one.classes.tolist()
    area = [
        roc_auc_score(y[i : i + 20] == classes[1], p[i : i + 20, 1]) for i in (0, 20)
    ]
    np.testing.assert_allclose(area, results.rows["score"])
    test = one.select(session="0")
    train = one.select(session="1")
    fitted = pipelines["a"].fit(train.X, train.y)
    np.testing.assert_allclose(p[:20], fitted.predict_proba(test.X), atol=1e-6)
    with pytest.raises(ValueError, match="decision values.*log-odds"):
        kept_probabilities(results, "a")


def test_classes_that_a_fold_did_not_know_have_probability_0():
    results = kept_results(
        {
            (1, "0"): dict(y_true=["a", "c"], y_pred=["a", "a"], response=np.eye(2)),
            (1, "1"): dict(y_true=["a", "c"], y_pred=["a", "c"], response=np.eye(2)),
        }
    )
    results.rows.at[1, "details"] = {"classes": ["a", "c"]}
    _, p, classes = kept_probabilities(results, "x")
    assert classes.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(p[:, 2], [0, 0, 0, 1])


# One subject


def test_one_subject_has_an_interval_over_its_trials(trials):
    results = evaluate(trials.select(subject=1), ["mdm"], ["within-session"])
    table = score_intervals(results).iloc[0]
    assert table["over"] == "trials" and table["n_subjects"] == 1
    expected = trial_interval(results, "mdm")
    assert (table["low"], table["high"]) == expected
    assert table["low"] < table["score"] < table["high"]
    results = evaluate(trials, ["mdm"], ["within-session"])
    assert score_intervals(results)["over"].tolist() == ["subjects"]


@pytest.mark.parametrize("scoring", ["accuracy", "balanced_accuracy", "roc_auc"])
def test_resampled_scores_vary_as_scores_of_new_trials_do(scoring):
    rng = np.random.default_rng(3)

    def answers():
        y = np.repeat(["a", "b"], [12, 36])
        graded = (rng.normal(size=48) + 1.2 * (y == "b")).round(1)
        y_pred = np.where(graded > 0.6, "b", "a")
        return {(1, "0"): dict(y_true=y, y_pred=y_pred, response=graded)}

    def score(kept):
        y, right = kept["y_true"], kept["y_true"] == kept["y_pred"]
        if scoring == "roc_auc":
            return roc_auc_score(y == "b", kept["response"])
        balanced = np.mean([right[y == c].mean() for c in "ab"])
        return right.mean() if scoring == "accuracy" else balanced

    true_sd = np.std([score(*answers().values()) for _ in range(400)])
    widths = []
    for _ in range(40):
        results = kept_results(answers(), scoring)
        low, high = trial_interval(results, "x", confidence=0.683, n_resamples=400)
        widths.append((high - low) / 2)
    assert np.mean(widths) == pytest.approx(true_sd, rel=0.12)


# Simulation of what the numbers promise


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 8, 12, 20])
@pytest.mark.parametrize("shape", ["normal", "near the ceiling"])
def test_intervals_hold_the_mean_as_often_as_they_say(n, shape):
    rng = np.random.default_rng(n)
    if shape == "normal":
        scores, mean = rng.normal(0.7, 0.1, (n, N_RUNS)), 0.7
    else:
        scores, mean = rng.beta(8, 2, (n, N_RUNS)), 0.8
    low, high = bootstrap_interval(scores, n_resamples=1999)
    coverage = np.mean((low <= mean) & (mean <= high))
    assert (0.93 if shape == "normal" else 0.90) < coverage < 0.975
    # What is not used, because it does not hold what it promises.
    if n in (5, 8):
        percentile = stats.bootstrap(
            (scores,), np.mean, axis=0, n_resamples=499, method="percentile", rng=0
        ).confidence_interval
        worse = np.mean((percentile.low <= mean) & (mean <= percentile.high))
        assert worse < coverage - 0.03


@pytest.mark.slow
@pytest.mark.parametrize("n", [4, 6, 10, 20])
def test_sign_flips_err_as_often_as_they_say(n):
    rng = np.random.default_rng(n)
    subject = rng.normal(0.7, 0.15, (n, N_RUNS))  # good and poor subjects
    scores = subject + rng.laplace(0, 0.05, (2, n, N_RUNS))
    p = sign_flip_test(scores[0] - scores[1], n_resamples=999)
    for alpha in (0.05, 0.1):
        rate, error = np.mean(p <= alpha), np.sqrt(alpha * (1 - alpha) / N_RUNS)
        assert rate < alpha + 3 * error
        if least_p_value(n) < alpha / 3:
            assert rate > alpha / 2


@pytest.mark.slow
def test_holm_bounds_the_chance_of_any_wrong_rejection():
    rng = np.random.default_rng(0)
    n_pipelines, n = 4, 9
    scores = rng.normal(size=(n_pipelines, n, N_RUNS)) + rng.normal(size=(n, N_RUNS))
    pairs = list(itertools.combinations(range(n_pipelines), 2))
    p = np.array([sign_flip_test(scores[a] - scores[b]) for a, b in pairs])
    error = np.sqrt(0.05 * 0.95 / N_RUNS)
    wrong = np.mean([(holm(column) <= 0.05).any() for column in p.T])
    assert wrong < 0.05 + 3 * error
    assert np.mean((p <= 0.05).any(axis=0)) > 0.1  # without correction


@pytest.mark.slow
def test_a_real_difference_is_found():
    rng = np.random.default_rng(0)
    p = sign_flip_test(rng.normal(1, 1, (12, N_RUNS)))
    expected = stats.ttest_1samp(rng.normal(1, 1, (12, N_RUNS)), 0).pvalue
    assert np.mean(p <= 0.05) == pytest.approx(np.mean(expected <= 0.05), abs=0.05)

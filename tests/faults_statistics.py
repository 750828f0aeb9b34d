"""Faults of the statistics and of the kept answers."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from neurodec.evaluation import (
    bootstrap_interval,
    calibration,
    class_recall,
    compare_pipelines,
    holm,
    kept_probabilities,
    least_p_value,
    sign_flip_test,
    subject_scores,
    trial_interval,
)
from neurodec.reporting import comparison_matrix, plot_differences

ROWS = pd.DataFrame(
    {
        "pipeline": ["mdm", "mdm", "ts-lr", "ts-lr"],
        "subject": [1, 2, 1, 2],
        "score": [0.6, 0.7, 0.8, 0.9],
    }
)


def rows(**columns):
    return ROWS.assign(**columns)


def results(response=(-3.0, 4.0), scoring="accuracy", subjects=(1,)):
    """Two test trials of each subject, as an evaluation keeps them."""
    table = pd.DataFrame(
        [
            dict(dataset="d", protocol="p", pipeline="ts-svm", subject=s, session="0")
            | dict(fold=0, status="ok", score=1.0, scoring=scoring, key=str(s))
            | dict(details={"classes": ["a", "b"]})
            for s in subjects
        ]
    )
    y = np.array(["a", "b"])
    kept = dict(y_true=y, y_pred=y, response=np.array(response))
    return SimpleNamespace(
        rows=table, predictions=lambda key: kept, summary=None, description={}
    )


def benchmark_of_one_subject():
    found = results()
    others = found.rows.assign(pipeline="mdm", score=0.5)
    found.rows = pd.concat([found.rows, others], ignore_index=True).assign(
        target="none", transductive=False, scores=[{}] * 2, chance=0.5, time=0.1,
        chance_level=0.6, majority=0.5, n_classes=2, channels=3, error="",
    )  # fmt: skip
    return found


FAULTS = [
    (
        bootstrap_interval,
        "infinite score",
        lambda _: bootstrap_interval([0.7, -np.inf, 0.8]),
        ["-inf", "leave out the subject"],
    ),
    (
        bootstrap_interval,
        "confidence in percent",
        lambda _: bootstrap_interval([0.7, 0.8], 95),
        ["confidence is 95", "such as 0.95"],
    ),
    (
        bootstrap_interval,
        "too few resamples for the tails",
        lambda _: bootstrap_interval([0.7, 0.8], n_resamples=10),
        ["n_resamples is 10", "from 80"],
    ),
    (
        sign_flip_test,
        "unknown alternative",
        lambda _: sign_flip_test([0.1, 0.2], "larger"),
        ["'larger'", "choose one of two-sided, greater, less"],
    ),
    (
        sign_flip_test,
        "exact with many subjects",
        lambda _: sign_flip_test(np.ones(40), exact=True),
        ["40 subjects", "leave exact at None"],
    ),
    (
        sign_flip_test,
        "no subject",
        lambda _: sign_flip_test([]),
        ["(0,)", "at least one"],
    ),
    (
        least_p_value,
        "no subject",
        lambda _: least_p_value(0),
        ["n_subjects is 0", "from 1"],
    ),
    (
        holm,
        "p-values in percent",
        lambda _: holm([0.2, 5.0]),
        ["[5.0]", "give one list of p-values"],
    ),
    (
        subject_scores,
        "folds without numbers",
        lambda _: subject_scores(rows(subject=1)),
        ["two rows for mdm, subject 1", "number the folds in a column 'fold'"],
    ),
    (
        subject_scores,
        "missing column",
        lambda _: subject_scores(ROWS.rename(columns={"subject": "who"})),
        ["['subject']", "who", "rename them"],
    ),
    (
        subject_scores,
        "scorers mixed",
        lambda _: subject_scores(rows(scoring=["roc_auc"] * 2 + ["accuracy"] * 2)),
        ["roc_auc and accuracy", "keep the rows of one scorer"],
    ),
    (
        subject_scores,
        "infinite score",
        lambda _: subject_scores(rows(score=[0.5, -np.inf, 0.5, 0.5])),
        ["mdm, subject 2, is -inf", "use a scorer that is finite"],
    ),
    (
        subject_scores,
        "no rows",
        lambda _: subject_scores([]),
        ["list", "pass Results"],
    ),
    (
        compare_pipelines,
        "several protocols",
        lambda _: compare_pipelines(rows(protocol=["a", "b"] * 2)),
        ["['a', 'b']", "name one with protocol="],
    ),
    (
        compare_pipelines,
        "unknown protocol",
        lambda _: compare_pipelines(rows(protocol="a"), "b"),
        ["'b'", "choose one of ['a']"],
    ),
    (
        compare_pipelines,
        "one pipeline",
        lambda _: compare_pipelines(ROWS[:2]),
        ["['mdm']", "evaluate another one"],
    ),
    (
        compare_pipelines,
        "unknown reference",
        lambda _: compare_pipelines(ROWS, reference="ts_lr"),
        ["'ts_lr'", "did you mean ts-lr?"],
    ),
    (
        class_recall,
        "unknown pipeline",
        lambda _: class_recall(results(), "mdm"),
        ["'mdm'", "choose one of ['ts-svm']"],
    ),
    (
        class_recall,
        "rows without answers",
        lambda _: class_recall(ROWS, "mdm"),
        ["DataFrame", "pass Results"],
    ),
    (
        kept_probabilities,
        "decision values",
        lambda _: kept_probabilities(results(), "ts-svm"),
        ["from -3 to 4", "response='log-odds'", "CalibratedPipeline"],
    ),
    (
        kept_probabilities,
        "labels only",
        lambda _: kept_probabilities(results(np.empty((2, 0))), "ts-svm"),
        ["'ts-svm' gives labels only", "predict_proba"],
    ),
    (
        calibration,
        "decision values",
        lambda _: calibration(["a"], [[-1.0, 2.0]], ["a", "b"]),
        ["row 0", "[-1.0, 2.0]", "sum to 1"],
    ),
    (
        calibration,
        "one column for two classes",
        lambda _: calibration(["a"], [[0.4]], ["a", "b"]),
        ["(1, 1)", "one column per class"],
    ),
    (
        trial_interval,
        "several subjects",
        lambda _: trial_interval(results(subjects=(1, 2)), "ts-svm"),
        ["2 subjects", "name one with subject="],
    ),
    (
        trial_interval,
        "another scorer",
        lambda _: trial_interval(results(scoring="cohen_kappa"), "ts-svm"),
        ["cohen_kappa", "accuracy, balanced_accuracy, roc_auc"],
    ),
    (
        plot_differences,
        "one subject",
        lambda _: plot_differences(benchmark_of_one_subject(), "p"),
        ["p has scores of one subject", "evaluate more of them"],
    ),
    (
        comparison_matrix,
        "unknown value",
        lambda _: comparison_matrix(compare_pipelines(ROWS), "pvalue"),
        ["'pvalue'", "p_holm"],
    ),
]

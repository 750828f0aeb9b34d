"""Fold for fold, our scores are those of MOABB's evaluation classes."""

import hashlib

import matplotlib
import numpy as np
import pandas as pd
import pytest
from moabb.evaluations import (
    CrossSessionEvaluation,
    CrossSubjectEvaluation,
    WithinSessionEvaluation,
)
from sklearn.metrics import get_scorer

from neurodec.datasets import as_moabb, dataset_info, load
from neurodec.decoders import list_pipelines, load_pipeline
from neurodec.evaluation import evaluate, get_protocol

IMAGERY = list_pipelines("LeftRightImagery")
CLASSES = {
    "within-session": WithinSessionEvaluation,
    "cross-session": CrossSessionEvaluation,
    "cross-subject": CrossSubjectEvaluation,
}
SEED = 42


class RecordingScorer:
    """ROC-AUC that remembers each test part that MOABB scored."""

    def __init__(self):
        self.scores = {}

    def __call__(self, estimator, X, y):
        score = get_scorer("roc_auc")(estimator, X, y)
        self.scores[hashlib.sha256(np.ascontiguousarray(X)).hexdigest()] = score
        return score


def moabb_scores(dataset, paradigm, protocol, name, folder):
    """Scores by test part, from MOABB's own loop, with an empty result cache."""
    recorder = RecordingScorer()
    paradigm.scorer = recorder
    evaluation = CLASSES[protocol](
        paradigm=paradigm,
        datasets=[dataset],
        random_state=SEED,
        n_jobs=1,
        overwrite=True,
        hdf5_path=str(folder),
    )
    pipeline = load_pipeline(name)
    table = evaluation.process({name: pipeline})
    return recorder.scores, table


def our_scores(trials, results, protocol, name):
    """Scores by test part, from our rows."""
    rows = results.rows.query("protocol == @protocol and pipeline == @name")
    rows = rows.set_index(["subject", "session", "fold"])["score"]
    scores = {}
    for fold in get_protocol(protocol).folds(trials.y, trials.metadata, SEED):
        part = hashlib.sha256(np.ascontiguousarray(trials.X[fold.test])).hexdigest()
        scores[part] = rows[fold.subject, fold.session, fold.number]
    return scores


def assert_equal_scores(ours, theirs):
    assert set(ours) == set(theirs)
    difference = max(abs(ours[part] - theirs[part]) for part in ours)
    assert difference <= 1e-10


@pytest.fixture(scope="module")
def simulated():
    trials = load("simulated", subjects=[1, 2, 3])
    return trials, evaluate(trials, IMAGERY, list(CLASSES), seed=SEED)


@pytest.mark.parametrize("protocol", CLASSES)
@pytest.mark.parametrize("name", IMAGERY)
def test_simulated_set_through_the_bridge(name, protocol, simulated, tmp_path):
    trials, results = simulated
    dataset, paradigm = as_moabb(trials)
    theirs, table = moabb_scores(dataset, paradigm, protocol, name, tmp_path)
    assert_equal_scores(our_scores(trials, results, protocol, name), theirs)
    # MOABB's own table (float32, folds averaged) agrees with ours.
    ours = results.rows.query("protocol == @protocol and pipeline == @name")
    ours = ours.groupby(["subject", "session"])["score"].mean()
    for row in table.itertuples():
        assert row.score == pytest.approx(ours[int(row.subject), row.session], abs=1e-6)


@pytest.mark.realdata
@pytest.mark.parametrize("name", IMAGERY)
def test_physionet_through_moabbs_own_dataset_and_paradigm(
    name, physionet, tmp_path, monkeypatch
):
    from moabb.datasets import PhysionetMI
    from moabb.paradigms import LeftRightImagery

    from neurodec.datasets.local import find_folder, moabb_reads_locally

    trials, results = physionet
    low, high = dataset_info("physionet_mi")["recipe"]["band"]
    paradigm = LeftRightImagery(fmin=low, fmax=high)
    folder = find_folder("MNE-eegbci-data").parent
    with moabb_reads_locally("EEGBCI", folder):
        theirs, _ = moabb_scores(
            PhysionetMI(subjects=[1]), paradigm, "within-session", name, tmp_path
        )
    assert_equal_scores(our_scores(trials, results, "within-session", name), theirs)


@pytest.fixture(scope="module")
def physionet(real_data):
    trials = load("physionet_mi", [1])
    return trials, evaluate(trials, IMAGERY, ["within-session"], seed=SEED)


@pytest.fixture(scope="module")
def bnci(real_data):
    trials = load("bnci2014_004", [1, 4])
    return trials, evaluate(trials, IMAGERY, list(CLASSES)[:2], seed=SEED)


@pytest.mark.realdata
@pytest.mark.parametrize("protocol", list(CLASSES)[:2])
@pytest.mark.parametrize("name", IMAGERY)
def test_bnci2014_004_through_the_bridge(name, protocol, bnci, tmp_path):
    trials, results = bnci
    dataset, paradigm = as_moabb(trials)
    theirs, _ = moabb_scores(dataset, paradigm, protocol, name, tmp_path)
    assert_equal_scores(our_scores(trials, results, protocol, name), theirs)


@pytest.fixture(scope="module")
def all_of_bnci(real_data):
    trials = load("bnci2014_004")
    return trials, evaluate(trials, IMAGERY, list(CLASSES), seed=SEED, n_jobs=2)


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("protocol", CLASSES)
@pytest.mark.parametrize("name", IMAGERY)
def test_all_subjects_of_bnci2014_004(name, protocol, all_of_bnci, tmp_path):
    trials, results = all_of_bnci
    dataset, paradigm = as_moabb(trials)
    theirs, _ = moabb_scores(dataset, paradigm, protocol, name, tmp_path)
    assert_equal_scores(our_scores(trials, results, protocol, name), theirs)


def test_moabb_analysis_plots_our_export(simulated):
    matplotlib.use("Agg")
    from moabb.analysis import plotting
    from moabb.analysis.meta_analysis import (
        compute_dataset_statistics,
        find_significant_differences,
    )

    table = simulated[1].to_moabb().query("protocol == 'within-session'")
    assert plotting.score_plot(table)[0].axes
    assert plotting.paired_plot(table, "mdm", "ts-lr").axes
    # MOABB's rows are sessions, as ours are after the mean over folds.
    statistics = compute_dataset_statistics(
        table.groupby(
            ["dataset", "pipeline", "subject", "session", "n_sessions", "channels"],
            as_index=False,
        )[["score", "time", "samples", "samples_test", "n_classes"]].mean()
    )
    assert isinstance(statistics, pd.DataFrame)
    p_values, effects = find_significant_differences(statistics)
    assert plotting.summary_plot(p_values, effects).axes

"""Fold for fold, our scores are those of MOABB's evaluation classes."""

import hashlib

import matplotlib
import numpy as np
import pandas as pd
import pytest
from moabb.evaluations import (
    CrossSessionEvaluation,
    CrossSubjectEvaluation,
    CrossSubjectMode,
    WithinSessionEvaluation,
)
from moabb.evaluations.splitters import CrossSubjectSplitter
from pyriemann.estimation import Covariances
from pyriemann.geometry.base import invsqrtm
from pyriemann.geometry.covariance import covariances
from pyriemann.geometry.mean import gmean
from pyriemann.tangentspace import TangentSpace
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.pipeline import make_pipeline

from neurodec.datasets import as_moabb, dataset_info, load
from neurodec.decoders import list_pipelines, load_pipeline
from neurodec.evaluation import evaluate, get_protocol
from neurodec.evaluation.scoring import asks_for
from neurodec.preprocessing import Recenter

# Without those that ask for the sampling rate, which MOABB's arrays do not know, or for
# domains, which MOABB does not name.
IMAGERY = [
    name
    for name in list_pipelines("LeftRightImagery")
    if not any(key.endswith("__sfreq") for key in load_pipeline(name).get_params())
    and not asks_for(load_pipeline(name), "domains")
]
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


def test_aligned_pipelines_agree_within_a_session(simulated, tmp_path):
    trials = simulated[0].select(subject=1)
    dataset, paradigm = as_moabb(trials)
    name, protocol = "recenter-ts-lr", "within-session"
    theirs, _ = moabb_scores(dataset, paradigm, protocol, name, tmp_path)
    results = evaluate(trials, [name], [protocol], seed=SEED)
    assert_equal_scores(our_scores(trials, results, protocol, name), theirs)


# MOABB's cross-subject modes

MODES = {
    "train": "none",
    "train_trialwise": "none",
    "train_and_target_unlabeled_20p": "prefix(20%)",
    "train_and_target_unlabeled_50p": "prefix(50%)",
    "train_and_target_unlabeled_full": "all",
    "train_and_target_labeled_20p": "prefix(20%, labelled)",
    "train_and_target_labeled_50p": "prefix(50%, labelled)",
}


class AlignedForMoabb(ClassifierMixin, BaseEstimator):
    """Recentring by subject, written with pyRiemann alone, as MOABB's modes feed it."""

    __metadata_request__fit = dict.fromkeys(
        ("subjects", "X_target_unlabeled", "X_target_labeled", "y_target_labeled"), True
    )

    def fit(
        self,
        X,
        y,
        subjects=None,
        X_target_unlabeled=None,
        X_target_labeled=None,
        y_target_labeled=None,
    ):
        self.classes_ = np.unique(y)
        means = {s: self._mean(X[subjects == s]) for s in dict.fromkeys(subjects)}
        origin = gmean(np.stack(list(means.values())))
        self.start_ = invsqrtm(origin)
        maps = {s: self._map(mean) for s, mean in means.items()}
        target = X_target_unlabeled
        if target is None:
            target = X_target_labeled
        self.map_ = self._map(origin if target is None else self._mean(target))
        self.pipeline_ = clone(DECODER).fit(
            np.stack([maps[s] for s in subjects]) @ X, y
        )
        return self

    @staticmethod
    def _mean(X):
        return gmean(covariances(X, "scm"))

    def _map(self, mean):
        return invsqrtm(self.start_ @ mean @ self.start_) @ self.start_

    def decision_function(self, X):
        return self.pipeline_.decision_function(self.map_ @ X)

    def predict(self, X):
        return self.pipeline_.predict(self.map_ @ X)


DECODER = make_pipeline(Covariances("oas"), TangentSpace(), LogisticRegression())


@pytest.fixture(scope="module")
def one_session():
    """MOABB pools the sessions of a subject, and we do not."""
    return load("simulated", subjects=[1, 2, 3]).select(session="0")


@pytest.mark.parametrize("mode", MODES)
def test_scores_of_moabbs_cross_subject_modes(mode, one_session, tmp_path):
    dataset, paradigm = as_moabb(one_session)
    evaluation = CrossSubjectEvaluation(
        paradigm=paradigm,
        datasets=[dataset],
        random_state=SEED,
        cs_mode=mode,
        overwrite=True,
        hdf5_path=str(tmp_path),
    )
    recorder = RecordingScorer()
    if mode != "train_trialwise":  # Which takes names of scorers only.
        paradigm.scorer = recorder
    table = evaluation.process({"aligned": AlignedForMoabb()})
    protocol = get_protocol("cross-subject", MODES[mode])
    ours = {"aligned": make_pipeline(Recenter("trials", prior=0), *DECODER)}
    rows = evaluate(one_session, ours, protocol, seed=SEED).rows
    assert (rows["status"] == "ok").all()
    assert rows["transductive"].all() == ("full" in mode)
    scores = rows.set_index("subject")["score"]
    for row in table.itertuples():
        assert row.score == pytest.approx(scores[int(row.subject)], abs=1e-6)
    if recorder.scores:
        folds = protocol.folds(one_session.y, one_session.metadata, SEED)
        for fold in folds:
            part = np.ascontiguousarray(one_session.X[fold.test])
            theirs = recorder.scores[hashlib.sha256(part).hexdigest()]
            assert abs(theirs - scores[fold.subject]) <= 1e-10


@pytest.mark.parametrize("mode", MODES)
def test_calibration_and_test_trials_of_moabbs_modes(mode, simulated):
    trials = simulated[0]
    theirs = CrossSubjectSplitter(
        calibration_size=CrossSubjectMode(mode).calibration_size,
        calibration_labeled=CrossSubjectMode(mode).calibration_labeled,
    )
    protocol = get_protocol("cross-subject", MODES[mode])
    folds = protocol.folds(trials.y, trials.metadata, SEED)
    for train, *calibration, test in theirs.split(trials.y, trials.metadata):
        subject = trials.metadata["subject"][test[0]]
        ours = [fold for fold in folds if fold.subject == subject]
        assert all(np.array_equal(fold.train, train) for fold in ours)
        tested = np.concatenate([fold.test for fold in ours])
        np.testing.assert_array_equal(np.sort(tested), test)
        given = np.concatenate([fold.given for fold in ours])
        if "full" in mode:  # MOABB gives what it tests; we say so by the target.
            np.testing.assert_array_equal(calibration[0], test)
        else:
            np.testing.assert_array_equal(np.sort(given), np.concatenate(
                [*calibration, np.empty(0, int)]
            ))  # fmt: skip

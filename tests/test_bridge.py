"""Trials come from MOABB bit by bit and go back to its three evaluations."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from moabb.analysis.results import get_pipeline_digest
from moabb.datasets.fake import FakeDataset
from moabb.evaluations import (
    CrossSessionEvaluation,
    CrossSubjectEvaluation,
    WithinSessionEvaluation,
)
from moabb.paradigms import (
    P300,
    FilterBankLeftRightImagery,
    LeftRightImagery,
    MotorImagery,
)
from pyriemann.estimation import Covariances
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline

from neurodec.datasets import as_moabb, dataset_info, load, trials_from_moabb
from neurodec.datasets.local import moabb_reads_locally
from neurodec.evaluation import get_protocol

# Of MOABB, and nothing that we could mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Montage name:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Creating a dataset without"),
]
EVALUATIONS = {
    "within-session": WithinSessionEvaluation,
    "cross-session": CrossSessionEvaluation,
    "cross-subject": CrossSubjectEvaluation,
}
LOCAL_SETS = [
    ("bnci2014_004", [1, 2]),
    ("kalunga2016", [1, 2]),
    ("meg_wrist", None),
    ("muse_n170", None),
    ("muse_p300", None),
    ("p300_bci2_iib", None),
    ("p300_gtec", [1, 2]),
    ("physionet_mi", [1]),
    ("simulated", [1, 2]),
]


class LogVariance(TransformerMixin, BaseEstimator):
    """Of arrays and of epochs."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        X = X if isinstance(X, np.ndarray) else X.get_data()
        return np.log(X.var(axis=-1))


def pipelines():
    return {"log-variance": make_pipeline(LogVariance(), LinearDiscriminantAnalysis())}


def score(trials, protocol, path, **kwargs):
    dataset, paradigm = as_moabb(trials)
    evaluation = EVALUATIONS[protocol](
        paradigm, [dataset], hdf5_path=str(path), random_state=42, **kwargs
    )
    return evaluation.process(pipelines())


def by_hand(trials, protocol):
    """Mean AUC by subject and session, with our folds and a plain loop."""
    rows = []
    for fold in get_protocol(protocol).folds(trials.y, trials.metadata, seed=42):
        (pipeline,) = pipelines().values()
        X, y = trials.X, trials.y == trials.classes[1]
        response = pipeline.fit(X[fold.train], y[fold.train]).decision_function(
            X[fold.test]
        )
        positive, negative = response[y[fold.test]], response[~y[fold.test]]
        auc = np.mean(positive[:, None] > negative)
        rows.append((str(fold.subject), str(fold.session), auc))
    table = pd.DataFrame(rows, columns=["subject", "session", "score"])
    return table.groupby(["subject", "session"])["score"].mean().sort_index()


# --- from MOABB ---------------------------------------------------------------


def check_bit_equal(dataset, paradigm, subjects):
    trials = trials_from_moabb(dataset, paradigm, subjects)
    X, y, metadata = paradigm.get_data(dataset, subjects)
    assert trials.X.dtype == X.dtype
    np.testing.assert_array_equal(trials.X, X)
    assert trials.y.tolist() == list(y)
    columns = ["subject", "session", "run"]
    pd.testing.assert_frame_equal(trials.metadata[columns], metadata[columns])
    return trials


@pytest.mark.parametrize(
    "settings",
    [
        dict(),
        dict(fmin=4, fmax=30, tmin=0.5, tmax=2.0, baseline=(0, 0.5)),
        dict(resample=64),
        dict(channels=["C4", "C3"]),
    ],
)
@pytest.mark.parametrize("annotations", [False, True])
def test_trials_from_moabb_are_its_arrays(settings, annotations):
    dataset = FakeDataset(
        ["left_hand", "right_hand"],
        n_subjects=2,
        n_sessions=2,
        n_runs=2,
        duration=60,
        n_events=10,
        seed=4,
        stim=not annotations,
        annotations=annotations,
    )
    trials = check_bit_equal(dataset, LeftRightImagery(**settings), [2, 1])
    assert trials.unit == 1e-6
    assert trials.metadata.groupby(["subject", "session", "run"]).size().to_dict() == {
        (subject, session, run): 10
        for subject in (1, 2)
        for session in "01"
        for run in "01"
    }
    assert trials.metadata["subject"].tolist() == [2] * 40 + [1] * 40


def test_onsets_and_window_of_moabb_trials():
    dataset = FakeDataset(n_subjects=1, n_sessions=1, n_runs=1, duration=60, n_events=9)
    paradigm = MotorImagery(n_classes=3, tmin=0.25, tmax=1.0)
    trials = trials_from_moabb(dataset, paradigm, [1])
    raw = dataset.get_data([1])[1]["0"]["0"]
    onsets = trials.metadata["onset"]
    np.testing.assert_allclose(onsets, raw.annotations.onset, atol=1e-6)
    assert trials.tmin == 0.25
    assert trials.n_times == 97
    assert trials.name == dataset.code
    resampled = trials_from_moabb(dataset, MotorImagery(n_classes=3, resample=64), [1])
    assert "onset" not in resampled.metadata  # Its sample numbers are of another rate.


@pytest.mark.parametrize(
    ("paradigm", "pieces"),
    [
        (P300(), ["P300", "FakeDataset", "imagery", "choose"]),
        (
            FilterBankLeftRightImagery(),
            [f"{len(FilterBankLeftRightImagery().filters)} bands", "inside the est"],
        ),
    ],
    ids=["other kind", "filter bank"],
)
def test_a_paradigm_that_does_not_fit_is_refused(paradigm, pieces):
    dataset = FakeDataset(["left_hand", "right_hand"], n_subjects=1, n_sessions=1)
    with pytest.raises(ValueError) as caught:
        trials_from_moabb(dataset, paradigm)
    for piece in pieces:
        assert piece in str(caught.value)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "subjects", "runs"),
    [
        (
            "physionet_mi",
            [1],
            {(1, "0", "0"): 15, (1, "0", "1"): 15, (1, "0", "2"): 15},
        ),
        ("kalunga2016", [7], {(7, "0", "0"): 24, (7, "0", "1"): 24, (7, "0", "2"): 24}),
    ],
)
def test_real_sets_are_bit_equal_to_moabbs_arrays(name, subjects, runs, real_data):
    import moabb.datasets
    import moabb.paradigms

    entry = dataset_info(name)
    source, (low, high) = entry["source"], entry["recipe"]["band"]
    paradigm = getattr(moabb.paradigms, source["paradigm"])(
        fmin=low, fmax=high, **source.get("paradigm_parameters", {})
    )
    dataset = getattr(moabb.datasets, source["moabb"])()
    with moabb_reads_locally(source["sign"], real_data / "mne_data"):
        trials = check_bit_equal(dataset, paradigm, subjects)
    loaded = load(name, subjects)
    assert loaded.fingerprint() == trials.fingerprint()
    assert loaded.metadata.groupby(["subject", "session", "run"]).size().to_dict() == (
        runs
    )
    assert loaded.tmin == dataset.interval[0]


# --- to MOABB -----------------------------------------------------------------


@pytest.mark.parametrize("protocol", EVALUATIONS)
@pytest.mark.parametrize(
    "changes",
    [
        dict(),
        dict(unit=1e-6),
        dict(unit=1e-15, ch_types="mag"),
        dict(subject=np.repeat(["anna", "bert", "carl"], 40)),
        dict(session=np.tile(np.repeat(["1morning", "2noon"], 20), 3)),
    ],
    ids=["eeg", "microvolt", "meg", "names as subjects", "names as sessions"],
)
def test_moabbs_evaluations_accept_trials(protocol, changes, trials_factory, tmp_path):
    trials = trials_factory(n_subjects=3, **changes)
    table = score(trials, protocol, tmp_path).set_index(["subject", "session"])
    wanted = by_hand(trials, protocol)
    assert len(table) == 6
    assert 0.7 < wanted.mean() < 1  # Neither noise nor trivial.
    np.testing.assert_allclose(table["score"].sort_index(), wanted, atol=1e-6)


@pytest.mark.parametrize("protocol", EVALUATIONS)
def test_epochs_score_as_arrays_do(protocol, trials_factory, tmp_path):
    trials = trials_factory(unit=1e-6, y=np.tile([3, 1], 40))
    arrays = score(trials, protocol, tmp_path, suffix="arrays")
    epochs = score(trials, protocol, tmp_path, suffix="epochs", return_epochs=True)
    keys = ["subject", "session"]
    pd.testing.assert_series_equal(
        arrays.set_index(keys)["score"].sort_index(),
        epochs.set_index(keys)["score"].sort_index(),
    )


def test_a_subject_with_one_session_is_passed_over(trials_factory, tmp_path):
    trials = trials_factory(n_subjects=3)
    of_first = trials.metadata["subject"] == 1
    trials = trials[~(of_first & (trials.metadata["session"] == "1"))]
    table = score(trials, "cross-session", tmp_path)
    assert sorted(set(table["subject"])) == ["2", "3"]


def test_the_pair_hands_on_what_the_trials_hold(trials_factory):
    trials = trials_factory(unit=1e-6, tmin=-0.5)
    dataset, paradigm = as_moabb(trials)
    X, y, metadata = paradigm.get_data(dataset, [2])
    part = trials.select(subject=2)
    np.testing.assert_array_equal(X, part.X)
    assert y.tolist() == part.y.tolist()
    pd.testing.assert_frame_equal(metadata, part.metadata)
    epochs, *_ = paradigm.get_data(dataset, [2], return_epochs=True)
    np.testing.assert_allclose(epochs.get_data(), part.X * 1e-6, rtol=1e-15)
    assert epochs.tmin == -0.5
    assert dataset.subject_list == [1, 2]
    with pytest.raises(ValueError, match="continuous.*return_epochs"):
        paradigm.get_data(dataset, return_raws=True)


def test_default_scoring_and_another(trials_factory):
    two, four = trials_factory(), trials_factory(y=np.tile([1, 2, 3, 4], 20))
    assert as_moabb(two)[1].scoring == "roc_auc"
    assert as_moabb(four)[1].scoring == "accuracy"
    assert as_moabb(two, "balanced_accuracy")[1].scoring == "balanced_accuracy"


def digest_of(trials):
    dataset, paradigm = as_moabb(trials)
    (process,) = paradigm.make_process_pipelines(dataset)
    return get_pipeline_digest(process, make_pipeline(Covariances()))


def test_one_other_sample_is_another_result_to_moabb(trials_factory, tmp_path):
    trials = trials_factory()
    X = trials.X.copy()
    X[trials.y == "left_hand", 1] *= 3  # Other data, by far.
    other = trials_factory()
    other = type(other)(X, trials.y, trials.metadata, trials.info, name=trials.name)
    X = trials.X.copy()
    X[7, 1, 11] = np.nextafter(X[7, 1, 11], np.inf)
    barely = type(other)(X, trials.y, trials.metadata, trials.info, name=trials.name)
    assert digest_of(trials) == digest_of(trials_factory())
    assert len({digest_of(t) for t in (trials, other, barely)}) == 3
    # In one result file: the second run must not find the scores of the first.
    first = score(trials, "within-session", tmp_path)
    second = score(other, "within-session", tmp_path)
    again = score(trials, "within-session", tmp_path)
    assert second["score"].mean() > first["score"].mean() + 0.02
    assert again["score"].mean() == first["score"].mean()


def test_evaluation_leaves_the_trials_as_they_were(trials, tmp_path):
    before = hashlib.sha256(np.ascontiguousarray(trials.X).data).hexdigest()
    score(trials, "cross-subject", tmp_path)
    assert hashlib.sha256(np.ascontiguousarray(trials.X).data).hexdigest() == before


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "subjects"), LOCAL_SETS)
def test_moabb_evaluates_every_local_set(name, subjects, tmp_path):
    trials = load(name, subjects)
    metadata = trials.metadata
    protocols = ["within-session"]
    if metadata.groupby("subject")["session"].nunique().max() > 1:
        protocols.append("cross-session")
    if metadata["subject"].nunique() > 1:
        protocols.append("cross-subject")
    for protocol in protocols:
        table = score(trials, protocol, tmp_path)
        folds = get_protocol(protocol).folds(trials.y, metadata, seed=42)
        wanted = {(str(fold.subject), str(fold.session)) for fold in folds}
        assert set(zip(table["subject"], table["session"], strict=True)) == wanted
        assert table["score"].between(0, 1).all()
        assert set(table["channels"]) == {len(trials.ch_names)}

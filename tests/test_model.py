"""A fitted model: applied to trials, events and sliding windows; saved and loaded."""

import json
import os
import subprocess
import sys

import mne
import numpy as np
import pandas as pd
import pytest
from contract import SFREQ, make_easy
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from neurodec.datasets import (
    dataset_info,
    load,
    trials_from_arrays,
    trials_from_epochs,
    trials_from_raw,
)
from neurodec.decoders import (
    fit_model,
    list_pipelines,
    load_model,
    load_pipeline,
    pipeline_info,
)
from neurodec.decoders._state import from_state, to_state
from neurodec.evaluation import evaluate
from neurodec.preprocessing import Recipe

RECIPE = Recipe(band=(8, 30), tmin=0.0, tmax=0.5)
EVENTS = {"left": "left", "right": "right"}


@pytest.fixture(scope="module")
def raw(raw_factory):
    return raw_factory(n_trials=24)


@pytest.fixture(scope="module")
def cut(raw):
    return trials_from_raw(raw, EVENTS, RECIPE)


@pytest.fixture(scope="module")
def model(cut):
    return fit_model(cut, "ts-lr")


def same_answers(actual, expected):
    pd.testing.assert_frame_equal(actual, expected, check_exact=True)


def again(model, folder):
    return load_model(model.save(folder / "model"))


# Answers.


def test_answers_as_the_pipeline_alone(trials):
    model = fit_model(trials, "ts-lr")
    pipeline = load_pipeline("ts-lr").fit(trials.X, trials.y)
    assert_array_equal(model.predict(trials), pipeline.predict(trials.X))
    assert_array_equal(model.predict_proba(trials), pipeline.predict_proba(trials.X))
    assert model.predict(trials).dtype == trials.y.dtype


def test_answers_as_in_an_evaluation(trials):
    results = evaluate(trials, ["csp-lda"], ["cross-session"])
    for key, row in results.rows.set_index("key").iterrows():
        one = trials.select(subject=row["subject"])
        test = one.metadata["session"] == row["session"]
        found = fit_model(one[~test], "csp-lda").predict(one[test])
        assert_array_equal(found, results.predictions(key)["y_pred"])


def test_a_recording_gives_what_its_trials_give(raw, cut, model):
    before = raw.get_data()
    table = model.apply(raw, event_id=["left", "right"])
    expected = model.apply(cut)
    assert_array_equal(table["predicted"], expected["predicted"])
    assert_array_equal(table["probability_left"], expected["probability_left"])
    assert_array_equal(table["event"], ["left", "right"] * 12)
    assert_allclose(table["onset"], np.arange(1, 25))
    assert_allclose(table["time"], table["onset"] + 0.5)
    assert_array_equal(raw.get_data(), before)


def test_trigger_codes_and_events(raw, model):
    expected = model.apply(raw, event_id=["left"]).drop(columns="event")
    by_code = model.apply(raw, event_id=[1])
    assert set(by_code.pop("event")) == {"1"}
    same_answers(by_code, expected)
    events = mne.find_events(raw, verbose=False)
    by_events = model.apply(raw, events=events[events[:, 2] == 1])
    same_answers(by_events.drop(columns="event"), expected)


def test_channels_are_found_by_name(raw, model):
    expected = model.apply(raw, event_id=["left"])
    assert not any("order" in note for note in expected.attrs["notes"])
    extra = raw.copy().pick(["EEG2", "STIM4", "EEG0", "EOG3", "EEG1"])
    extra.add_channels(
        [raw.copy().pick(["EEG0"]).rename_channels({"EEG0": "Fp1"})],
        force_update_info=True,
    )
    found = model.apply(extra, event_id=["left"])
    same_answers(found, expected)
    assert any("another order" in note for note in found.attrs["notes"])


def test_sliding_windows_are_events_at_every_step(raw, model):
    table = model.apply(raw, step=0.25)
    # 51 samples at 100 Hz in a recording of 26 s.
    assert_allclose(table["onset"], np.arange(0, 25.49, 0.25))
    assert_allclose(table["time"], table["onset"] + 0.5)
    samples = np.round(100 * table["onset"].to_numpy()).astype(int)
    events = np.column_stack([samples, 0 * samples, 1 + 0 * samples])
    expected = model.apply(raw, events=events).drop(columns="event")
    same_answers(table, expected)
    assert len(model.apply(raw, window=0.5)) == 50


def test_sliding_windows_in_blocks(raw, model, monkeypatch):
    expected = model.apply(raw, step=0.25)
    monkeypatch.setattr("neurodec.decoders._recordings._BLOCK_BYTES", 20_000)
    same_answers(model.apply(raw, step=0.25), expected)


def test_a_baseline_is_part_of_a_window(raw):
    recipe = Recipe(band=None, tmin=0.1, tmax=0.5, baseline=(-0.2, 0))
    model = fit_model(trials_from_raw(raw, EVENTS, recipe), "ts-lr")
    table = model.apply(raw, step=1.0)
    assert_allclose(table["onset"].iloc[0], 0.2)
    assert_allclose(table["time"].iloc[0], 0.7)


@pytest.mark.parametrize("first_samp", [0, 250])
def test_a_recording_that_starts_later(raw, model, first_samp):
    info, data = raw.info.copy(), raw.get_data()
    later = mne.io.RawArray(data, info, first_samp=first_samp, verbose=False)
    expected = model.apply(raw, event_id=[1, 2])
    same_answers(model.apply(later, event_id=[1, 2]), expected)
    same_answers(model.apply(later, step=0.5), model.apply(raw, step=0.5))


def test_the_filter_is_said_to_see_ahead(raw, model):
    (note,) = model.apply(raw, step=1).attrs["notes"]
    assert "zero-phase" in note
    assert "phase='causal'" in note
    recipe = Recipe(band=(8, 30), tmin=0.0, tmax=0.5, phase="causal")
    causal = fit_model(trials_from_raw(raw, EVENTS, recipe), "ts-lr")
    assert causal.apply(raw, step=1).attrs["notes"] == []


def test_rejected_trials_keep_their_row(raw, cut):
    bad = raw.copy()
    bad._data[0, 300:310] += 1e-2
    recipe = Recipe(band=None, tmin=0, tmax=0.5, reject={"eeg": 1e-3})
    model = fit_model(trials_from_raw(bad, EVENTS, recipe), "ts-lr")
    table = model.apply(bad, event_id=["left", "right"])
    assert len(table) == 24
    assert table.index[table["predicted"].isna()].tolist() == [2]
    assert np.isnan(model.predict_proba(bad, event_id=["left", "right"])[2]).all()
    assert model.predict(bad, event_id=["left", "right"])[2] is None
    rest = model.apply(bad, event_id=["left"]).dropna()
    assert_array_equal(
        rest["predicted"], model.predict(bad, event_id=["left"])[[0, *range(2, 12)]]
    )


def test_incomplete_windows_are_left_out_on_demand(raw, model):
    short = raw.copy().crop(0, 12.2)
    table = model.apply(short, event_id=["left", "right"], skip_incomplete=True)
    assert table["predicted"].isna().tolist() == [False] * 11 + [True]


def test_a_resampling_recipe_takes_other_rates(raw):
    recipe = Recipe(band=(8, 20), tmin=0, tmax=0.5, resample=50)
    trials = trials_from_raw(raw, EVENTS, recipe)
    model = fit_model(trials, "ts-lr")
    assert model.sfreq == 50
    expected = model.apply(raw, event_id=["left", "right"])
    for rate in (125, 160, 256):
        other = raw.copy().pick("eeg").resample(rate, verbose=False)
        found = model.apply(other, event_id=["left", "right"])
        column = "probability_left"
        assert_allclose(found[column], expected[column], atol=0.05)


def test_units_are_told_apart(trials):
    X = trials.X.copy() * 1e-5
    kwargs = dict(sfreq=64, ch_names=trials.ch_names)
    in_volt = trials_from_arrays(X, trials.y, **kwargs)
    in_microvolt = trials_from_arrays(X * 1e6, trials.y, unit=1e-6, **kwargs)
    for training in (in_volt, in_microvolt):
        model = fit_model(training, "ts-lr")
        assert_allclose(
            model.predict_proba(in_volt), model.predict_proba(in_microvolt), rtol=1e-9
        )
    wrong = trials_from_arrays(X * 1e6, trials.y, **kwargs)
    assert len(model.predict(wrong, any_amplitude=True)) == len(wrong)


def test_whole_numbers_as_labels(trials_factory, tmp_path):
    trials = trials_factory(y=np.tile([3, 7], 40))
    model = again(fit_model(trials, "mdm"), tmp_path)
    assert set(model.predict(trials)) == {3, 7}
    assert model.predict(trials).dtype == trials.y.dtype
    assert "probability_3" in model.apply(trials)


def test_decisions_where_there_are_no_probabilities(trials):
    table = fit_model(trials, "ts-svm").apply(trials)
    right = table["decision_right_hand"] > 0
    assert_array_equal(table["predicted"], np.where(right, "right_hand", "left_hand"))


def test_abstentions_stay_empty(trials, tmp_path):
    from neurodec.decoders import AbstainingPipeline

    decoder = AbstainingPipeline("mdm", threshold=0.6, random_state=0)
    for pipeline in (decoder, make_pipeline(FunctionTransformer(), decoder)):
        model = fit_model(trials, pipeline)
        table = model.apply(trials)
        columns = ["probability_left_hand", "probability_right_hand"]
        unsure = table[columns].max(axis=1) < 0.6
        assert 0 < unsure.sum() < len(trials)
        assert_array_equal(table["predicted"].isna(), unsure)
    same_answers(again(model, tmp_path).apply(trials), table)


def test_epochs_prepared_or_not(raw, cut, model):
    expected = model.predict_proba(cut)
    done = model.predict_proba(cut.to_epochs(), prepared=True)
    assert_array_equal(done, expected)
    events = np.column_stack([100 * np.arange(1, 24), np.zeros((23, 2), int)])
    epochs = mne.Epochs(
        raw, events, tmin=-1, tmax=1.5, baseline=None, preload=True, verbose=False
    )
    raw_answers = model.predict_proba(epochs.pick("eeg"), prepared=False)
    # The filter's edges are elsewhere, so the answers are near and not the same.
    assert_allclose(raw_answers, expected[:23], atol=0.1)


def test_metadata_of_the_trials_stay_in_their_row(cut, model):
    trials = trials_from_epochs(
        cut.to_epochs(), metadata=cut.metadata.assign(row=5), recipe=RECIPE
    )
    assert_array_equal(model.predict(trials), model.predict(cut))


# What is told to the pipeline, and what the card tells.


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_seed_and_rate_reach_the_pipeline(trials):
    pipeline = make_pipeline(load_pipeline("ts-lr")[:-1], MLPClassifier(4, max_iter=5))
    first, second, other = (
        fit_model(trials, pipeline, seed=seed).predict_proba(trials)
        for seed in (1, 1, 2)
    )
    assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert pipeline.get_params()["mlpclassifier__random_state"] is None


class Recentre(BaseEstimator):
    """Asks for domains, as the aligners do."""

    __metadata_request__fit = {"domains": True}
    __metadata_request__transform = {"domains": True, "target": True, "order": True}

    def fit(self, X, y=None, domains=None):
        self.known_ = {tuple(row) for row in np.asarray(domains).tolist()}
        return self

    def fit_transform(self, X, y=None, domains=None):
        return self.fit(X, y, domains).transform(X, domains)

    def transform(self, X, domains=None, target="none", order=None):
        given = {tuple(row) for row in np.asarray(domains, object).tolist()}
        self.asked_ = (given, target, order is None)
        return X


def test_domains_and_target_reach_an_alignment(raw, trials, cut):
    pipeline = make_pipeline(Recentre(), load_pipeline("mdm"))
    model = fit_model(trials, pipeline)
    step = model.estimator[0]
    assert step.known_ == {(1, "0"), (1, "1"), (2, "0"), (2, "1")}
    model.predict(trials.select(subject=1))
    # New ones, although training had some of that name.
    new = {(1, "0", True), (1, "1", True)}
    assert step.asked_ == (new, "none", True)
    model.predict(trials, domain=(2, "1"))
    assert step.asked_ == ({(2, "1")}, "none", True)
    model = fit_model(cut, pipeline)
    model.apply(raw, step=1, target="past")
    assert model.estimator[0].asked_ == ({(1, "0", True)}, "past", False)


def test_alignment_steps_round_trip(raw, tmp_path, trials):
    alignment = pytest.importorskip("neurodec.preprocessing.alignment")
    pipeline = make_pipeline(
        *load_pipeline("ts-lr")[:1], alignment.Recenter(), *load_pipeline("ts-lr")[1:]
    )
    recipe = Recipe(band=None, tmin=0.0, tmax=0.5)
    model = fit_model(trials_from_raw(raw, EVENTS, recipe), pipeline)
    assert (1, "0") in model.estimator.named_steps["recenter"].references_
    loaded = again(model, tmp_path)
    for target in ("none", "past", "all"):
        same_answers(
            loaded.apply(raw, step=1, target=target),
            model.apply(raw, step=1, target=target),
        )


def test_the_card_says_where_the_model_comes_from(tmp_path):
    model = fit_model(load("simulated", [1, 3]), "mdm", seed=7)
    card = json.loads((model.save(tmp_path / "m") / "card.json").read_text())
    assert card["training"]["dataset"] == "simulated"
    assert card["training"]["licence"] == dataset_info("simulated")["licence"]
    assert card["training"]["sessions"] == [
        {"subject": subject, "session": session, "trials": 40}
        for subject in (1, 3)
        for session in ("0", "1")
    ]
    assert card["input"]["sfreq"] == 128
    assert card["input"]["unit_name"] == "V"
    assert card["input"]["recipe"]["band"] == [8, 32]
    assert card["classes"] == ["left_hand", "right_hand"]
    assert card["seed"] == 7
    assert card["versions"]["scikit-learn"]
    # A score of the training trials would say nothing.
    assert card["scores"] is None


def test_scores_come_from_an_evaluation(trials, tmp_path):
    results = evaluate(trials, ["mdm", "csp-lda"], ["cross-session"])
    model = fit_model(trials, "mdm", scores=results.summary(), licence="CC0")
    (row,) = again(model, tmp_path).card["scores"]
    assert row["protocol"] == "cross-session"
    wanted = results.summary().set_index("pipeline").loc["mdm", "score"]
    assert row["score"] == wanted
    assert model.card["training"]["licence"] == "CC0"


# Saved and loaded.

OTHER_PROCESS = """
import sys
from pathlib import Path
import numpy as np
from neurodec.datasets import trials_from_arrays
from neurodec.decoders import load_model

for folder in sorted(Path(sys.argv[1]).glob("*.model")):
    model = load_model(folder)
    X = np.load(folder.with_suffix(".npy"))
    trials = trials_from_arrays(X, np.zeros(len(X), int), sfreq=float(sys.argv[2]))
    table = model.apply(trials)
    answers = {name: table[name].to_numpy(dtype=None) for name in table}
    answers["predicted"] = answers["predicted"].astype(str)
    np.savez(folder.with_suffix(".npz"), **answers)
"""


def test_every_pipeline_answers_alike_in_another_process(tmp_path):
    expected = {}
    for name in list_pipelines():
        X, y = make_easy(pipeline_info(name)["paradigms"][0])
        trials = trials_from_arrays(X, y, sfreq=SFREQ)
        model = fit_model(trials, name)
        model.save(tmp_path / f"{name}.model")
        np.save(tmp_path / f"{name}.npy", X)
        expected[name] = model.apply(trials)
    done = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS, str(tmp_path), str(SFREQ)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for name, table in expected.items():
        with np.load(tmp_path / f"{name}.npz") as found:
            assert sorted(found.files) == sorted(table)
            for column in table:
                values = table[column].to_numpy()
                values = values.astype(str) if column == "predicted" else values
                assert_array_equal(found[column], values, err_msg=name)


VECTORS = make_pipeline(*load_pipeline("ts-lr")[:-1])
OWN = {
    "scikit-learn only": make_pipeline(
        mne.decoding.Vectorizer(), StandardScaler(), LogisticRegression()
    ),
    "sigmoid calibration": CalibratedClassifierCV(load_pipeline("ts-svm"), cv=3),
    "isotonic calibration": CalibratedClassifierCV(
        load_pipeline("csp-lda"), cv=StratifiedKFold(3), method="isotonic"
    ),
    "stacking": StackingClassifier(
        [("a", load_pipeline("mdm")), ("b", load_pipeline("fgmdm"))], cv=3
    ),
    "search": make_pipeline(
        VECTORS, GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3)
    ),
    "selection": make_pipeline(VECTORS, SelectKBest(mutual_info_classif, k=3), SVC()),
    "perceptron": make_pipeline(VECTORS, MLPClassifier(3, max_iter=3)),
    "Gaussian process": make_pipeline(VECTORS, GaussianProcessClassifier()),
    "neighbours": make_pipeline(VECTORS, KNeighborsClassifier(algorithm="brute")),
    "common spatial patterns of MNE": make_pipeline(
        mne.decoding.CSP(2), LinearDiscriminantAnalysis()
    ),
    "scaler with an info": make_pipeline(
        mne.decoding.Scaler(mne.create_info(4, 1.0, "eeg")),
        mne.decoding.Vectorizer(),
        LinearDiscriminantAnalysis("lsqr", shrinkage="auto"),
    ),
    "a ufunc": make_pipeline(FunctionTransformer(np.abs), load_pipeline("mdm")),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", OWN)
def test_own_pipelines_round_trip(name, tmp_path):
    X, y = make_easy("MotorImagery")
    trials = trials_from_arrays(X, y, sfreq=SFREQ)
    model = fit_model(trials, clone(OWN[name]))
    same_answers(again(model, tmp_path).apply(trials), model.apply(trials))


VALUES = {
    "numbers": [0, -1, 2**70, 0.1, float("inf"), float("-inf"), True, None, 1 + 2j],
    "texts": ["", "Ä", "\ud800", "NaN"],
    "containers": {"a": (1, [2]), 3: {4, 5}, (1, "0"): frozenset("ab"), 1.5: {}},
    "scalars": [np.float32(0.1), np.int16(3), np.bool_(True), np.str_("x")],
    "precise": [np.longdouble(1) / 3, np.complex64(1j), np.datetime64("2020-01-01")],
    "ranges": [slice(1, None, 2), range(3)],
    "types": [np.dtype("<f4"), np.float64, int],
    "functions": [np.log, sum, mutual_info_classif],
}


@pytest.mark.parametrize("name", VALUES)
def test_values_round_trip(name):
    tree, arrays = to_state(VALUES[name], name)
    found = from_state(json.loads(json.dumps(tree)), arrays, name)
    assert repr(found) == repr(VALUES[name])


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24.0).reshape(2, 3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24).reshape(2, 3, 4).transpose(1, 2, 0),
        np.arange(12)[::-2],
        np.array(3.5),
        np.zeros((0, 3)),
        np.array(["a", "bcd"]),
        np.array(["a", None, 3], object),
        np.array([[1 + 1j]]),
        np.broadcast_to(np.arange(3), (2, 3)),
    ],
    ids=str,
)
def test_arrays_round_trip(array):
    tree, arrays = to_state({"x": [array, array]}, "it")
    assert len(arrays) <= 1
    found = from_state(json.loads(json.dumps(tree)), arrays, "it")["x"][1]
    assert found.dtype == array.dtype
    assert_array_equal(found, array)
    # Products of matrices may round otherwise in another memory order.
    if array.flags.c_contiguous or array.flags.f_contiguous:
        assert found.strides == array.strides


def test_generators_go_on_where_they_were():
    for generator in (np.random.RandomState(3), np.random.default_rng(3)):
        generator.normal(size=5)
        tree, arrays = to_state(generator, "it")
        found = from_state(json.loads(json.dumps(tree)), arrays, "it")
        assert_array_equal(found.normal(size=4), generator.normal(size=4))


def test_shared_estimators_stay_shared():
    shared = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    tree, arrays = to_state([shared, shared], "it")
    first, second = from_state(tree, arrays, "it")
    assert first is second


class Local(ClassifierMixin, BaseEstimator):
    """Somebody's own classifier."""

    def __init__(self, threshold=0.0):
        self.threshold = threshold

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[(X[:, 0].var(axis=1) > self.threshold).astype(int)]


class Loop(BaseEstimator):
    """An estimator that holds itself."""

    def __init__(self):
        self.me_ = self


@pytest.mark.parametrize(
    ("value", "pieces"),
    [
        (lambda: RandomForestClassifier(2).fit([[0], [1]], [0, 1]),
         ["estimators_[0].tree_", "never a pickle", "linear model"]),
        (lambda: KNeighborsClassifier(1, algorithm="kd_tree").fit([[0], [1]], [0, 1]),
         ["it._tree", "algorithm='brute'"]),
        (lambda: FunctionTransformer(lambda X: X), ["it.func", "<lambda>", "trusted"]),
        (lambda: FunctionTransformer(os.system), ["it.func", "system", "only name"]),
        (Local, ["Local", "trusted=['test_model']"]),
        (lambda: {"a": object()}, ["it['a']", "builtins.object", "cannot hold"]),
        (lambda: np.zeros(2, [("a", int)]), ["('a', '<i8')", "plain numbers"]),
        (lambda: SVC, ["the class", "give an instance"]),
    ],
    ids=lambda part: part[0] if isinstance(part, list) else "",
)  # fmt: skip
def test_what_cannot_be_written_is_named(value, pieces):
    with pytest.raises(ValueError) as caught:
        to_state(value(), "it")
    for piece in pieces:
        assert piece in str(caught.value)


def test_an_estimator_that_holds_itself():
    with pytest.raises(ValueError, match="it.me_ holds itself"):
        to_state(Loop(), "it", ("test_model",))


def test_own_classes_need_trust(trials, tmp_path):
    model = fit_model(trials, Local(1.0))
    with pytest.raises(ValueError, match=r"trusted=\['test_model'\]"):
        model.save(tmp_path / "m")
    assert not list(tmp_path.iterdir())
    folder = model.save(tmp_path / "m", trusted=["test_model"])
    with pytest.raises(ValueError, match=r"trusted=\['test_model'\]"):
        load_model(folder)
    loaded = load_model(folder, trusted=["test_model"])
    assert_array_equal(loaded.predict(trials), model.predict(trials))


@pytest.mark.realdata
def test_a_recording_of_a_moabb_set(real_data):
    # The set's recipe ends with the trial, and counts from the cue.
    trials = load("kalunga2016", [1])
    model = fit_model(trials, "ssvep-ts")
    folder = real_data / "mne_data/MNE-ssvepexo-data/zenodo/2392979"
    first = trials.select(run=trials.metadata["run"].iloc[0])
    raw = mne.io.read_raw(folder / "subject01_run1_raw.fif", verbose=False)
    table = model.apply(raw, event_id=[2, 3, 4])
    expected = model.apply(first)
    assert_array_equal(table["predicted"], expected["predicted"])
    columns = [f"probability_{label}" for label in model.classes]
    assert_allclose(table[columns], expected[columns], rtol=1e-6)

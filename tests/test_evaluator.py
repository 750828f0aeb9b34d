"""The evaluator gives the scores of a plain loop, keeps them, and repeats nothing."""

import numpy as np
import pytest
from pyriemann.classification import MDM
from pyriemann.estimation import Covariances
from pyriemann.tangentspace import TangentSpace
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from neurodec.datasets import trials_from_arrays
from neurodec.evaluation import ResultStore, evaluate, get_protocol
from neurodec.preprocessing import Recenter

PIPELINES = {
    "mdm": make_pipeline(Covariances("oas"), MDM()),
    "ts-lr": make_pipeline(Covariances("oas"), TangentSpace(), LogisticRegression()),
}
BOTH = ["within-session", "cross-session"]


class Failing(ClassifierMixin, BaseEstimator):
    """Fails when the training part is large, as in cross-session."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if len(X) > 30:
            raise RuntimeError("the disk is on fire")
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def decision_function(self, X):
        return X[:, 0, 0]


def make_trials(n_subjects=2, n_sessions=2, n_trials=20, n_channels=3, seed=0):
    """Two classes that differ in the variance of one channel."""
    rng = np.random.default_rng(seed)
    n = n_subjects * n_sessions * n_trials
    X = rng.standard_normal((n, n_channels, 64))
    y = np.tile(["left", "right"], n // 2)
    X[y == "left", 0] *= 1.4
    return trials_from_arrays(
        X,
        y,
        sfreq=64,
        subject=np.repeat(np.arange(1, n_subjects + 1), n_sessions * n_trials),
        session=np.tile(np.repeat(["0", "1", "2"][:n_sessions], n_trials), n_subjects),
        name="made",
    )


@pytest.fixture(scope="module")
def trials():
    return make_trials()


@pytest.fixture(scope="module")
def results(trials):
    return evaluate(trials, PIPELINES, BOTH, seed=3)


def test_scores_equal_a_plain_loop(trials, results):
    X, y = trials.X, trials.y
    for protocol in BOTH:
        for fold in get_protocol(protocol).folds(y, trials.metadata, seed=3):
            for name in PIPELINES:
                fitted = clone(PIPELINES[name]).fit(X[fold.train], y[fold.train])
                expected = roc_auc_score(
                    y[fold.test], fitted.predict_proba(X[fold.test])[:, 1]
                )
                rows = results.rows.query(
                    "protocol == @protocol and pipeline == @name and "
                    "subject == @fold.subject and session == @fold.session and "
                    "fold == @fold.number"
                )
                assert rows["score"].tolist() == [pytest.approx(expected, abs=1e-12)]


def test_one_row_per_fold_and_pipeline_with_its_context(results):
    assert len(results.rows) == 2 * (2 * 2 * 5 + 2 * 2)
    within = results.rows.query("protocol == 'within-session'")
    assert (within["n_train"] == 16).all()
    assert (within["n_test"] == 4).all()
    assert (results.rows["target"] == "none").all()
    assert not results.rows["transductive"].any()
    assert (results.rows["majority"] == 0.5).all()
    assert (results.rows["chance_level"] > 0.5).all()
    assert results.rows["key"].is_unique


def test_kept_predictions_give_the_score_again(trials, results):
    for row in results.rows.itertuples():
        kept = results.predictions(row.key)
        response = kept["response"]
        response = response[:, 1] if response.ndim == 2 else response
        assert roc_auc_score(kept["y_true"] == "right", response) == row.score
        of_session = trials.select(subject=row.subject, session=row.session)
        np.testing.assert_array_equal(of_session.y[kept["trial"]], kept["y_true"])


def test_several_processes_give_the_same_rows(trials, results):
    columns = ["protocol", "pipeline", "subject", "session", "fold", "score", "key"]
    parallel = evaluate(trials, PIPELINES, BOTH, seed=3, n_jobs=2)
    assert parallel.rows[columns].equals(results.rows[columns])


def test_subject_is_the_unit_of_the_summary(results):
    summary = results.summary().set_index(["protocol", "pipeline"])
    rows = results.rows
    for (protocol, pipeline), line in summary.iterrows():
        part = rows[(rows.protocol == protocol) & (rows.pipeline == pipeline)]
        by_subject = (
            part.groupby(["subject", "session"])["score"]
            .mean()
            .groupby("subject")
            .mean()
        )
        assert line["score"] == pytest.approx(by_subject.mean())
        assert line["sd"] == pytest.approx(by_subject.std())
        assert line["n_subjects"] == 2


def _count_fits(trials, store, **changed):
    done = []
    settings = dict(pipelines=PIPELINES, protocols=BOTH, seed=3) | changed
    evaluate(
        trials,
        **settings,
        store=store,
        progress=lambda done_, total, row: done.append(row),
    )
    return len([row for row in done if row is not None])


def test_a_rerun_computes_only_what_is_missing(trials, tmp_path):
    path = tmp_path / "results.sqlite"
    with ResultStore(path) as store:
        assert _count_fits(trials.select(subject=1), store) == 24
    with ResultStore(path) as store:
        assert _count_fits(trials, store) == 24  # The other subject.
        assert _count_fits(trials, store) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 4},
        {"scoring": "accuracy"},
        {"scoring": ["roc_auc", "accuracy"]},
        {"pipelines": {"mdm": make_pipeline(Covariances("scm"), MDM())}},
    ],
    ids=str,
)
def test_what_can_change_the_score_is_computed_anew(trials, changed):
    with ResultStore() as store:
        _count_fits(trials, store)
        assert _count_fits(trials, store, **changed) > 0


def test_other_data_is_computed_anew(trials):
    X = trials.X.copy()
    X[0, 0, 0] += 1e-9
    other = trials_from_arrays(
        X, trials.y, sfreq=64, metadata=trials.metadata, name="made"
    )
    with ResultStore() as store:
        _count_fits(trials, store)
        # Trial 0 is in all folds of its session and all cross-session folds of its
        # subject; the other session and subject keep their rows.
        assert _count_fits(other, store) == 2 * (5 + 2)


def test_a_failing_pipeline_is_recorded_and_the_others_go_on(trials):
    pipelines = {"failing": Failing(), **PIPELINES}
    results = evaluate(trials.select(subject=1), pipelines, ["cross-session"])
    assert (results.rows.query("pipeline != 'failing'")["status"] == "ok").all()
    # 20 training trials: no failure; three sessions make 40.
    results = evaluate(make_trials(1, 3), pipelines, ["cross-session"])
    failed = results.rows.query("pipeline == 'failing'")
    assert (failed["status"] == "failed").all()
    assert failed["error"].tolist() == ["RuntimeError: the disk is on fire"] * 3
    assert failed["score"].isna().all()
    summary = results.summary().set_index("pipeline")
    assert summary.loc["failing", "n_failed"] == 3
    assert np.isnan(summary.loc["failing", "score"])
    assert summary.loc["mdm", "n_failed"] == 0


def test_a_failed_fold_is_tried_again(trials):
    failing = {"failing": Failing()}
    with ResultStore() as store:
        three = make_trials(1, 3)
        assert _count_fits(three, store, pipelines=failing, protocols=BOTH[1:]) == 3
        assert _count_fits(three, store, pipelines=failing, protocols=BOTH[1:]) == 3
        assert store.count() == 3


def test_copies_of_test_trials_are_dropped_from_training():
    trials = make_trials(1, 2)
    copied = trials[np.r_[0:20, 0:10, 30:40]]  # Session 1 begins with copies.
    copied = trials_from_arrays(
        copied.X,
        copied.y,
        sfreq=64,
        subject=1,
        session=np.repeat(["0", "1"], 20),
        name="copied",
    )
    results = evaluate(copied, {"mdm": PIPELINES["mdm"]}, ["cross-session"])
    assert results.rows["n_train"].tolist() == [10, 10]
    assert [d["copies_removed"] for d in results.rows["details"]] == [10, 10]
    kept = evaluate(
        copied, {"mdm": PIPELINES["mdm"]}, ["cross-session"], keep_copies=True
    )
    assert kept.rows["n_train"].tolist() == [20, 20]


def test_a_seed_reaches_every_random_state_and_fixes_the_result(trials):
    pipelines = {
        "sgd": make_pipeline(Covariances(), TangentSpace(), SGDClassifier(max_iter=5))
    }
    first, again, other = (
        evaluate(trials, pipelines, ["cross-session"], seed=seed).rows["score"]
        for seed in (0, 0, 1)
    )
    assert first.equals(again)
    assert not first.equals(other)


def test_a_missing_sampling_rate_is_bound_and_a_wrong_one_refused(trials):
    class Needs(Failing):
        def __init__(self, sfreq=None):
            self.sfreq = sfreq

        def fit(self, X, y):
            assert self.sfreq == 64
            return super().fit(X, y)

    results = evaluate(trials, {"needs": Needs()}, ["within-session"])
    assert (results.rows["status"] == "ok").all()
    with pytest.raises(ValueError, match="sfreq=128 Hz but the trials have 64 Hz"):
        evaluate(trials, {"needs": Needs(sfreq=128)}, ["within-session"])


def test_the_callers_estimators_and_trials_are_left_alone(trials):
    pipeline = make_pipeline(Covariances(), TangentSpace(), SGDClassifier())
    before = trials.fingerprint()
    evaluate(trials, {"p": pipeline}, ["cross-session"])
    assert pipeline[-1].random_state is None
    assert not hasattr(pipeline[-1], "coef_")
    assert trials.fingerprint() == before


def test_constant_channels_are_refused_with_the_remedy(trials):
    X = trials.X.copy()
    X[:, 1] = 3.0
    flat = trials_from_arrays(X, trials.y, sfreq=64, metadata=trials.metadata)
    with pytest.raises(ValueError, match=r"\['1'\] are constant.*trials.drop"):
        evaluate(flat, PIPELINES, BOTH)


def test_a_pipeline_without_lasting_identity_is_refused(trials):
    pipelines = {"p": make_pipeline(FunctionTransformer(lambda X: X), MDM())}
    with pytest.raises(ValueError, match="lasting identity"):
        evaluate(trials, pipelines, BOTH)


def test_csv_has_moabbs_columns_one_row_per_fold(results, tmp_path):
    import pandas as pd

    results.to_csv(tmp_path / "deep" / "results.csv")
    table = pd.read_csv(tmp_path / "deep" / "results.csv")
    moabb = ["score", "time", "samples", "samples_test", "n_classes", "subject",
             "session", "channels", "n_sessions", "dataset", "pipeline"]  # fmt: skip
    assert table.columns[: len(moabb)].tolist() == moabb
    assert {"protocol", "fold", "target"} <= set(table)
    assert len(table) == len(results.rows)
    np.testing.assert_allclose(table["score"], results.rows["score"], rtol=1e-15)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["results.csv"]


def whiten_by_the_batch(X):
    """What no online decoder can do: a statistic of all the trials it is given."""
    return X / np.sqrt(np.mean(X**2, axis=(0, 2)))[:, np.newaxis]


def test_answers_that_depend_on_other_test_trials_are_refused(trials):
    pipelines = {
        "batch": make_pipeline(
            FunctionTransformer(whiten_by_the_batch), *PIPELINES["ts-lr"]
        ),
        "ts-lr": PIPELINES["ts-lr"],
    }
    rows = evaluate(trials, pipelines, ["cross-session"]).rows.set_index("pipeline")
    assert (rows.loc["ts-lr", "status"] == "ok").all()
    assert (rows.loc["batch", "status"] == "failed").all()
    assert "depend on other test trials" in rows.loc["batch", "error"].iloc[0]


def test_the_seed_reaches_the_global_generator_and_leaves_it_alone(trials):
    class Noisy(Failing):
        def fit(self, X, y):
            self.draw_ = np.random.rand()  # noqa: NPY002
            return super().fit(X, y)

        def decision_function(self, X):
            return X[:, 0, 0] + self.draw_ * X[:, 1, 0]

    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again = (
        evaluate(trials, {"n": Noisy()}, "within-session", seed=1).rows["score"]
        for _ in range(2)
    )
    assert first.equals(again)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_one_fit_serves_all_sessions_of_a_left_out_subject():
    class Counting(Failing):
        fits = 0

        def fit(self, X, y):
            Counting.fits += 1
            return super().fit(X[:20], y[:20])

    trials = make_trials(n_subjects=3, n_sessions=2)
    results = evaluate(trials, {"c": Counting()}, "cross-subject")
    assert len(results.rows) == 6
    assert Counting.fits == 3
    assert (results.rows.groupby("subject")["time"].nunique() == 1).all()
    assert (results.rows.groupby("subject")["time_shared"].apply(min) == 0).all()


def test_chance_counts_the_classes_that_training_knows():
    rng = np.random.default_rng(0)
    y = np.r_[np.tile(["a", "b", "c"], 10), np.tile(["a", "b"], 15)]
    trials = trials_from_arrays(
        rng.standard_normal((60, 3, 64)),
        y,
        sfreq=64,
        session=np.repeat(["0", "1"], 30),
    )
    rows = evaluate(trials, {"mdm": PIPELINES["mdm"]}, "cross-session").rows
    assert rows["chance"].tolist() == [pytest.approx(1 / 3)] * 2


def test_no_training_trial_left_is_said(trials):
    one = trials.select(subject=1, session="0")
    twice = trials_from_arrays(
        np.concatenate([one.X, one.X]),
        np.concatenate([one.y, one.y]),
        sfreq=64,
        session=np.repeat(["0", "1"], len(one)),
    )
    rows = evaluate(twice, {"mdm": PIPELINES["mdm"]}, "cross-session").rows
    assert rows["error"].str.contains("all are copies of test trials").all()


@pytest.mark.parametrize("seed", [None, 1.5, True, -1])
def test_a_seed_that_is_none_is_refused(trials, seed):
    with pytest.raises(ValueError, match=f"seed is {seed}.*whole number"):
        evaluate(trials, PIPELINES, "within-session", seed=seed)


def test_rows_of_different_questions_are_not_averaged(trials, tmp_path):
    from neurodec.evaluation import Results

    store = ResultStore(tmp_path / "results.sqlite")
    for seed in (1, 2):
        evaluate(trials, PIPELINES, "within-session", seed=seed, store=store)
    with pytest.raises(ValueError, match="seed 1 and 2.*keys"):
        Results(store)
    with ResultStore() as other:
        evaluate(trials, PIPELINES, "cross-session", store=other)
        evaluate(make_trials(seed=1), PIPELINES, "cross-session", store=other)
        with pytest.raises(ValueError, match="two rows for mdm.*keys"):
            Results(other)


def test_csv_holds_every_scorer(trials):
    results = evaluate(
        trials, PIPELINES, "cross-session", scoring=["roc_auc", "balanced_accuracy"]
    )
    table = results.to_moabb()
    expected = [scores["balanced_accuracy"] for scores in results.rows["scores"]]
    assert table["score_balanced_accuracy"].tolist() == expected
    assert "score_roc_auc" not in table


def test_rare_targets_are_scored_by_balanced_accuracy_too():
    trials = make_trials()
    y = np.where(trials.y == "left", "Target", "NonTarget")
    trials = trials_from_arrays(trials.X, y, sfreq=64, metadata=trials.metadata)
    results = evaluate(trials, {"mdm": PIPELINES["mdm"]}, "cross-session")
    assert list(results.rows["scores"][0]) == ["roc_auc", "balanced_accuracy"]


# Targets and domains

ALIGNED = make_pipeline(Recenter("trials", metric="euclid"), *PIPELINES["ts-lr"])
TARGETS = ["none", "past", "prefix(6)", "prefix(25%)", "all"]


@pytest.fixture(scope="module")
def drifting():
    """Each session has its own gains; the trials are in the order of recording."""
    trials = make_trials(n_subjects=2, n_sessions=3, n_trials=24)
    domain = np.repeat(np.arange(6), 24)
    gains = np.exp(np.random.default_rng(5).standard_normal((6, 3)))
    return trials_from_arrays(
        gains[domain][:, :, None] * trials.X,
        trials.y,
        sfreq=64,
        metadata=trials.metadata.assign(onset=4.0 * np.tile(np.arange(24), 6)),
        name="drifting",
    )


@pytest.fixture(scope="module")
def by_target(drifting):
    pipelines = {"aligned": ALIGNED, "ts-lr": PIPELINES["ts-lr"]}
    protocols = [get_protocol("cross-session", target) for target in TARGETS]
    return evaluate(drifting, pipelines, protocols, scoring="accuracy")


def test_every_row_tells_its_target(by_target):
    rows = by_target.rows
    assert (rows["status"] == "ok").all()
    assert set(rows["target"]) == set(TARGETS)
    assert (rows["transductive"] == (rows["target"] == "all")).all()
    n_test = rows.groupby("target")["n_test"].unique().map(list).to_dict()
    assert n_test == {
        "none": [24], "past": [24], "all": [24], "prefix(6)": [18], "prefix(25%)": [18]
    }  # fmt: skip
    assert rows["key"].is_unique
    table = by_target.to_moabb()
    assert set(table["target"]) == set(TARGETS)
    assert len(by_target.summary()) == 2 * len(TARGETS)


def test_a_pipeline_that_aligns_nothing_answers_the_same_under_every_target(by_target):
    rows = by_target.rows.query("pipeline == 'ts-lr'")
    for _, of_fold in rows.groupby(["subject", "session"]):
        answers = {
            row.target: by_target.predictions(row.key) for row in of_fold.itertuples()
        }
        plain = answers.pop("none")
        for kept in answers.values():
            np.testing.assert_allclose(
                kept["response"], plain["response"][kept["trial"]], rtol=1e-9
            )


def test_alignment_of_the_test_session_pays(by_target):
    scores = by_target.summary().set_index(["target", "pipeline"])["score"]
    for target in ("past", "prefix(6)", "all"):
        assert scores[target, "aligned"] > scores["none", "ts-lr"] + 0.03


@pytest.mark.parametrize("target", TARGETS)
def test_scores_under_a_target_equal_a_plain_loop(drifting, by_target, target):
    from sklearn.metrics import accuracy_score

    X, y = drifting.X, drifting.y
    domains = drifting.metadata.groupby(["subject", "session"]).ngroup().to_numpy()
    protocol = get_protocol("cross-session", target)
    for fold in protocol.folds(y, drifting.metadata, seed=42):
        aligner = clone(ALIGNED[0]).fit(X[fold.train], domains=domains[fold.train])
        decoder = clone(PIPELINES["ts-lr"]).fit(
            aligner.transform(X[fold.train], domains=domains[fold.train]), y[fold.train]
        )
        rows = np.r_[fold.given, fold.test]
        aligned = aligner.transform(X[rows], target=target, order=np.arange(len(rows)))
        predicted = decoder.predict(aligned[len(fold.given) :])
        row = by_target.rows.query(
            "target == @target and pipeline == 'aligned' and "
            "subject == @fold.subject and session == @fold.session"
        )
        assert row["score"].tolist() == [accuracy_score(y[fold.test], predicted)]


def test_one_fit_serves_all_targets(drifting):
    class Counting(Failing):
        fits = 0

        def fit(self, X, y):
            Counting.fits += 1
            return super().fit(X[:20], y[:20])

    protocols = [get_protocol("cross-session", target) for target in TARGETS]
    evaluate(drifting, {"c": Counting()}, protocols, scoring="accuracy")
    assert Counting.fits == 6


def test_several_processes_give_the_same_rows_under_targets(drifting, by_target):
    pipelines = {"aligned": ALIGNED, "ts-lr": PIPELINES["ts-lr"]}
    protocols = [get_protocol("cross-session", target) for target in TARGETS]
    parallel = evaluate(drifting, pipelines, protocols, scoring="accuracy", n_jobs=2)
    columns = ["protocol", "pipeline", "subject", "session", "score", "key"]
    assert parallel.rows[columns].equals(by_target.rows[columns])


def test_domains_are_part_of_the_key_where_they_are_used(drifting):
    merged = drifting.metadata.assign(
        session=drifting.metadata["session"].replace({"2": "1"})
    )
    merged["onset"] = merged.groupby(["subject", "session"]).cumcount() * 4.0
    other = trials_from_arrays(
        drifting.X, drifting.y, sfreq=64, metadata=merged, name="drifting"
    )
    both = {"aligned": ALIGNED, "ts-lr": PIPELINES["ts-lr"]}
    first, second = (
        evaluate(trials, both, "cross-session", scoring="accuracy").rows.query(
            "session == '0'"
        )
        for trials in (drifting, other)
    )
    same = first["key"].isin(second["key"])
    assert same[first["pipeline"] == "ts-lr"].all()
    assert not same[first["pipeline"] == "aligned"].any()


def test_inside_a_grid_search_domains_and_target_reach_the_aligner(drifting):
    search = GridSearchCV(
        make_pipeline(Recenter("trials"), *PIPELINES["ts-lr"]),
        {"logisticregression__C": [1.0]},
        cv=2,
    )
    alone = make_pipeline(Recenter("trials"), *PIPELINES["ts-lr"])
    rows = evaluate(
        drifting, {"a": search, "b": alone}, "cross-session:all", scoring="accuracy"
    ).rows
    assert (rows["status"] == "ok").all()
    scores = rows.groupby("pipeline")["score"].apply(list)
    assert scores["a"] == scores["b"]


def test_in_time_the_recipe_sets_the_gap(drifting):
    results = evaluate(
        drifting, {"ts-lr": PIPELINES["ts-lr"]}, "chronological", scoring="accuracy"
    )
    (gap,) = {identity["gap"] for identity in _protocols_of(results)}
    assert gap == 1.0
    assert results.rows["n_train"].tolist() == [5, 10, 15, 20] * 6


def _protocols_of(results):
    store = results._store
    return [row["identity"]["protocol"] for row in store.rows()]

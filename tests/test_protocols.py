"""Folds hold out what their protocol says, and are MOABB's."""

import numpy as np
import pandas as pd
import pytest
from moabb.evaluations.splitters import (
    CrossSessionSplitter,
    CrossSubjectSplitter,
    WithinSessionSplitter,
)

from neurodec.datasets import trials_from_arrays
from neurodec.evaluation import Protocol, get_protocol, list_protocols
from neurodec.preprocessing import Recipe
from neurodec.preprocessing._reach import filter_reach

MOABBS = ["within-session", "cross-session", "cross-subject"]


def test_names():
    assert list_protocols() == [*MOABBS, "chronological"]


def _trials(n_subjects=3, sessions=("0", "1"), per_class=10):
    rows = [
        (subject, session, label)
        for subject in range(1, n_subjects + 1)
        for session in sessions
        for label in ["left", "right"] * per_class
    ]
    metadata = pd.DataFrame(
        {"subject": [r[0] for r in rows], "session": [r[1] for r in rows], "run": "0"}
    )
    return np.array([r[2] for r in rows]), metadata


@pytest.mark.parametrize("name", MOABBS)
def test_training_and_test_never_share_the_split_unit(name):
    y, metadata = _trials()
    protocol = get_protocol(name)
    columns = {
        "trial": [],
        "session": ["subject", "session"],
        "subject": ["subject"],
    }[protocol.split_unit]
    for fold in protocol.folds(y, metadata, seed=0):
        assert not set(fold.train) & set(fold.test)
        if columns:
            unit = metadata[columns].agg(tuple, axis=1)
            assert not set(unit[fold.train]) & set(unit[fold.test])
        else:
            parts = metadata.iloc[[*fold.train, *fold.test]]
            assert len(parts[["subject", "session"]].drop_duplicates()) == 1


@pytest.mark.parametrize("name", MOABBS)
def test_every_trial_is_tested_exactly_once(name):
    y, metadata = _trials()
    folds = get_protocol(name).folds(y, metadata, seed=0)
    tested = np.sort(np.concatenate([fold.test for fold in folds]))
    np.testing.assert_array_equal(tested, np.arange(len(y)))


@pytest.mark.parametrize("name", MOABBS)
def test_fold_names_are_those_of_its_test_trials_and_differ(name):
    y, metadata = _trials()
    folds = get_protocol(name).folds(y, metadata, seed=0)
    for fold in folds:
        assert set(metadata["subject"][fold.test]) == {fold.subject}
        assert set(metadata["session"][fold.test]) == {fold.session}
    names = [(fold.subject, fold.session, fold.number) for fold in folds]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "name, splitter",
    [
        ("within-session", WithinSessionSplitter(n_folds=5, random_state=7)),
        ("cross-session", CrossSessionSplitter()),
        ("cross-subject", CrossSubjectSplitter()),
    ],
)
def test_training_sets_are_those_of_moabb(name, splitter):
    y, metadata = _trials()
    ours = {tuple(fold.train) for fold in get_protocol(name).folds(y, metadata, seed=7)}
    theirs = {tuple(train) for train, _ in splitter.split(y, metadata)}
    assert ours == theirs


def test_folds_of_a_session_do_not_depend_on_who_else_is_there():
    y, metadata = _trials(n_subjects=3)
    alone = metadata["subject"] == 1
    folds = get_protocol("within-session").folds
    many, few = (
        {(f.session, f.number): tuple(f.test) for f in found if f.subject == 1}
        for found in (
            folds(y, metadata, seed=3),
            folds(y[alone], metadata[alone], seed=3),
        )
    )
    assert many == few  # The number of a fold is part of its key.


def test_another_seed_gives_other_folds():
    y, metadata = _trials()
    folds = get_protocol("within-session").folds
    first, second = (
        {tuple(f.test) for f in folds(y, metadata, seed)} for seed in (0, 1)
    )
    assert first != second


def test_subjects_with_one_session_are_left_out_of_cross_session():
    y, metadata = _trials()
    keep = (metadata["subject"] != 2) | (metadata["session"] == "0")
    folds = get_protocol("cross-session").folds(
        y[keep], metadata[keep].reset_index(drop=True), seed=0
    )
    assert {fold.subject for fold in folds} == {1, 3}


@pytest.mark.parametrize("name", MOABBS)
def test_nothing_of_the_target_is_used(name):
    protocol = get_protocol(name)
    assert protocol.target == "none"
    assert not protocol.transductive
    assert protocol.to_dict()["transductive"] is False


# Targets


def _timed(n_subjects=2, sessions=("0", "1"), per_class=10, seconds=4.0):
    """Two runs in each session, a trial every few seconds."""
    y, metadata = _trials(n_subjects, sessions, per_class)
    place = metadata.groupby(["subject", "session"]).cumcount()
    first = place < per_class
    metadata["run"] = np.where(first, "0", "1")
    metadata["onset"] = seconds * np.where(first, place, place - per_class)
    return y, metadata


@pytest.mark.parametrize(
    "target, transductive",
    [("past", False), ("prefix(5)", False), ("prefix(5,labelled)", False),
     ("prefix(20%)", False), ("all", True)],
)  # fmt: skip
@pytest.mark.parametrize("name", ["cross-session", "cross-subject"])
def test_a_target_is_named_and_described(name, target, transductive):
    protocol = get_protocol(name, target)
    assert protocol == get_protocol(f"{name}:{target}")
    assert protocol.name == f"{name}:{protocol.target}"
    assert protocol.transductive is transductive
    assert protocol.to_dict()["target"] == protocol.target
    assert "Of the test session" in protocol.description
    back = get_protocol(protocol, "none")
    assert back == get_protocol(name)


def test_plain_protocols_are_as_they_were():
    # These settings are part of the keys of earlier results.
    settings = get_protocol("cross-session").to_dict()
    del settings["description"]
    assert settings == {
        "name": "cross-session",
        "split_unit": "session",
        "target": "none",
        "n_folds": None,
        "transductive": False,
    }


@pytest.mark.parametrize("name", ["cross-session", "cross-subject"])
@pytest.mark.parametrize("target", ["past", "all"])
def test_folds_are_the_same_under_past_and_all(name, target):
    y, metadata = _timed()
    plain = get_protocol(name).folds(y, metadata, seed=0)
    other = get_protocol(name, target).folds(y, metadata, seed=0)
    for a, b in zip(plain, other, strict=True):
        np.testing.assert_array_equal(a.train, b.train)
        np.testing.assert_array_equal(a.test, b.test)
        assert not len(b.given)


@pytest.mark.parametrize("name", ["cross-session", "cross-subject"])
def test_a_prefix_is_given_and_not_scored(name):
    y, metadata = _timed()
    for fold in get_protocol(name, "prefix(6)").folds(y, metadata, seed=0):
        of_session = metadata.index[
            (metadata["subject"] == fold.subject)
            & (metadata["session"] == fold.session)
        ]
        np.testing.assert_array_equal(fold.given, of_session[:6])
        np.testing.assert_array_equal(fold.test, of_session[6:])
        assert not set(fold.train) & set(of_session)


@pytest.mark.parametrize("target", ["past", "prefix(5)"])
def test_the_order_must_be_known_and_kept(target):
    y, metadata = _timed()
    folds = get_protocol("cross-session", target).folds
    folds(y, metadata, 0)
    with pytest.raises(ValueError, match="neither 'onset'.*nor 'order'; add"):
        folds(y, metadata.drop(columns="onset"), 0)
    by_class = np.lexsort([y, metadata["session"], metadata["subject"]])
    with pytest.raises(ValueError, match="were re-ordered.*sort them"):
        folds(y[by_class], metadata.iloc[by_class].reset_index(drop=True), 0)
    swapped = metadata.assign(run=np.where(metadata["run"] == "0", "1", "0"))
    with pytest.raises(ValueError, match=r"runs of .* order \['1', '0'\]"):
        folds(y, swapped, 0)
    order = metadata.drop(columns="onset").assign(order=np.arange(len(y)))
    assert len(folds(y, order, 0)) == 4
    with pytest.raises(ValueError, match="trial 2 .order 2. stands after"):
        folds(y, order.assign(order=np.r_[0, 2, 2, 3 : len(y)]), 0)
    with pytest.raises(ValueError, match="'onset' of .* no number"):
        folds(y, metadata.assign(onset=np.nan), 0)


# In time


def _chronological(y, metadata, gap=4.0, n_folds=4):
    import dataclasses

    protocol = dataclasses.replace(
        get_protocol("chronological"), gap=gap, n_folds=n_folds
    )
    return protocol.folds(y, metadata, seed=0)


def test_chronological_trains_on_the_past_only():
    y, metadata = _timed()
    folds = _chronological(y, metadata, gap=10.0)
    assert len(folds) == 2 * 2 * 4
    for fold in folds:
        parts = metadata.iloc[[*fold.train, *fold.test]]
        assert len(parts[["subject", "session"]].drop_duplicates()) == 1
        assert fold.train.max() < fold.test.min()
        train, first = metadata.iloc[fold.train], metadata.iloc[fold.test[0]]
        near = train[train["run"] == first["run"]]["onset"]
        assert (first["onset"] - near >= 10.0).all()
        # Runs were recorded apart: nothing is lost there.
        before = set(metadata.index[: fold.test[0]]) & set(
            metadata.index[
                (metadata["subject"] == fold.subject)
                & (metadata["session"] == fold.session)
                & (metadata["run"] != first["run"])
            ]
        )
        assert before <= set(fold.train)


def test_every_block_but_the_first_is_tested_once():
    y, metadata = _timed(n_subjects=1, sessions=("0",))
    tested = np.concatenate([f.test for f in _chronological(y, metadata)])
    np.testing.assert_array_equal(tested, np.arange(4, 20))


def _recorded(recipe):
    y, metadata = _timed(n_subjects=1)
    X = np.random.default_rng(0).standard_normal((len(y), 2, 128))
    trials = trials_from_arrays(X, y, sfreq=64, metadata=metadata)
    trials.recipe = recipe if recipe is None else recipe.to_dict()
    return trials


@pytest.mark.parametrize("method", ["iir", "fir"])
def test_the_gap_is_an_epoch_and_the_impulse_response(method):
    recipe = Recipe(band=(8, 24), method=method, phase="causal", baseline=(-0.5, 0))
    _, back = filter_reach(recipe, 64)
    gap = get_protocol("chronological").for_trials(_recorded(recipe)).gap
    assert gap == pytest.approx(2 + 0.5 + back, abs=1e-5)
    assert 0.1 < back < 5
    plain = get_protocol("chronological").for_trials(_recorded(None))
    assert plain.gap == 2
    assert plain.to_dict()["gap"] == 2


def test_the_impulse_response_holds_what_the_filter_does():
    recipe = Recipe(band=(8, 24), phase="causal")
    _, back = filter_reach(recipe, 64)
    from scipy.signal import butter, sosfilt

    impulse = np.r_[1.0, np.zeros(639)]
    tail = sosfilt(butter(4, [8, 24], "band", fs=64, output="sos"), impulse) ** 2
    n = round(back * 64)
    assert tail[n + 1 :].sum() < 1e-6 * tail.sum() <= tail[n:].sum()
    assert filter_reach(Recipe(band=(8, 24)), 64)[0] > 0.1
    assert filter_reach(Recipe(band=None), 64) == (0, 0)


def test_zero_phase_and_short_gaps_are_refused():
    protocol = get_protocol("chronological")
    with pytest.raises(ValueError, match="'zero', which reaches .* 'causal'"):
        protocol.for_trials(_recorded(Recipe(band=(8, 24))))
    import dataclasses

    with pytest.raises(ValueError, match="gap is 1 s, but one epoch .* take 2 s"):
        dataclasses.replace(protocol, gap=1.0).for_trials(_recorded(None))
    with pytest.raises(ValueError, match="no gap yet.*for_trials"):
        protocol.folds(*_timed(), seed=0)


def test_a_protocol_of_ones_own_is_checked():
    with pytest.raises(ValueError, match="split_unit is 'run'; use one of trial"):
        Protocol("mine", "run", "none", "By run.")
    with pytest.raises(ValueError, match="within-session trains on other trials"):
        get_protocol("within-session:past")

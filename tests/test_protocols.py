"""Folds hold out what their protocol says, and are MOABB's."""

import numpy as np
import pandas as pd
import pytest
from moabb.evaluations.splitters import (
    CrossSessionSplitter,
    CrossSubjectSplitter,
    WithinSessionSplitter,
)

from neurodec.evaluation import get_protocol, list_protocols


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


@pytest.mark.parametrize("name", list_protocols())
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


@pytest.mark.parametrize("name", list_protocols())
def test_every_trial_is_tested_exactly_once(name):
    y, metadata = _trials()
    folds = get_protocol(name).folds(y, metadata, seed=0)
    tested = np.sort(np.concatenate([fold.test for fold in folds]))
    np.testing.assert_array_equal(tested, np.arange(len(y)))


@pytest.mark.parametrize("name", list_protocols())
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


@pytest.mark.parametrize("name", list_protocols())
def test_nothing_of_the_target_is_used(name):
    protocol = get_protocol(name)
    assert protocol.target == "none"
    assert not protocol.transductive
    assert protocol.to_dict()["transductive"] is False

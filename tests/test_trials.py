"""Trials are selected without copies, never written to, and told apart by content."""

import tracemalloc

import mne
import numpy as np
import pandas as pd
import pytest

from neurodec.datasets import (
    Trials,
    concatenate_trials,
    trials_from_arrays,
    trials_from_epochs,
)

INFO = mne.create_info(["C3", "C4"], 100.0, "eeg")


def build(**changes):
    """Six trials; every argument of the constructor may be changed."""
    X = np.random.default_rng(0).standard_normal((6, 2, 30))
    metadata = pd.DataFrame(
        {"subject": 1, "session": ["0", "0", "0", "1", "1", "1"], "run": "0"}
    )
    given = dict(data=X, y=["a", "b"] * 3, metadata=metadata, info=INFO)
    return Trials(**{**given, **changes})


# --- what is shared, what is copied -------------------------------------------


def test_all_rows_share_the_given_array():
    X = np.random.default_rng(0).standard_normal((6, 2, 30))
    trials = build(data=X)
    assert np.shares_memory(trials.X, X)
    for everything in (trials[:], trials[np.ones(6, bool)], trials.select(subject=1)):
        assert np.shares_memory(everything.X, X)


def test_selection_copies_no_signal():
    trials = build(
        data=np.zeros((6, 2, 500_000)),
        info=mne.create_info(2, 100.0, "eeg"),
    )
    tracemalloc.start()
    part = trials[[5, 1]].select(session="1").rename("other")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(part) == 1
    assert peak < trials.X.nbytes / 20


def test_the_base_is_read_only_and_the_callers_array_is_not():
    X = np.zeros((6, 2, 30))
    trials = build(data=X)
    with pytest.raises(ValueError, match="read-only"):
        trials.X[0, 0, 0] = 1
    X[0, 0, 0] = 1  # The caller's own array stays writable.
    assert X.flags.writeable


def test_labels_and_metadata_are_safe_from_later_changes():
    y = np.array(["a", "b"] * 3)
    metadata = pd.DataFrame({"subject": 1, "session": "0", "run": "0"}, index=range(6))
    trials = build(y=y, metadata=metadata)
    before = trials.fingerprint()
    y[0], metadata.loc[0, "subject"] = "b", 9
    trials.y[:] = "c"
    table = trials.metadata
    table["subject"] = 7
    assert trials.fingerprint() == before


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16"])
def test_a_memory_map_stays_a_memory_map(tmp_path, dtype):
    path = tmp_path / "X.npy"
    X = np.random.default_rng(0).integers(-500, 500, (6, 2, 300)).astype(dtype)
    np.save(path, X)
    mapped = np.load(path, mmap_mode="r")
    trials = trials_from_arrays(mapped, ["a", "b"] * 3, sfreq=100)
    assert isinstance(trials.X, np.memmap)
    assert isinstance(trials[:].X, np.memmap)
    part = trials[[4, 0]]
    np.testing.assert_array_equal(part.X, X[[4, 0]])
    assert not isinstance(part.X, np.memmap)  # Gathered once, in memory.
    assert trials.fingerprint() == build_like(trials, X).fingerprint()


def build_like(trials, X):
    return Trials(X, trials.y, trials.metadata, trials.info)


# --- selection ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "rows"),
    [
        (slice(1, 4), [1, 2, 3]),
        (slice(None, None, -1), [5, 4, 3, 2, 1, 0]),
        (2, [2]),
        (-1, [5]),
        ([4, 1], [4, 1]),
        (np.array([4, 1], np.uint8), [4, 1]),
        ([True, False, False, False, False, True], [0, 5]),
        (pd.Series([True] + [False] * 5, index=list("uvwxyz")), [0]),
    ],
)
def test_indexing_is_numpys(item, rows):
    trials = build()
    part = trials[item]
    np.testing.assert_array_equal(part.X, trials.X[rows])
    np.testing.assert_array_equal(part.y, trials.y[rows])
    assert part.metadata["session"].tolist() == [
        trials.metadata["session"][row] for row in rows
    ]
    assert len(part) == len(rows)


def test_metadata_always_has_a_range_index():
    metadata = build().metadata.set_index(pd.Index([9, 3, 3, 7, 1, 0]))
    trials = build(metadata=metadata)
    for part in (trials, trials[[5, 0]], trials[::-1][2:], trials.select(session="1")):
        assert isinstance(part.metadata.index, pd.RangeIndex)
        assert part.metadata.index.tolist() == list(range(len(part)))


def test_selection_of_a_selection(trials):
    later = trials.select(subject=2)[10:].select(session=["0", "1"])
    rows = np.flatnonzero(trials.metadata["subject"] == 2)[10:]
    np.testing.assert_array_equal(later.X, trials.X[rows])
    assert later.classes.tolist() == ["left_hand", "right_hand"]


def test_select_combines_columns(trials):
    part = trials.select(subject=[1, 2], session="1")
    assert part.metadata.groupby(["subject", "session"]).size().to_dict() == {
        (1, "1"): 20,
        (2, "1"): 20,
    }


def test_pick_and_drop_channels(trials):
    part = trials.select(subject=2)
    picked = part.pick(["C4", "C3"])
    assert picked.ch_names == picked.info["ch_names"] == ["C4", "C3"]
    np.testing.assert_array_equal(picked.X, part.X[:, [2, 0]])
    pd.testing.assert_frame_equal(picked.metadata, part.metadata)
    assert part.drop(["Cz"]).ch_names == ["C3", "C4"]
    assert part.ch_names == ["C3", "Cz", "C4"]  # Unchanged.


# --- what they are ------------------------------------------------------------


def test_labels_keep_their_kind():
    assert build(y=[3, 1, 2, 3, 1, 2]).classes.tolist() == [1, 2, 3]
    from_pandas = build(y=pd.Series(["b", "a"] * 3)).y
    assert from_pandas.dtype.kind == "U"
    assert from_pandas.tolist() == ["b", "a"] * 3


def altered(trials, **changes):
    given = dict(
        data=trials.X.copy(),
        y=trials.y,
        metadata=trials.metadata,
        info=trials.info,
        unit=trials.unit,
        tmin=trials.tmin,
    )
    return Trials(**{**given, **changes})


def one_sample(trials):
    X = trials.X.copy()
    X[3, 1, 7] = np.nextafter(X[3, 1, 7], np.inf)
    return altered(trials, data=X)


def one_label(trials):
    y = trials.y
    y[2] = "b" if y[2] == "a" else "a"
    return altered(trials, y=y)


CHANGES = {
    "sample": one_sample,
    "label": one_label,
    "order": lambda t: t[::-1],
    "fewer trials": lambda t: t[1:],
    "unit": lambda t: altered(t, unit=1e-6),
    "window": lambda t: altered(t, tmin=0.5),
    "subject": lambda t: altered(t, metadata=t.metadata.assign(subject=2)),
    "session": lambda t: altered(t, metadata=t.metadata.assign(session="2")),
    "run": lambda t: altered(t, metadata=t.metadata.assign(run="1")),
    "sampling rate": lambda t: altered(t, info=mne.create_info(["C3", "C4"], 50.0)),
    "channel name": lambda t: altered(t, info=mne.create_info(["C3", "Cz"], 100.0)),
    "channel order": lambda t: t.pick(["C4", "C3"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_fingerprint_tells_apart(change):
    trials = build()
    assert CHANGES[change](trials).fingerprint() != trials.fingerprint()


def test_fingerprint_is_of_the_content():
    trials = build()
    for same in (
        trials[:],
        trials[np.arange(6)],
        trials[::-1][::-1],
        altered(trials),
        trials.rename("other"),
        altered(trials, metadata=trials.metadata.set_index(pd.Index(list("uvwxyz")))),
        concatenate_trials([trials[:2], trials[2:]]),
    ):
        assert same.fingerprint() == trials.fingerprint()


def test_equal_signals_have_equal_hashes_whoever_recorded_them():
    X = np.random.default_rng(0).standard_normal((6, 2, 30))
    X[5] = X[1]
    metadata = build().metadata.assign(subject=range(6))
    hashes = build(data=X, metadata=metadata).signal_hashes()
    assert hashes[5] == hashes[1]
    assert len(set(hashes)) == 5


# --- putting together, handing on ---------------------------------------------


def test_concatenation_keeps_every_trial_in_order(trials):
    parts = [trials.select(subject=2), trials.select(subject=1, session="1")]
    whole = concatenate_trials(parts, name="whole")
    np.testing.assert_array_equal(whole.X, np.concatenate([p.X for p in parts]))
    assert whole.y.tolist() == [label for p in parts for label in p.y]
    assert whole.metadata["subject"].tolist() == [2] * 40 + [1] * 20
    assert isinstance(whole.metadata.index, pd.RangeIndex)
    assert (whole.name, whole.unit, whole.sfreq) == ("whole", 1.0, 64.0)


def test_concatenation_accepts_further_columns_in_one_part():
    extra = build(metadata=build().metadata.assign(stimulus=range(6)))
    whole = concatenate_trials([build(), extra])
    assert whole.metadata["stimulus"].isna().sum() == 6
    assert whole.metadata["subject"].notna().all()


@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_epochs_are_in_si_units_and_come_back(unit):
    trials = build(
        unit=unit, tmin=-0.1, metadata=build().metadata.assign(onset=np.arange(6.0))
    )
    epochs = trials.to_epochs()
    np.testing.assert_allclose(epochs.get_data(), trials.X * unit, rtol=1e-15)
    np.testing.assert_allclose(epochs.times[[0, -1]], [-0.1, 0.19])
    back = trials_from_epochs(epochs)
    np.testing.assert_allclose(back.X * back.unit, trials.X * unit, rtol=1e-15)
    assert back.y.tolist() == trials.y.tolist()
    pd.testing.assert_frame_equal(back.metadata, trials.metadata)
    assert (back.sfreq, back.tmin) == (trials.sfreq, trials.tmin)


def test_epochs_apply_no_projector():
    raw = mne.io.RawArray(np.zeros((2, 10)), INFO, verbose=False)
    raw.set_eeg_reference(projection=True, verbose=False)
    trials = build(info=raw.info)
    np.testing.assert_array_equal(trials.to_epochs().get_data(), trials.X)


def test_integer_labels_become_event_names():
    epochs = build(y=[7, 3] * 3).to_epochs()
    assert epochs.event_id == {"3": 1, "7": 2}
    assert epochs.events[:, 2].tolist() == [2, 1] * 3

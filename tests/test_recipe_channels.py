"""Bad channels and reference of a recipe look at all channels, before any is picked."""

import mne
import numpy as np
import pytest

from neurodec.datasets import trials_from_arrays, trials_from_raw
from neurodec.datasets._rework import rework_trials
from neurodec.preprocessing import Recipe

SFREQ = 128.0


@pytest.fixture(scope="module")
def cap(raw_factory):
    """Nine electrodes with positions, one EOG; the signals are a smooth field."""
    raw = raw_factory(("eeg",) * 9 + ("eog",), n_trials=20, sfreq=SFREQ, seed=5)
    names = ["Fz", "Cz", "Pz", "C3", "C4", "F3", "F4", "P3", "P4"]
    raw.rename_channels(dict(zip(raw.ch_names, names, strict=False)))
    raw.set_montage(mne.channels.make_standard_montage("biosemi64"))
    place = np.array([channel["loc"][:3] for channel in raw.info["chs"][:9]])
    waves = 1e-4 * np.random.default_rng(6).standard_normal((3, raw.n_times))
    raw._data[:9] = 0.1 * raw._data[:9] + place @ waves * 10
    return raw


EVENTS = {"left": "left", "right": "right"}
RAW = dict(band=None, tmax=0.5)
few_points = pytest.mark.filterwarnings("ignore:Only 9 head digitization")


def read(raw, picks=None, **settings):
    return trials_from_raw(raw, EVENTS, Recipe(**RAW | settings), picks=picks)


def test_reference_is_of_all_channels_whichever_are_picked(cap):
    by_mne = cap.copy().set_eeg_reference("average", verbose=False)
    wanted = read(by_mne)
    got = read(cap, reference="average")
    np.testing.assert_allclose(got.X, wanted.X, rtol=0, atol=1e-18)
    assert got.recipe["reference"] == "average"
    assert np.linalg.matrix_rank(np.cov(np.concatenate(got.X, axis=1))) == 8
    few = read(cap, picks=["C3", "C4"], reference="average")
    np.testing.assert_array_equal(few.X, got.pick(["C3", "C4"]).X)


def test_bad_channels_are_no_part_of_the_average(cap):
    got = read(cap, reference="average", bads=["F3", "P4"])
    wanted = read(cap.copy().drop_channels(["F3", "P4"]), reference="average")
    assert got.ch_names == wanted.ch_names == ["Fz", "Cz", "Pz", "C3", "C4", "F4", "P3"]
    np.testing.assert_array_equal(got.X, wanted.X)


def test_named_reference_channels_are_dropped(cap):
    got = read(cap, reference=["P3", "P4"])
    wanted = cap.copy().set_eeg_reference(["P3", "P4"], verbose=False)
    assert got.ch_names == cap.ch_names[:7]
    np.testing.assert_array_equal(got.X, read(wanted, picks=got.ch_names).X)


@few_points
def test_interpolation_is_mnes(cap):
    got = read(cap, bads=["C4"], interpolate=True)
    by_mne = cap.copy()
    by_mne.info["bads"] = ["C4"]
    by_mne.interpolate_bads(verbose=False)
    wanted = read(by_mne)
    assert got.ch_names == wanted.ch_names == cap.ch_names[:9]
    np.testing.assert_array_equal(got.X, wanted.X)
    truth = read(cap).pick(["C4"]).X
    estimate = got.pick(["C4"]).X
    assert np.corrcoef(truth.ravel(), estimate.ravel())[0, 1] > 0.8
    assert np.abs(estimate - truth).max() > 1e-7


@few_points
def test_channels_that_a_recording_marks_bad_are_interpolated_too(cap):
    marked = cap.copy()
    marked.info["bads"] = ["F4"]
    assert "F4" not in read(marked).ch_names
    got = read(marked, interpolate=True)
    np.testing.assert_array_equal(got.X, read(cap, bads=["F4"], interpolate=True).X)
    assert marked.info["bads"] == ["F4"]


def test_arrays_and_recordings_get_the_same_reference(cap):
    whole = read(cap)
    for settings in (dict(reference="average", bads=["Cz"]), dict(reference=["Pz"])):
        got = trials_from_arrays(
            whole.X * 1e6,
            whole.y,
            sfreq=SFREQ,
            ch_names=whole.ch_names,
            unit=1e-6,
            recipe=Recipe(band=None, **settings),
        )
        wanted = read(cap, **settings)
        assert got.ch_names == wanted.ch_names
        np.testing.assert_allclose(got.X * 1e-6, wanted.X, rtol=0, atol=1e-18)


def test_a_reference_after_the_filter_is_the_same(cap):
    """Sets that MOABB reads get their reference last."""
    rest = dict(band=(8, 30), resample=64)
    before = read(cap, reference="average", **rest)
    after = rework_trials(read(cap, **rest), Recipe(reference="average"))
    np.testing.assert_allclose(after.X, before.X, rtol=0, atol=1e-16)
    untouched = read(cap)
    assert rework_trials(untouched, Recipe()) is untouched


def test_eog_stays_by_name_and_has_no_reference(cap):
    eog = cap.ch_names[9]
    got = read(cap, picks=["Fz", eog], reference="average", band=(1, 20))
    wanted = read(cap, picks=[eog], band=(1, 20))
    np.testing.assert_array_equal(got.pick([eog]).X, wanted.X)


@few_points
def test_channel_steps_edit_no_recording(cap):
    before = cap.get_data()
    read(cap, reference="average", bads=["Fz"], interpolate=True, notch=[50])
    np.testing.assert_array_equal(cap.get_data(), before)
    assert cap.info["bads"] == []

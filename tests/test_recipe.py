"""A recipe does what MNE's functions do, one recording or one trial at a time."""

import json

import mne
import numpy as np
import pytest
import yaml
from moabb.datasets.preprocessing import get_filter_pipeline

from neurodec.preprocessing import Recipe

SFREQ = 128.0
CODES = {"left": 1, "right": 2}


@pytest.fixture(scope="module")
def raw(raw_factory):
    """Noise with slow drifts, so that filter and baseline have something to do."""
    raw = raw_factory(("eeg", "eeg", "eeg", "eog"), n_trials=20, sfreq=SFREQ)
    drift = np.cumsum(raw.get_data(), axis=1)
    return mne.io.RawArray(drift, raw.info, verbose=False)


@pytest.fixture(scope="module")
def events():
    onsets = (np.arange(1, 21) * SFREQ).astype(int)
    codes = 1 + np.arange(20) % 2
    return np.column_stack([onsets, np.zeros(20, int), codes])


def by_hand(
    raw,
    events,
    *,
    band,
    method,
    tmin,
    tmax,
    baseline,
    reject,
    resample,
    phase="zero",
    notch=(),
    reference=None,
):
    """The same with MNE's methods, one after the other."""
    raw = raw.copy()
    if reference is not None:
        raw.set_eeg_reference(reference, verbose=False)
        raw.drop_channels([] if reference == "average" else reference)
    how = {"phase": "zero"}
    if phase == "causal" and method == "iir":
        how = {"phase": "forward"}
        raw.apply_function(lambda x: x - x[0])
    elif phase == "causal":
        how = {"phase": "minimum", "pad": "edge"}
    if band is not None:
        raw.filter(*band, method=method, verbose=False, **how)
    for frequency in notch:
        raw.notch_filter(frequency, method=method, verbose=False, **how)
    start = tmin if baseline is None else min(tmin, baseline[0])
    epochs = mne.Epochs(
        raw,
        events,
        CODES,
        tmin=start,
        tmax=tmax,
        baseline=baseline,
        reject=reject,
        preload=True,
        verbose=False,
    )
    if resample is not None:
        epochs.resample(resample, method="polyphase", verbose=False)
    return epochs.crop(tmin=tmin)


PLAIN = dict(
    band=None,
    method="iir",
    tmin=0.0,
    tmax=0.75,
    baseline=None,
    reject=None,
    resample=None,
)
SETTINGS = {
    "nothing": {},
    "iir": dict(band=(8.0, 32.0)),
    "fir": dict(band=(8.0, 32.0), method="fir"),
    "high-pass": dict(band=(1.0, None)),
    "low-pass": dict(band=(None, 20.0)),
    "baseline before the window": dict(baseline=(-0.25, 0.0)),
    "baseline in the window": dict(baseline=(0.0, 0.125)),
    "window before the event": dict(tmin=-0.5, tmax=0.5),
    "rejection": dict(band=(1.0, 30.0), reject={"eeg": 1.1e-4}),
    "rejection by the eog": dict(reject={"eog": 1.5e-4}),
    "resample": dict(band=(1.0, 20.0), resample=64.0),
    "causal": dict(band=(8.0, 32.0), phase="causal"),
    "causal fir": dict(band=(8.0, 32.0), phase="causal", method="fir"),
    "notch": dict(band=(1.0, None), notch=(20.0, 50.0)),
    "notch fir": dict(notch=(50.0,), method="fir"),
    "causal notch": dict(band=(1.0, 60.0), notch=(50.0,), phase="causal"),
    "average": dict(reference="average"),
    "one electrode": dict(band=(1.0, 30.0), reference=["EEG1"]),
    "two electrodes": dict(reference=["EEG0", "EEG2"]),
    "all": dict(
        band=(1.0, 20.0),
        baseline=(-0.25, 0.0),
        reject={"eeg": 1.1e-4},
        resample=64.0,
        tmin=0.125,
    ),
}
# Trials that come cut have no names of channels, and are short for such a filter.
CUT = [n for n, s in SETTINGS.items() if "reference" not in s and n != "notch fir"]


@pytest.mark.parametrize("name", SETTINGS)
def test_epochs_equal_mne_called_by_hand(name, raw, events):
    settings = {**PLAIN, **SETTINGS[name]}
    got = Recipe(**settings).epochs(raw, events, CODES)
    wanted = by_hand(raw, events, **settings)
    np.testing.assert_allclose(got.get_data(), wanted.get_data(), rtol=0, atol=1e-18)
    np.testing.assert_array_equal(got.events, wanted.events)
    np.testing.assert_array_equal(got.selection, wanted.selection)
    np.testing.assert_allclose(got.times, wanted.times, rtol=0, atol=1e-12)
    assert got.info["sfreq"] == wanted.info["sfreq"]
    if settings["reject"]:  # Else the setting tests nothing.
        assert 0 < len(got) < len(events)


@pytest.mark.parametrize("name", [n for n in CUT if "band" not in SETTINGS[n]])
def test_array_and_epochs_agree_where_nothing_is_filtered(name, raw, events):
    """A filter sees a whole recording in one and a cut trial in the other."""
    recipe = Recipe(**{**PLAIN, **SETTINGS[name]})
    check_agreement(recipe, raw, events)


@pytest.mark.parametrize(
    "changes",
    [
        dict(resample=64.0),
        dict(resample=100.0, baseline=(-0.25, 0.0)),
        dict(resample=64.0, baseline=(-0.2, 0.05), reject={"eeg": 2.2e-4}, tmin=0.11),
    ],
)
def test_array_and_epochs_agree_when_resampled(changes, raw, events):
    check_agreement(Recipe(**{**PLAIN, **changes}), raw, events)


def check_agreement(recipe, raw, events):
    cut = mne.Epochs(
        raw, events, CODES, -0.5, 0.9, baseline=None, preload=True, verbose=False
    )
    types = raw.get_channel_types()
    data, sfreq, tmin, kept = recipe.array(
        cut.get_data(copy=True), SFREQ, cut.tmin, ch_types=types
    )
    wanted = recipe.epochs(raw, events, CODES)
    np.testing.assert_allclose(data, wanted.get_data(), rtol=0, atol=1e-15)
    np.testing.assert_array_equal(cut.selection[kept], wanted.selection)
    assert sfreq == wanted.info["sfreq"]
    np.testing.assert_allclose(tmin, wanted.tmin, atol=1e-12)


@pytest.mark.parametrize("name", CUT)
def test_each_trial_alone_gives_the_same_numbers(name):
    rng = np.random.default_rng(3)
    data = 1e-5 * np.cumsum(rng.standard_normal((6, 3, 512)), axis=2)
    settings = {**PLAIN, **SETTINGS[name]}
    if settings["reject"]:
        settings["reject"] = {"eeg": 5e-4}
        data[4] *= 10
    recipe = Recipe(**settings)
    together, *about, kept = recipe.array(data, SFREQ, -1.0)
    assert kept.tolist() == ([0, 1, 2, 3, 5] if settings["reject"] else [*range(6)])
    for row, wanted in zip(kept, together, strict=True):
        alone, *about_alone, _ = recipe.array(data[[row]], SFREQ, -1.0)
        np.testing.assert_array_equal(alone[0], wanted)
        assert about_alone == about


def test_iir_is_moabbs_filter(raw, events):
    filtered = get_filter_pipeline(8, 32).transform(raw.copy())
    wanted = mne.Epochs(
        filtered, events, CODES, 0, 0.75, baseline=None, preload=True, verbose=False
    )
    got = Recipe(band=(8, 32), method="iir", tmax=0.75).epochs(raw, events, CODES)
    np.testing.assert_array_equal(got.get_data(), wanted.get_data())


def test_the_filter_of_arrays_is_the_same(raw):
    data = raw.get_data()
    wanted = mne.filter.filter_data(data, SFREQ, 8, 32, method="iir", verbose=False)
    got, *_ = Recipe(band=(8, 32)).array(data[np.newaxis], SFREQ, 0.0)
    np.testing.assert_array_equal(got[0], wanted)


def test_inputs_are_not_changed(raw, events):
    data, before = raw.get_data(), raw.get_data().copy()
    recipe = Recipe(**{**PLAIN, **SETTINGS["all"], "reject": None})
    recipe.epochs(raw, events, CODES)
    recipe.array(data[np.newaxis], SFREQ, -1.0)
    np.testing.assert_array_equal(raw.get_data(), before)
    np.testing.assert_array_equal(data, before)


def test_only_the_named_channels_are_filtered(raw, events):
    recipe = Recipe(band=(8, 32), tmax=0.75)
    eog = raw.ch_names[3]
    default = recipe.epochs(raw, events, CODES).get_data([eog])
    np.testing.assert_array_equal(
        default, by_hand(raw, events, **PLAIN).get_data([eog])
    )
    named = recipe.epochs(raw, events, CODES, picks=[eog]).get_data([eog])
    filtered = raw.copy().filter(8, 32, method="iir", picks=[eog], verbose=False)
    np.testing.assert_array_equal(
        named, by_hand(filtered, events, **PLAIN).get_data([eog])
    )


@pytest.mark.parametrize("name", SETTINGS)
def test_yaml_and_json_round_trips(name, tmp_path):
    recipe = Recipe(**{**PLAIN, **SETTINGS[name]})
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe.to_dict()))
    assert Recipe.from_yaml(path) == recipe
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_equal_recipes_have_equal_dictionaries():
    spelled = Recipe.from_dict({"band": [8, 32], "tmax": 3, "reject": {"eeg": 1e-4}})
    assert spelled == Recipe(band=(8.0, 32.0), tmax=3.0, reject={"eeg": 1e-4})
    assert spelled.to_dict()["band"] == [8.0, 32.0]
    assert Recipe(band=(None, None)) == Recipe(band=None)


def test_numbers_that_yaml_takes_for_text(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("reject: {eeg: 150e-6}\nresample: 1e2\n")
    recipe = Recipe.from_yaml(path)
    assert recipe.reject == {"eeg": 150e-6}
    assert recipe.resample == 100.0


def test_rejection_looks_at_each_type_by_its_own_limit():
    data = np.zeros((3, 2, 10))
    data[1, 0, 0], data[2, 1, 0] = 2e-4, 2e-4
    recipe = Recipe(band=None, reject={"eeg": 1e-4, "eog": 1e-3})
    assert recipe.kept(data, ["eeg", "eog"]).tolist() == [0, 2]
    assert recipe.kept(data, ["eog", "eeg"]).tolist() == [0, 1]
    assert Recipe(band=None, reject={"eeg": 1e-4}).kept(data).tolist() == [0]


def test_a_trial_of_four_seconds_without_its_last_sample():
    data = np.zeros((1, 1, 1000))
    got, _, tmin, _ = Recipe(band=None, tmin=0.5, tmax=4.0).array(data, 250.0, 0.0)
    assert got.shape == (1, 1, 875)
    assert tmin == 0.5


# Filters


@pytest.mark.parametrize("method", ["iir", "fir"])
@pytest.mark.parametrize("band", [(8.0, 32.0), (None, 32.0), None])
def test_a_causal_filter_does_not_see_later_samples(method, band):
    rng = np.random.default_rng(4)
    data = 1e-5 * np.cumsum(rng.standard_normal((1, 2, 2000)), axis=2)
    for now in (20, 1000):
        changed = data.copy()
        changed[..., now:] += 1e-3 * rng.standard_normal(changed[..., now:].shape)
        seen = {}
        for phase in ("causal", "zero"):
            recipe = Recipe(band=band, method=method, phase=phase, notch=[50])
            before, after = (
                recipe.array(X, SFREQ, 0.0)[0][..., :now] for X in (data, changed)
            )
            seen[phase] = np.abs(after - before).max()
        assert seen["causal"] < 1e-15  # The FFT rounds; samples are of 1e-5.
        assert seen["zero"] > 1e-7


def test_a_causal_recording_does_not_see_later_samples(raw, events):
    recipe = Recipe(band=(8, 32), phase="causal", notch=[50], tmax=0.5)
    cut = raw.copy().crop(tmax=(events[9, 0] + 0.5 * SFREQ) / SFREQ)
    np.testing.assert_array_equal(
        recipe.epochs(cut, events[:10], CODES).get_data(),
        recipe.epochs(raw, events, CODES)[:10].get_data(),
    )


def test_a_causal_filter_starts_without_a_jump():
    data = np.full((1, 1, 512), 2e-2)  # An amplifier's offset.
    for band, level in (((8, 32), 0.0), ((None, 32), 2e-2)):
        got, *_ = Recipe(band=band, phase="causal").array(data, SFREQ, 0.0)
        np.testing.assert_allclose(got, level, rtol=0, atol=1e-15)


@pytest.mark.parametrize("phase", ["zero", "causal"])
@pytest.mark.parametrize("method", ["iir", "fir"])
def test_notch_takes_the_line_and_leaves_the_rest(method, phase):
    times = np.arange(4000) / 250
    line, rest = (np.sin(2 * np.pi * f * times) for f in (50, 20))
    recipe = Recipe(band=None, notch=50, method=method, phase=phase)
    middle = slice(1500, 2500)
    left = {
        name: recipe.array(signal[None, None], 250.0, 0.0)[0][..., middle].std()
        for name, signal in {"line": line, "rest": rest}.items()
    }
    assert left["line"] < 0.02
    assert left["rest"] == pytest.approx(np.sqrt(0.5), rel=0.02)


# What is part of every key


def test_later_settings_do_not_change_the_keys_of_earlier_recipes():
    assert Recipe(band=(8, 30), tmax=2, reject={"eeg": 1e-4}).to_dict() == {
        "band": [8.0, 30.0],
        "method": "iir",
        "resample": None,
        "tmin": 0.0,
        "tmax": 2.0,
        "baseline": None,
        "reject": {"eeg": 1e-4},
    }


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (dict(phase="causal"), "causal"),
        (dict(notch=(100, 50, 50.0)), [50.0, 100.0]),
        (dict(notch=50), [50.0]),
        (dict(reference="average"), "average"),
        (dict(reference=["M1", "M2"]), ["M1", "M2"]),
        (dict(bads=["T7"]), ["T7"]),
        (dict(interpolate=True), True),
    ],
)
def test_a_chosen_setting_is_told(setting, told):
    (name,) = setting
    recipe = Recipe(**setting)
    assert recipe.to_dict() == {**Recipe().to_dict(), name: told}
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe

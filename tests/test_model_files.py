"""A model's folder: whole or not at all, and never taken for what it is not."""

import hashlib
import io
import json
import os
import shutil
import warnings

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from neurodec.datasets import trials_from_arrays, trials_from_raw
from neurodec.decoders import fit_model, load_model, load_pipeline
from neurodec.decoders._model_files import seal
from neurodec.preprocessing import Recipe

FILES = ["arrays.npz", "card.json", "model.json"]
EVENTS = {"left": "left", "right": "right"}


@pytest.fixture(scope="module")
def raw(raw_factory):
    return raw_factory(("eeg", "eeg", "eeg", "stim"), n_trials=20)


@pytest.fixture(scope="module")
def model(raw):
    recipe = Recipe(band=(8, 30), tmin=0, tmax=0.5)
    return fit_model(trials_from_raw(raw, EVENTS, recipe), "ts-lr")


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    return model.save(tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "model")


# Damage. What a folder says is changed and its checksums are put right, so that the
# check behind them is reached.


def change_card(folder, change):
    path = folder / "card.json"
    card = json.loads(path.read_text())
    change(card)
    path.write_text(json.dumps(seal(card)))


def put(folder, name, content):
    (folder / name).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    change_card(folder, lambda card: card["files"].update({name: sha256}))


def change_tree(folder, change):
    tree = json.loads((folder / "model.json").read_text())
    change(tree)
    put(folder, "model.json", json.dumps(tree).encode())


def change_arrays(folder, change):
    with np.load(folder / "arrays.npz") as file:
        arrays = dict(file)
    change(arrays)
    content = io.BytesIO()
    np.savez(content, **arrays)
    put(folder, "arrays.npz", content.getvalue())


def step(tree, number):
    """A step of the pipeline, as written."""
    return tree["pipeline"]["parameters"]["steps"][number]["items"][1]


def set_class(number, name):
    return lambda f: change_tree(f, lambda t: step(t, number).update({"class": name}))


def set_fitted(number, **values):
    return lambda f: change_tree(f, lambda t: step(t, number)["fitted"].update(values))


def set_parameter(number, **values):
    return lambda f: change_tree(
        f, lambda t: step(t, number)["parameters"].update(values)
    )


def set_version(name, version):
    return lambda f: change_card(f, lambda c: c["versions"].update({name: version}))


def cut_off(folder):
    content = (folder / "arrays.npz").read_bytes()
    put(folder, "arrays.npz", content[: len(content) // 2])


def flip(name):
    def change(folder):
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return change


def empty(folder):
    for name in FILES:
        (folder / name).unlink()


def a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("model")


def first_array(arrays):
    return next(name for name, array in arrays.items() if array.ndim == 2)


def transpose(arrays):
    name = first_array(arrays)
    arrays[name] = arrays[name].ravel()


def objects(arrays):
    arrays[first_array(arrays)] = np.array([{"a": 1}], object)


def of_two_models(folder):
    other = fit_model(
        trials_from_arrays(
            np.random.default_rng(0).standard_normal((20, 5, 51)),
            ["left", "right"] * 10,
            sfreq=100,
        ),
        "ts-lr",
    )
    other.save(folder.parent / "other")
    put(folder, "arrays.npz", (folder.parent / "other/arrays.npz").read_bytes())


FUNCTION = {"kind": "function", "name": "subprocess.check_output"}
PARTIAL = {"kind": "partial", "items": [FUNCTION, [["touch", "x"]], {"kind": "dict",
           "items": []}]}  # fmt: skip
DAMAGED = {
    "nothing there": (shutil.rmtree, ["no model folder", "model"]),
    "empty folder": (empty, ["holds no card.json", "nothing", "name the folder"]),
    "a file": (a_file, ["is a file", "card.json"]),
    "no card": (lambda f: (f / "card.json").unlink(), ["no card.json", "copy it"]),
    "no tree": (lambda f: (f / "model.json").unlink(), ["no model.json", "copy it"]),
    "no arrays": (lambda f: (f / "arrays.npz").unlink(), ["no arrays.npz", "copy it"]),
    "byte of the arrays": (flip("arrays.npz"), ["arrays.npz is damaged", "SHA-256"]),
    "byte of the tree": (flip("model.json"), ["model.json is damaged", "SHA-256"]),
    "byte of the card": (flip("card.json"), ["card.json", "save the model again"]),
    "cut-off arrays": (cut_off, ["arrays.npz cannot be read", "copy the folder"]),
    "card that is no JSON": (
        lambda f: (f / "card.json").write_text("{"), ["card.json is not valid JSON"]),
    "tree that is no JSON": (
        lambda f: put(f, "model.json", b"[" * 100_000), ["model.json is not valid"]),
    "card of something else": (
        lambda f: (f / "card.json").write_text('{"name": "x"}'),
        ["no card of a model", "neurodec saved"]),
    "newer format": (
        lambda f: change_card(f, lambda c: c.update(format_version=2)),
        ["format version 2", "reads 1", "update neurodec"]),
    "no such format": (
        lambda f: change_card(f, lambda c: c.update(format_version="1.0")),
        ["'1.0'", "save the model again"]),
    "edited card": (
        lambda f: (f / "card.json").write_text(
            (f / "card.json").read_text().replace('"sfreq": 100.0', '"sfreq": 250.0')),
        ["changed after the model was saved", "put the original back"]),
    "card without its input": (
        lambda f: change_card(f, lambda c: c.pop("input")), ["lacks 'input'"]),
    "input without a rate": (
        lambda f: change_card(f, lambda c: c["input"].pop("sfreq")),
        ["lacks 'sfreq'", "save the model again"]),
    "no rate": (
        lambda f: change_card(f, lambda c: c["input"].update(sfreq=0)),
        ["'sfreq': 0", "no format of trials"]),
    "files elsewhere": (
        lambda f: change_card(f, lambda c: c.update(files={"../x": "0"})),
        ["'../x'", "model.json and arrays.npz"]),
    "arrays of another shape": (
        lambda f: change_arrays(f, transpose),
        ["of shape", "of two models", "copy or save"]),
    "arrays of another model": (of_two_models, ["shape (3, 3)", "of two models"]),
    "missing array": (
        lambda f: change_arrays(f, lambda a: a.pop(first_array(a))),
        ["holds no array", "incomplete"]),
    "object array": (
        lambda f: change_arrays(f, objects),
        ["arrays.npz cannot be read", "allow_pickle", "plain arrays"]),
    "class outside of the list": (
        set_class(1, "subprocess.Popen"),
        ["subprocess.Popen is outside of", "trusted=['subprocess']"]),
    "class that starts like one of the list": (
        set_class(1, "sklearn_evil.Popen"), ["sklearn_evil.Popen is outside of"]),
    "no estimator": (
        set_class(1, "sklearn.utils.Bunch"), ["Bunch is no estimator", "save again"]),
    "imported into a trusted module": (
        set_class(1, "sklearn.base.warnings"), ["warnings is no estimator"]),
    "unknown class": (
        set_class(1, "pyriemann.tangentspace.TangentPlane"),
        ["has no class TangentPlane", "install the versions"]),
    "unknown module": (
        set_class(1, "pyriemann.nowhere.MDM"), ["cannot import pyriemann.nowhere"]),
    "unknown parameter": (
        set_parameter(1, tsupdated=True), ["takes no parameter 'tsupdated'", "fit"]),
    "cache of a pipeline": (
        lambda f: change_tree(
            f, lambda t: t["pipeline"]["parameters"].update(memory="/tmp/cache")),
        ["'memory'"]),
    "function outside of the list": (
        set_fitted(0, metric_=FUNCTION),
        ["subprocess.check_output is outside of", "trusted=['subprocess']"]),
    "function with arguments": (
        set_fitted(0, metric_=PARTIAL), ["subprocess.check_output is outside of"]),
    "builtin function": (
        set_fitted(0, metric_={"kind": "function", "name": "builtins.eval"}),
        ["builtins.eval is outside of"]),
    "no kind": (set_fitted(1, x_={"kind": "pickle"}), ["'pickle'", "nothing that"]),
    "attribute of Python's own": (
        set_fitted(1, __class__="x"), ["'__class__'", "no estimator has"]),
    "missing attribute": (
        lambda f: change_tree(f, lambda t: step(t, 2)["fitted"].pop("coef_")),
        ["does not answer", "coef_", "attribute is missing"]),
    "changed attribute": (
        set_fitted(2, intercept_=3.5), ["when it was saved", "install the versions"]),
    "no pipeline": (
        lambda f: change_tree(f, lambda t: t.update(pipeline=3)), ["no pipeline"]),
    "other scikit-learn": (
        set_version("scikit-learn", "2.1.0"),
        ["saved with scikit-learn 2.1.0", "scikit-learn==2.1.0", "fit and save"]),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_folder_is_refused(name, folder):
    damage, pieces = DAMAGED[name]
    damage(folder)
    with pytest.raises((ValueError, OSError)) as caught:
        load_model(folder)
    for piece in pieces:
        assert piece in str(caught.value)


def test_the_undamaged_folder_is_taken(folder, model, raw):
    loaded = load_model(folder)
    expected = model.apply(raw, step=0.5)
    assert loaded.apply(raw, step=0.5).equals(expected)
    assert loaded.card == model.card | {"format": "neurodec model", "format_version": 1}


def test_another_minor_version_warns(folder):
    set_version("pyriemann", "0.11.1")(folder)
    with pytest.warns(UserWarning, match=r"pyriemann 0\.11\.1.*is installed"):
        load_model(folder)


def test_versions_of_what_the_model_does_not_use(folder):
    set_version("mne", "0.24")(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_model(folder)


# Other recordings than the model's.

MISMATCHED = {
    "other channels": (
        lambda raw: raw.rename_channels({"EEG0": "C3"}),
        ["lacks 1 of the model's 3 channels: EEG0", "rename"]),
    "other rate": (
        lambda raw: raw.resample(250, verbose=False),
        ["250 Hz", "trained at 100 Hz", "'resample'"]),
    "MEG": (
        lambda raw: raw.set_channel_types(
            {f"EEG{i}": "mag" for i in range(3)}, on_unit_change="ignore"),
        ["'EEG0' has type 'mag'", "'eeg' (V)"]),
    "microvolts taken for volts": (
        lambda raw: raw.apply_function(lambda x: 1e6 * x),
        ["1e+06 times as large", "uV taken for V?", "any_amplitude=True"]),
    "volts taken for microvolts": (
        lambda raw: raw.apply_function(lambda x: 1e-6 * x),
        ["V taken for uV?", "bring them to V"]),
    "dead channel": (
        lambda raw: raw.apply_function(lambda x: 0 * x + 3e-6, picks=["EEG1"]),
        ["'EEG1' is constant", "interpolate"]),
    "bad channel": (
        lambda raw: raw.info["bads"].append("EEG1"),
        ["['EEG1']", "marked bad", "interpolate_bads"]),
    "window at the end": (
        lambda raw: raw.crop(0, 10.2),
        ["[0, 0.5] s of the event at 10 s", "10.21 s long", "skip_incomplete"]),
}  # fmt: skip


@pytest.mark.parametrize("name", MISMATCHED)
def test_other_recording_is_refused(name, saved, raw):
    change, pieces = MISMATCHED[name]
    other = raw.copy()
    change(other)
    with pytest.raises(ValueError) as caught:
        load_model(saved).apply(other, event_id=["left", "right"])
    for piece in pieces:
        assert piece in str(caught.value)


# Saved whole or not at all.


def test_a_model_is_replaced_on_demand_only(model, folder):
    before = {name: (folder / name).read_bytes() for name in FILES}
    with pytest.raises(FileExistsError, match="already.*overwrite=True"):
        model.save(folder)
    assert {name: (folder / name).read_bytes() for name in FILES} == before
    other = fit_model(
        trials_from_arrays(
            np.random.default_rng(0).standard_normal((20, 3, 51)),
            ["a", "b"] * 10,
            sfreq=100,
        ),
        "mdm",
    )
    other.save(folder, overwrite=True)
    assert load_model(folder).card["name"] == "mdm"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_nothing_else_is_deleted(model, folder):
    (folder / "thesis.tex").write_text("...")
    with pytest.raises(FileExistsError, match=r"thesis\.tex.*nothing was deleted"):
        model.save(folder, overwrite=True)
    assert (folder / "thesis.tex").exists()
    with pytest.raises(FileExistsError, match="is no folder"):
        model.save(folder / "thesis.tex", overwrite=True)


@pytest.mark.parametrize("moment", ["fsync", "rename"])
def test_a_failed_save_leaves_the_old_model(model, folder, monkeypatch, moment):
    before = {name: (folder / name).read_bytes() for name in FILES}
    real, calls = getattr(os, moment), []

    def fail(*args):
        calls.append(args)
        if len(calls) == 2:
            raise OSError("No space left on device")
        return real(*args)

    monkeypatch.setattr(os, moment, fail)
    with pytest.raises(OSError, match="No space"):
        model.save(folder, overwrite=True)
    assert {name: (folder / name).read_bytes() for name in FILES} == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    new = folder.parent / "new"
    calls[:] = [()]
    with pytest.raises(OSError, match="No space"):
        model.save(new)
    assert not new.exists()


def test_what_cannot_be_written_leaves_nothing(trials, tmp_path):
    from sklearn.ensemble import RandomForestClassifier

    pipeline = make_pipeline(load_pipeline("ts-lr")[:-1], RandomForestClassifier(2))
    model = fit_model(trials, pipeline)
    with pytest.raises(ValueError, match=r"steps\[1\]\[1\]\.estimators_\[0\]\.tree_"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_files_are_plain(saved):
    assert sorted(path.name for path in saved.iterdir()) == FILES
    with np.load(saved / "arrays.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)
    for name in ("card.json", "model.json"):
        json.loads((saved / name).read_text())


def test_saving_twice_writes_the_same(model, saved, tmp_path):
    again = model.save(tmp_path / "again")
    for name in FILES:
        assert (again / name).read_bytes() == (saved / name).read_bytes()
    loaded = load_model(saved).save(tmp_path / "loaded")
    for name in FILES:
        assert (loaded / name).read_bytes() == (saved / name).read_bytes()

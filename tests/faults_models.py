"""Faults of models: fitting, applying, and the commands fit and predict."""

import mne
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

from neurodec.cli import app
from neurodec.datasets import trials_from_arrays, trials_from_raw
from neurodec.decoders import Model, fit_model, load_model, load_pipeline
from neurodec.preprocessing import Recipe

RNG = np.random.default_rng(0)
Y = ["left", "right"] * 10
RECIPE = Recipe(band=(8, 30), tmin=0, tmax=0.5)


class RefusedError(Exception):
    """What a refused command printed."""


def arrays(X=None, y=Y, **kwargs):
    X = 1e-5 * RNG.standard_normal((20, 3, 60)) if X is None else X
    return trials_from_arrays(X, y, **{"sfreq": 100, **kwargs})


def recording(n_channels=3, seconds=22):
    info = mne.create_info(n_channels, 100.0, "eeg")
    data = 1e-5 * RNG.standard_normal((n_channels, 100 * seconds))
    raw = mne.io.RawArray(data, info, verbose=False)
    return raw.set_annotations(mne.Annotations(np.arange(1, 21), 0.5, Y))


RAW = recording()
CUT = trials_from_raw(RAW, {"left": "left", "right": "right"}, RECIPE)


def fit(trials=CUT, pipeline="mdm", **kwargs):
    return fit_model(trials, pipeline, **kwargs)


def flat():
    X = 1e-5 * RNG.standard_normal((20, 3, 60))
    X[:, 1] = 3e-6
    return arrays(X)


def other_recipe():
    return trials_from_raw(RAW, {"left": "left", "right": "right"}, Recipe(tmax=0.5))


def saved(folder):
    return fit().save(folder / "model")


def forest():
    return make_pipeline(load_pipeline("ts-lr")[:-1], RandomForestClassifier(2))


def file(folder, name, content):
    path = folder / name
    path.write_text(content)
    return path


def recorded(folder):
    path = folder / "a_raw.fif"
    RAW.save(path, verbose=False)
    return path


def command(*arguments):
    arguments = list(map(str, arguments))
    result = CliRunner(env={"COLUMNS": "400"}).invoke(app, arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    raise RefusedError(result.output)


def command_fit(folder, *arguments):
    """Run ``neurodec fit``; nothing may be written when it refuses."""
    out = folder / "out"
    try:
        command("fit", "--out", out, *arguments)
    finally:
        assert not out.exists()


def command_predict(folder, *arguments):
    """Run ``neurodec predict`` on a model; no table may be written."""
    out = folder / "out.csv"
    try:
        command("predict", saved(folder), *arguments, "--out", out)
    finally:
        assert not out.exists()


# fmt: off
FAULTS = [
    # Fitting.
    (fit_model, "no trials", lambda d: fit(np.zeros((2, 3, 4))),
     ["ndarray", "trials_from_arrays"]),
    (fit_model, "one class", lambda d: fit(arrays(y=["left"] * 20)),
     ["all 20 trials are 'left'", "check the events"]),
    (fit_model, "constant channel", lambda d: fit(flat()),
     ["['1']", "trials.drop(['1'])"]),
    (fit_model, "unknown pipeline", lambda d: fit(pipeline="mdn"),
     ["'mdn'", "did you mean 'mdm'"]),
    (fit_model, "seed", lambda d: fit(seed=-1), ["seed is -1", "whole number"]),
    (fit_model, "pipeline for another rate", lambda d: fit(pipeline="ssvep-ts"),
     ["sfreq", "100 Hz"]),
    (fit_model, "scores of another pipeline",
     lambda d: fit(scores={"pipeline": "ts-lr", "score": 0.8}),
     ["ts-lr", "none of 'mdm'", "leave scores out"]),
    (fit_model, "scores that are none", lambda d: fit(scores=0.8),
     ["float", "results.summary()"]),
    # Saving.
    (Model.save, "what only a pickle could hold",
     lambda d: fit(pipeline=forest()).save(d / "m"),
     ["steps[1][1].estimators_[0].tree_", "never a pickle", "linear model"]),
    (Model.save, "trust in no list", lambda d: fit().save(d / "m", trusted="mine"),
     ["'mine'", "['mypackage']"]),
    (Model.save, "a file in its place",
     lambda d: fit().save(file(d, "m", "x")), ["is no folder", "another name"],
     FileExistsError),
    # Loading; more in test_model_files.py.
    (load_model, "no folder", lambda d: load_model(d / "none"),
     ["none", "check it"], FileNotFoundError),
    (load_model, "another folder", lambda d: load_model(d),
     ["holds no card.json", "name the folder"], FileNotFoundError),
    # Applying.
    (Model.apply, "arrays", lambda d: fit().apply(np.zeros((2, 3, 51))),
     ["ndarray", "channels and rate", "trials_from_arrays"]),
    (Model.apply, "nowhere in the recording", lambda d: fit().apply(RAW),
     ["either event_id", "step", "['left', 'right']"]),
    (Model.apply, "events and windows",
     lambda d: fit().apply(RAW, event_id=["left"], step=1), ["either event_id"]),
    (Model.apply, "unknown event", lambda d: fit().apply(RAW, event_id=["feet"]),
     ["'feet'", "['left', 'right']"]),
    (Model.apply, "events that are no events",
     lambda d: fit().apply(RAW, events=[1, 2]), ["(2,)", "(n_events, 3)"]),
    (Model.apply, "window of another length",
     lambda d: fit().apply(RAW, window=2.0, step=1),
     ["window is 2 s", "0.51 s", "leave it out"]),
    (Model.apply, "no step", lambda d: fit().apply(RAW, step=0),
     ["step is 0", "0.01 s"]),
    (Model.apply, "recording shorter than a window",
     lambda d: fit().apply(RAW.copy().crop(0, 0.3), step=1),
     ["0.31 s long", "0.51 s", "longer"]),
    (Model.apply, "model without a recipe", lambda d: fit(arrays()).apply(RAW, step=1),
     ["without a recipe", "give them instead"]),
    (Model.apply, "missing channels",
     lambda d: fit().apply(RAW.copy().drop_channels(["1", "2"]), step=1),
     ["lacks 2 of the model's 3 channels: 1, 2", "rename"]),
    (Model.apply, "trials of another recipe", lambda d: fit().apply(other_recipe()),
     ["band=[8.0, 32.0] and not [8.0, 30.0]", "prepared=True"]),
    (Model.apply, "epochs that may be prepared or not",
     lambda d: fit().apply(CUT.to_epochs()),
     ["band=[8.0, 30.0]", "prepared=True", "prepared=False"]),
    (Model.apply, "trials of another rate",
     lambda d: fit(arrays()).apply(arrays(sfreq=250)),
     ["250 Hz", "100 Hz", "resample"]),
    (Model.apply, "trials of another length",
     lambda d: fit(arrays()).apply(arrays(1e-5 * RNG.standard_normal((20, 3, 50)))),
     ["50 samples", "trained on 60", "same window"]),
    (Model.apply, "trials of MEG",
     lambda d: fit(arrays()).apply(arrays(ch_types="mag")),
     ["'0' has type 'mag'", "'eeg' (V)", "for such signals"]),
    (Model.apply, "events of trials",
     lambda d: fit().apply(CUT, event_id=["left"]),
     ["Trials", "leave event_id", "give the recording"]),
    (Model.apply, "target without an alignment",
     lambda d: fit().apply(CUT, target="past"),
     ["'past'", "no alignment step", "leave target out"]),
    (Model.apply, "domain that training had not",
     lambda d: fit().apply(CUT, domain=(2, "0")),
     ["(2, '0')", "[(1, '0')]", "leave domain out"]),
    (Model.predict_proba, "none are given",
     lambda d: fit(pipeline="ts-svm").predict_proba(CUT),
     ["ts-svm gives no probabilities", "calibrate"]),
    # Commands.
    ("neurodec fit", "unknown dataset",
     lambda d: command_fit(d, "--pipeline", "mdm", "--dataset", "simulatd"),
     ["'simulatd'", "simulated"], RefusedError),
    ("neurodec fit", "unknown pipeline",
     lambda d: command_fit(d, "--pipeline", "mdn"), ["'mdn'", "'mdm'"], RefusedError),
    ("neurodec fit", "recipe",
     lambda d: command_fit(
         d, "--pipeline", "mdm", "--recipe", file(d, "r.yml", "bands: [1, 2]")),
     ["'bands'", "band"], RefusedError),
    ("neurodec fit", "a table that is none of scores",
     lambda d: command_fit(
         d, "--pipeline", "mdm", "--scores", file(d, "r.csv", "a,b\n1,2\n")),
     ["r.csv", "'dataset'", "results.csv"], RefusedError),
    ("neurodec fit", "scores of others",
     lambda d: command_fit(
         d, "--pipeline", "mdm", "--scores", file(
             d, "r.csv", "dataset,pipeline,protocol,target,scoring,subject,score\n")),
     ["r.csv", "no score of 'mdm' on 'simulated'", "leave --scores out"], RefusedError),
    ("neurodec fit", "folder of something else",
     lambda d: command("fit", "--pipeline", "mdm", "--overwrite", "--out",
                       file(d, "thesis.tex", "x").parent),
     ["thesis.tex", "nothing was deleted"], RefusedError),
    ("neurodec predict", "no recording",
     lambda d: command_predict(d, d / "none.fif", "--step", 1),
     ["none.fif", "check the path"], RefusedError),
    ("neurodec predict", "no recording in the file",
     lambda d: command_predict(d, file(d, "x.edf", "no"), "--step", 1),
     ["x.edf", "cannot be read"], RefusedError),
    ("neurodec predict", "where to decode",
     lambda d: command_predict(d, recorded(d)),
     ["['left', 'right']", "step"], RefusedError),
    ("neurodec predict", "another window",
     lambda d: command_predict(d, recorded(d), "--window", 2),
     ["window is 2 s", "0.51 s"], RefusedError),
]
# fmt: on

"""Faults of trials, recipes, pipelines, evaluation and the benchmark command."""

import sqlite3

import mne
import numpy as np
import pandas as pd
from moabb.datasets.fake import FakeDataset
from moabb.paradigms import P300
from typer.testing import CliRunner

from neurodec.cli import app
from neurodec.datasets import (
    Trials,
    concatenate_trials,
    dataset_info,
    load,
    trials_from_arrays,
    trials_from_epochs,
    trials_from_moabb,
    trials_from_raw,
)
from neurodec.decoders import load_pipeline
from neurodec.evaluation import (
    BenchmarkConfig,
    Protocol,
    Results,
    ResultStore,
    evaluate,
    get_protocol,
)
from neurodec.preprocessing import Recipe

RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 3, 60))
Y = ["left", "right"] * 10
INFO = mne.create_info(3, 100.0, "eeg")
ORIGIN = pd.DataFrame({"subject": 1, "session": "0", "run": "0"}, index=range(20))


# --- wrong things -------------------------------------------------------------


def arrays(data=X, y=Y, **kwargs):
    return trials_from_arrays(data, y, **{"sfreq": 100, **kwargs})


def with_sample(value, trial=7, channel=1):
    data = X.copy()
    data[trial, channel, 5] = value
    return data


def flat(channel=1):
    data = X.copy()
    data[:, channel] = 3e-6
    return data


def recording(types=("eeg", "eeg", "stim"), **kwargs):
    data = 1e-5 * RNG.standard_normal((len(types), 1000))
    for i, kind in enumerate(types):
        if kind == "stim":
            data[i] = 0
            data[i, 100:900:100] = [1, 2] * 4
    names = [f"{kind.upper()}{i}" for i, kind in enumerate(types)]
    info = mne.create_info(names, 100.0, list(types), verbose=False)
    return mne.io.RawArray(data, info, verbose=False)


def from_raw(raw=None, event_id=None, recipe=None, **kwargs):
    return trials_from_raw(
        recording() if raw is None else raw,
        {"left": 1, "right": 2} if event_id is None else event_id,
        Recipe(band=None, tmax=0.5) if recipe is None else recipe,
        **kwargs,
    )


def constant_recording():
    raw = recording()
    raw._data[1] = 2e-6
    return raw


def no_epochs():
    epochs = mne.EpochsArray(1e-5 * X, INFO, verbose=False)
    return epochs.drop_bad(reject={"eeg": 1e-9}, verbose=False)


def bad_channels():
    raw = recording()
    raw.info["bads"] = ["EEG0", "EEG1"]
    return raw


def file(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def load_damaged(folder, name, files, content=b"<html>not found</html>"):
    for path in files:
        file(folder, path, content)
    return load(name, [1])


def folds(protocol, y=Y, metadata=ORIGIN):
    return get_protocol(protocol).folds(np.array(y), metadata, seed=0)


def of_pipeline(folder, text):
    return load_pipeline(file(folder, "mine.yml", text))


def other_database(folder):
    path = folder / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE birds (name TEXT)")
    connection.close()
    return ResultStore(path)


def newer_store(folder):
    path = folder / "newer.sqlite"
    ResultStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    return ResultStore(path)


class RefusedError(Exception):
    """What a refused command printed."""


def command(folder, *arguments):
    """Run ``neurodec benchmark``; nothing may be written when it refuses."""
    out = folder / "out"
    arguments = ["benchmark", *arguments, "--out", str(out)]
    result = CliRunner(env={"COLUMNS": "400"}).invoke(app, arguments)
    assert not out.exists()
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    raise RefusedError(result.output)


EPOCHS = mne.EpochsArray(1e-5 * X, INFO, verbose=False)
SSVEP = [f"MNE-ssvepexo-data/zenodo/2392979/subject01_run{i}_raw.fif" for i in (1, 2)]
EEGBCI = [
    f"MNE-eegbci-data/files/eegmmidb/1.0.0/S001/S001R{i:02d}.edf"
    for i in (4, 6, 8, 10, 12, 14)
]
MUSE = [f"muse_p300/{name}" for name in dataset_info("muse_p300")["source"]["files"]]
STEP = "name: mine\nparadigms: [P300]\npipeline:\n  - "

# --- the table ----------------------------------------------------------------

# Entry point, what is wrong, the call, what the message must hold, and the error
# where it is no ValueError.
# fmt: off
FAULTS = [
    # Trials from arrays.
    (trials_from_arrays, "two dimensions", lambda d: arrays(X[0]),
     ["(3, 60)", "(n_trials, n_channels, n_times)"]),
    (trials_from_arrays, "too few labels", lambda d: arrays(y=Y[:-1]),
     ["(19,)", "20 trials", "one label per trial"]),
    (trials_from_arrays, "label that is no label", lambda d: arrays(y=[0.5, 1.5] * 10),
     ["0.5", "float", "strings or integers"]),
    (trials_from_arrays, "NaN", lambda d: arrays(with_sample(np.nan)),
     ["trial 7", "channel 1", "drop"]),
    (trials_from_arrays, "infinite", lambda d: arrays(with_sample(np.inf, 3, 2)),
     ["trial 3", "channel 2", "drop"]),
    (trials_from_arrays, "complex", lambda d: arrays(X + 1j),
     ["complex128", "real numbers"]),
    (trials_from_arrays, "no trial", lambda d: arrays(X[:0], []),
     ["(0, 3, 60)", "no trial", "check the events"]),
    (trials_from_arrays, "no sampling rate", lambda d: arrays(sfreq=None),
     ["sfreq is None", "hertz"]),
    (trials_from_arrays, "negative sampling rate", lambda d: arrays(sfreq=-250),
     ["-250", "hertz"]),
    (trials_from_arrays, "unit of zero", lambda d: arrays(unit=0),
     ["unit is 0", "1e-6 for microvolt"]),
    (trials_from_arrays, "channel names", lambda d: arrays(ch_names=["C3", "C4"]),
     ["2 channel names", "3 channels"]),
    (trials_from_arrays, "channel named twice",
     lambda d: arrays(ch_names=["C3", "C3", "C4"]), ["C3", "repeat", "distinct"]),
    (trials_from_arrays, "mixed channel types",
     lambda d: arrays(ch_types=["eeg", "mag", "eeg"]), ["eeg, mag", "picks='eeg'"]),
    (trials_from_arrays, "a trigger among the channels",
     lambda d: arrays(np.where([[[0], [0], [1]]], np.sign(X), X)),
     ["'2' has type 'eeg'", "2 distinct values", "'stim'", "picks"]),
    (trials_from_arrays, "metadata of another length",
     lambda d: arrays(metadata=ORIGIN[:5]), ["5 rows", "20 trials", "one row each"]),
    (trials_from_arrays, "sessions of another length",
     lambda d: arrays(session=["0", "1"]), ["session has 2", "20 trials", "one each"]),
    (trials_from_arrays, "band beyond the sampling rate",
     lambda d: arrays(recipe={"band": [8, 60]}), ["60 Hz", "100 Hz", "below 50 Hz"]),
    (trials_from_arrays, "window outside the trials",
     lambda d: arrays(recipe={"band": None, "tmin": 0.1, "tmax": 0.9}),
     ["[0.1, 0.9]", "[0, 0.59]", "change tmin, tmax"]),
    (trials_from_arrays, "all rejected",
     lambda d: arrays(recipe={"band": None, "reject": {"eeg": 1e-5}}),
     ["of 20", "1e-05", "check the unit"]),
    (trials_from_arrays, "rejection by a type that is not there",
     lambda d: arrays(recipe={"band": None, "reject": {"eog": 1e-4}}),
     ["'eog'", "eeg", "leave it out"]),
    (trials_from_arrays, "dead channel to be filtered",
     lambda d: arrays(flat(), recipe={"band": [8, 30]}),
     ["'1' is constant", "3e-06", "drop it"]),
    (Trials, "no subject", lambda d: Trials(X, Y, ORIGIN.drop(columns="subject"), INFO),
     ["'subject'", "subject, session, run"]),
    (Trials, "session unknown in a row",
     lambda d: Trials(X, Y, ORIGIN.assign(session=["0"] * 19 + [None]), INFO),
     ["'session'", "row 19", "every trial needs"]),
    (Trials, "info of other channels",
     lambda d: Trials(X, Y, ORIGIN, mne.create_info(4, 100.0)),
     ["3 channels", "names 4", "info of these channels"]),
    # Trials from epochs and recordings.
    (trials_from_epochs, "no epochs object", lambda d: trials_from_epochs(X),
     ["ndarray", "trials_from_arrays"]),
    (trials_from_epochs, "no epoch is left", lambda d: trials_from_epochs(no_epochs()),
     ["empty", "drop_log"]),
    (trials_from_epochs, "too few labels", lambda d: trials_from_epochs(EPOCHS, Y[:4]),
     ["(4,)", "20 trials", "per trial"]),
    (trials_from_raw, "no recording", lambda d: from_raw(X),
     ["ndarray", "mne.io.read_raw"]),
    (trials_from_raw, "two labels of one event",
     lambda d: from_raw(event_id={"left": 1, "right": 1}),
     ["{'left': 1, 'right': 1}", "keep one"]),
    (trials_from_raw, "unknown annotation",
     lambda d: from_raw(event_id={"left": "Left"}), ["'Left'", "has []"]),
    (trials_from_raw, "unknown trigger code", lambda d: from_raw(event_id={"left": 7}),
     ["7", "[1, 2]"]),
    (trials_from_raw, "codes without a stimulus channel",
     lambda d: from_raw(recording(("eeg", "eeg"))),
     ["{'left': 1, 'right': 2}", "['eeg']", "give events"]),
    (trials_from_raw, "events that are no events",
     lambda d: from_raw(events=np.arange(8)), ["(8,)", "(n_events, 3)"]),
    (trials_from_raw, "no event wanted", lambda d: from_raw(event_id=[1, 2]),
     ["[1, 2]", "mapping from label"]),
    (trials_from_raw, "no brain signal",
     lambda d: from_raw(recording(("misc", "stim"))), ["misc", "set_channel_types"]),
    (trials_from_raw, "missing channel", lambda d: from_raw(picks=["EEG0", "EEG7"]),
     ["'EEG7'", "did you mean EEG", "EEG0, EEG1, STIM2"]),
    (trials_from_raw, "missing kind", lambda d: from_raw(picks="mag"),
     ["'mag'", "eeg", "in a list"]),
    (trials_from_raw, "only bad channels", lambda d: from_raw(bad_channels()),
     ["['EEG0', 'EEG1']", "name those to keep"]),
    (trials_from_raw, "constant channel", lambda d: from_raw(constant_recording()),
     ["'EEG1'", "2e-06", "bads"]),
    (trials_from_raw, "window beyond the recording",
     lambda d: from_raw(recipe={"band": None, "tmin": 0, "tmax": 30}),
     ["8 events", "[0, 30] s", "check the window"]),
    (trials_from_raw, "no end of the window", lambda d: from_raw(recipe={"band": None}),
     ["tmax is None", "in seconds"]),
    (trials_from_raw, "metadata of another length",
     lambda d: from_raw(metadata={"stimulus": [1, 2]}), ["2 rows", "8 events"]),
    (trials_from_raw, "upsampling",
     lambda d: from_raw(recipe={"band": None, "tmax": 1, "resample": 200}),
     ["200 Hz", "100 Hz", "lower it"]),
    (trials_from_moabb, "another paradigm",
     lambda d: trials_from_moabb(FakeDataset(n_subjects=1), P300()),
     ["P300", "'imagery'", "choose a paradigm"]),
    # Selecting and concatenating.
    (concatenate_trials, "nothing", lambda d: concatenate_trials([]), ["at least one"]),
    (concatenate_trials, "channel order",
     lambda d: concatenate_trials([arrays(), arrays().pick(["2", "1", "0"])]),
     ["['2', '1', '0']", "another order", ".pick("]),
    (concatenate_trials, "missing channel",
     lambda d: concatenate_trials([arrays(), arrays(subject=9).drop(["1"])]),
     ["part 1 (subject 9, session 0, run 0)", "['0', '2']", ".pick("]),
    (concatenate_trials, "unequal sampling rates",
     lambda d: concatenate_trials([arrays(), arrays(sfreq=250)]),
     ["250.0", "100.0", "resample"]),
    (concatenate_trials, "unequal units",
     lambda d: concatenate_trials([arrays(), arrays(unit=1e-6)]),
     ["1e-06", "1.0", "one unit"]),
    (concatenate_trials, "unequal lengths",
     lambda d: concatenate_trials([arrays(), arrays(X[:, :, :50])]),
     ["50", "60", "one Recipe"]),
    (concatenate_trials, "unequal windows",
     lambda d: concatenate_trials([arrays(), arrays(tmin=-0.2)]),
     ["-0.2", "0.0", "one Recipe"]),
    (concatenate_trials, "EEG and MEG",
     lambda d: concatenate_trials([arrays(), arrays(ch_types="mag")]),
     ["['mag']", "['eeg']", "one kind"]),
    (concatenate_trials, "unequal recipes",
     lambda d: concatenate_trials([arrays(), arrays(recipe={"band": None})]),
     ["'band': None", "None", "one Recipe"]),
    (concatenate_trials, "numbers and names as labels",
     lambda d: concatenate_trials([arrays(), arrays(y=[1, 2] * 10)]),
     ["number", "string", "in both"]),
    (Trials.pick, "missing channel",
     lambda d: arrays(ch_names=["C3", "Cz", "C4"]).pick(["c3"]),
     ["'c3'", "There are C3, Cz, C4"]),
    (Trials.pick, "no list", lambda d: arrays(ch_names=["C3", "Cz", "C4"]).pick("C3"),
     ["'C3'", "['C3', 'Cz']"]),
    (Trials.drop, "every channel", lambda d: arrays().drop(["0", "1", "2"]),
     ["['0', '1', '2']", "keep some"]),
    (Trials.select, "unknown column", lambda d: arrays().select(day=1),
     ["'day'", "['subject', 'session', 'run']"]),
    (Trials.select, "unknown value", lambda d: arrays().select(session=0),
     ["session 0", "['0']"]),
    (Trials.__getitem__, "mask of another length", lambda d: arrays()[[True, False]],
     ["2 entries", "20 trials"], IndexError),
    (Trials.__getitem__, "nothing is left", lambda d: arrays()[np.zeros(20, bool)],
     ["none of 20", "check the condition"]),
    # Recipes.
    (Recipe, "band upside down", lambda d: Recipe(band=(30, 8)),
     ["[30, 8]", "low end must be below"]),
    (Recipe, "one end of a band", lambda d: Recipe(band=8),
     ["band is 8", "[low, high]"]),
    (Recipe, "unknown method", lambda d: Recipe(method="fft"), ["'fft'", "iir, fir"]),
    (Recipe, "window upside down", lambda d: Recipe(tmin=1, tmax=0.5),
     ["tmax is 0.5", "exceed 1"]),
    (Recipe, "microvolts for volts", lambda d: Recipe(reject={"eeg": 150}),
     ["150 volt", "150e-6"]),
    (Recipe.from_yaml, "unknown setting",
     lambda d: Recipe.from_yaml(file(d, "r.yaml", "bands: [8, 30]")),
     ["r.yaml", "'bands'", "band, method"]),
    (Recipe.from_yaml, "no YAML",
     lambda d: Recipe.from_yaml(file(d, "r.yaml", "band: [8,")), ["r.yaml", "line 1"]),
    (Recipe.from_yaml, "no mapping",
     lambda d: Recipe.from_yaml(file(d, "r.yaml", "- band")),
     ["r.yaml", "['band']", "mapping"]),
    (Recipe.from_yaml, "no file", lambda d: Recipe.from_yaml(d / "none.yaml"),
     ["none.yaml", "No such file"]),
    # Names and files of the registry.
    (dataset_info, "unknown name", lambda d: dataset_info("BNCI2014-004"),
     ["'BNCI2014-004'", "bnci2014_004"]),
    (dataset_info, "no name", lambda d: dataset_info(["simulated"]),
     ["['simulated']", "did you mean simulated"]),
    (load, "unknown name", lambda d: load("physionet"),
     ["'physionet'", "did you mean physionet_mi"]),
    (load, "wrong subject", lambda d: load("bnci2014_004", [1, 9]),
     ["no subject 9", "1 to 6"]),
    (load, "subject at another rate", lambda d: load("physionet_mi", [88]),
     ["88", "1 to 87, 89 to 91"]),
    (load, "no list of subjects", lambda d: load("simulated", 1),
     ["subjects is 1", "[1, 2]"]),
    (load, "subject named twice", lambda d: load("simulated", [2, 2]),
     ["[2, 2]", "name each once"]),
    (load, "wrong setting of the recipe",
     lambda d: load("simulated", [1], recipe={"fmin": 8}), ["'fmin'", "band"]),
    (load, "no recipe", lambda d: load("simulated", [1], recipe="8-30"),
     ["'8-30'", "mapping"]),
    (load, "filter that MOABB has not",
     lambda d: load("physionet_mi", [1], recipe={"method": "fir"}),
     ["'fir'", "'iir'", "trials_from_raw"]),
    (load, "resampled below the band",
     lambda d: load("physionet_mi", [1], recipe={"resample": 50}),
     ["50 Hz", "32 Hz", "more than 64 Hz"]),
    (load, "set that is not here", lambda d: load("p300_gtec"),
     ["p300_gtec", "NEURODEC_DATA", "br41n.io"], FileNotFoundError),
    (load, "npz that was cut off",
     lambda d: load_damaged(d, "bnci2014_004", ["bnci2014_004/B01.npz"], b"PK\3\4"),
     ["bnci2014_004/B01.npz", "SHA-256", "fetch it again"]),
    (load, "csv.gz that is damaged",
     lambda d: load_damaged(d, "muse_p300", MUSE, b"\x1f\x8b"),
     ["15_45_13.csv.gz", "SHA-256", "fetch it again"]),
    (load, "no fif", lambda d: load_damaged(d, "kalunga2016", SSVEP),
     ["subject01_run1_raw.fif", "cannot be read", "fetch it again"]),
    (load, "no edf", lambda d: load_damaged(d, "physionet_mi", EEGBCI),
     ["S001R04.edf", "SHA-256", "fetch it again"]),
    # Protocols and evaluation.
    (get_protocol, "unknown name", lambda d: get_protocol("cross_session"),
     ["'cross_session'", "cross-session"]),
    (Protocol.folds, "one class", lambda d: folds("within-session", ["left"] * 20),
     ["'left'", "two classes"]),
    (Protocol.folds, "too few trials for five folds",
     lambda d: folds("within-session", ["left"] * 17 + ["right"] * 3),
     ["17 left", "3 right", "at least 5", "leave the session out"]),
    (Protocol.folds, "one session", lambda d: folds("cross-session"),
     ["most: 1", "use within-session"]),
    (Protocol.folds, "one subject", lambda d: folds("cross-subject"),
     ["subject 1", "use within-session"]),
    (evaluate, "constant channel", lambda d: evaluate(arrays(flat()), ["mdm"]),
     ["['1']", "trials.drop"]),
    (evaluate, "unknown pipeline", lambda d: evaluate(arrays(), ["csp_lda"]),
     ["'csp_lda'", "'csp-lda'"]),
    (evaluate, "unknown scorer", lambda d: evaluate(arrays(), ["mdm"], scoring="auc"),
     ["'auc'", "roc_auc"]),
    (evaluate, "no pipeline", lambda d: evaluate(arrays(), []),
     ["no pipeline", "at least one"]),
    # Pipelines.
    (load_pipeline, "unknown name", lambda d: load_pipeline("csplda"),
     ["'csplda'", "'csp-lda'", ".yml"]),
    (load_pipeline, "unknown class",
     lambda d: of_pipeline(d, STEP + "{name: MDN, from: pyriemann.classification}"),
     ["mine.yml", "'MDN'", "'MDM'"]),
    (load_pipeline, "unknown parameter",
     lambda d: of_pipeline(
         d, STEP + "{name: SVC, from: sklearn.svm, parameters: {c: 1}}"),
     ["mine.yml", "'c'", "'C'"]),
    # Configurations, stores and the command.
    (BenchmarkConfig, "subjects", lambda d: BenchmarkConfig(subjects="1-a"),
     ["'1-a'", "1-3,5"]),
    (BenchmarkConfig, "seed", lambda d: BenchmarkConfig(seed="abc"),
     ["'abc'", "whole number"]),
    (BenchmarkConfig.from_yaml, "unknown setting",
     lambda d: BenchmarkConfig.from_yaml(file(d, "b.yaml", "dataste: simulated")),
     ["b.yaml", "'dataste'", "dataset, subjects"]),
    (BenchmarkConfig.from_yaml, "no YAML",
     lambda d: BenchmarkConfig.from_yaml(file(d, "b.yaml", "a: [1")),
     ["b.yaml", "YAML", "line 1"]),
    (BenchmarkConfig.from_yaml, "no mapping",
     lambda d: BenchmarkConfig.from_yaml(file(d, "b.yaml", "simulated")),
     ["b.yaml", "str", "with the keys dataset, subjects"]),
    (ResultStore, "no database",
     lambda d: ResultStore(file(d, "r.sqlite", "these are no results, " * 99)),
     ["r.sqlite", "not a database", "move it away"]),
    (ResultStore, "of another program", other_database,
     ["other.sqlite", "another program", "name another"]),
    (ResultStore, "newer", newer_store, ["newer.sqlite", "99", "update neurodec"]),
    (ResultStore, "a folder", lambda d: ResultStore(d), ["is a folder", "name a file"]),
    (Results, "nothing in it", lambda d: Results(ResultStore()),
     ["no row", "run an evaluation"]),
    ("command", "unknown dataset", lambda d: command(d, "--dataset", "bnci"),
     ["'bnci'", "did you mean bnci20"], RefusedError),
    ("command", "unknown pipeline", lambda d: command(d, "--pipelines", "mdm,tslr"),
     ["'tslr'", "'ts-lr'"], RefusedError),
    ("command", "wrong subject", lambda d: command(d, "--subjects", "1,7"),
     ["no subject 7", "1 to 4"], RefusedError),
    ("command", "protocol that these subjects cannot be split by",
     lambda d: command(d, "--subjects", "1", "--protocols", "cross-subject"),
     ["only subject 1", "use within-session"], RefusedError),
    ("command", "broken configuration",
     lambda d: command(d, str(file(d, "b.yaml", "seed: {"))), ["b.yaml", "YAML"],
     RefusedError),
]
# fmt: on

"""Faults of files, BIDS folders, arrays and memory maps."""

import mne
import mne_bids
import numpy as np
import pandas as pd
import scipy.io

from neurodec.datasets import (
    load_trials,
    memory_mapped,
    save_trials,
    trials_from_arrays,
    trials_from_bids,
    trials_from_file,
    trials_from_numpy,
)

LABELS = {"left": "left", "right": "right"}
RECIPE = {"band": None, "tmin": 0.0, "tmax": 0.5}
X = np.random.default_rng(0).standard_normal((6, 2, 50))
Y = np.array(["left", "right"] * 3)


# --- wrong things -------------------------------------------------------------


def recording():
    rng = np.random.default_rng(0)
    info = mne.create_info(["C3", "C4"], 100.0, "eeg", verbose=False)
    info["line_freq"] = 50
    raw = mne.io.RawArray(1e-5 * rng.standard_normal((2, 1000)), info, verbose=False)
    return raw.set_annotations(mne.Annotations(np.arange(1, 9), 0.5, ["left"] * 8))


def written(folder, name="rec.vhdr"):
    path = folder / name
    if name.endswith("fif"):
        recording().save(path, verbose="error")
    else:
        mne.export.export_raw(path, recording(), verbose="error")
    return path


def cut_off(folder, name, n_bytes):
    path = written(folder, name)
    path.write_bytes(path.read_bytes()[:n_bytes])
    return path


def text_as(folder, name):
    path = folder / name
    path.write_text("<html>not found</html>")
    return path


def without_signals(folder):
    path = written(folder)
    path.with_suffix(".eeg").unlink()
    return path


def shortened_signals(folder):
    path = written(folder)
    signals = path.with_suffix(".eeg")
    signals.write_bytes(signals.read_bytes()[:-4000])
    return path


def empty_ctf(folder):
    (folder / "x.ds").mkdir()
    return folder / "x.ds"


def evoked(folder):
    info = mne.create_info(2, 100.0, "eeg")
    mne.EvokedArray(X[0], info).save(folder / "x-ave.fif", verbose="error")
    return folder / "x-ave.fif"


def epochs(folder):
    info = mne.create_info(["C3", "C4"], 100.0, "eeg")
    events = np.column_stack([np.arange(6), np.zeros(6, int), [1, 2] * 3])
    data = mne.EpochsArray(
        1e-5 * X, info, events, event_id={"go/left": 1, "go/right": 2}, verbose=False
    )
    data.save(folder / "x-epo.fif", verbose="error")
    return folder / "x-epo.fif"


def matlab(folder, **variables):
    scipy.io.savemat(folder / "x.mat", variables)
    return folder / "x.mat"


def npz(folder, **arrays):
    np.savez(folder / "x.npz", **{"X": X, "y": Y, "sfreq": 100.0, **arrays})
    return folder / "x.npz"


def half_npz(folder):
    path = npz(folder)
    path.write_bytes(path.read_bytes()[:-200])
    return path


def one_npy(folder):
    np.save(folder / "X.npy", X)
    return folder / "X.npy"


def npy_labels(folder):
    np.save(folder / "y.npy", Y)
    return folder / "y.npy"


def without_file(folder, name):
    path = saved(folder)
    (path / name).unlink()
    return load_trials(path)


def file(folder, path=None, event_id=LABELS, recipe=RECIPE, **kwargs):
    path = written(folder) if path is None else path
    return trials_from_file(path, event_id, recipe, **kwargs)


def bids(folder, event_id=LABELS, tasks=("imagery",), **kwargs):
    for task in tasks:
        path = mne_bids.BIDSPath(
            subject="01", session="a", task=task, datatype="eeg", root=folder / "study"
        )
        mne_bids.write_raw_bids(
            recording(), path, allow_preload=True, format="BrainVision", verbose="error"
        )
    return trials_from_bids(folder / "study", event_id, RECIPE, **kwargs)


def damaged_bids(folder):
    bids(folder, {"left": "left"})
    (header,) = (folder / "study").rglob("*.vhdr")
    header.write_text("<html>not found</html>")
    return trials_from_bids(folder / "study", {"left": "left"}, RECIPE)


def no_bids(folder, name="study"):
    (folder / name / "sub-01").mkdir(parents=True)
    (folder / name / "sub-01" / "notes.txt").write_text("")
    return trials_from_bids(folder / "study", LABELS, RECIPE)


def of_subject(subject, recipe, **kwargs):
    return trials_from_arrays(X, Y, **{"sfreq": 100, "subject": subject, **kwargs})


def unnamed(subject, recipe):
    return of_subject(None, recipe)


def nothing(subject, recipe):
    return []


def arrays_only(subject, recipe):
    return [X]


def unequal(subject, recipe):
    return of_subject(subject, recipe, sfreq=100 * subject)


def of_other_precision(subject, recipe):
    data = X if subject == 2 else X.astype(np.float32)
    return trials_from_arrays(data, Y, sfreq=100, subject=subject)


def other_constant(folder):
    for rate in (100, 50):

        def read(subject, recipe):
            return of_subject(subject, recipe, sfreq=rate)  # noqa: B023

        memory_mapped(read, folder, [1])


def saved(folder, **kwargs):
    return save_trials(of_subject(1, None, **kwargs), folder / "mine")


def of_dates():
    return {"when": pd.date_range("2020", periods=6)}


# fmt: off
FAULTS = [
    # One file.
    (trials_from_file, "no file", lambda d: file(d, d / "none.edf"),
     ["none.edf", "does not exist", "check the path"], FileNotFoundError),
    (trials_from_file, "unknown extension", lambda d: file(d, text_as(d, "x.yml")),
     ["x.yml", "'.yml'", ".vhdr", "trials_from_raw"]),
    (trials_from_file, "the signals instead of the header",
     lambda d: file(d, written(d).with_suffix(".eeg")),
     ["rec.eeg belongs to rec.vhdr", "give that"]),
    (trials_from_file, "signals that are missing",
     lambda d: file(d, without_signals(d)),
     ["rec.vhdr", "rec.eeg", "keep the files"], FileNotFoundError),
    (trials_from_file, "EDF that is a web page", lambda d: file(d, text_as(d, "x.edf")),
     ["x.edf", "cannot be read as EDF", "damaged"]),
    (trials_from_file, "FIF that was cut off",
     lambda d: file(d, cut_off(d, "x_raw.fif", 300)),
     ["x_raw.fif", "no recording", "get it again"]),
    (trials_from_file, "FIF that lacks its end",
     lambda d: file(d, cut_off(d, "x_raw.fif", 8000)),
     ["x_raw.fif", "cut off", "get it again", "trials_from_raw"]),
    (trials_from_file, "EDF that lacks its end",
     lambda d: file(d, cut_off(d, "x.edf", 3000)),
     ["x.edf", "cut off", "Number of records", "get it again"]),
    (trials_from_file, "BrainVision signals that lack their end",
     lambda d: file(d, shortened_signals(d)),
     ["rec.vhdr", "cut off", "outside data range", "get it again"]),
    (trials_from_file, "EEGLAB that is a web page",
     lambda d: file(d, text_as(d, "x.set")),
     ["x.set", "cannot be read as EEGLAB", "damaged"]),
    (trials_from_file, "MATLAB that is a web page",
     lambda d: file(d, text_as(d, "x.mat")),
     ["x.mat", "cannot be read as FieldTrip", "damaged"]),
    (trials_from_file, "an average", lambda d: file(d, evoked(d)),
     ["x-ave.fif", "average over trials", "single trials"]),
    (trials_from_file, "CTF folder with nothing in it",
     lambda d: file(d, empty_ctf(d)), ["x.ds", "read as CTF", "x.res4", "damaged"]),
    (trials_from_file, "a folder", lambda d: file(d, d),
     ["is a folder", "trials_from_bids"]),
    (trials_from_file, "a folder of trials", lambda d: file(d, saved(d)),
     ["mine", "load_trials"]),
    (trials_from_file, "no event named", lambda d: file(d, event_id=None),
     ["rec.vhdr", "event_id is None", "left': 8", "map labels"]),
    (trials_from_file, "no recipe", lambda d: file(d, recipe=None),
     ["rec.vhdr", "recipe is None", "Recipe("]),
    (trials_from_file, "type of a channel that is not there",
     lambda d: file(d, ch_types={"c3": "eog"}), ["'c3'", "There are C3, C4"]),
    (trials_from_file, "event that epochs have not",
     lambda d: file(d, epochs(d), {"left": "lift"}, None),
     ["'lift'", "go/left"]),
    (trials_from_file, "two labels for one epoch",
     lambda d: file(d, epochs(d), {"go": "go", "left": "left"}, None),
     ["epoch 0 (go/left)", "'go' and 'left'", "exclude each other"]),
    (trials_from_file, "events for epochs",
     lambda d: file(d, epochs(d), None, None, events=np.ones((1, 3), int)),
     ["events is given", "x-epo.fif", "leave it out"]),
    (trials_from_file, "no such variable",
     lambda d: file(d, matlab(d, data=1, other=2), variable="trials"),
     ["x.mat", "'trials'", "'data', 'other'"]),
    (trials_from_file, "MATLAB of something else",
     lambda d: file(d, matlab(d, result=np.eye(3))),
     ["x.mat", "'result'", "no raw data structure of FieldTrip"]),
    # Arrays.
    (trials_from_numpy, "no file", lambda d: trials_from_numpy(d / "x.npz"),
     ["x.npz", "does not exist"], FileNotFoundError),
    (trials_from_numpy, "cut off", lambda d: trials_from_numpy(half_npz(d)),
     ["x.npz", "cannot be read", "damaged"]),
    (trials_from_numpy, "a pickle",
     lambda d: trials_from_numpy(npz(d, y=np.array(["a", 1] * 3, object))),
     ["x.npz", "'y'", "pickle", ".astype(str)"]),
    (trials_from_numpy, "no sampling rate",
     lambda d: trials_from_numpy(one_npy(d), npy_labels(d)),
     ["X.npy", "sampling rate", "sfreq="]),
    (trials_from_numpy, "no labels", lambda d: trials_from_numpy(one_npy(d)),
     ["X.npy", "one array", "y_file"]),
    (trials_from_numpy, "an array that is no column",
     lambda d: trials_from_numpy(npz(d, weights=np.ones(3))),
     ["'weights'", "(3,)", "6 trials", "leave it out"]),
    # BIDS.
    (trials_from_bids, "no folder",
     lambda d: trials_from_bids(d / "none", LABELS, RECIPE),
     ["none", "is no folder", "check the path"], FileNotFoundError),
    (trials_from_bids, "no BIDS", lambda d: trials_from_bids(d, LABELS, RECIPE),
     ["no folder sub-", "trials_from_file"]),
    (trials_from_bids, "no recording", no_bids,
     ["study", "no EEG or MEG recording", "sub-01/eeg/", "validator"]),
    (trials_from_bids, "unknown subject", lambda d: bids(d, subjects=["1"]),
     ["no subject '1'", "did you mean 01", "Known: 01"]),
    (trials_from_bids, "no list of sessions", lambda d: bids(d, sessions="a"),
     ["sessions is 'a'", "list"]),
    (trials_from_bids, "several tasks", lambda d: bids(d, tasks=("rest", "words")),
     ["several tasks", "rest, words", "task='rest'"]),
    (trials_from_bids, "unknown task", lambda d: bids(d, task="word"),
     ["no task 'word'", "Known: imagery"]),
    (trials_from_bids, "an event that occurs nowhere", bids,
     ["'right'", "no recording", "['left']"]),
    (trials_from_bids, "a damaged recording", damaged_bids,
     ["sub-01_ses-a_task-imagery_eeg.vhdr", "cannot be read", "Leave it out"]),
    # Folders of trials.
    (save_trials, "a folder that exists", lambda d: save_trials(of_subject(1, None), d),
     ["exists", "name a new folder"], FileExistsError),
    (save_trials, "dates in the metadata", lambda d: saved(d, metadata=of_dates()),
     ["'when'", "datetime64", "numbers or text"]),
    (save_trials, "no trials", lambda d: save_trials(X, d / "mine"),
     ["ndarray", "trials_from_arrays"]),
    (load_trials, "another folder", lambda d: load_trials(d),
     ["trials.json", "save_trials"], FileNotFoundError),
    (load_trials, "signals that are missing", lambda d: without_file(d, "X.npy"),
     ["X.npy"], FileNotFoundError),
    # Converting.
    (memory_mapped, "unknown name", lambda d: memory_mapped("simulate", d, [1]),
     ["'simulate'", "did you mean simulated"]),
    (memory_mapped, "no source", lambda d: memory_mapped([1, 2], d / "map", [1]),
     ["[1, 2]", "read(subject, recipe)"]),
    (memory_mapped, "no subject",
     lambda d: memory_mapped(of_subject, d / "map", None),
     ["subjects is None", "[1, 2]"]),
    (memory_mapped, "files of somebody else",
     lambda d: memory_mapped(of_subject, text_as(d, "x.txt").parent, [1]),
     ["x.txt", "an empty or a new folder"]),
    (memory_mapped, "saved trials", lambda d: memory_mapped(of_subject, saved(d), [1]),
     ["save_trials", "open it with load_trials"]),
    (memory_mapped, "subject that is not told",
     lambda d: memory_mapped(unnamed, d / "map", [1, 2]),
     ["subject 2", "say subject [1]", "subject=subject"]),
    (memory_mapped, "nothing read", lambda d: memory_mapped(nothing, d / "map", [1]),
     ["subject 1", "leave the subject out"]),
    (memory_mapped, "arrays read", lambda d: memory_mapped(arrays_only, d / "map", [1]),
     ["ndarray", "yields Trials"]),
    (memory_mapped, "another constant", lambda d: other_constant(d / "map"),
     ["constants {'rate': 100}", "{'rate': 50}", "another folder"]),
    (memory_mapped, "unequal rates",
     lambda d: memory_mapped(unequal, d / "map", [1, 2]),
     ["subject 2", "200.0", "100.0", "resample"]),
    (memory_mapped, "unequal precision",
     lambda d: memory_mapped(of_other_precision, d / "map", [1, 2]),
     ["float64", "float32", "one dtype"]),
]
# fmt: on

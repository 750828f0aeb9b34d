"""Readers of the sets that come as plain files; each gives one part per recording.

A reader takes ``(files, subject, recipe)`` and yields ``Trials``; ``files`` maps the
names in ``datasets.yaml`` to paths whose content is already verified. To add a set,
write a reader here, name it in ``READERS`` and describe the set in ``datasets.yaml``.
"""

import re

import mne
import numpy as np
import pandas as pd

from ..preprocessing.recipe import as_recipe
from ._sources import standard_montage
from .local import check_file, find_folder
from .readers import trials_from_arrays, trials_from_raw
from .things import read_things_eeg2, read_things_meg
from .trials import concatenate_trials

_MICROVOLT = 1e-6


def read_bnci2014_004(files, subject, recipe):
    """BCI competition IV 2b: npz of epochs, five sessions on five days."""
    with np.load(files[f"B{subject:02d}.npz"]) as file:
        scale, sfreq = float(file["scale_uV"]), float(file["sfreq"])
        for key in sorted(key for key in file.files if key.startswith("X")):
            yield trials_from_arrays(
                file[key] * scale,
                np.array(["left_hand", "right_hand"])[file["y" + key[1:]] - 1],
                sfreq=sfreq,
                ch_names=file["ch_names"].tolist(),
                subject=subject,
                session=key[1:],
                # The competition's files hold the trials as they were recorded.
                metadata={"order": np.arange(len(file[key]))},
                unit=_MICROVOLT,
                recipe=recipe,
            )


def read_muse(files, subject, recipe, labels):
    """muse-lsl recordings: csv of four electrodes, an unused input and the marker."""
    sessions = {}
    for name, path in files.items():
        owner, session, _ = name.split("/")
        if owner == f"subject{subject}":
            sessions.setdefault(session.removeprefix("session"), []).append(path)
    for session, paths in sessions.items():
        for run, path in enumerate(paths):
            yield trials_from_raw(
                _read_muse_csv(path),
                labels,
                recipe,
                subject=subject,
                session=session,
                run=str(run),
            )


def _read_muse_csv(path):
    table = pd.read_csv(path)
    names = ["TP9", "AF7", "AF8", "TP10", "Right AUX"]
    (marker,) = (column for column in table if column.startswith("Marker"))
    info = mne.create_info([*names, "Marker"], 256.0, ["eeg"] * 4 + ["misc", "stim"])
    data = table[[*names, marker]].to_numpy(float).T
    data[:4] *= _MICROVOLT
    raw = mne.io.RawArray(data, info, verbose=False)
    return raw.set_montage(standard_montage(), on_missing="ignore", verbose=False)


def read_muse_p300(files, subject, recipe):
    """Visual oddball: marker 1 non-target, 2 target."""
    return read_muse(files, subject, recipe, {"NonTarget": 1, "Target": 2})


def read_muse_n170(files, subject, recipe):
    """Houses (marker 1) against faces (marker 2)."""
    return read_muse(files, subject, recipe, {"house": 1, "face": 2})


def read_p300_bci2_iib(files, subject, recipe, part="labelled"):
    """BCI competition II data set IIb: 6 x 6 speller, labelled sessions 10 and 11.

    The published files give no gain, so the numbers are read as microvolts; no
    decoder here depends on the scale. Each flash has its ``stimulus`` (1 to 6: the
    columns from the left, 7 to 12: the rows from the top), its ``character`` in the
    run and its ``repetition``, both from 0. ``part="test"`` reads the runs of session
    12 instead, which the competition gave without labels: all are "Unknown".
    """
    for name, path in files.items():
        session, run = re.fullmatch(r"AAS(\d+)R(\d+)\.npz", name).groups()
        with np.load(path) as file:
            labelled = "StimulusType" in file.files
            if labelled != (part == "labelled"):
                continue
            onsets = _rising(file["Flashing"])
            # Twelve rows and columns, each flashed fifteen times.
            flash = file["trialnr"][onsets].astype(int) - 1
            stimuli = pd.DataFrame(
                {
                    "stimulus": file["StimulusCode"][onsets].astype(int),
                    "character": flash // 180,
                    "repetition": flash % 180 // 12,
                }
            )
            codes = np.ones(len(onsets), int)
            if labelled:
                codes += file["StimulusType"][onsets].astype(int)
            names = [f"E{i:02d}" for i in range(1, file["signal"].shape[1] + 1)]
            raw = _eeg_raw(file["signal"] * _MICROVOLT, float(file["sfreq"]), names)
        labels = {"NonTarget": 1, "Target": 2} if labelled else {"Unknown": 1}
        yield _flash_trials(
            raw, onsets, codes, recipe, subject, session, run, stimuli, labels
        )


def load_p300_bci2_iib_test(recipe=None):
    """Session 012 of ``p300_bci2_iib``: two runs whose letters are to be found.

    Parameters
    ----------
    recipe : Recipe, dict or None
        The registry's recipe by default; a dict replaces some of its settings.

    Returns
    -------
    trials : Trials
        Two runs of 540 flashes; every label is "Unknown".

    Raises
    ------
    FileNotFoundError, ValueError
        If the set is not on this machine, or a file is damaged.
    """
    from .registry import dataset_info

    source = dataset_info("p300_bci2_iib")["source"]
    folder = find_folder(source["folder"])
    if folder is None:
        raise FileNotFoundError(
            "p300_bci2_iib is not on this machine; set NEURODEC_DATA to the folder "
            f"that holds {source['folder']}/. Source: {source['url']}"
        )
    for file, sha256 in source["files"].items():
        check_file(folder / file, sha256)
    files = {file: folder / file for file in source["files"]}
    if recipe is None or isinstance(recipe, dict):
        recipe = {**dataset_info("p300_bci2_iib")["recipe"], **(recipe or {})}
    parts = read_p300_bci2_iib(files, 1, as_recipe(recipe), part="test")
    return concatenate_trials(list(parts), name="p300_bci2_iib_test")


def read_p300_gtec(files, subject, recipe):
    """g.tec speller (br41n.io hackathon): trigger 1 target, -1 non-target."""
    with np.load(files[f"S{subject}.npz"]) as file:
        trigger = file["trig"].astype(int)
        onsets = _rising(trigger != 0)
        names = [f"E{i}" for i in range(1, file["y"].shape[1] + 1)]
        raw = _eeg_raw(file["y"] * _MICROVOLT, float(file["sfreq"]), names)
    codes = np.where(trigger[onsets] == 1, 2, 1)
    labels = {"NonTarget": 1, "Target": 2}
    yield _flash_trials(raw, onsets, codes, recipe, subject, "0", "0", None, labels)


def read_meg_wrist(files, subject, recipe):
    """BCI competition IV data set 3: four directions, official train and test part.

    The files give no unit; a field of a few hundred femtotesla is what such sensors
    measure, so femtotesla is assumed. No decoder here depends on it.
    """
    for session, part in (("0train", "train"), ("1test", "test")):
        labels = np.load(files[f"y_{part}.npy"])
        yield trials_from_arrays(
            np.load(files[f"X_{part}.npy"]),
            np.array([f"direction{label}" for label in labels]),
            sfreq=400.0,
            ch_types="mag",
            ch_names=[f"MEG{i:02d}" for i in range(1, 11)],
            subject=subject,
            session=session,
            unit=1e-15,
            tmin=-0.4,
            recipe=recipe,
        )


READERS = {
    "bnci2014_004": read_bnci2014_004,
    "meg_wrist": read_meg_wrist,
    "muse_n170": read_muse_n170,
    "muse_p300": read_muse_p300,
    "p300_bci2_iib": read_p300_bci2_iib,
    "p300_gtec": read_p300_gtec,
    "things_eeg2": read_things_eeg2,
    "things_meg": read_things_meg,
}


def _flash_trials(raw, onsets, codes, recipe, subject, session, run, metadata, labels):
    return trials_from_raw(
        raw,
        labels,
        recipe,
        events=np.column_stack([onsets, np.zeros_like(onsets), codes]),
        subject=subject,
        session=session,
        run=run,
        metadata=metadata,
    )


def _rising(flag):
    """Samples at which a flag goes up."""
    return np.flatnonzero(np.diff(np.r_[0, np.asarray(flag) != 0].astype(int)) == 1)


def _eeg_raw(samples, sfreq, names):
    info = mne.create_info(names, sfreq, "eeg")
    return mne.io.RawArray(samples.T, info, verbose=False)

"""Faults of downloads, of the registry's new parts and of the files of THINGS."""

import os
import pickle

import numpy as np

from neurodec.datasets import fetch, list_datasets, load, subjects_here
from neurodec.datasets._download import download
from neurodec.datasets._pickled import read_pickled
from neurodec.datasets.things import read_things_eeg2, read_things_meg
from neurodec.preprocessing import Recipe

RECIPE = Recipe(band=None)


def file_in_the_way(folder):
    (folder / "data").write_text("not a folder")
    return fetch("meg_wrist", to=folder / "data")


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


def things_eeg2(folder, concepts=("00001_ant", "00002_bee"), **content):
    """Files of one subject with two images in each partition."""
    images = {
        f"{partition}_img_{kind}": list(values)
        for partition in ("train", "test")
        for kind, values in (("files", ("ant.jpg", "bee.jpg")), ("concepts", concepts))
    }
    files = {"image_metadata.npy": folder / "image_metadata.npy"}
    np.save(files["image_metadata.npy"], images, allow_pickle=True)
    content = {
        "preprocessed_eeg_data": np.ones((2, 3, 2, 10)),
        "ch_names": ["O1", "O2"],
        "times": np.arange(10) / 100,
        **content,
    }
    for partition in ("training", "test"):
        path = folder / f"{partition}.npy"
        path.write_bytes(pickle.dumps(content))
        files[f"sub-01/preprocessed_eeg_{partition}.npy"] = path
    return list(read_things_eeg2(files, 1, RECIPE))


def pickled(folder, content):
    (folder / "x.npy").write_bytes(content)
    return read_pickled(folder / "x.npy", "Get the published one.")


def no_epochs(folder):
    path = folder / "preprocessed_P1-epo.fif"
    path.write_bytes(b"no FIF")
    return list(read_things_meg({path.name: path}, 1, RECIPE))


FAULTS = [
    (fetch, "name", lambda _: fetch("bnci2014_0001"), ["did you mean bnci2014_001"]),
    (fetch, "subject", lambda _: fetch("muse_n170", [4]), ["subject 4", "1 to 3"]),
    (fetch, "text", lambda _: fetch("muse_n170", "1"), ["'1'", "such as [1, 2]"]),
    (
        fetch,
        "nothing public",
        lambda _: fetch("p300_gtec"),
        ["p300_gtec has no public files", "https://www.br41n.io", "p300_gtec, such as"],
    ),
    (
        fetch,
        "archives only",
        lambda _: fetch("things_eeg2"),
        ["https://osf.io/anp5v", "things_eeg2, such as image_metadata.npy"],
    ),
    (
        fetch,
        "licence",
        lambda _: fetch("shin2017a"),
        ["shin2017a", "GPL 3.0", "accept_licence=True"],
    ),
    (
        fetch,
        "file in the way",
        file_in_the_way,
        ["cannot write to", "data", "--to"],
        PermissionError,
    ),
    (
        download,
        "address",
        lambda folder: download("example.org/x", folder / "x"),
        ["example.org/x", "has no address"],
    ),
    (
        list_datasets,
        "paradigm",
        lambda _: list_datasets(paradigm="p3000"),
        ["paradigm 'p3000'", "did you mean p300?"],
    ),
    (subjects_here, "name", lambda _: subjects_here("things"), ["did you mean things"]),
    (
        load,
        "not fetched",
        lambda folder: load("muse_p300"),
        ["not on this machine", "neurodec datasets fetch muse_p300", "NEURODEC_DATA"],
        FileNotFoundError,
    ),
    (
        read_pickled,
        "a program",
        lambda folder: pickled(folder, pickle.dumps([Evil()])),
        ["x.npy asks for", "system", "nothing of it was run", "Get the published one."],
    ),
    (
        read_pickled,
        "cut off",
        lambda folder: pickled(folder, pickle.dumps({"a": np.ones(99999)})[:5000]),
        ["x.npy is cut off", "Get the published one."],
    ),
    (
        read_things_eeg2,
        "metadata of another set",
        lambda folder: things_eeg2(folder, concepts=["00001_ant"]),
        ["names 2 train images but 1 concepts", "https://osf.io/anp5v"],
    ),
    (
        read_things_eeg2,
        "shape",
        lambda f: things_eeg2(f, preprocessed_eeg_data=np.ones((6, 2, 10))),
        ["training.npy", "(6, 2, 10)", "(image, repetition, channel, time)"],
    ),
    (
        read_things_eeg2,
        "times",
        lambda folder: things_eeg2(folder, times=np.arange(7)),
        ["10 samples but lists 7 times", "https://osf.io/anp5v"],
    ),
    (
        read_things_meg,
        "no epochs",
        no_epochs,
        ["preprocessed_P1-epo.fif", "cannot be read", "fetch it again"],
    ),
]

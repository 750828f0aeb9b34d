"""THINGS-EEG2 and THINGS-MEG: small files of exactly their formats; nothing is run."""

import os
import pickle
import struct
import tracemalloc

import mne
import numpy as np
import pandas as pd
import pytest

from neurodec.datasets import load
from neurodec.datasets._pickled import read_pickled
from neurodec.datasets.things import read_things_eeg2, read_things_meg
from neurodec.preprocessing import Recipe

AS_IT_IS = Recipe(band=None)
SIZES = {"training": (6, 4), "test": (3, 8)}  # Images, repetitions.


def signals(shape, seed=0, dtype=float):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def save(path, content, variant):
    """The ways in which these files are written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if variant == "save":  # As on OSF: an array of no dimension around it.
        np.save(path, content, allow_pickle=True)
    else:  # As the files at 250 Hz.
        path.write_bytes(pickle.dumps(content, protocol=variant))


def write_set(folder, variant="save", n_times=100, sfreq=100, n_channels=17, **kwargs):
    """Image metadata, and both partitions of subject 1."""
    names = [f"O{i}" for i in range(n_channels)]
    times = np.round(-0.2 + np.arange(n_times) / sfreq, 4)
    kwargs = {"times": times, "ch_names": names, **kwargs}
    metadata, files = {}, {"image_metadata.npy": folder / "image_metadata.npy"}
    for part, (n_images, n_repetitions) in SIZES.items():
        short = "train" if part == "training" else part
        concepts = [f"{i // 2:05d}_{short}thing" for i in range(n_images)]
        metadata[f"{short}_img_concepts"] = concepts
        metadata[f"{short}_img_files"] = [f"{short}_{i}.jpg" for i in range(n_images)]
        name = f"sub-01/preprocessed_eeg_{part}.npy"
        shape = (n_images, n_repetitions, n_channels, kwargs.pop("kept", n_times))
        kwargs["kept"] = shape[-1]
        content = {"preprocessed_eeg_data": signals(shape), **kwargs}
        content.pop("kept")
        save(folder / name, content, variant)
        files[name] = folder / name
    save(folder / "image_metadata.npy", metadata, "save")
    return files


def read(files, recipe=AS_IT_IS, **kwargs):
    return list(read_things_eeg2(files, 1, recipe, **kwargs))


# --- THINGS-EEG2 --------------------------------------------------------------


@pytest.mark.parametrize("variant", ["save", 2, 3, 4, 5])
def test_both_kinds_of_pickles_are_read(tmp_path, variant):
    train, test = read(write_set(tmp_path, variant), Recipe(band=None, tmin=-0.2))
    np.testing.assert_array_equal(train.X, signals((24, 17, 100)))
    np.testing.assert_array_equal(test.X, signals((24, 17, 100)))
    assert train.sfreq == 100 and train.tmin == pytest.approx(-0.2)
    assert train.ch_names[-1] == "O16"
    assert train.info.get_channel_types(unique=True) == ["eeg"]


def test_images_travel_in_the_metadata_and_concepts_are_the_classes(tmp_path):
    train, test = read(write_set(tmp_path))
    assert test.y.tolist() == ["00000_testthing"] * 16 + ["00001_testthing"] * 8
    metadata = train.metadata
    assert metadata["stimulus"][:5].tolist() == ["train_0.jpg"] * 4 + ["train_1.jpg"]
    assert metadata["repetition"][:5].tolist() == [1, 2, 3, 4, 1]
    assert metadata["concept"].tolist() == train.y.tolist()
    assert set(metadata["partition"]) == {"train"} == set(metadata["run"])
    assert set(metadata["subject"]) == {1}
    # Repetition and image are not exchanged: the file's third image is this.
    image = metadata["stimulus"] == "train_2.jpg"
    np.testing.assert_array_equal(train.X[image], signals((6, 4, 17, 100))[2][..., 20:])


def test_times_of_files_that_were_cut_at_the_onset(tmp_path):
    files = write_set(tmp_path, 4, 300, 250, 5, kept=250)
    train, _ = read(files)
    assert train.sfreq == 250 and train.tmin == 0 and train.n_times == 250
    np.testing.assert_array_equal(train.X, signals((24, 5, 250)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (dict(times=np.zeros(100)), "do not say when a sample is"),
        (dict(times=np.arange(80) / 100), "100 samples but lists 80 times"),
        (dict(times=np.full(100, np.nan)), "do not say when"),
        (dict(ch_names=["O1", "O2"]), "names 2 channels but holds 17"),
        (dict(preprocessed_eeg_data=np.zeros((2, 3))), r"but \(2, 3\)"),
        (dict(preprocessed_eeg_data="none"), "but str"),
    ],
)
def test_contents_that_do_not_fit(tmp_path, change, said):
    files = write_set(tmp_path, **change)
    with pytest.raises(ValueError, match=f"(?s)training.npy .*{said}"):
        read(files)


@pytest.mark.parametrize("variant", ["save", 4])
def test_the_samples_stay_in_the_file(tmp_path, variant):
    files = write_set(tmp_path, variant, n_times=4000, sfreq=1000)
    size = files["sub-01/preprocessed_eeg_training.npy"].stat().st_size
    read(files)  # Libraries load what they need at the first time.
    tracemalloc.start()
    train, _ = read(files)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 12_000_000
    assert peak < size / 4
    assert isinstance(train.X, np.memmap) and not train.X.flags.writeable


def test_one_partition_of_another_type_of_number(tmp_path):
    files = write_set(tmp_path)
    path = files["sub-01/preprocessed_eeg_test.npy"]
    data = signals((3, 8, 17, 100), dtype=">f4")
    names = np.array([f"O{i}" for i in range(17)])
    times = np.arange(100) / 100
    save(path, {"preprocessed_eeg_data": data, "ch_names": names, "times": times}, 4)
    (test,) = read(files, partitions=("test",))
    assert test.X.dtype == ">f4"
    np.testing.assert_array_equal(test.X, data.reshape(24, 17, 100))


def test_arrays_in_the_order_of_fortran(tmp_path):
    data = np.asfortranarray(signals((30, 40, 50)))
    save(tmp_path / "x.pkl", {"a": data, "b": np.float64(0.5), "c": data[:2, 0]}, 4)
    content = read_pickled(tmp_path / "x.pkl", "")
    np.testing.assert_array_equal(content["a"], data)
    np.testing.assert_array_equal(content["c"], data[:2, 0])
    assert content["b"] == 0.5


def test_a_recipe_that_does_more_than_cut(tmp_path):
    recipe = Recipe(band=(1, 20), tmin=0.0, resample=50)
    train, _ = read(write_set(tmp_path, n_times=200), recipe)
    assert train.sfreq == 50 and train.recipe == recipe.to_dict()


def test_loaded_by_name(tmp_path, monkeypatch):
    write_set(tmp_path / "things_eeg2")
    monkeypatch.setenv("NEURODEC_DATA", str(tmp_path))
    trials = load("things_eeg2", [1])
    assert trials.name == "things_eeg2" and len(trials) == 48
    assert trials.n_times == 80 and trials.tmin == pytest.approx(0)
    assert len(trials.select(partition="test").classes) == 2
    with pytest.raises(FileNotFoundError, match="sub-02.*https://osf.io/anp5v"):
        load("things_eeg2", [1, 2])


class Run:
    """A pickle that runs a command where it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("variant", ["save", 2, 4])
@pytest.mark.parametrize("place", ["all", "value", "array"])
def test_a_malicious_file_is_refused_and_does_nothing(tmp_path, variant, place):
    files = write_set(tmp_path)
    path, trace = files["sub-01/preprocessed_eeg_training.npy"], tmp_path / "trace"
    evil = Run(os.mkdir, str(trace))
    content = {
        "all": evil,
        "value": {"preprocessed_eeg_data": signals((6, 4, 17, 100)), "times": evil},
        "array": {"preprocessed_eeg_data": np.array([evil], object)},
    }[place]
    save(path, content, variant)
    with pytest.raises(ValueError) as caught:
        read(files)
    assert str(caught.value).startswith(f"{path} asks for ")
    assert "mkdir" in str(caught.value) and "nothing of it was run" in str(caught.value)
    assert "https://osf.io/anp5v" in str(caught.value)
    assert not trace.exists()


@pytest.mark.parametrize(
    "function", [eval, getattr, np.load, np.memmap, pickle.loads, pd.read_pickle]
)
def test_nothing_but_arrays_is_called(tmp_path, function):
    save(tmp_path / "x.npy", {"a": Run(function, "1")}, 4)
    with pytest.raises(ValueError, match=f"asks for .*{function.__name__}.*run"):
        read_pickled(tmp_path / "x.npy", "")


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04cnumpy\ndtype\n}\x8c\x01ak\x01sb.",  # A change of a class.
        b"\x80\x04\x8c\x01xQ.",  # An object of another store.
        b"\x80\x04cnumpy\nndarray\n)\x81.",
        b"\x80\x04cnumpy\nndarray\n)R.",
        b"\x80\x04cnumpy\ndtype\n\x8c\x03foo\x85R.",
        b"\x80\x04l\x00.",
        b"",
        b"<html>",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"abc.",
    ],
)
def test_what_is_no_pickle_of_arrays(tmp_path, content):
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ValueError, match="x.npy (asks for|is cut off, or no pickle)"):
        read_pickled(tmp_path / "x.npy", "Get it.")


@pytest.mark.parametrize("variant", ["save", 4, 5])
@pytest.mark.parametrize("where", [0.01, 0.5, 0.999])
def test_a_file_that_was_cut_off(tmp_path, variant, where):
    files = write_set(tmp_path, variant)
    path = files["sub-01/preprocessed_eeg_training.npy"]
    content = path.read_bytes()
    path.write_bytes(content[: int(where * len(content))])
    with pytest.raises(ValueError, match=f"{path} .*https://osf.io/anp5v"):
        read(files)


# --- THINGS-MEG ---------------------------------------------------------------


def write_epochs(folder, with_table, images=None):
    """Two images of three concepts, three test images twelve times, catch trials."""
    rng = np.random.default_rng(0)
    train, test = np.arange(101, 107), np.array([201, 202, 203])
    if images is None:
        images = rng.permutation(np.r_[train, np.repeat(test, 12), [999999] * 5])
    table = None
    if with_table:
        kinds = np.where(images > 999, "catch", np.where(images > 200, "test", "exp"))
        names = ["ant" if i in (101, 102, 201) else "bee" for i in images]
        table = pd.DataFrame(
            {
                "trial_type": kinds,
                "session_nr": 1 + np.arange(len(images)) % 12,
                "run_nr": 3,
                "things_image_nr": images.astype(float),
                "image_path": [
                    f"images_meg/{n}/{n}_{i}.jpg"
                    for n, i in zip(names, images, strict=True)
                ],
            }
        )
    info = mne.create_info(["MLO11", "MRO12", "MZP01"], 200.0, "mag")
    data = signals((len(images), 3, 281), dtype=np.float32)
    events = np.column_stack([np.arange(len(images)), np.zeros_like(images), images])
    epochs = mne.EpochsArray(
        data, info, events, tmin=-0.1, metadata=table, verbose=False
    )
    path = folder / "preprocessed_P1-epo.fif"
    folder.mkdir(exist_ok=True)
    epochs.save(path, overwrite=True, verbose=False)
    return {path.name: path}, data, images


def read_meg(files, recipe=None):
    recipe = Recipe(band=None, tmin=0.0, tmax=1.0) if recipe is None else recipe
    (trials,) = read_things_meg(files, 1, recipe)
    return trials


def test_epochs_with_the_table_of_the_authors(tmp_path):
    files, data, images = write_epochs(tmp_path, True)
    trials = read_meg(files)
    kept = images != 999999
    assert trials.X.shape == (42, 3, 201) and trials.X.dtype == np.float32
    np.testing.assert_array_equal(trials.X, data[kept][..., 20:221])
    assert trials.sfreq == 200 and trials.tmin == 0
    metadata = trials.metadata
    assert metadata["stimulus"].tolist() == images[kept].tolist()
    assert metadata["partition"].value_counts().to_dict() == {"test": 36, "train": 6}
    assert set(trials.y) == {"ant", "bee"} == set(metadata["concept"])
    assert metadata["session"].nunique() == 12 and set(metadata["run"]) == {"3"}
    for _, rows in metadata[metadata["partition"] == "test"].groupby("stimulus"):
        assert rows["repetition"].tolist() == list(range(1, 13))
    assert metadata["concept_in_test"].all()


def test_epochs_without_it(tmp_path):
    files, _, images = write_epochs(tmp_path, False)
    metadata = read_meg(files).metadata
    tested = metadata[metadata["partition"] == "test"]
    assert set(tested["stimulus"]) == {201, 202, 203} and len(tested) == 36
    assert "concept" not in metadata and "999999" not in set(read_meg(files).y)
    assert set(metadata["session"]) == {"0"}


def test_a_recipe_for_the_magnetic_ones(tmp_path):
    files, _, _ = write_epochs(tmp_path, True)
    recipe = Recipe(band=(2, 30), tmin=0.0, tmax=0.5, resample=100)
    trials = read_meg(files, recipe)
    assert trials.sfreq == 100 and trials.X.shape[-1] in (50, 51)


def test_epochs_that_are_no_epochs(tmp_path):
    files, _, _ = write_epochs(tmp_path, True, images=np.full(5, 999999))
    with pytest.raises(ValueError, match="no trial of an image, only 999999"):
        read_meg(files)
    files, _, _ = write_epochs(tmp_path, True)
    (path,) = files.values()
    with pytest.raises(ValueError, match="window .*2.* change tmin or tmax"):
        read_meg(files, Recipe(band=None, tmin=0.0, tmax=2.0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=f"{path}.*cannot be read.*fetch it again"):
        read_meg(files)

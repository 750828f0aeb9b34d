"""Readers of THINGS-EEG2 and THINGS-MEG: brain responses to images of 1854 objects.

The class of a trial is the concept that its image shows. The image itself travels in
the metadata (``stimulus``), with ``concept``, ``partition`` ("train" or "test": images
of other concepts, shown more often) and ``repetition`` (from 1).
"""

import mne
import numpy as np
import pandas as pd

from ..preprocessing.recipe import Recipe
from ._pickled import read_pickled
from .readers import trials_from_arrays
from .trials import Trials

_EEG2_REMEDY = "Get it from https://osf.io/anp5v/."
_EEG2_PARTITIONS = {"training": "train", "test": "test"}
_MEG_CATCH = 999999
_MEG_TEST_REPETITIONS = 12
_BLOCK = 200


def read_things_eeg2(files, subject, recipe, partitions=("train", "test")):
    """THINGS-EEG2 as preprocessed by its authors, or in the variant at 250 Hz.

    The files hold a pickled dictionary, which is read without unpickling; the samples
    stay in the file, memory-mapped. Their authors whitened the channels, so the unit is
    arbitrary, and merged the sessions in random order, so ``session`` is "0"
    throughout. ``run`` is the partition.

    Parameters
    ----------
    files : dict
        From ``image_metadata.npy`` and ``sub-XX/preprocessed_eeg_*.npy`` to Path.
    subject : int
    recipe : Recipe
        A mere window keeps the memory map; anything else computes in float64.
    partitions : tuple of str, default=("train", "test")

    Yields
    ------
    trials : Trials
        Of one partition: (image, repetition) in the order of the file.

    Raises
    ------
    ValueError
        If a file is not what it should be; the message names it.
    """
    images = _image_table(files["image_metadata.npy"])
    for part, partition in _EEG2_PARTITIONS.items():
        if partition not in partitions:
            continue
        path = files[f"sub-{subject:02d}/preprocessed_eeg_{part}.npy"]
        data, ch_names, times = _eeg2_content(path)
        table = images[images["partition"] == partition]
        n_images, n_repetitions = data.shape[:2]
        if n_images != len(table):
            raise ValueError(
                f"{path} has {n_images} images but {files['image_metadata.npy']} lists "
                f"{len(table)} for {partition}; they belong to different sets. "
                f"{_EEG2_REMEDY}"
            )
        table = table.loc[table.index.repeat(n_repetitions)].reset_index(drop=True)
        table["repetition"] = np.tile(np.arange(1, n_repetitions + 1), n_images)
        yield _trials(
            data.reshape(-1, *data.shape[2:]),
            table,
            _info(ch_names, times),
            times[0],
            recipe,
            subject=subject,
            run=partition,
        )


def _image_table(path):
    content = _dictionary(path)
    tables = []
    for partition in ("train", "test"):
        try:
            files = list(content[f"{partition}_img_files"])
            concepts = list(content[f"{partition}_img_concepts"])
        except KeyError as error:
            raise ValueError(
                f"{path} has no {error}; it is not the image_metadata.npy of "
                f"THINGS-EEG2. {_EEG2_REMEDY}"
            ) from None
        if len(files) != len(concepts):
            raise ValueError(
                f"{path} names {len(files)} {partition} images but {len(concepts)} "
                f"concepts. {_EEG2_REMEDY}"
            )
        columns = {"stimulus": files, "concept": concepts, "partition": partition}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def _eeg2_content(path):
    """Signals (image, repetition, channel, time), channel names and times (s)."""
    content = _dictionary(path)
    missing = {"preprocessed_eeg_data", "ch_names", "times"} - set(content)
    if missing:
        raise ValueError(
            f"{path} has no {sorted(missing)[0]!r}; it is no preprocessed file of "
            f"THINGS-EEG2. {_EEG2_REMEDY}"
        )
    data = content["preprocessed_eeg_data"]
    if getattr(data, "ndim", 0) != 4 or data.dtype.kind != "f":
        raise ValueError(
            f"{path} holds no signals of shape (image, repetition, channel, time) but "
            f"{getattr(data, 'shape', type(data).__name__)}. {_EEG2_REMEDY}"
        )
    ch_names = [str(name) for name in content["ch_names"]]
    if len(ch_names) != data.shape[2]:
        raise ValueError(
            f"{path} names {len(ch_names)} channels but holds {data.shape[2]}. "
            f"{_EEG2_REMEDY}"
        )
    return data, ch_names, _eeg2_times(path, content["times"], data.shape[3])


def _eeg2_times(path, times, n_times):
    times = np.asarray(times, float)
    # The files at 250 Hz were cut at the onset, their list of times was not.
    if len(times) > n_times:
        times = times[np.argmin(np.abs(times)) :]
    if len(times) != n_times or not _evenly_rising(times):
        raise ValueError(
            f"{path} has {n_times} samples but lists {len(times)} times from the "
            f"onset on, {times[:2]} ... {times[-1:]}; they do not say when a sample "
            f"is. {_EEG2_REMEDY}"
        )
    return times


def _evenly_rising(times):
    if len(times) < 2 or not times[-1] > times[0]:
        return False
    even = np.linspace(times[0], times[-1], len(times))
    return bool(np.allclose(times, even, rtol=0, atol=even[1] - even[0]))


def _dictionary(path):
    content = read_pickled(path, _EEG2_REMEDY)
    if not isinstance(content, dict):
        raise ValueError(
            f"{path} holds {type(content).__name__} in place of a dictionary. "
            f"{_EEG2_REMEDY}"
        )
    return content


def read_things_meg(files, subject, recipe):
    """THINGS-MEG as preprocessed by its authors: epochs of four participants.

    Catch trials are dropped. Where the epochs carry the authors' table, sessions, runs
    and concepts are taken from it; else an image with twelve repetitions is a test
    image, and the class is the image. The signals are in units of each channel's
    baseline deviation. ``concept_in_test`` marks training trials whose concept is one
    of the test's, which a zero-shot score leaves out.

    Parameters
    ----------
    files : dict
        From ``preprocessed_PX-epo.fif`` and the names of its continuations to Path.
    subject : int
    recipe : Recipe
        A mere window is cut while reading, in float32 as in the file; anything else
        computes in float64.

    Yields
    ------
    trials : Trials

    Raises
    ------
    ValueError
        If a file cannot be read, or holds no trial of an image.
    """
    path = files[f"preprocessed_P{subject}-epo.fif"]
    try:
        epochs = mne.read_epochs(path, preload=False, verbose="ERROR")
        epochs = epochs[epochs.events[:, 2] != _MEG_CATCH]
        table = _meg_table(epochs)
        kept = np.flatnonzero(table["partition"] != "catch")
        table = table.iloc[kept].reset_index(drop=True)
        window = _window(epochs.times, recipe)
        data = _in_blocks(epochs[kept], window) if len(kept) else None
    except _WindowError:
        raise
    except Exception as error:  # MNE fails in many ways on a damaged file.
        raise ValueError(
            f"{path}, or a file that continues it, cannot be read ({error}); fetch it "
            "again."
        ) from error
    if data is None:
        raise ValueError(
            f"{path} holds no trial of an image, only {_MEG_CATCH} (catch trials); get "
            "it from https://openneuro.org/datasets/ds004212."
        )
    tmin = epochs.times[window[0]]
    yield _trials(data, table, epochs.info, tmin, recipe, subject=subject, run=None)


def _in_blocks(epochs, window):
    """Samples of a window, as float32, without all of the file in memory."""
    data = np.empty((len(epochs), len(epochs.ch_names), len(window)), np.float32)
    for start in range(0, len(epochs), _BLOCK):
        block = epochs[start : start + _BLOCK].get_data(verbose="ERROR")
        data[start : start + _BLOCK] = block[..., window]
    return data


def _meg_table(epochs):
    images = epochs.events[:, 2]
    table = pd.DataFrame({"stimulus": images})
    table["repetition"] = table.groupby("stimulus").cumcount() + 1
    given = epochs.metadata
    if given is None or "trial_type" not in given:
        often = table.groupby("stimulus")["repetition"].transform("max")
        table["partition"] = np.where(often == _MEG_TEST_REPETITIONS, "test", "train")
        return table
    given = given.reset_index(drop=True)
    table["partition"] = given["trial_type"].replace("exp", "train")
    for column, source in (("session", "session_nr"), ("run", "run_nr")):
        if source in given:
            table[column] = [str(int(number)) for number in given[source]]
    if "image_path" in given:
        # Such as images_meg/aardvark/aardvark_01b.jpg.
        table["concept"] = [
            str(path).split("/")[-2:][0] for path in given["image_path"]
        ]
        tested = set(table["concept"][table["partition"] == "test"])
        table["concept_in_test"] = table["concept"].isin(tested)
    return table


# --- both ---------------------------------------------------------------------


def _trials(data, table, info, tmin, recipe, *, subject, run):
    classes = table["concept"] if "concept" in table else table["stimulus"]
    y = np.array([str(label) for label in classes])
    table = table.assign(
        subject=subject,
        session=table.get("session", "0"),
        run=table.get("run", "0") if run is None else run,
    )
    if recipe == Recipe(band=None, tmin=recipe.tmin, tmax=recipe.tmax):
        times = tmin + np.arange(data.shape[-1]) / info["sfreq"]
        window = _window(times, recipe)
        return Trials(
            data[..., window[0] : window[-1] + 1],
            y,
            table,
            info,
            tmin=times[window[0]],
            recipe=recipe.to_dict(),
        )
    return trials_from_arrays(
        data,
        y,
        sfreq=info["sfreq"],
        ch_names=info["ch_names"],
        ch_types=info.get_channel_types(),
        metadata=table,
        tmin=tmin,
        recipe=recipe,
    )


class _WindowError(ValueError):
    """A wish that does not fit the trials; the file is not to blame."""


def _window(times, recipe):
    """Samples to keep; all of them if the recipe does more than cut."""
    if recipe != Recipe(band=None, tmin=recipe.tmin, tmax=recipe.tmax):
        return np.arange(len(times))
    half = 0.5 * (times[1] - times[0])
    tmax = times[-1] if recipe.tmax is None else recipe.tmax
    if recipe.tmin < times[0] - half or tmax > times[-1] + 3 * half:
        raise _WindowError(
            f"window [{recipe.tmin:g}, {tmax:g}] s is not inside the trials, which "
            f"hold [{times[0]:g}, {times[-1]:g}] s; change tmin or tmax."
        )
    inside = (times >= recipe.tmin - half) & (times <= tmax + half)
    if not inside.any():
        raise _WindowError(
            f"window [{recipe.tmin:g}, {tmax:g}] s holds no sample; change tmin or "
            "tmax."
        )
    return np.flatnonzero(inside)


def _info(ch_names, times):
    # Over all of them, because they may be rounded.
    sfreq = round((len(times) - 1) / float(times[-1] - times[0]), 3)
    return mne.create_info(ch_names, sfreq, "eeg", verbose=False)

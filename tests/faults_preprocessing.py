"""Faults of recipes in full, eye artefacts, scales and noise normalisation."""

import mne
import numpy as np

from neurodec.datasets import load, trials_from_arrays, trials_from_raw
from neurodec.preprocessing import (
    ChannelTypeScaler,
    EyeRegression,
    ICACleaner,
    NoiseNormalisation,
    Recipe,
    learned_rejection_threshold,
)

RNG = np.random.default_rng(0)
X = 1e-5 * RNG.standard_normal((20, 4, 250))
Y = ["left", "right"] * 10
NAMES = ["Fz", "Cz", "Pz", "EOG"]


def recording(names=("Fz", "Cz", "Pz", "C3", "C4", "EOG"), types=None, trigger=None):
    types = types or ["eog" if name == "EOG" else "eeg" for name in names]
    data = 1e-5 * RNG.standard_normal((len(names), 2500))
    if trigger is not None:
        data[trigger] = np.arange(2500) // 100 % 2
    info = mne.create_info(list(names), 250.0, types, verbose=False)
    raw = mne.io.RawArray(data, info, verbose=False)
    cues = mne.Annotations(np.arange(1, 9), 0.1, ["left", "right"] * 4)
    return raw.set_annotations(cues)


def read(raw=None, **settings):
    recipe = Recipe(**dict(band=None, tmax=0.5) | settings)
    raw = recording() if raw is None else raw
    return trials_from_raw(raw, {"left": "left", "right": "right"}, recipe)


def marked_bad(*names):
    raw = recording()
    raw.info["bads"] = list(names)
    return raw


def arrays(**settings):
    return trials_from_arrays(
        X,
        Y,
        sfreq=250,
        ch_names=NAMES,
        recipe=Recipe(**dict(band=None) | settings),
        ch_types=["eeg", "eeg", "eeg", "eog"],
    )


def still(channel=3):
    data = X.copy()
    data[:, channel] = 2e-6
    return data


def averaged():
    return X - X.mean(axis=1, keepdims=True)


# fmt: off
FAULTS = [
    # Settings of a recipe.
    (Recipe, "unknown phase", lambda d: Recipe(phase="forward"),
     ["phase is 'forward'", "zero, causal"]),
    (Recipe, "notch that is no number", lambda d: Recipe(notch=["50 Hz"]),
     ["notch is '50 Hz'", "give a number"]),
    (Recipe, "notch at zero", lambda d: Recipe(notch=[0]),
     ["notch is 0", "exceed 0.6"]),
    (Recipe, "reference that is no list", lambda d: Recipe(reference="Cz"),
     ["reference is 'Cz'", "'average' or a list", "['T7', 'T8']"]),
    (Recipe, "reference is bad", lambda d: Recipe(reference=["M1"], bads=["M1"]),
     ["'M1' is among bads", "take it out"]),
    (Recipe, "bad channel twice", lambda d: Recipe(bads=["T7", "T7"]),
     ["bads names 'T7' twice", "once"]),
    (Recipe, "interpolate that is no flag", lambda d: Recipe(interpolate=["T7"]),
     ["interpolate is ['T7']", "true or false"]),
    # Recordings that do not fit it.
    (trials_from_raw, "notch beyond the rate", lambda d: read(notch=[50, 125]),
     ["notch at 125 Hz", "(250 Hz)", "leave it out"]),
    (trials_from_raw, "unknown bad channel", lambda d: read(bads=["CZ"]),
     ["bad channel 'CZ' is not in the recording", "did you mean Cz"]),
    (trials_from_raw, "unknown reference", lambda d: read(reference=["M1"]),
     ["reference channel 'M1'", "Known: C3"]),
    (trials_from_raw, "no positions", lambda d: read(bads=["Pz"], interpolate=True),
     ["'Fz' has no position", "set_montage", "interpolate=False"]),
    (trials_from_raw, "too few to interpolate from",
     lambda d: read(marked_bad("Fz", "Cz"), interpolate=True),
     ["3 good channels of type 'eeg'", "beside Fz, Cz", "interpolate=False"]),
    (trials_from_raw, "interpolated eyes",
     lambda d: read(bads=["EOG"], interpolate=True),
     ["'EOG' is of type 'eog'", "interpolate=False"]),
    (trials_from_raw, "reference of a magnetometer",
     lambda d: read(recording(types=["mag"] * 6), reference="average"),
     ["reference is 'average'", "types ['mag']", "leave reference out"]),
    (trials_from_raw, "average of one channel",
     lambda d: read(recording(["Cz", "EOG"]), reference="average"),
     ["'Cz' is the only good EEG channel", "leave reference out"]),
    (trials_from_raw, "every channel a reference",
     lambda d: read(recording(["M1", "M2"]), reference=["M1", "M2"]),
     ["M1, M2, are reference channels", "keep some"]),
    (trials_from_raw, "trigger spread by the average",
     lambda d: read(recording(trigger=4), reference="average"),
     ["channel 'C4'", "distinct values"]),
    (Recipe.array, "names that an array lacks",
     lambda d: Recipe(reference="average").array(X, 250.0, 0.0),
     ["reference='average'", "ch_names", "rework_channels"]),
    (trials_from_arrays, "bad channel of an array", lambda d: arrays(bads=["Oz"]),
     ["'Oz' is not in the recording", "did you mean"]),
    (trials_from_arrays, "finite notch on short trials",
     lambda d: arrays(notch=[50], method="fir"),
     ["notch filter by method 'fir'", "1 s", "method='iir'", "trials_from_raw"]),
    (load, "notch in a set that MOABB reads",
     lambda d: load("physionet_mi", [1], recipe={"notch": [60]}),
     ["notch=(60.0,)", "trials_from_raw"]),
    (load, "causal filter in a set that MOABB reads",
     lambda d: load("physionet_mi", [1], recipe={"phase": "causal"}),
     ["phase='causal'", "trials_from_raw"]),
    # Eyes.
    (EyeRegression, "names for an array", lambda d: EyeRegression(["EOG"]).fit(X),
     ["eog names 'EOG'", "trials.ch_names"]),
    (EyeRegression, "unknown EOG channel",
     lambda d: EyeRegression(["HEOG"], NAMES).fit(X),
     ["no EOG channel 'HEOG'", "did you mean EOG", "picks"]),
    (EyeRegression, "position beyond the channels", lambda d: EyeRegression([4]).fit(X),
     ["eog has 4", "from 0 to 3"]),
    (EyeRegression, "no list", lambda d: EyeRegression("EOG", NAMES).fit(X),
     ["eog is 'EOG'", "give a list"]),
    (EyeRegression, "all channels", lambda d: EyeRegression([0, 1, 2, 3]).fit(X),
     ["all channels", "none would be left"]),
    (EyeRegression, "dead EOG channel", lambda d: EyeRegression([3]).fit(still()),
     ["EOG channels are constant", "name fewer"]),
    (EyeRegression, "EOG already dropped",
     lambda d: EyeRegression([3]).fit(X).transform(X[:, :3]),
     ["X has 3 channels", "fitted on 4"]),
    (ICACleaner, "unknown method", lambda d: ICACleaner([3], method="jade").fit(X),
     ["method is 'jade'", "fastica, infomax, picard"]),
    (ICACleaner, "threshold of a z-score",
     lambda d: ICACleaner([3], threshold=3).fit(X),
     ["threshold is 3", "below 1"]),
    (ICACleaner, "too many components", lambda d: ICACleaner([3], 20).fit(X),
     ["n_components is 20", "from 2 to 3"]),
    (ICACleaner, "dead EOG channel", lambda d: ICACleaner([3]).fit(still()),
     ["EOG channel 3 is constant", "leave it out"]),
    # Scales and noise.
    (ChannelTypeScaler, "types unknown", lambda d: ChannelTypeScaler().fit(X),
     ["does not tell the types", "get_channel_types"]),
    (ChannelTypeScaler, "too few types", lambda d: ChannelTypeScaler(["eeg"]).fit(X),
     ["1 channel types for 4 channels", "one for each"]),
    (ChannelTypeScaler, "trigger among the types",
     lambda d: ChannelTypeScaler(["eeg", "eeg", "eeg", "stim"]).fit(X),
     ["'stim'", "leave such channels out"]),
    (NoiseNormalisation, "unknown shrinkage",
     lambda d: NoiseNormalisation(shrinkage="lwf").fit(X),
     ["shrinkage is 'lwf'", "ledoit_wolf, oas"]),
    (NoiseNormalisation, "weight beyond one",
     lambda d: NoiseNormalisation(shrinkage=2).fit(X),
     ["shrinkage is 2", "from 0 to 1"]),
    (NoiseNormalisation, "average reference",
     lambda d: NoiseNormalisation(shrinkage=0).fit(averaged()),
     ["rank 3 of 4", "average reference", "'oas' or drop"]),
    (NoiseNormalisation, "one trial of a condition over time",
     lambda d: NoiseNormalisation(method="time").fit(X, [0] * 19 + [1]),
     ["condition 1 has one trial", "method='epoch'"]),
    (NoiseNormalisation, "domains of other trials",
     lambda d: NoiseNormalisation().fit(X, domains=["a"]),
     ["20 trials", "one per trial"]),
    # Learned rejection.
    (learned_rejection_threshold, "no epochs", lambda d: learned_rejection_threshold(X),
     ["epochs is ndarray", "to_epochs"]),
    (learned_rejection_threshold, "too few epochs",
     lambda d: learned_rejection_threshold(arrays()[:3].to_epochs()),
     ["3 epochs are too few for 5 folds", "lower cv"]),
]
# fmt: on

"""Faults of the filter bank, SSVEP and cospectral decoders."""

import numpy as np
from contract import make_easy

from neurodec.datasets import trials_from_arrays
from neurodec.decoders import TRCA, FilterBankCCA, load_pipeline
from neurodec.evaluation import evaluate
from neurodec.features import (
    CospectralTangentSpace,
    FilterBankCSP,
    ReferenceCorrelations,
    sinusoidal_references,
)

X, Y = make_easy("SSVEP")
AVERAGED = X - X.mean(axis=1, keepdims=True)
CODES = np.unique(Y, return_inverse=True)[1]
BANDS = [(8, 12), (12, 16)]


def with_nan():
    data = X.copy()
    data[7, 2, 5] = np.nan
    return data


def at_another_rate():
    trials = trials_from_arrays(X, Y, sfreq=250)
    return evaluate(trials, ["ssvep-cca"], ["within-session"])


# fmt: off
FAULTS = [
    (FilterBankCSP, "no sampling rate", lambda d: FilterBankCSP(BANDS).fit(X, Y),
     ["sampling rate is unknown", "sfreq= in Hz"]),
    (FilterBankCSP, "shipped pipeline on arrays without a rate",
     lambda d: load_pipeline("fbcsp").fit(X, Y),
     ["sampling rate is unknown", "sfreq= in Hz"]),
    (FilterBankCSP, "band above Nyquist",
     lambda d: FilterBankCSP([(8, 60)], sfreq=100).fit(X, Y),
     ["8-60 Hz", "50 Hz, the Nyquist", "resample less"]),
    (FilterBankCSP, "band that is no pair",
     lambda d: FilterBankCSP([8, 12], sfreq=256).fit(X, Y),
     ["bands is [8, 12]", "list of pairs in Hz"]),
    (FilterBankCSP, "average reference without shrinkage",
     lambda d: FilterBankCSP(BANDS, sfreq=256, shrinkage=0).fit(AVERAGED, Y),
     ["8-12 Hz has rank 3 of 4", "set shrinkage=0.01, or drop a channel"]),
    (FilterBankCSP, "one class",
     lambda d: FilterBankCSP(BANDS, sfreq=256).fit(X, ["13"] * 48),
     ["one class, '13'", "give trials of at least two"]),
    (FilterBankCSP, "one trial of a class",
     lambda d: FilterBankCSP(BANDS, sfreq=256).fit(X, ["a"] * 47 + ["b"]),
     ["'b' has too few trials, 1", "at least 2", "record more"]),
    (FilterBankCSP, "NaN", lambda d: FilterBankCSP(BANDS, sfreq=256).fit(with_nan(), Y),
     ["trial 7, channel 2", "NaN", "drop the trial"]),
    (ReferenceCorrelations, "harmonic above Nyquist",
     lambda d: ReferenceCorrelations([13, 21], 100, n_harmonics=3).fit(X, Y),
     ["harmonic 3 of 21 Hz", "50 Hz, the Nyquist", "n_harmonics to at most 2"]),
    (ReferenceCorrelations, "average reference without shrinkage",
     lambda d: ReferenceCorrelations([13, 17], 256, shrinkage=0).fit(AVERAGED, Y),
     ["rank 3 of 4", "set shrinkage=0.05, or drop a channel"]),
    (ReferenceCorrelations, "frequency twice",
     lambda d: ReferenceCorrelations([13, 13], 256).fit(X, Y),
     ["[13, 13] repeat", "give each once"]),
    (ReferenceCorrelations, "other channels",
     lambda d: ReferenceCorrelations([13], 256).fit(X, Y).transform(X[:, :3]),
     ["3 channels", "fitted on 4", "pick the channels"]),
    (sinusoidal_references, "trials shorter than a cycle",
     lambda d: sinusoidal_references([0.5], 256, 256),
     ["one cycle of 0.5 Hz", "longer trials"]),
    (FilterBankCCA, "labels that are no numbers",
     lambda d: FilterBankCCA(sfreq=256).fit(X, np.char.add("class ", Y)),
     ["'class 13'", "no frequency", "give frequencies="]),
    (FilterBankCCA, "labels that are codes",
     lambda d: FilterBankCCA(sfreq=256).fit(X, 1 + CODES),
     ["[1, 2, 3] look like codes", "give frequencies="]),
    (FilterBankCCA, "not one frequency for each class",
     lambda d: FilterBankCCA([13, 17], sfreq=256).fit(X, Y),
     ["2 numbers", "3 classes", "give one for each"]),
    (TRCA, "one trial of a class", lambda d: TRCA(sfreq=256).fit(X[:4], Y[:4]),
     ["too few trials, 1", "TRCA needs at least 2"]),
    (TRCA, "average reference", lambda d: TRCA(sfreq=256).fit(AVERAGED, Y),
     ["rank 3 of 4", "average reference", "set shrinkage=0.01"]),
    (TRCA, "trials of another length",
     lambda d: TRCA(sfreq=256).fit(X, Y).predict(X[..., :200]),
     ["200 samples", "fitted on 256", "same window"]),
    (CospectralTangentSpace, "trials shorter than two windows",
     lambda d: CospectralTangentSpace(sfreq=256).fit(X[..., :80]),
     ["80 samples", "two windows of 0.25 s", "longer trials"]),
    (CospectralTangentSpace, "0 Hz",
     lambda d: CospectralTangentSpace(fmin=0, sfreq=256).fit(X),
     ["fmin is 0", "0 < fmin < fmax"]),
    (evaluate, "pipeline for another sampling rate", lambda d: at_another_rate(),
     ["'ssvep-cca'", "sfreq=256 Hz", "250 Hz", "None to take the trials' rate"]),
]
# fmt: on

"""Faults of band power, connectivity, selection, and combined decoders."""

import numpy as np

from neurodec.decoders import AbstainingPipeline, CalibratedPipeline, StackedPipelines
from neurodec.evaluation import accuracy_and_coverage
from neurodec.features import BandPower, R2Selection, band_power, node_strength, r2_map

X = np.random.default_rng(0).standard_normal((12, 3, 128))
Y = [0, 1] * 6

# fmt: off
FAULTS = [
    (band_power, "band above Nyquist", lambda d: band_power(X, 128, [(8, 80)]),
     ["(8, 80) Hz", "high < 64 Hz"]),
    (band_power, "band between two frequencies",
     lambda d: band_power(X, 128, [(9, 11)], window=0.25),
     ["no multiple of 4 Hz", "(9, 11) Hz", "longer window"]),
    (band_power, "no band", lambda d: band_power(X, 128, []), ["bands is empty"]),
    (band_power, "short trials", lambda d: band_power(X[..., :20], 128),
     ["20 samples", "0.25 s", "shorter window"]),
    (BandPower, "no rate", lambda d: BandPower().fit(X), ["sampling rate", "sfreq="]),
    (node_strength, "one window", lambda d: node_strength(X, 128, window=1.0),
     ["fewer than 2 windows of 1 s", "shorter window"]),
    (node_strength, "one channel", lambda d: node_strength(X[:, :1], 128),
     ["two channels", "there is 1"]),
    (node_strength, "unknown method",
     lambda d: node_strength(X, 128, method="plv"), ["'plv'", "imaginary"]),
    (r2_map, "signed with three classes",
     lambda d: r2_map(X[:, 0], [0, 1, 2] * 4, signed=True),
     ["there are 3", "keep two"]),
    (r2_map, "one class", lambda d: r2_map(X[:, 0], [1] * 12),
     ["one class", "at least two"]),
    (R2Selection, "no feature", lambda d: R2Selection(0).fit(X[:, 0], Y),
     ["n_features is 0", "from 1"]),
    (StackedPipelines, "one pipeline", lambda d: StackedPipelines(["mdm"]).fit(X, Y),
     ["['mdm']", "at least two"]),
    (StackedPipelines, "unknown name",
     lambda d: StackedPipelines(["mdm", "ts_lr"]).fit(X, Y), ["'ts_lr'", "'ts-lr'"]),
    (StackedPipelines, "no rate for a pipeline that needs it",
     lambda d: StackedPipelines(["mdm", "bandpower-lda"]).fit(X, Y),
     ["'bandpower-lda'", "sfreq="]),
    (StackedPipelines, "too few trials",
     lambda d: StackedPipelines(["mdm", "ts-lr"], n_folds=7).fit(X, Y),
     ["class 0", "6", "7 inner folds", "lower n_folds"]),
    (CalibratedPipeline, "unknown method",
     lambda d: CalibratedPipeline("mdm", method="platt").fit(X, Y),
     ["'platt'", "'sigmoid'"]),
    (CalibratedPipeline, "folds",
     lambda d: CalibratedPipeline("mdm", n_folds=1).fit(X, Y),
     ["n_folds is 1", "from 2"]),
    (CalibratedPipeline, "one class",
     lambda d: CalibratedPipeline("mdm").fit(X, [1] * 12),
     ["one class", "at least two"]),
    (AbstainingPipeline, "threshold in percent",
     lambda d: AbstainingPipeline("mdm", threshold=80).fit(X, Y),
     ["threshold is 80", "0.8"]),
    (accuracy_and_coverage, "columns of other classes",
     lambda d: accuracy_and_coverage([0, 1], np.eye(2), [0, 1, 2], 0.5),
     ["(2, 2)", "3 classes", "one column per class"]),
]
# fmt: on

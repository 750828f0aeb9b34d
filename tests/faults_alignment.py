"""Faults of alignment, targets, the order of recording and folds in time."""

import dataclasses

import numpy as np
import pandas as pd

from neurodec.datasets import trials_from_arrays
from neurodec.evaluation import (
    BenchmarkConfig,
    Protocol,
    evaluate,
    get_protocol,
)
from neurodec.preprocessing import Recenter, Recipe, Rescale, Rotate

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 3, 60))
Y = np.array(["left", "right"] * 12)
DAYS = np.repeat(["0", "1"], 12)
ORDER = np.arange(24)
MATRICES = np.einsum("nit,njt->nij", X, X) / 60
METADATA = pd.DataFrame(
    {"subject": 1, "session": DAYS, "run": "0", "onset": np.tile(np.arange(12.0), 2)}
)
FITTED = Recenter("trials").fit(X[:12])
ROTATE = Rotate("tangent").fit(X[:12, 0] - X[:12, 0].mean(axis=0), Y[:12])


def singular():
    """Average reference: the last channel is given by the others."""
    data = X.copy()
    data[:, 2] = -data[:, 0] - data[:, 1]
    return data


def holds(metadata, target="past"):
    return get_protocol("cross-session", target).folds(Y, metadata, seed=0)


def in_time(metadata=METADATA, **changes):
    changes = {"gap": 0.6, **changes}
    protocol = dataclasses.replace(get_protocol("chronological"), **changes)
    return protocol.folds(Y, metadata, seed=0)


def recorded(recipe=None):
    trials = trials_from_arrays(X, Y, sfreq=100, metadata=METADATA)
    trials.recipe = None if recipe is None else recipe.to_dict()
    return trials


# fmt: off
FAULTS = [
    # Aligners.
    (Recenter, "unknown input", lambda d: Recenter("signals").fit(X),
     ["'signals'", "trials, covariances, tangent"]),
    (Recenter, "unknown metric", lambda d: Recenter("trials", metric="riemman").fit(X),
     ["'riemman'", "riemann, logeuclid, euclid"]),
    (Recenter, "negative prior", lambda d: Recenter("trials", prior=-1).fit(X),
     ["prior is -1", "from 0, or None"]),
    (Recenter, "signals for covariances", lambda d: Recenter().fit(X),
     ["(24, 3, 60)", "no covariance matrices", "inputs='trials'"]),
    (Recenter, "vectors for signals", lambda d: Recenter("trials").fit(X[:, 0]),
     ["(24, 60)", "(n_trials, n_channels, n_times)", "X[np.newaxis]"]),
    (Recenter, "other channels", lambda d: FITTED.transform(X[:, :2]),
     ["2 channels", "fitted on 3", "pick the training data's channels"]),
    (Recenter, "Trials", lambda d: Recenter("trials").fit(recorded()),
     ["pass trials.X", "as domains"], TypeError),
    (Recenter, "average reference", lambda d: Recenter("trials").fit(singular()),
     ["trial 0", "rank 2 of 3", "drop a channel", "estimator='oas'"]),
    (Recenter, "average reference, Euclidean",
     lambda d: Recenter("trials", metric="euclid").fit(singular()),
     ["the mean has rank 2 of 3", "drop a channel"]),
    (Recenter, "too few domains",
     lambda d: Recenter("trials").fit(X, domains=DAYS[:5]),
     ["(5,)", "24 trials", "metadata[['subject', 'session']]"]),
    (Recenter, "domain unknown in a row",
     lambda d: Recenter("trials").fit(X, domains=np.r_[np.ones(23), np.nan]),
     ["trial 23 is nan", "every trial needs"]),
    (Recenter.transform, "unknown target",
     lambda d: FITTED.transform(X, target="future"),
     ["'future'", "'past'", "'prefix(20)'", "'all'"]),
    (Recenter.transform, "no order",
     lambda d: FITTED.transform(X, target="past"),
     ["'past'", "order is None", "metadata['onset']"]),
    (Recenter.transform, "order of another length",
     lambda d: FITTED.transform(X, target="past", order=ORDER[:3]),
     ["(3,)", "24 trials"]),
    (Recenter.transform, "re-ordered trials",
     lambda d: FITTED.transform(X, target="past", order=ORDER[::-1]),
     ["trial 1 (order 22)", "'past' needs the order of recording", "sort the trials"]),
    (Recenter.transform, "prefix beyond the domain",
     lambda d: FITTED.transform(X, target="prefix(30)", order=ORDER),
     ["'prefix(30)'", "24 trials", "shorter prefix"]),
    (Rotate.transform, "labelled prefix without labels",
     lambda d: ROTATE.transform(X[:, 0], target="prefix(4, labelled)", order=ORDER),
     ["'prefix(4, labelled)'", "labels is None", "give labels"]),
    (Rescale, "not recentred", lambda d: Rescale("trials").fit(1e-5 * X),
     ["from the origin", "put Recenter(inputs='trials') before Rescale"]),
    (Rescale, "one trial",
     lambda d: Rescale("tangent").fit(np.zeros((1, 3))),
     ["1 trials have no spread", "at least two different"]),
    (Rotate, "no labels", lambda d: Rotate("tangent").fit(X[:, 0], None),
     ["y is None", "leave it out"]),
    (Rotate, "too few labels", lambda d: Rotate("tangent").fit(X[:, 0], Y[:3]),
     ["(3,)", "24 trials", "one label each"]),
    (Rotate, "pull of zero", lambda d: Rotate("tangent", pull=0).fit(X[:, 0], Y),
     ["pull is 0", "above 0"]),
    # Targets of protocols, and the order of recording.
    (get_protocol, "unknown target", lambda d: get_protocol("cross-session:passed"),
     ["'passed'", "'past'"]),
    (get_protocol, "empty prefix", lambda d: get_protocol("cross-session:prefix(0)"),
     ["prefix(0)", "at least one trial"]),
    (get_protocol, "prefix of all",
     lambda d: get_protocol("cross-session:prefix(100%)"),
     ["prefix(100%)", "use 'all'"]),
    (get_protocol, "two targets", lambda d: get_protocol("cross-session:past", "all"),
     ["names a target already", "target='all'"]),
    (get_protocol, "target within a session",
     lambda d: get_protocol("within-session:past"),
     ["'past'", "within-session trains on other trials", "use none", "cross-session"]),
    (get_protocol, "prefix in time",
     lambda d: get_protocol("chronological:prefix(5)"),
     ["'prefix(5)'", "use none or past"]),
    (Protocol, "unknown unit", lambda d: Protocol("mine", "day", "none", "By day."),
     ["'day'", "trial, block, session, subject"]),
    (Protocol.folds, "no order",
     lambda d: holds(METADATA.drop(columns="onset")),
     ["cross-session:past", "neither 'onset'", "add one of these columns"]),
    (Protocol.folds, "trials sorted by class",
     lambda d: holds(METADATA.assign(onset=np.r_[0:24:2, 1:24:2] % 12.0)),
     ["trial 6", "were re-ordered", "sort them by subject, session, run and onset"]),
    (Protocol.folds, "runs in another order",
     lambda d: holds(METADATA.assign(run=np.tile(np.repeat(["1", "0"], 6), 2))),
     ["['1', '0']", "re-ordered"]),
    (Protocol.folds, "onset that is no number",
     lambda d: holds(METADATA.assign(onset="early")), ["'onset'", "no number"]),
    (Protocol.folds, "order that repeats",
     lambda d: holds(METADATA.assign(order=0)), ["trial 1 (order 0)", "sort them"]),
    (Protocol.folds, "prefix beyond the session",
     lambda d: holds(METADATA, "prefix(12)"),
     ["first 12 trials", "'0' of subject 1 has 12", "shorter prefix"]),
    # Folds in time.
    (Protocol.folds, "no onset in time",
     lambda d: in_time(METADATA.drop(columns="onset").assign(order=ORDER)),
     ["'onset'", "trials_from_raw", "cross-session"]),
    (Protocol.folds, "gap as long as the session", lambda d: in_time(gap=50.0),
     ["block 1", "no trial of 'left'", "50 s before", "n_folds lower"]),
    (Protocol.folds, "too many blocks", lambda d: in_time(n_folds=15),
     ["12 trials", "16 blocks", "n_folds lower"]),
    (Protocol.folds, "no gap", lambda d: in_time(gap=None),
     ["no gap yet", "protocol.for_trials(trials)"]),
    (Protocol.for_trials, "short gap",
     lambda d: dataclasses.replace(get_protocol("chronological"), gap=0.1).for_trials(
         recorded()),
     ["gap is 0.1 s", "take 0.6 s", "or None"]),
    (evaluate, "zero phase in time",
     lambda d: evaluate(recorded(Recipe(band=(8, 30))), ["mdm"], "chronological"),
     ["phase='zero'", "s ahead", "{'phase': 'causal'}"]),
    (evaluate, "past without order",
     lambda d: evaluate(trials_from_arrays(X, Y, sfreq=100, session=DAYS), ["mdm"],
                        "cross-session:past"),
     ["neither 'onset'", "'order'"]),
    (BenchmarkConfig, "unknown target",
     lambda d: BenchmarkConfig(protocols="cross-session,cross-session:prefix(5,lab)"),
     ["'prefix(5,lab)'", "'prefix(20, labelled)'"]),
]

"""Choose the recipe and the parameters of ``xdawn-ts`` on a recording of no table.

One session of a P300 speller (bi2012, 128 targets among 768 flashes), which no other
script reports. Every setting of the grid gets the same ten folds (five, shuffled
twice); the setting with the largest mean ROC-AUC is the one that ``datasets.yaml`` and
``xdawn-ts.yml`` hold, and this script exits with an error if they hold another.

Needs NEURODEC_DATA.
"""

import itertools
import os
import sys
from pathlib import Path

import joblib
import mne
import numpy as np
from pyriemann.estimation import XdawnCovariances
from pyriemann.tangentspace import TangentSpace
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from tables import show, write_table
from threadpoolctl import threadpool_limits

from neurodec.datasets import dataset_info, trials_from_raw
from neurodec.decoders import load_pipeline
from neurodec.preprocessing import Recipe

SEED = 42
SETS = ("muse_p300", "muse_n170", "p300_bci2_iib", "p300_gtec")
RECIPES = {
    "low": (0.5, 1.0),
    "high": (12.0, 16.0, 24.0, 30.0),
    "tmax": (0.6, 0.8, 1.0),
}
SPATIAL = {"nfilter": (2, 4), "estimator": ("oas", "lwf")}
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0)


def read():
    """The recording (the file holds microvolts)."""
    folder = Path(os.environ["NEURODEC_DATA"]) / "formats"
    with np.load(folder / "subject_01_session_01.npz") as file:
        signals, marker = file["data"].T.astype(float), file["stim"].astype(float)
    names = [f"EEG{i}" for i in range(len(signals))] + ["STI"]
    info = mne.create_info(names, 128.0, ["eeg"] * len(signals) + ["stim"])
    return mne.io.RawArray(np.vstack([1e-6 * signals, marker]), info, verbose=False)


def scores_of(low, high, tmax):
    """ROC-AUC under one recipe: a dict of parameters to the scores of the folds."""
    recipe = Recipe(band=(low, high), tmin=0.0, tmax=tmax)
    trials = trials_from_raw(read(), {"NonTarget": 1, "Target": 2}, recipe)
    X, y = trials.X, (trials.y == "Target").astype(int)
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=SEED)
    scores = {}
    with threadpool_limits(1):
        for nfilter, estimator in itertools.product(*SPATIAL.values()):
            for train, test in folds.split(X, y):
                features = make_pipeline(
                    XdawnCovariances(
                        nfilter=nfilter, estimator=estimator, xdawn_estimator="scm"
                    ),
                    TangentSpace(metric="riemann"),
                ).fit(X[train], y[train])
                # The features are the same for every C.
                known, asked = features.transform(X[train]), features.transform(X[test])
                for C in STRENGTHS:
                    last = LogisticRegression(C=C, max_iter=1000).fit(known, y[train])
                    score = roc_auc_score(y[test], last.decision_function(asked))
                    scores.setdefault((nfilter, estimator, C), []).append(score)
    return scores


def held():
    """What the registry and the pipeline's file hold now."""
    recipes = [dataset_info(name)["recipe"] for name in SETS]
    steps = load_pipeline("xdawn-ts").get_params()
    return (
        [(*recipe["band"], recipe["tmax"]) for recipe in recipes],
        tuple(
            steps[key]
            for key in (
                "xdawncovariances__nfilter",
                "xdawncovariances__estimator",
                "logisticregression__C",
            )
        ),
    )


def main():
    """Score the grid, write the best rows, compare with what is held."""
    recipes = list(itertools.product(*RECIPES.values()))
    done = joblib.Parallel(n_jobs=2)(joblib.delayed(scores_of)(*r) for r in recipes)
    rows = [
        (np.mean(scores), np.std(scores), (*recipe, *parameters))
        for recipe, by_parameters in zip(recipes, done, strict=True)
        for parameters, scores in by_parameters.items()
    ]
    rows.sort(key=lambda row: row[0], reverse=True)
    columns = ["low (Hz)", "high (Hz)", "end (s)", "nfilter", "estimator", "C"]
    columns += ["ROC-AUC", "sd over folds"]
    table = [[*setting, f"{m:.4f}", f"{s:.4f}"] for m, s, setting in rows]
    show(columns, table[:20])
    best = rows[0][2]
    write_table(
        "erp_settings",
        "Settings of the evoked-response pipeline",
        f"The ten best of {len(rows)} settings of the recipe and of ``xdawn-ts``, by "
        "mean ROC-AUC over ten folds of one session of a P300 speller (bi2012) that no "
        "other table holds. The first row is what ``datasets.yaml`` gives the "
        "evoked-response sets, and what ``xdawn-ts`` uses.",
        columns,
        table[:10],
    )
    recipes_held, parameters_held = held()
    if set(recipes_held) != {best[:3]} or parameters_held != best[3:]:
        sys.exit(f"chosen {best}, but held {recipes_held} and {parameters_held}")


if __name__ == "__main__":
    main()

"""BNCI 2014-004 against a plain loop and against published scores.

Four pipelines on the real trials of subjects 1 to 6, within-session and cross-session:
each fold's ROC-AUC must equal that of a loop written here with nothing but NumPy, MNE's
filter, pyRiemann and scikit-learn, and each mean must lie within 2.5 points of the
published one for these subjects. Exits with an error if not.

Needs NEURODEC_DATA with ``bnci2014_004`` and ``published/acm_nested_results.csv``.
"""

import os
import sys
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from pyriemann.classification import MDM, FgMDM
from pyriemann.estimation import Covariances
from pyriemann.spatialfilters import CSP
from pyriemann.tangentspace import TangentSpace
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from tables import percent, show, write_table
from threadpoolctl import threadpool_limits

from neurodec.datasets import load
from neurodec.evaluation import evaluate

SEED = 42
PROTOCOLS = ["within-session", "cross-session"]
PUBLISHED = {
    "mdm": "MDM",
    "csp-lda": "CSP+LDA",
    "ts-svm": "TANG+SVM",
    "fgmdm": "FgMDM",
}
PLAIN = {
    "mdm": [MDM(metric="riemann")],
    "csp-lda": [CSP(nfilter=6), LinearDiscriminantAnalysis()],
    "ts-svm": [TangentSpace(metric="riemann"), SVC(kernel="linear")],
    "fgmdm": [FgMDM(metric="riemann")],
}


def read_plainly(folder, subject):
    """Signals, labels and sessions of a subject, without neurodec."""
    with np.load(folder / f"B{subject:02d}.npz") as file:
        keys = sorted(key[1:] for key in file.files if key.startswith("X"))
        X = np.concatenate([file["X" + key] * file["scale_uV"] for key in keys])
        y = np.concatenate([file["y" + key] for key in keys])
        sessions = np.repeat(keys, [len(file["y" + key]) for key in keys])
        sfreq = float(file["sfreq"])
    # In volts and back, as a recipe does, so that rounding is the same.
    X = mne.filter.filter_data(X * 1e-6, sfreq, 8, 35, method="iir", verbose=False)
    return X / 1e-6, y, sessions


def plain_scores(folder):
    """ROC-AUC of each fold by protocol, pipeline, subject, session and fold."""
    scores = {}
    for subject in range(1, 7):
        X, y, sessions = read_plainly(folder, subject)
        folds = [
            ("within-session", session, number, rows[train], rows[test])
            for session in np.unique(sessions)
            for rows in [np.flatnonzero(sessions == session)]
            for number, (train, test) in enumerate(
                StratifiedKFold(5, shuffle=True, random_state=SEED).split(rows, y[rows])
            )
        ]
        folds += [
            ("cross-session", sessions[test[0]], 0, train, test)
            for train, test in LeaveOneGroupOut().split(X, y, sessions)
        ]
        for protocol, session, number, train, test in folds:
            for name, steps in PLAIN.items():
                pipeline = make_pipeline(Covariances(estimator="oas"), *steps)
                pipeline.fit(X[train], y[train])
                if hasattr(pipeline, "decision_function"):
                    response = pipeline.decision_function(X[test])
                else:
                    response = pipeline.predict_proba(X[test])[:, 1]
                key = (protocol, name, subject, session, number)
                scores[key] = roc_auc_score(y[test], response)
    return pd.Series(scores).sort_index()


def published_means(folder):
    """Published nested means of subjects 1 to 6."""
    table = pd.read_csv(folder.parent / "published" / "acm_nested_results.csv")
    table = table.query("dataset == '004-2014' and subject <= 6")
    return table.groupby(["evaluation", "pipeline"])["score"].mean()


def main():
    """Compare, print, write the table; non-zero exit if a claim does not hold."""
    folder = Path(os.environ["NEURODEC_DATA"]) / "bnci2014_004"
    results = evaluate(
        load("bnci2014_004"), list(PUBLISHED), PROTOCOLS, seed=SEED, n_jobs=2
    )
    ours = results.rows.set_index(
        ["protocol", "pipeline", "subject", "session", "fold"]
    )["score"].sort_index()
    with threadpool_limits(1):
        plain = plain_scores(folder)
    assert set(ours.index) == set(plain.index)
    difference = (ours - plain.reindex(ours.index)).abs()
    published = published_means(folder)
    columns = ["protocol", "pipeline", "neurodec", "plain loop", "largest difference",
               "published", "ours minus published"]  # fmt: skip
    rows, distances = [], []
    for protocol in PROTOCOLS:
        for name, reference in PUBLISHED.items():
            mean, loop = ours[protocol, name].mean(), plain[protocol, name].mean()
            there = published[protocol, reference]
            distances.append(mean - there)
            rows.append(
                [protocol, name, percent(mean), percent(loop),
                 f"{difference[protocol, name].max():.0e}",
                 percent(there), f"{100 * (mean - there):+.1f}"]
            )  # fmt: skip
    show(columns, rows)
    write_table(
        "bnci2014_004",
        "BNCI 2014-004, subjects 1 to 6",
        "ROC-AUC in percent, mean over subjects and sessions; 8 to 35 Hz. *plain loop* "
        "is pyRiemann and scikit-learn without neurodec on the same folds; *largest "
        "difference* is over all folds. *published* are the nested scores of Carrara "
        "and Papadopoulo for these subjects, on all trials and slightly longer ones.",
        columns,
        rows,
        f"{len(ours)} folds and pipelines were compared.",
    )
    if difference.max() > 1e-10:
        sys.exit(f"a fold differs from the plain loop by {difference.max():.1e}")
    if max(map(abs, distances)) > 0.025:
        sys.exit(f"a mean is {100 * max(map(abs, distances)):.1f} points off")


if __name__ == "__main__":
    main()

"""SSVEP: settings chosen on subjects 1 to 4 of Kalunga2016, scored on 5 to 8 too.

For each family of pipelines every setting below is scored on subjects 1 to 4: accuracy
of three classes, within the session, five folds, mean over three shuffles of the folds
and over the subjects. The best of each family wins, the first of equals; subjects 5 to
8 are not looked at. The files in ``neurodec/pipelines`` must hold what was chosen, and
the shipped pipeline that is best on subjects 1 to 4 must reach .76 over subjects 1 to 8
under the recipe of ``datasets.yaml`` (MOABB's window). Exits with an error if not.

At the end, MOABB's classes and ours on simulated trials: how many answers are equal,
and how the times compare.

Needs NEURODEC_DATA with ``MNE-ssvepexo-data`` and ``published``.
"""

import itertools
import os
import sys
import time
import warnings
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from moabb.pipelines import (
    SSVEP_CCA,
    SSVEP_TDCA,
    SSVEP_TRCA,
    SSVEP_eCCA,
    SSVEP_itCCA,
    SSVEP_MsetCCA,
)
from pyriemann.classification import MDM
from pyriemann.tangentspace import TangentSpace
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from tables import percent, show, write_table
from threadpoolctl import threadpool_limits

from neurodec.datasets import load
from neurodec.decoders import TRCA, FilterBankCCA, load_pipeline
from neurodec.evaluation import evaluate
from neurodec.features import FilterBankCovariances, ReferenceCorrelations

SEED = 42
TUNING_SEEDS = (0, 1, 2)
TUNING_SUBJECTS = [1, 2, 3, 4]
FREQUENCIES, SFREQ = [13, 17, 21], 256
SHIPPED = ["ssvep-cca", "ssvep-ts", "ssvep-mdm"]
TARGET = 0.76
# Sub-bands as in filter bank CCA: all end at the edge of the recipe's band.
SUB_BANDS = [(11, 45), (24, 45), (36, 45)]
WINDOWS = {"2-4 s (MOABB)": None, "1-6 s": {"tmin": 1.0, "tmax": 6.0}}


class OfMoabb(ClassifierMixin, BaseEstimator):
    """One of MOABB's classes, handed the epochs that it asks for."""

    def __init__(self, of_moabb):
        self.of_moabb = of_moabb

    def _epochs(self, X, y):
        events = np.c_[np.arange(len(X)) * 10000, np.zeros(len(X), int), y.astype(int)]
        info = mne.create_info(X.shape[1], SFREQ, "eeg", verbose=False)
        names = {str(code): code for code in np.unique(events[:, 2])}
        return mne.EpochsArray(
            np.asarray(X, float), info, events, event_id=names, verbose=False
        )

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.model_ = clone(self.of_moabb).fit(self._epochs(X, y), y)
        return self

    def predict(self, X):
        unknown = np.full(len(X), self.classes_[0])
        return np.array(self.model_.predict(self._epochs(X, unknown)))


def product(**values):
    """All combinations of the values, as mappings."""
    return [
        dict(zip(values, chosen, strict=True))
        for chosen in itertools.product(*values.values())
    ]


def families():
    """Settings of each family and the pipeline that they make, simplest first."""
    bank = product(half_bandwidth=[1.0, 0.5, 2.0], order=[1, 2, 4])
    return {
        "ssvep-cca": (
            product(n_harmonics=[1, 2, 3], n_filters=[1, 2, 3],
                    shrinkage=[0.05, 0.01, 0.1, 0.2]),
            lambda **s: make_pipeline(
                ReferenceCorrelations(FREQUENCIES, SFREQ, **s),
                LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
            ),
        ),
        "ssvep-ts": (
            [{**b, "C": C} for b in bank for C in (1.0, 0.1, 10.0)],
            lambda C, **b: make_pipeline(
                FilterBankCovariances(FREQUENCIES, SFREQ, **b),
                TangentSpace(),
                LogisticRegression(C=C, max_iter=1000),
            ),
        ),
        "ssvep-mdm": (
            bank,
            lambda **b: make_pipeline(
                FilterBankCovariances(FREQUENCIES, SFREQ, **b), MDM()
            ),
        ),
        "FilterBankCCA (untrained)": (
            product(n_harmonics=[1, 2, 3], n_bands=[0, 2, 3]),
            lambda n_harmonics, n_bands: FilterBankCCA(
                FREQUENCIES, SFREQ, n_harmonics, SUB_BANDS[:n_bands] or None
            ),
        ),
        "TRCA": (
            product(ensemble=[True, False], n_bands=[0, 2, 3], shrinkage=[0.0, 0.05]),
            lambda ensemble, n_bands, shrinkage: TRCA(
                SUB_BANDS[:n_bands] or None, SFREQ,
                ensemble=ensemble, shrinkage=shrinkage,
            ),
        ),
        "MOABB's SSVEP_itCCA": ([{}], lambda: OfMoabb(SSVEP_itCCA())),
        "MOABB's SSVEP_MsetCCA": ([{}], lambda: OfMoabb(SSVEP_MsetCCA())),
        "MOABB's SSVEP_eCCA": (
            product(n_harmonics=[2, 3]), lambda **s: OfMoabb(SSVEP_eCCA(**s)),
        ),
        "MOABB's SSVEP_TDCA": (
            product(n_fbands=[1, 3]), lambda **s: OfMoabb(SSVEP_TDCA(**s)),
        ),
    }  # fmt: skip


def tuning_score(pipeline, trials):
    """Mean accuracy over subjects, shuffles of the folds and folds."""
    scores = []
    for subject in TUNING_SUBJECTS:
        one = trials.select(subject=subject)
        X, y = one.X, one.y
        steps = pipeline
        if getattr(pipeline[0], "trialwise", False):
            # It learns nothing, so that once for all folds is the same.
            X, steps = pipeline[0].fit_transform(X), pipeline[1:]
        for seed in TUNING_SEEDS:
            folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y)
            for train, test in folds:
                fitted = clone(steps).fit(X[train], y[train])
                scores.append(np.mean(fitted.predict(X[test]) == y[test]))
    return np.mean(scores)


def choose(trials):
    """The best setting of each family on subjects 1 to 4, and all scores."""
    rows, chosen = [], {}
    for family, (settings, build) in families().items():
        scores = []
        for setting in settings:
            pipeline = build(**setting)
            if not hasattr(pipeline, "steps"):
                pipeline = make_pipeline(pipeline)
            scores.append(round(tuning_score(pipeline, trials), 9))
        best = int(np.argmax(scores))
        chosen[family] = settings[best]
        text = ", ".join(f"{key} {value}" for key, value in settings[best].items())
        rows.append(
            [family, len(settings), percent(scores[best]), percent(min(scores)), text]
        )
        print(*rows[-1], flush=True)
    return rows, chosen


def refuse_other_settings(chosen):
    """Exit if a shipped file holds another setting than the chosen one."""
    for name in SHIPPED:
        # The first step last: its shrinkage counts, not that of the classifier.
        steps = [step.get_params() for _, step in load_pipeline(name).steps[::-1]]
        held = {key: value for params in steps for key, value in params.items()}
        other = {k: v for k, v in chosen[name].items() if held[k] != v}
        if other:
            sys.exit(f"{name}.yml does not hold what was chosen: {other}")


def final_scores():
    """Accuracy of each subject by window and pipeline, and trials by window."""
    scores, n_trials = {}, {}
    for window, recipe in WINDOWS.items():
        trials = load("kalunga2016", range(1, 9), recipe=recipe)
        n_trials[window] = len(trials)
        results = evaluate(trials, SHIPPED, ["within-session"], seed=SEED, n_jobs=2)
        rows = results.rows
        if (rows["status"] != "ok").any():
            sys.exit(rows.loc[rows["status"] != "ok", "error"].iloc[0])
        by_subject = rows.groupby(["pipeline", "subject"])["score"].mean()
        scores.update({(window, name): by_subject[name] for name in SHIPPED})
    return scores, n_trials


def compare_with_moabb():
    """Agreement with MOABB's classes on simulated trials, and ratio of the times."""
    rng = np.random.default_rng(SEED)
    y = np.tile(["13", "17", "21"], 20)
    cycles = y.astype(float)[:, None] * np.arange(512) / SFREQ
    X = rng.standard_normal((60, 8, 512))
    X += 0.3 * rng.standard_normal(8)[:, None] * np.sin(2 * np.pi * cycles)[:, None]
    rows = []
    pairs = {
        "SSVEP_CCA": (FilterBankCCA(FREQUENCIES, SFREQ), SSVEP_CCA(n_harmonics=2)),
        "SSVEP_TRCA": (TRCA(SUB_BANDS[:1], SFREQ), SSVEP_TRCA(n_fbands=1)),
    }
    for name, (ours, theirs) in pairs.items():
        models, seconds, answers = (ours, OfMoabb(theirs)), [], []
        for model in models:
            runs = []
            for _ in range(3):
                started = time.perf_counter()
                answer = model.fit(X[:30], y[:30]).predict(X[30:])
                runs.append(time.perf_counter() - started)
            seconds.append(min(runs))
            answers.append(answer)
        rows.append(
            [name, percent(np.mean(answers[0] == answers[1])),
             percent(np.mean(answers[0] == y[30:])),
             percent(np.mean(answers[1] == y[30:])),
             f"{seconds[1] / seconds[0]:.0f}"]
        )  # fmt: skip
    return rows


def published():
    """MOABB's published row, for the note."""
    path = Path(os.environ["NEURODEC_DATA"], "published")
    table = pd.read_csv(path / "moabb_within_session_ssvep_all_classes.csv")
    names = table["Pipeline"].str.strip("`_")
    values = table.filter(like="Kalunga2016").iloc[:, 0]
    return ", ".join(f"{n} {v}" for n, v in zip(names, values, strict=True))


def as_rst(columns, rows):
    """A table for the note."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: auto", ""]
    for row in [columns, *rows]:
        lines += [f"   {'  -' if i else '* -'} {c}".rstrip() for i, c in enumerate(row)]
    return "\n".join(lines)


def main():
    """Choose, score, compare, write the page."""
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    mne.set_log_level("error")
    tuning = load("kalunga2016", TUNING_SUBJECTS)
    with threadpool_limits(1):
        tuned, chosen = choose(tuning)
    n_settings = sum(row[1] for row in tuned)
    scores, n_trials = final_scores()
    table = []
    for (window, name), one in scores.items():
        cells = [one.mean(), one.loc[1:4].mean(), one.loc[5:8].mean(), *one]
        table.append([name, window, n_trials[window], *map(percent, cells)])
    columns = ["pipeline", "window", "trials", "subjects 1-8", "1-4", "5-8"]
    columns += [str(subject) for subject in range(1, 9)]
    show(columns, table)
    with threadpool_limits(1):
        compared = compare_with_moabb()
    against = ["class", "equal answers", "ours right", "theirs right", "times faster"]
    show(against, compared)
    primary = next(iter(WINDOWS))
    named = max(SHIPPED, key=lambda name: scores[primary, name].loc[1:4].mean())
    best = scores[primary, named]
    families_tried = ["family", "settings", "best", "worst", "chosen"]
    write_table(
        "ssvep",
        "SSVEP: Kalunga2016, subjects 1 to 8",
        "Accuracy in percent for 13, 17 and 21 Hz (chance 33.3), within-session with "
        "five folds, mean over subjects; 7 to 45 Hz. ``ssvep-ts`` and ``ssvep-mdm`` "
        "have a filter bank inside: zero-phase Butterworth around each stimulus "
        "frequency, width and order below. ``ssvep-cca`` has none: its references are "
        "sine and cosine. All settings were chosen on subjects 1 to 4; subjects 5 to 8 "
        "were scored once they stood. "
        f"Named on subjects 1 to 4: ``{named}``, which scores "
        f"{percent(best.loc[5:8].mean())} on subjects 5 to 8 and "
        f"{percent(best.mean())} on all.",
        columns,
        table,
        "MOABB's published row (percent, mean and deviation over subjects): "
        f"{published()}. It is not the same task: four classes with rest (chance 25) "
        "and all twelve subjects.\n\n"
        f"{n_settings} settings were tried on subjects 1 to 4 in MOABB's window: the "
        "same folds, three shuffles, mean over subjects; the best of each family, the "
        "first of equals, is what the files hold. The stimuli do not start at one "
        "phase, so TRCA, which compares with averages of trials, stays near chance. "
        "``ssvep-cca`` was scored on subjects 5 to 8 only once its setting stood; "
        "``ssvep-ts`` had been looked at on all eight before (see the page of other "
        "recordings), its setting here was chosen anew. Before this script some 40 "
        "variants of the methods were compared by hand, on subjects 1 to 4 as well; "
        "the form of ``ssvep-cca`` comes from there.\n\n"
        f"{as_rst(families_tried, tuned)}\n\n"
        "Against MOABB's classes on simulated trials with one phase (30 for training, "
        "30 for test, 8 channels, 2 s), percent and ratio of the times on the machine "
        "of the last run. MOABB's ``SSVEP_TRCA`` has another filter; ours equals a "
        "plain loop of the paper in the tests.\n\n"
        f"{as_rst(against, compared)}",
    )
    refuse_other_settings(chosen)
    if best.mean() < TARGET:
        sys.exit(f"{named} reaches {best.mean():.3f}, below {TARGET}")


if __name__ == "__main__":
    main()

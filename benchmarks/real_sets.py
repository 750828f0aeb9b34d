"""Every other local recording, with one pipeline named beforehand per paradigm.

``ts-lr`` for imagery, ``xdawn-ts`` for evoked responses, ``ssvep-ts`` for SSVEP and
``lda-shrinkage`` for MEG, each set with the recipe of ``datasets.yaml``, on every trial
of the set. No setting was chosen on the trials of a row, save where the note says so.
Two rows more take a recipe that is chosen on the training session, by cross-validation
inside it: the recording that the registry's recipe was chosen on has 17 channels, this
set has 64.

The test, fixed before the run: a score may lie below the figure that a plain loop
reached, but not significantly. The test trials of each fold are resampled within their
class (stratified bootstrap), and ``p`` is the share of resampled means that reach the
figure, corrected for the number of rows by Holm's method: at the 5 % level, 19 rows
of exactly equal quality would else hold a "significant" one in 62 % of all runs.
Exits with an error if a corrected p is below .05; the others are printed too.

Needs NEURODEC_DATA. The figures are those of the README of that folder.
"""

import itertools
import sys

import joblib
import numpy as np
from choose_erp_settings import RECIPES
from scipy.stats import rankdata
from sklearn.model_selection import StratifiedKFold, cross_val_score
from tables import show, write_table
from threadpoolctl import threadpool_limits

from neurodec.datasets import dataset_info, load
from neurodec.decoders import load_pipeline
from neurodec.evaluation import evaluate, holm

SEED = 42
N_RESAMPLES = 2000
NAMED = {
    "imagery": "ts-lr",
    "p300": "xdawn-ts",
    "ssvep": "ssvep-ts",
    "movement": "lda-shrinkage",
}
WITHIN, CROSS = "within-session", "cross-session"
NESTED = "p300_bci2_iib"
# dataset, protocol, subject (None: mean over all), session (None: mean), figure
FIGURES = [
    ("physionet_mi", WITHIN, 1, None, 0.90),
    ("kalunga2016", WITHIN, None, None, 0.76),
    ("muse_p300", WITHIN, 1, "1", 0.78),
    ("muse_p300", WITHIN, 1, "2", 0.80),
    ("muse_p300", WITHIN, 1, "3", 0.76),
    ("muse_p300", CROSS, 1, "1", 0.78),
    ("muse_p300", CROSS, 1, "2", 0.77),
    ("muse_p300", CROSS, 1, "3", 0.74),
    ("muse_n170", WITHIN, 1, None, 0.69),
    ("muse_n170", WITHIN, 2, None, 0.59),
    ("muse_n170", WITHIN, 3, None, 0.59),  # The upper end of .52 to .59.
    ("p300_bci2_iib", CROSS, 1, "011", 0.79),
    ("p300_bci2_iib", CROSS, 1, "010", 0.87),
    ("p300_gtec", WITHIN, 1, None, 0.97),
    ("p300_gtec", WITHIN, 2, None, 0.93),
    ("p300_gtec", WITHIN, 3, None, 0.87),
    ("meg_wrist", CROSS, 1, "1test", 0.61),
]


def recipe_of_training(name, session):
    """The recipe whose trials of one session are told apart best, by five folds."""
    settings = list(itertools.product(*RECIPES.values()))
    scores = joblib.Parallel(n_jobs=2)(
        joblib.delayed(score_inside)(name, session, *setting) for setting in settings
    )
    low, high, tmax = settings[int(np.argmax(scores))]
    return {"band": [low, high], "tmin": 0.0, "tmax": tmax}


def score_inside(name, session, low, high, tmax):
    """Mean ROC-AUC of ``xdawn-ts`` over five folds of one session."""
    recipe = {"band": [low, high], "tmin": 0.0, "tmax": tmax}
    trials = load(name, recipe=recipe).select(session=session)
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    with threadpool_limits(1):
        return cross_val_score(
            load_pipeline("xdawn-ts"), trials.X, trials.y == "Target",
            cv=folds, scoring="roc_auc",
        ).mean()  # fmt: skip


def resampled_scores(kept, scoring, rng):
    """Scores of a test part whose trials were drawn again within their class."""
    labels = kept["y_true"]
    drawn = np.concatenate(
        [
            rng.choice(np.flatnonzero(labels == c), (N_RESAMPLES, np.sum(labels == c)))
            for c in sorted(set(labels))
        ],
        axis=1,
    )
    if scoring == "accuracy":
        return (labels == kept["y_pred"])[drawn].mean(axis=1)
    response = kept["response"]
    response = response[:, -1] if response.ndim == 2 else response
    # Drawn class by class, so the positive class stands last in every row.
    n_positive = np.sum(labels == max(labels))
    ranks = rankdata(response[drawn], axis=1)[:, -n_positive:].sum(axis=1)
    n_negative = len(labels) - n_positive
    return (ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def compare(results, rows, figure, rng):
    """Mean score of the rows, its 95 % interval, and the share above the figure."""
    # Equal weight for sessions, then for their folds: each row here is one subject,
    # or all subjects of a set with one session each.
    cells = rows.groupby(["subject", "session"]).ngroup().to_numpy()
    weights = 1 / np.bincount(cells)[cells] / len(set(cells))
    resampled = [
        resampled_scores(results.predictions(row.key), row.scoring, rng)
        for row in rows.itertuples()
    ]
    means = weights @ np.array(resampled)
    share = (np.sum(means >= figure) + 1) / (N_RESAMPLES + 1)
    interval = np.quantile(means, [0.025, 0.975])
    return np.sum(weights * rows["score"]), interval, share


def main():
    """Evaluate, compare, write the table."""
    rng = np.random.default_rng(SEED)
    columns = [
        *("dataset", "pipeline", "protocol", "subject", "session", "scorer", "score"),
        *(
            "95 % interval",
            "plain loop",
            "p",
            "p (Holm)",
            "adjusted chance (fold)",
            "trials",
        ),
    ]
    table, p_values, results = [], [], {}
    for name in dict.fromkeys(row[0] for row in FIGURES):
        protocols = list(dict.fromkeys(row[1] for row in FIGURES if row[0] == name))
        entry = dataset_info(name)
        pipeline = NAMED[entry["paradigm"]]
        results[name] = evaluate(
            load(name), [pipeline], protocols,
            seed=SEED, scoring=entry["scoring"], n_jobs=2,
        )  # fmt: skip
    figures = list(FIGURES)
    for trained, tested, figure in (("010", "011", 0.79), ("011", "010", 0.87)):
        recipe = recipe_of_training(NESTED, trained)
        label = "{}, {} to {} Hz, {} to {} s, chosen on {}".format(
            NESTED, *recipe["band"], recipe["tmin"], recipe["tmax"], trained
        )
        results[label] = evaluate(
            load(NESTED, recipe=recipe), ["xdawn-ts"], [CROSS],
            seed=SEED, scoring="roc_auc", n_jobs=2,
        )  # fmt: skip
        figures.append((label, CROSS, 1, tested, figure))
    for name, protocol, subject, session, figure in figures:
        rows = results[name].rows.query("protocol == @protocol")
        if subject is not None:
            rows = rows[rows["subject"] == subject]
        if session is not None:
            rows = rows[rows["session"] == session]
        score, (low, high), p = compare(results[name], rows, figure, rng)
        p_values.append(p)
        table.append(
            [name, rows["pipeline"].iloc[0], protocol, subject or "mean",
             session or "mean", rows["scoring"].iloc[0], f"{score:.3f}",
             f"{low:.3f} to {high:.3f}", f"{figure:.3g}", f"{p:.3f}",
             f"{rows['chance_level'].mean():.3f}", rows["n_test"].sum()]
        )  # fmt: skip
    corrected = holm(p_values)
    for row, p in zip(table, corrected, strict=True):
        row.insert(10, f"{p:.3f}")
    show(columns, table)
    write_table(
        "real_sets",
        "Other recordings",
        "One pipeline per paradigm, named beforehand, with the recipe of "
        "``datasets.yaml``, on every trial of the set. *plain loop* is the figure that "
        "plain pyRiemann and scikit-learn reached on the set. The interval and *p* are "
        "of 2,000 stratified bootstrap means of the test trials; *p* is the share that "
        "reaches the figure. A score is significantly below it where p, corrected by "
        "Holm's method for the rows of this table, is less than .05. Cross-session "
        "rows name the session that was left out.",
        columns,
        table,
        "What was chosen, and where: recipe and parameters of ``xdawn-ts`` on a "
        "speller recording of no row (:doc:`erp_settings`), the recipe of "
        "``meg_wrist`` on its training part (:doc:`meg_settings`), the filters of "
        "``ssvep-ts`` on subjects 1 to 4 of ``kalunga2016``, whose row holds subjects "
        "1 to 8. The recipes of ``physionet_mi`` and ``kalunga2016`` are MOABB's. The "
        "last two rows take, of the same 24 recipes, the one that is best by five "
        "folds inside the training session; they were added after the first run, "
        "whose row 010 of ``p300_bci2_iib`` (64 channels; the recipe was chosen on 17) "
        "is the one with the smallest p.\n\n"
        "An earlier version of this table had settings that were tuned while looking "
        "at these very scores; it was discarded. Whoever wrote the present grids had "
        "seen that version.",
    )
    if min(corrected) < 0.05:
        sys.exit("a score is significantly below the figure")


if __name__ == "__main__":
    main()

"""Choose the recipe of ``meg_wrist`` on its official training part alone.

Every setting of the grid gets the same 50 folds (five, shuffled ten times) of the 160
training trials; the one with the largest mean accuracy of ``lda-shrinkage`` is what
``datasets.yaml`` holds, and this script exits with an error if it holds another. The
test part is not looked at.

Needs NEURODEC_DATA.
"""

import itertools
import sys

from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from tables import show, write_table
from threadpoolctl import threadpool_limits

from neurodec.datasets import dataset_info, load
from neurodec.decoders import load_pipeline

SEED = 42
LOW = (None, 0.5)
HIGH = (4.0, 6.0, 8.0, 10.0, 15.0, 20.0)
RATES = (25.0, 50.0, 100.0)
WINDOWS = ((-0.4, 0.6), (0.0, 0.6), (-0.2, 0.6))


def main():
    """Score the grid, write the best rows, compare with what is held."""
    rows = []
    for low, high, rate, (tmin, tmax) in itertools.product(LOW, HIGH, RATES, WINDOWS):
        if rate <= 2 * high:
            continue
        recipe = {"band": [low, high], "resample": rate, "tmin": tmin, "tmax": tmax}
        trials = load("meg_wrist", recipe=recipe).select(session="0train")
        folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=10, random_state=SEED)
        with threadpool_limits(1):
            scores = cross_val_score(
                load_pipeline("lda-shrinkage"), trials.X, trials.y, cv=folds, n_jobs=2
            )
        rows.append((scores.mean(), recipe))
    rows.sort(key=lambda row: row[0], reverse=True)
    columns = ["band (Hz)", "rate (Hz)", "window (s)", "accuracy"]
    table = [
        ["{} to {}".format(*r["band"]), r["resample"], f"{r['tmin']} to {r['tmax']}",
         f"{score:.3f}"]
        for score, r in rows
    ]  # fmt: skip
    show(columns, table)
    write_table(
        "meg_settings",
        "Settings of the MEG recipe",
        f"The ten best of {len(rows)} settings, by mean accuracy of ``lda-shrinkage`` "
        "over 50 folds of the 160 training trials of ``meg_wrist``; the test part was "
        "not looked at. The first row is what ``datasets.yaml`` holds.",
        columns,
        table[:10],
    )
    best, held = rows[0][1], dataset_info("meg_wrist")["recipe"]
    if {key: held.get(key) for key in best} != best:
        sys.exit(f"chosen {best}, but datasets.yaml holds {held}")


if __name__ == "__main__":
    main()

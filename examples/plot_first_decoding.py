"""
Decode imagined movement, across sessions
=========================================

From recordings to a score to trust: motor imagery of the left and the right hand, a
tangent-space classifier, and the question whether it still works on another day.
"""

# %%
# Recordings
# ----------
# The registry's ``simulated`` set has a known truth: near both hand areas a rhythm
# loses power during imagery, more so on the side opposite to the hand. Subjects differ
# and sessions drift. :func:`neurodec.datasets.list_datasets` names the other sets.

from neurodec.datasets import load

trials = load("simulated", subjects=[1, 2, 3])
print(trials)
print(trials.metadata.groupby(["subject", "session"]).size())

# %%
# A pipeline is a scikit-learn estimator
# --------------------------------------
# ``ts-lr`` estimates the covariance matrix of each trial, maps it to the tangent space
# of these matrices, and separates the classes there by logistic regression.

from neurodec.decoders import load_pipeline

pipeline = load_pipeline("ts-lr")
pipeline

# %%
# It takes plain arrays, and works wherever scikit-learn's estimators do. Here one
# subject trains on one session and is tested on the other.

from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

one = trials.select(subject=1)
cross_val_score(
    pipeline,
    one.X,
    one.y,
    groups=one.metadata["session"],
    cv=LeaveOneGroupOut(),
    scoring="roc_auc",
)

# %%
# Scores that say what they mean
# ------------------------------
# :func:`neurodec.evaluation.evaluate` does the same for every subject and pipeline. It
# prints chance beside the score, adjusted for the number of test trials, and keeps each
# prediction. CSP with linear discriminant analysis is there for comparison.

from neurodec.evaluation import evaluate

results = evaluate(
    trials, ["csp-lda", "ts-lr"], ["within-session", "cross-session"], seed=42
)
results.summary()[["protocol", "target", "pipeline", "score", "sd", "chance_level"]]

# %%
# One dot is one subject. A new session costs some of the score, and more for one
# subject than for another.

import matplotlib.pyplot as plt

from neurodec.reporting import plot_scores

figure, axes = plt.subplots(2, 1, figsize=(7, 5), layout="constrained", sharex=True)
for protocol, ax in zip(["within-session", "cross-session"], axes, strict=True):
    plot_scores(results, protocol, ax=ax)
    ax.set_title(protocol)
plt.show()

"""
Fit a decoder, save it, apply it to another recording
=====================================================

What follows an evaluation: the pipeline is fitted on all trials, saved with its recipe
in a folder that can be read, and applied to a recording that it has never seen.
"""

# %%
# Evaluate first
# --------------
# A model is fitted on everything, so that nothing is left to score it on. Its score
# comes from an evaluation, here across sessions. The pipeline recentres each session,
# from the trials before the one to decode (``past``), and the filter is causal: both as
# in a decoder that runs live.

from neurodec.datasets import load, make_motor_imagery
from neurodec.evaluation import evaluate

trials = load("simulated", subjects=[1], recipe={"phase": "causal"})
results = evaluate(trials, ["recenter-ts-lr"], ["cross-session:past"], seed=42)
results.summary()[["protocol", "target", "pipeline", "score", "chance_level"]]

# %%
# Fit and save
# ------------
# The folder holds JSON and arrays, no pickle.

import tempfile
from pathlib import Path

from neurodec.decoders import fit_model, load_model

model = fit_model(trials, "recenter-ts-lr", seed=42, scores=results.summary())
folder = model.save(Path(tempfile.mkdtemp()) / "model")
print(model)
print(sorted(path.name for path in folder.iterdir()))

# %%
# The card says what the model was trained on and what it takes.

model = load_model(folder)
for key in ("classes", "training", "scores"):
    print(f"{key}: {model.card[key]}")

# %%
# Tomorrow's recording
# --------------------
# A third session of the same subject. The model runs its recipe and answers at each
# cue; ``time`` is the end of the window, before which there can be no answer.

raw = make_motor_imagery(n_subjects=1, n_sessions=3).recordings[1]["2"]
cues = ["left_hand", "right_hand"]
for target in ("none", "past"):
    table = model.apply(raw, event_id=cues, target=target)
    right = (table["predicted"] == table["event"]).mean()
    print(f"target {target}: {right:.0%} of the cues are right")
table.head()

# %%
# A sliding window
# ----------------
# Every quarter of a second, one window as long as a training trial. Shades are cued
# imagery, blue of the left hand and orange of the right; a window's answer stands at
# its end.

import matplotlib.pyplot as plt

sliding = model.apply(raw, step=0.25, target="past")
figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.plot(sliding["time"], sliding["probability_right_hand"], color="0.3")
colours = {"left_hand": "C0", "right_hand": "C1"}
for annotation in raw.annotations:
    start = annotation["onset"]
    stop = start + annotation["duration"]
    ax.axvspan(start, stop, color=colours[annotation["description"]], alpha=0.3, lw=0)
ax.set(xlim=(60, 120), ylim=(0, 1), xlabel="time (s)", ylabel="P(right hand)")
plt.show()

# %%
# What does not fit is refused
# ----------------------------

other = raw.copy().pick("eeg").rename_channels({"C3": "EEG C3"})
try:
    model.apply(other, step=1)
except ValueError as error:
    print(error)

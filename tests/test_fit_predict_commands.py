"""``neurodec fit`` and ``neurodec predict``, from a dataset to a table."""

import io
import json

import mne
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from neurodec.cli import app
from neurodec.datasets import load, make_motor_imagery
from neurodec.decoders import fit_model, load_model
from neurodec.evaluation import evaluate


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with a recording that the model has not seen."""
    folder = tmp_path_factory.mktemp("models")
    simulation = make_motor_imagery(n_subjects=3, n_sessions=1, n_trials=10)
    raw = simulation.recordings[3]["0"]
    raw.save(folder / "tomorrow_raw.fif", verbose=False)
    return folder


def run(*arguments):
    arguments = list(map(str, arguments))
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def fitted(workplace):
    run("fit", "--subjects", "1-2", "--pipeline", "ts-lr", "--out", workplace / "model")
    return workplace / "model"


@pytest.fixture(scope="module")
def recording(workplace):
    return mne.io.read_raw(workplace / "tomorrow_raw.fif", verbose=False)


def test_fit_is_that_of_python(fitted, recording):
    expected = fit_model(load("simulated", [1, 2]), "ts-lr").apply(recording, step=1)
    pd.testing.assert_frame_equal(load_model(fitted).apply(recording, step=1), expected)


def test_fit_says_what_it_did(workplace):
    said = run(
        *("fit", "--dataset", "simulated", "--subjects", "1", "--pipeline", "mdm"),
        *("--out", workplace / "mdm"),
    ).output
    assert "80 trials of 1 subjects, 2 sessions" in said
    assert "BSD-3-Clause" in said
    assert str(workplace / "mdm") in said
    # It was trained on all of them: there is nothing to score it on.
    assert json.loads((workplace / "mdm/card.json").read_text())["scores"] is None


@pytest.mark.parametrize("names", ["left_hand,right_hand", "1, 2"])
def test_events(fitted, workplace, recording, names):
    said = run("predict", fitted, workplace / "tomorrow_raw.fif", "--events", names)
    table = pd.read_csv(io.StringIO(said.stdout), dtype={"event": str})
    wanted = [part.strip() for part in names.split(",")]
    wanted = [int(part) if part.isdigit() else part for part in wanted]
    expected = load_model(fitted).apply(recording, event_id=wanted)
    pd.testing.assert_frame_equal(table, expected, rtol=1e-12)
    assert list(table)[:4] == ["onset", "time", "event", "predicted"]
    assert "zero-phase" in said.stderr


def test_sliding_window(fitted, workplace):
    out = workplace / "tables" / "answers.csv"
    said = run(
        *("predict", fitted, workplace / "tomorrow_raw.fif", "--window", 3),
        *("--step", 0.5, "--out", out),
    )
    table = pd.read_csv(out)
    assert f"{len(table)} rows" in said.stdout
    assert np.allclose(np.diff(table["time"]), 0.5)
    assert np.allclose(table["time"] - table["onset"], 3)
    columns = ["probability_left_hand", "probability_right_hand"]
    assert np.allclose(table[columns].sum(axis=1), 1)
    assert [path.name for path in out.parent.iterdir()] == ["answers.csv"]


def test_scores_of_a_benchmark(workplace):
    results = evaluate(load("simulated", [1, 2]), ["mdm", "csp-lda"], ["cross-session"])
    results.to_csv(workplace / "results.csv")
    run(
        *("fit", "--subjects", "1-2", "--pipeline", "mdm", "--overwrite"),
        *("--scores", workplace / "results.csv", "--out", workplace / "scored"),
    )
    (row,) = load_model(workplace / "scored").card["scores"]
    wanted = results.summary().set_index("pipeline").loc["mdm"]
    assert row["score"] == pytest.approx(wanted["score"])
    assert row["n_subjects"] == 2
    assert (row["protocol"], row["scoring"]) == ("cross-session", "roc_auc")


def test_recipe_of_ones_own(workplace):
    recipe = workplace / "recipe.yml"
    recipe.write_text("phase: causal\nresample: 100\n")
    run(
        *("fit", "--subjects", "1", "--pipeline", "ts-lr", "--recipe", recipe),
        *("--out", workplace / "causal"),
    )
    model = load_model(workplace / "causal")
    assert model.recipe.phase == "causal"
    assert model.recipe.band == (8, 32)
    assert model.sfreq == 100
    said = run(
        "predict", workplace / "causal", workplace / "tomorrow_raw.fif", "--step", 1
    )
    assert "zero-phase" not in said.stderr

"""The main job, from a command to a table, a CSV and a report."""

import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from neurodec.cli import app
from neurodec.cli.benchmark import SOME_FAILED
from neurodec.evaluation import (
    BenchmarkConfig,
    ResultStore,
    chance_level,
    run_benchmark,
)

runner = CliRunner()
SMALL = ["--subjects", "1-2", "--pipelines", "mdm,logvar-lda"]
# A pipeline that can be built, and fails when it is fitted: there is no such metric.
BROKEN = """
name: broken
paradigms: [LeftRightImagery]
citations: []
pipeline:
  - {name: Covariances, from: pyriemann.estimation, parameters: {estimator: scm}}
  - {name: CSP, from: pyriemann.spatialfilters, parameters: {nfilter: 4, metric: nope}}
  - {name: LinearDiscriminantAnalysis, from: sklearn.discriminant_analysis}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    result = runner.invoke(app, ["benchmark", *SMALL, "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out, result


def test_the_folder_holds_store_csv_and_report(finished):
    out, result = finished
    assert sorted(p.name for p in out.iterdir()) == [
        "report.html",
        "results.csv",
        "results.sqlite",
    ]
    table = pd.read_csv(out / "results.csv")
    # Two subjects, two sessions, five folds and one; two pipelines.
    assert len(table) == 2 * 2 * (5 + 1) * 2
    assert set(table["protocol"]) == {"within-session", "cross-session"}
    report = (out / "report.html").read_text()
    for text in ("mdm", "logvar-lda", "within-session", "cross-session", "simulated"):
        assert text in report
        assert text in result.output or text == "simulated"


def test_decoders_beat_the_adjusted_chance_level_on_the_simulated_set(finished):
    table = pd.read_csv(finished[0] / "results.csv")
    for _, part in table.groupby(["protocol", "pipeline"]):
        n_trials = int(part["samples_test"].sum())
        _, level, _ = chance_level("roc_auc", ["left", "right"] * (n_trials // 2))
        assert part["score"].mean() > level


def test_a_rerun_computes_only_what_is_missing(finished):
    out, _ = finished
    before = _rows(out)
    result = runner.invoke(app, ["benchmark", *SMALL, "--out", str(out)])
    assert result.exit_code == 0
    assert _rows(out) == before
    more = runner.invoke(
        app, ["benchmark", "--subjects", "1-3", *SMALL[2:], "--out", str(out)]
    )
    assert more.exit_code == 0
    after = _rows(out)
    assert after[: len(before)] == before
    assert len(after) == len(before) * 3 // 2


def _rows(out):
    with ResultStore(out / "results.sqlite") as store:
        return [(row["key"], row["score"], row["created"]) for row in store.rows()]


def test_a_yaml_file_says_the_same_as_options(finished, tmp_path):
    config = tmp_path / "benchmark.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "dataset": "simulated",
                "subjects": [1, 2],
                "pipelines": ["mdm"],
                "protocols": ["cross-session"],
                "seed": 42,
                "out": str(tmp_path / "a"),
            }
        )  # fmt: skip
    )
    assert runner.invoke(app, ["benchmark", str(config)]).exit_code == 0
    table = pd.read_csv(tmp_path / "a" / "results.csv")
    by_option = pd.read_csv(finished[0] / "results.csv")
    shared = by_option.merge(table, on="key")
    assert len(shared) == len(table) == 4
    assert (shared["score_x"] == shared["score_y"]).all()


def test_options_win_over_the_file(tmp_path):
    config = tmp_path / "benchmark.yaml"
    config.write_text("subjects: '1-4'\nseed: 1\n")
    settings = BenchmarkConfig.from_yaml(config, subjects="2", seed=None)
    assert settings.subjects == [2]
    assert settings.seed == 1


def test_a_failing_pipeline_is_shown_and_the_exit_status_says_so(tmp_path):
    broken = tmp_path / "broken.yml"
    broken.write_text(BROKEN)
    out = tmp_path / "out"
    arguments = ["--subjects", "1", "--pipelines", f"mdm,{broken}", "--out", str(out)]
    result = runner.invoke(app, ["benchmark", *arguments])
    assert result.exit_code == SOME_FAILED
    assert "failed" in result.output
    assert "nope" in result.output
    table = pd.read_csv(out / "results.csv").set_index("pipeline")
    assert (table.loc["mdm", "status"] == "ok").all()
    failed = table.drop(index="mdm")
    assert (failed["status"] == "failed").all()
    assert failed["score"].isna().all()
    assert "nope" in (out / "report.html").read_text()


@pytest.mark.parametrize(
    "arguments, pieces",
    [
        (["--dataset", "simulatd"], ["simulatd", "did you mean simulated"]),
        (["--pipelines", "ts-lrr"], ["ts-lrr", "ts-lr"]),
        (["--protocols", "cross-sesion"], ["cross-sesion", "cross-session"]),
        (["--scoring", "roc_au"], ["roc_au", "did you mean roc_auc"]),
        (["--subjects", "1-9"], ["no subject 5", "1 to 4"]),
        (["--subjects", "one"], ["one", "1-3,5"]),
        (["--jobs", "0"], ["jobs is 0", "from 1"]),
        (["--seed", "-1"], ["seed is -1", "from 0"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_refused_request_says_why_and_writes_nothing(arguments, pieces, tmp_path):
    out = tmp_path / "out"
    result = runner.invoke(app, ["benchmark", *arguments, "--out", str(out)])
    assert result.exit_code == 2
    for piece in pieces:
        assert piece in result.output
    assert not out.exists()


def test_ctrl_c_keeps_the_finished_rows_and_says_how_to_go_on(tmp_path):
    out = tmp_path / "out"
    command = "import signal; from neurodec.cli import app; "
    command += "signal.signal(signal.SIGINT, signal.default_int_handler); app()"
    run = subprocess.Popen(
        [sys.executable, "-c", command, "benchmark", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 120
    while _count(out) < 5 and time.monotonic() < deadline:
        time.sleep(0.2)
    run.send_signal(signal.SIGINT)
    output = run.communicate()[0]
    assert run.returncode == 130
    assert "run again to go on" in output
    assert 5 <= _count(out) < 288
    assert not (out / "results.csv").exists()


def _count(out):
    if not (out / "results.sqlite").exists():
        return 0
    with ResultStore(out / "results.sqlite") as store:
        return store.count()


def test_progress_counts_every_row_once(tmp_path):
    seen = []
    config = BenchmarkConfig(
        subjects=[1], pipelines=["mdm"], protocols=["within-session"],
        out=str(tmp_path),
    )  # fmt: skip
    run_benchmark(config, progress=lambda done, total, row: seen.append((done, total)))
    assert seen == [(i, 10) for i in range(11)]


def test_the_console_script_prints_what_a_bug_report_needs():
    done = subprocess.run(
        [sys.executable, "-c", "from neurodec.cli import app; app()", "sys-info"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in ("neurodec", "moabb", "pyriemann", "torch", "mne"):
        assert name in done.stdout


def test_help_tells_the_defaults_and_version_the_version():
    output = runner.invoke(app, ["benchmark", "--help"]).output
    for text in ("42", "neurodec-results", "cross-subject"):
        assert text in output
    from neurodec import __version__

    assert runner.invoke(app, ["--version"]).output.strip() == __version__

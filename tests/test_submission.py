"""Pipelines that are ready for MOABB pass; each planted fault fails its own check."""

import os
import re
import subprocess
import sys
import textwrap
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from neurodec.cli import app
from neurodec.decoders import check_submission, list_pipelines, pipeline_info
from neurodec.decoders import submission as checks
from neurodec.decoders.submission import check_files, required_distributions

SHIPPED = resources.files("neurodec") / "pipelines"
CHECKS = [
    *("format", "citations", "unique name", "parameters", "requirements"),
    *("name and MOABB", "paradigms", "clone", "fit", "side files", "deterministic"),
    *("pickles", "bad input", "benchmark"),
]
LDA = {
    "name": "LinearDiscriminantAnalysis",
    "from": "sklearn.discriminant_analysis",
    "parameters": {"solver": "lsqr", "shrinkage": "auto"},
}
VARIANCE = {"name": "LogVariance", "from": "neurodec.features"}
TS_LR = pipeline_info("ts-lr")["pipeline"]


def content(name="fresh-lda", **changes):
    return {
        "name": name,
        "paradigms": ["LeftRightImagery"],
        "citations": ["https://doi.org/10.1109/MSP.2008.4408441"],
        "pipeline": [VARIANCE, LDA],
        **changes,
    }


def with_step(name, module="poor_steps", **parameters):
    step = {"name": name, "from": module, "parameters": parameters}
    return content(f"with-{name.lower()}", pipeline=[step, LDA])


def stock(name, module, **parameters):
    step = {"name": name, "from": module, "parameters": parameters}
    return content(f"with-{name.lower()}", pipeline=[VARIANCE, step])


OWN = "requirements", "'poor_steps' belongs to no installed distribution", "give it to"
# From case to file, and the check, a piece of what it says and one of the remedy, for
# each check that fails. Nothing else fails.
PLANTED = {
    "no fault": (content(), []),
    "no citation": (content(citations=[]), [("citations", "there is none", "doi.org")]),
    "citation without address": (
        content(citations=["Barachant 2012"]),
        [("citations", "'Barachant 2012' is no address", "https://")],
    ),
    "name of MOABB": (content("MDM"), [("unique name", "one of MOABB's own", "diff")]),
    "name of ours": (
        content("ts-lr"), [("unique name", "'ts-lr' is neurodec's name", "another")]
    ),
    "content of ours": (
        content("new-idea", pipeline=TS_LR),
        [("unique name", "are those of 'ts-lr', and MOABB finds", "Use 'ts-lr'")],
    ),
    "name that is no folder": (
        content("csp/lda"), [("unique name", "cannot name a folder", "slashes")]
    ),
    "name that MOABB treats apart": (
        content("My TRCA-SSVEP 2"),
        [("name and MOABB", "'TRCA-SSVEP' in 'My TRCA", "Leave 'TRCA-SSVEP' out")],
    ),
    "value that is not plain": (
        with_step("Nameless", state=yaml.safe_load("2026-01-01")),
        [("parameters", "state holds a date, datetime.date(2026", "null"), OWN],
    ),
    "class of one's own": (with_step("Flat"), [OWN]),
    "class of another package": (
        with_step("Flat", "hypothesis.extra.numpy"),
        [("requirements", "comes with hypothesis, which neither", "moabb or neurodec")],
    ),
    "import of another package": (
        with_step("Needy"),
        [OWN, ("fit", "ModuleNotFoundError: import of pluggy", "requires that"),
         ("benchmark", "import of pluggy halted", "moabb.benchmark")],
    ),
    "unknown paradigm": (
        content(paradigms=["LeftRight"]),
        [("paradigms", "no paradigm 'LeftRight'", "LeftRightImagery")],
    ),
    "clones that differ": (
        with_step("Nameless"),
        [OWN, ("clone", "parameters differ between clones", "plain values")],
    ),
    "what MOABB does not hand over": (
        with_step("Deaf"),
        [OWN, ("fit", "ValueError: the montage is unknown", "as a parameter"),
         ("benchmark", "the montage is unknown", "moabb.benchmark")],
    ),
    "file of weights": (
        with_step("Nameless", state="weights.pkl"),
        [OWN, ("side files", "Nameless: state is 'weights.pkl'", "Keep all")],
    ),
    "file written": (
        with_step("Diary"), [OWN, ("side files", "writes /", "Keep all")]
    ),
    "file read": (
        with_step("Lookup"), [OWN, ("side files", "pyproject.toml", "Keep all")]
    ),
    "no seed": (
        stock("SGDClassifier", "sklearn.linear_model"),
        [("deterministic", "two fits on the same trials", "random_state")],
    ),
    "global generator": (
        with_step("Moody"),
        [OWN, ("deterministic", "give other answers", "random_state"),
         ("pickles", "a pickled copy gives other answers", "lambda")],
    ),
    "lambda": (with_step("Attached"), [OWN, ("pickles", "lambda", "Keep no lambda")]),
    "missing samples are guessed": (
        with_step("Hopeful"),
        [OWN, ("bad input", "fit on a missing sample (NaN) gives an", "isfinite")],
    ),
    "no list of steps": (
        content(pipeline="LDA"), [("format", "write a list of steps", "MOABB's format")]
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Findings of every planted file, by case; one process runs them all."""
    paths = {}
    for number, (case, (text, _)) in enumerate(PLANTED.items()):
        # A folder each: names must differ within one.
        paths[case] = tmp_path_factory.mktemp("pipelines") / f"case{number}.yml"
        paths[case].write_text(yaml.safe_dump(text))
    findings = check_files(paths.values(), ["CrossSubject"])
    return {
        case: [f for f in findings if f.file == path.name]
        for case, path in paths.items()
    }


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_fault_fails_its_check_alone(case, found):
    wanted = PLANTED[case][1]
    failed = [f for f in found[case] if f.status == "failed"]
    assert {f.check for f in failed} == {check for check, _, _ in wanted}, failed
    for check, text, remedy in wanted:
        (first, *_) = [f for f in failed if f.check == check]
        assert text in first.text
        assert remedy in first.remedy


def test_a_good_file_is_asked_everything(found):
    findings = found["no fault"]
    assert [f.check for f in findings] == CHECKS
    assert {f.status for f in findings} == {"passed"}
    assert not any(f.remedy for f in findings)
    assert "CrossSubject on fake noise" in findings[-1].text


def test_neighbours_in_the_folder_have_other_names_and_contents(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "_run", lambda jobs, evaluations: {})
    for file, name in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / f"{file}.yml").write_text(yaml.safe_dump(content(name)))
    (tmp_path / "d.yml").write_text("not a pipeline")

    def name_check(file):
        findings = check_files([tmp_path / f"{file}.yml"])
        return next(f for f in findings if f.check == "unique name")

    assert name_check("a").text == "'one' is that of b.yml name"
    assert "are those of 'one'" in name_check("c").text


def test_a_copy_of_a_shipped_pipeline_is_that_pipeline(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "_run", lambda jobs, evaluations: {})
    copy = tmp_path / "xdawn-ts.yml"
    copy.write_text((SHIPPED / "xdawn-ts.yml").read_text("utf-8"), "utf-8")
    assert {f.status for f in check_files([copy])} == {"passed"}


def test_a_run_that_never_ends_is_no_pass(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "_PATIENCE", 0.05)
    path = tmp_path / "mine.yml"
    path.write_text(yaml.safe_dump(content()))
    last = check_submission(path)[-1]
    assert (last.check, last.status) == ("benchmark", "failed")
    assert "TimeoutExpired" in last.text


def test_distributions_that_come_along():
    required = required_distributions()
    assert {"moabb", "neurodec", "mne", "pyriemann", "torch"} <= required
    # Extras are not asked for.
    assert {"pytest", "hypothesis", "sphinx", "optuna"}.isdisjoint(required)
    assert required_distributions(["no-such-distribution"]) == {"no-such-distribution"}


def rate_unknown(name):
    """Whether a pipeline leaves its sampling rate to neurodec."""
    steps = pipeline_info(name)["pipeline"]
    return any(step["parameters"].get("sfreq", 1) is None for step in steps)


def assert_shipped_pass(folder, evaluations):
    """As they are, but for a sampling rate that the file leaves open.

    MOABB hands over arrays, and no rate: as shipped such a file fails for that reason.
    """
    paths = []
    for name in list_pipelines():
        path = SHIPPED / f"{name}.yml"
        if rate_unknown(name):
            path = folder / path.name
            text = (SHIPPED / "needs_rate" / path.name).read_text("utf-8")
            path.write_text(re.sub(r"\bsfreq: null", "sfreq: 128", text), "utf-8")
        paths.append(path)
    findings = check_files(paths, evaluations)
    renamed = {path.name for path in paths if path.parent == folder}
    failed = [f for f in findings if f.status == "failed"]
    # The rate is what it differs by from the shipped pipeline of its name.
    assert {(f.file, f.check) for f in failed} == {(n, "unique name") for n in renamed}
    last = "benchmark" if evaluations else "bad input"
    assert [f.file for f in findings if f.check == last] == [p.name for p in paths]
    assert all(f.remedy for f in findings if f.status == "noted")


def test_shipped_pipelines_pass(tmp_path):
    # tests/test_pipelines.py runs moabb.benchmark on them.
    assert_shipped_pass(tmp_path, [])


@pytest.mark.slow
def test_shipped_pipelines_pass_all_evaluations(tmp_path):
    assert_shipped_pass(tmp_path, checks.EVALUATIONS)


# The command


def run(*arguments):
    runner = CliRunner(env={"COLUMNS": "400"})
    return runner.invoke(app, ["check-submission", *map(str, arguments)])


PAGE = Path(__file__).parents[1] / "docs" / "submit_to_moabb.rst"


def blocks(language):
    """Code blocks of the page on submissions."""
    pattern = rf"\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)"
    return [textwrap.dedent(text) for text in re.findall(pattern, PAGE.read_text())]


@pytest.fixture
def written(tmp_path):
    """The file that the page writes."""
    (text,) = blocks("yaml")
    path = tmp_path / "pipelines" / f"{yaml.safe_load(text)['name']}.yml"
    path.parent.mkdir()
    path.write_text(text)
    return path


def test_command_prints_the_checklist_of_the_page(written):
    result = run(written)
    assert result.exit_code == 0, result.output
    (console,) = blocks("console")
    command, *shown = console.rstrip().splitlines()
    assert command == f"$ neurodec check-submission pipelines/{written.name}"
    printed = result.output.rstrip().splitlines()
    for expected, actual in zip(shown, printed, strict=True):
        # Scores and seconds are left out.
        assert actual.rstrip().startswith(expected.removesuffix("..."))


@pytest.mark.slow
def test_the_page_can_be_followed(written, tmp_path):
    """Its scripts run, one after the other, and leave what it says."""
    for script in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True,
            text=True, env={**os.environ, "HOME": str(tmp_path),
                            "_MNE_FAKE_HOME_DIR": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "shrunk-csp-svm (4, 2) (4, 5)"
    data = pd.read_csv(tmp_path / "benchmark/LeftRightImagery/analysis/data.csv")
    assert data["evaluation"].unique().tolist() == ["CrossSubject"]
    assert written.with_name(f"{written.name}.lock").exists()


def test_command_names_the_failure_and_its_remedy(tmp_path):
    path = tmp_path / "[mine].yml"
    path.write_text("name: mine\n")
    result = run(path)
    assert result.exit_code == 3
    assert "[mine].yml" in result.output
    assert "  failed  format: " in result.output
    assert "lacks the key 'paradigms'" in result.output
    assert "Write it in MOABB's format." in result.output


@pytest.mark.parametrize("name", ["nowhere.yml", "mine.yaml"])
def test_command_refuses_what_is_no_file(name, tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    result = run(tmp_path / name)
    assert result.exit_code == 2
    assert name in result.output

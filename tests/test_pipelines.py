"""Named pipelines: the contract, MOABB's loader and benchmark, broken files."""

import json
import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import joblib
import numpy as np
import pytest
import yaml
from contract import CONTRACT, SFREQ, assert_same_outputs, make_easy, outputs
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline

from neurodec.decoders import list_pipelines, load_pipeline, pipeline_info

FOLDER = resources.files("neurodec") / "pipelines"
IMAGERY = sorted(
    [
        *("bandpower-lda", "coherence-lda", "cospectra-ts", "csp-lda", "fbcsp"),
        *("fgmdm", "logvar-lda", "mdm", "recenter-ts-lr", "stacked", "ts-en"),
        *("ts-lr", "ts-svm"),
    ]
)
BY_PARADIGM = {
    "LeftRightImagery": IMAGERY,
    "MotorImagery": IMAGERY,
    "P300": ["erpcov-mdm", "lda-shrinkage", "recenter-xdawn-ts", "xdawn-ts"],
    "SSVEP": ["recenter-ssvep-ts", "ssvep-cca", "ssvep-mdm", "ssvep-ts"],
}
NEEDS_RATE = {path.stem for path in Path(str(FOLDER / "needs_rate")).glob("*.yml")}
CASES = [(name, key) for key, names in BY_PARADIGM.items() for name in names]
each_case = pytest.mark.parametrize(("name", "paradigm"), CASES)


def load_at_rate(name, sfreq=SFREQ):
    """A pipeline told the trials' rate where it asks, as by the evaluator."""
    pipeline = load_pipeline(name)
    for key, value in pipeline.get_params().items():
        if key.endswith("__sfreq") and value is None:
            pipeline.set_params(**{key: sfreq})
    return pipeline


@each_case
@pytest.mark.parametrize("check", CONTRACT)
def test_contract(check, name, paradigm):
    check(load_at_rate(name), paradigm)


# Its classes differ in power, not in coupling: see test_spectra.py.
@pytest.mark.parametrize(
    ("name", "paradigm"), [case for case in CASES if case[0] != "coherence-lda"]
)
def test_decodes_easy_trials(name, paradigm):
    X, y = make_easy(paradigm, n_trials=60)
    scoring = "roc_auc" if len(set(y)) == 2 else "accuracy"
    scores = cross_val_score(load_at_rate(name), X, y, scoring=scoring, cv=3)
    assert scores.mean() > 0.9


@each_case
def test_units_do_not_matter(name, paradigm):
    X, y = make_easy(paradigm)
    pipeline = load_at_rate(name)
    expected = outputs(pipeline.fit(X, y), X)
    for scale in (1e6, 1e-8):  # microvolt; as small as a magnetic field in tesla
        actual = outputs(pipeline.fit(scale * X, y), scale * X)
        assert_same_outputs(actual, expected, rtol=1e-6)


def test_works_in_a_worker_process():
    fitted, expected = [], []
    for name, paradigm in CASES:
        X, y = make_easy(paradigm)
        fitted.append((load_at_rate(name), X, y))
        expected.append(load_at_rate(name).fit(X, y).predict(X))
    actual = joblib.Parallel(n_jobs=2)(
        joblib.delayed(_fit_predict)(*arguments) for arguments in fitted
    )
    for predicted, here in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(predicted, here)


def _fit_predict(pipeline, X, y):
    return pipeline.fit(X, y).predict(X)


# The shipped files


def test_names_by_paradigm():
    assert list_pipelines() == sorted({name for name, _ in CASES})
    for paradigm, names in BY_PARADIGM.items():
        assert list_pipelines(paradigm) == sorted(names)


@pytest.mark.parametrize("name", list_pipelines())
def test_shipped_file_describes_itself(name):
    info = pipeline_info(name)
    assert info["name"] == name
    assert info["title"] != name
    assert info["citations"]
    assert all(url.startswith("https://doi.org/10.") for url in info["citations"])
    assert load_pipeline(name) is not load_pipeline(name)


def test_folder_holds_no_python():
    # moabb.benchmark runs every .py file there and wants a PIPELINE in it.
    # It leaves lock files beside the YAML.
    files = {path for path in Path(str(FOLDER)).rglob("*") if path.is_file()}
    names = {path.name for path in files if path.suffix != ".lock"}
    assert names == {f"{name}.yml" for name in list_pipelines()}


def test_what_asks_for_a_rate_lies_apart_and_nothing_else_does():
    asking = {
        name
        for name in list_pipelines()
        for key, value in load_pipeline(name).get_params().items()
        if key.endswith("sfreq") and value is None
    }
    assert NEEDS_RATE == asking - {"stacked"}  # Its two pipelines ask for none.


@pytest.fixture
def folder(tmp_path):
    """A copy of the folder as it is, for the lock files that MOABB leaves there."""
    return shutil.copytree(FOLDER, tmp_path / "pipelines")


def test_equal_to_moabb_loader(folder):
    from moabb import paradigms
    from moabb.pipelines.utils import parse_pipelines_from_directory

    loaded = parse_pipelines_from_directory(str(folder))
    names = [name for name in list_pipelines() if name not in NEEDS_RATE]
    assert sorted(config["name"] for config in loaded) == names
    for config in loaded:
        ours = load_pipeline(config["name"])
        assert repr(config["pipeline"].get_params()) == repr(ours.get_params())
        assert config["paradigms"] == pipeline_info(config["name"])["paradigms"]
        assert all(hasattr(paradigms, paradigm) for paradigm in config["paradigms"])


BENCHMARK = """
import json, sys
from moabb import benchmark
from moabb.datasets.fake import FakeDataset

folder, out = sys.argv[1:]
events = {
    "LeftRightImagery": ["left_hand", "right_hand"],
    "MotorImagery": ["left_hand", "right_hand", "feet"],
    "P300": ["Target", "NonTarget"],
    "SSVEP": ["13", "17", "21"],
}
scores = {}
for paradigm, event_list in events.items():
    kind = "imagery" if "Imagery" in paradigm else paradigm.lower()
    dataset = FakeDataset(
        event_list=event_list, paradigm=kind, sfreq=256 if kind == "ssvep" else 128,
        n_events=30, duration=100, n_subjects=1, n_sessions=1, n_runs=1, seed=0,
    )
    frame = benchmark(
        pipelines=folder, paradigms=[paradigm], evaluations=["WithinSession"],
        include_datasets=[dataset], results=out, output=out, plot=False, n_jobs=1,
    )
    scores[paradigm] = dict(zip(frame["pipeline"], frame["score"]))
print("\\n" + json.dumps(scores))
"""


def test_moabb_benchmark_runs_the_folder_as_it_is(tmp_path, folder):
    # In a process of its own: moabb.benchmark changes MNE's logging and environment.
    home = tmp_path / "home"
    home.mkdir()
    folders = dict.fromkeys(("HOME", "_MNE_FAKE_HOME_DIR", "TMPDIR"), str(home))
    done = subprocess.run(
        [sys.executable, "-c", BENCHMARK, str(folder), str(tmp_path / "out")],
        env={**os.environ, **folders},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    scores = json.loads(done.stdout.splitlines()[-1])
    assert {key: sorted(row) for key, row in scores.items()} == {
        key: [name for name in names if name not in NEEDS_RATE]
        for key, names in BY_PARADIGM.items()
    }
    for row in scores.values():
        assert all(0 <= score <= 1 for score in row.values())


# Wrong names and broken files


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ts_lr", ["'ts_lr'", "did you mean 'ts-lr'"]),
        ("CSP-LDA", ["did you mean 'csp-lda'"]),
        ("quantum", ["check the spelling", "csp-lda, erpcov-mdm", ".yml"]),
        ("ts-lr.yml", ["no pipeline file 'ts-lr.yml'", "did you mean 'ts-lr'"]),
        ("here/mine.yaml", ["must end in .yml"]),
        (3, ["3 is no pipeline name"]),
    ],
)
def test_unknown_name(name, expected):
    for function in (load_pipeline, pipeline_info):
        with pytest.raises(ValueError) as caught:
            function(name)
        for part in expected:
            assert part in str(caught.value)


def test_unknown_paradigm():
    with pytest.raises(ValueError, match="'SSVP'; did you mean 'SSVEP'"):
        list_pipelines("SSVP")


VALID = {
    "name": "mine",
    "paradigms": ["P300"],
    "pipeline": [
        {"name": "Vectorizer", "from": "mne.decoding"},
        {"name": "SVC", "from": "sklearn.svm", "parameters": {"C": 2.0}},
    ],
}


def write(folder, content):
    path = folder / "mine.yml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def with_step(**changes):
    step = {**VALID["pipeline"][1], **changes}
    return {**VALID, "pipeline": [VALID["pipeline"][0], step]}


def test_file_of_ones_own(tmp_path):
    path = write(tmp_path, VALID)
    for given in (path, str(path)):
        pipeline = load_pipeline(given)
        assert isinstance(pipeline, Pipeline)
        assert pipeline.get_params()["svc__C"] == 2.0
    assert pipeline_info(path) == {
        "name": "mine",
        "title": "mine",
        "paradigms": ["P300"],
        "citations": [],
        "pipeline": [{**VALID["pipeline"][0], "parameters": {}}, VALID["pipeline"][1]],
    }


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("name: [", ["not valid YAML"]),
        ("!!python/object/apply:os.getcwd []", ["not valid YAML"]),
        ("name: mine\nname: yours\n", ["'name' is repeated"]),
        ("", ["holds NoneType", "name, paradigms, pipeline"]),
        ("- SVC", ["holds list"]),
        ({**VALID, "param_grid": {"svc__C": [1]}}, ["param_grid", "GridSearchCV"]),
        ({k: v for k, v in VALID.items() if k != "paradigms"}, ["lacks", "paradigms"]),
        ({**VALID, "citation": []}, ["'citation'", "did you mean 'citations'"]),
        ({**VALID, "name": 3}, ["name is 3", "write a text"]),
        ({**VALID, "paradigms": "P300"}, ["paradigms is 'P300'", "list of texts"]),
        ({**VALID, "paradigms": []}, ["paradigms is []"]),
        ({**VALID, "pipeline": {"name": "SVC"}}, ["pipeline is {", "list of steps"]),
        ({**VALID, "pipeline": []}, ["pipeline is []"]),
        ({**VALID, "pipeline": ["SVC"]}, ["step 1 is 'SVC'", "write a mapping"]),
        (with_step(params={}), ["step 2", "did you mean 'parameters'"]),
        (with_step(**{"from": None}), ["step 2", "from is None", "sklearn.svm"]),
        (with_step(name=1), ["step 2", "name is 1"]),
        (with_step(parameters=[1]), ["step 2 (SVC)", "parameters is [1]"]),
        (with_step(parameters=None), ["step 2 (SVC)", "leave the key out"]),
        (with_step(parameters={"C": "1e-3"}), ["the text '1e-3'", "1.0e-3"]),
        (with_step(parameters={"kernal": "rbf"}), ["no parameter", "'kernel'"]),
        (with_step(**{"from": "sklearn.swm"}), ["step 2 (SVC)", "'sklearn.swm'"]),
        (with_step(**{"from": ".svm"}), ["cannot import '.svm'"]),
        (with_step(name="NuSVV"), ["has no 'NuSVV'", "did you mean 'NuSVR'"]),
        (with_step(**{"name": "Path", "from": "pathlib"}), ["no scikit-learn estim"]),
        (with_step(**{"name": "system", "from": "os"}), ["no scikit-learn estimator"]),
        ({**VALID, "pipeline": VALID["pipeline"][::-1]}, ["SVC has no transform"]),
        (
            with_step(
                **{"name": "FilterBankCovariances", "from": "neurodec.features"},
                parameters={},
            ),
            ["step 2", "frequencies"],
        ),
        (
            # Covariances(**kwds) would take it, and clone would drop it.
            with_step(
                **{"name": "Covariances", "from": "pyriemann.estimation"},
                parameters={"estimater": "oas"},
            ),
            ["no parameter 'estimater'", "did you mean 'estimator'"],
        ),
    ],
)
def test_broken_file_names_fault_and_remedy(tmp_path, content, expected):
    path = write(tmp_path, content)
    with pytest.raises(ValueError) as caught:
        load_pipeline(path)
    for part in ["mine.yml", *expected]:
        assert part in str(caught.value)


def test_package_that_is_missing(tmp_path):
    path = write(tmp_path, with_step(**{"from": "no_such_package.svm"}))
    with pytest.raises(ValueError, match="its package is installed"):
        load_pipeline(path)

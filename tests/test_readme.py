"""What the README says is true."""

import re
from pathlib import Path

from neurodec.datasets import list_datasets
from neurodec.decoders import list_pipelines
from neurodec.evaluation import BenchmarkConfig, list_protocols

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_python_lines_run(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {}
    exec(code, names)
    assert names["results"].summary()["n_failed"].sum() == 0
    assert "cross-session" in capsys.readouterr().out


def test_the_box_holds_what_is_there_and_nothing_else():
    rows = dict(re.findall(r"^\| ([\w ]+) \| (.*?) \|$", README, re.MULTILINE))
    named = {kind: re.findall(r"`([^`]+)`", cell) for kind, cell in rows.items()}
    assert sorted(named["datasets"]) == list_datasets()
    assert named["protocols"] == list_protocols()
    kinds = ("motor imagery", "evoked responses", "SSVEP")
    assert sorted(sum((named[kind] for kind in kinds), [])) == list_pipelines()


def test_the_options_of_the_command_exist():
    options = re.findall(r"--(\w+) \S+", README)
    assert {"dataset", "subjects", "pipelines", "protocols", "out"} <= set(options)
    assert set(options) <= set(BenchmarkConfig.__dataclass_fields__)

"""What the README says is true."""

import re
from pathlib import Path

from typer.main import get_command

from neurodec.cli import app
from neurodec.datasets import list_datasets
from neurodec.decoders import list_pipelines
from neurodec.evaluation import list_protocols

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
    assert set(named["datasets"]) <= set(list_datasets())
    assert rows["datasets"].startswith(f"{len(list_datasets())}, such as")
    assert named["protocols"] == list_protocols()
    kinds = ("motor imagery", "evoked responses", "SSVEP")
    assert sorted(sum((named[kind] for kind in kinds), [])) == list_pipelines()


def test_the_commands_and_their_options_exist():
    lines = "".join(re.findall(r"```bash\n(.*?)```", README, re.DOTALL))
    said = set(re.findall(r"^neurodec ([\w-]+)", lines, re.MULTILINE))
    groups = get_command(app).commands
    assert said == set(groups)
    for command in said - {"datasets", "sys-info"}:
        (call,) = re.findall(rf"^neurodec {command} ((?:.*\\\n)*.*)$", lines, re.M)
        options = set(re.findall(r"--([\w-]+)", call))
        known = {o.lstrip("-") for p in groups[command].params for o in p.opts}
        assert options <= known
    assert set(groups["datasets"].commands) == {"list", "info", "fetch"}
    assert "info NAME, fetch NAME" in README

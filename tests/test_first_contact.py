"""What somebody meets first: the import, the version, the report for a bug."""

import importlib
import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import neurodec
from neurodec import _sysinfo

ROOT = Path(__file__).parents[1]
HEAVY = ["matplotlib", "mne", "moabb", "numpy", "pandas", "scipy", "sklearn", "torch"]


def _modules_after(code):
    """Names in sys.modules of a fresh interpreter that ran ``code``."""
    code += "; import json, sys; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_import_loads_no_heavy_library():
    modules = _modules_after("import neurodec")
    assert "neurodec" in modules
    assert modules.isdisjoint(HEAVY)


def test_looking_around_loads_no_submodule():
    modules = _modules_after("import neurodec; dir(neurodec); neurodec.__version__")
    assert not [name for name in modules if name.startswith("neurodec.")]


@pytest.mark.parametrize("name", neurodec.__all__)
def test_every_public_name_resolves(name):
    assert getattr(neurodec, name) is not None
    assert name in dir(neurodec)


def test_a_wrong_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="evaluations"):
        _ = neurodec.evaluations


def test_version_is_the_same_everywhere():
    assert neurodec.__version__ == metadata.version("neurodec")
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.M)
    assert cited[1] == neurodec.__version__


def test_command_line_is_installed():
    (script,) = metadata.entry_points(group="console_scripts", name="neurodec")
    module, _, attribute = script.value.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


def _report():
    lines = (line.split(":", 1) for line in neurodec.sys_info().splitlines())
    return {name: value.strip() for name, value in lines}


def test_sys_info_holds_what_a_bug_report_needs(monkeypatch, tmp_path):
    monkeypatch.setenv("NEURODEC_DATA", str(tmp_path))
    monkeypatch.setenv("MNE_DATA", str(tmp_path / "absent"))
    report = _report()
    for name in ("mne", "braindecode", "numpy", "scipy", "pyriemann", "moabb"):
        assert report[name] == metadata.version(name)
    for name in ("scikit-learn", "einops", "pooch"):
        assert report[name] == metadata.version(name)
    assert report["python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert re.fullmatch(r"[\d.]+ GiB|unknown", report["memory"])
    assert re.search(r": \d+", report["threads"])
    assert "CUDA" in report["torch"]
    assert re.search("compiled library|pure Python", report["torchaudio"])
    assert report["NEURODEC_DATA"] == str(tmp_path)
    assert report["MNE_DATA"].endswith("(no such folder)")
    assert {"platform", "processors"} <= set(report)


def test_sys_info_survives_what_it_reports(monkeypatch):
    def broken():
        raise OSError("libcudart.so: cannot open")

    monkeypatch.delenv("NEURODEC_DATA", raising=False)
    monkeypatch.setattr(_sysinfo, "_torch_details", broken)
    monkeypatch.setattr(_sysinfo, "_LIBRARIES", (*_sysinfo._LIBRARIES, "no-such-lib"))
    report = _report()
    assert "OSError: libcudart.so: cannot open" in report["torch"]
    assert report["no-such-lib"] == "not installed"
    assert report["NEURODEC_DATA"] == "not set"

"""Bad input is refused with the value and the remedy, and leaves nothing behind.

Each ``faults_*.py`` beside this file holds rows of one table, ``FAULTS``: the entry
point, what is wrong, a call that takes an empty folder, pieces of the message, and the
error's class where it is not ValueError.
"""

import importlib
import re
from pathlib import Path

import pytest

from neurodec.datasets import load

pytestmark = pytest.mark.filterwarnings("ignore:Montage name:FutureWarning")
FAULTS = [
    row
    for file in sorted(Path(__file__).parent.glob("faults_*.py"))
    for row in importlib.import_module(file.stem).FAULTS
]


def row_id(row):
    return f"{getattr(row[0], '__qualname__', row[0])}-{row[1]}"


@pytest.mark.parametrize("row", FAULTS, ids=row_id)
def test_fault_is_refused(row, tmp_path, monkeypatch):
    _, _, call, pieces, *error = row
    monkeypatch.setenv("NEURODEC_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(error[0] if error else ValueError) as caught:
        call(tmp_path)
    said = re.sub(r"\s+", " ", str(caught.value))
    for piece in pieces:
        assert piece in said


def test_a_data_folder_that_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("NEURODEC_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere.*no folder.*correct it"):
        load("p300_gtec")


def test_the_table_is_wide():
    ids = [row_id(row) for row in FAULTS]
    assert len(ids) == len(set(ids)) >= 24
    assert len({row_id(row).split("-")[0] for row in FAULTS}) >= 10

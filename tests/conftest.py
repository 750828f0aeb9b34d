"""Fixtures that several test files share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data():
    """The folder of real recordings; tests that need it are marked ``realdata``."""
    folder = os.environ.get("NEURODEC_DATA")
    if not folder:
        pytest.skip("NEURODEC_DATA is not set: no real recordings")
    return Path(folder)

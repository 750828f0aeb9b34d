"""What several test modules share: recordings, small trials, one thread."""

import os
import socket
from pathlib import Path

import mne
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from neurodec.datasets import trials_from_arrays

CH_NAMES = ["C3", "Cz", "C4"]


def pytest_runtest_setup(item):
    if item.get_closest_marker("realdata") and not os.environ.get("NEURODEC_DATA"):
        pytest.skip("NEURODEC_DATA is not set, so there are no real recordings")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """The problems are small, and with one thread sums keep their order."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def real_data():
    """The folder of real recordings; for tests marked ``realdata``."""
    return Path(os.environ["NEURODEC_DATA"])


def make_trials(n_subjects=2, n_sessions=2, n_trials=20, sfreq=64, seed=0, **kwargs):
    """Imagery-like trials: moving the left hand lowers the variance at C4.

    ``kwargs`` replace what is given to ``trials_from_arrays``.
    """
    rng = np.random.default_rng(seed)
    n = n_subjects * n_sessions * n_trials
    X = rng.standard_normal((n, len(CH_NAMES), sfreq))
    y = np.tile(["left_hand", "right_hand"], n // 2)
    X[y == "left_hand", 2] *= 0.85
    X[y == "right_hand", 0] *= 0.85
    given = dict(
        y=y,
        sfreq=sfreq,
        ch_names=CH_NAMES,
        subject=np.repeat(np.arange(1, n_subjects + 1), n // n_subjects),
        session=np.tile(
            np.repeat([str(i) for i in range(n_sessions)], n_trials), n_subjects
        ),
        name="imagery",
    )
    given.update(kwargs)
    return trials_from_arrays(X, given.pop("y"), **given)


@pytest.fixture(scope="session")
def trials():
    """Two subjects with two sessions of twenty trials; three channels at 64 Hz."""
    return make_trials()


@pytest.fixture(scope="session")
def trials_factory():
    """The function that makes such trials, for other sizes, units and origins."""
    return make_trials


def make_raw(
    ch_types=("eeg", "eeg", "eeg", "eog", "stim"), n_trials=12, sfreq=100.0, seed=0
):
    """A recording with a cue each second; event 1 and 2 in turn, annotated too."""
    rng = np.random.default_rng(seed)
    n_times = int((n_trials + 2) * sfreq)
    names = [f"{kind.upper()}{i}" for i, kind in enumerate(ch_types)]
    data = 1e-5 * rng.standard_normal((len(names), n_times))
    onsets = (np.arange(1, n_trials + 1) * sfreq).astype(int)
    codes = 1 + np.arange(n_trials) % 2
    for i, kind in enumerate(ch_types):
        if kind == "stim":
            data[i] = 0
            data[i, onsets] = codes
    info = mne.create_info(names, sfreq, list(ch_types), verbose=False)
    raw = mne.io.RawArray(data, info, verbose=False)
    cues = np.array(["rest", "left", "right"])[codes]
    return raw.set_annotations(mne.Annotations(onsets / sfreq, 0.5, cues))


@pytest.fixture(scope="session")
def raw_factory():
    """The function that makes such recordings."""
    return make_raw


@pytest.fixture
def no_network(monkeypatch):
    """Every attempt to reach the network fails, and fails the test."""
    attempts = []

    def refuse(*args, **kwargs):
        attempts.append(args[-1:])
        raise OSError("the network is off in this test")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    yield
    # Afterwards as well: a caller may have swallowed the error and tried again.
    assert not attempts

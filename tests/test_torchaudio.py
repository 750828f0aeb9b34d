"""torchaudio with and without its compiled library."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A torchaudio in miniature: the same modules and the same order of events as 2.11.
FAKE = {
    "__init__.py": "from . import _extension, functional\n",
    "_extension/__init__.py": """
from .utils import _check_cuda_version, _load_lib
_IS_TORCHAUDIO_EXT_AVAILABLE = _load_lib("_torchaudio")
if _IS_TORCHAUDIO_EXT_AVAILABLE:
    _check_cuda_version()
""",
    "_extension/utils.py": """
def _load_lib(lib):
    {load}
    return True
def _check_cuda_version():
    {check}
""",
    "functional/__init__.py": "from . import filtering\n{body}\n",
    "functional/filtering.py": """
from torchaudio._extension import _IS_TORCHAUDIO_EXT_AVAILABLE
def compiled_loop(windows, a, out): ...
def _lfilter_core_generic_loop(windows, a, out): ...
_lfilter_core_loop = (
    compiled_loop if _IS_TORCHAUDIO_EXT_AVAILABLE else _lfilter_core_generic_loop
)
""",
}


@pytest.fixture
def fake_torchaudio(tmp_path, monkeypatch):
    """Return a function that puts a fake torchaudio in the place of the real one."""
    real = {n: m for n, m in sys.modules.items() if _is_torchaudio(n)}
    monkeypatch.syspath_prepend(tmp_path)

    def install(load="pass", check="pass", body="pass"):
        for name, text in FAKE.items():
            path = tmp_path / "torchaudio" / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text.format(load=load, check=check, body=body))
        _forget_torchaudio()

    yield install
    _forget_torchaudio()
    sys.modules.update(real)


def _is_torchaudio(name):
    return name == "torchaudio" or name.startswith("torchaudio.")


def _forget_torchaudio():
    for name in filter(_is_torchaudio, list(sys.modules)):
        del sys.modules[name]


def _ensure():
    from neurodec._torchaudio import ensure_torchaudio

    return ensure_torchaudio()


def test_library_that_loads_is_left_untouched(fake_torchaudio):
    fake_torchaudio()
    assert _ensure() == _ensure() == "compiled"
    import torchaudio

    filtering = torchaudio.functional.filtering
    assert filtering._lfilter_core_loop is filtering.compiled_loop
    assert torchaudio._extension._load_lib is torchaudio._extension.utils._load_lib
    assert torchaudio._extension._load_lib("_torchaudio") is True


@pytest.mark.parametrize(
    "broken",
    [
        {"load": "raise OSError('undefined symbol')"},
        {"check": "raise RuntimeError('different CUDA versions')"},
        {"check": "raise ImportError('Failed to load libtorchaudio')"},
    ],
)
@pytest.mark.parametrize("tried_before", [False, True])
def test_library_that_does_not_load_is_done_without(
    fake_torchaudio, broken, tried_before, caplog
):
    fake_torchaudio(**broken)
    if tried_before:
        with pytest.raises((OSError, RuntimeError, ImportError)):
            import torchaudio
    with caplog.at_level(logging.INFO, "neurodec"):
        assert _ensure() == "python"
    assert "pure Python" in caplog.text
    import torchaudio

    assert torchaudio._extension._IS_TORCHAUDIO_EXT_AVAILABLE is False
    # the loader is itself again, and the package whole
    assert torchaudio._extension._load_lib is torchaudio._extension.utils._load_lib
    assert torchaudio._extension._load_lib.__name__ == "_load_lib"
    loop = torchaudio.functional.filtering._lfilter_core_loop
    assert _ensure() == "python"
    assert torchaudio.functional.filtering._lfilter_core_loop is loop


def test_other_failures_are_reported_with_the_remedy(fake_torchaudio):
    fake_torchaudio(body="raise ValueError('bad file')")
    with pytest.raises(ImportError, match=r"ValueError: bad file.*pip install"):
        _ensure()


def test_failure_of_the_fallback_is_reported(fake_torchaudio):
    fake_torchaudio(
        load="raise OSError('undefined symbol')", body="raise ValueError('bad file')"
    )
    with pytest.raises(ImportError, match=r"ValueError: bad file.*pip install"):
        _ensure()
    from torchaudio._extension.utils import _load_lib

    with pytest.raises(OSError, match="undefined symbol"):
        _load_lib("_torchaudio")


@pytest.mark.parametrize("name", ["torchaudio", "braindecode"])
def test_missing_package_is_named(name, fake_torchaudio, monkeypatch):
    from neurodec._torchaudio import import_braindecode

    fake_torchaudio()
    # None in sys.modules is how Python marks a module as not there
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"pip install {name}"):
        import_braindecode()


# The real thing, in a fresh interpreter. The first import fails with most pairs of
# torch and torchaudio: what it leaves half-imported must not matter afterwards.
REAL = """
import json, warnings
warnings.simplefilter("ignore")
try:
    import braindecode
except (OSError, RuntimeError):
    pass
from neurodec._torchaudio import ensure_torchaudio, import_braindecode
braindecode = import_braindecode()
kind = ensure_torchaudio()

import numpy as np, torch, torchaudio
from braindecode.models import EEGSimpleConv, FBCNet
from scipy import signal
from torchaudio import functional
from torchaudio.transforms import Resample

rng = np.random.default_rng(0)
x, kernel = rng.standard_normal((2, 3, 400)), rng.standard_normal((2, 3, 31))
b, a = signal.butter(3, 0.3)
tensors = [torch.as_tensor(array) for array in (x, a, b)]

# scipy's polyphase filter with torchaudio's window: squared cosine, six zero crossings
up, down, width, rolloff = 4, 5, 6, 0.99
time = np.arange(-20 * up, 20 * up + 1) / up
cutoff = rolloff * up / down
window = np.cos(np.clip(cutoff * time / width, -1, 1) * np.pi / 2) ** 2
fir = cutoff * np.sinc(cutoff * time) * window / up

def forward_backward(x):
    return signal.lfilter(b, a, signal.lfilter(b, a, x)[..., ::-1])[..., ::-1]

def error(tensor, array):
    return float(abs(tensor.numpy() - array).max())

errors = dict(
    lfilter=error(
        functional.lfilter(*tensors, clamp=False), signal.lfilter(b, a, x)
    ),
    filtfilt=error(functional.filtfilt(*tensors, clamp=False), forward_backward(x)),
    fftconvolve=error(
        functional.fftconvolve(tensors[0], torch.as_tensor(kernel)),
        signal.fftconvolve(x, kernel, axes=-1),
    ),
    Resample=error(
        Resample(down, up, rolloff=rolloff, dtype=torch.float64)(tensors[0]),
        signal.resample_poly(x, up, down, axis=-1, window=fir),
    ),
)
short = [tensor.clone().requires_grad_() for tensor in tensors]
short[0] = torch.as_tensor(x[:1, :1, :12]).requires_grad_()
gradient = torch.autograd.gradcheck(
    lambda *args: functional.lfilter(*args, clamp=False), short
)
signals = dict(n_chans=4, n_outputs=2, n_times=500, sfreq=100)
batch = torch.zeros(3, 4, 500)
shapes = [list(net(**signals)(batch).shape) for net in (EEGSimpleConv, FBCNet)]
print(json.dumps(dict(
    kind=kind, available=torchaudio._extension._IS_TORCHAUDIO_EXT_AVAILABLE,
    errors=errors, gradient=gradient, shapes=shapes,
    loader=torchaudio._extension.utils.__name__,
)))
"""


@pytest.fixture(scope="module")
def real():
    done = subprocess.run(
        [sys.executable, "-c", REAL],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_braindecode_imports_and_its_networks_run(real):
    assert real["kind"] == ("compiled" if real["available"] else "python")
    assert real["shapes"] == [[3, 2], [3, 2]]
    assert real["loader"] == "torchaudio._extension.utils"


@pytest.mark.parametrize("name", ["lfilter", "filtfilt", "fftconvolve", "Resample"])
def test_numbers_are_those_of_scipy(real, name):
    assert real["errors"][name] < 1e-10


def test_gradient_of_lfilter(real):
    assert real["gradient"] is True

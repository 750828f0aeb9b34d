"""What a bug report needs to know about the machine and the libraries."""

import importlib
import os
import platform
from importlib import metadata

_LIBRARIES = (
    "neurodec",
    "mne",
    "braindecode",
    "torch",
    "torchaudio",
    "numpy",
    "scipy",
    "pyriemann",
    "moabb",
    "scikit-learn",
    "einops",
    "pooch",
)


def sys_info():
    """Describe the system, for bug reports.

    Nothing is sent anywhere. A library that is missing or broken is reported in its
    line, never raised. torch and torchaudio are imported, which takes seconds.

    Returns
    -------
    report : str
        One ``name: value`` per line: platform, Python, processors, memory, threads of
        the linear algebra libraries, versions, and the folder of recordings.

    Examples
    --------
    >>> import neurodec
    >>> print(neurodec.sys_info())  # doctest: +ELLIPSIS
    platform:     ...
    python:       ...
    """
    lines = {
        "platform": platform.platform(),
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "processors": f"{os.cpu_count()}, of which {_usable_cpus()} usable here",
        "memory": _memory(),
    }
    versions = {name: _version(name) for name in _LIBRARIES}
    # The libraries must be loaded before their threads can be counted.
    versions["torch"] += _attempt(_torch_details)
    versions["torchaudio"] += _attempt(_torchaudio_details)
    lines["threads"] = _attempt(_threads)
    lines.update(versions)
    for name in ("NEURODEC_DATA", "MNE_DATA"):
        lines[name] = _folder(os.environ.get(name))
    return "\n".join(f"{name + ':':<14} {value}" for name, value in lines.items())


def _attempt(function):
    try:
        return function()
    except Exception as error:
        return f" ({type(error).__name__}: {error})"


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _usable_cpus():
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _memory():
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return "unknown"
    return f"{size / 2**30:.1f} GiB"


def _threads():
    from threadpoolctl import threadpool_info

    importlib.import_module("scipy.linalg")
    pools = [
        f"{pool['internal_api']} {pool.get('version') or ''}".strip()
        + f": {pool['num_threads']}"
        for pool in threadpool_info()
    ]
    return ", ".join(pools) or "no pool found"


def _torch_details():
    torch = importlib.import_module("torch")
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU"
    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else "no"
    return f" (built for {build}; CUDA available: {cuda})"


def _torchaudio_details():
    from neurodec._torchaudio import ensure_torchaudio

    kind = ensure_torchaudio()
    return " (compiled library)" if kind == "compiled" else " (pure Python fallback)"


def _folder(path):
    if not path:
        return "not set"
    return path if os.path.isdir(path) else f"{path} (no such folder)"

"""Keys of results: everything that can change a number, and nothing else."""

import functools
import hashlib
import importlib.metadata
import inspect
import json
import sys
import sysconfig
import types
from pathlib import Path, PurePath

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.gaussian_process.kernels import Kernel
from sklearn.metrics._scorer import _BaseScorer
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit

# Raise it when a change of neurodec's own code changes scores.
ALGORITHM = 1
# The libraries that compute; major and minor are part of the key.
COMPUTING_LIBRARIES = ("mne", "moabb", "numpy", "pyriemann", "scikit-learn", "scipy")
# Parameters that change how an estimator computes, never what.
_IDLE = ("memory", "n_jobs", "verbose")


def digest(value):
    """SHA-256 of plain values, independent of the order of mappings."""
    text = json.dumps(value, sort_keys=True, default=_refuse)
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value):
    """An estimator, with its parameters all the way down, as plain values.

    Parameters
    ----------
    value : object
        Estimator, array, function, number, string or container of these.

    Returns
    -------
    plain : object
        Equal for two estimators that compute the same, whatever their ``repr``.

    Raises
    ------
    ValueError
        If a parameter has no lasting identity (a lambda, an open generator).

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> canonical(SVC(C=2.0)) == canonical(SVC(C=2))
    True
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int) and abs(value) > 2**53:  # Floats skip numbers there.
        return ["integer", str(value)]
    if isinstance(value, int | float | np.integer | np.floating):
        return float(value)
    if isinstance(value, BaseEstimator):
        parameters = value.get_params(deep=False).items()
        return {
            "class": _qualified(type(value)),
            "parameters": {k: canonical(v) for k, v in parameters if k not in _IDLE},
        }
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, dict):
        pairs = [[canonical(k), canonical(v)] for k, v in value.items()]
        return ["mapping", sorted(pairs, key=json.dumps)]
    if isinstance(value, list | tuple):
        return [canonical(v) for v in value]
    if isinstance(value, slice):
        return ["slice", *map(canonical, (value.start, value.stop, value.step))]
    if isinstance(value, PurePath):
        return ["path", str(value)]
    if isinstance(value, functools.partial):
        return ["partial", *map(canonical, (value.func, value.args, value.keywords))]
    if isinstance(value, type | types.FunctionType | np.ufunc):
        return _qualified(value)
    if isinstance(value, types.BuiltinFunctionType) and inspect.ismodule(
        value.__self__
    ):
        return _qualified(value)
    if isinstance(value, BaseCrossValidator | BaseShuffleSplit | _BaseScorer | Kernel):
        return [_qualified(type(value)), canonical(vars(value))]
    raise ValueError(
        f"parameter {value!r} ({type(value).__name__}) has no lasting identity, so its "
        "result could not be told from another; use a named function, a number, an "
        "array or an estimator."
    )


def _array(value):
    if value.dtype == object:  # Its bytes are addresses.
        return ["array", list(value.shape), canonical(value.tolist())]
    content = hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()
    return ["array", str(value.dtype), list(value.shape), content]


def library_versions(names=COMPUTING_LIBRARIES):
    """Exact versions, for provenance."""
    return {name: importlib.metadata.version(name) for name in names}


def library_series():
    """Major and minor versions of the libraries that compute, for keys."""
    return {name: _series(name) for name in COMPUTING_LIBRARIES}


def _qualified(value):
    """Name of a class or function, and which code stands behind it."""
    qualified = getattr(value, "__qualname__", value.__name__)
    if "<lambda>" in qualified:
        raise ValueError(
            f"{value!r} has no lasting identity; define the function with def at the "
            "top of a module."
        )
    module = getattr(value, "__module__", None) or "numpy"  # A ufunc names none.
    package = module.partition(".")[0]
    name = f"{module}.{qualified}"
    if package in ("builtins", "neurodec"):  # ALGORITHM stands for our own code.
        return [name]
    file = getattr(sys.modules.get(module), "__file__", None)
    if module != "__main__" and (file is None or _is_installed(file)):
        series = [f"{d} {_series(d)}" for d in _distributions().get(package, [])]
        return [name, *series]
    return [name, *_users_own(value, package), _held(value)]


def _users_own(value, package):
    """Hashes of the user's own source: helpers beside the class count as well."""
    modules = [m for name, m in sys.modules.items() if name.split(".")[0] == package]
    files = {getattr(m, "__file__", None) for m in modules} - {None}
    hashes = [hashlib.sha256(Path(f).read_bytes()).hexdigest() for f in sorted(files)]
    # What was typed at a prompt has no source.
    return [*hashes, digest(_compiled(value))] if package == "__main__" else hashes


def _held(value):
    """What a function holds besides its code: defaults and enclosed variables."""
    if not isinstance(value, types.FunctionType):
        return None
    cells = [cell.cell_contents for cell in value.__closure__ or ()]
    return [canonical(v) for v in (value.__defaults__, value.__kwdefaults__, cells)]


def _is_installed(file):
    paths = (sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib"))
    return any(Path(file).is_relative_to(path) for path in paths)


def _compiled(value):
    """The byte code of a function, or of a class's own methods and constants."""
    if hasattr(value, "__code__"):
        code = value.__code__
        inner = [c.co_code.hex() for c in code.co_consts if inspect.iscode(c)]
        plain = [repr(c) for c in code.co_consts if not inspect.iscode(c)]
        return [code.co_code.hex(), list(code.co_names), plain, inner]
    members = {k: v for k, v in vars(value).items() if not k.startswith("__")}
    methods = [_compiled(v) for v in members.values() if hasattr(v, "__code__")]
    constants = [
        f"{k}={v!r}"
        for k, v in members.items()
        if isinstance(v, int | float | str | tuple)
    ]
    return [methods, constants]


@functools.cache
def _distributions():
    return importlib.metadata.packages_distributions()


@functools.cache
def _series(distribution):
    return ".".join(importlib.metadata.version(distribution).split(".")[:2])


def _refuse(value):
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is not a plain value")

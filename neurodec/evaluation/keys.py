"""Keys of results: everything that can change a number, and nothing else."""

import functools
import hashlib
import importlib.metadata
import inspect
import json
import types

import numpy as np
from sklearn.base import BaseEstimator

# Raise it when a change of neurodec's own code changes scores.
ALGORITHM = 1
# The libraries that compute; major and minor are part of the key.
COMPUTING_LIBRARIES = ("mne", "moabb", "numpy", "pyriemann", "scikit-learn", "scipy")


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
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | np.number):
        return float(value)
    if isinstance(value, BaseEstimator):
        parameters = value.get_params(deep=False)
        return {
            "class": _qualified(type(value)),
            "parameters": {k: canonical(v) for k, v in sorted(parameters.items())},
        }
    if isinstance(value, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()
        return ["array", str(value.dtype), list(value.shape), content]
    if isinstance(value, dict):
        return {str(k): canonical(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(v) for v in value]
    if isinstance(value, functools.partial):
        return [
            "partial",
            canonical(value.func),
            canonical([value.args, value.keywords]),
        ]
    if isinstance(
        value, type | types.FunctionType | types.BuiltinFunctionType | np.ufunc
    ):
        return _qualified(value)
    raise ValueError(
        f"parameter {value!r} ({type(value).__name__}) has no lasting identity, so its "
        "result could not be told from another; use a named function, a number, an "
        "array or an estimator."
    )


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
    return [f"{value.__module__}.{qualified}", *_code(value)]


def _code(value):
    """Series of the installed library that defines it, else a hash of its source."""
    package = str(value.__module__).partition(".")[0]
    if package in ("builtins", "neurodec"):  # ALGORITHM stands for our own code.
        return []
    distributions = _distributions().get(package)
    if distributions:
        return [f"{distributions[0]} {_series(distributions[0])}"]
    sources = []
    for part in getattr(value, "__mro__", [value]):
        if str(part.__module__).partition(".")[0] == package:
            try:
                sources.append(inspect.getsource(part))
            except (OSError, TypeError):  # Typed at a prompt: no source is kept.
                sources.append(_compiled(part))
    return [digest(sources)]


def _compiled(value):
    """The byte code of a function, or of a class's own methods."""
    if hasattr(value, "__code__"):
        code = value.__code__
        inner = [c.co_code.hex() for c in code.co_consts if inspect.iscode(c)]
        plain = [repr(c) for c in code.co_consts if not inspect.iscode(c)]
        return [code.co_code.hex(), list(code.co_names), plain, inner]
    return [_compiled(v) for v in vars(value).values() if hasattr(v, "__code__")]


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

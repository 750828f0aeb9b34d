"""Fitted estimators to plain JSON values and arrays."""

import functools
import math
import types

import mne
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from ._trust import is_helper, name_of_class, name_of_function

SEQUENCES = {"tuple": tuple, "set": set, "frozenset": frozenset}
TYPES = {"bool": bool, "int": int, "float": float, "str": str}
VERSION_KEY = "_sklearn_version"  # In the state of scikit-learn's own estimators.
_PLAIN = (bool, int, str)
_ARRAY_KINDS = "biufcSUMm"
# Kind and bytes of the scalars that a Python number holds without loss.
_EXACT_SCALARS = (("f", 2), ("f", 4), ("f", 8), ("c", 8), ("c", 16))


class Writer:
    """Writes one tree; ``arrays`` fills as it goes."""

    def __init__(self, trusted, prefix):
        self.trusted, self.prefix, self.arrays = trusted, prefix, {}
        self._numbers, self._open, self._names = {}, set(), {}
        self._kept = []  # Objects live until the end, so that ids stay theirs.

    def write(self, value, where):
        if value is None or type(value) in _PLAIN:
            return value
        if type(value) is float:
            if math.isfinite(value):
                return value
            return {"kind": "float", "value": repr(value)}
        if id(value) in self._open:
            raise ValueError(
                f"{where} holds itself ({type(value).__name__}); such an estimator "
                "cannot be written."
            )
        self._open.add(id(value))
        try:
            return self._write(value, where)
        finally:
            self._open.discard(id(value))

    def _write(self, value, where):
        if type(value) in (np.ndarray, np.memmap):
            return self._array(value, where)
        if type(value) is np.ma.MaskedArray:
            parts = (value.data, np.ma.getmaskarray(value), value.fill_value)
            return {"kind": "masked", "items": self._items(parts, where)}
        if isinstance(value, np.generic):
            return self._scalar(value, where)
        if isinstance(value, BaseEstimator):
            return self._estimator(value, where)
        if type(value) is list:
            return self._items(value, where)
        if type(value) in SEQUENCES.values():
            kind = type(value).__name__
            # Texts of a set come in another order in each process.
            values = value if kind == "tuple" else sorted(value, key=repr)
            return {"kind": kind, "items": self._items(values, where)}
        if type(value) in (dict, Bunch):
            return self._mapping(value, where)
        if isinstance(value, (type, np.dtype)):
            return self._type(value, where)
        if isinstance(value, (np.random.RandomState, np.random.Generator)):
            return self._generator(value, where)
        if isinstance(value, functools.partial):
            parts = (value.func, list(value.args), dict(value.keywords))
            return {"kind": "partial", "items": self._items(parts, where)}
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, np.ufunc)):
            name = name_of_function(value, where, self.trusted)
            return {"kind": "function", "name": name}
        if type(value) in (slice, range):
            parts = (value.start, value.stop, value.step)
            kind = type(value).__name__
            return {"kind": kind, "items": self._items(parts, where)}
        if type(value) is complex:
            parts = (value.real, value.imag)
            return {"kind": "complex", "items": self._items(parts, where)}
        if isinstance(value, mne.Info):
            return {"kind": "info", "value": self.write(value.to_json_dict(), where)}
        if is_helper(type(value)):
            return self._helper(value, where)
        raise ValueError(
            f"{where} is a {type(value).__module__}.{type(value).__qualname__}, which "
            "a model folder cannot hold: it holds numbers, text, arrays, estimators "
            f"and named functions, never a pickle. {_remedy(value)}"
        )

    def _items(self, values, where):
        return [self.write(v, f"{where}[{i}]") for i, v in enumerate(values)]

    def _mapping(self, value, where):
        pairs = [
            [self.write(k, f"key of {where}"), self.write(v, f"{where}[{k!r}]")]
            for k, v in value.items()
        ]
        return {"kind": type(value).__name__.lower(), "items": pairs}

    def _array(self, array, where):
        if array.dtype == object:
            items = self._items(list(array.ravel()), where)
            return {"kind": "objects", "shape": list(array.shape), "items": items}
        if array.dtype.kind not in _ARRAY_KINDS or array.dtype.names:
            raise ValueError(
                f"{where} is an array of {array.dtype}, which a model folder cannot "
                "hold; use an estimator that keeps plain numbers or texts."
            )
        # Products of matrices round by memory order, so that is kept as well.
        order = list(range(array.ndim))
        if not array.flags.c_contiguous:
            order = sorted(order, key=lambda axis: -abs(array.strides[axis]))
        if id(array) not in self._names:
            self._names[id(array)] = f"{self.prefix}a{len(self.arrays)}"
            self._kept.append(array)
            name = self._names[id(array)]
            self.arrays[name] = np.array(array.transpose(order), order="C")
        node = {
            "kind": "array",
            "name": self._names[id(array)],
            "shape": list(array.shape),
            "dtype": array.dtype.str,
        }
        return node if order == sorted(order) else {**node, "order": order}

    def _scalar(self, value, where):
        kind, size = value.dtype.kind, value.dtype.itemsize
        if kind in "biuU" or (kind, size) in _EXACT_SCALARS:
            plain = self.write(value.item(), where)
            return {"kind": "scalar", "dtype": value.dtype.str, "value": plain}
        return self._array(np.asarray(value), where) | {"scalar": True}

    def _type(self, value, where):
        if isinstance(value, np.dtype) and value.kind in _ARRAY_KINDS:
            return {"kind": "dtype", "name": value.str}
        if isinstance(value, type) and issubclass(value, np.generic):
            return {"kind": "type", "name": np.dtype(value).str}
        if value in TYPES.values():
            return {"kind": "type", "name": value.__name__}
        raise ValueError(
            f"{where} is the class {value!r}; a model folder holds estimators, not "
            "classes: give an instance."
        )

    def _generator(self, value, where):
        legacy = isinstance(value, np.random.RandomState)
        state = value.get_state(legacy=False) if legacy else value.bit_generator.state
        kind = "RandomState" if legacy else "Generator"
        return {"kind": kind, "state": self.write(state, f"state of {where}")}

    def _estimator(self, estimator, where):
        if id(estimator) in self._numbers:
            return {"kind": "same", "as": self._numbers[id(estimator)]}
        name = name_of_class(type(estimator), where, self.trusted)
        parameters = estimator.get_params(deep=False)
        # Where a pipeline kept its cache says nothing elsewhere, and reads pickles.
        parameters = {k: v for k, v in parameters.items() if k != "memory"}
        state = estimator.__getstate__()
        if not isinstance(state, dict):
            raise ValueError(
                f"{where} ({name}) gives its state as {type(state).__name__}; its "
                "__getstate__ must return a dictionary of attributes."
            )
        left_out = {*parameters, "memory", VERSION_KEY}
        fitted = {k: v for k, v in state.items() if k not in left_out}
        node = {
            "kind": "estimator",
            "class": name,
            "parameters": self._attributes(parameters, where),
            "fitted": self._attributes(fitted, where),
        }
        node["number"] = self._numbers[id(estimator)] = len(self._numbers)
        self._kept.append(estimator)
        return node

    def _helper(self, value, where):
        name = name_of_class(type(value), where, self.trusted)
        return {
            "kind": "helper",
            "class": name,
            "fitted": self._attributes(vars(value), where),
        }

    def _attributes(self, values, where):
        return {name: self.write(v, f"{where}.{name}") for name, v in values.items()}


def _remedy(value):
    """What to do about the usual ones."""
    module = type(value).__module__
    if module.startswith("sklearn.neighbors"):
        return "Set algorithm='brute'."
    if module.startswith(("sklearn.tree", "sklearn._loss", "sklearn.ensemble")):
        return (
            "Trees and boosting keep compiled parts; use a linear model, a support "
            "vector machine or a Riemannian classifier."
        )
    if module.startswith("scipy.sparse"):
        return "Train on dense arrays."
    if module.startswith(("sklearn.metrics", "sklearn.model_selection")):
        return "After a search, fit and save its best_estimator_ alone."
    return "Use another estimator, or a setting that does without it."

"""Fitted estimators from plain JSON values and arrays."""

import functools
import inspect
import reprlib

import mne
import numpy as np
import sklearn
from sklearn.utils import Bunch

from ._state_writer import SEQUENCES, TYPES, VERSION_KEY
from ._trust import find_class, find_function, is_helper

_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


class Reader:
    """Reads one tree."""

    def __init__(self, arrays, trusted):
        self.arrays, self.trusted, self._numbered = arrays, trusted, {}

    def read(self, node, where):
        if node is None or isinstance(node, (bool, int, float, str)):
            return node
        if isinstance(node, list):
            return self._items(node, where)
        kind = node.get("kind") if isinstance(node, dict) else None
        read = getattr(self, f"_read_{kind}", None) if isinstance(kind, str) else None
        if read is None:
            raise ValueError(
                f"{where} is {reprlib.repr(node)}, which is nothing that neurodec "
                "writes; the folder is damaged or newer: update neurodec, or save "
                "again."
            )
        try:
            return read(node, where)
        except (AttributeError, KeyError, IndexError, TypeError) as error:
            raise ValueError(
                f"{where} ({kind}) cannot be rebuilt ({type(error).__name__}: "
                f"{error}); install the versions that the card names, or save again."
            ) from error

    def _items(self, nodes, where):
        return [self.read(node, f"{where}[{i}]") for i, node in enumerate(nodes)]

    def _read_float(self, node, where):
        return float(node["value"])

    def _read_array(self, node, where):
        name, shape = node["name"], tuple(node["shape"])
        if name not in self.arrays:
            raise ValueError(
                f"{where}: arrays.npz holds no array {name!r}; the folder is "
                "incomplete, copy or save it again."
            )
        array = self.arrays[name]
        order = node.get("order", range(array.ndim))
        if sorted(order) == list(range(array.ndim)):
            array = array.transpose(np.argsort(order)) if array.ndim else array
        if array.shape != shape or array.dtype.str != node["dtype"]:
            raise ValueError(
                f"{where} should be {node['dtype']} of shape {shape}, but arrays.npz "
                f"holds {array.dtype.str} of shape {array.shape}; the files are of two "
                "models, copy or save the folder again."
            )
        return array[()] if node.get("scalar") else array

    def _read_masked(self, node, where):
        data, mask, fill_value = self._items(node["items"], where)
        return np.ma.MaskedArray(data, mask, fill_value=fill_value)

    def _read_objects(self, node, where):
        array = np.empty(tuple(node["shape"]), object)
        items = self._items(node["items"], where)
        if array.size != len(items):
            raise ValueError(
                f"{where} should have shape {array.shape} but holds {len(items)} "
                "values; save the folder again."
            )
        for i, item in enumerate(items):
            array.flat[i] = item
        return array

    def _read_scalar(self, node, where):
        return np.dtype(node["dtype"]).type(self.read(node["value"], where))

    def _read_tuple(self, node, where):
        return SEQUENCES[node["kind"]](self._items(node["items"], where))

    _read_set = _read_frozenset = _read_tuple

    def _read_dict(self, node, where):
        return {
            self.read(key, f"key of {where}"): self.read(value, f"{where}[{key!r}]")
            for key, value in node["items"]
        }

    def _read_bunch(self, node, where):
        return Bunch(**self._read_dict(node, where))

    def _read_dtype(self, node, where):
        return np.dtype(node["name"])

    def _read_type(self, node, where):
        return TYPES.get(node["name"]) or np.dtype(node["name"]).type

    def _read_slice(self, node, where):
        return slice(*self._items(node["items"], where))

    def _read_range(self, node, where):
        return range(*self._items(node["items"], where))

    def _read_complex(self, node, where):
        return complex(*self._items(node["items"], where))

    def _read_info(self, node, where):
        return mne.Info.from_json_dict(self.read(node["value"], where))

    def _read_function(self, node, where):
        return find_function(node["name"], where, self.trusted)

    def _read_partial(self, node, where):
        function, args, keywords = self._items(node["items"], where)
        if not callable(function):
            raise ValueError(f"{where} wraps {function!r}, no function; save again.")
        return functools.partial(function, *args, **keywords)

    def _read_RandomState(self, node, where):
        state = self.read(node["state"], where)
        generator = np.random.RandomState(_bit_generator(state, where))
        generator.set_state(state)
        return generator

    def _read_Generator(self, node, where):
        state = self.read(node["state"], where)
        bits = _bit_generator(state, where)
        bits.state = state
        return np.random.Generator(bits)

    def _read_same(self, node, where):
        return self._numbered[node["as"]]

    def _read_estimator(self, node, where):
        cls = find_class(node["class"], where, self.trusted)
        parameters = self._attributes(node["parameters"], where)
        _check_parameters(cls, parameters, where)
        estimator = cls(**parameters)
        state = self._attributes(node["fitted"], where)
        if cls.__module__.startswith("sklearn."):
            # Versions were compared when the card was read.
            state[VERSION_KEY] = sklearn.__version__
        # MNE's own want their parameters as well.
        estimator.__setstate__({**parameters, **state})
        self._numbered[node["number"]] = estimator
        return estimator

    def _read_helper(self, node, where):
        cls = find_class(node["class"], where, self.trusted)
        if not is_helper(cls):
            raise ValueError(f"{where}: {node['class']} is an estimator; save again.")
        helper = cls.__new__(cls)
        vars(helper).update(self._attributes(node["fitted"], where))
        return helper

    def _attributes(self, nodes, where):
        for name in nodes:
            if name.startswith("__") or not name.isidentifier():
                raise ValueError(
                    f"{where} has an attribute {name!r}, which no estimator has; the "
                    "folder is damaged: fit and save again."
                )
        return {name: self.read(v, f"{where}.{name}") for name, v in nodes.items()}


def _check_parameters(cls, parameters, where):
    known = inspect.signature(cls).parameters
    unknown = [name for name in parameters if name not in known]
    if unknown or parameters.get("memory") is not None:
        name = unknown[0] if unknown else "memory"
        raise ValueError(
            f"{where}: {cls.__name__} takes no parameter {name!r} here; install the "
            "versions that the card names, or fit again."
        )


def _bit_generator(state, where):
    name = state["bit_generator"]
    if name not in _GENERATORS:
        raise ValueError(
            f"{where}: no generator {name!r}; there are {', '.join(_GENERATORS)}: set "
            "random_state to a number and fit again."
        )
    return getattr(np.random, name)(0)

"""Which classes and functions a model folder may name, and how they are found.

A folder that came from elsewhere must not decide what runs here. So only estimators of
these packages are built, and only functions of these numerical modules are taken.
"""

import builtins
import importlib
import inspect
import sys

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.gaussian_process.kernels import Kernel
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit

ESTIMATORS = ("neurodec", "sklearn", "pyriemann", "mne.decoding", "moabb.pipelines")
# Narrower, because a function runs with arguments that the folder may hold.
FUNCTIONS = (
    "mne.decoding",
    "neurodec.features",
    "neurodec.preprocessing",
    "neurodec.spd",
    "pyriemann.geometry",
    "pyriemann.utils",
    "sklearn.feature_selection",
    "sklearn.metrics",
)
_BUILTINS = ("abs", "max", "min", "sum")
# Not estimators, but kept by them; nothing of theirs runs before predict.
_HELPERS = (
    "mne.decoding.transformer._ConstantScaler",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.metrics._scorer._Scorer",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
)


def check_trusted(trusted):
    """Names of further packages as a tuple.

    Raises
    ------
    ValueError
        If it is no list of names.
    """
    named = isinstance(trusted, (list, tuple, set, frozenset))
    if not named or not all(isinstance(t, str) and t.strip(".") for t in trusted):
        raise ValueError(
            f"trusted is {trusted!r}; give a list of package names, such as "
            "['mypackage']."
        )
    return tuple(trusted)


def is_under(module, packages):
    """Whether a module is one of these packages or lies in one."""
    return any(module == p or module.startswith(p + ".") for p in packages)


def is_helper(cls):
    """Whether a class is no estimator but may be kept by one."""
    name = f"{cls.__module__}.{cls.__qualname__}"
    return name in _HELPERS or (
        is_under(cls.__module__, ("sklearn",))
        and issubclass(cls, (Kernel, BaseCrossValidator, BaseShuffleSplit))
    )


def name_of_class(cls, where, trusted):
    """The name under which a class is found again.

    Raises
    ------
    ValueError
        If it is not to be trusted, or cannot be found by a name.
    """
    module, name = cls.__module__, cls.__qualname__
    if not is_under(module, ESTIMATORS + trusted):
        remedy = (
            "put it into a module of a package and give that package in trusted"
            if module == "__main__"
            else f"give trusted=[{module.partition('.')[0]!r}] to save and load_model"
        )
        raise ValueError(
            f"{where} is a {module}.{name}, outside of {', '.join(ESTIMATORS)}; if it "
            f"is code of yours that will be installed where the model runs, {remedy}."
        )
    found = getattr(sys.modules.get(module), name, None)
    if found is not cls:
        raise ValueError(
            f"{where} is a {module}.{name}, which cannot be found by that name; define "
            "the class at the top of its module."
        )
    return f"{_public_module(cls, ESTIMATORS + trusted)}.{name}"


def _public_module(cls, packages):
    """The shortest module that has the class: private ones move between versions."""
    parts = cls.__module__.split(".")
    for end in range(1, len(parts)):
        prefix = ".".join(parts[:end])
        if is_under(prefix, packages):
            if getattr(sys.modules.get(prefix), cls.__name__, None) is cls:
                return prefix
    return cls.__module__


def find_class(name, where, trusted):
    """The class of a name, if it is an estimator, or kept by one, and trusted.

    Raises
    ------
    ValueError
        Naming the rule it breaks and the remedy.
    """
    module, cls = _find(name, where, "class", ESTIMATORS + trusted)
    known = inspect.isclass(cls) and (issubclass(cls, BaseEstimator) or is_helper(cls))
    if not known or not is_under(cls.__module__, ESTIMATORS + trusted):
        raise ValueError(
            f"{where}: {name} is no estimator of {module}, so it is not built; the "
            "folder was not written by neurodec, or is damaged: fit and save again."
        )
    return cls


def name_of_function(function, where, trusted):
    """The name under which a function is found again.

    Raises
    ------
    ValueError
        If it is not among the functions that a folder may name.
    """
    name = getattr(function, "__qualname__", getattr(function, "__name__", "?"))
    if isinstance(function, np.ufunc) and getattr(np, name, None) is function:
        return f"numpy.{name}"
    module = getattr(function, "__module__", None) or "?"
    if module == "builtins" and name in _BUILTINS:
        return f"builtins.{name}"
    found = getattr(sys.modules.get(module), name, None)
    if found is not function or not is_under(module, FUNCTIONS + trusted):
        raise ValueError(
            f"{where} is the function {module}.{name}; a model folder may only name "
            f"functions of {', '.join(FUNCTIONS)}, and of packages given in trusted: "
            "define it at the top of a module of yours and give that."
        )
    return f"{module}.{name}"


def find_function(name, where, trusted):
    """The function of a name, if a folder may name it.

    Raises
    ------
    ValueError
        Naming the rule it breaks and the remedy.
    """
    if name in [f"builtins.{known}" for known in _BUILTINS]:
        return getattr(builtins, name.partition(".")[2])
    if isinstance(name, str) and name.startswith("numpy."):
        found = getattr(np, name.partition(".")[2], None)
        if isinstance(found, np.ufunc):
            return found
    module, found = _find(name, where, "function", FUNCTIONS + trusted)
    if not inspect.isfunction(found) or not is_under(
        found.__module__, FUNCTIONS + trusted
    ):
        raise ValueError(
            f"{where}: {name} is no function of {module}; the folder was not written "
            "by neurodec, or is damaged: fit and save again."
        )
    return found


def _find(name, where, what, packages):
    if not isinstance(name, str):
        raise ValueError(f"{where}: {name!r} is no name of a {what}; save again.")
    module, _, attribute = name.rpartition(".")
    if not is_under(module, packages):
        raise ValueError(
            f"{where}: the {what} {name} is outside of {', '.join(packages)}; if you "
            f"trust its code, load with trusted=[{name.partition('.')[0]!r}]."
        )
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except Exception as error:  # An import runs code, which can fail in any way.
        raise ValueError(
            f"{where}: cannot import {module} ({type(error).__name__}: {error}); "
            "install its package in the version that the card names."
        ) from error
    if found is None:
        raise ValueError(
            f"{where}: {module} has no {what} {attribute}; install the versions that "
            "the card names, or fit again."
        )
    return module, found

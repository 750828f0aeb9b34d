"""Steps of a pipeline file: checked, imported and built."""

import importlib
import inspect

from sklearn.base import BaseEstimator

from .._names import nearest

_STEP_KEYS = ("name", "from", "parameters")


def check_step(label, step):
    """Refuse a step that is not written in MOABB's format.

    Parameters
    ----------
    label : str
        File and number of the step, for messages.
    step : object
        As read from the file.

    Raises
    ------
    ValueError
        Naming the key, its value and the remedy.
    """
    if not isinstance(step, dict):
        raise ValueError(
            f"{label} is {step!r}; write a mapping with name (the class) and from (its "
            "module)."
        )
    for key in step:
        if key not in _STEP_KEYS:
            raise ValueError(
                f"{label}: unknown key {key!r}; {nearest(key, _STEP_KEYS, quote=True)}"
            )
    for key in ("name", "from"):
        if not isinstance(step.get(key), str):
            raise ValueError(
                f"{label}: {key} is {step.get(key)!r}; write the "
                f"{'class' if key == 'name' else 'module'} name, as in 'name: SVC' and "
                "'from: sklearn.svm'."
            )
    parameters = step.get("parameters", {})
    if not isinstance(parameters, dict):
        raise ValueError(
            f"{label} ({step['name']}): parameters is {parameters!r}; write a mapping, "
            "as in 'metric: riemann', or leave the key out."
        )
    for key, value in parameters.items():
        _refuse_number_as_text(f"{label} ({step['name']})", key, value)


def _refuse_number_as_text(label, key, value):
    """Catch ``1e-3``, which YAML 1.1 reads as text for want of a point."""
    if not isinstance(value, str):
        return
    try:
        number = float(value)
    except ValueError:
        return
    raise ValueError(
        f"{label}: {key} is the text {value!r}, not a number; write {number!r} without "
        "quotes, and 1.0e-3 for 1e-3."
    )


def build_step(label, step):
    """The estimator of a step.

    Parameters
    ----------
    label : str
        File and number of the step, for messages.
    step : dict
        ``name``, ``from`` and ``parameters``, checked.

    Returns
    -------
    estimator : sklearn.base.BaseEstimator

    Raises
    ------
    ValueError
        If the class cannot be imported, is no estimator, or refuses its parameters.
    """
    cls = _import_class(label, step["from"], step["name"])
    parameters = step["parameters"]
    _check_parameters(label, cls, parameters)
    try:
        return cls(**parameters)
    except Exception as error:
        raise ValueError(
            f"{label}: {cls.__name__}(**{parameters}) failed with "
            f"{type(error).__name__}: {error}"
        ) from error


def _import_class(label, module_name, class_name):
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        # An import runs code, which can fail in any way; also ".x" and "" get here.
        raise ValueError(
            f"{label}: cannot import {module_name!r} ({type(error).__name__}: "
            f"{error}); check 'from', and that its package is installed."
        ) from error
    cls = getattr(module, class_name, None)
    if cls is None:
        public = [name for name in dir(module) if not name.startswith("_")]
        raise ValueError(
            f"{label}: {module_name!r} has no {class_name!r}; "
            f"{nearest(class_name, public, quote=True)}"
        )
    if not (inspect.isclass(cls) and issubclass(cls, BaseEstimator)):
        raise ValueError(
            f"{label}: {module_name}.{class_name} is no scikit-learn estimator; a step "
            "is a class derived from sklearn.base.BaseEstimator."
        )
    return cls


def _check_parameters(label, cls, parameters):
    # Parameters that only a **kwds takes are refused too: clone would drop them.
    signature = inspect.signature(cls).parameters.values()
    known = [p.name for p in signature if p.kind is not p.VAR_KEYWORD]
    for key in parameters:
        if key not in known:
            raise ValueError(
                f"{label}: {cls.__name__} has no parameter {key!r}; "
                f"{nearest(key, known, quote=True)}"
            )

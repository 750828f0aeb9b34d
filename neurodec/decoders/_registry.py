"""Named pipelines: one YAML file each, in MOABB's format."""

import difflib
import importlib
import inspect
from importlib import resources
from pathlib import Path

import yaml
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline

_REQUIRED = ("name", "paradigms", "pipeline")
_OPTIONAL = ("title", "citations")
_STEP_KEYS = ("name", "from", "parameters")


def list_pipelines(paradigm=None):
    """Names of the shipped pipelines.

    Parameters
    ----------
    paradigm : str or None, default=None
        Only those for this MOABB paradigm: ``"LeftRightImagery"``, ``"MotorImagery"``,
        ``"P300"`` or ``"SSVEP"``.

    Returns
    -------
    names : list of str
        In alphabetical order.

    Raises
    ------
    ValueError
        If no shipped pipeline is for that paradigm.

    Examples
    --------
    >>> from neurodec.decoders import list_pipelines
    >>> list_pipelines("SSVEP")
    ['ssvep-ts']
    """
    names = sorted(_shipped())
    if paradigm is None:
        return names
    paradigms = {name: pipeline_info(name)["paradigms"] for name in names}
    known = sorted(set().union(*paradigms.values()))
    if paradigm not in known:
        raise ValueError(
            f"no pipeline is for the paradigm {paradigm!r}; {_nearest(paradigm, known)}"
        )
    return [name for name in names if paradigm in paradigms[name]]


def pipeline_info(name):
    """What a pipeline's file says.

    Parameters
    ----------
    name : str or pathlib.Path
        Name of a shipped pipeline, or path of a YAML file that ends in ``.yml``.

    Returns
    -------
    info : dict
        ``name``, ``title`` (str), ``paradigms``, ``citations`` (list of str) and
        ``pipeline``: a list of steps, each a dict of ``name``, ``from`` and
        ``parameters``.

    Raises
    ------
    ValueError
        If there is no such pipeline, or its file is not in MOABB's format.

    Examples
    --------
    >>> from neurodec.decoders import pipeline_info
    >>> [step["name"] for step in pipeline_info("mdm")["pipeline"]]
    ['Covariances', 'MDM']
    """
    path = _find(name)
    content = _read(path)
    _check_keys(path.name, content)
    steps = [
        {
            "name": step["name"],
            "from": step["from"],
            "parameters": dict(step.get("parameters", {})),
        }
        for step in content["pipeline"]
    ]
    return {
        "name": content["name"],
        "title": content.get("title", content["name"]),
        "paradigms": list(content["paradigms"]),
        "citations": list(content.get("citations") or []),
        "pipeline": steps,
    }


def load_pipeline(name):
    """Build a pipeline from its file.

    Steps are named as by `sklearn.pipeline.make_pipeline`, as MOABB names them.

    Parameters
    ----------
    name : str or pathlib.Path
        Name of a shipped pipeline (see `list_pipelines`), or path of a YAML file that
        ends in ``.yml``. Classes named in a file are imported: read only files that you
        trust as you trust code.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        Not fitted; a new one at each call.

    Raises
    ------
    ValueError
        If there is no such pipeline, its file is not in MOABB's format, or a step
        cannot be imported or built.

    Examples
    --------
    >>> from neurodec.decoders import load_pipeline
    >>> list(load_pipeline("ts-lr").named_steps)
    ['covariances', 'tangentspace', 'logisticregression']
    """
    label = _find(name).name
    steps = [
        _build(f"{label}, step {number} ({step['name']})", step)
        for number, step in enumerate(pipeline_info(name)["pipeline"], 1)
    ]
    for step in steps[:-1]:
        if not hasattr(step, "transform"):
            raise ValueError(
                f"{label}: {type(step).__name__} has no transform and is not the last "
                "step; put the classifier last."
            )
    return make_pipeline(*steps)


def _shipped():
    """Path of each shipped pipeline by its name."""
    folder = resources.files("neurodec") / "pipelines"
    return {path.stem: path for path in Path(str(folder)).glob("*.yml")}


def _find(name):
    if not isinstance(name, (str, Path)):
        raise ValueError(
            f"{name!r} is no pipeline name; give a str or the path of a .yml file."
        )
    path = Path(name).expanduser()
    if path.suffix == ".yml":
        if not path.is_file():
            raise ValueError(
                f"there is no pipeline file {str(name)!r}; check the path, or name a "
                f"shipped pipeline: {_nearest(path.stem, _shipped())}"
            )
        return path
    shipped = _shipped()
    if name not in shipped:
        raise ValueError(
            f"there is no pipeline {str(name)!r}; {_nearest(name, shipped)} A file of "
            "your own must end in .yml."
        )
    return shipped[name]


def _meant(word, known):
    by_lower = {key.lower(): key for key in known}
    near = difflib.get_close_matches(str(word).lower(), by_lower, n=3, cutoff=0.5)
    near = " or ".join(repr(by_lower[key]) for key in near)
    return f"did you mean {near}?" if near else "check the spelling."


def _nearest(word, known):
    return f"{_meant(word, known)} There are: {', '.join(sorted(known)) or 'none'}."


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a repeated key, of which YAML would keep the last."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = [str(key) for i, key in enumerate(keys) if key in keys[:i]]
        if repeated:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {repeated[0]!r} is repeated", node.start_mark
            )
        return super().construct_mapping(node, deep)


def _read(path):
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=_UniqueKeyLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(
            f"{path.name} holds {type(content).__name__}, not the keys "
            f"{', '.join(_REQUIRED)}; see a shipped pipeline for an example."
        )
    return content


def _check_keys(label, content):
    missing = [key for key in _REQUIRED if key not in content]
    if missing:
        raise ValueError(
            f"{label} lacks the key {missing[0]!r}; it needs {', '.join(_REQUIRED)}."
        )
    if "param_grid" in content:
        raise ValueError(
            f"{label} has a param_grid, which load_pipeline would ignore: write the "
            "chosen values under parameters, or search with sklearn's GridSearchCV."
        )
    known = _REQUIRED + _OPTIONAL
    for key in content:
        if key not in known:
            raise ValueError(f"{label}: unknown key {key!r}; {_nearest(key, known)}")
    for key in ("name", "title"):
        value = content.get(key, "-")
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{label}: {key} is {value!r}; write a text.")
    for key in ("paradigms", "citations"):
        texts = content.get(key) or []
        listed = isinstance(texts, list) and all(isinstance(t, str) for t in texts)
        if not listed or (key == "paradigms" and not texts):
            raise ValueError(f"{label}: {key} is {texts!r}; write a list of texts.")
    steps = content["pipeline"]
    if not isinstance(steps, list) or not steps:
        raise ValueError(
            f"{label}: pipeline is {steps!r}; write a list of steps, each with name "
            "and from."
        )
    for number, step in enumerate(steps, 1):
        _check_step(f"{label}, step {number}", step)


def _check_step(label, step):
    if not isinstance(step, dict):
        raise ValueError(
            f"{label} is {step!r}; write a mapping with name (the class) and from (its "
            "module)."
        )
    for key in step:
        if key not in _STEP_KEYS:
            raise ValueError(
                f"{label}: unknown key {key!r}; {_nearest(key, _STEP_KEYS)}"
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


def _build(label, step):
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
            f"{_meant(class_name, public)}"
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
                f"{_nearest(key, known)}"
            )

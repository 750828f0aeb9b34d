"""Named pipelines: one YAML file each, in MOABB's format."""

from importlib import resources
from pathlib import Path

from sklearn.pipeline import make_pipeline

from .._names import nearest
from .._yaml import read_mapping
from ._steps import build_step, check_step

_REQUIRED = ("name", "paradigms", "pipeline")
_OPTIONAL = ("title", "citations")


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
    >>> "ssvep-ts" in list_pipelines("SSVEP")
    True
    """
    names = sorted(_shipped())
    if paradigm is None:
        return names
    paradigms = {name: pipeline_info(name)["paradigms"] for name in names}
    known = sorted(set().union(*paradigms.values()))
    if paradigm not in known:
        raise ValueError(
            f"no pipeline is for the paradigm {paradigm!r}; "
            f"{nearest(paradigm, known, quote=True)}"
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
    content = read_mapping(path, _REQUIRED)
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
        build_step(f"{label}, step {number} ({step['name']})", step)
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
    # MOABB runs the folder itself; those below it need a rate that MOABB does not tell.
    return {path.stem: path for path in Path(str(folder)).rglob("*.yml")}


def _find(name):
    if not isinstance(name, (str, Path)):
        raise ValueError(
            f"{name!r} is no pipeline name; give a str or the path of a .yml file."
        )
    try:
        path = Path(name).expanduser()
    except RuntimeError as error:
        raise ValueError(
            f"there is no pipeline {str(name)!r}: {error} Write the whole path."
        ) from error
    if path.suffix == ".yml":
        if not path.is_file():
            raise ValueError(
                f"there is no pipeline file {str(name)!r}; check the path, or name a "
                f"shipped pipeline: {nearest(path.stem, _shipped(), quote=True)}"
            )
        return path
    shipped = _shipped()
    if name not in shipped:
        raise ValueError(
            f"there is no pipeline {str(name)!r}; {nearest(name, shipped, quote=True)} "
            "A file of your own must end in .yml."
        )
    return shipped[name]


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
            raise ValueError(
                f"{label}: unknown key {key!r}; {nearest(key, known, quote=True)}"
            )
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
        check_step(f"{label}, step {number}", step)

"""What MOABB's maintainers would ask of a pipeline file, asked before they must."""

import json
import os
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ._registry import list_pipelines, pipeline_info

PASSED, NOTED, FAILED = "passed", "noted", "failed"
EVALUATIONS = ("WithinSession", "CrossSession", "CrossSubject")
# In MOABB's pipelines folder and on its results pages; MOABB installs none of them.
PUBLISHED = (
    *("ACM+TS+SVM", "AUG Tang SVM Grid", "Braindecode_ShallowFBCSPNET", "CSP + LDA"),
    *("CSP + SVM", "CSP + SVM Grid", "CSP+LDA", "CSP+SVM", "DeepConvNet"),
    *("DLCSPauto + shLDA", "DLCSPauto + shLDA Grid", "DLCSPauto+shLDA", "EEGITNet"),
    *("EEGNeX", "EEGNet_8_2", "EEGTCNet", "EN Grid", "ERPCov(svd_n=4)+MDM"),
    *("ERPCov+MDM", "ERPCovariances + MDM", "FBCSP + optSVM", "FgMDM"),
    *("FilterBank+SVM", "Keras_EEGITNet", "Log Variance LDA", "Log Variance SVM"),
    *("Log Variance SVM grid", "LogVariance+LDA", "LogVariance+SVM", "MDM"),
    *("MDM-SSVEP", "MsetCCA-SSVEP", "SSVEP CCA", "SSVEP Tangent Space LR"),
    *("SSVEP Tangent Space SVM", "SSVEP_CCA", "SSVEP_MDM", "SSVEP_MsetCCA"),
    *("SSVEP_TRCA", "SSVEP_TS+LR", "SSVEP_TS+SVM", "ShallowConvNet", "TDCA-SSVEP"),
    *("TRCA-R-SSVEP", "TRCA-SSVEP", "TRCSP + LDA", "TRCSP+LDA", "TS+EL", "TS+LR"),
    *("TS+SVM", "Tangent Space LR", "Tangent Space SVM", "Tangent Space SVM Grid"),
    *("XDAWN+LDA", "XDAWNCov+MDM", "XDAWNCov+TS+SVM", "XdawnCovariances + MDM"),
    *("XdawnCovariances + TangentSpace + SVM", "braindecode_EEGInception"),
    *("eCCA-SSVEP", "itCCA-SSVEP", "xDAWN + LDA"),
)
_SIDE_FILES = re.compile(
    r"\.(pkl|pickle|joblib|npz?y?|mat|h5|hdf5|pth?|ckpt|onnx|safetensors|csv|json)$",
    re.IGNORECASE,
)
_ALLOWED = ("moabb", "neurodec")
_PATIENCE = 1800  # Seconds for all files; deep pipelines train in MOABB's folds.


class Finding(NamedTuple):
    """One line of the checklist.

    Attributes
    ----------
    file : str
        Name of the pipeline file.
    check : str
        What was asked.
    status : {"passed", "noted", "failed"}
        A note is for the reader to judge, and fails nothing.
    text : str
        What was looked at, and found.
    remedy : str
        What to do; empty if there is nothing to do.
    """

    file: str
    check: str
    status: str
    text: str
    remedy: str = ""


def check_submission(path):
    """Ask of a pipeline file what MOABB's maintainers would ask.

    The file is read; then a process of its own, which can import only what ``moabb``
    and ``neurodec`` require, builds the pipeline, fits it on MOABB's fake recordings
    and runs ``moabb.benchmark`` with it. No data is downloaded. Classes named in the
    file are imported and run: check only files that you trust as you trust code.

    Parameters
    ----------
    path : str, pathlib.Path or list of them
        Files that end in ``.yml``.

    Returns
    -------
    findings : list of Finding
        In the order of the checks: format, citations, unique name, parameters,
        requirements, name and MOABB, paradigms, clone, fit, side files, deterministic,
        pickles, bad input, benchmark. Those that come after a failed format or fit, or
        need it, are left out.

    Raises
    ------
    ValueError
        If there is no such file, or its name does not end in ``.yml``.

    Examples
    --------
    >>> findings = check_submission("mine.yml")  # doctest: +SKIP
    >>> [finding.remedy for finding in findings if finding.status == "failed"]
    ... # doctest: +SKIP
    []
    """
    return check_files([path] if isinstance(path, (str, Path)) else path)


def check_files(paths, evaluations=EVALUATIONS):
    """Findings of files, with some of MOABB's evaluations or none; see above."""
    paths = [_check_path(path) for path in paths]
    before = {path: _read(path) for path in paths}
    jobs = [
        {"path": str(path.resolve()), "stranger": _strangers(path)}
        for path in paths
        if before[path][0].status == PASSED
    ]
    ran = _run(jobs, list(evaluations)) if jobs else {}
    return [
        Finding(path.name, *finding[1:])
        for path in paths
        for finding in [*before[path], *ran.get(str(path.resolve()), [])]
    ]


def _check_path(path):
    path = Path(path).expanduser()
    if path.suffix != ".yml":
        raise ValueError(f"{str(path)!r} does not end in .yml; MOABB reads no other.")
    if not path.is_file():
        raise ValueError(f"there is no pipeline file {str(path)!r}; check the path.")
    return path


# What the file says


def _read(path):
    """Findings from the file alone; the first says whether it could be read."""
    try:
        info = pipeline_info(path)
    except ValueError as error:
        return [
            Finding("", "format", FAILED, str(error), "Write it in MOABB's format.")
        ]
    names = ", ".join(step["name"] for step in info["pipeline"])
    return [
        Finding("", "format", PASSED, f"{len(info['pipeline'])} steps: {names}"),
        _citations(info["citations"]),
        _unique_name(path, info),
        _parameters(info["pipeline"]),
        _requirements(path),
    ]


def _citations(citations):
    wrong = [url for url in citations if not re.match(r"https?://\S+\.\S+/\S+$", url)]
    if not citations or wrong:
        text = f"{wrong[0]!r} is no address" if wrong else "there is none"
        remedy = "List the paper of each method, as in https://doi.org/10.1109/..."
        return Finding("", "citations", FAILED, text, remedy)
    return Finding("", "citations", PASSED, ", ".join(citations))


def _unique_name(path, info):
    """MOABB tells pipelines apart by name, and their results by content."""
    check, name = "unique name", info["name"]
    if re.search(r"[/\\\x00-\x1f]", name) or name != name.strip():
        text = f"{name!r} cannot name a folder, in which MOABB keeps fitted models"
        return Finding("", check, FAILED, text, "Leave out slashes and control signs.")
    others = [(other, "neurodec's") for other in list_pipelines()]
    others += [(p, f"that of {p.name}") for p in sorted(path.parent.glob("*.yml"))]
    for other, whose in others:
        found = _same(path, info, other)
        if found:
            return Finding("", check, FAILED, *(t.format(whose=whose) for t in found))
    if name in PUBLISHED:
        text = f"{name!r} is the name of one of MOABB's own"
        return Finding("", check, FAILED, text, "Say in the name what differs.")
    alike = sorted({p for p in PUBLISHED if _letters(p) == _letters(name)})
    if alike:
        theirs = " or ".join(map(repr, alike))
        text = f"{name!r} differs from MOABB's {theirs} by spelling only"
        remedy = "Say in the pull request what is new; MOABB needs no method twice."
        return Finding("", check, NOTED, text, remedy)
    return Finding("", check, PASSED, f"{name!r}")


def _same(path, info, other):
    """Text and remedy, if another pipeline has the name or the content of this one."""
    ours = not isinstance(other, Path)
    if not ours and other.resolve() == path.resolve():
        return None
    try:
        theirs = pipeline_info(other)
    except ValueError:  # Somebody else's broken file.
        return None
    equal = theirs["pipeline"] == info["pipeline"]
    if theirs["name"] == info["name"]:
        if equal and ours:  # A copy of a pipeline of ours is that pipeline.
            return None
        return f"{info['name']!r} is {{whose}} name", "Choose another name."
    shared = set(theirs["paradigms"]) & set(info["paradigms"])
    if equal and shared:
        return (
            f"steps and parameters are those of {theirs['name']!r}, and MOABB finds "
            "results by them: one would get the scores of the other",
            f"Use {theirs['name']!r}, or change what should differ.",
        )
    return None


def _letters(name):
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _parameters(steps):
    for step in steps:
        for key, value in step["parameters"].items():
            odd = _odd_value(value)
            if odd is not None:
                text = f"{step['name']}: {key} holds a {type(odd).__name__}, {odd!r}"
                remedy = "Write numbers, texts, true, false, null, or lists of them."
                return Finding("", "parameters", FAILED, text, remedy)
    count = sum(len(step["parameters"]) for step in steps)
    return Finding("", "parameters", PASSED, f"{count} given, all plain values")


def _odd_value(value):
    """A value that is not plain, or None."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        return next((odd for odd in map(_odd_value, value) if odd is not None), None)
    return None if value is None or isinstance(value, (str, int, float)) else value


def named_files(path):
    """Parameters of a pipeline file that name a file, as "Step: key is 'value'"."""
    return [
        f"{step['name']}: {key} is {value!r}"
        for step in pipeline_info(path)["pipeline"]
        for key, value in step["parameters"].items()
        if isinstance(value, str)
        and (_SIDE_FILES.search(value) or ("/" in value and Path(value).exists()))
    ]


# What must be installed


def required_distributions(names=_ALLOWED):
    """Distributions that come along when some are installed without extras.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    found : set of str
        Canonical names, with those of `names`.

    Examples
    --------
    >>> {"numpy", "scikit-learn", "pyriemann"} <= required_distributions(["moabb"])
    True
    """
    found, queue = set(), [(name, ()) for name in names]
    seen = set()
    while queue:
        name, extras = queue.pop()
        key = canonicalize_name(name), tuple(sorted(extras))
        if key in seen:
            continue
        seen.add(key)
        found.add(key[0])
        try:
            requires = metadata.requires(name) or ()
        except metadata.PackageNotFoundError:  # Such as for another system.
            continue
        for requirement in map(Requirement, requires):
            marker = requirement.marker
            if marker is None or any(
                marker.evaluate({"extra": extra}) for extra in ("", *extras)
            ):
                queue.append((requirement.name, tuple(requirement.extras)))
    return found


def _strangers(path):
    """From module to where it comes from, for steps that are not in the closure."""
    required, packages = required_distributions(), metadata.packages_distributions()
    found = {}
    for step in pipeline_info(path)["pipeline"]:
        top = step["from"].partition(".")[0]
        owners = packages.get(top, [])
        # An editable install lists no files of its own.
        known = top in _ALLOWED or top in sys.stdlib_module_names
        if not known and not {canonicalize_name(owner) for owner in owners} & required:
            found[top] = owners
    return found


def _requirements(path):
    strangers = _strangers(path)
    if strangers:
        top, owners = next(iter(strangers.items()))
        if owners:
            text = f"{top!r} comes with {owners[0]}, which neither of them requires"
        else:
            text = f"{top!r} belongs to no installed distribution"
        remedy = "Use a class of what moabb or neurodec requires, or give it to one."
        return Finding("", "requirements", FAILED, text, remedy)
    modules = sorted({s["from"] for s in pipeline_info(path)["pipeline"]})
    ours = any(module.partition(".")[0] == "neurodec" for module in modules)
    text = f"{', '.join(modules)}: installed with moabb{' and neurodec' * ours} alone"
    return Finding("", "requirements", PASSED, text)


# What it does


def _run(jobs, evaluations):
    """Findings of a process in which only required distributions can be imported."""
    given = {"jobs": jobs, "evaluations": evaluations, "blocked": _blocked(jobs)}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folders = ("HOME", "_MNE_FAKE_HOME_DIR", "TMPDIR", "MNE_DATA")
        environment = {
            **os.environ,
            **dict.fromkeys(folders, scratch),
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
            "MPLBACKEND": "Agg",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        try:
            done = subprocess.run(
                [sys.executable, "-m", "neurodec.decoders._submission_run", scratch],
                input=json.dumps(given),
                env=environment, cwd=scratch, timeout=_PATIENCE, capture_output=True,
                text=True,
            )  # fmt: skip
            said = json.loads(done.stdout.splitlines()[-1])
        except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
            text = f"the trial run ended early ({type(error).__name__})"
            if not isinstance(error, subprocess.TimeoutExpired):
                text += f", status {done.returncode}: {done.stderr.strip()[-300:]}"
            lost = Finding("", "benchmark", FAILED, text, "Make it run in MOABB.")
            return {job["path"]: [lost] for job in jobs}
    return {path: [Finding("", *row) for row in rows] for path, rows in said.items()}


def _blocked(jobs):
    """Top-level modules of the distributions that are not required.

    Steps that come from one are reported already; they may be imported, so that the
    rest can be looked at too.
    """
    required = required_distributions()
    excused = {top for job in jobs for top in job["stranger"]}
    excused |= set(_ALLOWED) | set(sys.stdlib_module_names)
    excused_owners = {o for job in jobs for ow in job["stranger"].values() for o in ow}
    return sorted(
        top
        for top, owners in metadata.packages_distributions().items()
        if top not in excused
        and not set(owners) & excused_owners
        and not {canonicalize_name(owner) for owner in owners} & required
    )

"""The part of `check_submission` that builds, fits and runs pipelines.

Run as a process of its own: it refuses imports, listens to every file that is opened,
and lets ``moabb.benchmark`` change MNE's settings. Reads jobs from standard input and
prints one line of JSON.
"""

import contextlib
import json
import os
import pickle
import random
import shutil
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone

PASSED, NOTED, FAILED = "passed", "noted", "failed"
_EVENTS = {
    "LeftRightImagery": ["left_hand", "right_hand"],
    "MotorImagery": ["left_hand", "right_hand", "feet"],
    "P300": ["Target", "NonTarget"],
    "SSVEP": ["13", "17", "21"],
}
_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth")


def main(scratch):
    """Examine each job; a failure of one does not keep the others from running."""
    given = json.load(sys.stdin)
    for name in given["blocked"]:
        sys.modules.setdefault(name, None)  # Importing it then raises.
    answer, heard = sys.stdout, Listener()
    sys.addaudithook(heard)
    findings = {}
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, job in enumerate(given["jobs"]):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            rows = findings[job["path"]] = []
            try:
                path, evaluations = Path(job["path"]), given["evaluations"]
                rows += examine(path, folder, heard, evaluations)
            except Exception:  # A fault of the checks must not look like a pass.
                text = traceback.format_exc().strip().splitlines()[-1]
                rows.append(("benchmark", FAILED, f"the checks stopped: {text}", ""))
    print(json.dumps(findings), file=answer)


class Listener:
    """Files and addresses that are opened while ``on``."""

    def __init__(self):
        self.on, self.said = False, []
        self.code = tuple({sys.prefix, sys.base_prefix, str(Path(__file__).parents[1])})

    def __call__(self, event, arguments):
        if not self.on:
            return
        if event in ("socket.connect", "socket.getaddrinfo"):
            self.said.append(f"asks the network for {arguments[-4:]}")
        elif event == "open":
            path, mode, flags = arguments
            if isinstance(path, (str, bytes, os.PathLike)):
                self._open(os.path.abspath(os.fsdecode(path)), mode, flags)

    def _open(self, path, mode, flags):
        if path.startswith(("/dev/", "/proc/", "/sys/")) or "__pycache__" in path:
            return
        changing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
        if any(sign in (mode or "") for sign in "wax+") or (flags or 0) & changing:
            self.said.append(f"writes {path}")
        elif path.endswith(_PICKLES):
            self.said.append(f"reads {path}")
        elif not path.startswith(self.code) and not path.endswith((".py", ".so")):
            self.said.append(f"reads {path}")

    @contextlib.contextmanager
    def listen(self):
        """Collect what is opened inside."""
        self.said, self.on = [], True
        try:
            yield
        finally:
            self.on = False


def examine(path, folder, heard, evaluations):
    """Rows of check, status, text and remedy for one file."""
    from ._registry import load_pipeline, pipeline_info
    from .submission import named_files

    try:
        pipeline = load_pipeline(path)
    except ValueError as error:
        return [("requirements", FAILED, str(error), "Make it build after a plain "
                 "'pip install moabb neurodec'.")]  # fmt: skip
    info = pipeline_info(path)
    rows = [moabb_name(info), *paradigms(info["paradigms"]), cloned(pipeline)]
    known = [name for name in info["paradigms"] if name in _EVENTS]
    if not known:
        text = f"no fake recordings for {', '.join(info['paradigms'])}"
        return [*rows, ("benchmark", NOTED, text, "Run it on a dataset of yours.")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sets = {name: fake_dataset(name, info["pipeline"]) for name in known}
        arrays = {name: read(name, sets[name]) for name in known}
    try:
        with heard.listen():
            fitted = {name: fit(pipeline, *arrays[name], 0) for name in known}
            again = {name: fit(pipeline, *arrays[name], 1) for name in known}
    except Exception as error:
        rows.append(("fit", FAILED, short(error), unfit_remedy(error)))
    else:
        shapes = " and ".join(str(X.shape) for X, _ in arrays.values())
        rows.append(("fit", PASSED, f"fits and predicts arrays of {shapes}", ""))
        rows.append(side_files(named_files(path), heard.said))
        rows.append(deterministic(fitted, again))
        rows.append(pickled(fitted, arrays))
        rows.append(bad_input(pipeline, fitted, arrays))
    if evaluations:
        rows.append(benchmark(path, folder, sets, evaluations))
    return rows


def unfit_remedy(error):
    """What to do about a fit that failed."""
    if isinstance(error, ImportError):
        return "Do without, or let moabb or neurodec be what requires that package."
    return (
        "MOABB hands over arrays (n_trials, n_channels, n_times) alone: give what else "
        "it needs, such as the sampling rate, as a parameter."
    )


def short(error):
    """An error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


# Names


def moabb_name(info):
    """Whether MOABB treats the pipeline in another way because of its name."""
    from moabb.benchmark import _ppl_needs_epochs

    check, name = "name and MOABB", info["name"]
    if not _ppl_needs_epochs(name):
        return check, PASSED, "arrays, as for most; no piece of the name is special", ""
    pieces = [
        name[i:j] for i in range(len(name)) for j in range(i + 1, len(name) + 1)
        if _ppl_needs_epochs(name[i:j])
    ]  # fmt: skip
    piece = min(pieces, key=len)
    text = f"{piece!r} in {name!r} makes moabb.benchmark hand over mne.Epochs"
    if any(step["from"].startswith("moabb.pipelines") for step in info["pipeline"]):
        return check, NOTED, text, "Right only if the steps of MOABB's want Epochs."
    return check, FAILED, f"{text} and no arrays", f"Leave {piece!r} out of the name."


def paradigms(names):
    """Whether MOABB has these paradigms, and feeds them as it should."""
    from moabb import paradigms as known

    wrong = [n for n in names if not isinstance(getattr(known, n, None), type)]
    if wrong:
        have = [n for n in dir(known) if n[0].isupper() and not n.startswith("Base")]
        remedy = f"Choose among {', '.join(n for n in have if 'Fake' not in n)}."
        return [("paradigms", FAILED, f"MOABB has no paradigm {wrong[0]!r}", remedy)]
    rows = [("paradigms", PASSED, ", ".join(names), "")]
    banks = [name for name in names if name.startswith("FilterBank")]
    if banks:
        text = f"MOABB 1.7 evaluations hand the first band of {banks[0]} over alone"
        rows.append(("paradigms", NOTED, text, "Filter inside the pipeline."))
    return rows


# What the estimator does


def cloned(pipeline):
    """Whether clones have equal parameters: MOABB finds results by their text."""
    check, first = "clone", repr(pipeline.get_params())
    try:
        second = repr(clone(pipeline).get_params())
    except Exception as error:
        return check, FAILED, short(error), "Only store parameters in __init__."
    if first != second or " at 0x" in first:
        start = next(
            (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
            first.find(" at 0x"),
        )
        text = f"parameters differ between clones: {first[max(0, start - 40) :][:80]}"
        return check, FAILED, text, "Take plain values as parameters."
    return check, PASSED, "a clone has the same parameters", ""


def fake_dataset(paradigm, steps):
    """MOABB's fake recordings: two subjects, two sessions, noise and no more."""
    from moabb.datasets.fake import FakeDataset

    kind = "imagery" if "Imagery" in paradigm else paradigm.lower()
    given = {}
    for step in steps:
        given.update({key: v for key, v in step["parameters"].items() if v})
    events = _EVENTS[paradigm]
    if kind == "ssvep" and isinstance(given.get("frequencies"), list):
        events = [str(frequency) for frequency in given["frequencies"]]
    return FakeDataset(
        event_list=events, paradigm=kind, n_events=max(30, 10 * len(events)),
        sfreq=given.get("sfreq", 256 if kind == "ssvep" else 128), duration=100,
        n_subjects=2, n_sessions=2, n_runs=1, seed=0,
    )  # fmt: skip


def read(paradigm, dataset):
    """Trials and labels of the first subject, as MOABB gives them."""
    from moabb import paradigms as known

    X, y, _ = getattr(known, paradigm)().get_data(dataset, [1])
    return X, y


def fit(pipeline, X, y, seed):
    """A fitted clone and its answers, with all global generators at ``seed``."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    fitted = clone(pipeline).fit(X, y)
    return fitted, answers(fitted, X)


def answers(fitted, X):
    """What a classifier says: labels, and numbers where it gives any."""
    said = [fitted.predict(X)]
    for method in ("decision_function", "predict_proba"):
        if hasattr(fitted, method):
            return [*said, np.asarray(getattr(fitted, method)(X))]
    return said


def same(first, second):
    """Whether answers agree: labels all, numbers to nine digits."""
    if not np.array_equal(first[0], second[0]):
        return False
    return all(
        np.allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(a).max())
        for a, b in zip(first[1:], second[1:], strict=True)
    )


def deterministic(fitted, again):
    """Whether two fits on the same trials give the same answers."""
    check = "deterministic"
    for name, (_, said) in fitted.items():
        if not same(said, again[name][1]):
            text = f"two fits on the same trials ({name}) give other answers"
            return check, FAILED, text, "Set random_state in the file."
    return check, PASSED, "two fits under other seeds give the same answers", ""


def side_files(named, said):
    """Whether it is the file alone, or needs others."""
    check, found = "side files", [*named, *dict.fromkeys(said)]
    if found:
        remedy = "Keep all that it needs in its parameters and in its training trials."
        return check, FAILED, found[0], remedy
    return check, PASSED, "fit and predict read and write none", ""


def pickled(fitted, arrays):
    """Whether it survives the pickling of MOABB's workers and model folder."""
    check, remedy = "pickles", "Keep no lambda, open file or local class in it."
    for name, (estimator, said) in fitted.items():
        try:
            again = pickle.loads(pickle.dumps(estimator))
        except Exception as error:
            return check, FAILED, short(error), remedy
        if not same(said, answers(again, arrays[name][0])):
            return check, FAILED, "a pickled copy gives other answers", remedy
    return check, PASSED, "fitted, pickled and back: the same answers", ""


def bad_input(pipeline, fitted, arrays):
    """Whether trials that cannot be decoded raise, where a number would be wrong."""
    check, (name, (X, y)) = "bad input", next(iter(arrays.items()))
    broken = X.copy()
    broken[3, 1, 5] = np.nan
    estimator = fitted[name][0]
    cases = {
        "fit on a missing sample (NaN)": lambda: clone(pipeline).fit(broken, y),
        "predict a missing sample (NaN)": lambda: estimator.predict(broken),
        "predict with a channel less": lambda: estimator.predict(X[:, 1:]),
    }
    for what, call in cases.items():
        try:
            call()
        except Exception:  # Whatever it raises: it gave no wrong answer.
            continue
        remedy = "Check shape and np.isfinite in fit and predict, and raise ValueError."
        return check, FAILED, f"{what} gives an answer", remedy
    return check, PASSED, f"refused: {', '.join(cases)}", ""


# MOABB


def benchmark(path, folder, sets, evaluations):
    """``moabb.benchmark`` on the fake recordings."""
    import moabb

    pipelines = folder / "pipelines"
    pipelines.mkdir()
    shutil.copy(path, pipelines / path.name)  # MOABB leaves lock files beside it.
    started, counts, scores = time.perf_counter(), 0, []
    for name, dataset in sets.items():
        try:
            frame = moabb.benchmark(
                pipelines=str(pipelines), paradigms=[name], evaluations=evaluations,
                include_datasets=[dataset], results=str(folder / "results"),
                output=str(folder / "benchmark"), n_jobs=1, plot=False,
            )  # fmt: skip
        except Exception as error:
            text = f"{name}: {short(error)}"
            return "benchmark", FAILED, text, "Run moabb.benchmark to see where."
        scores += frame["score"].tolist()
        counts += len(frame)
    seconds = time.perf_counter() - started
    if not np.isfinite(scores).all() or not counts:
        text = f"{np.sum(~np.isfinite(scores))} of {counts} scores are no number"
        return "benchmark", FAILED, text, "Run moabb.benchmark to see where."
    text = (
        f"{', '.join(sets)}: {counts} rows of {', '.join(evaluations)} on fake noise, "
        f"mean score {np.mean(scores):.2f}, {seconds:.0f} s"
    )
    return "benchmark", PASSED, text, ""


if __name__ == "__main__":
    main(sys.argv[1])

"""A few made-up trials, answered when a model is saved and again when it is loaded.

They notice what no checksum can: an attribute that is missing, or a library that
computes something else by now.
"""

import numpy as np

from ._binding import reproducible

_N_TRIALS = 3
_TOLERANCE = 1e-6
_METHODS = ("predict_proba", "decision_function", "predict")


def make_probe(estimator, form):
    """Answers to the probe, or None if the pipeline cannot take noise.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    form : TrialFormat

    Returns
    -------
    probe : dict of str to array, or None
    """
    try:
        return _answers(estimator, form)
    except ValueError:  # Such as a feature that asks for more than noise.
        return None


def check_probe(estimator, form, probe, versions, folder):
    """Refuse a model whose answers to the probe are not those that it had.

    Parameters
    ----------
    estimator : estimator
    form : TrialFormat
    probe : dict of str to array, or None
    versions : dict
        The card's.
    folder : Path

    Raises
    ------
    ValueError
        Naming the difference.
    """
    if probe is None:
        return
    try:
        found = _answers(estimator, form)
    except Exception as error:  # An incomplete estimator fails in any way.
        raise ValueError(
            f"the pipeline of {folder} does not answer ({type(error).__name__}: "
            f"{error}); an attribute is missing or another version is installed: "
            "install the versions that the card names, or save the model again."
        ) from error
    for method, expected in probe.items():
        answer = found.get(method)
        # Another processor rounds otherwise; labels may then flip at a tie.
        if method == "predict" and len(probe) > 1:
            continue
        if not _same(answer, expected):
            raise ValueError(
                f"{method} of the model in {folder} gives {_first(answer)} for a probe "
                f"that got {_first(expected)} when it was saved; install the versions "
                f"that the card names ({_told(versions)}), or fit again."
            )


def _answers(estimator, form):
    # The old generator, because its numbers are promised never to change.
    noise = np.random.RandomState(0).standard_normal(
        (_N_TRIALS, len(form.channels), form.n_times)
    )
    X = noise * (form.amplitude / form.unit)
    with reproducible():
        return {
            method: np.asarray(getattr(estimator, method)(X))
            for method in _METHODS
            if hasattr(estimator, method)
        }


def _same(answer, expected):
    if answer is None or answer.shape != np.shape(expected):
        return False
    if expected.dtype.kind != "f":
        return np.array_equal(answer, expected)
    scale = np.abs(expected).max(initial=0)
    return np.allclose(answer, expected, _TOLERANCE, _TOLERANCE * scale, equal_nan=True)


def _first(answer):
    return None if answer is None else np.ravel(answer)[:2].tolist()


def _told(versions):
    return ", ".join(f"{name} {version}" for name, version in versions.items())

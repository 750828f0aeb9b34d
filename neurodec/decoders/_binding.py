"""What a pipeline is told before it is fitted: rate, seed and domains of the trials."""

import contextlib

import numpy as np
import sklearn
from sklearn.utils.metadata_routing import get_routing_for_object
from threadpoolctl import threadpool_limits


def bind(name, pipeline, sfreq, seed):
    """Set every ``random_state`` and ``sfreq`` that a pipeline leaves at None.

    Parameters
    ----------
    name : str
        For the message.
    pipeline : estimator
        It is changed.
    sfreq : float
        Of the trials, in hertz.
    seed : int

    Returns
    -------
    pipeline : the same estimator

    Raises
    ------
    ValueError
        If it was given another sampling rate.
    """
    for key, value in sorted(pipeline.get_params().items()):
        last = key.rsplit("__", 1)[-1]
        if last == "random_state" and value is None:
            pipeline.set_params(**{key: seed})
        elif last == "sfreq" and value is None:
            pipeline.set_params(**{key: sfreq})
        elif last == "sfreq" and value != sfreq:
            raise ValueError(
                f"pipeline {name!r} has {key}={value:g} Hz but the trials have "
                f"{sfreq:g} Hz; set {key} to {sfreq:g}, or to None to take the trials' "
                "rate."
            )
    return pipeline


@contextlib.contextmanager
def reproducible(seed=None):
    """One thread, so that sums keep their order, and NumPy's global generator set.

    Parameters
    ----------
    seed : int or None
        None leaves the generator, which a step without ``random_state`` draws from.
    """
    state = np.random.get_state()  # noqa: NPY002
    with threadpool_limits(1):
        try:
            if seed is not None:
                np.random.seed(seed % 2**32)  # noqa: NPY002
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002


def call_with_metadata(estimator, method, *arrays, **metadata):
    """Call a method, handing on what a step of the pipeline asks for.

    Parameters
    ----------
    estimator : estimator
    method : str
        Such as "fit" or "predict".
    *arrays
    **metadata
        Such as ``domains``; what no step asks for is left out.

    Returns
    -------
    result : whatever the method returns
    """
    if not asks_for(estimator, method, metadata):
        return getattr(estimator, method)(*arrays)
    with sklearn.config_context(enable_metadata_routing=True):
        wanted = get_routing_for_object(estimator).consumes(method, metadata)
        given = {name: metadata[name] for name in wanted}
        return getattr(estimator, method)(*arrays, **given)


def asks_for(estimator, method, names):
    """Whether a step of the pipeline asks for one of these metadata."""
    with sklearn.config_context(enable_metadata_routing=True):
        try:
            return bool(get_routing_for_object(estimator).consumes(method, names))
        except NotImplementedError:  # Some ensembles hand on nothing.
            return False

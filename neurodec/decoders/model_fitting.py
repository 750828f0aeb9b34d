"""``fit_model``: a pipeline fitted on all trials, as an evaluation fits it."""

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.preprocessing import LabelEncoder

from ..datasets.trials import Trials
from ._binding import bind, call_with_metadata, reproducible
from ._registry import load_pipeline, pipeline_info
from ._trial_format import TrialFormat
from .model import Model
from .model_card import make_card


def fit_model(
    trials, pipeline, *, seed=42, scores=None, name=None, licence=None, doi=None
):
    """Fit a pipeline on all trials, to be saved and applied to other recordings.

    The pipeline is fitted as :func:`neurodec.evaluation.evaluate` fits it: one thread,
    labels as 0 ... k-1, seed and sampling rate handed on.

    Parameters
    ----------
    trials : Trials
        All of them are trained on, so they tell nothing about how good the model is.
    pipeline : str, pathlib.Path or estimator
        A name of :func:`list_pipelines`, a YAML file, or an estimator of trials.
    seed : int, default=42
        Of every ``random_state`` that is None.
    scores : dict, list of dict, DataFrame or None, default=None
        What an evaluation said, such as ``results.summary()``, for the card. There is
        no other score: one on the training trials would say nothing.
    name : str or None, default=None
        Of the model; the pipeline's by default.
    licence, doi : str or None, default=None
        Of the data, for the card; of a set of the registry by default.

    Returns
    -------
    model : Model

    Raises
    ------
    ValueError
        If there is one class only, a channel is constant, or the pipeline refuses the
        trials.

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> model = fit_model(load("simulated", [1]), "ts-lr")
    >>> model
    <Model 'ts-lr': 22 eeg channels, 385 samples at 128 Hz, 2 classes>
    >>> model.predict(load("simulated", [2])).shape
    (80,)
    """
    if not isinstance(trials, Trials):
        raise ValueError(
            f"trials is {type(trials).__name__}; make Trials of it with "
            "neurodec.datasets.trials_from_arrays, _epochs or _raw."
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed is {seed!r}; give a whole number from 0.")
    name, title, estimator = _pipeline(pipeline, name)
    if len(trials.classes) < 2:
        only = str(trials.classes[0])
        raise ValueError(
            f"all {len(trials)} trials are {only!r}; a decoder needs two classes: "
            "check the events."
        )
    form = TrialFormat.of(trials)
    estimator = bind(name, clone(estimator), trials.sfreq, int(seed))
    encoder = LabelEncoder().fit(trials.y)
    with reproducible(int(seed)):
        call_with_metadata(
            estimator,
            "fit",
            trials.X,
            encoder.transform(trials.y),
            domains=trials.metadata[["subject", "session"]],
        )
    card = make_card(name, title, trials, form, int(seed), scores, licence, doi)
    return Model(estimator, encoder.classes_, form, card)


def _pipeline(pipeline, name):
    if isinstance(pipeline, BaseEstimator):
        name = name or type(pipeline).__name__
        return name, name, pipeline
    info = pipeline_info(pipeline)
    return name or info["name"], info["title"], load_pipeline(pipeline)

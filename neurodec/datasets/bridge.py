"""Both ways between MOABB and ``Trials``."""

import re
import warnings

import mne
import numpy as np
from moabb.datasets.base import BaseDataset
from moabb.datasets.preprocessing import FixedPipeline, FixedTransformer
from moabb.paradigms.base import BaseParadigm

from .channels import refuse_triggers
from .readers import as_dict, origin_table
from .trials import Trials, concatenate_trials


def trials_from_moabb(dataset, paradigm, subjects=None, *, name=None, recipe=None):
    """Trials of a MOABB dataset, cut by a MOABB paradigm.

    Parameters
    ----------
    dataset : moabb.datasets.base.BaseDataset
    paradigm : moabb.paradigms.base.BaseParadigm
        With one band; a filter bank belongs inside the estimator.
    subjects : list or None
        All of them by default.
    name : str or None
        ``dataset.code`` by default.
    recipe : Recipe, dict or None
        Kept for reports and keys; the paradigm does the work.

    Returns
    -------
    trials : Trials
        ``X`` is bit-equal to ``paradigm.get_data(dataset, subjects)[0]`` (microvolts
        for EEG; ``unit`` says so). ``metadata["onset"]`` is the cue's time in seconds,
        counted as MNE counts samples: where a recording was cropped, from the start of
        the acquisition. It is left out where the paradigm resamples.

    Raises
    ------
    ValueError
        If the paradigm does not fit the dataset or has several bands, if recordings
        differ in channels or sampling rate, or if none holds a wanted event.
    """
    if not paradigm.is_valid(dataset):
        raise ValueError(
            f"{type(paradigm).__name__} does not fit dataset {dataset.code} "
            f"(paradigm {dataset.paradigm!r}, events {list(dataset.event_id)}); choose "
            "a paradigm of that kind."
        )
    steps = paradigm.make_process_pipelines(dataset, return_epochs=True)
    if len(steps) != 1:
        raise ValueError(
            f"the paradigm has {len(steps)} bands {list(paradigm.filters)}; MOABB's "
            "evaluations pass on only the first. Use one band, and a filter bank "
            "inside the estimator."
        )
    subjects = list(dataset.subject_list if subjects is None else subjects)
    with mne.utils.use_log_level("ERROR"), warnings.catch_warnings():
        # MOABB's loaders set partial montages, which MNE remarks on for each file.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="moabb")
        data = dataset.get_data(subjects=subjects, process_pipeline=steps[0])
    to_labels = paradigm.make_labels_pipeline(dataset, return_epochs=True)
    parts = []
    for subject, sessions in data.items():
        for session, runs in sessions.items():
            for run, epochs in runs.items():
                if epochs is None:  # MOABB: a run without a wanted event
                    continue
                table = origin_table(
                    len(epochs), None, subject=subject, session=session, run=run
                )
                if paradigm.resample is None:
                    table["onset"] = epochs.events[:, 0] / epochs.info["sfreq"]
                parts.append(
                    Trials(
                        epochs.get_data() * dataset.unit_factor,
                        to_labels.transform(epochs),
                        table,
                        epochs.info,
                        unit=1 / dataset.unit_factor,
                        tmin=epochs.tmin,
                        recipe=as_dict(recipe),
                    )
                )
    if not parts:
        raise ValueError(
            f"{dataset.code} holds none of the events "
            f"{list(paradigm.used_events(dataset))} for subjects {subjects}; choose "
            "others."
        )
    trials = concatenate_trials(parts, dataset.code if name is None else name)
    refuse_triggers(trials.X, trials.info, refuse_constant=False)
    return trials


def as_moabb(trials, scoring=None):
    """A MOABB dataset and paradigm that stand for ``trials``.

    MOABB's evaluation classes accept the pair as they accept their own: nothing is
    filtered or rescaled again, and the trials' fingerprint is part of the
    preprocessing's ``repr``, so that MOABB's result cache cannot take other data for
    these.

    Parameters
    ----------
    trials : Trials
    scoring : str, callable or None, default=None
        scikit-learn scorer; None is ROC-AUC for two classes, else accuracy.

    Returns
    -------
    dataset : moabb.datasets.base.BaseDataset
    paradigm : moabb.paradigms.base.BaseParadigm

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> dataset, paradigm = as_moabb(load("simulated", subjects=[1]))
    >>> dataset.n_sessions, paradigm.scoring
    (2, 'roc_auc')

    Then, for one: ``CrossSessionEvaluation(paradigm, [dataset]).process(pipelines)``.
    """
    paradigm = TrialsParadigm(scoring=scoring, n_classes=len(trials.classes))
    return TrialsDataset(trials), paradigm


class TrialsDataset(BaseDataset):
    """A MOABB dataset over ``Trials``; made by :func:`as_moabb`."""

    def __init__(self, trials):
        metadata = trials.metadata
        sessions = metadata.groupby("subject")["session"].nunique()
        window = [trials.tmin, trials.tmin + trials.n_times / trials.sfreq]
        super().__init__(
            subjects=metadata["subject"].unique().tolist(),
            # MOABB asks for the least but refuses cross-session scores by it; its
            # splitter passes over a subject that has one session.
            sessions_per_subject=int(sessions.max()),
            events={str(c): i for i, c in enumerate(trials.classes, start=1)},
            # MOABB wants a code that its class name abbreviates.
            code="TrialsDataset-" + re.sub(r"[^a-z0-9]+", "-", trials.name.lower()),
            interval=window,
            paradigm="trials",
            unit_factor=1 / trials.unit,
        )
        self.trials = trials

    def _get_single_subject_data(self, subject):
        """Epochs by session and run; the trials were cut long ago."""
        of_subject = self.trials.select(subject=subject)
        sessions = {}
        for (session, run), _ in of_subject.metadata.groupby(
            ["session", "run"], sort=False
        ):
            part = of_subject.select(session=session, run=run)
            sessions.setdefault(session, {})[run] = part.to_epochs()
        return sessions

    def data_path(
        self, subject, path=None, force_update=False, update_path=None, verbose=None
    ):
        """No file: the trials are in memory."""
        return []


class TrialsParadigm(BaseParadigm):
    """A MOABB paradigm that hands on trials as they are; made by :func:`as_moabb`."""

    def __init__(self, scoring=None, n_classes=2):
        super().__init__(filters=[[None, None]], scorer=scoring)
        self.n_classes = n_classes

    @property
    def scoring(self):
        """The scorer: ROC-AUC for two classes, else accuracy, unless one was given."""
        if self.scorer is not None:
            return self.scorer
        return "roc_auc" if self.n_classes == 2 else "accuracy"

    @property
    def datasets(self):
        """MOABB's catalogue holds no such dataset."""
        return []

    def is_valid(self, dataset):
        """Whether ``dataset`` came from :func:`as_moabb`."""
        return isinstance(dataset, TrialsDataset)

    def used_events(self, dataset):
        """Label to code."""
        return dataset.event_id

    def make_process_pipelines(
        self, dataset, return_epochs=False, return_raws=False, postprocess_pipeline=None
    ):
        """A pipeline that does nothing but carry the fingerprint of the data."""
        mark = _Unchanged(dataset.trials.fingerprint())
        return [FixedPipeline([("trials", mark), ("then", postprocess_pipeline)])]

    def get_data(
        self,
        dataset,
        subjects=None,
        return_epochs=False,
        return_raws=False,
        cache_config=None,
        postprocess_pipeline=None,
        process_pipelines=None,
        additional_metadata=None,
        n_jobs=1,
    ):
        """Arrays (or epochs), labels and metadata of the chosen subjects."""
        if return_raws:
            raise ValueError(
                "trials have no continuous recording; use return_epochs or arrays."
            )
        trials = dataset.trials
        if subjects is not None:
            trials = trials.select(subject=list(subjects))
        X = trials.to_epochs() if return_epochs else np.asarray(trials.X)
        if postprocess_pipeline is not None:
            X = postprocess_pipeline.transform(X)
        return X, trials.y, trials.metadata


class _Unchanged(FixedTransformer):
    def __init__(self, fingerprint):
        self.fingerprint = fingerprint

    def transform(self, X, y=None):
        return X

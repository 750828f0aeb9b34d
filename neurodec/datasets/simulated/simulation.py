"""``Simulation``: recordings, the truth that made them, and the optimal decoder."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from ...preprocessing.recipe import as_recipe
from ..readers import trials_from_raw
from ..trials import concatenate_trials
from .gaussian import StationaryNoise, log_likelihood


class Truth(NamedTuple):
    """What the optimal decoder knows of one session."""

    onsets: np.ndarray  # (n_trials,), samples
    seen: np.ndarray  # (n_trials, n_channels, n_times), see Simulation
    spatial: tuple  # of the background, see StationaryNoise
    temporal: tuple
    responses: object  # callable without arguments: list of list of Response


@dataclass(frozen=True, repr=False)
class Simulation:
    """Simulated recordings whose optimal decoder is known.

    Made by `make_motor_imagery`, `make_erp` and `make_ssvep`.

    Attributes
    ----------
    recordings : dict of {int: dict of {str: mne.io.RawArray}}
        ``recordings[subject][session]``, subjects from 1 and sessions from "0". Data
        are in volts, EEG referenced to infinity. Events are annotations named by class
        and, as 1, 2, ..., pulses in the stimulus channel "STI", so that this channel
        gives the classes away; blinks are in channel "EOG".
    classes : tuple of str
        Names of the classes.
    priors : tuple of float
        Their shares.
    recipe : dict
        Settings with which `trials` cuts the recordings by default.

    Notes
    -----
    The optimal decoder knows every parameter of the session that a trial comes from,
    and is told blinks, line noise and the responses to all other stimuli, which it
    takes off. What is left, unfiltered and from before the stimulus until the response
    has faded, is Gaussian for each class (or a mixture of a few Gaussians), and its
    likelihood is computed exactly. By Neyman and Pearson's lemma no decoder that sees
    less has a larger expected ROC-AUC within a session than the likelihood ratio has,
    nor a larger accuracy than the class of the largest posterior probability. See
    :doc:`/simulated`.
    """

    recordings: dict
    classes: tuple
    priors: tuple
    recipe: dict
    _truths: dict = field(compare=False)

    def __repr__(self):
        count = sum(len(sessions) for sessions in self.recordings.values())
        return (
            f"<Simulation: {', '.join(self.classes)}; {len(self.recordings)} subjects, "
            f"{count} sessions>"
        )

    def trials(self, recipe=None, *, subjects=None, name="simulated"):
        """The recordings cut into trials.

        Parameters
        ----------
        recipe : Recipe, dict or None
            A dict replaces some settings of ``self.recipe``.
        subjects : list of int or None
            All by default.
        name : str, default="simulated"

        Returns
        -------
        trials : Trials

        Raises
        ------
        ValueError
            If there is no such subject.
        """
        if recipe is None or isinstance(recipe, dict):
            recipe = {**self.recipe, **(recipe or {})}
        recipe = as_recipe(recipe)
        subjects = list(self.recordings) if subjects is None else subjects
        for subject in subjects:
            self._of(subject, None)
        labels = {label: label for label in self.classes}
        return concatenate_trials(
            [
                trials_from_raw(raw, labels, recipe, subject=subject, session=session)
                for subject in subjects
                for session, raw in self.recordings[subject].items()
            ],
            name=name,
        )

    def log_likelihood(self, trials):
        """Log-density of trials under each class, given the true parameters.

        Parameters
        ----------
        trials : Trials
            Of this simulation, any selection and any recipe: subject, session and
            onset in the metadata tell which they are, their samples are not used.

        Returns
        -------
        log_density : ndarray, shape (n_trials, n_classes)
            In the order of ``classes``.

        Raises
        ------
        ValueError
            If trials do not tell their onset, or are not of this simulation.

        Examples
        --------
        >>> from neurodec.datasets import make_motor_imagery
        >>> simulation = make_motor_imagery(n_subjects=1, n_sessions=1, n_trials=4)
        >>> simulation.log_likelihood(simulation.trials()).shape
        (4, 2)
        """
        if "onset" not in trials.metadata:
            raise ValueError(
                "the trials do not tell their onset; take them from "
                "Simulation.trials or trials_from_raw"
            )
        result = np.empty((len(trials.y), len(self.classes)))
        for origin, part in trials.metadata.groupby(["subject", "session"]):
            truth, sfreq = self._of(*origin)
            samples = np.round(part["onset"].to_numpy() * sfreq).astype(int)
            rows = np.searchsorted(truth.onsets, samples)
            rows = np.minimum(rows, len(truth.onsets) - 1)
            if not np.array_equal(truth.onsets[rows], samples):
                wrong = part["onset"].to_numpy()[truth.onsets[rows] != samples][0]
                raise ValueError(
                    f"subject {origin[0]!r}, session {origin[1]!r} has no stimulus at "
                    f"{wrong:g} s; are the trials of this simulation?"
                )
            noise = StationaryNoise(truth.spatial, truth.temporal)
            result[part.index] = log_likelihood(
                truth.seen[rows], noise, truth.responses()
            )
        return result

    def predict_log_proba(self, trials):
        """Log of the posterior probability of each class, the optimal answer.

        Parameters
        ----------
        trials : Trials
            As for `log_likelihood`.

        Returns
        -------
        log_proba : ndarray, shape (n_trials, n_classes)
        """
        joint = self.log_likelihood(trials) + np.log(self.priors)
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def log_likelihood_ratio(self, trials):
        """Optimal decision value of two classes, the second's over the first's.

        Parameters
        ----------
        trials : Trials
            As for `log_likelihood`.

        Returns
        -------
        ratio : ndarray, shape (n_trials,)
            Comparable within a session, and across sessions.

        Raises
        ------
        ValueError
            If there are more than two classes.
        """
        if len(self.classes) != 2:
            raise ValueError(
                f"a likelihood ratio needs two classes, there are {len(self.classes)}; "
                "use log_likelihood or predict_log_proba"
            )
        return np.diff(self.log_likelihood(trials), axis=1)[:, 0]

    def _of(self, subject, session):
        """Truth and sampling rate of a session; of a subject without session, None."""
        if subject not in self._truths:
            raise ValueError(
                f"the simulation has no subject {subject!r}; it has "
                f"{', '.join(map(str, self._truths))}"
            )
        if session is None:
            return None
        if session not in self._truths[subject]:
            raise ValueError(
                f"subject {subject!r} has no session {session!r}; it has "
                f"{', '.join(map(repr, self._truths[subject]))}"
            )
        sfreq = self.recordings[subject][session].info["sfreq"]
        return self._truths[subject][session], sfreq

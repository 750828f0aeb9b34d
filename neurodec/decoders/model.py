"""``Model``: recipe, pipeline and labels together; saved, loaded, applied."""

from sklearn.base import BaseEstimator

from ._apply import answer, questions_of_recording, questions_of_trials
from ._binding import asks_for
from ._model_files import read_folder, write_folder
from ._probe import check_probe, make_probe
from ._recordings import is_recording
from ._state import from_state, to_state
from ._trial_format import check_form
from ._trust import check_trusted
from .model_card import check_versions


def load_model(folder, *, trusted=()):
    """A model from the folder that ``Model.save`` wrote.

    Nothing is unpickled. Classes are imported, of trusted packages only; the checksums
    notice damage, not ill will.

    Parameters
    ----------
    folder : str or pathlib.Path
    trusted : list of str, default=()
        Further packages whose estimators may be built, such as your own.

    Returns
    -------
    model : Model
        Its answers are those of the model that was saved.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If the folder or a file in it is missing.
    ValueError
        If a file is damaged or newer, a class is not to be trusted, the major version
        of scikit-learn differs, or a probe gets other answers than it got when saved.

    Warns
    -----
    UserWarning
        If the minor version of a library differs.
    """
    trusted = check_trusted(trusted)
    card, tree, arrays = read_folder(folder)
    for key in ("name", "input", "classes", "training", "versions"):
        if key not in card:
            raise ValueError(f"card.json in {folder} lacks {key!r}; save again.")
    check_versions(card["versions"], _packages(tree), folder)
    form = check_form(card["input"])
    parts = {
        key: from_state(tree.get(key), arrays, key, trusted)
        for key in ("pipeline", "classes", "probe")
    }
    if not isinstance(parts["pipeline"], BaseEstimator):
        raise ValueError(
            f"model.json in {folder} holds no pipeline; save the model again."
        )
    check_probe(parts["pipeline"], form, parts["probe"], card["versions"], folder)
    return Model(parts["pipeline"], parts["classes"], form, card)


class Model:
    """A fitted pipeline with all that it takes to apply it to another recording.

    Made by :func:`fit_model` and :func:`load_model`.

    Attributes
    ----------
    estimator : estimator
        The fitted pipeline; it takes arrays in the training trials' unit and answers
        with positions in ``classes``.
    classes : array, shape (n_classes,)
        Labels.
    card : dict
        Name, date, seed, channels, rate, unit, recipe, classes, training subjects and
        sessions, licence, scores, versions.
    """

    def __init__(self, estimator, classes, form, card):
        self.estimator, self.classes, self._form = estimator, classes, form
        self.card = {k: v for k, v in card.items() if k not in ("files", "sha256")}

    def __repr__(self):
        form = self._form
        kinds = "/".join(dict.fromkeys(form.channel_types))
        return (
            f"<Model {self.card['name']!r}: {len(form.channels)} {kinds} channels, "
            f"{form.n_times} samples at {form.sfreq:g} Hz, {len(self.classes)} classes>"
        )

    @property
    def ch_names(self):
        """Channels, in the model's order."""
        return list(self._form.channels)

    @property
    def sfreq(self):
        """Sampling rate of the trials in hertz, after the recipe."""
        return self._form.sfreq

    @property
    def recipe(self):
        """The recipe that a recording is put through, or None."""
        form = self._form
        return None if form.recipe is None else form.recipe_for_recordings()

    def predict(self, data, **settings):
        """The label of each trial, event or window.

        Parameters
        ----------
        data, **settings
            As of :meth:`apply`.

        Returns
        -------
        labels : array, shape (n_trials,)
            None where the recipe rejected a trial, or the decoder abstained.
        """
        labels = self.apply(data, **settings)["predicted"]
        if labels.isna().any():
            return labels.to_numpy()
        return labels.to_numpy().astype(self.classes.dtype)

    def predict_proba(self, data, **settings):
        """The probability of each class.

        Parameters
        ----------
        data, **settings
            As of :meth:`apply`.

        Returns
        -------
        probabilities : array, shape (n_trials, n_classes)
            NaN where the recipe rejected a trial.

        Raises
        ------
        ValueError
            If the pipeline gives none.
        """
        table = self.apply(data, **settings)
        columns = [f"probability_{label}" for label in self.classes]
        if columns[0] not in table:
            raise ValueError(
                f"{self.card['name']} gives no probabilities; calibrate it (sklearn's "
                "CalibratedClassifierCV), or use predict."
            )
        return table[columns].to_numpy()

    def apply(
        self,
        data,
        *,
        event_id=None,
        events=None,
        step=None,
        window=None,
        prepared=None,
        target="none",
        domain=None,
        any_amplitude=False,
        skip_incomplete=False,
    ):
        """Answers for trials, for the events of a recording, or for sliding windows.

        Channels are found by name, in any order; others are dropped.

        Parameters
        ----------
        data : mne.io.BaseRaw, Trials or mne.BaseEpochs
            The recipe is run on a recording. The recording is not changed.
        event_id : list of str or int, dict, or None
            Of a recording: descriptions of annotations or trigger codes of the events
            to decode.
        events : array, shape (n_events, 3) or None
            Of a recording: MNE events instead; ``event_id`` chooses among them.
        step : float or None, default=None
            Of a recording: decode a sliding window each so many seconds. A window is
            as long as a training trial.
        window : float or None, default=None
            That length in seconds, to have it checked; alone, it is the step as well.
        prepared : bool or None, default=None
            Of epochs, and of trials that do not tell their recipe: whether the model's
            recipe has been applied already. False applies it to each trial.
        target : str, default="none"
            What an alignment step may use of a domain before it answers: "none",
            "past", "prefix(n)" or "all". A recording is a domain; of trials, each
            subject and session is.
        domain : (subject, session) or None, default=None
            The training session that ``data`` goes on with, for an alignment step.
            None is none of them, whatever the metadata say.
        any_amplitude : bool, default=False
            Take signals a hundred times larger or smaller than those of training.
        skip_incomplete : bool, default=False
            Leave events unanswered whose window is not all inside the recording.

        Returns
        -------
        table : DataFrame
            One row per trial, event or window: ``onset`` (seconds from the start of
            the recording, or the metadata's), ``time`` (end of the window, before
            which there can be no answer), ``event`` (its name in the recording),
            ``predicted``, then ``probability_LABEL`` of each class, or else
            ``decision_LABEL``. Rejected trials keep their row, unanswered; a decoder
            that abstains leaves ``predicted`` empty.
            ``table.attrs["notes"]`` lists what is worth knowing.

        Raises
        ------
        ValueError
            If channels, types, rate, unit, recipe or window are not the model's; the
            message names the difference and the remedy.
        """
        if is_recording(data):
            table, parts, notes = questions_of_recording(
                self._form, data, event_id, events, step, window, skip_incomplete
            )
            # An alignment that looks at other trials must see them all at once.
            parts = parts(whole=target != "none")
        else:
            if any(value is not None for value in (event_id, events, step, window)):
                raise ValueError(
                    "events and windows are looked for in recordings, but data is "
                    f"{type(data).__name__}; leave event_id, events, step and window "
                    "out, or give the recording."
                )
            table, parts, notes = questions_of_trials(self._form, data, prepared)
        self._check_alignment(target, domain)
        if str(target).startswith(("all", "prefix")):
            notes.append(f"target {target}: an answer may rest on later trials")
        table = answer(self, self._form, table, parts, target, domain, any_amplitude)
        table.attrs["notes"] = notes
        return table

    def _check_alignment(self, target, domain):
        if target != "none" and not asks_for(self.estimator, "predict", ["target"]):
            raise ValueError(
                f"target is {target!r}, but {self.card['name']} has no alignment step "
                "that could use it; leave target out."
            )
        sessions = self.card["training"]["sessions"]
        known = [(row["subject"], row["session"]) for row in sessions]
        if domain is not None and domain not in known:
            raise ValueError(
                f"domain is {domain!r}, but training had {known[:20]}; name one of "
                "them, or leave domain out for a new one."
            )

    def save(self, folder, *, overwrite=False, trusted=()):
        """Write the model: ``card.json`` to read, ``model.json`` and ``arrays.npz``.

        Parameters
        ----------
        folder : str or pathlib.Path
            It appears whole or not at all.
        overwrite : bool, default=False
            Replace the model that is there, once the new one is whole.
        trusted : list of str, default=()
            Further packages whose estimators may be written, such as your own;
            `load_model` needs the same.

        Returns
        -------
        folder : pathlib.Path

        Raises
        ------
        FileExistsError
            If something is there.
        ValueError
            Naming an attribute that cannot be written without pickle.
        """
        trusted = check_trusted(trusted)
        probe = make_probe(self.estimator, self._form)
        content = {"pipeline": self.estimator, "classes": self.classes, "probe": probe}
        tree, arrays = {}, {}
        for key, value in content.items():
            tree[key], more = to_state(value, key, trusted, prefix=f"{key}.")
            arrays.update(more)
        return write_folder(folder, self.card, tree, arrays, overwrite=overwrite)


def _packages(tree):
    """Top packages of all classes in a tree."""
    if isinstance(tree, list):
        return set().union(*map(_packages, tree)) if tree else set()
    if not isinstance(tree, dict):
        return set()
    own = {str(tree["class"]).partition(".")[0]} if "class" in tree else set()
    return own.union(*map(_packages, tree.values()))

"""Protocols: what a score means, and the folds that give it (MOABB's splitters)."""

import dataclasses
import typing

import numpy as np

from .._names import nearest


class Fold(typing.NamedTuple):
    """One training set and the trials that it is scored on.

    Attributes
    ----------
    train, test : array of int
        Positions in the trials.
    subject, session
        Whose trials the test part holds.
    number : int
        Which fold of this subject and session.
    """

    train: np.ndarray
    test: np.ndarray
    subject: object
    session: object
    number: int


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What a score means: what is held out, and what of it may be used before.

    Parameters
    ----------
    name : str
    split_unit : {"trial", "session", "subject"}
        What training and test never share.
    target : {"none"}
        What of the target domain may be used before a trial is scored. "none": not
        one trial, not one statistic.
    description : str
        One sentence for the report.
    n_folds : int or None
        Folds within a session; None where groups are left out one by one.

    Examples
    --------
    >>> get_protocol("cross-session").transductive
    False
    """

    name: str
    split_unit: str
    target: str
    description: str
    n_folds: int | None = None

    @property
    def transductive(self):
        """Whether a test trial's score may depend on other test trials."""
        return self.target == "all"

    def to_dict(self):
        """The settings as plain values, for keys and reports."""
        return {**dataclasses.asdict(self), "transductive": self.transductive}

    def check(self, y, metadata):
        """Refuse trials that this protocol cannot split, before anything is fitted.

        Raises
        ------
        ValueError
            Naming the subject or session, the rule and the remedy.
        """
        if len(np.unique(y)) < 2:
            raise ValueError(
                f"all {len(y)} trials have label {y[0]!r}; decoding needs two classes; "
                "keep trials of both, or check event_id."
            )
        _CHECKS[self.split_unit](self, np.asarray(y), metadata)

    def folds(self, y, metadata, seed):
        """The folds of these trials.

        Parameters
        ----------
        y : array, shape (n_trials,)
        metadata : DataFrame
            With a RangeIndex and columns subject and session.
        seed : int
            Of the shuffle within sessions.

        Returns
        -------
        folds : list of Fold
            MOABB's splits; a left-out subject gives one fold for each session.

        Raises
        ------
        ValueError
            If the trials cannot be split so.
        """
        self.check(y, metadata)
        folds, seen = [], {}
        for train, test in _SPLITTERS[self.split_unit](self, seed).split(y, metadata):
            subject = metadata["subject"].iloc[test[0]]
            sessions = metadata["session"].to_numpy()[test]
            for session in dict.fromkeys(sessions):
                number = seen.get((subject, session), 0)
                seen[subject, session] = number + 1
                part = test[sessions == session]
                folds.append(Fold(train, part, subject, session, number))
        return folds


def get_protocol(name):
    """A protocol by name.

    Raises
    ------
    ValueError
        If there is none of that name; the message gives the nearest.

    Examples
    --------
    >>> get_protocol("within-session").n_folds
    5
    """
    if isinstance(name, Protocol):
        return name
    if not isinstance(name, str) or name not in PROTOCOLS:
        raise ValueError(f"no protocol {name!r}; {nearest(name, PROTOCOLS)}")
    return PROTOCOLS[name]


def list_protocols():
    """Names of the protocols.

    Examples
    --------
    >>> list_protocols()
    ['within-session', 'cross-session', 'cross-subject']
    """
    return list(PROTOCOLS)


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "within-session",
            "trial",
            "none",
            "Stratified 5-fold cross-validation, shuffled, inside each session: "
            "training and test trials come from the same recording.",
            n_folds=5,
        ),
        Protocol(
            "cross-session",
            "session",
            "none",
            "Each session of a subject is left out once; training uses that subject's "
            "other sessions.",
        ),
        Protocol(
            "cross-subject",
            "subject",
            "none",
            "Each subject is left out once; training uses all other subjects.",
        ),
    )
}


def _within_session(protocol, seed):
    from moabb.evaluations.splitters import WithinSessionSplitter

    return WithinSessionSplitter(n_folds=protocol.n_folds, random_state=seed)


def _cross_session(protocol, seed):
    from moabb.evaluations.splitters import CrossSessionSplitter

    return CrossSessionSplitter()


def _cross_subject(protocol, seed):
    from moabb.evaluations.splitters import CrossSubjectSplitter

    return CrossSubjectSplitter()


_SPLITTERS = {
    "trial": _within_session,
    "session": _cross_session,
    "subject": _cross_subject,
}


def _check_within_session(protocol, y, metadata):
    for (subject, session), part in metadata.groupby(["subject", "session"]):
        labels, counts = np.unique(y[part.index], return_counts=True)
        if len(labels) < 2 or counts.min() < protocol.n_folds:
            what = ", ".join(f"{n} {c}" for c, n in zip(labels, counts, strict=True))
            raise ValueError(
                f"session {session!r} of subject {subject!r} has {what}; "
                f"{protocol.name} needs two classes with at least {protocol.n_folds} "
                "trials each; leave the session out or use cross-session."
            )


def _check_cross_session(protocol, y, metadata):
    sessions = metadata.groupby("subject")["session"].nunique()
    if (sessions < 2).all():
        raise ValueError(
            f"no subject has two sessions (most: {sessions.max()}); {protocol.name} "
            "needs them, use within-session or cross-subject."
        )


def _check_cross_subject(protocol, y, metadata):
    subjects = metadata["subject"].unique().tolist()
    if len(subjects) < 2:
        raise ValueError(
            f"only subject {subjects[0]!r} is there; {protocol.name} needs two, use "
            "within-session or cross-session."
        )


_CHECKS = {
    "trial": _check_within_session,
    "session": _check_cross_session,
    "subject": _check_cross_subject,
}

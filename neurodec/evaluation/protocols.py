"""Protocols: what a score means, and the folds that give it (MOABB's splitters)."""

import dataclasses
import typing

import numpy as np

from .._names import nearest
from ..preprocessing._target import parse_target
from .chronological import least_gap
from .recording_order import refuse_disorder
from .splitting import CHECKS, SPLITTERS


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
    given : array of int
        Trials of the test session that precede the test part and may be used, but are
        not scored; empty unless the target is a prefix.
    """

    train: np.ndarray
    test: np.ndarray
    subject: object
    session: object
    number: int
    given: np.ndarray = np.empty(0, int)


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What a score means: what is held out, and what of it may be used before.

    Parameters
    ----------
    name : str
    split_unit : {"trial", "block", "session", "subject"}
        What training and test never share. A block is a stretch of time in a session;
        training uses what was recorded before it.
    target : str
        What of the test session may be used, beside the trial itself, before a trial
        is scored. "none": not one trial, not one statistic. "past": the trials
        recorded before it. "prefix(20)": the first 20 trials of the session, which
        are not scored; "prefix(20%)" counts as MOABB does, "prefix(20, labelled)"
        gives their labels too. "all": all of them.
    description : str
        One sentence for the report.
    n_folds : int or None
        Folds within a session; None where groups are left out one by one.
    gap : float or None
        Least time from a training to a test trial of a run, in seconds from onset to
        onset, for blocks; None is the least that keeps their signals apart.

    Raises
    ------
    ValueError
        If the target is unknown, or cannot be had with this split unit.

    Examples
    --------
    >>> get_protocol("cross-session").transductive
    False
    >>> get_protocol("cross-session", target="past").name
    'cross-session:past'
    """

    name: str
    split_unit: str
    target: str
    description: str
    n_folds: int | None = None
    gap: float | None = None

    def __post_init__(self):
        target = parse_target(self.target)
        object.__setattr__(self, "target", str(target))
        if self.split_unit not in _TARGETS:
            raise ValueError(
                f"split_unit is {self.split_unit!r}; use one of {', '.join(_TARGETS)}."
            )
        allowed = _TARGETS[self.split_unit]
        if target.kind not in allowed:
            raise ValueError(
                f"target is '{target}', but {self.name.partition(':')[0]} trains on "
                f"other trials of the test session; use {' or '.join(allowed)}, or "
                "cross-session or cross-subject."
            )

    @property
    def transductive(self):
        """Whether a test trial's score may depend on other test trials."""
        return self.target == "all"

    def to_dict(self):
        """The settings as plain values, for keys and reports."""
        settings = dataclasses.asdict(self)
        if self.gap is None:
            del settings["gap"]
        return {**settings, "transductive": self.transductive}

    def for_trials(self, trials):
        """The protocol with what depends on the recipe of the trials: the gap.

        Parameters
        ----------
        trials : Trials

        Returns
        -------
        protocol : Protocol

        Raises
        ------
        ValueError
            If the gap is too short, or training trials hold samples from after them.
        """
        if self.split_unit != "block":
            return self
        least = least_gap(trials)
        if self.gap is not None and self.gap < least:
            raise ValueError(
                f"gap is {self.gap:g} s, but one epoch and the filter's impulse "
                f"response take {least:.3g} s; give at least that, or None."
            )
        gap = round(least, 6) if self.gap is None else float(self.gap)
        return dataclasses.replace(self, gap=gap)

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
        CHECKS[self.split_unit](self, np.asarray(y), metadata)
        if parse_target(self.target).kind in ("past", "prefix"):
            refuse_disorder(metadata, self.name)

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
        for train, test in SPLITTERS[self.split_unit](self, seed).split(y, metadata):
            subject = metadata["subject"].iloc[test[0]]
            sessions = metadata["session"].to_numpy()[test]
            for session in dict.fromkeys(sessions):
                number = seen.get((subject, session), 0)
                seen[subject, session] = number + 1
                part = test[sessions == session]
                given, part = self._give(part, subject, session)
                folds.append(Fold(train, part, subject, session, number, given))
        return folds

    def _give(self, part, subject, session):
        """Trials that are given beforehand, and those to score."""
        target = parse_target(self.target)
        n = target.length(len(part)) if target.kind == "prefix" else 0
        if n >= len(part):
            subject, session = (np.asarray(v).item() for v in (subject, session))
            raise ValueError(
                f"{self.name} gives the first {n} trials of a session, but session "
                f"{session!r} of subject {subject!r} has {len(part)}; give a shorter "
                "prefix, or leave the session out."
            )
        return part[:n], part[n:]


def get_protocol(name, target=None):
    """A protocol by name.

    Parameters
    ----------
    name : str or Protocol
        A name of :func:`list_protocols`, alone or with a target after a colon, such
        as "cross-session:past".
    target : str or None, default=None
        Replaces the target; see :class:`Protocol`.

    Returns
    -------
    protocol : Protocol

    Raises
    ------
    ValueError
        If there is none of that name, or no such target; the message gives the
        nearest.

    Examples
    --------
    >>> get_protocol("within-session").n_folds
    5
    >>> get_protocol("cross-subject:prefix(20)").target
    'prefix(20)'
    """
    protocol = name
    if not isinstance(name, Protocol):
        plain, colon, named = str(name).partition(":")
        if not isinstance(name, str) or plain not in PROTOCOLS:
            raise ValueError(f"no protocol {name!r}; {nearest(name, PROTOCOLS)}")
        protocol = PROTOCOLS[plain]
        if colon and target is not None:
            raise ValueError(
                f"protocol {name!r} names a target already; leave out target="
                f"{target!r}."
            )
        target = named if colon else target
    if target is None:
        return protocol
    target = parse_target(target)
    plain = protocol.name.partition(":")[0]
    text = protocol.description.partition(" Of the test session,")[0]
    return dataclasses.replace(
        protocol,
        name=plain if target.kind == "none" else f"{plain}:{target}",
        target=str(target),
        description=text + _SENTENCES[target.kind].format(target=target),
    )


_SENTENCES = {
    "none": "",
    "past": " Of the test session, the trials recorded before a trial may be used, "
    "without labels.",
    "prefix": " Of the test session, the first trials, {target}, are given beforehand "
    "and not scored.",
    "all": " Of the test session, all trials are used at once, without labels "
    "(transductive).",
}
_TARGETS = {
    "trial": ("none",),
    "block": ("none", "past"),
    "session": ("none", "past", "prefix", "all"),
    "subject": ("none", "past", "prefix", "all"),
}


def list_protocols():
    """Names of the protocols.

    Examples
    --------
    >>> list_protocols()
    ['within-session', 'cross-session', 'cross-subject', 'chronological']
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
        Protocol(
            "chronological",
            "block",
            "none",
            "Each session is cut into five blocks in time; each but the first is "
            "tested, and training uses what was recorded before it, a gap apart.",
            n_folds=4,
        ),
    )
}

"""How each kind of protocol splits trials, and which trials it cannot split."""

import numpy as np

from .chronological import split_in_time


def _within_session(protocol, seed):
    from moabb.evaluations.splitters import WithinSessionSplitter

    return WithinSessionSplitter(n_folds=protocol.n_folds, random_state=seed)


def _cross_session(protocol, seed):
    from moabb.evaluations.splitters import CrossSessionSplitter

    return CrossSessionSplitter()


def _cross_subject(protocol, seed):
    from moabb.evaluations.splitters import CrossSubjectSplitter

    return CrossSubjectSplitter()


class _InTime:
    """MOABB's interface for folds in time, which MOABB lacks."""

    def __init__(self, protocol, seed):
        self.protocol = protocol

    def split(self, y, metadata):
        return split_in_time(y, metadata, self.protocol.n_folds, self.protocol.gap)


SPLITTERS = {
    "block": _InTime,
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


def _check_chronological(protocol, y, metadata):
    if protocol.gap is None:
        raise ValueError(
            f"{protocol.name} has no gap yet, which depends on the recipe; use "
            "protocol.for_trials(trials)."
        )


CHECKS = {
    "block": _check_chronological,
    "trial": _check_within_session,
    "session": _check_cross_session,
    "subject": _check_cross_subject,
}

"""Refuse pipelines that use more of the test part than the target allows.

The fitted pipeline is asked again, with trials removed or changed that it may not
use. Answers that change with them fail the fold.
"""

import numpy as np


def refuse_forbidden(said, target):
    """Ask again, as the target of the protocol says.

    Parameters
    ----------
    said : Responses
        Answers to the whole test part.
    target : Target

    Raises
    ------
    ValueError
        Naming trials whose answers changed, and the remedy.
    """
    _CHECKS[target.kind](said)


def _refuse_batch(said):
    """Three test trials must get among themselves the answers that they got among all.

    Trials given beforehand stay. Without these the three come in reverse.
    """
    n_given, n_test = said.n_given, len(said.original) - said.n_given
    rows = np.unique([0, n_test // 2, n_test - 1])
    if not n_given:
        rows = rows[::-1]
    again = said.again(np.r_[np.arange(n_given), n_given + rows])
    _compare(
        said,
        rows,
        again,
        f"trials {rows.tolist()} of the test part get {{whole}} among all and "
        "{alone} among themselves: answers depend on other test trials; learn the "
        "reference in fit.",
    )


def _refuse_future(said):
    """Answers up to the middle must not change when what follows is taken away.

    Nor when it is another signal: the later trials in reverse, three times as large.
    """
    rows = np.arange(len(said.original) // 2 + 1)
    text = (
        "trials up to {last} of the test part get {whole}, and {alone} once the trials "
        "after them are {how}: answers depend on the future; use only what stands "
        "before a trial."
    )
    last = len(rows) - 1
    _compare(said, rows, said.again(rows), text, last=last, how="removed")
    changed = np.array(said.original)
    changed[len(rows) :] = 3 * changed[:last:-1]
    _compare(said, rows, said.again(None, changed), text, last=last, how="changed")


def _refuse_nothing(said):
    """Every trial may be used: that is what transductive means."""


_CHECKS = {
    "none": _refuse_batch,
    "prefix": _refuse_batch,
    "past": _refuse_future,
    "all": _refuse_nothing,
}


def _compare(said, rows, again, text, **values):
    """Raise unless the answers to ``rows`` are those that ``again`` begins with."""
    if said.graded is None:
        whole, alone = said.predict()[rows], again.predict()[: len(rows)]
        same = whole == alone
    else:
        whole, alone = said.graded[rows], again.graded[: len(rows)]
        # Single precision sums in another order for another number of trials.
        tolerance = 1e-3 if whole.dtype == np.float32 else 1e-6
        scale = np.abs(said.graded).max()
        same = np.isclose(whole, alone, rtol=tolerance, atol=tolerance * scale)
    differ = ~same.reshape(len(rows), -1).all(axis=1)
    if differ.any():
        shown = {
            "whole": np.ravel(whole[differ])[:3],
            "alone": np.ravel(alone[differ])[:3],
        }
        raise ValueError(text.format(**shown, **values))

"""What of a target domain may be used before one of its trials is scored."""

import re
import typing

import numpy as np

_PREFIX = re.compile(r"prefix\(\s*(\d+)\s*(%?)\s*(,\s*labell?ed\s*)?\)")


class Target(typing.NamedTuple):
    """One such rule; made by :func:`parse_target`.

    Attributes
    ----------
    kind : {"none", "past", "prefix", "all"}
    size : int
        Of the prefix, in trials or in percent.
    percent : bool
    labelled : bool
        Whether the labels of the prefix are given as well.
    """

    kind: str
    size: int = 0
    percent: bool = False
    labelled: bool = False

    def __str__(self):
        if self.kind != "prefix":
            return self.kind
        size = f"{self.size}{'%' if self.percent else ''}"
        return f"prefix({size}{', labelled' if self.labelled else ''})"

    def length(self, n_trials):
        """Trials of the prefix of a domain of ``n_trials``, as MOABB counts them."""
        if not self.percent:
            return self.size
        return min(max(self.size * n_trials // 100, 1), n_trials - 1)


def parse_target(target):
    """A target from its text.

    Parameters
    ----------
    target : str or Target
        "none", "past", "prefix(20)", "prefix(20, labelled)", "prefix(20%)", "all".

    Returns
    -------
    target : Target

    Raises
    ------
    ValueError
        If it is none of these.

    Examples
    --------
    >>> str(parse_target("prefix(20,labelled)"))
    'prefix(20, labelled)'
    """
    if isinstance(target, Target):
        return target
    if target in ("none", "past", "all"):
        return Target(target)
    found = _PREFIX.fullmatch(target) if isinstance(target, str) else None
    if not found:
        raise ValueError(
            f"target is {target!r}; use 'none', 'past', 'prefix(20)', 'prefix(20%)', "
            "'prefix(20, labelled)' or 'all'."
        )
    size, percent, labelled = int(found[1]), bool(found[2]), bool(found[3])
    if not 0 < size < (100 if percent else np.inf):
        raise ValueError(
            f"target is {target!r}; a prefix has at least one trial and is less than "
            "100 % of its domain (else use 'all')."
        )
    return Target("prefix", size, percent, labelled)

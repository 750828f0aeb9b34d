"""What to say to somebody who gave a name or a number that is not known."""

import difflib
import re

_LISTED = 30


def nearest(word, known, *, quote=False):
    """The end of an error message: the names that may be meant, and all of them.

    Parameters
    ----------
    word : object
        What was given; compared as text, upper and lower case alike.
    known : iterable of str
        Names to choose from. Thirty at most are listed: nobody reads more.
    quote : bool, default=False
        Whether the names that may be meant are quoted.

    Returns
    -------
    text : str

    Examples
    --------
    >>> nearest("TS_LR", ["ts-lr", "mdm"])
    'did you mean ts-lr? Known: mdm, ts-lr.'
    >>> nearest("quantum", ["ts-lr", "mdm"])
    'check the spelling. Known: mdm, ts-lr.'
    """
    known = sorted(known)
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(str(word).lower(), by_lower, n=3, cutoff=0.5)
    meant = [repr(by_lower[key]) if quote else by_lower[key] for key in close]
    text = f"did you mean {' or '.join(meant)}?" if meant else "check the spelling."
    if 0 < len(known) <= _LISTED:
        text += f" Known: {', '.join(known)}."
    return text


def number_ranges(numbers):
    """Sorted whole numbers in few words.

    Examples
    --------
    >>> number_ranges([1, 2, 3, 5])
    '1 to 3, 5'
    """
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    return ", ".join(
        f"{a} to {b}" if a < b else str(a) for a, b in zip(starts, ends, strict=True)
    )


def natural_key(value):
    """Sort key that puts "2" before "10".

    Examples
    --------
    >>> sorted(["10", "2", "S1"], key=natural_key)
    ['2', '10', 'S1']
    """
    parts = re.split(r"(\d+)", str(value))
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]

"""Fitted estimators as plain JSON values and arrays, and back; never by pickle.

What is plain stands for itself. Everything else is a mapping with a ``kind``: an array
(by its name in the archive), a tuple, a mapping, an estimator (class, parameters,
fitted attributes), a function by its name.
"""

from ._state_reader import Reader
from ._state_writer import Writer


def to_state(value, name, trusted=(), prefix=""):
    """Plain values and arrays that stand for a fitted estimator.

    Parameters
    ----------
    value : estimator, array or plain value
    name : str
        What it is called in messages.
    trusted : tuple of str
        Packages beside those of ``_trust.ESTIMATORS``.
    prefix : str, default=""
        Of the names of the arrays.

    Returns
    -------
    tree : object
        For ``json.dumps``.
    arrays : dict of str to ndarray
        For ``numpy.savez``; none holds objects.

    Raises
    ------
    ValueError
        Naming the attribute that cannot be written, and the remedy.
    """
    writer = Writer(trusted, prefix)
    return writer.write(value, name), writer.arrays


def from_state(tree, arrays, name, trusted=()):
    """The estimator that `to_state` wrote.

    Parameters
    ----------
    tree : object
    arrays : dict of str to ndarray
    name : str
        What it is called in messages.
    trusted : tuple of str

    Returns
    -------
    value : estimator, array or plain value

    Raises
    ------
    ValueError
        Naming the place that is damaged or not to be trusted, and the remedy.
    """
    return Reader(arrays, trusted).read(tree, name)

"""Guard against training on the trials that are tested."""

import numpy as np


def drop_copies(train, test, hashes):
    """Training positions whose trial does not also stand in the test part.

    Public sets hold the same recording under two names (two subjects of Kalunga
    2016, for one); a decoder that saw a test trial in training is not tested by it.

    Parameters
    ----------
    train, test : array of int
    hashes : array of str, shape (n_trials,)
        ``Trials.signal_hashes()``.

    Returns
    -------
    train : array of int
        Without the copies.

    Examples
    --------
    >>> drop_copies(np.array([0, 1]), np.array([2]), np.array(["a", "b", "a"]))
    array([1])
    """
    return train[~np.isin(hashes[train], hashes[test])]

"""How far a recipe's filters reach in time, measured on an impulse."""

import numpy as np

from ._filters import filter_array

# Half of the test signal in seconds; a high-pass of 0.1 Hz rings for about 30 s.
_HALF = 120.0


def filter_reach(recipe, sfreq, remainder=1e-6):
    """Seconds that the filters of a recipe look ahead and back.

    Parameters
    ----------
    recipe : Recipe
    sfreq : float
        Of the trials, in hertz. A rate that the recordings had before they were
        resampled gives nearly the same.
    remainder : float, default=1e-6
        Share of the impulse response's energy that may lie beyond.

    Returns
    -------
    ahead, back : float
        In seconds; ahead is 0 for causal filters.

    Examples
    --------
    >>> from neurodec.preprocessing import Recipe
    >>> ahead, back = filter_reach(Recipe(band=(8, 32), phase="causal"), 128.0)
    >>> ahead, 0.1 < back < 1
    (0.0, True)
    """
    if recipe.band is None and not recipe.notch:
        return 0.0, 0.0
    middle = int(_HALF * sfreq)
    impulse = np.zeros(2 * middle + 1)
    impulse[middle] = 1.0
    energy = filter_array(impulse[np.newaxis, np.newaxis], sfreq, recipe)[0, 0] ** 2
    later, earlier = energy[middle:], energy[middle::-1]
    return tuple(
        float(np.sum(np.cumsum(part[::-1]) > remainder * energy.sum()) - 1) / sfreq
        for part in (earlier, later)
    )

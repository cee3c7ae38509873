"""The level above which a user's ratings count when only a sum of several is short of a need."""

from __future__ import annotations

import numpy as np

from grouping.kernels.jit import kernel


@kernel()
def level_of(best, weights, need):
    """Level at which a user's best ratings just make up a need; infinity if they never do.

    Parameters
    ----------
    best : float array, shape (positions,)
        Descending.
    weights : float64 array, shape (positions,)
        Positive, descending.
    need : float

    Returns
    -------
    level : float
    """
    rest, used = 0.0, 0.0
    for j in range(weights.shape[0]):
        rest += weights[j] * best[j]
    if rest <= need:
        return np.inf
    level = np.inf
    for j in range(weights.shape[0]):
        rest -= weights[j] * best[j]
        used += weights[j]
        level = (need - rest) / used
        if j + 1 < weights.shape[0] and level >= best[j + 1]:
            break
    return level

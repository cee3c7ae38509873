"""Predicted ratings from fitted parameters: of chosen pairs, or of all items for some users.

Both add in the same order, so that a cell is predicted to the same bits either way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from grouping.kernels.jit import kernel

Array = NDArray[Any]


@kernel()
def score_pairs(
    users: Array,
    items: Array,
    mean: float,
    user_bias: Array,
    item_bias: Array,
    user_factors: Array,
    item_factors: Array,
    scores: Array,
) -> None:
    """Set ``scores[j]`` to the prediction for ``(users[j], items[j])``."""
    for j in range(len(users)):
        u, i = users[j], items[j]
        score = (mean + user_bias[u]) + item_bias[i]
        for f in range(user_factors.shape[1]):
            score += user_factors[u, f] * item_factors[i, f]
        scores[j] = score


@kernel(parallel=True)
def score_rows(
    first: int,
    mean: float,
    user_bias: Array,
    item_bias: Array,
    user_factors: Array,
    item_factors_by_factor: Array,
    low: float,
    high: float,
    block: Array,
) -> None:
    """Fill a block of rows, from user `first` on, with predictions clipped to [low, high].

    Parameters
    ----------
    first : int
        The user of the block's first row.
    mean : float
    user_bias, item_bias : float64 arrays, shapes (n,), (m,)
    user_factors : float64 array, shape (n, k)
    item_factors_by_factor : float64 array, shape (k, m)
        Transposed, so that the inner loop runs over items.
    low, high : float
    block : float array, shape (rows, m)
        Overwritten.
    """
    m = len(item_bias)
    for row in prange(len(block)):
        u = first + row
        scores = np.empty(m)
        for i in range(m):
            scores[i] = (mean + user_bias[u]) + item_bias[i]
        for f in range(user_factors.shape[1]):
            factor = user_factors[u, f]
            for i in range(m):
                scores[i] += factor * item_factors_by_factor[f, i]
        for i in range(m):
            block[row, i] = min(max(scores[i], low), high)

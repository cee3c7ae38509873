"""Ratings item by item: dense rows of users, which the formulations for aggregate voting read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grouping import memory
from grouping.ratings import Ratings

EXACT_FLOAT32 = 1 << 24
"""Whole numbers up to here are exact in float32."""

_ROWS = 4096


def item_rows(ratings: Ratings) -> NDArray[np.floating]:
    """Turn complete ratings into a dense array with a row for each item.

    Parameters
    ----------
    ratings : Ratings
        Dense, or CSR with a fill.

    Returns
    -------
    rows : float32 or float64 array, shape (items, users)
        float32 where it holds every rating exactly.

    Raises
    ------
    GroupingError
        If there is not enough memory.
    """
    n, m = ratings.shape
    dtype = narrowest(ratings)
    memory.require(
        n * m * dtype.itemsize,
        f"a dense copy of {n} x {m} ratings",
        "take fewer users or items, or --method greedy",
    )
    matrix = ratings.matrix
    rows = np.empty((m, n), dtype)
    for start in range(0, n, _ROWS):
        users = slice(start, start + _ROWS)
        if isinstance(matrix, np.ndarray):
            rows[:, users] = matrix[users].T
            continue
        part = matrix[users].tocoo()
        rows[:, users] = 0.0 if ratings.fill is None else ratings.fill
        rows[part.col, start + part.row] = part.data
    rows += dtype.type(0)  # no -0.0
    return rows


def narrowest(ratings: Ratings) -> np.dtype[np.floating]:
    """Narrowest type of number that holds the ratings."""
    cells = ratings.matrix if isinstance(ratings.matrix, np.ndarray) else ratings.matrix.data
    fill = 0.0 if ratings.fill is None else ratings.fill
    narrow = float(np.float32(fill)) == fill
    if cells.dtype.kind in "iu":
        largest = max(abs(int(cells.min(initial=0))), abs(int(cells.max(initial=0))))
        narrow = narrow and largest <= EXACT_FLOAT32
    else:
        narrow = narrow and cells.dtype.itemsize <= 4
    return np.dtype(np.float32 if narrow else np.float64)

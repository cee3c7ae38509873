"""Ratings user by user: dense rows of items, which searches over lists read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grouping import memory
from grouping.ratings import Ratings
from grouping.rows.items import narrowest

_ROWS = 4096


def user_rows(ratings: Ratings) -> NDArray[np.floating]:
    """Turn complete ratings into a dense array with a row for each user.

    Parameters
    ----------
    ratings : Ratings
        Dense, or CSR with a fill.

    Returns
    -------
    rows : float32 or float64 array, shape (users, items)
        float32 where it holds every rating exactly. The ratings themselves, where they are such
        an array.

    Raises
    ------
    GroupingError
        If there is not enough memory.
    """
    n, m = ratings.shape
    dtype = narrowest(ratings)
    matrix = ratings.matrix
    if isinstance(matrix, np.ndarray) and matrix.dtype == dtype and matrix.flags.c_contiguous:
        return matrix
    memory.require(
        n * m * dtype.itemsize,
        f"a dense copy of {n} x {m} ratings",
        "take fewer users or items, or --method greedy",
    )
    if isinstance(matrix, np.ndarray):
        return np.ascontiguousarray(matrix, dtype)
    rows = np.full((n, m), 0.0 if ratings.fill is None else ratings.fill, dtype)
    for start in range(0, n, _ROWS):
        part = matrix[start : start + _ROWS].tocoo()
        rows[start + part.row, part.col] = part.data
    return rows

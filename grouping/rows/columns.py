"""Ratings item by item, as float64 rows of users: what searches over lists read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grouping.problem import Problem
from grouping.rows.users import user_rows

KEPT = 1 << 28
"""Bytes of float64 ratings that are kept item by item; beyond, they are gathered when asked for."""

_SLAB = 1 << 20


class Columns:
    """Complete ratings by item.

    Parameters
    ----------
    problem : Problem

    Attributes
    ----------
    users, items : int

    Raises
    ------
    GroupingError
        If CSR ratings do not fit in memory as a dense matrix.
    """

    def __init__(self, problem: Problem) -> None:
        matrix = problem.ratings.matrix
        self.users, self.items = problem.ratings.shape
        if not isinstance(matrix, np.ndarray):
            matrix = user_rows(problem.ratings)
        self._matrix = matrix
        self._rows: NDArray[np.float64] | None = None
        if self.users * self.items * 8 <= KEPT:
            self._rows = np.ascontiguousarray(matrix.T, np.float64)

    def rows(self, items: NDArray[np.int64]) -> NDArray[np.float64]:
        """Ratings of some items.

        Parameters
        ----------
        items : int64 array

        Returns
        -------
        rows : float64 array, shape (len(items), users)
        """
        if self._rows is not None:
            return self._rows[items]
        return np.ascontiguousarray(self._matrix[:, items].T, np.float64)

    def excess(self, multipliers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of what ratings exceed their users' multipliers by.

        Parameters
        ----------
        multipliers : float64 array, shape (users,)

        Returns
        -------
        sums : float64 array, shape (items,)
        """
        sums = np.zeros(self.items)
        if self._rows is not None:
            step = max(1, _SLAB // self.users)
            for start in range(0, self.items, step):
                above = self._rows[start : start + step] - multipliers
                sums[start : start + step] = np.maximum(above, 0.0, out=above).sum(axis=1)
            return sums
        step = max(1, _SLAB // self.items)
        for start in range(0, self.users, step):
            above = self._matrix[start : start + step] - multipliers[start : start + step, None]
            sums += np.maximum(above, 0.0, out=above).sum(axis=0)
        return sums

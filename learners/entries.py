"""Chosen cells of a matrix with their values: ratings held out, or ratings to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Entries:
    """Cells and their values, row by row, columns ascending within a row.

    Attributes
    ----------
    rows, columns : int64 arrays, shape (count,)
    values : float32 array, shape (count,)
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Any, columns: Any, values: Any) -> Entries:
        """Entries in their order.

        Parameters
        ----------
        rows, columns, values : array-like of equal length

        Returns
        -------
        entries : Entries
        """
        rows = np.asarray(rows, dtype=np.int64)
        columns = np.asarray(columns, dtype=np.int64)
        order = np.lexsort((columns, rows))
        return cls(rows[order], columns[order], np.asarray(values, dtype=np.float32)[order])

    @classmethod
    def none(cls) -> Entries:
        """No entries."""
        return cls.of([], [], [])

    @classmethod
    def stored(cls, csr: sp.csr_array) -> Entries:
        """All stored cells of a sparse matrix.

        Parameters
        ----------
        csr : csr_array, columns sorted

        Returns
        -------
        entries : Entries
        """
        rows = np.repeat(np.arange(csr.shape[0], dtype=np.int64), np.diff(csr.indptr))
        return cls(rows, csr.indices.astype(np.int64), csr.data.astype(np.float32))

    def __len__(self) -> int:
        return len(self.values)

    def __add__(self, other: Entries) -> Entries:
        return Entries.of(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.columns, other.columns]),
            np.concatenate([self.values, other.values]),
        )

    def csr(self, shape: tuple[int, int]) -> sp.csr_array:
        """Sparse matrix that stores exactly these cells, zeros among them too.

        Parameters
        ----------
        shape : (int, int)

        Returns
        -------
        csr : csr_array of float32
        """
        starts = np.concatenate(([0], np.cumsum(np.bincount(self.rows, minlength=shape[0]))))
        return sp.csr_array((self.values, self.columns.astype(np.int32), starts), shape=shape)

    def with_values(self, values: NDArray[Any]) -> Entries:
        """Give the same cells other values."""
        return Entries(self.rows, self.columns, np.asarray(values, dtype=np.float32))

    def where(self, chosen: NDArray[np.bool_]) -> Entries:
        """Those that are chosen, in their order."""
        return Entries(self.rows[chosen], self.columns[chosen], self.values[chosen])

    def transposed(self) -> Entries:
        """Rows as columns, columns as rows."""
        return Entries.of(self.columns, self.rows, self.values)

    def within(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Entries:
        """Entries of some rows and columns, renumbered by their places in these lists.

        Parameters
        ----------
        rows, columns : int64 arrays of distinct positions

        Returns
        -------
        entries : Entries
        """
        new_row, new_column = _places(rows), _places(columns)
        row = _look_up(new_row, self.rows)
        column = _look_up(new_column, self.columns)
        kept = (row >= 0) & (column >= 0)
        return Entries.of(row[kept], column[kept], self.values[kept])


def _places(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    places = np.full(int(positions.max(initial=-1)) + 1, -1, dtype=np.int64)
    places[positions] = np.arange(len(positions))
    return places


def _look_up(places: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    known = positions < len(places)
    found = np.full(len(positions), -1, dtype=np.int64)
    found[known] = places[positions[known]]
    return found

"""From rows of a wide table to one dense matrix in the order given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids
from grouping.ratings import Ratings
from grouping.reading.long_table import narrowest
from grouping.reading.needs import MERGED_CELL, USER, require_to_read


class Slabs:
    """A dense matrix that is filled from above, in float32 for as long as that is exact.

    Parameters
    ----------
    most : int
        Largest number of rows there can be.
    width : int
        Number of columns.
    parsing : int
        Bytes that parsing takes at its peak.
    source : str
        The input's name.

    Raises
    ------
    GroupingError
        If memory does not suffice: for the matrix, the ids of its rows and parsing, or, when a
        rating turns up that float32 cannot hold, for a matrix of float64.
    """

    def __init__(self, most: int, width: int, parsing: int, source: str) -> None:
        require_to_read(most * (4 * width + USER) + parsing, source)
        self._matrix: NDArray[Any] = np.empty((most, width), np.float32)
        self._size = 0
        self._source = source

    def add(self, values: NDArray[np.float64]) -> None:
        """Append rows; one value that float32 cannot hold turns the whole to float64."""
        values = narrowest(values)
        if values.dtype == np.float64 and self._matrix.dtype == np.float32:
            require_to_read(8 * self._matrix.size, self._source)
            wide = np.empty(self._matrix.shape)
            wide[: self._size] = self._matrix[: self._size]
            self._matrix = wide
        self._matrix[self._size : self._size + len(values)] = values
        self._size += len(values)

    def matrix(self) -> NDArray[Any]:
        """Return what has been added."""
        return self._matrix[: self._size]


@dataclass
class WideTable:
    """The rows of a wide table.

    Attributes
    ----------
    source : str
        The input's name.
    users : list of str
        Each row's user.
    items : list of str
        Distinct.
    matrix : float32 or float64 array of shape (rows, items)
        NaN where unrated.
    places : callable
        Gives for row numbers where the rows stand in the input, for messages.
    """

    source: str
    users: list[str]
    items: list[str]
    matrix: NDArray[Any]
    places: Callable[[Sequence[int]], list[str]]

    @property
    def rows(self) -> int:
        """Number of rows read."""
        return len(self.users)

    def to_ratings(self, duplicates: str, scale: tuple[float, float] | None) -> tuple[Ratings, int]:
        """Build the matrix; rows of one user are merged cell by cell.

        Parameters
        ----------
        duplicates : str
            ``error``, ``last`` or ``mean``: what two rows of one user mean.
        scale : (float, float), optional
            The declared scale.

        Returns
        -------
        ratings : Ratings
        merged : int
            How many ratings were merged into another one.

        Raises
        ------
        InputError
            If a user has two rows and `duplicates` is ``error``.
        """
        users, matrix, merged = self.users, self.matrix, 0
        if len(set(users)) < len(users):
            users, matrix, merged = self._merged(duplicates)
        ratings = Ratings.of(
            matrix, users=Ids(users, "user"), items=Ids(self.items, "item"), scale=scale,
            source=self.source,
        )  # fmt: skip
        return ratings, merged

    def _merged(self, duplicates: str) -> tuple[list[str], NDArray[Any], int]:
        rows_of: dict[str, list[int]] = {}
        for row, user in enumerate(self.users):
            if user in rows_of and duplicates == "error":
                here, there = self.places([row, rows_of[user][0]])
                raise InputError(
                    f"{self.source}:{here}: user {user!r} has a row again (first at {there}); say "
                    "which rating counts: --duplicates last or mean"
                )
            rows_of.setdefault(user, []).append(row)
        merged = 0
        require_to_read(MERGED_CELL * self.matrix.size, self.source)
        matrix = self.matrix[[rows[0] for rows in rows_of.values()]].astype(np.float64)
        for row, rows in zip(matrix, rows_of.values(), strict=True):
            if len(rows) > 1:
                row[:], lost = _one_row(self.matrix[rows].astype(np.float64), duplicates)
                merged += lost
        return list(rows_of), narrowest(matrix), merged


def item_ids(names: Sequence[str], source: str) -> list[str]:
    """Items that the header of a wide table names.

    Parameters
    ----------
    names : sequence of str
        The header without the users' column.
    source : str
        The input's name.

    Returns
    -------
    items : list of str

    Raises
    ------
    InputError
        If there is none, or one has no name or that of another.
    """
    items = [name.strip() for name in names]
    if not items:
        raise InputError(f"{source}: the header of a wide table names no item")
    column_of: dict[str, int] = {}
    for column, item in enumerate(items, 2):
        if not item:
            raise InputError(f"{source}: column {column} of the header has no name")
        if any("\udc80" <= letter <= "\udcff" for letter in item):
            raise InputError(f"{source}: column {column} of the header is not in UTF-8")
        if item in column_of:
            raise InputError(
                f"{source}: item {item!r} is named twice in the header (columns "
                f"{column_of[item]} and {column}); a wide table has the users' ids in its first "
                "column and the items' in its first line (a bare matrix can be given as .npy)"
            )
        column_of[item] = column
    return items


def _one_row(rows: NDArray[np.float64], duplicates: str) -> tuple[NDArray[np.float64], int]:
    """One user's rows as one, and how many ratings that merges into others."""
    rated = ~np.isnan(rows)
    lost = int(np.maximum(rated.sum(axis=0) - 1, 0).sum())
    if duplicates == "last":
        one = rows[0].copy()
        for row, has in zip(rows, rated, strict=True):
            one[has] = row[has]
        return one, lost
    # sums run in order of size, so that the order of the rows changes no bit
    total = np.sort(np.where(rated, rows, 0.0), axis=0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return total / rated.sum(axis=0), lost

"""From rows (user, item, rating), in whatever order, to one matrix in canonical order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids, canonical_order, id_text
from grouping.ratings import Matrix, Ratings
from grouping.reading.needs import ID, MERGED_ROW, ROW, require_to_read


class Names:
    """Ids met so far, each with its code: a number in order of appearance.

    Parameters
    ----------
    restored : callable
        Gives the text of an id as the input wrote it.
    """

    def __init__(self, restored: Callable[[str], str] = str) -> None:
        self._restored = restored
        self._code: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._code)

    def code(self, name: str) -> int:
        """Code of one id that is not empty, whitespace around it aside."""
        return self._code.setdefault(name.strip(), len(self._code))

    def texts(self, values: Sequence[Any]) -> list[str] | None:
        """Texts of distinct ids, stripped; None if one is empty."""
        texts = [
            (self._restored(value) if type(value) is str else id_text(value)).strip()
            for value in values
        ]
        return texts if all(texts) else None

    def codes(self, texts: Sequence[str], positions: NDArray[np.int32]) -> NDArray[np.int32]:
        """Codes of many rows, of which each holds the id at a position in `texts`."""
        code = self._code
        lookup = [code.setdefault(text, len(code)) for text in texts]
        if lookup == list(range(len(lookup))):
            return positions
        return np.array(lookup, np.int32)[positions]

    def ordered(self) -> tuple[list[str], NDArray[np.int32]]:
        """Ids in canonical order, and for every code its place in that order."""
        names = list(self._code)
        order = canonical_order(names)
        place = np.empty(len(names), np.int32)
        place[order] = np.arange(len(names), dtype=np.int32)
        return [names[i] for i in order.tolist()], place


@dataclass
class LongTable:
    """The rows of a long table.

    Attributes
    ----------
    source : str
        The input's name.
    user_names, item_names : Names
        Ids by code.
    users, items : int32 arrays
        Codes of each row.
    ratings : float64 array
        Finite.
    places : callable
        Gives for row numbers where the rows stand in the input, for messages.
    """

    source: str
    user_names: Names
    item_names: Names
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    ratings: NDArray[np.float64]
    places: Callable[[Sequence[int]], list[str]]

    @property
    def rows(self) -> int:
        """Number of rows read."""
        return len(self.ratings)

    def to_ratings(self, duplicates: str, scale: tuple[float, float] | None) -> tuple[Ratings, int]:
        """Build the matrix: CSR, or dense if every cell is rated.

        Parameters
        ----------
        duplicates : str
            ``error``, ``last`` or ``mean``: what a cell rated twice means.
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
            If a cell is rated twice and `duplicates` is ``error``.
        GroupingError
            If memory does not suffice.
        """
        ids = len(self.user_names) + len(self.item_names)
        require_to_read(ROW * self.rows + ID * ids, self.source)
        users, user_place = self.user_names.ordered()
        items, item_place = self.item_names.ordered()
        rows: NDArray[Any] = user_place[self.users]
        columns: NDArray[Any] = item_place[self.items]
        values = narrowest(self.ratings)
        shape = (len(users), len(items))
        matrix = sp.csr_array(sp.coo_array((values, (rows, columns)), shape=shape))
        merged = len(values) - matrix.nnz
        if merged:
            # the conversion has added duplicates up; they are looked for and merged as asked
            values, rows, columns = self._merged(duplicates, rows, columns, len(items))
            matrix = sp.csr_array(sp.coo_array((values, (rows, columns)), shape=shape))
        result: Matrix = matrix
        if matrix.nnz == shape[0] * shape[1]:
            result = matrix.data.reshape(shape)
        ratings = Ratings.of(
            result, users=Ids(users, "user"), items=Ids(items, "item"), scale=scale,
            source=self.source,
        )  # fmt: skip
        return ratings, merged

    def _merged(
        self, duplicates: str, rows: NDArray[Any], columns: NDArray[Any], m: int
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Cells without duplicates; what is left does not depend on the order of other rows."""
        require_to_read(MERGED_ROW * self.rows, self.source)
        cell = rows.astype(np.int64) * m + columns
        order = np.argsort(cell, kind="stable")
        starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
        if duplicates == "error":
            again = np.setdiff1d(order, order[starts], assume_unique=True).min()
            first = int(np.flatnonzero(cell == cell[again])[0])
            here, there = self.places([int(again), first])
            user, item = np.divmod(cell[again], m)
            raise InputError(
                f"{self.source}:{here}: user {self.user_names.ordered()[0][user]!r} rates item "
                f"{self.item_names.ordered()[0][item]!r} again (first at {there}); say which "
                "rating counts: --duplicates last or mean"
            )
        if duplicates == "last":
            ends = np.append(starts[1:], len(order)) - 1
            values = self.ratings[order[ends]]
        else:
            # sums run in order of size, so that shuffling the rows changes no bit
            by_size = np.lexsort((self.ratings, cell))
            counts = np.diff(starts, append=len(order))
            values = np.add.reduceat(self.ratings[by_size], starts) / counts
        return narrowest(values), *np.divmod(cell[order[starts]], m)


def narrowest(values: NDArray[np.float64]) -> NDArray[Any]:
    """Return ratings as float32 if it holds every one of them exactly, else as they are.

    Parameters
    ----------
    values : float64 array
        May hold NaN.

    Returns
    -------
    values : float32 or float64 array
    """
    with np.errstate(over="ignore", under="ignore"):
        narrow = values.astype(np.float32)
    exact = (narrow == values) | np.isnan(values)
    return narrow if exact.all() else values

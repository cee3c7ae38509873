"""Items that must not be recommended: to anybody, or to whoever excludes them.

An item excluded for any member is never on that group's list. What is excluded for everybody is
left out of the ratings; what single users exclude gets a rating so low that a list with it is
worse than any without, so that every search avoids it by the objective alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InfeasibleError, InputError
from grouping.ids import Ids, id_text, several
from grouping.memory import require
from grouping.ratings import Ratings


@dataclass(frozen=True, eq=False)
class Exclusions:
    """What is excluded, by positions.

    Attributes
    ----------
    items : tuple of int
        Excluded for everybody.
    pairs : int64 array, shape (pairs, 2)
        User and item, for single users; distinct, ascending.
    words : str
        What the user wrote, for messages about single users.
    beyond : tuple of (int, str)
        User and item, where no list can have the item: it is unknown.
    """

    items: tuple[int, ...] = ()
    pairs: NDArray[np.int64] | None = None
    words: str = "exclude"
    beyond: tuple[tuple[int, str], ...] = ()

    @classmethod
    def of(
        cls, users: Ids, items: Ids, given: Any, unknown: str = "", *, beyond: bool = False
    ) -> Exclusions:
        """Read exclusions as a caller gives them.

        Parameters
        ----------
        users, items : Ids
        given : iterable of item ids, mapping of user id to item ids, Exclusions, or None
            Items for everybody; or for single users.
        unknown : str
            Why an item may be unknown, and the way out, to add to the message.
        beyond : bool
            Whether single users may exclude unknown items.

        Returns
        -------
        exclusions : Exclusions

        Raises
        ------
        InputError
            If a user or an item is unknown.
        """
        if given is None:
            return cls()
        if isinstance(given, Exclusions):
            return given
        if not isinstance(given, Mapping):
            some = several(given, f"exclude {given!r}", "items")
            return cls(tuple(sorted({known(items, item, "exclude", unknown) for item in some})))
        named = (
            ("exclude", f"exclude, user {user}", user, item)
            for user, some in given.items()
            for item in several(some, f"exclude, user {user}", "items")
        )
        return cls.of_single(users, items, named, unknown, beyond=beyond)

    @classmethod
    def of_single(
        cls,
        users: Ids,
        items: Ids,
        named: Iterable[tuple[str, str, Any, Any]],
        unknown: str = "",
        *,
        beyond: bool = False,
    ) -> Exclusions:
        """Read what single users exclude.

        Parameters
        ----------
        users, items : Ids
        named : iterable of tuple
            How to name the place of the user and that of the item in a message; user, and item.
        unknown, beyond
            As for `of`.

        Returns
        -------
        exclusions : Exclusions

        Raises
        ------
        InputError
            If a user or an item is unknown.
        """
        pairs, others = [], set()
        for of_user, of_item, user, item in named:
            position = known(users, user, of_user)
            name = id_text(item, "item")
            if beyond and name not in items:
                others.add((position, name))
            else:
                pairs.append((position, known(items, item, of_item, unknown)))
        return cls((), distinct(pairs), beyond=tuple(sorted(others)))

    def of_single_users(self, items: Ids) -> list[str]:
        """Ids of the items that single users exclude, each once."""
        known = [] if self.pairs is None else items.take(np.unique(self.pairs[:, 1]))
        return list(dict.fromkeys([*known, *(item for _, item in self.beyond)]))

    def __bool__(self) -> bool:
        return bool(self.items or self.beyond) or self.pairs is not None

    def left(self, ratings: Ratings, k: int) -> tuple[Ratings, Exclusions]:
        """Leave out the items that are excluded for everybody.

        Parameters
        ----------
        ratings : Ratings
        k : int
            List length, for the message.

        Returns
        -------
        ratings : Ratings
        exclusions : Exclusions
            Of single users, by positions in what is left.

        Raises
        ------
        InputError
            If fewer than k items are left.
        """
        if not self.items:
            return ratings, self
        m = ratings.shape[1]
        kept = np.setdiff1d(np.arange(m), self.items)
        if len(kept) < k:
            raise InputError(
                f"exclude: {len(kept)} of {m} items are left, and lists of k = {k} need {k}: "
                "exclude fewer, or take a smaller k"
            )
        _require_memory(ratings, ratings.dtype.itemsize)
        matrix: Any
        if isinstance(ratings.matrix, np.ndarray):
            matrix = np.take(ratings.matrix, kept, axis=1)  # indexing would give columns in order
        else:
            matrix = sp.csr_array(ratings.matrix[:, kept])
            matrix.sort_indices()
        fewer = replace(ratings, matrix=matrix, items=Ids(ratings.items.take(kept), "item"))
        pairs = self.pairs
        if pairs is not None:
            position = np.full(m, -1, np.int64)
            position[kept] = np.arange(len(kept))
            pairs = np.stack([pairs[:, 0], position[pairs[:, 1]]], axis=1)
            pairs = pairs[pairs[:, 1] >= 0]
        return fewer, replace(
            self, items=(), pairs=None if pairs is None or not len(pairs) else pairs
        )

    def check(self, users: Ids, items: int, k: int) -> None:
        """Refuse what leaves a user without a list.

        Parameters
        ----------
        users : Ids
        items, k : int

        Raises
        ------
        InfeasibleError
            If somebody has fewer than k items left.
        """
        if self.pairs is None:
            return
        excluded = np.bincount(self.pairs[:, 0], minlength=len(users))
        worst = int(excluded.argmax())
        if items - excluded[worst] < k:
            raise InfeasibleError(
                f"{self.words}: user {users[worst]} has {items - excluded[worst]} of {items} items "
                f"left, and lists of k = {k} need {k}: exclude fewer, or take a smaller k"
            )

    def rated(self, ratings: Ratings, rating: float) -> Ratings:
        """Give what single users exclude a rating of its own.

        Parameters
        ----------
        ratings : Ratings
            Complete.
        rating : float

        Returns
        -------
        ratings : Ratings
            float32 where that holds all ratings and this one, else float64; CSR stays CSR.

        Raises
        ------
        GroupingError
            If a copy does not fit.
        """
        if self.pairs is None:
            return ratings
        rows, columns = self.pairs.T
        if isinstance(ratings.matrix, np.ndarray):
            small = ratings.dtype.kind in "iu" and ratings.dtype.itemsize <= 2
            narrow = small or ratings.dtype == np.float32
            narrow = narrow and abs(rating) <= float(np.finfo(np.float32).max)
            dtype = np.dtype(np.float32 if narrow else np.float64)
            _require_memory(ratings, dtype.itemsize)
            matrix = ratings.matrix.astype(dtype)
            matrix[rows, columns] = rating
            return replace(ratings, matrix=matrix, scale=None)
        # places as whole numbers, and twice the cells: as they are listed and as they are kept
        _require_memory(ratings, 40, len(self.pairs))
        stored = ratings.matrix.tocoo()
        n, m = ratings.shape
        excluded = np.isin(
            stored.row.astype(np.int64) * m + stored.col, rows * m + columns, assume_unique=True
        )
        values = np.concatenate(
            [stored.data[~excluded].astype(np.float64), np.full(len(rows), rating)]
        )
        places = (
            np.concatenate([stored.row[~excluded], rows]),
            np.concatenate([stored.col[~excluded], columns]),
        )
        made = sp.csr_array(sp.coo_array((values, places), shape=(n, m)))
        made.sort_indices()
        return replace(ratings, matrix=made, scale=None)


def _require_memory(ratings: Ratings, cell: int, more: int = 0) -> None:
    """Refuse a copy that would not fit, of so many bytes a stored cell."""
    matrix = ratings.matrix
    cells = matrix.size if isinstance(matrix, np.ndarray) else matrix.nnz
    require(
        cell * (cells + more),
        f"a copy of {ratings.source} without what is excluded",
        "leave the items out of the ratings, or take fewer users or items",
    )


def penalty(masses: NDArray[np.float64], weights: NDArray[np.float64], largest: float) -> float:
    """How far below 0 an excluded item's rating must lie that no list with it can be best.

    Parameters
    ----------
    masses : float64 array, shape (n,)
        What the users weigh.
    weights : float64 array, shape (k,)
        Of a list's positions.
    largest : float
        Largest magnitude of a rating.

    Returns
    -------
    penalty : float
        A power of 2. A score below minus half of it is that of an excluded item, any other not.
        Infinite where sums of so many of it would be.
    """
    with np.errstate(over="ignore"):
        together = max(float(masses.sum()), float(len(masses)))
    needed = 8.0 * together * (1.0 + float(weights.sum())) * max(largest, 1.0)
    if not math.isfinite(2.0 * needed * together):
        return math.inf
    return float(2.0 ** math.ceil(math.log2(needed)))


def known(ids: Ids, name: Any, words: str, unknown: str = "") -> int:
    """Position of an id, or a refusal in the user's words, with what else is to be said.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        return ids.position(id_text(name, ids.what))
    except InputError as error:
        more = f": {unknown}" if unknown else ""
        raise InputError(f"{words}: {error}{more}") from error


def distinct(pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64] | None:
    """Pairs as an array, each once, ascending; None where there are none."""
    found = np.array(sorted(set(pairs)), np.int64).reshape(-1, 2)
    return found if len(found) else None

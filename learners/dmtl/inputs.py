"""The inputs x_u and x_i of DMTL: what is known of users, groups and items, as sparse rows.

Users and groups together are called raters: users come first, then the groups that rated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from learners.entries import Entries
from learners.features import Features

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scale:
    """How ratings are standardised.

    Attributes
    ----------
    mean, spread : float
        A rating r is learned as (r - mean) / spread.
    low, high : float
        Predictions are clipped to it.
    """

    mean: float
    spread: float
    low: float
    high: float

    def standard(self, ratings: NDArray[np.float32]) -> Floats:
        """Standardised ratings."""
        return ((ratings - self.mean) / self.spread).astype(np.float32)

    def natural(self, predictions: NDArray[np.float32]) -> Floats:
        """Predictions on the scale of the ratings, clipped."""
        found = predictions.astype(np.float64) * self.spread + self.mean
        return np.clip(found, self.low, self.high).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Known:
    """What a model is trained on and told.

    Attributes
    ----------
    users, groups, items : int
        How many; `groups` are those with ratings of their own.
    ratings : Entries
        Raters (users, then groups) by items, on the scale of the input.
    scale : Scale
    profiles : Features or None
        Of the users.
    attributes : Features or None
        Of the items.
    """

    users: int
    groups: int
    items: int
    ratings: Entries
    scale: Scale
    profiles: Features | None = None
    attributes: Features | None = None

    @property
    def raters(self) -> int:
        """Users and groups."""
        return self.users + self.groups

    def of_users(self) -> Entries:
        """Ratings of users alone."""
        return self.ratings.where(self.ratings.rows < self.users)

    def with_ratings(self, ratings: Entries) -> Known:
        """Return the same with other ratings, for example those of the train part alone."""
        return Known(
            self.users,
            self.groups,
            self.items,
            ratings,
            self.scale,
            self.profiles,
            self.attributes,
        )


@dataclass(frozen=True, eq=False)
class Inputs:
    """Sparse inputs, and where in them a rating stands.

    A rating r of rater a for item i stands in four cells: in the rater's row, its standardised
    value in column ``history[a] + i`` and a mark in ``seen[a] + i``, both times ``rater_scale[a]``;
    in the item's row likewise in ``item_history + a`` and ``item_seen + a``, times
    ``item_scale[i]``. A start of -1 means that the block is left out.

    Attributes
    ----------
    raters : csr_array of float32, shape (raters, width)
    items : csr_array of float32, shape (items, width of the items)
    history, seen : int64 arrays, shape (raters,)
    item_history, item_seen : int
    rater_scale, item_scale : float32 arrays
        1 / sqrt(number of ratings).
    cells : int64 array, shape (ratings,)
        ``rater * items + item`` of each rating, ascending.
    values : float32 array, shape (ratings,)
        The standardised ratings.
    """

    raters: sp.csr_array
    items: sp.csr_array
    history: NDArray[np.int64]
    seen: NDArray[np.int64]
    item_history: int
    item_seen: int
    rater_scale: Floats
    item_scale: Floats
    cells: NDArray[np.int64]
    values: Floats

    @property
    def widths(self) -> tuple[int, int]:
        """Columns of raters and of items: d_u and d_i of the paper."""
        return int(self.raters.shape[1]), int(self.items.shape[1])


def build(known: Known, blocks: Sequence[str]) -> Inputs:
    """Build the inputs.

    ==========  =========================================  =====================================
    block       of raters                                  of items
    ==========  =========================================  =====================================
    id          one column each                            one column each
    history     standardised ratings of the items          standardised ratings by the raters
    seen        which items were rated                     who rated it
    profile     the table of users                         -
    attributes  shares of the rated items' attributes      the table of items
    ==========  =========================================  =====================================

    Groups have histories in columns of their own, since what a group rates together may say
    another thing than what a person rates. Raters and items without ratings have no id: nothing
    could be learned for it.

    Parameters
    ----------
    known : Known
    blocks : sequence of str

    Returns
    -------
    inputs : Inputs
    """
    ratings = known.ratings
    a, i = ratings.rows, ratings.columns
    value = known.scale.standard(ratings.values)
    of_rater = np.bincount(a, minlength=known.raters)
    of_item = np.bincount(i, minlength=known.items)
    rater_scale = (1.0 / np.sqrt(np.maximum(of_rater, 1))).astype(np.float32)
    item_scale = (1.0 / np.sqrt(np.maximum(of_item, 1))).astype(np.float32)
    by_group = a >= known.users
    raters, items = _Columns(known.raters), _Columns(known.items)
    kind = (np.arange(known.raters) >= known.users).astype(np.int64)
    starts = {"history": np.full(2, -1, np.int64), "seen": np.full(2, -1, np.int64)}
    item_starts = {"history": -1, "seen": -1}
    if "id" in blocks:
        rated, occurring = np.flatnonzero(of_rater), np.flatnonzero(of_item)
        raters.add(rated, rated, np.ones(len(rated)), known.raters)
        items.add(occurring, occurring, np.ones(len(occurring)), known.items)
    for name, cell in (("history", value), ("seen", np.ones(len(value), dtype=np.float32))):
        if name not in blocks or not np.any(cell):
            continue
        for group, chosen in enumerate((~by_group, by_group)):
            if chosen.any():
                starts[name][group] = raters.add(
                    a[chosen], i[chosen], (cell * rater_scale[a])[chosen], known.items
                )
        item_starts[name] = items.add(i, a, cell * item_scale[i], known.raters)
    if "profile" in blocks and known.profiles is not None:
        raters.add_dense(known.profiles.matrix)
    if "attributes" in blocks and known.attributes is not None:
        items.add_dense(known.attributes.matrix)
        raters.add_dense(shares(known))
    return Inputs(
        raters.csr(),
        items.csr(),
        starts["history"][kind],
        starts["seen"][kind],
        item_starts["history"],
        item_starts["seen"],
        rater_scale,
        item_scale,
        a * known.items + i,
        value,
    )


def describing(known: Known, source: str) -> sp.csr_array:
    """What KMeans clusters users by.

    Parameters
    ----------
    known : Known
    source : {"all", "ratings", "profiles"}
        Everything but the ids; histories and what was rated; the table of users and the shares
        of attributes.

    Returns
    -------
    rows : csr_array, shape (users, columns)
        Without columns where nothing of the kind is known.
    """
    blocks = {
        "all": ("history", "seen", "profile", "attributes"),
        "ratings": ("history", "seen"),
        "profiles": ("profile", "attributes"),
    }[source]
    kept = known.of_users()
    of_users = Known(
        known.users, 0, known.items, kept, known.scale, known.profiles, known.attributes
    )
    return build(of_users, blocks).raters


def shares(known: Known) -> Floats:
    """Share of each attribute among the items that a rater rated.

    Parameters
    ----------
    known : Known
        With attributes.

    Returns
    -------
    shares : float32 array, shape (raters, attributes)
    """
    assert known.attributes is not None
    rated = Entries(
        known.ratings.rows, known.ratings.columns, np.ones(len(known.ratings), dtype=np.float32)
    ).csr((known.raters, known.items))
    count = np.maximum(np.diff(rated.indptr), 1)[:, None]
    found: Floats = (rated @ known.attributes.matrix / count).astype(np.float32)
    return found


class _Columns:
    """Gathers blocks of columns side by side."""

    def __init__(self, rows: int) -> None:
        self.rows, self.width = rows, 0
        self._cells: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] = []

    def add(
        self,
        row: NDArray[np.int64],
        column: NDArray[np.int64],
        value: NDArray[Any],
        width: int,
    ) -> int:
        start = self.width
        self._cells.append((row, column + start, np.asarray(value, dtype=np.float32)))
        self.width += width
        return start

    def add_dense(self, block: Floats) -> int:
        row, column = np.nonzero(block)
        return self.add(row, column, block[row, column], block.shape[1])

    def csr(self) -> sp.csr_array:
        if not self._cells:
            self.add_dense(np.empty((self.rows, 0), dtype=np.float32))
        row, column, value = (np.concatenate(part) for part in zip(*self._cells, strict=True))
        return sp.csr_array((value, (row, column)), shape=(self.rows, self.width))

"""What lists are worth at given multipliers, proven: the leaves of certificates for AV-min.

A group holds some users for certain, and of the others takes whom it likes at the price of their
multipliers. With a list it is worth at most ``w . constants + sum over the others of max(0, w .
ratings - multiplier)``, the constants being the sums over its own users, for any convex weights w
of the list's items or of some of them. `price_lists` finds all lists worth more than a price, and
tells why no other is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.kernels import itemsets

SLICE = 3e7
"""Work (users x items looked at) between two looks at the clock: about a tenth of a second."""

ROOM = 2000
"""Lists worth more than the price that are kept; where there are more, the price goes up."""

TABLE = 1 << 28
"""Bytes of a table, at most: beyond, the price was too low to be proven."""


@dataclass(frozen=True, eq=False)
class ListPrices:
    """Proof that no list but those found is worth more than a price.

    Sets of items are grown in the given order, each only by items that come later in it. A set is
    left when it is worth no more than the price under the weights of its row, or, where it has
    none, under those of the set without its last item times s / (s + 1), and 1 / (s + 1) for the
    last item, s + 1 being the size. Items outside the order are worth no more by themselves.

    Attributes
    ----------
    price : float
    order : int64 array, shape (candidates,)
        Items.
    parents : int32 array, shape (rows,)
        Row of the set without its last item; -1 for none.
    items : int64 array, shape (rows,)
        Last item of each set.
    weights : float64 array, shape (rows, k)
        Convex weights of the set's items, in the order in which it was grown; then zeros.
    lists : int64 array, shape (found, k)
        The lists that may be worth more, best first.
    list_weights : float64 array, shape (found, k)
    values : float64 array, shape (found,)
        What they are worth at most under these weights.
    """

    price: float
    order: NDArray[np.int64]
    parents: NDArray[np.int32]
    items: NDArray[np.int64]
    weights: NDArray[np.float64]
    lists: NDArray[np.int64]
    list_weights: NDArray[np.float64]
    values: NDArray[np.float64]

    def best(self, count: int) -> list[float]:
        """List the most that `count` distinct lists can be worth, term by term.

        Parameters
        ----------
        count : int

        Returns
        -------
        values : list of float
        """
        values: list[float] = self.values[:count].tolist()
        return values + [self.price] * (count - len(values))


def price_lists(
    rows: NDArray[np.float64],
    order: NDArray[np.int64],
    constants: NDArray[np.float64],
    multipliers: NDArray[np.float64],
    k: int,
    price: float,
    *,
    stop: Callable[[], bool],
    work: float = math.inf,
) -> ListPrices | None:
    """Find all lists worth more than a price.

    Parameters
    ----------
    rows : float64 array, shape (candidates, users)
        Ratings of the items that are worth more than the price by themselves.
    order : int64 array, shape (candidates,)
        These items, in the order of the rows: those worth least first makes the least work.
    constants : float64 array, shape (candidates,)
    multipliers : float64 array, shape (users,)
    k : int
    price : float
    stop : callable
        Asked about every tenth of a second.
    work : float
        Give up after so much (users x items looked at).

    Returns
    -------
    prices : ListPrices or None
        None where it was stopped or gave up. The price may be higher than asked for, where too
        many lists are worth more.
    """
    count = len(order)
    # item by item a table row takes its weights, its parent and its item
    most_rows = TABLE // (8 * k + 12)
    state = np.zeros(3, np.int64)
    cursor, position, kept, path = np.zeros((4, k), np.int64)
    queue_items, queue_rows = np.zeros((2, k, max(count, 1)), np.int64)
    shifted = np.empty((k, len(multipliers)))
    capacity = 256
    parents, items = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
    weights = np.empty((capacity, k))
    found_rows, found_values = np.empty(ROOM, np.int64), np.empty(ROOM)
    while True:
        outcome, price = itemsets.grow_sets(
            rows,
            constants,
            multipliers,
            k,
            price,
            state,
            cursor,
            position,
            kept,
            path,
            queue_items,
            queue_rows,
            shifted,
            parents,
            items,
            weights,
            found_rows,
            found_values,
            int(SLICE),
        )
        if outcome == itemsets.DONE:
            break
        if outcome == itemsets.FULL:
            if capacity >= most_rows:
                return None
            capacity = min(2 * capacity, most_rows)
            parents, items = _longer(parents, capacity), _longer(items, capacity)
            weights = _longer(weights, capacity)
            continue
        work -= SLICE
        if work <= 0 or stop():
            return None
    used, found = int(state[itemsets.USED]), int(state[itemsets.FOUND])
    best_first = np.argsort(-found_values[:found], kind="stable")
    found_rows, found_values = found_rows[best_first], found_values[best_first]
    lists = np.empty((found, k), np.int64)
    at = found_rows.copy()
    for place in range(k - 1, -1, -1):
        lists[:, place] = order[items[at]]
        at = parents[at].astype(np.int64)
    return ListPrices(
        price=float(price),
        order=order,
        parents=parents[:used].copy(),
        items=order[items[:used]],
        weights=weights[:used].copy(),
        lists=lists,
        list_weights=weights[found_rows],
        values=found_values,
    )


def _longer(array: NDArray[Any], capacity: int) -> NDArray[Any]:
    """Copy an array into a longer one."""
    longer = np.empty((capacity, *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer

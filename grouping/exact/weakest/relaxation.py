"""The Lagrangian relaxation of AV-min over a growing pool of lists.

Relaxed is the rule that each user joins one group; see `grouping.exact.weakest.placements` for the
bound that any multipliers give. Multipliers are sought by subgradient steps over the pool; then
all lists are priced, those worth more than the pool's join it, and so on until there are none.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from grouping.exact.weakest.list_prices import ListPrices, price_lists
from grouping.kernels import multipliers as kernel
from grouping.rows.columns import Columns

SLICE = 3e7
"""Work of one call of the kernel, in users x columns x items of a list."""

RATE = 4.0
"""Of the steps in lists' weights, where groups have one member and ratings a range of 1."""

FINISHED = 1e-3
"""Subgradient steps this much shorter than the first ones lead nowhere."""

AGAIN = 0.3
"""Length of the first steps after lists joined."""


ROWS = 1 << 29
"""Bytes of ratings that lists are priced on, at most: of so many users the best items only."""

DEARER = (0.0, 0.1, 0.3, 1.0)
"""Where a price takes too much work to prove, higher ones are tried: by these shares of the way
to the price at which no items are left to look at."""

_USERS = 4096
"""Users at a time."""

_FITTED = 150
"""Lists whose worth tells users' multipliers, or 4 for each group if more."""

_BEST = 10
"""Of what they are worth, so many are told apart by rank as well."""


class Relaxation:
    """Multipliers of users, and the lists that they are adjusted to.

    Parameters
    ----------
    columns : Columns
    groups : int
        Slots there are.
    span : float
        Range of the ratings.
    lists : int64 array, shape (count, k)
        To begin with: at least one for each group is best.
    weights : float64 array, shape (count, k)
        Convex weights of their items.
    multipliers : float64 array, shape (users,)
        To begin with.

    Attributes
    ----------
    lists, weights, multipliers
        As they stand: the multipliers, and the weights with them, of the lowest bound.
    bound : float
        Over the lists of the pool: the bound over all lists is no lower.
    values : float64 array, shape (count,)
        What each list of the pool is worth.
    use : float64 array, shape (count,)
        How often each list was among the best since lists joined last, of 1.
    """

    def __init__(
        self,
        columns: Columns,
        groups: int,
        span: float,
        lists: NDArray[np.int64],
        weights: NDArray[np.float64],
        multipliers: NDArray[np.float64],
    ) -> None:
        self.columns = columns
        self.groups = groups
        self.multipliers = multipliers
        self.span = span
        self.rate = RATE * groups / (columns.users * max(span, 1e-300))
        self.bound = math.inf
        self._items = np.unique(lists)
        self._rows = columns.rows(self._items)
        self._pool(np.sort(lists, axis=1), weights)
        self._length = 1.0

    def _pool(self, lists: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        self.lists, first = np.unique(lists, axis=0, return_index=True)
        self.weights = np.ascontiguousarray(weights[first])
        self.values = np.zeros(len(self.lists))
        self.use = np.zeros(len(self.lists))

    def descend(self, aim: float, steps: int, stop: Callable[[], bool]) -> None:
        """Lower the bound over the pool.

        Parameters
        ----------
        aim : float
            A value of the objective that can be reached.
        steps : int
            At most.
        stop : callable
        """
        users, k = self.columns.users, self.lists.shape[1]
        local = np.searchsorted(self._items, self.lists)
        slots = np.zeros(len(local), np.int64)
        none = np.zeros((0, len(self._items)))
        progress = np.array([math.inf, self._length, 0.0])
        multipliers, weights = self.multipliers.copy(), self.weights.copy()
        self.use[:] = 0.0
        # slices of whole rounds of skipped columns, the same whatever the clock says
        piece = kernel.SKIPPED * max(1, int(SLICE / kernel.SKIPPED / (len(local) * users * k)))
        taken = 0
        while taken < steps and not stop():
            count = min(piece, steps - taken)
            self._step(local, slots, none, multipliers, weights, progress, aim, count)
            taken += count
            if progress[kernel.LENGTH] < FINISHED:
                break
        self.use /= max(taken, 1)
        # what the columns are worth under the best multipliers
        again = np.array([-math.inf, 0.0, 0.0])
        use = self.use.copy()
        self._step(local, slots, none, self.multipliers.copy(), self.weights.copy(), again, aim, 1)
        self.use = use
        self.bound = float(progress[kernel.BEST])
        self._length = AGAIN

    def _step(
        self,
        local: NDArray[np.int64],
        slots: NDArray[np.int64],
        constants: NDArray[np.float64],
        multipliers: NDArray[np.float64],
        weights: NDArray[np.float64],
        progress: NDArray[np.float64],
        aim: float,
        steps: int,
    ) -> None:
        kernel.descend(
            self._rows,
            constants,
            local,
            slots,
            self.groups,
            multipliers,
            weights,
            self.multipliers,
            self.weights,
            progress,
            self.values,
            self.use,
            aim,
            -math.inf,
            self.rate,
            steps,
        )

    @property
    def price(self) -> float:
        """What the poorest list is worth that the bound over the pool takes; at least 0."""
        if len(self.values) < self.groups:
            return 0.0
        return max(0.0, float(np.partition(self.values, -self.groups)[-self.groups]))

    def priced(self, stop: Callable[[], bool], work: float) -> ListPrices | None:
        """Find the lists worth more than those of the pool.

        Parameters
        ----------
        stop : callable
        work : float
            Where it would take more, a higher price is proven.

        Returns
        -------
        prices : ListPrices or None
            None where it was stopped.
        """
        k = self.lists.shape[1]
        singles = self.columns.excess(self.multipliers)
        ascending = np.argsort(singles, kind="stable")
        ranked = singles[ascending[::-1]]
        # k - 1 items worth more by themselves make no list
        highest = float(ranked[k - 1])
        room = max(k, ROWS // (8 * self.columns.users))
        fitting = float(ranked[room]) if room < len(ranked) else -math.inf
        lowest = min(max(self.price, fitting), highest)
        for share in DEARER:
            price = lowest + share * (highest - lowest)
            order = ascending[singles[ascending] > price]
            prices = price_lists(
                self.columns.rows(order),
                order,
                np.zeros(len(order)),
                self.multipliers,
                k,
                price,
                stop=stop,
                work=work,
            )
            if prices is not None or stop():
                return prices
        return None

    def widened(self, columns: Columns, groups: int) -> Relaxation:
        """Relax the problem of more users like these.

        What the lists are worth to a user tells the multiplier nearly: a linear function of it,
        fitted to the users here, is where the descent over all users starts.

        Parameters
        ----------
        columns : Columns
            Of all users.
        groups : int

        Returns
        -------
        relaxation : Relaxation
            Over the lists that were used most, and those worth most.
        """
        near = np.argsort(-self.values, kind="stable")[: 2 * groups]
        used = np.argsort(-self.use, kind="stable")[: max(_FITTED, 4 * groups)]
        kept = np.union1d(used[self.use[used] > 0], near)
        lists, weights = self.lists[kept], self.weights[kept]
        items = np.unique(lists)
        local = np.searchsorted(items, lists)
        told = _features(self.columns.rows(items), local, weights)
        factors = np.linalg.lstsq(told.T, self.multipliers, rcond=None)[0]
        rows = columns.rows(items)
        multipliers = np.empty(columns.users)
        for start in range(0, columns.users, _USERS):
            some = slice(start, start + _USERS)
            multipliers[some] = factors @ _features(rows[:, some], local, weights)
        return Relaxation(columns, groups, self.span, lists, weights, multipliers)

    def extend(self, prices: ListPrices, count: int, keep: int) -> int:
        """Take lists that were found into the pool, and drop those worth least.

        Parameters
        ----------
        prices : ListPrices
        count : int
            Lists to take, at most: the best.
        keep : int
            Lists of the pool to keep.

        Returns
        -------
        joined : int
        """
        known = {tuple(row) for row in self.lists.tolist()}
        order = np.argsort(prices.lists, axis=1)
        found = np.take_along_axis(prices.lists, order, axis=1)
        new = [at for at, row in enumerate(found.tolist()) if tuple(row) not in known][:count]
        if not new:
            return 0
        weights = np.take_along_axis(prices.list_weights, order, axis=1)
        old = np.sort(np.argsort(-self.values, kind="stable")[:keep])
        self._items = np.union1d(self._items, found[new])
        self._rows = self.columns.rows(self._items)
        self._pool(
            np.concatenate([self.lists[old], found[new]]),
            np.concatenate([self.weights[old], weights[new]]),
        )
        return len(new)


def _features(
    rows: NDArray[np.float64], lists: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What lists are worth to users, list by list and best first, and one."""
    sums = np.stack([w @ rows[items] for items, w in zip(lists, weights, strict=True)])
    best = -np.sort(-sums, axis=0)[:_BEST]
    return np.concatenate([sums, best, np.ones((1, rows.shape[1]))])

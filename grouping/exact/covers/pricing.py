"""Pricing under least misery: sets of users worth more than a price, or a proof of none.

Wraps the kernels: cuts the search into windows by what a set loses of the multipliers, and into
slices between which the caller looks at the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from grouping.kernels import pricing as kernels
from grouping.kernels.ascent import climb

SLICE = 100_000
"""Scans of an item's ratings between two looks at the clock: some tenths of a second at most."""

KEPT = 16
"""Sets that a window's search remembers, the last it found."""

WINDOWS = 16
"""Parts of a search: sets that lose about as much of the multipliers bound each other well, but
each part looks at all items first. Lists of one item are searched in one."""

BITS = 46
"""Multipliers are whole multiples of their total over some 2**46: sums of them are exact."""


@dataclass(frozen=True, eq=False)
class Prices:
    """What the members of a set and its value count.

    Attributes
    ----------
    users : int64 array, shape (a,)
        Those with a multiplier.
    multipliers : float64 array, shape (a,)
        Positive.
    levels, discounts : float64 array, shape (q,)
        A value counts less by the discount of the highest level that it exceeds; ascending.
    """

    users: NDArray[np.int64]
    multipliers: NDArray[np.float64]
    levels: NDArray[np.float64]
    discounts: NDArray[np.float64]

    @property
    def total(self) -> float:
        """Sum of the multipliers, exact."""
        return float(self.multipliers.sum())


def exactly_summed(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round numbers so that sums of them are exact.

    Parameters
    ----------
    numbers : float64 array
        Not negative.

    Returns
    -------
    rounded : float64 array
    """
    total = float(numbers.sum())
    if total == 0:
        return numbers
    quantum = math.ldexp(1.0, math.ceil(math.log2(total)) - BITS)
    return np.rint(numbers / quantum) * quantum


@dataclass(frozen=True, eq=False)
class PriceProof:
    """That no set of users is worth more than a price: a search tree to be replayed.

    Attributes
    ----------
    price : float
    windows : float64 array, shape (w + 1,)
        Tree i is about the sets that lose at least ``windows[i]`` of the multipliers' sum and
        less than ``windows[i + 1]``.
    starts : int64 array, shape (w + 1,)
        Steps of tree i: ``steps[starts[i]:starts[i + 1]]``.
    steps : int32 array
        In preorder. An item (0 or more): it is on the list in the first subtree, on none in the
        second. -1: a leaf, which the bound prunes. -2: a pair that must be apart (its number is
        the value): without its first user, without its second. -3: a user (the number is the
        value): in the set, not in it. -4 - j: the minimum of the list's entry j (in the order of
        choosing) is at least the value, or less.
    values : float64 array
        One for each step.
    """

    price: float
    windows: NDArray[np.float64]
    starts: NDArray[np.int64]
    steps: NDArray[np.int32]
    values: NDArray[np.float64]


class _Record(NamedTuple):
    """What a finished window's search recorded, and the worth of its best set, or the price."""

    best: float
    steps: NDArray[np.int32]
    values: NDArray[np.float64]


class Pricer:
    """Searches for sets of users under given prices.

    Parameters
    ----------
    ascending : float64 array, shape (m, a)
        Ratings of each item by the users with a multiplier, ascending.
    users : uint32 array, shape (m, a)
        Whose they are: positions in ``prices.users``.
    prices : Prices
    weights : float64 array, shape (k,)
        Of the list's positions.
    limits : (float, float)
        Sets must be worth more than the first; what they are worth above the second is not
        counted.
    apart : int32 array, shape (c, 2)
        Pairs that no set may hold both of.

    Attributes
    ----------
    nodes : int
        That the last search looked at.
    """

    def __init__(
        self,
        ascending: NDArray[np.float64],
        users: NDArray[np.uint32],
        prices: Prices,
        weights: NDArray[np.float64],
        limits: tuple[float, float],
        apart: NDArray[np.int32],
    ) -> None:
        self._instance = kernels.Instance(
            ascending,
            users,
            prices.multipliers,
            weights,
            prices.levels,
            prices.discounts,
            np.array(limits),
            apart,
        )
        count = 1 if len(weights) == 1 else WINDOWS
        total = prices.total or 1.0  # all multipliers may be 0
        quantum = math.ldexp(1.0, math.ceil(math.log2(total)) - BITS + 8)
        windows = np.unique(np.rint(total * np.arange(count) / count / quantum) * quantum)
        self.windows = np.append(windows, np.inf)
        self._records: list[_Record | None] = [None] * (len(self.windows) - 1)
        self._states: list[kernels.State] = []
        self.nodes = 0

    def climb(self, sets: NDArray[np.bool_], aim: float = -math.inf) -> NDArray[np.float64]:
        """Improve sets by hill climbing; pairs that must be apart are not looked at.

        Parameters
        ----------
        sets : bool array, shape (s, a)
            Changed; none empty.
        aim : float
            Only sets worth more are of use.

        Returns
        -------
        worth : float64 array, shape (s,)
            At least, for they are counted by the items that sets of use can have on their lists.
        """
        worth: NDArray[np.float64] = climb(self._useful(aim), sets, 1e-9)
        return worth

    def _useful(self, aim: float) -> kernels.Instance:
        """Leave out items that no set worth more than an aim has on its list, under min."""
        instance = self._instance
        weights, k = instance.weights, len(instance.weights)
        if weights[:-1].any() or k == 1 or aim == -math.inf:
            return instance
        losses = instance.multipliers[instance.users]
        most = np.minimum(weights[-1] * instance.ascending, instance.limits[1])
        most += losses.sum(axis=1, keepdims=True) - (np.cumsum(losses, axis=1) - losses)
        useful = most.max(axis=1) > aim
        if useful.sum() < k:
            return instance
        return instance._replace(
            ascending=np.ascontiguousarray(instance.ascending[useful]),
            users=np.ascontiguousarray(instance.users[useful]),
        )

    def best_by_item(self, least: float) -> NDArray[np.bool_]:
        """Best set for each item alone as the list; pairs that must be apart are not looked at.

        Parameters
        ----------
        least : float
            Only sets worth more.

        Returns
        -------
        sets : bool array, shape (s, a)
        """
        instance = self._instance
        losses = instance.multipliers[instance.users]
        low, high = instance.limits
        values = instance.weights[0] * instance.ascending
        values = np.where(values > low, np.minimum(values, high), -np.inf)
        discounts = np.concatenate([[0.0], instance.discounts])
        worth = values - discounts[np.searchsorted(instance.levels, values)]
        worth += losses.sum(axis=1, keepdims=True) - (np.cumsum(losses, axis=1) - losses)
        first = worth.argmax(axis=1)
        items = np.flatnonzero(worth.max(axis=1) > least)
        sets = np.zeros((len(items), losses.shape[1]), np.bool_)
        for row, item in enumerate(items):
            sets[row, instance.users[item, first[item] :]] = True
        return sets

    def search(
        self, price: float, work: int, sets: int, over: Callable[[], bool]
    ) -> tuple[PriceProof | None, NDArray[np.bool_]]:
        """Look for sets worth more than a price.

        Windows are searched side by side, each by itself, so that what is found does not depend
        on how many are. Those that an earlier call finished are not searched again.

        Parameters
        ----------
        price : float
            Not less than in earlier calls.
        work : int
            Scans to spend on each window.
        sets : int
            A window with so many sets found is left.
        over : callable
            Whether to stop.

        Returns
        -------
        proof : PriceProof or None
            Of the worth of the best set found, or of the price, where every window was finished.
        found : bool array, shape (f, a)
        """
        stopped = False

        def stop() -> bool:
            return stopped or over()

        def search_window(number: int) -> tuple[NDArray[np.bool_], int]:
            return self._window(number, price, work, sets, stop)

        left = [number for number, record in enumerate(self._records) if record is None]
        with ThreadPoolExecutor(get_num_threads()) as pool:
            try:
                done = list(pool.map(search_window, left))
            finally:
                stopped = True  # an interrupt leaves none at work
        nobody = np.zeros((0, len(self._instance.multipliers)), np.bool_)
        sets_found = np.concatenate([nobody, *(found for found, _ in done)])
        self.nodes = sum(nodes for _, nodes in done)
        records = [record for record in self._records if record is not None]
        if len(records) < len(self._records):
            return None, sets_found
        proof = PriceProof(
            max(price, *(record.best for record in records)),
            self.windows,
            np.cumsum([0, *(len(record.steps) for record in records)]),
            np.concatenate([record.steps for record in records]),
            np.concatenate([record.values for record in records]),
        )
        return proof, sets_found

    def _window(
        self, number: int, price: float, work: int, sets: int, stop: Callable[[], bool]
    ) -> tuple[NDArray[np.bool_], int]:
        """Search one window: sets found, and nodes; keeps a record if it is finished."""
        if stop():
            return np.zeros((0, len(self._instance.multipliers)), np.bool_), 0
        try:
            state = self._states.pop()
        except IndexError:  # others are at work with all there are
            state = kernels.start(self._instance, 128, 1 << 12, KEPT)
        kernels.restart(self._instance, state, price)
        low, high = self.windows[number : number + 2]
        spent = 0
        while True:
            why: int = kernels.search(self._instance, state, low, high, min(SLICE, work), sets)
            spent += int(state.scalars[kernels.WORK])
            if why == kernels.RECORD_FULL:
                state = kernels.enlarged(state, steps=2 * len(state.steps))
            elif why == kernels.TOO_DEEP:
                state = kernels.enlarged(state, depths=2 * len(state.inside))
            elif why != kernels.WORKED or spent >= work or stop():
                break
        if why == kernels.DONE:
            recorded = state.scalars[kernels.STEPS]
            self._records[number] = _Record(
                float(state.best[0]),
                state.steps[:recorded].copy(),
                state.step_values[:recorded].copy(),
            )
        found = state.found[: state.scalars[kernels.FOUND]].copy()
        nodes = int(state.scalars[kernels.NODES])
        self._states.append(state)
        return found, nodes

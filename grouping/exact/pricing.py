"""Pricing under least misery: sets of users worth more than a price, or a proof of none.

Wraps the kernels: cuts the search into windows by what a set loses of the multipliers, and into
slices between which the caller looks at the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.kernels import pricing as kernels
from grouping.kernels.ascent import climb

SLICE = 100_000
"""Scans of an item's ratings between two looks at the clock: some tenths of a second at most."""

KEPT = 16
"""Sets that a window's search remembers, the last it found."""

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
        count = 1 if len(weights) == 1 else 32
        total = prices.total
        quantum = math.ldexp(1.0, math.ceil(math.log2(total)) - BITS + 8)
        windows = np.unique(np.rint(total * np.arange(count) / count / quantum) * quantum)
        self.windows = np.append(windows, np.inf)
        self._state = kernels.start(self._instance, 128, 1 << 12, KEPT)
        self.nodes = 0

    def climb(self, sets: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Improve sets by hill climbing; pairs that must be apart are not looked at.

        Parameters
        ----------
        sets : bool array, shape (s, a)
            Changed; none empty.

        Returns
        -------
        worth : float64 array, shape (s,)
        """
        worth: NDArray[np.float64] = climb(self._instance, sets, 1e-9)
        return worth

    def search(
        self, price: float, work: int, sets: int, over: Callable[[], bool]
    ) -> tuple[PriceProof | None, NDArray[np.bool_]]:
        """Look for sets worth more than a price.

        Parameters
        ----------
        price : float
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
        found, steps, values, starts = [], [], [], [0]
        finished, best = True, price
        for low, high in zip(self.windows, self.windows[1:], strict=False):
            kernels.restart(self._instance, self._state, price)
            why = self._window(low, high, work, sets, over)
            scalars = self._state.scalars
            found.append(self._state.found[: scalars[kernels.FOUND]].copy())
            self.nodes += int(scalars[kernels.NODES])
            finished = finished and why == kernels.DONE
            best = max(best, float(self._state.best[0]))
            if finished:
                recorded = scalars[kernels.STEPS]
                steps.append(self._state.steps[:recorded].copy())
                values.append(self._state.step_values[:recorded].copy())
                starts.append(starts[-1] + int(recorded))
            if over():
                break
        sets_found = np.concatenate(found)
        if not finished or len(starts) < len(self.windows):
            return None, sets_found
        proof = PriceProof(
            best,
            self.windows,
            np.array(starts, np.int64),
            np.concatenate(steps),
            np.concatenate(values),
        )
        return proof, sets_found

    def _window(
        self, low: float, high: float, work: int, sets: int, over: Callable[[], bool]
    ) -> int:
        spent = 0
        while True:
            why: int = kernels.search(
                self._instance, self._state, low, high, min(SLICE, work), sets
            )
            spent += int(self._state.scalars[kernels.WORK])
            if why == kernels.RECORD_FULL:
                self._state = kernels.enlarged(self._state, steps=2 * len(self._state.steps))
            elif why == kernels.TOO_DEEP:
                self._state = kernels.enlarged(self._state, depths=2 * len(self._state.inside))
            elif why != kernels.WORKED or spent >= work:
                return why
            if over():
                return kernels.WORKED

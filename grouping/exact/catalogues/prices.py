"""Which ordered lists are worth more than a price at given multipliers: all of them, found."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping import memory
from grouping.kernels import list_prices as kernels
from grouping.kernels.list_swaps import excess, offer

SLICE = 2e8
"""Ratings looked at between two looks at the clock: less than a tenth of a second."""

LANES = 4
"""Parts of a search that go on side by side: fixed, so that the course is."""

ARENA = 1 << 16
"""Codes of narrow branches that each lane has room for at first."""

FAVOURITES = 64
"""Items of each user that are looked through for the best that may still follow."""

LEVELS = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65_535}
"""Highest codes of ratings."""

_ROWS = 1024


@dataclass(frozen=True, eq=False)
class PricedLists:
    """The lists worth more than a price.

    Attributes
    ----------
    price : float
        No other list is worth more; below 0: there is no other list.
    lists : int64 array, shape (found, k)
        In order of the positions; of lists that differ by the order of positions with equal
        weights, one.
    work : float
        Ratings that were looked at.
    """

    price: float
    lists: NDArray[np.int64]
    work: float


class ListPricing:
    """What lists are worth to users who pay multipliers.

    Parameters
    ----------
    ratings : float32 or float64 array, shape (users, items)
    weights : float64 array, shape (k,)
        Of the positions: positive, not increasing.
    best : float64 array, shape (users, k)
        Each user's highest ratings, descending.
    grain : float or None
        What all ratings are multiples of.

    Raises
    ------
    GroupingError
        If there is not enough memory.
    """

    def __init__(
        self,
        ratings: NDArray[np.floating],
        weights: NDArray[np.float64],
        best: NDArray[np.float64],
        grain: float | None,
    ) -> None:
        self.ratings, self.weights, self.best = ratings, weights, np.ascontiguousarray(best)
        low, high = float(ratings.min()), float(ratings.max())
        self._low, self._step = low, 1.0
        dtype: np.dtype[Any] = np.dtype(np.uint16)
        if grain is not None and (high - low) / grain <= LEVELS[np.dtype(np.uint8)]:
            dtype, self._step = np.dtype(np.uint8), grain
        elif grain is not None and (high - low) / grain <= LEVELS[dtype]:
            self._step = grain
        elif high > low:
            self._step = (high - low) / (LEVELS[dtype] - 1)
        users, items = ratings.shape
        self._favourites = min(items, max(FAVOURITES, len(weights)))
        memory.require(
            users * (items * dtype.itemsize + 8 * self._favourites),
            "searching over lists",
            "take fewer users or items, or --method greedy",
        )
        self._codes = self._coded(dtype)

    def values_of(self, lists: NDArray[np.int64], dtype: type = np.float64) -> NDArray[np.floating]:
        """What users get from lists.

        Parameters
        ----------
        lists : int64 array, shape (count, k)
        dtype : type

        Returns
        -------
        values : array, shape (count, users)
        """
        values: NDArray[np.floating] = np.empty((len(lists), len(self.ratings)), dtype)
        one = np.empty(len(self.ratings))
        for row, items in zip(values, lists, strict=True):
            offer(self.ratings, self.weights, items, one)
            row[:] = one
        return values

    def above(
        self,
        multipliers: NDArray[np.float64],
        price: float,
        room: int,
        stop: Callable[[], bool],
        work: float = math.inf,
    ) -> PricedLists | None:
        """Find all lists worth more than a price.

        Parameters
        ----------
        multipliers : float64 array, shape (users,)
        price : float
        room : int
            Lists to find, about, and `LANES` at the least: where there are more, the price goes up.
        stop : callable
            Asked about every tenth of a second.
        work : float
            Give up after so many ratings.

        Returns
        -------
        priced : PricedLists or None
            None where it was stopped or gave up.
        """
        weights, step = self.weights, self._step
        k, items = len(weights), self.ratings.shape[1]
        users, order, scores = self._root(multipliers, price)
        if k == 1:
            values = weights[0] * scores
            if len(order) > room:
                price = float(values[-room - 1]) * (1.0 + 2.0 * kernels.MARGIN)
            return PricedLists(price, order[-room:, None], float(items))
        frames = self._frames(multipliers, users, order, scores)
        arenas = np.empty((LANES, ARENA), self._codes.matrix.dtype)
        prices, states = np.full(LANES, price / step), np.zeros((LANES, 3), np.int64)
        outcomes = np.full(LANES, kernels.PAUSED)
        share = max(1, room // LANES)
        found_lists, found_values = np.empty((LANES, share, k), np.int64), np.empty((LANES, share))
        spent = 0.0
        while True:
            kernels.search_lanes(
                self._codes,
                arenas,
                frames,
                weights,
                prices,
                states,
                found_lists,
                found_values,
                outcomes,
                int(SLICE / LANES),
            )
            if (outcomes == kernels.DONE).all():
                break
            if (outcomes == kernels.FULL).any():
                arenas = _longer(arenas, int(states[:, kernels.NEEDED].max()))
            prices[:] = prices.max()  # where one lane finds too many lists, all aim higher
            spent += SLICE
            if spent >= work or stop():
                return None
        counts = states[:, kernels.FOUND]
        found = np.concatenate([found_lists[lane, :count] for lane, count in enumerate(counts)])
        raised = prices.max() > price / step
        return PricedLists(float(prices.max()) * step if raised else price, found, spent)

    def highest(self, multipliers: NDArray[np.float64]) -> float:
        """What no list is worth more than, without any search.

        Parameters
        ----------
        multipliers : float64 array, shape (users,)

        Returns
        -------
        price : float
        """
        scores = np.sort(self._scores(multipliers)[1])[::-1]
        return float((self.weights * scores[: len(self.weights)]).sum())

    def _scores(
        self, multipliers: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Levels of users, and scores of items, before any position is filled."""
        levels, sums = np.empty(len(multipliers)), np.empty(self.ratings.shape[1])
        kernels.levels_of(self.best, self.weights, multipliers, levels)
        most = np.ascontiguousarray(self.best[:, 0])
        excess(self.ratings, most, levels, sums)
        return levels, sums

    def _root(
        self, multipliers: NDArray[np.float64], price: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Users and items that matter, items by ascending score, and these scores."""
        levels, sums = self._scores(multipliers)
        order = np.argsort(sums, kind="stable")
        k = len(self.weights)
        best = sums[order[::-1][:k]]
        total = float((self.weights * best).sum())
        scarce = best[-1] - (total - price * (1.0 - kernels.MARGIN)) / self.weights[-1]
        order = order[sums[order] >= scarce]
        return np.flatnonzero(np.isfinite(levels)), order, sums[order]

    def _coded(self, dtype: np.dtype[Any]) -> kernels.Codes:
        """Ratings in whole steps, rounded up, and users' favourite items."""
        users, items = self.ratings.shape
        count = self._favourites
        codes = np.empty((users, items), dtype)
        favourites = np.empty((users, count), np.int32)
        for start in range(0, users, _ROWS):
            part = self.ratings[start : start + _ROWS].astype(np.float64)
            steps = (part - self._low) / self._step
            nearest = np.rint(steps)
            exact = self._low + nearest * self._step == part
            codes[start : start + _ROWS] = np.where(exact, nearest, np.floor(steps) + 1.0)
            if count < items:
                some = np.argpartition(-part, count - 1, axis=1)[:, :count]
            else:
                some = np.tile(np.arange(items), (len(part), 1))
            best_first = np.argsort(-np.take_along_axis(part, some, axis=1), axis=1, kind="stable")
            favourites[start : start + _ROWS] = np.take_along_axis(some, best_first, axis=1)
        own = np.take_along_axis(codes, favourites[:, : len(self.weights)].astype(np.int64), axis=1)
        ceilings = np.zeros((len(self.weights), users))
        for position in range(len(self.weights)):
            rest = self.weights[position + 1 :]
            ceilings[position] = own[:, : len(rest)] @ rest
        return kernels.Codes(codes, favourites, ceilings)

    def _frames(
        self,
        multipliers: NDArray[np.float64],
        users: NDArray[np.int64],
        order: NDArray[np.int64],
        scores: NDArray[np.float64],
    ) -> kernels.Frames:
        """Room for the search, with the first branch in it."""
        k, wide, count, items = len(self.weights), len(order), len(users), self.ratings.shape[1]
        frames = kernels.Frames(
            sizes=np.zeros((LANES, k, 7), np.int64),
            needs=np.empty((LANES, k, count)),
            users=np.empty((LANES, k, count), np.int64),
            rows=np.empty((LANES, k, count), np.int64),
            items=np.empty((LANES, k, wide), np.int64),
            columns=np.empty((LANES, k, wide), np.int64),
            scores=np.empty((LANES, k, wide)),
            allowed=np.ones((LANES, k, wide), np.bool_),
            places=np.full((LANES, k, items), -1, np.int32),
            path=np.zeros((LANES, k), np.int64),
        )
        frames.sizes[:, 0] = count, wide, 0, -1, items, 0, 0
        frames.sizes[:, 0, kernels.CURSOR] = wide - 1 - np.arange(LANES)
        total = float(self.weights.sum())
        frames.needs[:, 0] = (multipliers[users] - total * self._low) / self._step
        frames.users[:, 0], frames.rows[:, 0] = users, users
        frames.items[:, 0], frames.columns[:, 0] = order, order
        frames.scores[:, 0] = scores / self._step
        frames.places[:, 0, order] = np.arange(wide)
        return frames


def _longer(arenas: NDArray[Any], needed: int) -> NDArray[Any]:
    """Copy arenas into ones with at least the room needed."""
    lanes, size = arenas.shape
    longer = np.empty((lanes, max(needed, 2 * size)), arenas.dtype)
    longer[:, :size] = arenas
    return longer

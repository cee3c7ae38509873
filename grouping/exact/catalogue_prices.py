"""Which ordered lists are worth more than a price at given multipliers: all of them, found."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping import memory
from grouping.kernels import list_prices as kernels
from grouping.kernels.list_swaps import excess, offer

SLICE = 2e8
"""Ratings looked at between two looks at the clock: about a tenth of a second."""


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
    """

    def __init__(
        self,
        ratings: NDArray[np.floating],
        weights: NDArray[np.float64],
        best: NDArray[np.float64],
    ) -> None:
        self.ratings, self.weights, self.best = ratings, weights, np.ascontiguousarray(best)

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
            Lists to find, at most: where there are more, the price goes up.
        stop : callable
            Asked about every tenth of a second.
        work : float
            Give up after so many ratings.

        Returns
        -------
        priced : PricedLists or None
            None where it was stopped or gave up.
        """
        weights = self.weights
        k, items = len(weights), self.ratings.shape[1]
        users, order, scores = self._root(multipliers, price)
        if k == 1:
            values = weights[0] * scores
            if len(order) > room:
                price = float(values[-room - 1]) * (1.0 + 2.0 * kernels.MARGIN)
            return PricedLists(price, order[-room:, None], float(items))
        arena, frames = self._frames(multipliers, users, order, scores)
        kernels.prepare(arena, frames, 0, weights, price * (1.0 - kernels.MARGIN))
        state = np.zeros(3, np.int64)
        found_lists, found_values = np.empty((room, k), np.int64), np.empty(room)
        spent = 0.0
        while True:
            outcome, price = kernels.search(
                arena,
                frames,
                weights,
                price,
                state,
                found_lists,
                found_values,
                int(SLICE),
            )
            if outcome == kernels.DONE:
                break
            if outcome == kernels.FULL:
                arena = _longer(arena, int(state[kernels.NEEDED]))
                continue
            spent += SLICE
            if spent >= work or stop():
                return None
        found = found_lists[: state[kernels.FOUND]]
        return PricedLists(float(price), found.copy(), spent)

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

    def _frames(
        self,
        multipliers: NDArray[np.float64],
        users: NDArray[np.int64],
        order: NDArray[np.int64],
        scores: NDArray[np.float64],
    ) -> tuple[NDArray[np.float32], kernels.Frames]:
        """Room for the search, with the first branch in it."""
        k, wide, count = len(self.weights), len(order), len(users)
        memory.require(
            6 * count * wide + count * k * (8 + 4 * k) + 25 * k * wide,
            "searching over lists",
            "take fewer users or items, or --method greedy",
        )
        arena = np.empty(count * wide + max(count * wide // 2, 1000), np.float32)
        ratings = arena[: count * wide].reshape(count, wide)
        for at, user in enumerate(users):
            row = self.ratings[user, order]
            ratings[at] = row
            if row.dtype != np.float32:
                lower = ratings[at] < row
                ratings[at, lower] = np.nextafter(ratings[at, lower], np.float32(np.inf))
        frames = kernels.Frames(
            sizes=np.zeros((k, 5), np.int64),
            needs=np.empty((k, count)),
            items=np.empty((k, wide), np.int64),
            scores=np.empty((k, wide)),
            allowed=np.ones((k, wide), np.bool_),
            tops=np.empty((k, count, k), np.float32),
            path=np.zeros(k, np.int64),
        )
        frames.sizes[0, kernels.USERS], frames.sizes[0, kernels.WIDTH] = count, wide
        frames.needs[0], frames.items[0], frames.scores[0] = multipliers[users], order, scores
        return arena, frames


def _longer(arena: NDArray[np.float32], needed: int) -> NDArray[np.float32]:
    """Copy an arena into one with at least the room needed."""
    longer = np.empty(max(needed, len(arena) + len(arena) // 2), np.float32)
    longer[: len(arena)] = arena
    return longer

"""Alternation within sizes: centres or lists, then everybody where they fit, as sizes allow.

Each half step is the best there is while the other half stays: users are divided by a
transportation problem (`grouping.kernels.transport`), not one by one. Of the constraints only
sizes are looked at.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from grouping.kernels import transport
from grouping.methods.kmeans import one_thread
from grouping.problem import Problem
from grouping.rows.users import user_rows

ROUNDS = 30
"""Alternations, at most."""

MOST_WORK = 4_000_000_000
"""Steps that dividing the users once may take, about: users are passed on one by one."""

CENTRED = 1 << 24
"""Ratings that clusters are sought in, at most: of items that are rated most differently."""


class Sizes:
    """How large groups may be, as far as one may know without other constraints.

    Parameters
    ----------
    problem : Problem

    Attributes
    ----------
    low, high : int64 arrays, shape (groups,)
    """

    def __init__(self, problem: Problem) -> None:
        users, groups = problem.ratings.shape[0], problem.groups
        self.low = np.full(groups, problem.constraints.low(), np.int64)
        self.high = problem.constraints.high(groups, users)

    def suit(self, users: int) -> bool:
        """Whether all groups can be there, and users be divided in a short time."""
        groups = len(self.low)
        work = users * (users + groups**3)
        return bool(self.low.sum() <= users <= self.high.sum() and work <= MOST_WORK)

    def divide(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Divide users so that the sum of values is largest."""
        labels: NDArray[np.int64] = transport.divide(values, self.low, self.high)
        return labels


def clusters(
    problem: Problem, sizes: Sizes, rng: np.random.Generator, stop: Callable[[], bool]
) -> NDArray[np.int64]:
    """Cluster users by their ratings: K-means within sizes, from users drawn at random.

    Parameters
    ----------
    problem : Problem
    sizes : Sizes
        They suit.
    rng : numpy.random.Generator
    stop : callable
        Asked between alternations.

    Returns
    -------
    labels : int64 array, shape (n,)
    """
    rows = user_rows(problem.ratings)
    most = max(1, CENTRED // len(rows))
    if rows.shape[1] > most:
        different = np.argsort(-rows.var(axis=0), kind="stable")[:most]
        rows = rows[:, np.sort(different)]
    points = rows.astype(np.float64)
    points -= points.mean(axis=0)
    centres = points[_spread(points, problem.groups, rng)]
    labels = np.full(len(points), -1, np.int64)
    with one_thread():
        for _ in range(ROUNDS):
            found = sizes.divide(points @ centres.T - 0.5 * (centres**2).sum(axis=1))
            if np.array_equal(found, labels):
                break
            labels = found
            for group in range(len(centres)):
                members = labels == group
                if members.any():
                    centres[group] = points[members].mean(axis=0)
            if stop():
                break
    return labels


def _spread(
    points: NDArray[np.float64], groups: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw users far from each other (k-means++)."""
    chosen = [int(rng.integers(len(points)))]
    nearest = np.full(len(points), np.inf)
    while len(chosen) < groups:
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        shares = np.cumsum(nearest)
        drawn = int(np.searchsorted(shares, rng.random() * shares[-1]))
        chosen.append(min(drawn, len(points) - 1))
    return np.array(chosen)


class ListsWithinSizes:
    """Alternation of lists and users under aggregate voting.

    Under max, sum and wsum no half step loses. Under min users are divided by the sum of the
    list's ratings, which is k times an upper bound on what they are worth.

    Parameters
    ----------
    problem : Problem
        Of aggregate voting, not ndcg.
    sizes : Sizes
        They suit.
    stop : callable
        Asked between alternations.
    """

    def __init__(self, problem: Problem, sizes: Sizes, stop: Callable[[], bool]) -> None:
        self.problem, self.sizes, self.stop = problem, sizes, stop
        self.rows = user_rows(problem.ratings)
        weights = problem.aggregation.weights
        self.weights = np.ones(problem.k) if problem.aggregation.name == "min" else weights

    def lists(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Find each group's best list: int64, shape (groups, k)."""
        return np.stack(
            [
                _best_items(self.rows[labels == group], self.problem.k)
                for group in range(self.problem.groups)
            ]
        )

    def alternate(self, lists: NDArray[np.int64]) -> NDArray[np.int64]:
        """Divide users among lists, make lists for them, until lists stay as they are.

        Parameters
        ----------
        lists : int64 array, shape (groups, k)

        Returns
        -------
        labels : int64 array, shape (n,)
        """
        worth = np.empty((len(self.rows), len(lists)))
        for _ in range(ROUNDS):
            for group, items in enumerate(lists):
                # BLAS would add up in an order that depends on its threads
                rated = self.rows[:, items].astype(np.float64)
                worth[:, group] = np.einsum("ij,j->i", rated, self.weights)
            labels = self.sizes.divide(worth)
            found = self.lists(labels)
            if np.array_equal(found, lists) or self.stop():
                break
            lists = found
        return labels

    def shake(self, labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Give some groups the own list of a user drawn at random instead, and alternate.

        Parameters
        ----------
        labels : int64 array, shape (n,)
        rng : numpy.random.Generator

        Returns
        -------
        labels : int64 array, shape (n,)
        """
        lists = self.lists(labels)
        count = int(rng.integers(1, min(3, len(lists)) + 1))
        for group in rng.choice(len(lists), count, replace=False):
            lists[group] = self.problem.own.items[rng.integers(len(labels))]
        return self.alternate(lists)


def _best_items(rows: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """Items with the largest sums, best first."""
    sums = rows.sum(axis=0, dtype=np.float64)
    found: NDArray[np.int64] = np.argsort(-sums, kind="stable")[:k]
    return found

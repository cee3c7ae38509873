"""Local search for at most l lists of k items, aggregate voting with sums: iterated, over lists.

Each user chooses the list with the best weighted sum (Kleinberg, Papadimitriou and Raghavan, "A
microeconomic view of data mining", 1998: catalogue segmentation). Lists are made one after another
for what the others leave; then single items are exchanged, all items scored at once, until nothing
is better. Shaking makes one or two lists anew, without some of the users. What comes of it is taken
up where it is not much below the best so far (record-to-record travel, Dueck 1993): good choices
of lists lie near one another, but not so that each step between them gains.

Few items are on good lists, so shaken lists are made of those that stand out for somebody; only
what turns out best is climbed from over all items.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.kernels import list_swaps as kernels
from grouping.stopping import Criterion, Standing

EXCHANGES = 50
"""Exchanges in one list between two looks at the clock."""

LEFT_OUT = 0.3
"""Share of users who do not count when a list is made anew."""

PROMISING = 300
"""Items that shaken lists are made of, besides k for each group."""

STANDING_OUT = 0.1
"""An item stands out for a user whose best rating is no more than this share of the ratings' range
above: by how much less."""

BELOW = 1.5e-4
"""Lists worth less than the best are gone on with if it is no more than this share."""


@dataclass(eq=False)
class Catalogues:
    """A list for each group, and what users get from each.

    Attributes
    ----------
    items : int64 array, shape (groups, k)
        In order of the positions.
    values : float64 array, shape (groups, users)
    """

    items: NDArray[np.int64]
    values: NDArray[np.float64]

    def copy(self) -> Catalogues:
        """Copy of the arrays too."""
        return Catalogues(self.items.copy(), self.values.copy())

    @property
    def total(self) -> float:
        """What users get, each from the best list."""
        return float(self.values.max(axis=0).sum())

    @property
    def labels(self) -> NDArray[np.int64]:
        """Each user's best list, the first of equal ones; lists may have no user."""
        labels: NDArray[np.int64] = self.values.argmax(axis=0)
        return labels


class CatalogueSearch:
    """Iterated local search over lists.

    Parameters
    ----------
    ratings : float32 or float64 array, shape (users, items)
    weights : float64 array, shape (k,)
        Of the positions: not negative, not increasing, the first positive.
    rng : numpy.random.Generator
    stop : callable
        Whether to stop, asked after every few exchanges.
    """

    def __init__(
        self,
        ratings: NDArray[np.floating],
        weights: NDArray[np.float64],
        rng: np.random.Generator,
        stop: Callable[[], bool],
    ) -> None:
        self.ratings, self.weights, self.rng, self.stop = ratings, weights, rng, stop
        self.most = ratings.max(axis=1).astype(np.float64)
        self._low = float(ratings.min())
        self._lowest = self._low * float(weights.sum())
        self._sums = np.empty(ratings.shape[1])

    def of_items(self, items: NDArray[np.int64]) -> Catalogues:
        """Take given lists.

        Parameters
        ----------
        items : int64 array, shape (groups, k)

        Returns
        -------
        lists : Catalogues
        """
        lists = Catalogues(items.copy(), np.empty((len(items), len(self.ratings))))
        for own, values in zip(lists.items, lists.values, strict=True):
            kernels.offer(self.ratings, self.weights, own, values)
        return lists

    def greedy(self, groups: int) -> Catalogues:
        """Make lists one after another, each for what users lack under those before.

        Parameters
        ----------
        groups : int

        Returns
        -------
        lists : Catalogues
            Not more than there are users; fewer where it was stopped, but one at least.
        """
        users, k = len(self.ratings), len(self.weights)
        groups = min(groups, users)
        lists = Catalogues(np.empty((groups, k), np.int64), np.empty((groups, users)))
        others = np.full(users, self._lowest)
        for g in range(groups):
            if g and self.stop():
                return Catalogues(lists.items[:g], lists.values[:g])
            self._build(lists, g, others)
            np.maximum(others, lists.values[g], out=others)
        return lists

    def climb(self, lists: Catalogues, groups: list[int] | None = None) -> Catalogues:
        """Exchange items until no exchange of one item is better.

        Parameters
        ----------
        lists : Catalogues
        groups : list of int, optional
            Whose lists to look at first; all are, in the end.

        Returns
        -------
        lists : Catalogues
        """
        lists = lists.copy()
        count = len(lists.items)
        first = list(range(count)) if groups is None else groups
        waiting = deque([*first, *(g for g in range(count) if g not in first)])
        best = _Best(lists.values)
        while waiting and not self.stop():
            g = waiting.popleft()
            gain = kernels.exchange_items(
                self.ratings,
                self.most,
                self.weights,
                np.maximum(best.without(g), self._lowest),
                lists.items[g],
                lists.values[g],
                self._sums,
                EXCHANGES,
            )
            if gain > 0.0:
                best.refresh()
                waiting.extend(h for h in range(count) if h not in waiting)
        return lists

    def shake(self, lists: Catalogues) -> tuple[Catalogues, list[int]]:
        """Make one or two lists anew, for the users that the others leave, but for some.

        Parameters
        ----------
        lists : Catalogues

        Returns
        -------
        lists : Catalogues
        groups : list of int
            Whose lists were changed.
        """
        lists = lists.copy()
        count, users = lists.values.shape
        best = _Best(lists.values)
        changed = [int(g) for g in self.rng.integers(count, size=self.rng.integers(1, 3))]
        for g in changed:
            others = np.maximum(best.without(g), self._lowest)
            others[self.rng.random(users) < LEFT_OUT] = np.inf
            self._build(lists, g, others)
            best.refresh()
        return lists, changed

    def narrowed(self, lists: Catalogues) -> tuple[CatalogueSearch, NDArray[np.int64]]:
        """Search with the same random numbers over the items that stand out, and those of lists.

        Parameters
        ----------
        lists : Catalogues

        Returns
        -------
        search : CatalogueSearch
            This one, if no item is left out.
        items : int64 array
            Its items, ascending.
        """
        items = self.ratings.shape[1]
        count = PROMISING + lists.items.size
        if count >= items:
            return self, np.arange(items)
        span = float(self.most.max()) - self._low
        kernels.excess(self.ratings, self.most, self.most - STANDING_OUT * span, self._sums)
        best = np.argsort(-self._sums, kind="stable")[:count]
        some = np.union1d(best, lists.items)
        narrow = np.ascontiguousarray(self.ratings[:, some])
        return CatalogueSearch(narrow, self.weights, self.rng, self.stop), some

    def _build(self, lists: Catalogues, g: int, others: NDArray[np.float64]) -> None:
        kernels.build_list(
            self.ratings,
            self.most,
            self.weights,
            others,
            lists.items[g],
            lists.values[g],
            self._sums,
        )


class _Best:
    """Each user's best two values over lists that change."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        self._values = values
        self._first, self._second = np.empty((2, values.shape[1]))
        self._owner = np.empty(values.shape[1], np.int64)
        self.refresh()

    def refresh(self) -> None:
        """Look at the values again."""
        kernels.best_two(self._values, self._first, self._second, self._owner)

    def without(self, g: int) -> NDArray[np.float64]:
        """Each user's best value over all lists but one; -infinity where there is no other."""
        return np.where(self._owner == g, self._second, self._first)


def improve(
    search: CatalogueSearch,
    lists: Catalogues,
    enough: Criterion,
    *,
    better: Callable[[Catalogues], None] | None = None,
) -> Catalogues:
    """Climb, then shake and climb again, going on from what is not much worse than the best.

    Parameters
    ----------
    search : CatalogueSearch
        Knows the ratings, the random numbers and when to stop.
    lists : Catalogues
        To start from.
    enough : Criterion
        Asked of the shakes made, and of those in a row that led to nothing better.
    better : callable, optional
        Told lists that are better than all before.

    Returns
    -------
    lists : Catalogues
        The best ones.
    """
    best = search.climb(lists)
    total = best.total
    if better is not None:
        better(best)
    narrow, items = search.narrowed(best)
    at = Catalogues(np.searchsorted(items, best.items), best.values)
    done = quiet = 0
    while not (search.stop() or enough(Standing(iterations=done, quiet=quiet))):
        found = narrow.climb(*narrow.shake(at))
        done, quiet = done + 1, quiet + 1
        reached = found.total
        if reached > total + 1e-12 * abs(total):
            wide = search.climb(Catalogues(items[found.items], found.values))
            best, total, quiet = wide, wide.total, 0
            if better is not None:
                better(best)
        if reached >= total - BELOW * abs(total):
            at = found
    return best

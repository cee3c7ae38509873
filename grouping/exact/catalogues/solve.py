"""Aggregate voting with sums: at most l lists of k items that serve users best.

A group's satisfaction with a list is the weighted sum of its members' ratings, so a formation is
worth what users get who each choose the best of at most l lists: catalogue segmentation
(Kleinberg, Papadimitriou and Raghavan 1998), or the l-median problem with all lists as columns.
With weights of positions that differ, a column is an ordered list.

Multipliers of users bound it (`grouping.kernels.medians`): any choice of lists is worth at most the
sum of the multipliers and of the lists' worths, a list's worth being the sum over users of max(0,
value - multiplier). `grouping.exact.catalogues.prices` finds all lists worth more than a price. So
a choice with a list that is not among those found is worth at most

    sum of the multipliers + the l - 1 best worths + the price,

and a choice among those found is left to the branch and bound of `grouping.exact.medians.tree`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.exact.catalogues.prices import ListPricing, PricedLists
from grouping.exact.grain import grain_of, power_of_two_in, rounded_down
from grouping.exact.medians.solve import middle_multipliers, root_proof, target_above
from grouping.exact.medians.tree import BATCH, Descent, MedianTree, TreeProof, outward, tree_bound
from grouping.exact.search import Search
from grouping.kernels import medians as kernels
from grouping.kernels.list_swaps import excess
from grouping.local import medians as choice
from grouping.local.catalogues import Catalogues, CatalogueSearch, improve
from grouping.problem import Problem
from grouping.rows.users import user_rows
from grouping.stopping import tries

SHAKES, LATER, AFTERWARDS = 60, 300, 300
"""Rounds of the local search before lists are priced, and after a better choice from the pool; at
the end, between two choices from the pool; and at the end where there is no limit."""

STEPS = 1500
"""Subgradient steps between two changes of the pool."""

ROUNDS = 40
"""Changes of the pool, at most."""

OWN_LISTS = 1000
"""Users whose own lists are in the pool at first."""

JOINING = 200
"""Lists that join the pool at a time."""

POOL_BYTES = 1 << 28
"""Bytes of the values of lists, at most."""

MOST_LISTS = 30_000
"""Lists in the pool, at most."""

DEPTHS = (0.25, 0.45, 0.7, 1.0)
"""Lists are branched over that are worth more than a price so much lower than that of the poorest
taken, in shares of it: in turns, since each turn takes many times as long as the one before."""

MOST_BRANCHED, MOST_VALUES = 100_000, 60_000_000
"""Lists that are branched over, at most, and values that they may have, for each user one."""

WORK, MORE_WORK, MOST_WORK = 2e9, 16.0, 1e12
"""Ratings that a search over lists looks at before a higher price is tried: for a bound alone; how
many times as many are looked at first to solve the relaxation, and then each time again; and at
most. Two thousand million take about half a second."""

NARROWED = 5_000_000
"""From so many values on, those to branch over are float32 numbers, rounded up."""

DEARER, STEEP = 1.5, 0.05
"""How many times as high the higher price is; and the least, in shares of the most that any list
can be worth."""

NEAR = 0.25
"""Where the bound over the pool is so near to that over all lists, in shares of the gap, lists are
priced again only to branch over them."""

WORTHWHILE = 0.1
"""In limited time, lists are branched over where that can close this share of the gap, and more of
them where it did."""

SCORED = 1e10
"""Ratings that may be looked at to find the neighbours of lists."""

LATE = 0.3
"""Share of the time left, at its end, in which less and less of the gap is to be closed: a tree
that is left open closes nothing."""

SETTLED = 2e9
"""Values that are looked at to settle multipliers again before lists are branched over."""

TOGETHER = 2e8
"""Nodes are taken a step further side by side that have so many values, about."""

PROMISING, EXCHANGES = 500, 200
"""Lists of the pool that good ones are chosen from, and how often they are shaken for it."""


@dataclass(frozen=True, eq=False)
class CataloguesCertificate:
    """Proof that no formation into at most l groups scores more than the bound.

    The bound is the larger of two: what a choice among the lists is worth at most, by the tree,
    whose columns they are (`grouping.exact.medians.tree.TreeProof`); and what a choice with any
    other list is, by the multipliers and the price. It is rounded down to a multiple of the
    ratings' grain, where they have one and the weights are whole.

    Attributes
    ----------
    multipliers : float64 array, shape (n,)
    price : float
        No other list is worth more; below 0: there is no other list.
    lists : int64 array, shape (count, k)
        In order of the positions, those of weight 0 left out. Of lists that differ by the order
        of positions with equal weights, one stands for all.
    tokens : int64 array
    rows : float32 array, shape (rows, n)
        Multipliers of the tree's leaves.
    bound : float
    """

    multipliers: NDArray[np.float64]
    price: float
    lists: NDArray[np.int64]
    tokens: NDArray[np.int64]
    rows: NDArray[np.float32]
    bound: float


def bound_certificate(
    problem: Problem, steps: int = STEPS, stop: Callable[[], bool] = lambda: False
) -> CataloguesCertificate | None:
    """Bound the objective by subgradient steps over a small pool, and one search over lists.

    Parameters
    ----------
    problem : Problem
        Aggregate voting, sum or weighted sum.
    steps : int
    stop : callable
        Whether to give up, asked several times a second.

    Returns
    -------
    certificate : CataloguesCertificate or None
        None where it was stopped too early.
    """
    instance = Instance(problem)
    local = CatalogueSearch(instance.ratings, instance.weights, np.random.default_rng(0), stop)
    relaxation = Relaxation(instance, local.greedy(instance.slots))
    for _ in range(3):
        relaxation.descend(max(1, steps // 3), relaxation.value, stop)
        if not relaxation.extend(relaxation.neighbours(stop)):
            break
    priced = relaxation.priced(relaxation.price, WORK, stop)
    return None if priced is None else relaxation.certificate(priced)


def solve(search: Search) -> None:
    """Search for good lists, for a bound on all, and for what is left between them.

    Parameters
    ----------
    search : Search
    """
    if search.over:
        return
    instance = Instance(search.problem)
    rng = np.random.default_rng(search.budget.seed)
    local = CatalogueSearch(instance.ratings, instance.weights, rng, lambda: search.over)
    best = Best(search)
    if instance.slots == len(instance.ratings):
        search.offer(np.arange(instance.slots))
    best.offer(local.greedy(instance.slots))
    improve(local, best.lists, tries(SHAKES), better=best.offer)
    if local.stop():
        return
    relaxation = Relaxation(instance, best.lists)
    solved = _relax(search, relaxation)
    while not local.stop():
        worth = best.lists.total
        chosen = _chosen(relaxation, best.lists, rng, local.stop)
        best.offer(local.climb(local.of_items(chosen)))
        if best.lists.total <= worth:
            break
        improve(local, best.lists, tries(SHAKES), better=best.offer)
    if solved:
        _close(search, relaxation, local, best)
    limit = search.budget.iterations
    if limit is None and math.isinf(search.remaining):
        limit = AFTERWARDS
    rounds = 0
    while not local.stop() and (limit is None or rounds < limit):
        few = LATER if limit is None else min(LATER, limit - rounds)
        improve(local, best.lists, tries(few), better=best.offer)
        rounds += few
        chosen = _chosen(relaxation, best.lists, rng, local.stop)
        best.offer(local.climb(local.of_items(chosen)))


class Best:
    """The best lists so far.

    Parameters
    ----------
    search : Search
        Is offered the formations that lists make.
    """

    def __init__(self, search: Search) -> None:
        self._search = search
        self._lists: Catalogues | None = None

    @property
    def lists(self) -> Catalogues:
        """The lists that are worth most."""
        assert self._lists is not None
        return self._lists

    def offer(self, lists: Catalogues) -> None:
        """Keep lists if they are worth more."""
        if self._lists is not None and lists.total <= self._lists.total:
            return
        self._lists = lists
        if self._search.offer(lists.labels):
            self._search.report(lists_worth=lists.total)


class Instance:
    """What all parts of the search need to know.

    Parameters
    ----------
    problem : Problem
        Aggregate voting, sum or weighted sum.

    Attributes
    ----------
    ratings : float32 or float64 array, shape (users, items)
    weights : float64 array, shape (k,)
        Positions of weight 0 are left out.
    slots : int
        Groups that can be of use: no more than users.
    pricing : ListPricing
    grain : float or None
        Of the objective.
    slack : float
        What rounding can do to a bound besides the sums that are rounded outward.
    """

    def __init__(self, problem: Problem) -> None:
        users, _ = problem.ratings.shape
        weights = problem.aggregation.weights
        self.problem = problem
        self.ratings = user_rows(problem.ratings)
        self.weights = np.ascontiguousarray(weights[weights > 0])
        k = len(self.weights)
        self.slots = min(problem.groups, users)
        self.pricing = ListPricing(
            self.ratings,
            self.weights,
            problem.own.scores[:, :k].astype(np.float64),
            grain_of(problem.ratings, k),
        )
        total = float(self.weights.sum())
        largest = max(abs(problem.low), abs(problem.high)) * total
        self.grain = None
        if np.array_equal(self.weights, np.rint(self.weights)):
            self.grain = grain_of(problem.ratings, int(min(users * total, 2.0**60)))
        narrow = self.grain is not None and largest <= power_of_two_in(self.grain) * 2**24
        self.dtype = np.float32 if narrow else np.float64
        self.slack = users * (self.slots + 1) * (k + 4) * np.finfo(np.float64).eps * largest

    @property
    def room(self) -> int:
        """Lists whose values may be held at once."""
        most = POOL_BYTES // (np.dtype(self.dtype).itemsize * len(self.ratings))
        return max(4 * self.slots + 10, min(MOST_LISTS, most))

    def values_of(self, lists: NDArray[np.int64]) -> NDArray[np.floating]:
        """What users get from lists: float32 where that is exact."""
        return self.pricing.values_of(lists, self.dtype)

    def values_to_branch_over(self, lists: NDArray[np.int64]) -> NDArray[np.floating]:
        """What users get from lists at most: float32, rounded up, where there are many values."""
        if len(lists) * len(self.ratings) < NARROWED or self.dtype == np.float32:
            return self.values_of(lists)
        values: NDArray[np.float32] = np.empty((len(lists), len(self.ratings)), np.float32)
        for row, items in zip(values, lists, strict=True):
            exact = self.pricing.values_of(items[None])[0]
            row[:] = exact
            row[row < exact] = np.nextafter(row[row < exact], np.float32(np.inf))
        return values

    def distinct(self, lists: NDArray[np.int64]) -> NDArray[np.int64]:
        """One of each lists that differ in nothing, or by the order where weights are equal.

        Parameters
        ----------
        lists : int64 array, shape (count, k)

        Returns
        -------
        lists : int64 array, shape (distinct, k)
            Sorted; items of equal weight ascending.
        """
        lists = lists.copy()
        starts = np.flatnonzero(np.diff(self.weights, prepend=np.inf, append=-np.inf))
        for first, end in itertools.pairwise(starts.tolist()):
            lists[:, first:end].sort(axis=1)
        return np.unique(lists, axis=0)

    def certificate(
        self,
        multipliers: NDArray[np.float64],
        price: float,
        lists: NDArray[np.int64],
        values: NDArray[np.floating],
        proof: TreeProof,
    ) -> CataloguesCertificate:
        """Put a certificate together: its bound is computed anew and rounded outward.

        Parameters
        ----------
        multipliers : float64 array, shape (users,)
        price : float
        lists : int64 array, shape (count, k)
            All lists worth more, at least.
        values : float array, shape (count, users)
        proof : TreeProof

        Returns
        -------
        certificate : CataloguesCertificate
        """
        bound = tree_bound(values, self.slots, proof, float(values.min()))
        if price >= 0.0:
            bound = max(bound, self.outside(multipliers, price, values))
        bound = rounded_down(math.nextafter(bound + self.slack, math.inf), self.grain)
        return CataloguesCertificate(
            multipliers.copy(), price, lists, proof.tokens, proof.multipliers, bound
        )

    def outside(
        self, multipliers: NDArray[np.float64], price: float, values: NDArray[np.floating]
    ) -> float:
        """Most that a choice is worth with a list that is worth no more than a price.

        Parameters
        ----------
        multipliers : float64 array, shape (users,)
        price : float
        values : float array, shape (count, users)
            Of all lists worth more, at least.

        Returns
        -------
        most : float
            Rounded up.
        """
        worths = np.empty(len(values))
        kernels.worths(values, multipliers, worths)
        others = np.sort(np.maximum(worths, price))[::-1][: self.slots - 1]
        missing = self.slots - 1 - len(others)
        total = math.fsum([*multipliers, *others, price, missing * price])
        magnitude = float(np.abs(multipliers).sum() + others.sum() + (1 + missing) * price)
        return outward(total, magnitude, len(multipliers) + self.slots)


class Relaxation:
    """Multipliers of users, and a pool of lists that they are adjusted to.

    Parameters
    ----------
    instance : Instance
    lists : Catalogues
        Good ones, for the groups.

    Attributes
    ----------
    lists : int64 array, shape (count, k)
        The pool.
    values : float array, shape (count, users)
    descent : Descent
    value : float
        What the good lists are worth.
    """

    def __init__(self, instance: Instance, lists: Catalogues) -> None:
        self.instance = instance
        own = instance.problem.own.items[:, : len(instance.weights)]
        some = np.linspace(0, len(own) - 1, min(len(own), OWN_LISTS, instance.room // 2))
        pool = np.concatenate([lists.items, own[some.astype(np.int64)]])
        self.value = lists.total
        self.lists = instance.distinct(pool)
        self.values = instance.values_of(self.lists)
        start = middle_multipliers(lists.values, np.arange(len(lists.items)))
        self.descent = Descent(self.values, instance.slots, start)

    @property
    def price(self) -> float:
        """What the poorest list is worth that the bound over the pool takes; at least 0."""
        worths, slots = self.descent.worths, self.instance.slots
        if len(worths) < slots:
            return 0.0
        return max(0.0, float(np.partition(worths, -slots)[-slots]))

    def descend(self, steps: int, aim: float, stop: Callable[[], bool]) -> None:
        """Lower the bound over the pool.

        Parameters
        ----------
        steps : int
            At most.
        aim : float
            A value of the objective that can be reached.
        stop : callable
        """
        self.descent.run(steps, aim, stop)

    def neighbours(self, stop: Callable[[], bool]) -> NDArray[np.int64]:
        """Look for lists worth more than the price, one exchange away from the best of the pool.

        Parameters
        ----------
        stop : callable

        Returns
        -------
        lists : int64 array, shape (found, k)
            Not more than `JOINING`, those worth most.
        """
        instance, multipliers = self.instance, self.descent.multipliers
        weights, ratings = instance.weights, instance.ratings
        most = np.ascontiguousarray(instance.pricing.best[:, 0])
        sums = np.empty(ratings.shape[1])
        price = self.price * (1.0 + 1e-7) + 1e-9
        found: dict[tuple[int, ...], float] = {}
        most_lists = max(1, int(SCORED / (ratings.size * len(weights))))
        count = min(3 * instance.slots + 20, most_lists)
        top = np.argsort(-self.descent.worths, kind="stable")[:count]
        for at in top:
            if stop():
                break
            items, values = self.lists[at], self.values[at].astype(np.float64)
            for j, weight in enumerate(weights):
                base = values - weight * ratings[:, items[j]]
                excess(ratings, most, (multipliers - base) / weight, sums)
                sums *= weight
                sums[items] = -1.0
                for item in np.flatnonzero(sums > price):
                    like = items.copy()
                    like[j] = item
                    found[tuple(like.tolist())] = float(sums[item])
                if j and weight != weights[j - 1]:
                    like = items.copy()
                    like[[j - 1, j]] = like[[j, j - 1]]
                    found[tuple(like.tolist())] = price
        chosen = sorted(found, key=lambda like: -found[like])[:JOINING]
        return np.array(chosen, np.int64).reshape(-1, len(weights))

    def extend(self, lists: NDArray[np.int64]) -> bool:
        """Take lists into the pool, and drop those worth least where there are too many.

        Parameters
        ----------
        lists : int64 array, shape (count, k)

        Returns
        -------
        changed : bool
        """
        instance = self.instance
        known = {tuple(row) for row in self.lists.tolist()}
        new = [row for row in instance.distinct(lists).tolist() if tuple(row) not in known]
        if not new:
            return False
        keep = max(instance.room - len(new), 4 * instance.slots)
        old = np.sort(np.argsort(-self.descent.worths, kind="stable")[:keep])
        joined = np.array(new, np.int64)
        self.lists = np.concatenate([self.lists[old], joined])
        self.values = np.concatenate([self.values[old], instance.values_of(joined)])
        self.descent.change(self.values)
        return True

    def priced(self, price: float, work: float, stop: Callable[[], bool]) -> PricedLists | None:
        """Find the lists worth more than a price, or than a higher one where that is too much.

        Parameters
        ----------
        price : float
        work : float
        stop : callable

        Returns
        -------
        priced : PricedLists or None
            None where it was stopped.
        """
        pricing, multipliers = self.instance.pricing, self.descent.multipliers
        highest = pricing.highest(multipliers) * (1.0 + 1e-4) + 1e-9
        while not stop():
            found = pricing.above(multipliers, price, self.instance.room, stop, work)
            if found is not None:
                return found
            price = min(highest, max(DEARER * price, STEEP * highest))
        return None

    def certificate(self, priced: PricedLists) -> CataloguesCertificate:
        """Certificate without branching."""
        instance, multipliers = self.instance, self.descent.multipliers
        lists = self.with_found(priced)
        return instance.certificate(
            multipliers,
            priced.price,
            lists,
            instance.values_of(lists),
            root_proof(self.descent),
        )

    def with_found(self, priced: PricedLists) -> NDArray[np.int64]:
        """List what was found, and one list of the pool where there is nothing."""
        return self.instance.distinct(priced.lists if len(priced.lists) else self.lists[:1])


def _relax(search: Search, relaxation: Relaxation) -> bool:
    """Solve the relaxation; whether that was done before the search was over."""
    work, near = WORK * MORE_WORK, False

    def stop() -> bool:
        return search.over

    for _ in range(ROUNDS):
        aim = max(search.objective, relaxation.value)
        relaxation.descend(STEPS, aim, stop)
        if stop():
            return False
        if relaxation.extend(relaxation.neighbours(stop)):
            continue
        if near:
            return True
        price = relaxation.price
        priced = relaxation.priced(price, work, stop)
        if priced is None:
            return False
        search.prove(relaxation.certificate(priced))
        search.report(columns=len(relaxation.lists), pool_bound=relaxation.descent.bound)
        if stop():
            return False
        gap = search.bound - search.objective
        near = search.bound - relaxation.descent.bound <= NEAR * gap
        if not relaxation.extend(_best(relaxation, priced)):
            if priced.price <= price * (1.0 + 1e-6) or work >= MOST_WORK:
                return True
            work *= MORE_WORK
    return True


def _best(relaxation: Relaxation, priced: PricedLists) -> NDArray[np.int64]:
    """The lists found that are worth most, as many as may join the pool at a time."""
    if len(priced.lists) <= JOINING:
        return priced.lists
    worths = np.empty(len(priced.lists))
    values = relaxation.instance.values_of(priced.lists)
    kernels.worths(values, relaxation.descent.multipliers, worths)
    return priced.lists[np.argsort(-worths, kind="stable")[:JOINING]]


def _chosen(
    relaxation: Relaxation, lists: Catalogues, rng: np.random.Generator, stop: Callable[[], bool]
) -> NDArray[np.int64]:
    """Choose lists for the groups from given ones and the best of the pool, by exchanges."""
    promising = np.argsort(-relaxation.descent.worths, kind="stable")[:PROMISING]
    values = np.concatenate(
        [lists.values.astype(relaxation.values.dtype), relaxation.values[promising]]
    )
    start = np.arange(len(lists.items))
    found, _ = choice.shake(values, start, rng, EXCHANGES, stop)
    return np.concatenate([lists.items, relaxation.lists[promising]])[found]


def _close(search: Search, relaxation: Relaxation, local: CatalogueSearch, best: Best) -> None:
    """Find more lists at lower prices, and branch over them, until nothing better can be left."""
    instance, multipliers = relaxation.instance, relaxation.descent.multipliers
    most = max(instance.slots + 100, MOST_VALUES // len(instance.ratings))
    room = min(MOST_BRANCHED, most)
    for depth in DEPTHS:
        target = target_above(search.objective, instance.grain)
        others = relaxation.descent.bound - relaxation.price
        price = max(target - others, (1.0 - depth) * relaxation.price)
        before = search.bound
        least = WORTHWHILE * (before - search.objective) if math.isfinite(search.remaining) else 0.0
        if others + price > target and before - (others + price) < least:
            return
        lowest = price if price > 0.0 else -1.0
        priced = instance.pricing.above(multipliers, lowest, room, local.stop, MOST_WORK)
        if priced is None:
            return
        _branch(search, relaxation, priced, local, best)
        full = priced.price > max(price, 0.0) * (1.0 + 1e-6)  # a lower price would find no more
        if full or before - search.bound < least or local.stop() or others + price <= target:
            return


def _branch(
    search: Search,
    relaxation: Relaxation,
    priced: PricedLists,
    local: CatalogueSearch,
    best: Best,
) -> None:
    """Branch over lists found, down to what a choice with another list may be worth."""
    instance, multipliers = relaxation.instance, relaxation.descent.multipliers
    lists = relaxation.with_found(priced)
    values = instance.values_to_branch_over(lists)
    outside = -math.inf
    if priced.price >= 0.0:
        outside = instance.outside(multipliers, priced.price, values)

    before, given, finite = search.bound, search.remaining, math.isfinite(search.remaining)

    def left() -> float:
        return search.remaining - pace * tree.proved

    def target() -> float:
        aimed = max(outside, target_above(search.objective, instance.grain))
        late = max(0.0, 1.0 - left() / (LATE * max(given, 1e-9))) if finite else 0.0
        return aimed + min(1.0, late) * max(0.0, before - aimed)

    def better(value: float, columns: NDArray[np.int64]) -> None:
        if value > search.objective:
            best.offer(local.climb(local.of_items(lists[columns])))

    descent = Descent(values, instance.slots, multipliers)
    steps = min(STEPS // 5, max(1, int(SETTLED / values.size)))
    pace = descent.run_timed(steps, search.objective, local.stop, lambda: search.remaining)

    def stop() -> bool:
        return left() <= 0.0 or local.stop()

    together = int(min(BATCH, max(2.0, TOGETHER / values.size)))
    tree = MedianTree(values, instance.slots, descent, float(values.min()), together)
    tree.grow(target, better, stop)
    search.prove(instance.certificate(multipliers, priced.price, lists, values, tree.proof()))
    search.report(columns=len(lists), nodes=tree.nodes)

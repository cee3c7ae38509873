"""Aggregate voting with min: a group is worth the k-th best of the sums of its members' ratings.

Bounds come from the Lagrangian relaxation (`grouping.exact.weakest.relaxation`) and, where that
leaves a gap, from placing users (`grouping.exact.weakest.placements`); formations from the local
search over lists (`grouping.local.weakest`). docs/concepts/exact.md gives the argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from grouping.exact.grain import grain_of
from grouping.exact.search import Search
from grouping.exact.weakest.list_prices import ListPrices
from grouping.exact.weakest.placements import LEAF, Leaf, PlacementCertificate, certificate, twins
from grouping.exact.weakest.placing import NotClosedError, Tree
from grouping.exact.weakest.relaxation import Relaxation
from grouping.local.weakest import Lists, ListSearch, best_items
from grouping.problem import Problem
from grouping.ratings import Ratings
from grouping.rows.columns import Columns
from grouping.stopping import CLOSE, Criterion, NoImprovement, Standing, tries

PROMISING = 300
"""Items that lists are made of before multipliers tell which are good, besides k for each group."""

STEPS = 1500
"""Subgradient steps between two pricings of all lists."""

ROUNDS = 15
"""Pricings of all lists, at most."""

JOINING, KEPT = 80, 300
"""Lists that join the pool after a pricing, and that stay in it, or 4 and 12 for each group."""

WORK, MOST_WORK = 5e8, 1.6e10
"""Work of a pricing (see `price_lists`) before a higher price is tried: at first, and later, when
lists are missed at the higher price. About half a second, and twenty."""

CLOSED = 1e-5
"""The relaxation is solved when the bound over all lists is this near to that over the pool."""

AIM, BELOW = 0.015, 0.002
"""Steps aim this share below what the first lists are worth, or below the bound for a sample."""

SAMPLE, QUICK_ROUNDS, ROUGHLY = 2000, 8, 1e-3
"""For a bound alone: users that are looked at first where there are more; pricings of all their
lists, at most; and how near the bounds over all lists and over the pool come before that."""

STEPS_FOR_MORE = 75
"""For a bound alone, lists join the pool as often as the steps allowed hold so many."""

QUICK_WORK, WORK_EACH = 4e9, 2e5
"""Work of a pricing for a bound alone, or for each user if more."""

QUICK, LONG, LONGEST, EACH = 200_000, 3_000_000, 30_000_000, 20_000
"""Steps of annealing for lists that look good, for the best, and for the best when nothing better
was found for a while; or for each user, if that is fewer."""

AGAIN = 25
"""Rounds without anything better after which users are divided anew, for the longest."""

SHORT, STALE = 20, 300
"""Rounds of the local search without anything better before users are placed, and at the end."""

BETTER = 1e-7
"""Lists are better where they are worth more by this share: weights are settled no closer."""

CHOSEN, UNUSED = 0.65, 0.3
"""Share of the rounds that choose lists from the pool, and what is added to how often each was
used, in units of the mean, when some are drawn."""

NEAR = 1e-3
"""Lists worth less than the best by more than this share are left as they are."""

CLOSABLE = 100
"""Up to so many users are placed one by one where the relaxation leaves a gap."""

NODES, PLACING_TIME = 20_000, 0.5
"""Placements that are tried, at most, and the share of the time left that they may take."""


class Instance:
    """What all parts of the search need to know.

    Parameters
    ----------
    problem : Problem
        Aggregate voting, min.

    Attributes
    ----------
    slots : int
        Groups that can be of use: no more than users, nor than different lists.
    span : float
        Range of the ratings.
    grain : float or None
    """

    def __init__(self, problem: Problem) -> None:
        users, items = problem.ratings.shape
        self.problem = problem
        self.k = problem.k
        self.slots = min(problem.groups, users, math.comb(items, problem.k))
        self.span = problem.high - problem.low
        self.largest = max(abs(problem.low), abs(problem.high))
        self.grain = grain_of(problem.ratings, users)
        self.columns = Columns(problem)

    @cached_property
    def twins(self) -> NDArray[np.int64]:
        """Equal numbers for users with equal ratings."""
        return twins(self.columns.rows(np.arange(self.columns.items)))

    def certificate(self, branches: list[int], leaves: list[Leaf]) -> PlacementCertificate:
        """Put a certificate together."""
        twins = self.twins if len(leaves) > 1 else np.arange(self.columns.users)
        return certificate(branches, leaves, self.slots, self.largest, self.grain, twins)

    def root(self, multipliers: NDArray[np.float64], prices: ListPrices) -> PlacementCertificate:
        """Certificate without placements."""
        return self.certificate([LEAF], [Leaf(multipliers.copy(), (prices,))])


def solve(search: Search, *, closing: bool = True) -> None:
    """Search for good formations and for a bound on all.

    Parameters
    ----------
    search : Search
    closing : bool
        Whether to place users one by one too, which may close the gap but takes long.
    """
    instance = Instance(search.problem)
    rng = np.random.default_rng(search.budget.seed)

    def stop() -> bool:
        return search.over

    start = Start(instance, rng, stop)
    search.offer(start.search.divide(start.lists, min(LONG, EACH * instance.columns.users)))
    search.report(lists_worth=start.lists.value)
    if search.over:
        return
    relaxation = start.relaxation()
    _relax(search, instance, relaxation, start.lists.value)
    improvement = Improvement(search, instance, relaxation, start, rng)
    limit, patience = search.budget.iterations, search.budget.patience
    if closing and instance.columns.users <= CLOSABLE and not search.over:
        improvement.run(NoImprovement(min(SHORT, limit or SHORT, patience or SHORT)))
        _place(search, instance, relaxation)
    if limit is None and patience is None and math.isinf(search.remaining):
        patience = STALE
    improvement.run(tries(limit, patience))


def bound_certificate(
    problem: Problem,
    *,
    steps: int = 300,
    seed: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> PlacementCertificate | None:
    """Bound the objective without searching for formations.

    Of many users a sample is looked at first: it tells which lists are good, and how far each is
    used, from which the multipliers of all users follow nearly.

    Parameters
    ----------
    problem : Problem
        Aggregate voting, min.
    steps : int
        Subgradient steps over all users before lists are priced; from 75 on, lists join and the
        steps are taken again, once for every 75.
    seed : int
        Of the lists to start from, and of the sample.
    stop : callable
        Whether to give up, asked several times a second.

    Returns
    -------
    certificate : PlacementCertificate or None
        None where it was stopped.
    """
    rng = np.random.default_rng(seed)
    instance = Instance(problem)
    users = instance.columns.users
    if users > SAMPLE:
        chosen = np.sort(rng.choice(users, SAMPLE, replace=False))
        of_some = _relaxed_sample(Instance(part(problem, chosen)), rng, stop)
        relaxation = of_some.widened(instance.columns, instance.slots)
        aim = of_some.bound * users / SAMPLE
        aim -= BELOW * abs(aim)
    else:
        start = Start(instance, rng, stop, climb=False)
        relaxation = start.relaxation()
        aim = start.lists.value - AIM * abs(start.lists.value)
    work, best = max(QUICK_WORK, WORK_EACH * users), None
    for _ in range(1 + steps // STEPS_FOR_MORE):
        relaxation.descend(aim, steps, stop)
        prices = relaxation.priced(stop, work)
        if prices is None:
            break
        found = instance.root(relaxation.multipliers, prices)
        best = found if best is None or found.bound < best.bound else best
        near = found.bound - relaxation.bound <= ROUGHLY * abs(relaxation.bound)
        if near or not relaxation.extend(prices, *_joining(instance)):
            break
    return best


def _joining(instance: Instance) -> tuple[int, int]:
    """Lists that join the pool, and that stay in it."""
    return max(JOINING, 4 * instance.slots), max(KEPT, 12 * instance.slots)


def _relaxed_sample(
    instance: Instance, rng: np.random.Generator, stop: Callable[[], bool]
) -> Relaxation:
    """Solve the relaxation for a sample of users, about."""
    start = Start(instance, rng, stop, climb=False)
    relaxation = start.relaxation()
    aim = start.lists.value - AIM * abs(start.lists.value)
    rounds = _rounds(instance, relaxation, aim, QUICK_WORK, stop)
    for prices in islice(rounds, QUICK_ROUNDS):
        bound = instance.root(relaxation.multipliers, prices).bound
        if bound - relaxation.bound <= ROUGHLY * abs(relaxation.bound):
            break
    return relaxation


def part(problem: Problem, users: NDArray[np.int64]) -> Problem:
    """Take some users of a problem.

    Parameters
    ----------
    problem : Problem
    users : int64 array

    Returns
    -------
    problem : Problem
        With the same numbers of groups and of items on lists.
    """
    matrix = problem.ratings.matrix[users]
    ratings = Ratings.of(matrix).with_matrix(matrix, fill=problem.ratings.fill)
    return Problem.of(ratings, "av", "min", problem.groups, problem.k)


class Start:
    """Lists to start from.

    Parameters
    ----------
    instance : Instance
    rng : numpy.random.Generator
    stop : callable
    climb : bool
        Whether to exchange items until nothing is better.

    Attributes
    ----------
    items : int64 array
        Items that lists are made of.
    search : ListSearch
        Over these.
    lists : Lists
        Their items are positions in `items`.
    """

    def __init__(
        self,
        instance: Instance,
        rng: np.random.Generator,
        stop: Callable[[], bool],
        *,
        climb: bool = True,
    ) -> None:
        self.instance = instance
        self.items = promising_items(instance)
        self.search = ListSearch(instance.columns.rows(self.items), instance.span, rng, stop)
        self.lists = self.search.alternate(instance.slots, instance.k)
        if climb:
            first = self.search.climb(self.lists, even=True)
            settled = self.search.settle(first.items)
            self.lists = self.search.climb(settled)

    def relaxation(self) -> Relaxation:
        """Relaxation over these lists and their like.

        Returns
        -------
        relaxation : Relaxation
        """
        rows, lists = self.search.rows, self.lists
        sums = np.sort(
            np.stack(
                [w @ rows[items] for items, w in zip(lists.items, lists.weights, strict=True)]
            ),
            axis=0,
        )
        if len(sums) > 1:
            multipliers = (sums[-1] + sums[-2]) / 2
        else:
            multipliers = sums[-1] - self.instance.span
        pool, weights = self._like()
        return Relaxation(
            self.instance.columns,
            self.instance.slots,
            self.instance.span,
            self.items[pool],
            weights,
            multipliers,
        )

    def _like(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The lists, and each with one item exchanged for one of the group's next best."""
        rows, lists, k = self.search.rows, self.lists, self.instance.k
        sums = np.stack(
            [w @ rows[items] for items, w in zip(lists.items, lists.weights, strict=True)]
        )
        choice = sums.argmax(axis=0)
        next_best = max(1, 25 // k) if len(lists.items) <= 20 else 1
        pool, weights = [lists.items], [lists.weights]
        for g, items in enumerate(lists.items):
            scores = rows[:, choice == g].sum(axis=1)
            scores[items] = -np.inf
            for item in best_items(scores, next_best):
                if not np.isfinite(scores[item]):
                    continue
                like = np.tile(items, (k, 1))
                np.fill_diagonal(like, item)
                pool.append(like)
                weights.append(np.tile(lists.weights[g], (k, 1)))
        return np.concatenate(pool), np.concatenate(weights)


def promising_items(instance: Instance) -> NDArray[np.int64]:
    """Choose the items on most users' own lists, and those that most like.

    Parameters
    ----------
    instance : Instance

    Returns
    -------
    items : int64 array
        Ascending.
    """
    problem = instance.problem
    items = problem.ratings.shape[1]
    count = min(items, PROMISING + instance.k * instance.slots)
    if count == items:
        return np.arange(items)
    named = np.bincount(problem.own.items.ravel(), minlength=items).astype(np.float64)
    liked = instance.columns.excess(problem.own.scores[:, -1] - 0.1 * instance.span)
    return np.sort(best_items(named * instance.span * 0.1 + liked, count))


def _relax(search: Search, instance: Instance, relaxation: Relaxation, worth: float) -> None:
    """Solve the relaxation, and state what it proves."""
    aim = max(search.objective, worth - AIM * abs(worth))
    for prices in _rounds(instance, relaxation, aim, MOST_WORK, lambda: search.over):
        search.prove(instance.root(relaxation.multipliers, prices))
        search.report(columns=len(relaxation.lists), pool_bound=relaxation.bound)
        if search.bound - relaxation.bound <= CLOSED * abs(relaxation.bound):
            return


def _rounds(
    instance: Instance,
    relaxation: Relaxation,
    aim: float,
    most_work: float,
    stop: Callable[[], bool],
) -> Iterator[ListPrices]:
    """Find multipliers, then prices of all lists, then a larger pool, in turns."""
    work = min(WORK, most_work)
    for _ in range(ROUNDS):
        relaxation.descend(aim, STEPS, stop)
        if stop():
            return
        price = relaxation.price
        prices = relaxation.priced(stop, work)
        if prices is None:
            return
        yield prices
        joined = relaxation.extend(prices, *_joining(instance))
        if joined < JOINING and prices.price > price:
            if work >= most_work:
                return
            work *= 4
        elif not joined:
            return


def _place(search: Search, instance: Instance, relaxation: Relaxation) -> None:
    """Place users until nothing better can be left, or it takes too long."""
    if search.over:
        return
    until = search.remaining * PLACING_TIME

    def limit() -> float:
        if instance.grain is not None:
            return search.objective + instance.grain * (1.0 - 1e-9)
        return search.objective + 0.5 * CLOSE * max(1.0, abs(search.objective))

    def stop() -> bool:
        return search.remaining < until or search.over

    tree = Tree(
        instance.columns.rows(np.arange(instance.columns.items)),
        instance.k,
        instance.slots,
        instance.span,
        instance.largest,
        relaxation.lists,
        relaxation.weights,
        limit=limit,
        formation=search.offer,
        stop=stop,
        nodes=NODES,
    )
    with suppress(NotClosedError):
        tree.walk(relaxation.multipliers)
        search.prove(instance.certificate(tree.branches, tree.leaves))
    search.report(nodes=tree.visited)


class Improvement:
    """Iterated local search over lists, that goes on where it stopped.

    Parameters
    ----------
    search : Search
    instance : Instance
    relaxation : Relaxation
        Its lists are the pool to choose from.
    start : Start
    rng : numpy.random.Generator
    """

    def __init__(
        self,
        search: Search,
        instance: Instance,
        relaxation: Relaxation,
        start: Start,
        rng: np.random.Generator,
    ) -> None:
        items = np.union1d(start.items[start.lists.items], relaxation.lists)
        rows = instance.columns.rows(items)
        self.search, self.rng = search, rng
        self.local = ListSearch(rows, instance.span, rng, lambda: search.over)
        self.groups = instance.slots
        self.most_steps = EACH * instance.columns.users
        self.pool = Lists(np.searchsorted(items, relaxation.lists), relaxation.weights, 0.0)
        self.best = Lists(
            np.searchsorted(items, start.items[start.lists.items]),
            start.lists.weights,
            start.lists.value,
        )
        self.rounds = self.stale = 0
        odds = relaxation.use + UNUSED * max(relaxation.use.mean(), 1e-9)
        self.odds = odds / odds.sum()
        if 1 < self.groups <= len(self.pool.items) and not search.over:
            most_used = np.argsort(-relaxation.use, kind="stable")[: self.groups]
            self._judge(self.local.choose(self.pool, most_used))

    def run(self, enough: Criterion) -> None:
        """Shake the best lists and climb.

        Parameters
        ----------
        enough : Criterion
            Asked of the rounds of all runs, and of those of this one that gained nothing.
        """
        self.stale = 0
        while not (self.search.over or enough(Standing(iterations=self.rounds, quiet=self.stale))):
            self.rounds += 1
            self.stale += 1
            if 1 < self.groups < len(self.pool.items) and self.rng.random() < CHOSEN:
                found = self._rechosen()
            else:
                found = self.local.climb(*self.local.shake(self.best))
            self._judge(found)
            if self.stale % AGAIN == AGAIN - 1:
                self._divide(self.best, LONGEST)
            if self.rounds % 10 == 0:
                self.search.report(rounds=self.rounds, lists_worth=self.best.value)

    def _rechosen(self) -> Lists:
        """Exchange some of the best lists, or all, for others of the pool, then for the best.

        Lists that the relaxation used often are drawn often: those of good formations are.
        """
        count = int(self.rng.integers(1, self.groups + 1))
        both = Lists(
            np.concatenate([self.best.items, self.pool.items]),
            np.concatenate([self.best.weights, self.pool.weights]),
            0.0,
        )
        chosen = np.arange(len(self.best.items))
        new = self.rng.choice(len(self.pool.items), count, replace=False, p=self.odds)
        chosen[self.rng.permutation(len(chosen))[:count]] = len(chosen) + new
        near = self.best.value - NEAR * abs(self.best.value)
        found = self.local.choose(both, chosen, near)
        if found.value > near:
            found = self.local.climb(found, np.flatnonzero(chosen >= len(chosen)).tolist())
        return found

    def _judge(self, found: Lists) -> None:
        """Keep lists that are worth more than the best; divide users if they may be."""
        better = False
        least = self.best.value + BETTER * abs(self.best.value)
        if found.value > least:  # by weights that may not be settled yet
            found = self.local.settle(found.items, found.weights)
            better = found.value > least
        if better:
            self.best = found
            self.stale = 0
        self._divide(found, LONG if better else QUICK)

    def _divide(self, lists: Lists, steps: int) -> None:
        """Divide users among lists if that may lead to a better formation."""
        if lists.value > self.search.objective and self.search.offer(
            self.local.divide(lists, min(steps, self.most_steps))
        ):
            self.stale = 0
            self.search.report(rounds=self.rounds, lists_worth=self.best.value)

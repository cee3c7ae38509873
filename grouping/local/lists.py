"""Aggregate voting without constraints: search over lists, each user in the group of the best.

Under max and sums, who is in which group follows from the lists: the list that serves a user
best. Under min it does not, and to assign users so may lower the objective. There the surrogate
is the weighted sum that levels each list's scores (`grouping.local.weakest`), and users are
divided among the lists by annealing whenever the lists are worth enough. The exact side's
relaxation (`grouping.exact.weakest`) tells which lists to start from, so its search is taken
whole, but for the tree that places users: in limited time only.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from grouping.exact import ENUMERATED_USERS
from grouping.exact.search import Search
from grouping.exact.weakest.solve import SAMPLE, solve
from grouping.local import catalogues, medians
from grouping.objective import score
from grouping.problem import Problem
from grouping.rows.items import item_rows
from grouping.rows.users import user_rows
from grouping.stopping import AnyOf, Criterion, NoImprovement, Standing

MOST_LEVELLED = 20_000_000
"""Ratings, for lists with levelled weights."""

SHAKEN_TOGETHER = 10
"""Times that items are shaken between two looks at whether it is enough."""

STALE = 3
"""Shakes of lists that stand in for others and lead to nothing better, in a row."""


def improve(
    search: Search,
    rng: np.random.Generator,
    enough: Criterion,
    start: NDArray[np.int64] | None = None,
) -> None:
    """Offer the formations of better and better lists.

    Parameters
    ----------
    search : Search
        Of a problem of aggregate voting, not ndcg, without constraints; its constraints must
        allow any formation.
    rng : numpy.random.Generator
    enough : Criterion
        Asked of the times that lists were shaken, and of those in a row that gained nothing.
        Under min the search's own iterations and patience count.
    start : int64 array, shape (n,), optional
        Groups whose lists to start from where they are worth more than those made anew; the
        levelled lists of min are always made anew.
    """
    problem = search.problem
    given = (
        None if start is None else score(problem, np.unique(start, return_inverse=True)[1]).lists
    )
    weights = problem.aggregation.weights
    if problem.k == 1 or (problem.aggregation.name != "min" and not weights[1:].any()):
        _items(search, rng, enough, given)
    elif problem.aggregation.name == "min":
        if leaves_moves(problem):
            enough = AnyOf((enough, NoImprovement(STALE)))
            _lists(search, rng, enough, np.ones(problem.k), given)
        else:
            solve(search, closing=math.isfinite(search.remaining))
    else:
        _lists(search, rng, enough, weights[weights > 0], given)


def _items(
    search: Search,
    rng: np.random.Generator,
    enough: Criterion,
    given: NDArray[np.int64] | None,
) -> None:
    """Lists count by their first item."""
    problem = search.problem
    rows = item_rows(problem.ratings)

    def stop() -> bool:
        return search.over

    def offer(items: NDArray[np.int64]) -> None:
        if search.offer(rows[items].argmax(axis=0)):
            search.report()

    items = medians.greedy(rows, problem.groups, problem.low, stop)
    if given is not None:
        own = np.unique(given[:, 0])
        own = np.concatenate([own, np.setdiff1d(items, own)])[: len(items)]
        items = max(items, own, key=lambda some: float(rows[some].max(axis=0).sum()))
    items, value = medians.exchange(rows, items, stop)
    offer(items)
    done = quiet = 0
    while not (search.over or enough(Standing(iterations=done, quiet=quiet))):
        items, found = medians.shake(rows, items, rng, SHAKEN_TOGETHER, stop)
        done, quiet = done + SHAKEN_TOGETHER, quiet + SHAKEN_TOGETHER
        if found > value:
            value, quiet = found, 0
            offer(items)


def bounds_too(problem: Problem) -> bool:
    """Whether the search over lists soon bounds what there is, so that no other bound is needed.

    Under min it solves the exact side's relaxation; of more users a sample is looked at first
    where a bound is all that is wanted, which is quicker.
    """
    by_min = problem.semantics == "av" and problem.aggregation.name == "min" and problem.k > 1
    few = ENUMERATED_USERS < problem.ratings.shape[0] <= SAMPLE
    return by_min and few and not (problem.constraints or leaves_moves(problem))


def leaves_moves(problem: Problem) -> bool:
    """Whether users are to be moved after the search over lists.

    Under min the levelled sums are too much to keep for many users: then lists are sought for
    the sum, for as long as that helps, and the rest is left to moves.
    """
    users, items = problem.ratings.shape
    by_min = problem.aggregation.name == "min" and problem.k > 1
    return by_min and users * items > MOST_LEVELLED


def _lists(
    search: Search,
    rng: np.random.Generator,
    enough: Criterion,
    weights: NDArray[np.float64],
    given: NDArray[np.int64] | None,
) -> None:
    """Lists count by weighted sums."""
    problem = search.problem
    local = catalogues.CatalogueSearch(
        user_rows(problem.ratings),
        np.ascontiguousarray(weights),
        rng,
        lambda: search.over,
    )

    def better(lists: catalogues.Catalogues) -> None:
        if search.offer(lists.labels):
            search.report()

    lists = local.greedy(min(problem.groups, problem.ratings.shape[0]))
    if given is not None:
        lists = max(lists, local.of_items(given[:, : len(weights)]), key=lambda some: some.total)
    better(lists)
    catalogues.improve(local, lists, enough, better=better)

"""Aggregate voting without constraints: search over lists, each user in the group of the best.

Under max and sums, who is in which group follows from the lists: the list that serves a user
best. Under min it does not, and to assign users so may lower the objective. There the surrogate
is the weighted sum that levels each list's scores (`grouping.local.weakest`), and users are
divided among the lists by annealing whenever the lists are worth enough. The exact side's
relaxation (`grouping.exact.weakest`) tells which lists to start from, so its search is taken whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grouping.exact import weakest
from grouping.exact.item_rows import item_rows
from grouping.exact.search import Search
from grouping.exact.user_rows import user_rows
from grouping.local import catalogues, medians
from grouping.problem import Problem

MOST_LEVELLED = 20_000_000
"""Ratings, for lists with levelled weights."""

STALE = 3
"""Shakes of lists that stand in for others and lead to nothing better, in a row."""


def improve(search: Search, rng: np.random.Generator, rounds: int | None) -> None:
    """Offer the formations of better and better lists.

    Parameters
    ----------
    search : Search
        Of a problem of aggregate voting, not ndcg, without constraints; its constraints must
        allow any formation.
    rng : numpy.random.Generator
    rounds : int or None
        Times that the lists are shaken; None for as often as there is time. Under min the
        search's own iterations count.
    """
    problem = search.problem
    weights = problem.aggregation.weights
    if problem.k == 1 or (problem.aggregation.name != "min" and not weights[1:].any()):
        _items(search, rng, rounds)
    elif problem.aggregation.name == "min":
        if leaves_moves(problem):
            _lists(search, rng, rounds, np.ones(problem.k))
        else:
            weakest.solve(search)
    else:
        _lists(search, rng, rounds, weights[weights > 0])


def _items(search: Search, rng: np.random.Generator, rounds: int | None) -> None:
    """Lists count by their first item."""
    problem = search.problem
    rows = item_rows(problem.ratings)

    def stop() -> bool:
        return search.over

    def offer(items: NDArray[np.int64]) -> None:
        if search.offer(rows[items].argmax(axis=0)):
            search.report()

    items = medians.greedy(rows, problem.groups, problem.low, stop)
    items, value = medians.exchange(rows, items, stop)
    offer(items)
    done = 0
    while not search.over and (rounds is None or done < rounds):
        some = min(10, 10 if rounds is None else rounds - done)
        items, found = medians.shake(rows, items, rng, some, stop)
        done += some
        if found > value:
            value = found
            offer(items)


def leaves_moves(problem: Problem) -> bool:
    """Whether users are to be moved after the search over lists.

    Under min the levelled sums are too much to keep for many users: then lists are sought for
    the sum, for as long as that helps, and the rest is left to moves.
    """
    users, items = problem.ratings.shape
    by_min = problem.aggregation.name == "min" and problem.k > 1
    return by_min and users * items > MOST_LEVELLED


def _lists(
    search: Search, rng: np.random.Generator, rounds: int | None, weights: NDArray[np.float64]
) -> None:
    """Lists count by weighted sums."""
    problem = search.problem
    stale = STALE if problem.aggregation.name == "min" else None
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
    better(lists)
    catalogues.improve(local, lists, rounds=rounds, stale=stale, better=better)

"""Aggregate voting without constraints: search over lists, each user in the group of the best.

Under max and sums, who is in which group follows from the lists: the list that serves a user
best. Under min it does not, and to assign users so may lower the objective. There the surrogate
is the weighted sum that levels each list's scores (`grouping.local.weakest`), and users are
divided among the lists by annealing whenever the lists are worth enough.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grouping.exact.item_rows import item_rows
from grouping.exact.search import Search
from grouping.exact.user_rows import user_rows
from grouping.exact.weakest import Improvement, Instance, Start
from grouping.local import catalogues, medians


def improve(search: Search, rng: np.random.Generator, rounds: int | None) -> None:
    """Offer the formations of better and better lists.

    Parameters
    ----------
    search : Search
        Of a problem of aggregate voting, not ndcg, without constraints; its constraints must
        allow any formation.
    rng : numpy.random.Generator
    rounds : int or None
        Times that the lists are shaken; None for as often as there is time.
    """
    problem = search.problem
    weights = problem.aggregation.weights
    if problem.k == 1 or (problem.aggregation.name != "min" and not weights[1:].any()):
        _items(search, rng, rounds)
    elif problem.aggregation.name == "min":
        _levelled_lists(search, rng, rounds)
    else:
        _lists(search, rng, rounds)


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


def _lists(search: Search, rng: np.random.Generator, rounds: int | None) -> None:
    """Lists count by weighted sums."""
    problem = search.problem
    weights = problem.aggregation.weights
    local = catalogues.CatalogueSearch(
        user_rows(problem.ratings),
        np.ascontiguousarray(weights[weights > 0]),
        rng,
        lambda: search.over,
    )

    def better(lists: catalogues.Catalogues) -> None:
        if search.offer(lists.labels):
            search.report()

    lists = local.greedy(min(problem.groups, problem.ratings.shape[0]))
    better(lists)
    catalogues.improve(local, lists, rounds=rounds, better=better)


def _levelled_lists(search: Search, rng: np.random.Generator, rounds: int | None) -> None:
    """Lists count by their last item."""
    instance = Instance(search.problem)
    start = Start(instance, rng, lambda: search.over)
    improvement = Improvement(search, instance, start.relaxation(), start, rng)
    improvement.run(rounds=rounds)

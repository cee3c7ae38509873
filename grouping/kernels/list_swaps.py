"""Lists for users who each choose the best one: items scored all at once, the best exchanges made.

What a user gets from a list is the weighted sum of the user's ratings of its items. A list that
some positions are missing from, or one whose item in one position is exchanged, is judged against
what others offer each user: ratings count as far as they exceed a level.
"""

from __future__ import annotations

import numpy as np

from grouping.kernels.copying import copy_to
from grouping.kernels.jit import kernel

REORDERED = {"reassoc", "contract", "nsz"}
"""Sums may be taken in any order: nothing is proven by them."""


@kernel(fastmath=REORDERED)
def _add_excess(row, level, sums):
    for i in range(row.shape[0]):
        sums[i] += max(row[i] - level, 0.0)


@kernel()
def excess(ratings, most, levels, sums):
    """Sum up what users' ratings of each item exceed the users' levels by.

    Parameters
    ----------
    ratings : float array, shape (users, items)
    most : float64 array, shape (users,)
        Each user's highest rating.
    levels : float64 array, shape (users,)
    sums : float64 array, shape (items,)
        Becomes the sums.
    """
    sums[:] = 0.0
    for u in range(ratings.shape[0]):
        if most[u] > levels[u]:
            _add_excess(ratings[u], levels[u], sums)


@kernel()
def offer(ratings, weights, items, values):
    """What users get from a list, into `values`.

    Parameters
    ----------
    ratings : float array, shape (users, items)
    weights : float64 array, shape (k,)
    items : int64 array, shape (k,)
    values : float64 array, shape (users,)
    """
    for u in range(ratings.shape[0]):
        value = 0.0
        for j in range(items.shape[0]):
            value += weights[j] * ratings[u, items[j]]
        values[u] = value


@kernel()
def build_list(ratings, most, weights, others, items, values, sums):
    """Make a list position by position, for users whom others offer something already.

    What is missing of the others' offer is spread over the positions left.

    Parameters
    ----------
    ratings : float array, shape (users, items)
    most : float64 array, shape (users,)
    weights : float64 array, shape (k,)
    others : float64 array, shape (users,)
        Infinity for users who do not count.
    items : int64 array, shape (k,)
        Becomes the list.
    values : float64 array, shape (users,)
        Become what users get from it.
    sums : float64 array, shape (items,)
        Scratch.
    """
    levels = np.empty(ratings.shape[0])
    values[:] = 0.0
    for j in range(items.shape[0]):
        left = weights[j:].sum()
        if left == 0.0:
            left = 1.0
        for u in range(ratings.shape[0]):
            levels[u] = (others[u] - values[u]) / left
        excess(ratings, most, levels, sums)
        for i in range(j):
            sums[items[i]] = -1.0
        item = np.argmax(sums)
        items[j] = item
        for u in range(ratings.shape[0]):
            values[u] += weights[j] * ratings[u, item]


@kernel()
def _reorder(ratings, weights, others, items, values, sums):
    """Take the list that the users who choose it like best; whether it is worth more."""
    before, after = 0.0, 0.0
    sums[:] = 0.0
    for u in range(ratings.shape[0]):
        if values[u] > others[u]:
            before += values[u]
            for i in range(ratings.shape[1]):
                sums[i] += ratings[u, i]
    best = np.empty(items.shape[0], np.int64)
    for j in range(items.shape[0]):
        best[j] = np.argmax(sums)
        after += weights[j] * sums[best[j]]
        sums[best[j]] = -np.inf
    if not after > before + 1e-9 * max(1.0, abs(before)):
        return False
    copy_to(items, best)
    offer(ratings, weights, items, values)
    return True


@kernel()
def exchange_items(ratings, most, weights, others, items, values, sums, rounds):
    """Make the best exchange of one item of a list, again and again, until none is better.

    Where none is, the list that its users like best is taken, if it is worth more.

    Parameters
    ----------
    ratings : float array, shape (users, items)
    most : float64 array, shape (users,)
    weights : float64 array, shape (k,)
    others : float64 array, shape (users,)
        The best that other lists offer.
    items : int64 array, shape (k,)
    values : float64 array, shape (users,)
        What users get from the list; both are changed.
    sums : float64 array, shape (items,)
        Scratch.
    rounds : int
        Exchanges, at most.

    Returns
    -------
    gain : float
        By which users get more, from the best of this list and the others.
    """
    users, k = ratings.shape[0], items.shape[0]
    levels = np.empty(users)
    first = 0.0
    for u in range(users):
        first += max(values[u] - others[u], 0.0)
    reached = first
    for _ in range(rounds):
        best = reached + 1e-9 * max(1.0, abs(reached))
        place, item = -1, -1
        for j in range(k):
            if weights[j] == 0.0:
                continue
            for u in range(users):
                base = values[u] - weights[j] * ratings[u, items[j]]
                levels[u] = (others[u] - base) / weights[j]
            excess(ratings, most, levels, sums)
            for i in range(k):
                sums[items[i]] = -1.0
            found = np.argmax(sums)
            if weights[j] * sums[found] > best:
                best, place, item = weights[j] * sums[found], j, found
        if place >= 0:
            items[place] = item
            offer(ratings, weights, items, values)
        elif not _reorder(ratings, weights, others, items, values, sums):
            break
        reached = 0.0
        for u in range(users):
            reached += max(values[u] - others[u], 0.0)
    return reached - first


@kernel()
def best_two(values, first, second, owner):
    """Each user's best and second best value, and which list the best is.

    Parameters
    ----------
    values : float64 array, shape (lists, users)
    first, second : float64 arrays, shape (users,)
    owner : int64 array, shape (users,)
    """
    for u in range(values.shape[1]):
        first[u], second[u], owner[u] = -np.inf, -np.inf, 0
    for g in range(values.shape[0]):
        for u in range(values.shape[1]):
            value = values[g, u]
            if value > first[u]:
                second[u] = first[u]
                first[u], owner[u] = value, g
            elif value > second[u]:
                second[u] = value

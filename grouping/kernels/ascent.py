"""Better sets of users for pricing, by hill climbing: one item of the list changed at a time."""

from __future__ import annotations

import numpy as np
from numba import prange

from grouping.kernels.jit import kernel
from grouping.kernels.pricing import count_minima


@kernel()
def _first_list(instance, members, items, minima):
    """The list of a set of users: its k items with the highest minima, and these."""
    k = instance.weights.shape[0]
    filled = 0
    for item in range(instance.users.shape[0]):
        lowest = 0.0
        for position in range(instance.users.shape[1]):
            if members[instance.users[item, position]]:
                lowest = instance.ascending[item, position]
                break
        if filled < k:
            at = filled
            filled += 1
        elif lowest > minima[k - 1]:
            at = k - 1
        else:
            continue
        while at > 0 and minima[at - 1] < lowest:
            minima[at] = minima[at - 1]
            items[at] = items[at - 1]
            at -= 1
        minima[at] = lowest
        items[at] = item


@kernel()
def _without(instance, items, minima, entry, inside):
    """Mark the users who rate all of the list but one entry high enough; sum their multipliers."""
    weight = 0.0
    inside[:] = True
    for j in range(items.shape[0]):
        if j != entry:
            for position in range(instance.users.shape[1]):
                if instance.ascending[items[j], position] >= minima[j]:
                    break
                inside[instance.users[items[j], position]] = False
    for user in range(inside.shape[0]):
        if inside[user]:
            weight += instance.multipliers[user]
    return weight


@kernel()
def _best_entry(instance, items, minima, entry, inside, weight, scratch, worth):
    """Best item and threshold for one entry of a list, if better than `worth`."""
    best, best_item, best_minimum = worth, -1, 0.0
    last_position = instance.users.shape[1] - 1
    for item in range(instance.users.shape[0]):
        listed = False
        for j in range(items.shape[0]):
            listed = listed or (j != entry and items[j] == item)
        if listed:
            continue
        minima[entry] = instance.ascending[item, last_position]
        most = count_minima(instance, minima, scratch)
        loss, last = 0.0, -np.inf
        for position in range(instance.users.shape[1]):
            user = instance.users[item, position]
            if not inside[user]:
                continue
            if most + weight - loss <= best:
                break
            rating = instance.ascending[item, position]
            if rating > last:
                last = rating
                minima[entry] = rating
                found = weight - loss + count_minima(instance, minima, scratch)
                if found > best:
                    best, best_item, best_minimum = found, item, rating
            loss += instance.multipliers[user]
    return best, best_item, best_minimum


@kernel()
def _climb(instance, members, least):
    """Improve one set: see `climb`."""
    k, a = instance.weights.shape[0], instance.users.shape[1]
    items, minima = np.empty(k, np.int64), np.empty(k)
    inside, scratch = np.empty(a, np.bool_), np.empty(k)
    _first_list(instance, members, items, minima)
    worth = _without(instance, items, minima, -1, inside)
    worth += count_minima(instance, minima, scratch)
    unchanged, entry = 0, 0
    while unchanged < k:
        weight = _without(instance, items, minima, entry, inside)
        before = minima[entry]
        found, item, minimum = _best_entry(
            instance, items, minima, entry, inside, weight, scratch, worth + least
        )
        if item >= 0:
            worth, items[entry], minima[entry] = found, item, minimum
            unchanged = 0
        else:
            minima[entry] = before
            unchanged += 1
        entry = (entry + 1) % k
    _without(instance, items, minima, -1, members)
    return worth


@kernel(parallel=True)
def climb(instance, sets, least):
    """Improve sets of users until no single entry of their lists can be changed for the better.

    Parameters
    ----------
    instance : grouping.kernels.pricing.Instance
        Pairs that must be apart are not looked at.
    sets : bool array, shape (s, a)
        Replaced by the sets found; every one holds a user.
    least : float
        Improvements smaller than this are not worth a step.

    Returns
    -------
    worth : float64 array, shape (s,)
    """
    worth = np.empty(sets.shape[0])
    for s in prange(sets.shape[0]):
        worth[s] = _climb(instance, sets[s], least)
    return worth

"""Multipliers of users that bring the Lagrangian bound for AV-min down: subgradient steps.

The bound is taken over a pool of columns only (a list, and the slot it may be chosen for); what
it is over all lists, `grouping.kernels.itemsets` tells.
"""

from __future__ import annotations

import numpy as np

from grouping.kernels.copying import copy_rows_to, copy_to
from grouping.kernels.itemsets import REORDERED
from grouping.kernels.jit import kernel

BEST, LENGTH, STALE = 0, 1, 2

PATIENCE, SHORTER = 20, 0.7
"""After so many steps without a better bound they become shorter, by this factor."""

SKIPPED, FAR = 4, 0.7
"""Columns worth less than this share of the poorest taken are valued every so many steps."""

LEAST_WEIGHT = 1e-4


@kernel(fastmath=REORDERED)
def descend(
    rows,
    constants,
    lists,
    slots,
    free_slots,
    multipliers,
    weights,
    best_multipliers,
    best_weights,
    progress,
    values,
    use,
    aim,
    enough,
    rate,
    steps,
):
    """Take subgradient steps in the multipliers, and multiplicative ones in the lists' weights.

    Each open slot takes its best column, the free ones the best distinct columns, if they are
    worth more than nothing. A user's multiplier grows with the number of columns taken that want
    the user, beyond one.

    Parameters
    ----------
    rows : float64 array, shape (items, users)
    constants : float64 array, shape (open slots, items)
        What each open slot's members sum up to.
    lists : int64 array, shape (columns, k)
        Rows of the items.
    slots : int64 array, shape (columns,)
        Open slot of each column; the number of open slots: any of the free ones.
    free_slots : int
    multipliers : float64 array, shape (users,)
    weights : float64 array, shape (columns, k)
        Of each list's items, convex. Both are changed.
    best_multipliers, best_weights : float64 arrays
        Those of the lowest bound.
    progress : float64 array, shape (3,)
        Lowest bound, step length, steps since it was lowered: infinity, 1, 0 at first.
    values : float64 array, shape (columns,)
        Becomes what each column is worth.
    use : float64 array, shape (columns,)
        To it is added how often each column was taken.
    aim : float
        Steps are in proportion to the distance of the bound to this.
    enough : float
        Stop at this bound.
    rate : float
        Of the steps in the weights, in units of 1 / rating.
    steps : int
    """
    users = multipliers.shape[0]
    columns, k = lists.shape
    opened = constants.shape[0]
    excess = np.empty(users)
    slope = np.empty(users)
    sums = np.zeros((columns, k))
    taken = np.empty(opened + free_slots, np.int64)
    valued = np.empty(columns, np.bool_)
    none = np.zeros(rows.shape[0])
    floor = -np.inf
    for step in range(steps):
        skipping = step % SKIPPED != 0
        for c in range(columns):
            valued[c] = not (skipping and slots[c] == opened and values[c] < floor)
            if valued[c]:
                constant = constants[slots[c]] if slots[c] < opened else none
                values[c] = _value(
                    rows, constant, lists[c], weights[c], multipliers, excess, sums[c]
                )
        count = _take(values, slots, opened, free_slots, taken)
        bound = _bound(multipliers, values, taken, count)
        if skipping and bound < progress[BEST]:
            # columns that were skipped may be worth more than when they were valued last
            for c in range(columns):
                if not valued[c]:
                    valued[c] = True
                    values[c] = _value(
                        rows, none, lists[c], weights[c], multipliers, excess, sums[c]
                    )
            count = _take(values, slots, opened, free_slots, taken)
            bound = _bound(multipliers, values, taken, count)
        slope[:] = 1.0
        floor = np.inf
        for t in range(count):
            c = taken[t]
            use[c] += 1.0
            if slots[c] == opened:
                floor = min(floor, FAR * values[c])
            _exceed(rows, lists[c], weights[c], multipliers, excess)
            for u in range(users):
                slope[u] -= 1.0 if excess[u] > 0.0 else 0.0
        if count < opened + free_slots or floor == np.inf:
            floor = -np.inf
        if bound < progress[BEST] - 1e-9 * abs(bound):
            progress[BEST], progress[STALE] = bound, 0.0
            copy_to(best_multipliers, multipliers)
            copy_rows_to(best_weights, weights)
        else:
            progress[STALE] += 1.0
            if progress[STALE] >= PATIENCE:
                progress[LENGTH] *= SHORTER
                progress[STALE] = 0.0
        if bound <= enough:
            break
        norm = 0.0
        for u in range(users):
            norm += slope[u] * slope[u]
        if norm > 0.0:
            size = progress[LENGTH] * max(bound - aim, 0.0) / norm
            for u in range(users):
                multipliers[u] -= size * slope[u]
        for c in range(columns):
            if valued[c]:
                _level(weights[c], sums[c], rate * progress[LENGTH])


@kernel(fastmath=REORDERED)
def _value(rows, constants, items, weights, multipliers, excess, sums):
    """Value a list; `sums` become those of its items over the users who want it."""
    _exceed(rows, items, weights, multipliers, excess)
    value = 0.0
    for u in range(multipliers.shape[0]):
        value += max(excess[u], 0.0)
    for i in range(items.shape[0]):
        row = rows[items[i]]
        value += weights[i] * constants[items[i]]
        total = constants[items[i]]
        for u in range(multipliers.shape[0]):
            total += row[u] if excess[u] > 0.0 else 0.0
        sums[i] = total
    return value


@kernel(fastmath=REORDERED)
def _bound(multipliers, values, taken, count):
    """Bound over the columns taken."""
    bound = 0.0
    for u in range(multipliers.shape[0]):
        bound += multipliers[u]
    for t in range(count):
        bound += values[taken[t]]
    return bound


@kernel(fastmath=REORDERED)
def _exceed(rows, items, weights, multipliers, excess):
    """By how much each user's weighted rating of a list exceeds the multiplier."""
    for u in range(multipliers.shape[0]):
        excess[u] = -multipliers[u]
    for i in range(items.shape[0]):
        weight = weights[i]
        row = rows[items[i]]
        for u in range(multipliers.shape[0]):
            excess[u] += weight * row[u]


@kernel(fastmath=REORDERED)
def _level(weights, sums, rate):
    """Shift weight from the items with large sums to those with small ones."""
    mean = 0.0
    for i in range(sums.shape[0]):
        mean += weights[i] * sums[i]
    total = 0.0
    for i in range(sums.shape[0]):
        move = min(max(rate * (mean - sums[i]), -0.5), 0.5)
        weights[i] = max(weights[i] * np.exp(move), LEAST_WEIGHT)
        total += weights[i]
    for i in range(sums.shape[0]):
        weights[i] /= total


@kernel()
def _take(values, slots, opened, free_slots, taken):
    """Choose the best column of each open slot, and the best ones for the free slots."""
    taken[:] = -1
    count = opened
    for c in np.argsort(-values):
        if slots[c] < opened:
            if taken[slots[c]] < 0:
                taken[slots[c]] = c
        elif count < opened + free_slots and values[c] > 0.0:
            taken[count] = c
            count += 1
    return count

"""Which lists are worth more than a price to a group that serves itself from all users.

A set of items A, weighed by convex weights w, is worth at most

    w . constants[A] + sum over users of max(0, w . ratings[A] - multiplier),

and no list that contains A is worth more, for the least of its items counts (aggregate voting,
min). So sets are grown item by item, depth first, and left when some weights bring them down to
the price: what frequent-itemset mining does with supports (Zaki's Eclat).
"""

from __future__ import annotations

import numpy as np

from grouping.kernels.jit import kernel

REORDERED = {"reassoc", "contract", "nsz"}
"""Sums may be taken in any order: all bounds allow for the rounding of the worst."""

DONE, PAUSED, FULL = 0, 1, 2
DEPTH, USED, FOUND = 0, 1, 2

INNER_STEPS, LAST_STEPS = 8, 40
"""Steps of lowering a set's value, on the way and for whole lists."""


@kernel(fastmath=REORDERED)
def set_value(rows, constants, multipliers, items, weights, count, excess):
    """Value of a set of items under weights.

    Parameters
    ----------
    rows : float64 array, shape (items, users)
    constants : float64 array, shape (items,)
    multipliers : float64 array, shape (users,)
    items : int64 array
        Row of each of the first `count` items.
    weights : float64 array
    count : int
    excess : float64 array, shape (users,)
        Becomes weighted rating - multiplier.

    Returns
    -------
    value : float
    """
    users = multipliers.shape[0]
    total = 0.0
    for u in range(users):
        excess[u] = -multipliers[u]
    for i in range(count):
        weight = weights[i]
        row = rows[items[i]]
        total += weight * constants[items[i]]
        for u in range(users):
            excess[u] += weight * row[u]
    for u in range(users):
        total += max(excess[u], 0.0)
    return total


@kernel(fastmath=REORDERED)
def lower_value(rows, constants, multipliers, items, weights, count, excess, enough, steps, last):
    """Look for weights that bring a set's value down, by multiplicative steps.

    Parameters
    ----------
    rows, constants, multipliers, items, count, excess
        As for `set_value`.
    weights : float64 array
        Where to start; becomes the best weights found.
    enough : float
        Stop at this value.
    steps : int
    last : bool
        Whether to go on even when convexity shows that `enough` is out of reach.

    Returns
    -------
    value : float
        With the best weights.
    """
    users = multipliers.shape[0]
    if users == 0:
        poorest = 0
        for i in range(count):
            if constants[items[i]] < constants[items[poorest]]:
                poorest = i
        for i in range(count):
            weights[i] = 1.0 if i == poorest else 0.0
        return constants[items[poorest]]
    sums = np.empty(count)
    lowest = weights[:count].copy()
    value = np.inf
    reach = -np.inf
    for step in range(steps):
        found = set_value(rows, constants, multipliers, items, weights, count, excess)
        if found < value:
            value = found
            for i in range(count):
                lowest[i] = weights[i]
        if value <= enough or step == steps - 1:
            break
        mean, least = 0.0, np.inf
        for i in range(count):
            row = rows[items[i]]
            total = constants[items[i]]
            for u in range(users):
                total += row[u] if excess[u] > 0.0 else 0.0
            sums[i] = total
            mean += weights[i] * total
            least = min(least, total)
        # the value is convex in the weights: nowhere is it below its tangent plane
        reach = max(reach, found + least - mean)
        if (not last and reach > enough) or value - reach <= 1e-12 * abs(value):
            break
        spread = 0.0
        for i in range(count):
            spread += weights[i] * (sums[i] - mean) ** 2
        if spread <= 0.0:
            break
        size = max(found - max(enough, reach), 0.02 * abs(found)) / spread / (1.0 + 0.15 * step)
        total = 0.0
        for i in range(count):
            move = min(max(size * (mean - sums[i]), -1.0), 1.0)
            weights[i] = max(weights[i] * np.exp(move), 1e-4)
            total += weights[i]
        for i in range(count):
            weights[i] /= total
    for i in range(count):
        weights[i] = lowest[i]
    return value


@kernel(fastmath=REORDERED)
def grow_sets(
    rows,
    constants,
    multipliers,
    k,
    price,
    state,
    cursor,
    position,
    kept,
    path,
    queue_items,
    queue_rows,
    shifted,
    parents,
    items,
    weights,
    found_rows,
    found_values,
    work,
):
    """Go on with the search for the lists worth more than the price.

    A row of the table is a set that the weights that follow from its parent's did not bring down
    to the price: its last item, the row of the set without it, and weights made for it.

    Parameters
    ----------
    rows : float64 array, shape (items, users)
        In the order in which sets are grown.
    constants, multipliers
        As for `set_value`.
    k : int
    price : float
    state : int64 array, shape (3,)
        Depth, rows used, lists found; zeros at first.
    cursor, position, kept, path : int64 arrays, shape (k,)
        Of each depth: the next item to look at (-1: all were), the next set to grow, how many
        there are, the item taken. Zeros at first.
    queue_items, queue_rows : int64 arrays, shape (k, items)
        The sets to grow at each depth.
    shifted : float64 array, shape (k, users)
    parents, items : int32 arrays, shape (capacity,)
    weights : float64 array, shape (capacity, k)
    found_rows : int64 array, shape (room,)
    found_values : float64 array, shape (room,)
        Lists worth more than the price, with their values. Where there are too many, the price
        goes up until half of them are forgotten.
    work : int
        Pause after so many steps of one user, one item.

    Returns
    -------
    outcome : int
        `DONE`, `PAUSED`, or `FULL`: the table needs more capacity.
    price : float
    """
    users = multipliers.shape[0]
    count = rows.shape[0]
    excess = np.empty(users)
    trial = np.empty(k)
    while True:
        depth = state[DEPTH]
        if cursor[depth] >= 0:
            end = count if depth == 0 else kept[depth - 1]
            share = 1.0 / (depth + 1)
            fixed = 0.0
            parent = -1
            base = shifted[depth]
            for u in range(users):
                base[u] = -multipliers[u]
            if depth > 0:
                parent = queue_rows[depth - 1, position[depth - 1] - 1]
                for i in range(depth):
                    weight = weights[parent, i] * (1.0 - share)
                    row = rows[path[i]]
                    fixed += weight * constants[path[i]]
                    for u in range(users):
                        base[u] += weight * row[u]
            while cursor[depth] < end and kept[depth] + end - cursor[depth] >= k - depth:
                if work <= 0:
                    return PAUSED, price
                if state[USED] == parents.shape[0]:
                    return FULL, price
                at = cursor[depth]
                cursor[depth] += 1
                item = at if depth == 0 else queue_items[depth - 1, at]
                row = rows[item]
                value = fixed + share * constants[item]
                for u in range(users):
                    value += max(base[u] + share * row[u], 0.0)
                work -= users + 8
                if value <= price:
                    continue
                for i in range(depth):
                    trial[i] = weights[parent, i] * (1.0 - share)
                trial[depth] = share
                path[depth] = item
                whole = depth + 1 == k
                if depth > 0:
                    value = lower_value(
                        rows,
                        constants,
                        multipliers,
                        path,
                        trial,
                        depth + 1,
                        excess,
                        price,
                        LAST_STEPS if whole else INNER_STEPS,
                        whole,
                    )
                    work -= 4 * (depth + 1) * (users + 8)
                used = state[USED]
                parents[used] = parent
                items[used] = item
                for i in range(depth + 1):
                    weights[used, i] = trial[i]
                for i in range(depth + 1, k):
                    weights[used, i] = 0.0
                state[USED] = used + 1
                if value <= price:
                    continue
                if not whole:
                    queue_items[depth, kept[depth]] = item
                    queue_rows[depth, kept[depth]] = used
                    kept[depth] += 1
                    continue
                found_rows[state[FOUND]] = used
                found_values[state[FOUND]] = value
                state[FOUND] += 1
                if state[FOUND] == found_rows.shape[0]:
                    price = _forget(found_rows, found_values, state)
            cursor[depth] = -1
            position[depth] = 0
        if kept[depth] - position[depth] >= k - depth and depth + 1 < k:
            path[depth] = queue_items[depth, position[depth]]
            position[depth] += 1
            state[DEPTH] = depth + 1
            cursor[depth + 1] = position[depth]
            kept[depth + 1] = 0
        else:
            if depth == 0:
                return DONE, price
            state[DEPTH] = depth - 1


@kernel()
def _forget(found_rows, found_values, state):
    """Raise the price to the median of the values found, and drop the lists worth no more."""
    count = state[FOUND]
    price = np.sort(found_values[:count])[count // 2]
    left = 0
    for at in range(count):
        if found_values[at] > price:
            found_rows[left] = found_rows[at]
            found_values[left] = found_values[at]
            left += 1
    state[FOUND] = left
    return price

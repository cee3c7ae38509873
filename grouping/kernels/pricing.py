"""Pricing under least misery: which set of users is worth most, counted with multipliers.

A set C of users is worth ``counted(value(C)) + sum of the multipliers in C``, where the value is
the weighted sum of the k highest item minima over C. The search chooses the list item by item. A
node knows the users that may still belong to C, the items that are on the list, each with a cap
on what it can still contribute, and the items that may come onto it. Dropping users costs their
multipliers, so with a given room for loss an item's minimum cannot exceed the rating of the user
whose dropping would use the room up; the best k of these caps bound the value, the value bounds
the room, and so on until nothing changes.

Long lists can be put together in too many ways: for them the search decides users instead, in the
set or not. A user who is in caps every item; one who would use up the room alone must be in, one
with whom the value falls too far must be out.

Multipliers are whole multiples of one power of two, small enough for every sum to be exact: the
order of additions does not matter, and a replay comes to the same numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grouping.kernels.jit import kernel

LEAF, PAIR, USER, SPLIT = -1, -2, -3, -4
"""Steps of a tree in preorder: an item is a number of 0 or more, a split of entry j SPLIT - j."""

FEW_VALUES = 16
"""So few different ratings, and items are decided under min even where lists are long."""

LONG = 8
"""Lists of so many items or more are searched user by user."""

DONE, WORKED, RECORD_FULL, TOO_DEEP, FOUND_ENOUGH = range(5)
"""Why a search came back."""

DEPTH, FRESH, WORK, STEPS, FOUND, NODES = range(6)
ITEMS, HALVES, EITHER, USERS = range(4)

LITTLE = 1e-6
"""What a user's being in the set costs at least, so that their multiplier decides among equals."""

WIDE = 0.15
"""An entry's threshold is split before further items are chosen where it is open by this share
of the room: narrow ones need not be decided."""


class Instance(NamedTuple):
    """What is to be priced; m items, a users with a multiplier, lists of k, q levels, c pairs.

    Attributes
    ----------
    ascending : float64 array, shape (m, a)
        Ratings of each item, ascending.
    users : uint32 array, shape (m, a)
        Whose they are.
    multipliers : float64 array, shape (a,)
    weights : float64 array, shape (k,)
        Of the list's positions.
    levels, discounts : float64 array, shape (q,)
        What a value is counted as (`counted`).
    limits : float64 array, shape (2,)
        Value that sets must exceed, and value as which higher ones count.
    apart : int32 array, shape (c, 2)
        Pairs of users that no set may hold both of.
    """

    ascending: NDArray[np.float64]
    users: NDArray[np.uint32]
    multipliers: NDArray[np.float64]
    weights: NDArray[np.float64]
    levels: NDArray[np.float64]
    discounts: NDArray[np.float64]
    limits: NDArray[np.float64]
    apart: NDArray[np.int32]


class State(NamedTuple):
    """Where a search stands; rows are depths of the tree.

    Attributes
    ----------
    inside : bool array, shape (depths, a)
        Users that may belong to the set.
    fixed : bool array, shape (depths, a)
        Those of them that do.
    weight : float64 array, shape (depths,)
        Sum of the multipliers of those inside.
    candidates : int32 array, shape (depths, m)
        Items that may come onto the list; `caps` on their minima, `count` of them.
    entries : int32 array, shape (depths, k)
        Items on the list; `entry_caps` on their minima, `entry_count` of them.
    kind, position, split_entry, split_value
        The branching at this depth and how far it is done.
    scalars : int64 array, shape (6,)
        Depth, whether it is new, work done, steps recorded, sets found, nodes.
    total : float64 array, shape (1,)
        Sum of all multipliers.
    best : float64 array, shape (1,)
        Worth of the best set found, or the worth to exceed.
    steps : int32 array; step_values : float64 array
        The tree in preorder.
    found : bool array, shape (f, a)
        The last f sets found, each better than the one before; they take turns.
    ratings : float64 array, shape (a, m)
        By user, where the search goes user by user; otherwise empty.
    """

    inside: NDArray[np.bool_]
    fixed: NDArray[np.bool_]
    weight: NDArray[np.float64]
    candidates: NDArray[np.int32]
    caps: NDArray[np.float64]
    count: NDArray[np.int64]
    entries: NDArray[np.int32]
    entry_caps: NDArray[np.float64]
    entry_count: NDArray[np.int64]
    kind: NDArray[np.int64]
    position: NDArray[np.int64]
    split_entry: NDArray[np.int64]
    split_value: NDArray[np.float64]
    scalars: NDArray[np.int64]
    total: NDArray[np.float64]
    best: NDArray[np.float64]
    steps: NDArray[np.int32]
    step_values: NDArray[np.float64]
    found: NDArray[np.bool_]
    ratings: NDArray[np.float64]


@kernel()
def counted(value, levels, discounts, limits):
    """Count a value less what the levels that it exceeds discount, never less than a lower value.

    Parameters
    ----------
    value : float
    levels : float64 array, shape (q,)
        Ascending.
    discounts : float64 array, shape (q,)
        Discount of the values above this level and not above the next.
    limits : float64 array, shape (2,)
        Values up to the first do not count at all, those above the second count as it.

    Returns
    -------
    counted : float
        The largest of ``v - discount(v)`` over v up to the value; minus infinity for none.
    """
    if value <= limits[0]:
        return -np.inf
    value = min(value, limits[1])
    discount, best = 0.0, -np.inf
    for j in range(levels.shape[0]):
        if value <= levels[j]:
            break
        if levels[j] > limits[0]:
            best = max(best, levels[j] - discount)
        discount = discounts[j]
    return max(best, value - discount)


@kernel()
def value_of(minima, weights, scratch):
    """Weighted sum of k minima, the highest at the first position.

    Parameters
    ----------
    minima : float64 array, shape (k,)
        In any order.
    weights : float64 array, shape (k,)
    scratch : float64 array, shape (k,)

    Returns
    -------
    value : float
    """
    k = weights.shape[0]
    for j in range(k):
        x = minima[j]
        at = j
        while at > 0 and scratch[at - 1] < x:
            scratch[at] = scratch[at - 1]
            at -= 1
        scratch[at] = x
    total = 0.0
    for j in range(k):
        if weights[j] != 0.0:
            total += weights[j] * scratch[j]
    return total


@kernel()
def count_minima(instance, minima, scratch):
    """Counted value of k minima."""
    return counted(
        value_of(minima, instance.weights, scratch),
        instance.levels,
        instance.discounts,
        instance.limits,
    )


@kernel()
def _highest(values, first, last, r, out):
    """Write the r highest of ``values[first:last]``, descending, to `out`."""
    filled = 0
    for q in range(first, last):
        x = values[q]
        if filled < r:
            at = filled
            filled += 1
        elif x > out[r - 1]:
            at = r - 1
        else:
            continue
        while at > 0 and out[at - 1] < x:
            out[at] = out[at - 1]
            at -= 1
        out[at] = x


@kernel()
def _scan(ascending, users, multipliers, inside, item, room, cap):
    """Look an item's ratings up among the users inside.

    Returns the lowest, and the highest that is at most `cap` and loses less than `room` if the
    users below it are dropped.
    """
    lowest, highest, loss = 0.0, -np.inf, 0.0
    for position in range(users.shape[1]):
        user = users[item, position]
        if not inside[user]:
            continue
        rating = ascending[item, position]
        if rating > highest:
            if highest == -np.inf:
                lowest = rating
            elif loss >= room or rating > cap:
                break
            highest = rating
        loss += multipliers[user]
    return lowest, highest


@kernel()
def _drop(instance, state, d, floor, minima, scratch):
    """Drop candidates with which no list can be good enough; return how many are left.

    The first of `minima` are the best caps, as many as places are free; those candidates stay.
    """
    free = instance.weights.shape[0] - state.entry_count[d]
    least = minima[free - 1]
    low, high = -np.inf, least  # caps up to `low` are known not to do, those from `high` on to do
    kept = 0
    for q in range(state.count[d]):
        cap = state.caps[d, q]
        if low < cap < high:
            minima[free - 1] = cap
            if count_minima(instance, minima, scratch) <= floor:
                low = cap
            else:
                high = cap
        if cap > low:
            state.candidates[d, kept] = state.candidates[d, q]
            state.caps[d, kept] = cap
            kept += 1
    minima[free - 1] = least
    state.count[d] = kept
    return kept


@kernel()
def _settle(instance, state, d, low, high, lowest, entry_lowest):
    """Tighten the caps of a node until nothing changes; tell whether anything is left of it.

    Returns the counted value's bound and whether the node stays; leaves the lowest ratings of the
    candidates and of the entries in `lowest` and `entry_lowest`.
    """
    k = instance.weights.shape[0]
    ascending, users, multipliers = instance.ascending, instance.users, instance.multipliers
    inside = state.inside[d]
    count, taken = state.count[d], state.entry_count[d]
    free = k - taken
    caps, entry_caps = state.caps[d], state.entry_caps[d]
    total = state.total[0]
    minima, scratch = np.empty(k), np.empty(k)
    if count < free:
        return 0.0, False
    before = np.inf
    while True:
        state.scalars[WORK] += count + taken + 4
        _highest(caps, 0, count, free, minima)
        for j in range(taken):
            minima[free + j] = entry_caps[j]
        value = count_minima(instance, minima, scratch)
        weight = state.weight[d]
        room = min(value + weight - state.best[0], high - (total - weight))
        floor = state.best[0] - min(weight, total - low)
        if room <= 0 or value <= floor:
            return value, False
        if room >= before:
            return value, True
        before = room
        count = _drop(instance, state, d, floor, minima, scratch)
        for j in range(taken):
            # users too low for this entry to reach the floor with them cannot be inside
            item = state.entries[d, j]
            for position in range(users.shape[1]):
                user = users[item, position]
                if not inside[user]:
                    continue
                rating = ascending[item, position]
                if rating >= entry_caps[j]:
                    break
                minima[free + j] = rating
                if count_minima(instance, minima, scratch) > floor:
                    break
                inside[user] = False
                state.weight[d] -= multipliers[user]
                before = np.inf
            weight = state.weight[d]
            room = min(value + weight - state.best[0], high - (total - weight))
            floor = state.best[0] - min(weight, total - low)
            if room <= 0:
                return value, False
            entry_lowest[j], highest = _scan(
                ascending, users, multipliers, inside, item, room, entry_caps[j]
            )
            if highest == -np.inf or entry_lowest[j] > entry_caps[j]:
                return value, False
            if highest < entry_caps[j]:
                entry_caps[j] = highest
            minima[free + j] = entry_caps[j]
        if taken > 0:
            value = count_minima(instance, minima, scratch)
            room = min(value + weight - state.best[0], high - (total - weight))
            if room <= 0 or value <= floor:
                return value, False
        for q in range(count):
            lowest[q], highest = _scan(
                ascending, users, multipliers, inside, state.candidates[d, q], room, caps[q]
            )
            if highest < caps[q]:
                caps[q] = highest


@kernel()
def _complete(instance, state, d, low, high, lowest, entry_lowest, alone):
    """Put the last item on a list in every way, each bounded by itself; keep the best set found.

    Returns the best bound. A set is only kept where no pair that must be apart is inside.
    """
    k = instance.weights.shape[0]
    inside = state.inside[d]
    taken = state.entry_count[d]
    total, weight = state.total[0], state.weight[d]
    minima, scratch, lower = np.empty(k), np.empty(k), np.empty(k)
    for j in range(taken):
        minima[j] = state.entry_caps[d, j]
        lower[j] = entry_lowest[j]
    bound = -np.inf
    for q in range(state.count[d]):
        item, cap = state.candidates[d, q], state.caps[d, q]
        loss, last = 0.0, -np.inf
        for position in range(instance.users.shape[1]):
            user = instance.users[item, position]
            if not inside[user]:
                continue
            rating = instance.ascending[item, position]
            if rating > last:
                if (rating > cap and last > -np.inf) or loss >= high - (total - weight):
                    break
                last = rating
                minima[taken] = rating
                value = count_minima(instance, minima, scratch)
                bound = max(bound, value + min(weight - loss, total - low))
                lower[taken] = rating
                worth = weight - loss + count_minima(instance, lower, scratch)
                if alone and worth > state.best[0]:
                    state.best[0] = worth
                    _keep(instance, state, d, item, rating)
            loss += instance.multipliers[user]
    return bound


@kernel()
def _keep(instance, state, d, item, rating):
    """Keep the users inside who rate an item so much or more as the best set found."""
    row = state.scalars[FOUND] % state.found.shape[0]
    state.scalars[FOUND] += 1
    for position in range(instance.users.shape[1]):
        user = instance.users[item, position]
        state.found[row, user] = (
            state.inside[d, user] and instance.ascending[item, position] >= rating
        )


@kernel()
def _together(instance, inside):
    """First pair inside that must be apart, or -1."""
    for pair in range(instance.apart.shape[0]):
        if inside[instance.apart[pair, 0]] and inside[instance.apart[pair, 1]]:
            return pair
    return -1


@kernel()
def _step(state, step, value):
    at = state.scalars[STEPS]
    state.steps[at] = step
    state.step_values[at] = value
    state.scalars[STEPS] += 1


@kernel()
def _halve(instance, state, d, entry, entry_lowest):
    """Where to split an entry's threshold: where both sides lose most."""
    inside = state.inside[d]
    item, cap = state.entries[d, entry], state.entry_caps[d, entry]
    loss, below, best, at = 0.0, entry_lowest[entry], -1.0, cap
    for position in range(instance.users.shape[1]):
        user = instance.users[item, position]
        if not inside[user]:
            continue
        rating = instance.ascending[item, position]
        if rating > cap:
            break
        if rating > below:
            if loss * (cap - below) > best:
                best, at = loss * (cap - below), rating
            below = rating
        loss += instance.multipliers[user]
    return at


@kernel()
def _useful(instance, state, d, low, lowest, order):
    """Keep the candidates with which the list can still be good enough, the best caps first."""
    k = instance.weights.shape[0]
    count, taken = state.count[d], state.entry_count[d]
    free = k - taken
    floor = state.best[0] - min(state.weight[d], state.total[0] - low)
    minima, scratch = np.empty(k), np.empty(k)
    _highest(state.caps[d], 0, count, free, minima)
    least = minima[free - 1]
    for j in range(taken):
        minima[free + j] = state.entry_caps[d, j]
    kept = 0
    for q in range(count):
        cap = state.caps[d, q]
        if cap < least:
            minima[free - 1] = cap
            if count_minima(instance, minima, scratch) <= floor:
                continue
        state.candidates[d, kept] = state.candidates[d, q]
        state.caps[d, kept] = cap
        order[kept] = lowest[q] * 1e-3 - cap  # among equal caps the items that some rate low
        kept += 1
    state.count[d] = kept  # those with the best caps stay in any case: enough for the list
    by = np.argsort(order[:kept], kind="mergesort")
    items, caps = state.candidates[d, :kept].copy(), state.caps[d, :kept].copy()
    for q in range(kept):
        state.candidates[d, q] = items[by[q]]
        state.caps[d, q] = caps[by[q]]


@kernel()
def _fix(instance, state, d, user):
    """Put a user into the set; whoever must be apart from them leaves."""
    state.fixed[d, user] = True
    for q in range(state.count[d]):
        rating = state.ratings[user, state.candidates[d, q]]
        state.caps[d, q] = min(state.caps[d, q], rating)
    for pair in range(instance.apart.shape[0]):
        for side in range(2):
            other = instance.apart[pair, side]
            if instance.apart[pair, 1 - side] == user and state.inside[d, other]:
                state.inside[d, other] = False
                state.weight[d] -= instance.multipliers[other]


@kernel()
def _decide(instance, state, d, low, high, value, worths, limited):
    """Decide the users of a settled node that the room and the floor alone decide.

    `worths` become the bounds on the counted value of sets with each user who is left; `limited`
    is scratch. Returns whether anything changed, and whether the node stays.
    """
    k = instance.weights.shape[0]
    minima, scratch = np.empty(k), np.empty(k)
    count, total = state.count[d], state.total[0]
    state.scalars[WORK] += count
    changed = False
    for user in range(state.ratings.shape[0]):
        if not state.inside[d, user] or state.fixed[d, user]:
            continue
        weight = state.weight[d]
        room = min(value + weight - state.best[0], high - (total - weight))
        floor = state.best[0] - min(weight, total - low)
        if room <= 0 or value <= floor:
            return True, False
        for q in range(count):
            rating = state.ratings[user, state.candidates[d, q]]
            limited[q] = min(state.caps[d, q], rating)
        _highest(limited, 0, count, k, minima)
        worths[user] = count_minima(instance, minima, scratch)
        if worths[user] <= floor:
            state.inside[d, user] = False
            state.weight[d] -= instance.multipliers[user]
            changed = True
        elif instance.multipliers[user] >= room:
            _fix(instance, state, d, user)
            changed = True
    return changed, True


@kernel()
def _split_users(instance, state, d, value, worths):
    """Branch on the user who matters most both ways; False if all are decided."""
    best, at = -1.0, -1  # a multiplier may be 0, and its user is undecided all the same
    for user in range(state.ratings.shape[0]):
        if state.inside[d, user] and not state.fixed[d, user]:
            gain = instance.multipliers[user] * (value - worths[user] + LITTLE)
            if gain > best:
                best, at = gain, user
    if at >= 0:
        state.kind[d], state.split_entry[d] = USERS, at
        _step(state, USER, np.float64(at))
    return at >= 0


@kernel()
def _open(instance, state, d, low, high, lowest, entry_lowest, order, worths):
    """Look at a new node: prune it (False), or decide how it branches (True)."""
    k = instance.weights.shape[0]
    taken = state.entry_count[d]
    by_users = state.ratings.shape[0] > 0
    while True:
        value, stays = _settle(instance, state, d, low, high, lowest, entry_lowest)
        if not stays:
            return False
        pair = _together(instance, state.inside[d])
        best = state.best[0]
        if taken == k - 1:
            bound = _complete(instance, state, d, low, high, lowest, entry_lowest, pair < 0)
            if bound <= state.best[0]:
                return False
        elif pair < 0:
            minima, scratch = np.empty(k), np.empty(k)
            _highest(lowest, 0, state.count[d], k - taken, minima)
            for j in range(taken):
                minima[k - taken + j] = entry_lowest[j]
            worth = state.weight[d] + count_minima(instance, minima, scratch)
            if worth > state.best[0]:
                state.best[0] = worth
                state.found[state.scalars[FOUND] % state.found.shape[0]] = state.inside[d]
                state.scalars[FOUND] += 1
        if state.best[0] > best:
            continue
        if not by_users:
            break
        _useful(instance, state, d, low, lowest, order)
        changed, stays = _decide(instance, state, d, low, high, value, worths, order)
        if not stays:
            return False
        if not changed:
            return _split_users(instance, state, d, value, worths)
    if pair >= 0:
        state.kind[d], state.split_entry[d] = EITHER, pair
        _step(state, PAIR, np.float64(pair))
        return True
    _useful(instance, state, d, low, lowest, order)
    widest, entry = 0.0, -1
    for j in range(taken):
        if state.entry_caps[d, j] - entry_lowest[j] > widest:
            widest, entry = state.entry_caps[d, j] - entry_lowest[j], j
    room = min(value + state.weight[d] - state.best[0], high - (state.total[0] - state.weight[d]))
    if entry >= 0 and (taken == k - 1 or widest > WIDE * room):
        state.kind[d], state.split_entry[d] = HALVES, entry
        state.split_value[d] = _halve(instance, state, d, entry, entry_lowest)
        _step(state, SPLIT - entry, state.split_value[d])
    else:
        state.kind[d] = ITEMS
    return True


@kernel()
def _copy(state, d, first):
    """Copy a node to the next depth, its candidates from the first on."""
    taken, count = state.entry_count[d], state.count[d]
    state.inside[d + 1] = state.inside[d]
    state.fixed[d + 1] = state.fixed[d]
    state.weight[d + 1] = state.weight[d]
    state.entry_count[d + 1] = taken
    state.entries[d + 1] = state.entries[d]
    state.entry_caps[d + 1] = state.entry_caps[d]
    state.count[d + 1] = count - first
    for q in range(first, count):
        state.candidates[d + 1, q - first] = state.candidates[d, q]
        state.caps[d + 1, q - first] = state.caps[d, q]


@kernel()
def _next_child(instance, state, d, low, high):
    """Make the next child of a node one level deeper; False if there is none left."""
    k = instance.weights.shape[0]
    taken, count = state.entry_count[d], state.count[d]
    at = state.position[d]
    state.position[d] += 1
    if state.kind[d] == ITEMS:
        # the item is on the list in this child, and on none in those that follow
        free = k - taken
        pruned = count - at < free
        if not pruned:
            minima, scratch = np.empty(k), np.empty(k)
            _highest(state.caps[d], at, count, free, minima)
            for j in range(taken):
                minima[free + j] = state.entry_caps[d, j]
            value = count_minima(instance, minima, scratch)
            pruned = value + min(state.weight[d], state.total[0] - low) <= state.best[0]
        if pruned:
            _step(state, LEAF, 0.0)
            return False
        _step(state, state.candidates[d, at], 0.0)
        _copy(state, d, at + 1)
        state.entries[d + 1, taken] = state.candidates[d, at]
        state.entry_caps[d + 1, taken] = state.caps[d, at]
        state.entry_count[d + 1] = taken + 1
        return True
    if at == 2:
        return False
    _copy(state, d, 0)
    if state.kind[d] == USERS:
        user = state.split_entry[d]
        if at == 0:
            _fix(instance, state, d + 1, user)
        else:
            state.inside[d + 1, user] = False
            state.weight[d + 1] -= instance.multipliers[user]
        return True
    if state.kind[d] == EITHER:
        user = instance.apart[state.split_entry[d], at]
        state.inside[d + 1, user] = False
        state.weight[d + 1] -= instance.multipliers[user]
        return True
    entry, value = state.split_entry[d], state.split_value[d]
    item, below = state.entries[d, entry], -np.inf
    for position in range(instance.users.shape[1]):
        rating = instance.ascending[item, position]
        if rating >= value:
            break
        user = instance.users[item, position]
        if state.inside[d, user]:
            below = rating
            if at == 0:
                state.inside[d + 1, user] = False
                state.weight[d + 1] -= instance.multipliers[user]
    if at == 1:
        state.entry_caps[d + 1, entry] = below
    return True


@kernel(nogil=True)
def search(instance, state, low, high, work, sets):
    """Search for the best set that loses at least `low` and less than `high` of the multipliers.

    May be called again with the same arguments to go on where it came back from. Sets that lose
    less than `low` may be found as well.

    Parameters
    ----------
    instance : Instance
    state : State
        Set up by `start`.
    low, high : float
    work : int
        Come back after so much work: scans of an item's ratings.
    sets : int
        Come back when so many sets have been found.

    Returns
    -------
    why : int
        `DONE`: no such set is worth more than ``state.best[0]``, and the steps recorded are a
        proof. `WORKED`: so much work is done. `RECORD_FULL`, `TOO_DEEP`: the state needs more
        room for steps, or more depths. `FOUND_ENOUGH`: so many sets were found.
    """
    m = instance.users.shape[0]
    lowest, order = np.empty(m), np.empty(m)
    entry_lowest, worths = np.empty(instance.weights.shape[0]), np.empty(instance.users.shape[1])
    state.scalars[WORK] = 0
    while state.scalars[DEPTH] >= 0:
        if state.scalars[WORK] > work:
            return WORKED
        if state.scalars[STEPS] + 2 > state.steps.shape[0]:
            return RECORD_FULL
        d = state.scalars[DEPTH]
        if state.scalars[FRESH]:
            if state.scalars[FOUND] >= sets:
                return FOUND_ENOUGH
            state.scalars[NODES] += 1
            state.scalars[FRESH] = 0
            state.position[d] = 0
            if not _open(instance, state, d, low, high, lowest, entry_lowest, order, worths):
                _step(state, LEAF, 0.0)
                state.scalars[DEPTH] -= 1
            continue
        if d + 1 == state.inside.shape[0]:
            return TOO_DEEP
        if _next_child(instance, state, d, low, high):
            state.scalars[DEPTH] += 1
            state.scalars[FRESH] = 1
        else:
            state.scalars[DEPTH] -= 1
    return DONE


def start(
    instance: Instance, depths: int, steps: int, sets: int, by_users: bool | None = None
) -> State:
    """Set a search up.

    Parameters
    ----------
    instance : Instance
    depths, steps, sets : int
        What to make room for.
    by_users : bool, optional
        Whether to decide users, not items; by default where lists are long. Not for lists of one.

    Returns
    -------
    state : State
        To be given to `restart` before the search.
    """
    m, a = instance.users.shape
    k = len(instance.weights)
    if by_users is None:
        # lists that count their last item alone, and few values: many items tie, few sets do
        tied = instance.weights[0] == 0 and len(np.unique(instance.ascending)) <= FEW_VALUES
        by_users = k >= LONG and not tied
    ratings = np.empty((a if by_users else 0, m))
    if len(ratings):
        np.put_along_axis(ratings.T, instance.users.astype(np.int64), instance.ascending, axis=1)
    return State(
        inside=np.zeros((depths, a), np.bool_),
        fixed=np.zeros((depths, a), np.bool_),
        weight=np.zeros(depths),
        candidates=np.zeros((depths, m), np.int32),
        caps=np.zeros((depths, m)),
        count=np.zeros(depths, np.int64),
        entries=np.zeros((depths, k), np.int32),
        entry_caps=np.zeros((depths, k)),
        entry_count=np.zeros(depths, np.int64),
        kind=np.zeros(depths, np.int64),
        position=np.zeros(depths, np.int64),
        split_entry=np.zeros(depths, np.int64),
        split_value=np.zeros(depths),
        scalars=np.zeros(6, np.int64),
        total=np.zeros(1),
        best=np.zeros(1),
        steps=np.zeros(steps, np.int32),
        step_values=np.zeros(steps),
        found=np.zeros((sets, a), np.bool_),
        ratings=ratings,
    )


def restart(instance: Instance, state: State, worth: float) -> None:
    """Put a search at the root of its tree.

    Parameters
    ----------
    instance : Instance
    state : State
        Changed.
    worth : float
        Only sets worth more are looked for.
    """
    state.inside[0], state.fixed[0] = True, False
    state.weight[0] = state.total[0] = instance.multipliers.sum()
    state.candidates[0] = np.arange(len(instance.users))
    state.caps[0] = instance.ascending[:, -1]
    state.count[0] = len(instance.users)
    state.entry_count[0] = 0
    state.scalars[:] = 0
    state.scalars[FRESH] = 1
    state.best[0] = worth


def enlarged(state: State, *, depths: int | None = None, steps: int | None = None) -> State:
    """Copy a state with more room.

    Parameters
    ----------
    state : State
    depths, steps : int, optional
        At least what there is.

    Returns
    -------
    state : State
    """
    longer = {"steps": steps, "step_values": steps}
    fixed = ("scalars", "total", "best", "found", "ratings")
    grown = {}
    for name, array in state._asdict().items():
        size = longer.get(name) if name in longer else None if name in fixed else depths
        if size is None:
            grown[name] = array
            continue
        grown[name] = np.zeros((size, *array.shape[1:]), array.dtype)
        grown[name][: len(array)] = array
    return State(**grown)

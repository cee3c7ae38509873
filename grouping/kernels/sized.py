"""What columns are worth that serve a limited number of users, at given multipliers.

A column is what a group can be offered: a list, under least misery with the rating that every
member must give it. A group that is served by a column is worth its gain and its users' values; it
has at least `low` users and at most `cap`. Several groups may be served by one column: r of them
have between r * low and r * cap users in all, so together they are worth at most

    h(r) = r * gain + the largest sum of so many of (value - multiplier),

beyond their users' multipliers. h is concave (sums of the largest are, in their number), so that
what an r-th group adds, h(r) - h(r - 1), never grows; and the best l additions of all columns,
those above 0, bound what l groups are worth beyond the multipliers.
"""

from __future__ import annotations

import numpy as np

from grouping.kernels.copying import copy_to
from grouping.kernels.jit import kernel

KEPT = 0.75
"""Share of the last step's direction that stays in the next (Camerini, Fratta and Maffioli)."""

SKIPPED, FAR = 16, 0.8
"""Columns worth less than this share of the poorest chosen are looked at every so many steps."""

MORE_THAN = 0.001
"""A step counts as progress if it closes this share of the gap that is left."""

PATIENCE, SHORTER, SHORTEST = 20, 0.6, 1e-3
"""After so many steps without progress they become shorter, by this factor, and end at last."""


@kernel()
def select(excess, count, most):
    """Reorder the first `count` numbers so that the `most` largest of them come first."""
    low, high, place = 0, count - 1, most - 1
    while low < high:
        pivot = excess[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while excess[i] > pivot:
                i += 1
            while excess[j] < pivot:
                j -= 1
            if i <= j:
                excess[i], excess[j] = excess[j], excess[i]
                i += 1
                j -= 1
        if place <= j:
            high = j
        elif place >= i:
            low = i
        else:
            return


@kernel()
def worth(row, multipliers, gain, low, cap, copies, excess):
    """What some groups of one column are worth beyond their users' multipliers.

    Parameters
    ----------
    row : float array, shape (users,)
        Values; -infinity for users that cannot be served.
    multipliers : float64 array, shape (users,)
    gain : float
    low, cap : int
        Users of a group.
    copies : int
        Groups.
    excess : float64 array, shape (users,)
        Room to work in.

    Returns
    -------
    worth : float
        -infinity where there are too few users.
    least : float
        Users whose value exceeds the multiplier by more are in the groups for certain.
    """
    users = row.shape[0]
    positive, served, total = 0, 0, 0.0
    for u in range(users):
        over = np.float64(row[u]) - multipliers[u]
        if over > 0.0:
            excess[positive] = over
            total += over
            positive += 1
        if over > -np.inf:
            served += 1
    fewest, most = copies * low, min(copies * cap, served)
    if served < fewest or most < 1:
        return -np.inf, 0.0
    if positive > most:
        select(excess, positive, most)
        total, least = 0.0, np.inf
        for t in range(most):
            total += excess[t]
            least = min(least, excess[t])
        return total + copies * gain, least
    if positive < fewest:
        count = 0
        for u in range(users):
            over = np.float64(row[u]) - multipliers[u]
            if over > -np.inf:
                excess[count] = over
                count += 1
        select(excess, count, fewest)
        total, least = 0.0, np.inf
        for t in range(fewest):
            total += excess[t]
            least = min(least, excess[t])
        return total + copies * gain, least
    return total + copies * gain, 0.0


@kernel()
def worths(values, multipliers, gains, low, cap, found):
    """Write down what one group of each column is worth."""
    excess = np.empty(values.shape[1])
    for c in range(values.shape[0]):
        found[c] = worth(values[c], multipliers, gains[c], low, cap, 1, excess)[0]


@kernel()
def best_additions(values, multipliers, gains, low, cap, found, limit, columns, copies, additions):
    """Choose the groups that add most, up to a number of them.

    Parameters
    ----------
    found : float64 array, shape (columns,)
        What one group of each column is worth.
    limit : int
    columns, copies : int64 arrays, shape (limit,)
        Become the columns chosen, each once, and how often.
    additions : float64 array, shape (limit,)
        Becomes what each choice adds, never growing.

    Returns
    -------
    count : int
        Columns chosen.
    chosen : int
        Groups chosen: those that add more than nothing.
    """
    total = found.shape[0]
    excess = np.empty(values.shape[1])
    order = np.empty(min(limit, total), np.int64)
    filled = 0
    for c in range(total):
        if filled == order.shape[0] and found[c] <= found[order[filled - 1]]:
            continue
        at = filled if filled < order.shape[0] else filled - 1
        while at > 0 and found[order[at - 1]] < found[c]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = c
        filled = min(filled + 1, order.shape[0])
    reached, following = np.empty(limit), np.empty(limit)
    count, chosen = 0, 0
    while chosen < limit:
        best, at = 0.0, -1
        if count < filled and found[order[count]] > best:
            best, at = found[order[count]], count
        for t in range(count):
            if following[t] > best:
                best, at = following[t], t
        if at < 0:
            break
        additions[chosen] = best
        chosen += 1
        if at == count:
            columns[count], copies[count], reached[count] = order[count], 1, best
            count += 1
        else:
            reached[at] += best
            copies[at] += 1
        c = columns[at]
        value = worth(values[c], multipliers, gains[c], low, cap, copies[at] + 1, excess)[0]
        following[at] = value - reached[at]
    return count, chosen


@kernel()
def _serve(row, multipliers, gain, low, cap, copies, slope, excess):
    """Count those whom some groups of one column serve."""
    least = worth(row, multipliers, gain, low, cap, copies, excess)[1]
    users, surely = row.shape[0], 0
    for u in range(users):
        if np.float64(row[u]) - multipliers[u] > least:
            slope[u] -= 1.0
            surely += 1
    ties = copies * cap - surely if least > 0.0 else copies * low - surely
    for u in range(users):
        if ties <= 0:
            break
        if np.float64(row[u]) - multipliers[u] == least:
            slope[u] -= 1.0
            ties -= 1


@kernel()
def bound_of(values, multipliers, gains, lows, caps, limits, rows, found, slope, largest):
    """Bound over some columns, and the users served beyond one group each.

    Parameters
    ----------
    values : float array, shape (columns, users)
    multipliers : float64 array, shape (users,)
    gains : float64 array, shape (columns,)
    lows, caps, limits : int64 arrays, shape (rooms,)
        Of groups that are alike: users of each, at least and at most, and how many there are.
    rows : int64 array, shape (near,)
        Columns that are looked at.
    found : float64 array, shape (columns,)
        What a group of each is worth at most, in the room where it is worth most: of those looked
        at.
    slope : float64 array, shape (users,)
        Becomes 1 minus the number of groups that serve the user.
    largest : float64 array, shape (rooms,)
        Becomes what the last group chosen of each room adds; 0 where one is left out.

    Returns
    -------
    bound : float
    """
    users = values.shape[1]
    excess = np.empty(users)
    bound = 0.0
    for u in range(users):
        bound += multipliers[u]
        slope[u] = 1.0
    near = rows.shape[0]
    near_values, near_gains = values[rows], gains[rows]
    worth_now = np.empty(near)
    for t in range(near):
        found[rows[t]] = -np.inf
    for room in range(limits.shape[0]):
        low, cap, limit = lows[room], caps[room], limits[room]
        columns, copies = np.empty(limit, np.int64), np.empty(limit, np.int64)
        additions = np.empty(limit)
        worths(near_values, multipliers, near_gains, low, cap, worth_now)
        for t in range(near):
            found[rows[t]] = max(found[rows[t]], worth_now[t])
        count, chosen = best_additions(
            near_values,
            multipliers,
            near_gains,
            low,
            cap,
            worth_now,
            limit,
            columns,
            copies,
            additions,
        )
        for t in range(chosen):
            bound += additions[t]
        largest[room] = additions[limit - 1] if chosen == limit else 0.0
        for t in range(count):
            c = columns[t]
            _serve(near_values[c], multipliers, near_gains[c], low, cap, copies[t], slope, excess)
    return bound


@kernel()
def descend(values, gains, lows, caps, limits, multipliers, progress, aim, steps):
    """Lower the bound over some columns by subgradient steps.

    Parameters
    ----------
    values : float array, shape (columns, users)
    gains : float64 array, shape (columns,)
    lows, caps, limits : int64 arrays, shape (rooms,)
    multipliers : float64 array, shape (users,)
        Become those of the lowest bound.
    progress : float64 array, shape (1,)
        Length of the steps, in shares of the distance to the aim; becomes shorter.
    aim : float
        The best known value.
    steps : int
        At most.

    Returns
    -------
    bound : float
        The lowest.
    taken : int
        Steps.
    """
    columns, users = values.shape
    found, slope, direction = np.empty(columns), np.empty(users), np.zeros(users)
    largest = np.empty(limits.shape[0])
    mine, lowest, stale = multipliers.copy(), np.inf, 0
    everyone = np.arange(columns)
    rows = everyone
    for step in range(steps):
        whole = step % SKIPPED == 0
        bound = bound_of(
            values,
            mine,
            gains,
            lows,
            caps,
            limits,
            everyone if whole else rows,
            found,
            slope,
            largest,
        )
        if whole:
            rows = np.flatnonzero(found >= FAR * largest.min())
        elif bound < lowest and rows.shape[0] < columns:
            bound = bound_of(
                values, mine, gains, lows, caps, limits, everyone, found, slope, largest
            )
            rows = np.flatnonzero(found >= FAR * largest.min())
        if bound < lowest:
            stale = 0 if lowest - bound > MORE_THAN * (lowest - aim) else stale + 1
            lowest = bound
            copy_to(multipliers, mine)
        else:
            stale += 1
        if lowest <= aim:
            return lowest, step + 1
        if stale >= PATIENCE:
            progress[0] *= SHORTER
            stale = 0
            copy_to(mine, multipliers)
            direction[:] = 0.0
            if progress[0] < SHORTEST:
                return lowest, step + 1
        norm = 0.0
        for u in range(users):
            direction[u] = slope[u] + KEPT * direction[u]
            norm += direction[u] * direction[u]
        if norm == 0.0:
            return lowest, step + 1
        size = progress[0] * (bound - aim) / norm
        for u in range(users):
            mine[u] -= size * direction[u]
    return lowest, steps

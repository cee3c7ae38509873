"""Which lists are worth more than a price to groups of limited size: depth first, all of them.

What a list is worth to a group of users who pay their multipliers, beyond these:

- LEAST: the lowest rating t of any member for any item, minus the multipliers of the members.
- WEAKEST: the least of the items' sums over the members, minus the multipliers.
- VOTES: the sum of all, minus the multipliers.

Under LEAST and WEAKEST an item more never raises what a set of items is worth, so a set of items
bounds all lists that hold it. Under WEAKEST any weighted mean of the items' sums is at least as
large as the least: each set has weights, at first those of the set without its last item, which
are improved where they do not suffice. Under VOTES let `level` be the number for which a user's
best ratings, none counted above it, just make up what the user is short of; what a rating exceeds
the level by bounds what it brings (`grouping.kernels.list_prices`). Of every item only the largest
such excesses count, as many as a group has users.
"""

from __future__ import annotations

import numpy as np

from grouping.kernels.copying import copy_to
from grouping.kernels.jit import kernel
from grouping.kernels.levels import level_of
from grouping.kernels.sized import select

LEAST, WEAKEST, VOTES = 0, 1, 2
DONE, PAUSED = 0, 1
DEPTH, FOUND = 0, 1

IMPROVED = 6
"""Steps that improve the weights of a set."""


@kernel()
def best_users(excess, count, low, cap):
    """Sum of the largest of some numbers: those above 0, at least `low` and at most `cap`.

    Returns
    -------
    total : float
        -infinity where there are fewer than `low`.
    """
    if count < low:
        return -np.inf
    positive, total = 0, 0.0
    for t in range(count):
        if excess[t] > 0.0:
            positive += 1
            total += excess[t]
    if low <= positive <= cap:
        return total
    most = min(cap, count) if positive > cap else low
    select(excess, count, most)
    total = 0.0
    for t in range(most):
        total += excess[t]
    return total


@kernel()
def best_threshold(lowest, worths, count, low, cap, buffer, price, above):
    """Most that a group of some users is worth under LEAST.

    Parameters
    ----------
    lowest : float64 array
        Lowest rating of each user for the items: the first `count` numbers.
    worths : float64 array
        Minus their multipliers.
    count, low, cap : int
    buffer : float64 array
        Room for `cap` numbers.
    price : float
    above : float64 array, shape (2, room)
        Becomes the first t, as many as it has room for, with a value above the price, and these
        values.

    Returns
    -------
    value : float
        Highest of t + best sum of worths of users whose lowest rating is at least t.
    found : int
        How many t are written down.
    """
    best, found = -np.inf, 0
    kept, total, positive = 0, 0.0, 0
    order = np.argsort(-lowest[:count])
    for place in range(count):
        u = order[place]
        new = worths[u]
        if kept < cap or new > buffer[kept - 1]:
            if kept == cap:
                if buffer[kept - 1] > 0.0:
                    total -= buffer[kept - 1]
                    positive -= 1
                kept -= 1
            slot = kept
            while slot > 0 and buffer[slot - 1] < new:
                buffer[slot] = buffer[slot - 1]
                slot -= 1
            buffer[slot] = new
            kept += 1
            if new > 0.0:
                total += new
                positive += 1
        last = place + 1 == count or lowest[order[place + 1]] < lowest[u]
        if last and kept >= low:
            value = lowest[u] + total
            for t in range(positive, low):
                value += buffer[t]
            best = max(best, value)
            if value > price and found < above.shape[1]:
                above[0, found], above[1, found] = lowest[u], value
                found += 1
    return best, found


@kernel()
def _least_alone(rows, item, users, lowest, count, multipliers, floor, low, cap, price, room):
    """What a set of items and one more are worth under LEAST; or `price` if no more than that."""
    kept, highest, total = 0, -np.inf, 0.0
    for t in range(count):
        rating = min(lowest[t], rows[item, users[t]])
        if rating > floor:
            room[0, kept], room[1, kept] = rating, -multipliers[users[t]]
            highest = max(highest, rating)
            total += max(room[1, kept], 0.0)
            kept += 1
    if kept < low or highest + total <= price:
        return price
    return best_threshold(room[0], room[1], kept, low, cap, room[2], price, room[:2, :0])[0]


@kernel()
def weigh(rows, items, count, weights, multipliers, low, cap, enough, excess):
    """Lower what a list is worth under WEAKEST by better weights of its items.

    Parameters
    ----------
    rows : float64 array, shape (items, users)
    items : int64 array
        The first `count` are the list.
    count : int
    weights : float64 array
        Convex; become the best found.
    multipliers : float64 array, shape (users,)
    low, cap : int
    enough : float
        Stop at this.
    excess : float64 array, shape (2, users)
        Room to work in.

    Returns
    -------
    value : float
    """
    users = multipliers.shape[0]
    best = np.inf
    tried, sums = weights[:count].copy(), np.empty(count)
    rate = 0.5
    for _ in range(IMPROVED):
        for u in range(users):
            value = -multipliers[u]
            for i in range(count):
                value += tried[i] * rows[items[i], u]
            excess[0, u] = excess[1, u] = value
        value = best_users(excess[1], users, low, cap)
        if value < best:
            best = value
            copy_to(weights[:count], tried)
        else:
            rate *= 0.5
        if best <= enough:
            break
        least = np.inf  # the users who are taken are those at least here
        most = min(cap, users)
        positive = 0
        for u in range(users):
            if excess[0, u] > 0.0:
                positive += 1
        if positive > most:
            for t in range(most):
                least = min(least, excess[1, t])
        else:
            least = 0.0
        largest = 0.0
        sums[:] = 0.0
        for u in range(users):
            if excess[0, u] >= least and excess[0, u] > 0.0:
                for i in range(count):
                    sums[i] += rows[items[i], u]
        mean = 0.0
        for i in range(count):
            mean += tried[i] * sums[i]
        for i in range(count):
            largest = max(largest, abs(mean - sums[i]))
        if largest == 0.0:
            break
        total = 0.0
        for i in range(count):
            tried[i] = max(tried[i] * np.exp(rate * (mean - sums[i]) / largest), 1e-4)
            total += tried[i]
        for i in range(count):
            tried[i] /= total
    return best


@kernel()
def _scores(rows, candidates, count, levels, low, cap, scores, room):
    """What each item may bring: the largest excesses of its ratings over the users' levels.

    Those below 0 too, where groups must have users: `low` is above 0 for the last item alone.
    """
    for t in range(count):
        item = candidates[t]
        kept = 0
        for u in range(levels.shape[0]):
            over = rows[item, u] - levels[u]
            if over > 0.0 or low > 0:
                room[kept] = over
                kept += 1
        scores[t] = best_users(room, kept, low, cap)


@kernel()
def search(kind, rows, best, multipliers, low, cap, price, state, frames, found, values, work):
    """Go on with the search for the lists that are worth more than a price.

    Parameters
    ----------
    kind : int
    rows : float64 array, shape (items, users)
    best : float64 array, shape (users, k)
        Each user's highest ratings, descending.
    multipliers : float64 array, shape (users,)
    low, cap : int
        Users of a group.
    price : float
    state : int64 array, shape (2,)
        Depth and lists found; -1, 0 at first.
    frames : tuple
        Of arrays: candidates (int64) and their values, each of shape (k, items); how many there
        are, the next one, and the item chosen, each int64 of shape (k,); users (int64) and their
        numbers, each of shape (k, users), and how many there are, int64 of shape (k,); weights of
        the sets that end with each candidate, shape (k, items, k).
    found : int64 array, shape (room, k)
    values : float64 array, shape (room,)
        What they are worth at most. Where there are too many, the price goes up.
    work : int
        Pause after looking at so many ratings.

    Returns
    -------
    outcome : int
        `DONE` or `PAUSED`.
    price : float
        No list but those found is worth more.
    """
    candidates, bounds, counts, cursor, path, users, numbers, held, weights = frames
    items, everyone = rows.shape
    k = best.shape[1]
    room = np.empty((3, max(everyone, cap)))
    worths, levels, ones = np.empty(items), np.empty(everyone), np.ones(k)
    chosen, tried = np.empty(k, np.int64), np.empty(k)
    at = 0
    while True:
        depth = state[DEPTH]
        if depth >= 0:
            # the next item of this depth, if lists can be made with it
            at = cursor[depth]
            if at + k - depth > counts[depth]:
                state[DEPTH] = depth - 1
                if depth == 0:
                    return DONE, price
                continue
            cursor[depth] = at + 1
            if bounds[depth, at] <= price:
                continue
            path[depth] = candidates[depth, at]
            if depth == k - 1:
                count = state[FOUND]
                found[count], values[count] = path, bounds[depth, at]
                state[FOUND] = count + 1
                if count + 1 == found.shape[0]:
                    price = _forget(found, values, state)
                continue
            if work <= 0:
                cursor[depth] = at
                return PAUSED, price
        size = depth + 1  # items chosen
        if size == 0:
            later = items
            for i in range(items):
                worths[i] = 0.0
                candidates[0, i] = i
        else:
            later = counts[depth] - cursor[depth]
            for t in range(later):
                candidates[size, t] = candidates[depth, cursor[depth] + t]
        if kind == LEAST:
            kept = everyone
            if size == 0:
                for u in range(everyone):
                    users[0, u], numbers[0, u] = u, np.inf
                    room[0, u] = -multipliers[u]
            else:
                kept = 0
                for t in range(held[depth]):
                    u = users[depth, t]
                    lowest = min(numbers[depth, t], rows[path[depth], u])
                    users[size, kept], numbers[size, kept] = u, lowest
                    room[0, kept] = -multipliers[u]
                    kept += 1
            floor = price - best_users(room[0], kept, low, cap)
            inside = 0
            for t in range(kept):
                if numbers[size, t] > floor:
                    users[size, inside] = users[size, t]
                    numbers[size, inside] = numbers[size, t]
                    inside += 1
            held[size] = inside
            work -= (later + 1) * (inside + 1)
            for t in range(later):
                worths[t] = _least_alone(
                    rows,
                    candidates[size, t],
                    users[size],
                    numbers[size],
                    inside,
                    multipliers,
                    floor,
                    low,
                    cap,
                    price,
                    room,
                )
        elif kind == VOTES:
            rest = k - size
            for u in range(everyone):
                need = multipliers[u]
                for t in range(size):
                    need -= rows[path[t], u]
                levels[u] = need if rest == 1 else level_of(best[u, :rest], ones[:rest], need)
            fewest = low if rest == 1 else 0
            _scores(rows, candidates[size], later, levels, fewest, cap, worths, room[0])
            work -= (later + size) * everyone
            if rest > 1 and later >= rest:
                top = np.sort(worths[:later])[later - rest :]
                others = top[1:].sum()
                for t in range(later):
                    # an item among the best takes one of their places
                    worths[t] += others if worths[t] < top[1] else others + top[0] - worths[t]
        else:
            for t in range(later):
                for i in range(size):
                    chosen[i], tried[i] = path[i], weights[depth, at, i] * size / (size + 1)
                chosen[size], tried[size] = candidates[size, t], 1.0 / (size + 1)
                worths[t] = weigh(rows, chosen, size + 1, tried, multipliers, low, cap, price, room)
                weights[size, t] = tried
            work -= 3 * later * (size + 1) * everyone
        # those that lists worth more may hold, by what they are worth
        count = 0
        for t in range(later):
            value = worths[t]
            if kind == WEAKEST and size > 0:
                value = min(value, bounds[depth, at])
            if value > price:
                candidates[size, count], worths[count] = candidates[size, t], value
                if kind == WEAKEST:
                    weights[size, count] = weights[size, t]
                count += 1
        if count < k - size:
            if size == 0:
                return DONE, price
            continue
        order = np.argsort(worths[:count])
        candidates[size, :count] = candidates[size, :count][order]
        bounds[size, :count] = worths[order]
        if kind == WEAKEST:
            weights[size, :count] = weights[size, :count][order]
        counts[size], cursor[size] = count, 0
        state[DEPTH] = size


@kernel()
def _forget(found, values, state):
    """Keep the better half of the lists found; return what the others are worth at most."""
    count = state[FOUND]
    price = np.sort(values[:count])[count // 2]
    left = 0
    for at in range(count):
        if values[at] > price:
            found[left], values[left] = found[at], values[at]
            left += 1
    state[FOUND] = left
    return price

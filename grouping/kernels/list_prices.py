"""Which lists are worth more than a price to users who pay their multipliers, aggregate voting.

An ordered list is worth sum over users of max(0, weighted sum of the user's ratings - multiplier).
Lists are grown position by position, depth first. Where the positions filled leave a user a need
(what the rest must sum up to before it counts), let `level` be the number for which the user's
best remaining ratings, none counted above the level, just make up the need. Then whatever fills
the rest,

    max(0, weighted sum of the rest - need) <= sum of weight x max(0, rating - level),

for the ratings below the level cannot make up more than the need. Summed over users, each item has
a score, and the best scores at the weights left bound the whole branch. With one position left the
bound is exact.

Ratings are compared in float32, rounded up where float32 does not hold them; levels are rounded
down. What sums lose by rounding stays within `MARGIN`, by which the price is lowered.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grouping.kernels.jit import kernel

REORDERED = {"reassoc", "contract", "nsz"}
"""Sums may be taken in any order: `MARGIN` allows for the rounding of the worst."""

DONE, PAUSED, FULL = 0, 1, 2
DEPTH, FOUND, NEEDED = 0, 1, 2
USERS, WIDTH, OFFSET, CURSOR, LATER = 0, 1, 2, 3, 4

BLOCK = 32
"""Terms that are added up in float32 before the sum is taken over into float64."""

MARGIN = 1e-5
"""More than `BLOCK` roundings of float32 can lose, relative to a sum of positive terms."""


class Frames(NamedTuple):
    """The branches that are open, one at each depth: as many items as the depth says are chosen.

    Attributes
    ----------
    sizes : int64 array, shape (k, 5)
        Users that may still be served, items that may still be chosen, where their ratings start,
        the next item to choose (the best come last), and whether positions of lower weight follow
        (then any item may come after any other; else only items with lower scores).
    needs : float64 array, shape (k, users)
    items : int64 array, shape (k, items)
        By ascending score.
    scores : float64 array, shape (k, items)
    allowed : bool array, shape (k, items)
        Whether the item may be chosen now: among positions of equal weight, lists are grown in
        one order only.
    tops : float32 array, shape (k, users, k)
        Each user's best ratings of what may follow, descending.
    path : int64 array, shape (k,)
        The item chosen at each depth.
    """

    sizes: NDArray[np.int64]
    needs: NDArray[np.float64]
    items: NDArray[np.int64]
    scores: NDArray[np.float64]
    allowed: NDArray[np.bool_]
    tops: NDArray[np.float32]
    path: NDArray[np.int64]


@kernel(fastmath=REORDERED)
def _add_excess(row, level, sums):
    """Add what each rating exceeds the level by."""
    for i in range(row.shape[0]):
        sums[i] += max(row[i] - level, np.float32(0.0))


@kernel(fastmath=REORDERED)
def _add(sums, totals):
    """Take float32 sums over into float64, and start them anew."""
    for i in range(sums.shape[0]):
        totals[i] += np.float64(sums[i])
        sums[i] = np.float32(0.0)


@kernel()
def _lowered(value):
    """Round down to a float32 number."""
    near = np.float32(value)
    if np.float64(near) > value:
        near = np.nextafter(near, np.float32(-np.inf))
    return near


@kernel()
def level_of(best, weights, need):
    """Level at which a user's best ratings just make up a need; infinity if they never do.

    Parameters
    ----------
    best : float array, shape (positions,)
        Descending.
    weights : float64 array, shape (positions,)
        Positive, descending.
    need : float

    Returns
    -------
    level : float
    """
    rest, used = 0.0, 0.0
    for j in range(weights.shape[0]):
        rest += weights[j] * best[j]
    if rest <= need:
        return np.inf
    level = np.inf
    for j in range(weights.shape[0]):
        rest -= weights[j] * best[j]
        used += weights[j]
        level = (need - rest) / used
        if j + 1 < weights.shape[0] and level >= best[j + 1]:
            break
    return level


@kernel()
def levels_of(best, weights, needs, levels):
    """Levels of all users (`level_of`), as float64 numbers that float32 holds."""
    for u in range(needs.shape[0]):
        levels[u] = _lowered(level_of(best[u], weights, needs[u]))


@kernel()
def _insert(value, best, count):
    """Put a value in its place among the best, which descend."""
    if value <= best[count - 1]:
        return
    at = count - 1
    while at > 0 and best[at - 1] < value:
        best[at] = best[at - 1]
        at -= 1
    best[at] = value


@kernel()
def _probe(matrix, needs, tops, at, end, weight, rest, totals, sums, users, user_needs):
    """Score the items before `end` if the item in column `at` is chosen next.

    Returns
    -------
    count : int
        Users that may still be served: `users` and `user_needs` become they and their needs.
    """
    totals[:end] = 0.0
    sums[:end] = np.float32(0.0)
    count = 0
    for t in range(matrix.shape[0]):
        need = needs[t] - weight * np.float64(matrix[t, at])
        level = level_of(tops[t], rest, need)
        if level == np.inf:
            continue
        users[count], user_needs[count] = t, need
        count += 1
        _add_excess(matrix[t, :end], _lowered(level), sums)
        if count % BLOCK == 0:
            _add(sums[:end], totals)
    _add(sums[:end], totals)
    return count


@kernel()
def _reach(scores, at, end, weights, first, rest):
    """Most that a branch can be worth that takes one column now, and others for the rest.

    Parameters
    ----------
    scores : float64 array
        Ascending.
    at, end : int
        The column, and the end of those that may follow.
    weights : float64 array
    first : int
        Position that is filled now.
    rest : int
        Positions after it.

    Returns
    -------
    most : float
        -infinity where there are too few columns.
    """
    if end - (1 if at < end else 0) < rest:
        return -np.inf
    most = weights[first] * scores[at]
    q = end - 1
    for j in range(first + 1, first + 1 + rest):
        if q == at:
            q -= 1
        most += weights[j] * scores[q]
        q -= 1
    return most


@kernel()
def _open(arena, matrix, frames, depth, at, end, same, least, count, weights, work_arrays):
    """Open the branch that was probed, if it can be worth more than `least`.

    Returns
    -------
    size : int
        Ratings of it; 0 if it was not opened, negative if the arena is too small for as many.
    """
    totals, users, user_needs = work_arrays
    k, width = weights.shape[0], matrix.shape[1]
    rest = k - depth - 1
    best = np.full(rest, -np.inf)
    for q in range(end):
        if q != at:
            _insert(totals[q], best, rest)
    total = 0.0
    for j in range(rest):
        total += weights[depth + 1 + j] * best[j]
    if not total > least:
        return 0
    last = weights[k - 1]
    # with an item that is not among the best, it takes the last place
    scarce = best[rest - 1] - (total - least) / last
    chosen = np.empty(end, np.int64)
    wide = 0
    for q in range(end):
        if q != at and totals[q] >= scarce:
            chosen[wide] = q
            wide += 1
    sizes = frames.sizes
    offset = sizes[depth, OFFSET] + matrix.shape[0] * width
    if offset + count * wide > arena.shape[0]:
        return -(offset + count * wide)
    chosen = chosen[:wide]
    chosen = chosen[np.argsort(totals[chosen], kind="mergesort")]
    child = depth + 1
    for c in range(wide):
        q = chosen[c]
        frames.items[child, c] = frames.items[depth, q]
        frames.scores[child, c] = totals[q]
        frames.allowed[child, c] = not same or (frames.allowed[depth, q] and q < at)
    ratings = arena[offset : offset + count * wide].reshape((count, wide))
    for t in range(count):
        row = matrix[users[t]]
        for c in range(wide):
            ratings[t, c] = row[chosen[c]]
        frames.needs[child, t] = user_needs[t]
    sizes[child, USERS], sizes[child, WIDTH], sizes[child, OFFSET] = count, wide, offset
    prepare(arena, frames, child, weights, least)
    return count * wide


@kernel()
def prepare(arena, frames, depth, weights, least):
    """Make a branch ready, whose sizes, needs, items, scores and ratings are there.

    Parameters
    ----------
    arena : float32 array
    frames : Frames
    depth : int
    weights : float64 array, shape (k,)
    """
    k = weights.shape[0]
    sizes = frames.sizes
    count, wide, offset = sizes[depth, USERS], sizes[depth, WIDTH], sizes[depth, OFFSET]
    later = weights[k - 1] != weights[depth]
    rest = k - depth - 1
    first = 0 if later else rest
    while first < wide:
        end = wide if later else first
        if _reach(frames.scores[depth], first, end, weights, depth, rest) > least:
            break
        first += 1
    sizes[depth, CURSOR], sizes[depth, LATER] = first, 1 if later else 0
    end = wide if later else first
    ratings = arena[offset : offset + count * wide].reshape((count, wide))
    frames.tops[depth, :count] = np.float32(-np.inf)
    for t in range(count):
        best = frames.tops[depth, t]
        for c in range(end):
            _insert(ratings[t, c], best, rest)


@kernel()
def _forget(found_lists, found_values, state):
    """Keep the better half of the lists found; return what the others are worth at most."""
    count = state[FOUND]
    price = np.sort(found_values[:count])[count // 2]
    left = 0
    for at in range(count):
        if found_values[at] > price:
            found_lists[left] = found_lists[at]
            found_values[left] = found_values[at]
            left += 1
    state[FOUND] = left
    return price


@kernel()
def search(arena, frames, weights, price, state, found_lists, found_values, work):
    """Go on with the search for the lists worth more than a price.

    Parameters
    ----------
    arena : float32 array
        Ratings of the users and items of each branch, user by user.
    frames : Frames
    weights : float64 array, shape (k,)
        Of the positions: positive, descending; k is at least 2.
    price : float
    state : int64 array, shape (3,)
        Depth, lists found, and how large the arena must be where it is too small.
    found_lists : int64 array, shape (room, k)
    found_values : float64 array, shape (room,)
        What they are worth, nearly. Where there are too many, the price goes up.
    work : int
        Pause after so many ratings.

    Returns
    -------
    outcome : int
        `DONE`, `PAUSED` or `FULL`.
    price : float
        No list but those found is worth more.
    """
    k = weights.shape[0]
    sizes = frames.sizes
    totals, sums = np.empty(frames.items.shape[1]), np.empty(frames.items.shape[1], np.float32)
    users, user_needs = np.empty(frames.needs.shape[1], np.int64), np.empty(frames.needs.shape[1])
    least = price * (1.0 - MARGIN)
    while True:
        depth = state[DEPTH]
        count, width, offset = sizes[depth, USERS], sizes[depth, WIDTH], sizes[depth, OFFSET]
        matrix = arena[offset : offset + count * width].reshape((count, width))
        rest = k - depth - 1
        later = sizes[depth, LATER] == 1
        same = weights[depth + 1] == weights[depth]
        tops = frames.tops[depth, :, :rest]
        opened = False
        while sizes[depth, CURSOR] < width and not opened:
            if work <= 0:
                return PAUSED, price
            at = sizes[depth, CURSOR]
            end = width if later else at
            work -= count
            if frames.allowed[depth, at]:
                most = _reach(frames.scores[depth], at, end, weights, depth, rest)
                if most > least:
                    active = _probe(
                        matrix,
                        frames.needs[depth],
                        tops,
                        at,
                        end,
                        weights[depth],
                        weights[depth + 1 :],
                        totals,
                        sums,
                        users,
                        user_needs,
                    )
                    work -= active * end
                    frames.path[depth] = frames.items[depth, at]
                    if rest > 1:
                        size = _open(
                            arena,
                            matrix,
                            frames,
                            depth,
                            at,
                            end,
                            same,
                            least,
                            active,
                            weights,
                            (totals, users, user_needs),
                        )
                        if size < 0:
                            state[NEEDED] = -size
                            return FULL, price
                        work -= 2 * size
                        opened = size > 0
                    else:
                        for q in range(end):
                            value = weights[k - 1] * totals[q]
                            if q == at or value <= least:
                                continue
                            found = state[FOUND]
                            found_lists[found, : k - 1] = frames.path[: k - 1]
                            found_lists[found, k - 1] = frames.items[depth, q]
                            found_values[found] = value
                            state[FOUND] = found + 1
                            if found + 1 == found_lists.shape[0]:
                                least = _forget(found_lists, found_values, state)
                                price = least * (1.0 + 2.0 * MARGIN)
            if not later:
                for t in range(count):
                    _insert(matrix[t, at], tops[t], rest)
            sizes[depth, CURSOR] = at + 1
        if opened:
            state[DEPTH] = depth + 1
        elif depth == 0:
            return DONE, price
        else:
            state[DEPTH] = depth - 1

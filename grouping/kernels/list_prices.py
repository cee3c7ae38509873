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

Ratings are whole codes of one or two bytes, rounded up where they are no multiples of the step;
levels are rounded down. What float32 sums lose by rounding stays within `MARGIN`, by which the
price is lowered.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from grouping.kernels.copying import copy_to
from grouping.kernels.jit import kernel
from grouping.kernels.levels import level_of

REORDERED = {"reassoc", "contract", "nsz"}
"""Sums may be taken in any order: `MARGIN` allows for the rounding of the worst."""

DONE, PAUSED, FULL = 0, 1, 2
DEPTH, FOUND, NEEDED = 0, 1, 2
USERS, WIDTH, CURSOR, START, ACROSS, END, UNSORTED = 0, 1, 2, 3, 4, 5, 6

BLOCK = 32
"""Terms that are added up in float32 before the sum is taken over into float64."""

MARGIN = 1e-5
"""More than `BLOCK` roundings of float32 can lose, relative to a sum of positive terms."""

SORTED = 16
"""Items of a branch that are sorted at once: few branches come to the others."""

NARROW = 4
"""A branch copies its ratings together where it has so many times fewer items than its source."""


class Frames(NamedTuple):
    """The branches that are open, one at each depth: as many items as the depth says are chosen.

    Attributes
    ----------
    sizes : int64 array, shape (k, 7)
        Users that may still be served; items that may still be chosen; the next item to choose
        (from the last, the best, on); where in the arena the ratings start (-1: they are in the
        matrix of all codes), how wide they are there, and where the next start; how many items,
        the first, are not sorted yet.
    needs : float64 array, shape (k, users)
    users, rows : int64 arrays, shape (k, users)
        The users, and where their ratings are.
    items, columns : int64 arrays, shape (k, items)
        The items, and where their ratings are: by ascending score, but for the unsorted ones.
    scores : float64 array, shape (k, items)
    allowed : bool array, shape (k, items)
        Whether the item may be chosen now: among positions of equal weight, lists are grown in
        one order only.
    places : int32 array, shape (k, items)
        Where among the branch's items each of all items is; -1: nowhere.
    path : int64 array, shape (k,)
        The item chosen at each depth.
    """

    sizes: NDArray[np.int64]
    needs: NDArray[np.float64]
    users: NDArray[np.int64]
    rows: NDArray[np.int64]
    items: NDArray[np.int64]
    columns: NDArray[np.int64]
    scores: NDArray[np.float64]
    allowed: NDArray[np.bool_]
    places: NDArray[np.int32]
    path: NDArray[np.int64]


class Codes(NamedTuple):
    """Ratings in whole steps above the lowest.

    Attributes
    ----------
    matrix : uint8 or uint16 array, shape (users, items)
    favourites : int32 array, shape (users, count)
        Each user's best items, the best first.
    ceilings : float64 array, shape (k, users)
        Most that each user can get from the positions after one.
    """

    matrix: NDArray[Any]
    favourites: NDArray[np.int32]
    ceilings: NDArray[np.float64]


@kernel(fastmath=REORDERED)
def _add_excess(matrix, row, level, sums):
    """Add what each rating of a row exceeds the level by."""
    for i in range(matrix.shape[1]):
        sums[i] += max(np.float32(matrix[row, i]) - level, np.float32(0.0))


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
def levels_of(best, weights, needs, levels):
    """Levels of all users (`level_of`), rounded down to float32 numbers."""
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
def _probe(codes, matrix, frames, depth, at, end, weights, totals, sums, users, user_needs):
    """Score columns if the item in place `at` is chosen next, for those in places before `end`.

    Returns
    -------
    count : int
        Users that may still be served: `users` and `user_needs` become they (as positions in
        the branch) and their needs.
    """
    width = matrix.shape[1]
    totals[:width] = 0.0
    sums[:width] = np.float32(0.0)
    rest = weights[depth + 1 :]
    few = rest.shape[0]
    best = np.empty(few)
    places, ceilings = frames.places[depth], codes.ceilings[depth]
    rows, needs, owners = frames.rows[depth], frames.needs[depth], frames.users[depth]
    favourites, ratings = codes.favourites, codes.matrix
    column, weight = frames.columns[depth, at], weights[depth]
    count = 0
    for t in range(frames.sizes[depth, USERS]):
        need = needs[t] - weight * np.float64(matrix[rows[t], column])
        user = owners[t]
        if ceilings[user] <= need:
            continue
        found = 0
        for f in range(favourites.shape[1]):
            item = favourites[user, f]
            place = places[item]
            if 0 <= place < end and place != at:
                best[found] = np.float64(ratings[user, item])
                found += 1
                if found == few:
                    break
        if found < few:  # others are worth no more than the least of the favourites
            last = np.float64(ratings[user, favourites[user, favourites.shape[1] - 1]])
            for j in range(found, few):
                best[j] = last
        level = level_of(best, rest, need)
        if level == np.inf:
            continue
        users[count], user_needs[count] = t, need
        count += 1
        _add_excess(matrix, rows[t], _lowered(level), sums)
        if count % BLOCK == 0:
            _add(sums[:width], totals)
    _add(sums[:width], totals)
    return count


@kernel()
def _reach(scores, at, end, weights, first):
    """Most that a branch can be worth that takes one item now, and others for the rest.

    Parameters
    ----------
    scores : float64 array
        Ascending.
    at, end : int
        The place of the item, and the end of those that may follow.
    weights : float64 array, shape (k,)
    first : int
        Position that is filled now.

    Returns
    -------
    most : float
        -infinity where there are too few items.
    """
    if end - (1 if at < end else 0) < weights.shape[0] - first - 1:
        return -np.inf
    most = weights[first] * scores[at]
    place = end - 1
    for j in range(first + 1, weights.shape[0]):
        if place == at:
            place -= 1
        most += weights[j] * scores[place]
        place -= 1
    return most


@kernel()
def _survivors(totals, columns, at, end, weights, first, least, chosen):
    """Places of the items that lists worth more than `least` may take after the one in `at`.

    Parameters
    ----------
    totals : float64 array
        Scores of columns.
    columns : int64 array
        Of the items.
    at, end : int
    weights : float64 array, shape (k,)
    first : int
        Position that is filled next.
    least : float
    chosen : int64 array
        Becomes the places: the best ones by ascending score, after all others.

    Returns
    -------
    count : int
        0 where no list is worth more.
    unsorted : int
        How many of them are not sorted.
    """
    rest = weights.shape[0] - first
    several = max(SORTED, rest)
    best = np.full(several, -np.inf)
    for place in range(end):
        if place != at:
            _insert(totals[columns[place]], best, several)
    total = 0.0
    for j in range(rest):
        total += weights[first + j] * best[j]
    if not total > least:
        return 0, 0
    # an item that is not among the best takes the last place
    scarce = best[rest - 1] - (total - least) / weights[weights.shape[0] - 1]
    split = best[several - 1]
    count = 0
    for place in range(end):
        if place != at and scarce <= totals[columns[place]] < split:
            chosen[count] = place
            count += 1
    unsorted = count
    for place in range(end):
        if place != at and totals[columns[place]] >= max(split, scarce):
            chosen[count] = place
            count += 1
    upper = chosen[unsorted:count]
    chosen[unsorted:count] = upper[np.argsort(totals[columns[upper]], kind="mergesort")]
    return count, unsorted


@kernel()
def _sort(frames, depth):
    """Sort the items of a branch that are not yet."""
    count = frames.sizes[depth, UNSORTED]
    order = np.argsort(frames.scores[depth, :count], kind="mergesort")
    frames.scores[depth, :count] = frames.scores[depth, :count][order]
    frames.items[depth, :count] = frames.items[depth, :count][order]
    frames.columns[depth, :count] = frames.columns[depth, :count][order]
    frames.allowed[depth, :count] = frames.allowed[depth, :count][order]
    for place in range(count):
        frames.places[depth, frames.items[depth, place]] = place
    frames.sizes[depth, UNSORTED] = 0


@kernel()
def _open(arena, matrix, frames, depth, at, end, least, count, weights, scratch):
    """Open the branch that was probed, if it can be worth more than `least`.

    Returns
    -------
    outcome : int
        Items of it; 0 if it was not opened, negative if the arena is too small for as many codes.
    """
    totals, users, user_needs, chosen = scratch
    columns, sizes = frames.columns[depth], frames.sizes
    child = depth + 1
    wide, unsorted = _survivors(totals, columns, at, end, weights, child, least, chosen)
    if wide == 0:
        return 0
    copied = NARROW * wide <= matrix.shape[1]
    start = sizes[depth, END]
    if copied and start + count * wide > arena.shape[0]:
        return -(start + count * wide)
    same = weights[child] == weights[depth]
    for place in range(sizes[child, WIDTH]):
        frames.places[child, frames.items[child, place]] = -1
    for c in range(wide):
        place = chosen[c]
        item = frames.items[depth, place]
        frames.items[child, c] = item
        frames.places[child, item] = c
        frames.columns[child, c] = c if copied else columns[place]
        frames.scores[child, c] = totals[columns[place]]
        frames.allowed[child, c] = not same or (frames.allowed[depth, place] and place < at)
    for t in range(count):
        frames.users[child, t] = frames.users[depth, users[t]]
        frames.rows[child, t] = t if copied else frames.rows[depth, users[t]]
        frames.needs[child, t] = user_needs[t]
    sizes[child, USERS], sizes[child, WIDTH], sizes[child, CURSOR] = count, wide, wide - 1
    sizes[child, START], sizes[child, ACROSS] = sizes[depth, START], sizes[depth, ACROSS]
    sizes[child, END], sizes[child, UNSORTED] = start, unsorted
    if copied:
        sizes[child, START], sizes[child, ACROSS] = start, wide
        sizes[child, END] = start + count * wide
        copy = arena[start : start + count * wide].reshape((count, wide))
        for t in range(count):
            row = matrix[frames.rows[depth, users[t]]]
            for c in range(wide):
                copy[t, c] = row[columns[chosen[c]]]
    return wide


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
def search(codes, arena, frames, weights, price, state, found_lists, found_values, work, lanes):
    """Go on with the search for the lists worth more than a price.

    Parameters
    ----------
    codes : Codes
    arena : array
        Codes of the users and items of narrow branches, user by user.
    frames : Frames
    weights : float64 array, shape (k,)
        Of the positions: positive, descending; k is at least 2.
    price : float
        In steps, like all worths, needs and scores here.
    state : int64 array, shape (3,)
        Depth, lists found, and how large the arena must be where it is too small.
    found_lists : int64 array, shape (room, k)
    found_values : float64 array, shape (room,)
        What they are worth, nearly. Where there are too many, the price goes up.
    work : int
        Pause after so many ratings.
    lanes : int
        Only every so many of the first branches are searched.

    Returns
    -------
    outcome : int
        `DONE`, `PAUSED` or `FULL`.
    price : float
        No list but those found is worth more.
    """
    k, items = weights.shape[0], codes.matrix.shape[1]
    sizes = frames.sizes
    totals, sums = np.empty(items), np.empty(items, np.float32)
    most_users = frames.needs.shape[1]
    users, user_needs = np.empty(most_users, np.int64), np.empty(most_users)
    scratch = (totals, users, user_needs, np.empty(items, np.int64))
    least = price * (1.0 - MARGIN)
    while True:
        depth = state[DEPTH]
        start, across = sizes[depth, START], sizes[depth, ACROSS]
        matrix = codes.matrix
        if start >= 0:
            size = sizes[depth, USERS] * across
            matrix = arena[start : start + size].reshape((sizes[depth, USERS], across))
        opened = False
        while sizes[depth, CURSOR] >= 0 and not opened:
            if work <= 0:
                return PAUSED, price
            at = sizes[depth, CURSOR]
            across_weights = weights[k - 1] != weights[depth]
            needed = at if across_weights else at - (k - depth - 1)
            if needed < sizes[depth, UNSORTED]:
                _sort(frames, depth)
            end = sizes[depth, WIDTH] if across_weights else at
            if frames.allowed[depth, at]:
                most = _reach(frames.scores[depth], at, end, weights, depth)
                if most == -np.inf or most <= least:
                    break  # and so it is with all that are left
                active = _probe(
                    codes,
                    matrix,
                    frames,
                    depth,
                    at,
                    end,
                    weights,
                    totals,
                    sums,
                    users,
                    user_needs,
                )
                work -= active * across + 10 * sizes[depth, USERS] + end
                frames.path[depth] = frames.items[depth, at]
                if depth + 2 < k:
                    wide = _open(
                        arena, matrix, frames, depth, at, end, least, active, weights, scratch
                    )
                    if wide < 0:
                        state[NEEDED] = -wide
                        return FULL, price
                    opened = wide > 0
                else:
                    for place in range(end):
                        value = weights[k - 1] * totals[frames.columns[depth, place]]
                        if place == at or value <= least:
                            continue
                        found = state[FOUND]
                        copy_to(found_lists[found, : k - 1], frames.path[: k - 1])
                        found_lists[found, k - 1] = frames.items[depth, place]
                        found_values[found] = value
                        state[FOUND] = found + 1
                        if found + 1 == found_lists.shape[0]:
                            least = _forget(found_lists, found_values, state)
                            price = least * (1.0 + 2.0 * MARGIN)
            sizes[depth, CURSOR] = at - (lanes if depth == 0 else 1)
        if opened:
            state[DEPTH] = depth + 1
        elif depth == 0:
            return DONE, price
        else:
            state[DEPTH] = depth - 1


@kernel()
def _search_lane(
    codes, arenas, frames, weights, prices, states, found_lists, found_values, outcomes, work, lane
):
    """Go on with one lane."""
    own = Frames(
        frames.sizes[lane],
        frames.needs[lane],
        frames.users[lane],
        frames.rows[lane],
        frames.items[lane],
        frames.columns[lane],
        frames.scores[lane],
        frames.allowed[lane],
        frames.places[lane],
        frames.path[lane],
    )
    outcomes[lane], prices[lane] = search(
        codes,
        arenas[lane],
        own,
        weights,
        prices[lane],
        states[lane],
        found_lists[lane],
        found_values[lane],
        work,
        states.shape[0],
    )


@kernel(parallel=True)
def search_lanes(
    codes, arenas, frames, weights, prices, states, found_lists, found_values, outcomes, work
):
    """Go on with the search, the first branches dealt out to lanes in turns: see `search`.

    Parameters
    ----------
    codes : Codes
    arenas : array, shape (lanes, size)
    frames : Frames
        Of each lane, as the first dimension.
    weights : float64 array, shape (k,)
    prices : float64 array, shape (lanes,)
    states : int64 array, shape (lanes, 3)
    found_lists : int64 array, shape (lanes, room, k)
    found_values : float64 array, shape (lanes, room)
    outcomes : int64 array, shape (lanes,)
        Lanes that are `DONE` rest.
    work : int
        Of each lane.
    """
    for lane in prange(states.shape[0]):
        if outcomes[lane] != DONE:
            _search_lane(
                codes,
                arenas,
                frames,
                weights,
                prices,
                states,
                found_lists,
                found_values,
                outcomes,
                work,
                lane,
            )

"""Choosing at most l columns so that users, each served by the best chosen one, get the most.

Columns are items (an item's ratings) or lists (what each user gets from a list). Multipliers of
users give the Lagrangian bound (Cornuejols, Fisher and Nemhauser, Management Science 23, 1977):
whatever columns are chosen, users together get at most

    sum of the multipliers + sum over the chosen columns of worth,
    worth of a column = sum over users of max(0, value - multiplier).

Multipliers are rounded to float32 wherever they are used, so that records of them are short.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from grouping.kernels.copying import copy_to
from grouping.kernels.jit import kernel

REORDERED = {"reassoc", "contract", "nsz"}
"""Sums may be taken in any order: bounds allow for the rounding of the worst."""

FREE, CHOSEN, EXCLUDED = 0, 1, -1
BRANCH, LEAF, EXACT_LEAF = 0, 1, 2

MOST_STAGES = 6
"""Times that a node's bound is lowered again after columns were decided."""

PATIENCE = 8
"""Steps without a lower bound after which steps become shorter."""

KEPT = 0.75
"""Share of the last step's direction that stays in the next (Camerini, Fratta and Maffioli)."""

SPARE = 32
"""Of the best columns of a leaf so many more are told apart than can be chosen."""

MANY, FEWER, AT_LEAST = 2_000, 32, 30
"""From so many columns on, a node's steps look at so many times fewer, but at so many for each
that may still be chosen, and at all in the end."""

MORE_THAN = 0.01
"""A step counts as progress if it closes this share of the gap that is left."""


@kernel(fastmath=REORDERED)
def worth(row, multipliers):
    """What a column brings beyond the users' multipliers."""
    total = 0.0
    for u in range(row.shape[0]):
        total += max(np.float64(row[u]) - multipliers[u], 0.0)
    return total


@kernel(fastmath=REORDERED)
def total_of(row):
    """Sum of an array in float64."""
    total = 0.0
    for u in range(row.shape[0]):
        total += np.float64(row[u])
    return total


@kernel(parallel=True)
def worths(values, multipliers, found):
    """Write down what each column is worth.

    Parameters
    ----------
    values : float array, shape (columns, users)
    multipliers : float64 array, shape (users,)
    found : float64 array, shape (columns,)
    """
    for c in prange(values.shape[0]):
        found[c] = worth(values[c], multipliers)


@kernel(fastmath=REORDERED)
def add_slope(row, multipliers, slope):
    """Count a chosen column's customers: users who get more than their multiplier."""
    for u in range(row.shape[0]):
        slope[u] -= 1.0 if row[u] > multipliers[u] else 0.0


@kernel(fastmath=REORDERED)
def turn(slope, direction, multipliers, floor):
    """Mix the slope into the direction, except for users held at their floor; its squared norm."""
    norm = 0.0
    for u in range(slope.shape[0]):
        mixed = slope[u] + KEPT * direction[u]
        direction[u] = mixed
        moved = 0.0 if (mixed > 0.0 and multipliers[u] <= floor[u]) else mixed
        slope[u] = moved
        norm += moved * moved
    return norm


@kernel(fastmath=REORDERED)
def move(multipliers, slope, floor, step):
    """Go a step down, no further than the floor."""
    for u in range(slope.shape[0]):
        lower = np.float64(np.float32(multipliers[u] - step * slope[u]))
        multipliers[u] = max(lower, floor[u])


@kernel()
def largest(found, count, few, order):
    """Positions of the few largest of the first `count` numbers, largest first, into `order`."""
    filled = 0
    for c in range(count):
        value = found[c]
        if filled == few and value <= found[order[filled - 1]]:
            continue
        at = filled if filled < few else few - 1
        while at > 0 and found[order[at - 1]] < value:
            order[at] = order[at - 1]
            at -= 1
        order[at] = c
        filled = min(filled + 1, few)


@kernel()
def raised(value):
    """Round up to a float32 number."""
    near = np.float32(value)
    if np.float64(near) < value:
        near = np.nextafter(near, np.float32(np.inf))
    return np.float64(near)


@kernel()
def _lower(
    values,
    columns,
    count,
    few,
    floor,
    multipliers,
    best,
    best_worths,
    use,
    target,
    aim,
    steps,
    work,
):
    """Bring the bound over some columns down by subgradient steps; return it and the steps taken.

    `best` becomes the multipliers of the lowest bound, `best_worths` the columns' worths there;
    `use` counts how often each column was among the best.
    """
    users = multipliers.shape[0]
    slope, direction, found = work[0], work[1], np.empty(count)
    order = np.empty(few, np.int64)
    direction[:] = 0.0
    for u in range(users):
        multipliers[u] = max(multipliers[u], floor[u])
    for t in range(count):
        best_worths[t] = worth(values[columns[t]], multipliers)
    near = _near(best_worths, count, few)
    for t in range(near.shape[0]):
        found[t] = best_worths[near[t]]
    lowest, length, stale, taken = np.inf, 0.5, 0, 0
    while True:
        if taken > 0:
            for t in range(near.shape[0]):
                found[t] = worth(values[columns[near[t]]], multipliers)
        largest(found, near.shape[0], few, order)
        bound = total_of(multipliers)
        for t in range(few):
            bound += found[order[t]]
        taken += 1
        if bound < lowest:
            stale = 0 if lowest - bound > MORE_THAN * (lowest - aim) else stale + 1
            lowest = bound
            copy_to(best, multipliers)
            if near.shape[0] == count:
                copy_to(best_worths[:count], found)
        else:
            stale += 1
        if lowest <= target or taken >= steps:
            break
        if stale >= PATIENCE:
            length, stale = 0.5 * length, 0
            copy_to(multipliers, best)
            direction[:] = 0.0
            if length < 0.02:
                break
        slope[:] = 1.0
        for t in range(few):
            column = columns[near[order[t]]]
            add_slope(values[column], multipliers, slope)
            use[column] += 1.0
        norm = turn(slope, direction, multipliers, floor)
        if norm == 0.0:
            break
        move(multipliers, slope, floor, length * (bound - aim) / norm)
    if near.shape[0] < count and taken > 1:
        for t in range(count):
            best_worths[t] = worth(values[columns[t]], best)
        largest(best_worths, count, few, order)
        lowest = total_of(best)
        for t in range(few):
            lowest += best_worths[order[t]]
    return lowest, taken


@kernel()
def _near(worths_of_columns, count, few):
    """Columns that are worth most: of many, only they are looked at at each step."""
    if count < MANY:
        return np.arange(count)
    kept = max(count // FEWER, AT_LEAST * few)
    if kept >= count:
        return np.arange(count)
    least = np.partition(worths_of_columns[:count], count - kept)[count - kept]
    return np.flatnonzero(worths_of_columns[:count] >= least)


@kernel()
def _expand(
    values,
    status,
    multipliers,
    limit,
    lowest,
    target,
    aim,
    steps,
    rows,
    ops,
    op_inside,
    op_stage,
    figures,
    solution,
    floats,
):
    """Bound one node, decide columns, and choose one to branch on: see `expand`."""
    columns, users = values.shape
    free = np.empty(columns, np.int64)
    use = np.zeros(columns)
    best_worths = np.empty(columns)
    served, floor, best = np.empty(users), np.empty(users), np.empty(users)
    mine = np.empty(users)
    work = np.empty((2, users))
    copy_to(mine, multipliers)
    stage, count_ops = 0, 0
    floats[1] = -np.inf
    while True:
        count, chosen = 0, 0
        served[:] = lowest
        for c in range(columns):
            if status[c] == FREE:
                free[count] = c
                count += 1
            elif status[c] == CHOSEN:
                solution[chosen] = c
                chosen += 1
                for u in range(users):
                    served[u] = max(served[u], np.float64(values[c, u]))
        few = min(limit - chosen, count)
        if few <= 1:
            bound = total_of(served)
            if few == 1:
                at, most = 0, -1.0
                for t in range(count):
                    found = worth(values[free[t]], served)
                    if found > most:
                        at, most = t, found
                bound += most
                solution[chosen] = free[at]
                chosen += 1
            figures[0], figures[2] = EXACT_LEAF, chosen
            floats[0], floats[1] = bound, bound
            break
        for u in range(users):
            floor[u] = raised(served[u])
        use[:] = 0.0
        bound, taken = _lower(
            values,
            free,
            count,
            few,
            floor,
            mine,
            best,
            best_worths,
            use,
            target,
            aim,
            steps,
            work,
        )
        figures[4] += taken
        rows[stage] = best
        floats[0] = bound
        if bound <= target:
            figures[0] = LEAF
            break
        order = np.empty(min(few + 1, count), np.int64)
        largest(best_worths, count, order.shape[0], order)
        total = 0.0
        for u in range(users):
            value = served[u]
            for t in range(few):
                value = max(value, np.float64(values[free[order[t]], u]))
            total += value
        if total > floats[1]:
            floats[1] = total
            for t in range(few):
                solution[chosen + t] = free[order[t]]
            figures[2] = chosen + few
        decided = 0
        last = best_worths[order[few - 1]]
        after = best_worths[order[few]] if few < count else 0.0
        for t in range(count):
            if bound - last + best_worths[t] <= target:
                status[free[t]] = EXCLUDED
                ops[count_ops], op_inside[count_ops], op_stage[count_ops] = free[t], 0, stage
                count_ops += 1
                decided += 1
        for t in range(few):
            c = free[order[t]]
            if status[c] == FREE and bound - best_worths[order[t]] + after <= target:
                status[c] = CHOSEN
                ops[count_ops], op_inside[count_ops], op_stage[count_ops] = c, 1, stage
                count_ops += 1
                decided += 1
        stage += 1
        copy_to(mine, best)
        if decided == count or (decided * 5 >= count and stage < MOST_STAGES):
            continue
        at, nearest = -1, np.inf
        for t in range(count):
            if status[free[t]] == FREE:
                distance = abs(use[free[t]] / taken - 0.5)
                if distance < nearest:
                    at, nearest = free[t], distance
        figures[0], figures[1] = BRANCH, at
        copy_to(multipliers, best)
        break
    figures[3] = count_ops
    figures[5] = stage


@kernel(parallel=True)
def expand(
    values,
    status,
    multipliers,
    limit,
    lowest,
    target,
    aim,
    steps,
    rows,
    ops,
    op_inside,
    op_stage,
    figures,
    solutions,
    floats,
):
    """Take nodes of the branch and bound tree a step further, each by itself.

    A node's bound is brought down. Where that does not close it, columns are excluded without
    which, or chosen with which, alone it could matter; then the bound is brought down again. If
    few were decided, a column is named to branch on: one that was among the best about half the
    time.

    Parameters
    ----------
    values : float array, shape (columns, users)
    status : int8 array, shape (nodes, columns)
        Changed to what was decided.
    multipliers : float32 array, shape (nodes, users)
        Where to start; where the node branches: become the children's.
    limit : int
        Columns to choose, at most.
    lowest : float
        No value is lower.
    target : float
        Bounds up to this close a node.
    aim : float
        Steps are in proportion to a bound's distance to this, a little below the target: else
        they would only approach it.
    steps : int
        For one bound.
    rows : float32 array, shape (nodes, MOST_STAGES, users)
        Become the multipliers at which each stage's decisions, or the leaf, are justified.
    ops, op_inside, op_stage : int arrays, shape (nodes, columns)
        Become the columns that were decided, whether they were chosen, and by which stage's row.
    figures : int64 array, shape (nodes, 6)
        Becomes the verdict (BRANCH; LEAF by the row of the last stage; EXACT_LEAF by what users
        get from the chosen columns), the column to branch on, the size of the solution, the number
        of columns decided, steps taken, and the stage.
    solutions : int64 array, shape (nodes, limit)
        Become the best columns met.
    floats : float64 array, shape (nodes, 2)
        Become the bound and the value of the solution.
    """
    for t in prange(status.shape[0]):
        _expand(
            values,
            status[t],
            multipliers[t],
            limit,
            lowest,
            target,
            aim,
            steps,
            rows[t],
            ops[t],
            op_inside[t],
            op_stage[t],
            figures[t],
            solutions[t],
            floats[t],
        )


@kernel()
def preorder(columns, chosen_child, excluded_child, root, tokens):
    """Write a tree down, each node before its children: see `grouping.exact.medians.tree`.

    Parameters
    ----------
    columns : int64 array, shape (nodes,)
        Column that each node branches on.
    chosen_child, excluded_child : int64 arrays, shape (nodes,)
        Node, or a leaf's token (negative).
    root : int
        Node, or a leaf's token.
    tokens : int64 array, shape (2 * nodes + 1,)
    """
    waiting = np.empty(columns.shape[0] + 1, np.int64)
    waiting[0] = root
    left, written = 1, 0
    while left > 0:
        left -= 1
        node = waiting[left]
        if node < 0:
            tokens[written] = node
            written += 1
            continue
        first, second, side = chosen_child[node], excluded_child[node], 0
        if second < 0 and first >= 0:
            first, second, side = second, first, 1
        tokens[written] = 2 * columns[node] + side
        written += 1
        waiting[left] = second
        waiting[left + 1] = first
        left += 2


@kernel(parallel=True)
def _worths_of(values, some, count, multipliers, found):
    for t in prange(count):
        found[some[t]] = worth(values[some[t]], multipliers)


@kernel()
def _best_first(found, some, most):
    """Columns in order of their worths, the best first: so many of them, or all that are tied."""
    worths = found[some]
    if most < some.shape[0]:
        least = np.partition(worths, some.shape[0] - most)[some.shape[0] - most]
        best = np.flatnonzero(worths >= least)
        some, worths = some[best], worths[best]
    return some[np.argsort(-worths)]


@kernel()
def leaf_bounds(values, tokens, rows, limit, lowest, status, path, state, found, sums, budget):
    """Go through a tree and keep the highest bound of a leaf; pausable.

    Parameters
    ----------
    values : float array, shape (columns, users)
    tokens : int64 array
    rows : float32 array, shape (rows, users)
    limit : int
    lowest : float
        No value is lower.
    status : int8 array, shape (columns,)
        All free at first.
    path : int64 array
        Nodes whose second child is still to come, as tokens; room for one for each column.
    state : int64 array, shape (3,)
        Next token, length of the path, row whose worths `found` holds (-1 for none): 0, 0, -1.
    found : float64 array, shape (columns,)
    sums : float64 array, shape (4,)
        Highest bound of a leaf, the most that terms of one add up to without signs, and the sum
        of the multipliers of the row in `found`, with and without signs: -infinity, 0, 0, 0 at
        first.
    budget : int
        Cells to look at before pausing.

    Returns
    -------
    done : bool
    """
    columns, users = values.shape
    multipliers = np.empty(users)
    some = np.empty(columns, np.int64)
    inside, chosen = np.empty(columns + 1, np.int64), 0
    for c in range(columns):
        if status[c] == CHOSEN:
            inside[chosen] = c
            chosen += 1
    best_first, count = np.empty(0, np.int64), 0
    state[2] = -1
    while state[0] < tokens.shape[0]:
        token = tokens[state[0]]
        state[0] += 1
        if token >= 0:
            column = token >> 1
            path[state[1]] = token
            state[1] += 1
            status[column] = EXCLUDED
            if token & 1 == 0:
                status[column] = CHOSEN
                inside[chosen] = column
                chosen += 1
            continue
        if token == -1:
            multipliers[:] = lowest
            for t in range(chosen):
                for u in range(users):
                    multipliers[u] = max(multipliers[u], np.float64(values[inside[t], u]))
        elif state[2] != -token - 2:
            copy_to(multipliers, rows[-token - 2])
        if token == -1 or state[2] != -token - 2:
            # the column just decided too: leaves of the same row that follow may count it
            last = -1
            if state[1] > 0:
                token_before = path[state[1] - 1]
                last = (token_before if token_before >= 0 else -token_before - 1) >> 1
            count = 0
            for c in range(columns):
                if status[c] != EXCLUDED or c == last:
                    some[count] = c
                    count += 1
            _worths_of(values, some, count, multipliers, found)
            best_first = _best_first(found, some[:count], limit + SPARE)
            budget -= count * users
            sums[2] = total_of(multipliers)
            state[2] = -1 if token == -1 else -token - 2
            magnitude = 0.0
            for u in range(users):
                magnitude += abs(multipliers[u])
            sums[3] = magnitude
        if chosen <= limit:
            bound = 0.0
            for t in range(chosen):
                bound += found[inside[t]]
            few, at = limit - chosen, 0
            while few > 0 and at < count:
                if at == best_first.shape[0]:  # more of the best are decided than were spared
                    best_first = _best_first(found, some[:count], count)
                c = best_first[at]
                if status[c] == FREE:
                    bound += found[c]
                    few -= 1
                at += 1
            value = sums[2] + bound
            # what is no number stays: to skip it would be to claim that it is little
            if not value <= sums[0] and sums[0] == sums[0]:
                sums[0] = value
            sums[1] = max(sums[1], sums[3] + bound)
        # back to the last node whose second child is still to come
        while state[1] > 0:
            token = path[state[1] - 1]
            column = (token if token >= 0 else -token - 1) >> 1
            if status[column] == CHOSEN:
                at = 0
                while inside[at] != column:
                    at += 1
                chosen -= 1
                inside[at] = inside[chosen]
            if token < 0:  # both children are done
                status[column] = FREE
                state[1] -= 1
                continue
            status[column] = EXCLUDED
            if token & 1 == 1:
                status[column] = CHOSEN
                inside[chosen] = column
                chosen += 1
            path[state[1] - 1] = -token - 1
            break
        if budget < 0:
            break
    return state[0] >= tokens.shape[0]


@kernel(parallel=True)
def totals_with(values, served, found):
    """What users get in all if a column is added to those that serve them, for each column."""
    for c in prange(values.shape[0]):
        found[c] = worth(values[c], served)


@kernel(parallel=True)
def swap_gains(values, first, best, second, slots, gains, positions):
    """Gain of the best exchange that brings each column in, and the chosen column it replaces.

    Parameters
    ----------
    values : float array, shape (columns, users)
    first : int64 array, shape (users,)
        Position, among the chosen columns, of each user's best.
    best, second : float64 arrays, shape (users,)
        What the best and the second best chosen column give each user.
    slots : int
        Number of chosen columns.
    gains : float64 array, shape (columns,)
    positions : int64 array, shape (columns,)
    """
    for c in prange(values.shape[0]):
        lost = np.zeros(slots)
        row = values[c]
        gain = 0.0
        for u in range(row.shape[0]):
            value = np.float64(row[u])
            if value > best[u]:
                gain += value - best[u]
            else:
                lost[first[u]] += best[u] - max(value, second[u])
        at = 0
        for t in range(slots):
            if lost[t] < lost[at]:
                at = t
        gains[c] = gain - lost[at]
        positions[c] = at

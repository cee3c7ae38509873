"""Moves and exchanges of users between groups, with the groups' scores kept up to date.

What is moved is a unit: one user, or several who must stay together, with one row of scores.
Under least misery each group keeps, for every item, its two lowest scores and how many units have
each; under aggregate voting the sum. So what a group is worth after a move takes one look at the
items.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from grouping.kernels.copying import copy_to
from grouping.kernels.jit import kernel

NOBODY = -1

LEAST_SUM = 1e-300
"""For the logarithm of sums."""


class Instance(NamedTuple):
    """What does not change.

    Attributes
    ----------
    rows : float array, shape (units, m)
        What each unit gives: its lowest ratings (least misery), its sums (aggregate voting).
    weights : float64 array, shape (positions,)
        Of a list's positions, up to the last that counts.
    least_misery : bool
    by_members : bool
        Whether a group counts by its members' masses, not once.
    masses : float64 array, shape (units,)
        What each unit's users weigh, together.
    sizes : int64 array, shape (units,)
        Users in each unit.
    low : int64 array, shape (groups,)
        1 for groups that must not be empty, else 0.
    fewest : int
        Users of a group that is not empty.
    high : int64 array, shape (groups,)
        Most users of each group.
    movable : bool array, shape (units,)
    apart_starts, apart : int64 arrays
        The units that unit u must not be with: ``apart[apart_starts[u]:apart_starts[u + 1]]``.
    softness : float
        0, or: a group's sum of an item stands for a rating, of which it is the exponential: it
        falls by the factor e where the rating rises by so much (`grouping.local.softening`).
    origin : float
        The rating for which a sum of -1 stands.
    floor : float
        A score below it is that of an excluded item, which counts at any position of a list.
    amounts : int32 array, shape (units, traits)
        Users of each unit with each trait that is counted (`grouping.constraints.traits`).
    shares, tolerances : float64 arrays, shape (traits,)
        A group's count of a trait may be off the share of its size by 1, or by the tolerance
        times its size.
    not_alone : bool array, shape (traits,)
        Whether a count of just 1 is not allowed.
    slack : float
        Roundings of counts that are forgiven.
    """

    rows: Any
    weights: Any
    least_misery: Any
    by_members: Any
    masses: Any
    sizes: Any
    low: Any
    fewest: Any
    high: Any
    movable: Any
    apart_starts: Any
    apart: Any
    softness: Any = 0.0
    origin: Any = 0.0
    floor: Any = -np.inf
    amounts: Any = np.zeros((0, 0), np.int32)
    shares: Any = np.zeros(0)
    tolerances: Any = np.zeros(0)
    not_alone: Any = np.zeros(0, np.bool_)
    slack: Any = 0.0


class State(NamedTuple):
    """A partition, and what follows from it.

    Attributes
    ----------
    labels : int64 array, shape (units,)
        Group of each unit, or `NOBODY`: not in a group yet.
    first : float64 array, shape (groups, m)
        Lowest scores, infinite in an empty group; or sums.
    second : float64 array, shape (groups, m), or (0, 0)
        The next higher scores, infinite where there are none.
    at_first, at_second : int64 arrays, shape (groups, m), or (0, 0)
        How many units have these scores.
    counts, users : int64 arrays, shape (groups,)
        Units and users of each group.
    masses : float64 array, shape (groups,)
        What each group's users weigh.
    values : float64 array, shape (groups,)
        What each group is worth, 0 if it is empty; not yet counted by members.
    held : int64 array, shape (groups, traits)
        Users of each group with each trait.
    """

    labels: Any
    first: Any
    second: Any
    at_first: Any
    at_second: Any
    counts: Any
    users: Any
    masses: Any
    values: Any
    held: Any


def empty_state(instance: Instance, labels: Any) -> State:
    """Make room for a state: `rebuild` fills it."""
    groups, m = len(instance.low), instance.rows.shape[1]
    kept = (groups, m) if instance.least_misery else (0, 0)
    return State(
        labels.astype(np.int64),
        np.empty((groups, m)),
        np.empty(kept),
        np.empty(kept, np.int64),
        np.empty(kept, np.int64),
        np.empty(groups, np.int64),
        np.empty(groups, np.int64),
        np.empty(groups),
        np.empty(groups),
        np.empty((groups, len(instance.shares)), np.int64),
    )


def unconstrained(rows: Any, weights: Any, least_misery: bool, groups: int) -> Instance:
    """Users one by one, any sizes: positions that do not count at the end are left out."""
    n = len(rows)
    positions = int(np.flatnonzero(weights)[-1]) + 1 if np.any(weights) else 1
    return Instance(
        rows,
        np.ascontiguousarray(weights[:positions], np.float64),
        least_misery,
        False,
        np.ones(n),
        np.ones(n, np.int64),
        np.zeros(groups, np.int64),
        1,
        np.full(groups, n, np.int64),
        np.ones(n, np.bool_),
        np.zeros(n + 1, np.int64),
        np.zeros(0, np.int64),
    )


@kernel()
def rebuild(instance, state):
    """Compute all that follows from the labels, anew.

    Returns
    -------
    total : float
        Sum of what the groups count.
    """
    state.counts[:] = 0
    state.users[:] = 0
    state.masses[:] = 0.0
    state.held[:] = 0
    state.first[:] = np.inf if instance.least_misery else 0.0
    if instance.least_misery:
        state.second[:] = np.inf
        state.at_first[:] = 0
        state.at_second[:] = 0
    for unit in range(len(state.labels)):
        if state.labels[unit] != NOBODY:
            _join(instance, state, unit, state.labels[unit])
    top = np.empty(len(instance.weights))
    total = 0.0
    for group in range(len(state.counts)):
        state.values[group] = worth(instance, state, group, NOBODY, NOBODY, top)
        total += _counted(instance, state.values[group], state.masses[group])
    return total


@kernel()
def _counted(instance, value, mass):
    """What a group's value counts in the objective."""
    return value * mass if instance.by_members else value


@kernel()
def _lower(instance, state, group, unit):
    """Let a unit's scores lower a group's."""
    for item in range(instance.rows.shape[1]):
        _count(state, group, item, np.float64(instance.rows[unit, item]))


@kernel()
def _count(state, group, item, score):
    """Let one score lower a group's two lowest of an item."""
    if score > state.second[group, item]:
        return
    if score < state.first[group, item]:
        state.second[group, item] = state.first[group, item]
        state.at_second[group, item] = state.at_first[group, item]
        state.first[group, item] = score
        state.at_first[group, item] = 1
    elif score == state.first[group, item]:
        state.at_first[group, item] += 1
    elif score < state.second[group, item]:
        state.second[group, item] = score
        state.at_second[group, item] = 1
    else:
        state.at_second[group, item] += 1


@kernel()
def worth(instance, state, group, out, into, top):
    """What a group would be worth without one unit and with another.

    Parameters
    ----------
    instance : Instance
    state : State
    group : int
    out, into : int
        Units, or `NOBODY`.
    top : float64 array, shape (positions,)
        Work space.

    Returns
    -------
    value : float
        0 for an empty group.
    """
    rows, weights = instance.rows, instance.weights
    if state.counts[group] - (out != NOBODY) + (into != NOBODY) == 0:
        return 0.0
    positions = len(weights)
    top[:] = -np.inf
    least = -np.inf
    for item in range(rows.shape[1]):
        score = state.first[group, item]
        if instance.least_misery:
            if (
                out != NOBODY
                and state.at_first[group, item] == 1
                and np.float64(rows[out, item]) == score
            ):
                score = state.second[group, item]
            if score <= least:
                continue
            if into != NOBODY:
                score = min(score, np.float64(rows[into, item]))
        else:
            if out != NOBODY:
                score -= rows[out, item]
            if into != NOBODY:
                score += rows[into, item]
        if score > least:
            at = positions - 1
            while at > 0 and top[at - 1] < score:
                top[at] = top[at - 1]
                at -= 1
            top[at] = score
            least = top[positions - 1]
    value = 0.0
    for position in range(positions):
        if top[position] < instance.floor:
            value += top[position]
        elif weights[position] != 0.0:
            value += weights[position] * _rating(instance, top[position])
    return value


@kernel()
def _rating(instance, score):
    """Return the rating that a score stands for."""
    if instance.softness == 0.0:
        return score
    # roundings can leave less than nothing of a sum of numbers of very different sizes
    return instance.origin - instance.softness * math.log(max(-score, LEAST_SUM))


@kernel()
def _leave(instance, state, unit):
    """Take a unit out of its group's scores and counts; its label stays."""
    group = state.labels[unit]
    rows = instance.rows
    state.counts[group] -= 1
    state.users[group] -= instance.sizes[unit]
    state.masses[group] -= instance.masses[unit]
    for trait in range(len(instance.shares)):
        state.held[group, trait] -= instance.amounts[unit, trait]
    if not instance.least_misery:
        for item in range(rows.shape[1]):
            state.first[group, item] -= rows[unit, item]
        return
    members = np.empty(0, np.int64)
    for item in range(rows.shape[1]):
        score = np.float64(rows[unit, item])
        if score == state.first[group, item]:
            state.at_first[group, item] -= 1
        elif score == state.second[group, item]:
            state.at_second[group, item] -= 1
        else:
            continue
        if state.at_first[group, item] > 0 and state.at_second[group, item] > 0:
            continue
        if state.at_first[group, item] > 0 and state.second[group, item] == np.inf:
            continue  # everybody has the same score
        if len(members) == 0:
            members = _others(state, group, unit)
        state.first[group, item] = state.second[group, item] = np.inf
        state.at_first[group, item] = state.at_second[group, item] = 0
        for member in members:
            _count(state, group, item, np.float64(rows[member, item]))


@kernel()
def _others(state, group, unit):
    """Units of a group but for one."""
    members = np.empty(state.counts[group], np.int64)
    found = 0
    for other in range(len(state.labels)):
        if state.labels[other] == group and other != unit:
            members[found] = other
            found += 1
    return members


@kernel()
def _join(instance, state, unit, group):
    """Add a unit to a group."""
    state.labels[unit] = group
    state.counts[group] += 1
    state.users[group] += instance.sizes[unit]
    state.masses[group] += instance.masses[unit]
    for trait in range(len(instance.shares)):
        state.held[group, trait] += instance.amounts[unit, trait]
    if instance.least_misery:
        _lower(instance, state, group, unit)
        return
    for item in range(instance.rows.shape[1]):
        state.first[group, item] += instance.rows[unit, item]


@kernel()
def _clashes(instance, state, unit, group, leaving):
    """Whether somebody in a group, other than the one who leaves, must not be with a unit."""
    for at in range(instance.apart_starts[unit], instance.apart_starts[unit + 1]):
        other = instance.apart[at]
        if other != leaving and state.labels[other] == group:
            return True
    return False


@kernel()
def _fits(instance, state, group, change):
    """Whether a group may have so many users more."""
    users = state.users[group] + change
    if users == 0:
        return instance.low[group] == 0
    return instance.fewest <= users <= instance.high[group]


@kernel()
def _balanced(instance, state, group, out, into):
    """Whether a group holds enough of each trait, and not too many, after an exchange."""
    users = state.users[group]
    users -= 0 if out == NOBODY else instance.sizes[out]
    users += 0 if into == NOBODY else instance.sizes[into]
    for trait in range(len(instance.shares)):
        count = state.held[group, trait]
        count -= 0 if out == NOBODY else instance.amounts[out, trait]
        count += 0 if into == NOBODY else instance.amounts[into, trait]
        if count == 1 and instance.not_alone[trait]:
            return False
        off = abs(count - instance.shares[trait] * users)
        if off > max(1.0, instance.tolerances[trait] * users) + instance.slack:
            return False
    return True


@kernel()
def allowed(instance, state, unit, group, other):
    """Whether a unit may move to a group, in exchange for one of its units or `NOBODY`."""
    home = state.labels[unit]
    if home == group or not instance.movable[unit]:
        return False
    change = instance.sizes[unit]
    if other != NOBODY:
        if not instance.movable[other]:
            return False
        change -= instance.sizes[other]
    if not (_fits(instance, state, group, change) and _fits(instance, state, home, -change)):
        return False
    if _clashes(instance, state, unit, group, other):
        return False
    if other != NOBODY and _clashes(instance, state, other, home, unit):
        return False
    return _balanced(instance, state, group, other, unit) and _balanced(
        instance, state, home, unit, other
    )


@kernel()
def anneal(instance, state, units, partners, thresholds, total, best, best_labels):
    """Try moves and exchanges one after another, and make those that lose little enough.

    Parameters
    ----------
    instance : Instance
    state : State
        Changed.
    units : int64 array, shape (steps,)
    partners : int64 array, shape (steps,)
        Below the number of groups: the group to move to; else the unit to change places with,
        that much higher.
    thresholds : float64 array, shape (steps,)
        A step is made if the objective rises by at least this: 0, or less.
    total, best : float
        Of the state, and of the best so far.
    best_labels : int64 array, shape (units,)
        Changed where something better than `best` is found.

    Returns
    -------
    total, best : float
    made : int
        Number of steps that changed something.
    """
    groups = len(state.counts)
    top = np.empty(len(instance.weights))
    made = 0
    for step in range(len(units)):
        unit, other = units[step], NOBODY
        if partners[step] < groups:
            group = partners[step]
        else:
            other = partners[step] - groups
            group = state.labels[other]
        if not allowed(instance, state, unit, group, other):
            continue
        home = state.labels[unit]
        change = instance.masses[unit] - (0.0 if other == NOBODY else instance.masses[other])
        here, there = state.masses[home], state.masses[group]
        lost = _counted(instance, state.values[home], here)
        lost += _counted(instance, state.values[group], there)
        left = worth(instance, state, home, unit, other, top)
        joined = worth(instance, state, group, other, unit, top)
        won = _counted(instance, left, here - change) + _counted(instance, joined, there + change)
        if won - lost < thresholds[step]:
            continue
        _leave(instance, state, unit)
        if other != NOBODY:
            _leave(instance, state, other)
            _join(instance, state, other, home)
        _join(instance, state, unit, group)
        state.values[home] = left
        state.values[group] = joined
        total += won - lost
        made += 1
        if total > best:
            best = total
            copy_to(best_labels, state.labels)
    return total, best, made


@kernel()
def join_best(instance, state, units):
    """Let units that have no group join, one after another, where it loses least.

    Sizes and who must be apart are not looked at.

    Parameters
    ----------
    instance : Instance
    state : State
        Changed.
    units : int64 array
        Without a group.

    Returns
    -------
    gains : float64 array, shape (len(units),)
        By how much the objective rose with each.
    """
    top = np.empty(len(instance.weights))
    gains = np.empty(len(units))
    for at in range(len(units)):
        unit = units[at]
        best, best_value, chosen = -np.inf, 0.0, 0
        for group in range(len(state.counts)):
            value = worth(instance, state, group, NOBODY, unit, top)
            mass = state.masses[group]
            gain = _counted(instance, value, mass + instance.masses[unit])
            gain -= _counted(instance, state.values[group], mass)
            if gain > best:
                best, best_value, chosen = gain, value, group
        _join(instance, state, unit, chosen)
        state.values[chosen] = best_value
        gains[at] = best
    return gains

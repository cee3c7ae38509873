"""Users divided among groups of limited sizes so that they are worth most: successive paths."""

from __future__ import annotations

import numpy as np

from grouping.kernels.jit import kernel


@kernel()
def divide(values, low, high):
    """Assign every user to a group, within sizes, so that the sum of values is largest.

    Everybody starts where they are worth most. That is best for groups of any size; then one
    user after another is passed on from a group that is too full, or towards one that is too
    small, along the path of groups that loses least, which keeps the assignment the best one for
    its sizes (successive shortest paths: Ahuja, Magnanti and Orlin 1993, 9.7).

    Parameters
    ----------
    values : float64 array, shape (users, groups)
    low, high : int64 arrays, shape (groups,)
        Fewest and most users of each; they must allow all users.

    Returns
    -------
    labels : int64 array, shape (users,)
    """
    users, groups = values.shape
    labels = np.empty(users, np.int64)
    counts = np.zeros(groups, np.int64)
    for user in range(users):
        labels[user] = np.argmax(values[user])
        counts[labels[user]] += 1
    loss = np.empty((groups, groups))
    mover = np.empty((groups, groups), np.int64)
    for group in range(groups):
        _cheapest(values, labels, group, loss, mover)
    distance = np.empty(groups)
    before = np.empty(groups, np.int64)
    for filling in range(2):  # first groups that are too full, then those that are too small
        while True:
            for group in range(groups):
                if filling == 0:
                    source = counts[group] > high[group]
                else:
                    source = counts[group] > low[group]
                distance[group] = 0.0 if source else np.inf
                before[group] = -1
            _paths(loss, distance, before)
            target = -1
            for group in range(groups):
                if filling == 0:
                    wanted = counts[group] < high[group]
                else:
                    wanted = counts[group] < low[group]
                if not wanted or before[group] < 0:
                    continue
                if target < 0 or distance[group] < distance[target]:
                    target = group
            if target < 0:
                break
            group = target
            counts[group] += 1
            for _ in range(groups):
                if before[group] < 0:
                    break
                labels[mover[before[group], group]] = group
                group = before[group]
            counts[group] -= 1
            group = target
            for _ in range(groups):
                _cheapest(values, labels, group, loss, mover)
                if before[group] < 0:
                    break
                group = before[group]
    return labels


@kernel()
def _cheapest(values, labels, group, loss, mover):
    """Find who of a group loses least by going to each other one."""
    loss[group] = np.inf
    for user in range(len(labels)):
        if labels[user] != group:
            continue
        for other in range(values.shape[1]):
            lost = values[user, group] - values[user, other]
            if other != group and lost < loss[group, other]:
                loss[group, other] = lost
                mover[group, other] = user


@kernel()
def _paths(loss, distance, before):
    """Find the shortest paths from the groups at distance 0 to the others (Bellman and Ford)."""
    groups = len(distance)
    for _ in range(groups):
        changed = False
        for group in range(groups):
            for other in range(groups):
                reached = distance[group] + loss[group, other]
                if reached == np.inf:
                    continue
                # less by more than a rounding: no way round may look like a gain
                if reached < distance[other] - 1e-9 * (1.0 + abs(reached)):
                    distance[other] = reached
                    before[other] = group
                    changed = True
        if not changed:
            return

"""Moves in the local search for AV-min: weights that level a list's sums, lists, members.

A group's satisfaction is the least of its list's sums. Under convex weights of each list's items
the groups together are worth at most what all users are worth who each choose the list with the
best weighted sum; the least of that over the weights is what the lists are worth if users could
be divided, and close to what they are worth.
"""

from __future__ import annotations

import numpy as np

from grouping.kernels.copying import copy_rows_to, copy_to
from grouping.kernels.itemsets import REORDERED
from grouping.kernels.jit import kernel

PATIENCE, SHORTER = 8, 0.7
"""Steps without a better value after which steps become shorter, and by which factor."""

LEAST_WEIGHT = 1e-3


@kernel(fastmath=REORDERED)
def level_weights(rows, lists, weights, choice, steps, floor):
    """Find weights under which the lists are worth least: what they are worth at the most.

    Parameters
    ----------
    rows : float64 array, shape (items, users)
    lists : int64 array, shape (groups, k)
        Rows of the items.
    weights : float64 array, shape (groups, k)
        Where to start; becomes the best weights found.
    choice : int64 array, shape (users,)
        Becomes each user's list under the last weights tried.
    steps : int
    floor : float
        Stop at this value.

    Returns
    -------
    value : float
    """
    groups, k = lists.shape
    users = rows.shape[1]
    best = np.empty(users)
    sums = np.empty((groups, k))
    lowest = weights.copy()
    value = np.inf
    length = 1.0
    stale = 0
    for _ in range(steps):
        found = _choose(rows, lists, weights, best, choice)
        if found + 1e-9 * abs(found) < value:
            value = found
            copy_rows_to(lowest, weights)
            stale = 0
        else:
            stale += 1
            if stale >= PATIENCE:
                length *= SHORTER
                stale = 0
        if value <= floor:
            break
        sums[:, :] = 0.0
        for u in range(users):
            g = choice[u]
            for i in range(k):
                sums[g, i] += rows[lists[g, i], u]
        spread, reached = 0.0, 0.0
        for g in range(groups):
            mean, least = 0.0, np.inf
            for i in range(k):
                mean += weights[g, i] * sums[g, i]
                least = min(least, sums[g, i])
            reached += least
            for i in range(k):
                sums[g, i] -= mean
                spread += weights[g, i] * sums[g, i] ** 2
        if spread <= 0.0:
            break
        size = length * 0.2 * (found - reached) / spread
        for g in range(groups):
            total = 0.0
            for i in range(k):
                move = min(max(-size * sums[g, i], -0.5), 0.5)
                weights[g, i] = max(weights[g, i] * np.exp(move), LEAST_WEIGHT)
                total += weights[g, i]
            for i in range(k):
                weights[g, i] /= total
    copy_rows_to(weights, lowest)
    return value


@kernel(fastmath=REORDERED)
def level_one(rows, items, weights, others, steps, floor):
    """Find weights of one list under which all lists are worth least, the others' as they are.

    Parameters
    ----------
    rows : float64 array, shape (items, users)
    items : int64 array, shape (k,)
    weights : float64 array, shape (k,)
        Where to start; becomes the best weights found.
    others : float64 array, shape (users,)
        Each user's best weighted sum over the other lists.
    steps : int
    floor : float
        Stop at this value.

    Returns
    -------
    value : float
    """
    k, users = items.shape[0], rows.shape[1]
    own = np.empty(users)
    sums = np.empty(k)
    lowest = weights.copy()
    value, length, stale = np.inf, 1.0, 0
    for _ in range(steps):
        _weigh(rows, items, weights, own)
        found = 0.0
        for u in range(users):
            found += max(own[u], others[u])
        if found + 1e-9 * abs(found) < value:
            value, stale = found, 0
            copy_to(lowest, weights)
        else:
            stale += 1
            if stale >= PATIENCE:
                length *= SHORTER
                stale = 0
        if value <= floor:
            break
        mean, least, spread, total = 0.0, np.inf, 0.0, 0.0
        for i in range(k):
            row = rows[items[i]]
            of_item = 0.0
            for u in range(users):
                of_item += row[u] if own[u] > others[u] else 0.0
            sums[i] = of_item
            mean += weights[i] * of_item
            least = min(least, of_item)
        for i in range(k):
            spread += weights[i] * (sums[i] - mean) ** 2
        if spread <= 0.0:
            break
        size = length * 0.2 * (mean - least) / spread
        for i in range(k):
            move = min(max(-size * (sums[i] - mean), -0.5), 0.5)
            weights[i] = max(weights[i] * np.exp(move), LEAST_WEIGHT)
            total += weights[i]
        for i in range(k):
            weights[i] /= total
    copy_to(weights, lowest)
    return value


@kernel(fastmath=REORDERED)
def _choose(rows, lists, weights, best, choice):
    """Let each user choose the list with the best weighted sum; return what all are worth."""
    groups, users = lists.shape[0], rows.shape[1]
    sums = np.empty(users)
    for g in range(groups):
        _weigh(rows, lists[g], weights[g], sums)
        if g == 0:
            for u in range(users):
                best[u] = sums[u]
                choice[u] = 0
        else:
            for u in range(users):
                better = sums[u] > best[u]
                best[u] = sums[u] if better else best[u]
                choice[u] = g if better else choice[u]
    total = 0.0
    for u in range(users):
        total += best[u]
    return total


@kernel(fastmath=REORDERED)
def _weigh(rows, items, weights, sums):
    for u in range(rows.shape[1]):
        sums[u] = 0.0
    for i in range(items.shape[0]):
        weight = weights[i]
        row = rows[items[i]]
        for u in range(rows.shape[1]):
            sums[u] += weight * row[u]


@kernel(fastmath=REORDERED)
def weighted_sums(rows, lists, weights):
    """Weighted sums of all users over all lists: float64, shape (groups, users)."""
    sums = np.empty((lists.shape[0], rows.shape[1]))
    for g in range(lists.shape[0]):
        _weigh(rows, lists[g], weights[g], sums[g])
    return sums


@kernel(fastmath=REORDERED)
def values_of_swaps(rows, items, weights, others, least_share, values):
    """Value all lists together for each item put in place of each item of one list.

    Parameters
    ----------
    rows : float64 array, shape (items, users)
    items : int64 array, shape (k,)
        The list.
    weights : float64 array, shape (k,)
        A new item gets the weight of the one it replaces.
    others : float64 array, shape (users,)
        Each user's best weighted sum over the other lists.
    least_share : float
        A new item weighs this much at least.
    values : float64 array, shape (k, items)
        Becomes the values; minus infinity for items that are on the list.
    """
    count, users = rows.shape
    sums = np.empty(users)
    for position in range(items.shape[0]):
        for u in range(users):
            sums[u] = 0.0
        for i in range(items.shape[0]):
            if i != position:
                row = rows[items[i]]
                for u in range(users):
                    sums[u] += weights[i] * row[u]
        weight = max(weights[position], least_share)
        for item in range(count):
            row = rows[item]
            total = 0.0
            for u in range(users):
                total += max(others[u], sums[u] + weight * row[u])
            values[position, item] = total
        for i in range(items.shape[0]):
            values[position, items[i]] = -np.inf


@kernel(fastmath=REORDERED)
def exchange_lists(sums, chosen):
    """Exchange chosen lists for others, the best exchange first, until none is better.

    Each user is worth the best weighted sum over the chosen lists: the l-median problem, and its
    interchange (Whitaker, 1983; Resende and Werneck, 2007).

    Parameters
    ----------
    sums : float64 array, shape (lists, users)
        Weighted sums of all lists.
    chosen : int64 array, shape (groups,)
        Distinct lists to start from; becomes the lists found.

    Returns
    -------
    value : float
        What the users are worth.
    """
    lists, users = sums.shape
    best, second = np.empty(users), np.empty(users)
    choice = np.empty(users, np.int64)
    taken = np.zeros(lists, np.bool_)
    for g in range(chosen.shape[0]):
        taken[chosen[g]] = True
    alone = np.empty(chosen.shape[0])
    losses = np.empty(chosen.shape[0])
    while True:
        best[:] = -np.inf
        second[:] = -np.inf
        for g in range(chosen.shape[0]):
            row = sums[chosen[g]]
            for u in range(users):
                if row[u] > best[u]:
                    second[u], best[u], choice[u] = best[u], row[u], g
                elif row[u] > second[u]:
                    second[u] = row[u]
        value = best.sum()
        alone[:] = 0.0
        for u in range(users):
            alone[choice[u]] += best[u] - second[u]
        most, new, old = 1e-9 * max(1.0, abs(value)), -1, -1
        for candidate in range(lists):
            if taken[candidate]:
                continue
            row = sums[candidate]
            gain = 0.0
            copy_to(losses, alone)
            for u in range(users):
                if row[u] > best[u]:
                    gain += row[u] - best[u]
                    losses[choice[u]] -= best[u] - second[u]
                elif row[u] > second[u]:
                    losses[choice[u]] -= row[u] - second[u]
            worst = np.argmin(losses)
            if gain - losses[worst] > most:
                most, new, old = gain - losses[worst], candidate, worst
        if new < 0:
            return value
        taken[chosen[old]] = False
        taken[new] = True
        chosen[old] = new


@kernel()
def anneal(
    ratings,
    weights,
    option_users,
    option_groups,
    pair_starts,
    pair_users,
    labels,
    hot,
    cold,
    soft,
    steps,
    rng,
):
    """Move users between groups whose lists stay, by simulated annealing.

    Every other step exchanges two users of two groups.

    Parameters
    ----------
    ratings : float64 array, shape (users, groups, k)
        Each user's ratings of each group's list.
    weights : float64 array, shape (groups, k)
        Under which the sums of a list are level.
    option_users, option_groups : int64 arrays, shape (options,)
        Which users may be in which groups; at least one.
    pair_starts : int64 array, shape (groups * groups + 1,)
    pair_users : int64 array
        The users who may be in both g and h: from ``pair_starts[g * groups + h]`` on.
    labels : int64 array, shape (users,)
        Where to start; becomes the best labels found.
    hot, cold : float
        First and last temperature.
    soft : float
        Share of the weighted sum in what is annealed; the rest is the least sum.
    steps : int
    rng : numpy.random.Generator

    Returns
    -------
    value : float
        Sum over the groups of the least sum of their lists.
    """
    users, groups, k = ratings.shape
    sums = np.zeros((groups, k))
    for u in range(users):
        for i in range(k):
            sums[labels[u], i] += ratings[u, labels[u], i]
    least = np.empty(groups)
    worth = np.empty(groups)
    for g in range(groups):
        least[g] = sums[g].min()
        worth[g] = (1.0 - soft) * least[g] + soft * (weights[g] * sums[g]).sum()
    value = least.sum()
    best = value
    best_labels = labels.copy()
    cooling = (cold / hot) ** (1.0 / steps)
    temperature = hot
    for step in range(steps):
        temperature *= cooling
        option = int(rng.random() * option_users.shape[0])
        u, h = option_users[option], option_groups[option]
        g = labels[u]
        if g == h:
            continue
        partner = -1
        if step % 2 == 1:
            start, stop = pair_starts[g * groups + h], pair_starts[g * groups + h + 1]
            if start == stop:
                continue
            partner = pair_users[start + int(rng.random() * (stop - start))]
            if labels[partner] != h:
                continue
        least_from, least_to, mean_from, mean_to = np.inf, np.inf, 0.0, 0.0
        for i in range(k):
            left = sums[g, i] - ratings[u, g, i]
            joined = sums[h, i] + ratings[u, h, i]
            if partner >= 0:
                left += ratings[partner, g, i]
                joined -= ratings[partner, h, i]
            least_from = min(least_from, left)
            least_to = min(least_to, joined)
            mean_from += weights[g, i] * left
            mean_to += weights[h, i] * joined
        worth_from = (1.0 - soft) * least_from + soft * mean_from
        worth_to = (1.0 - soft) * least_to + soft * mean_to
        gain = worth_from + worth_to - worth[g] - worth[h]
        if gain < 0.0 and rng.random() >= np.exp(gain / temperature):
            continue
        for i in range(k):
            sums[g, i] -= ratings[u, g, i]
            sums[h, i] += ratings[u, h, i]
            if partner >= 0:
                sums[g, i] += ratings[partner, g, i]
                sums[h, i] -= ratings[partner, h, i]
        labels[u] = h
        if partner >= 0:
            labels[partner] = g
        value += least_from + least_to - least[g] - least[h]
        least[g], least[h] = least_from, least_to
        worth[g], worth[h] = worth_from, worth_to
        if value > best + 1e-9 * abs(best):
            best = value
            copy_to(best_labels, labels)
    copy_to(labels, best_labels)
    return best

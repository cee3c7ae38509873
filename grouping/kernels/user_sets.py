"""Sets of a few users under least misery: what each is worth, and the best way to part them."""

from __future__ import annotations

import numpy as np
from numba import prange

from grouping.kernels.jit import kernel


@kernel(inline="always")
def _worth(row, weights, top):
    """Weighted sum of a row's highest entries, in the order of the weights."""
    k = weights.shape[0]
    top[:] = -np.inf
    for i in range(row.shape[0]):
        value = row[i]
        if value > top[k - 1]:
            at = k - 1
            while at > 0 and top[at - 1] < value:
                top[at] = top[at - 1]
                at -= 1
            top[at] = value
    worth = 0.0
    for at in range(k):
        worth += weights[at] * top[at]
    return worth


@kernel(parallel=True)
def worth_with(rows, member, weights):
    """What each user is worth together with one: least misery.

    Parameters
    ----------
    rows : float64 array, shape (users, m)
    member : float64 array, shape (m,)
        Ratings of the one.
    weights : float64 array, shape (k,)
        Of the k best items of the two.

    Returns
    -------
    worths : float64 array, shape (users,)
    """
    users, m = rows.shape
    worths = np.empty(users, np.float64)
    for u in prange(users):
        row = np.empty(m, np.float64)
        for i in range(m):
            row[i] = min(rows[u, i], member[i])
        worths[u] = _worth(row, weights, np.empty(weights.shape[0], np.float64))
    return worths


@kernel()
def worths_of_sets(rows, weights):
    """What every set of users is worth under least misery.

    Parameters
    ----------
    rows : float64 array, shape (a, m)
    weights : float64 array, shape (k,)

    Returns
    -------
    worths : float64 array, shape (2**a,)
        User u is in set s where bit u of s is set; 0 for none.
    """
    a, m = rows.shape
    worths = np.zeros(1 << a, np.float64)
    # lowest[t]: minima over the set's users t, t + 1, ...; counting up changes the first few only
    lowest = np.full((a + 1, m), np.inf)
    top = np.empty(weights.shape[0], np.float64)
    for s in range(1, 1 << a):
        t = 0
        while not (s >> t) & 1:
            t += 1
        for i in range(m):
            lowest[t, i] = min(rows[t, i], lowest[t + 1, i])
        for below in range(t):
            lowest[below] = lowest[t]
        worths[s] = _worth(lowest[t], weights, top)
    return worths


@kernel()
def best_parting(worths, groups):
    """Most that all users can be worth in exactly so many groups.

    Parameters
    ----------
    worths : float64 array, shape (2**a,)
        Of sets.
    groups : int
        Up to a.

    Returns
    -------
    best : float64 array, shape (groups + 1,)
        For 0, 1, ..., groups groups; -inf where there is no such partition.
    taken : int64 array, shape (groups + 1, 2**a)
        A set that is a group of the best partition of another into so many groups.
    """
    sets = worths.shape[0]
    taken = np.zeros((groups + 1, sets), np.int64)
    best = np.full(groups + 1, -np.inf)
    fewer = np.full(sets, -np.inf)
    fewer[0] = 0.0
    for count in range(1, groups + 1):
        found = np.full(sets, -np.inf)
        for s in range(1, sets):
            first = s & -s
            rest = s ^ first
            part = rest
            while True:  # every subset of the rest, the first user with each
                total = worths[part | first] + fewer[rest ^ part]
                if total > found[s]:
                    found[s] = total
                    taken[count, s] = part | first
                if part == 0:
                    break
                part = (part - 1) & rest
        best[count] = found[sets - 1]
        fewer = found
    return best, taken

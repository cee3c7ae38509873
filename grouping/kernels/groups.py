"""What a group makes of its members' ratings: scores of columns, of lists, per member.

Reductions follow the order of the members in stretches of fixed length, so that the result has
the same bits on any number of threads. Semantics: 0 least misery, 1 aggregate voting.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from grouping.kernels.jit import kernel

LEAST_MISERY, AGGREGATE_VOTING = 0, 1


@kernel()
def members_in_order(labels, groups):
    """Users sorted by group, ascending inside each: a counting sort.

    Parameters
    ----------
    labels : int64 array, shape (n,)
    groups : int

    Returns
    -------
    order : int64 array, shape (n,)
    starts : int64 array, shape (groups + 1,)
        Members of group g are ``order[starts[g]:starts[g + 1]]``.
    """
    starts = np.zeros(groups + 1, np.int64)
    for u in range(labels.shape[0]):
        starts[labels[u] + 1] += 1
    for g in range(groups):
        starts[g + 1] += starts[g]
    slots = starts.copy()
    order = np.empty(labels.shape[0], np.int64)
    for u in range(labels.shape[0]):
        order[slots[labels[u]]] = u
        slots[labels[u]] += 1
    return order, starts


@kernel(parallel=True)
def dense_on_lists(values, users, labels, lists):
    """Look up users' ratings of the lists that `labels` names: float64, shape (users, k)."""
    n = users.shape[0]
    k = lists.shape[1]
    out = np.empty((n, k), np.float64)
    for t in prange(n):
        for p in range(k):
            out[t, p] = np.float64(values[users[t], lists[labels[t], p]]) + 0.0
    return out


COUNTED = 512


@kernel()
def _stored(indices, values, start, stop, column, fill):
    """Find the rating at a column of a CSR row by bisection, or `fill`."""
    base, length = np.uint64(start), np.uint64(stop - start)
    one = np.uint64(1)
    while length > one:
        half = length >> one
        if indices[base + half - one] < column:
            base += half
        length -= half
    if length == one and indices[base] == column:
        return np.float64(values[base]) + 0.0
    return fill


@kernel(parallel=True)
def sparse_on_lists(indptr, indices, values, fill, users, labels, lists):
    """Look up users' ratings of the lists that `labels` names: float64, shape (users, k).

    In short rows the columns below the one looked for are counted, by vector code.
    """
    n = users.shape[0]
    k = lists.shape[1]
    out = np.empty((n, k), np.float64)
    columns = lists.astype(indices.dtype)
    for t in prange(n):
        start, stop = indptr[users[t]], indptr[users[t] + 1]
        for p in range(k):
            column = columns[labels[t], p]
            if stop - start > COUNTED:
                out[t, p] = _stored(indices, values, start, stop, column, fill)
                continue
            below = np.int32(0)
            for q in range(np.uint64(start), np.uint64(stop)):
                below += np.int32(indices[q] < column)
            at = np.uint64(start) + np.uint64(below)
            if at < np.uint64(stop) and indices[at] == column:
                out[t, p] = np.float64(values[at]) + 0.0
            else:
                out[t, p] = fill
    return out


@kernel(parallel=True)
def fold(rows, order, stretches, group_of, groups, semantics):
    """Minimum (least misery) or sum (aggregate voting) of the members' rows, group by group.

    Parameters
    ----------
    rows : float64 array, shape (n, k)
    order : int64 array
        Members, group by group.
    stretches : int64 array, shape (s + 1,)
        Bounds of the stretches of `order`; none crosses from one group to the next.
    group_of : int64 array, shape (s,)
        Group of each stretch, ascending.
    groups : int
    semantics : int

    Returns
    -------
    folded : float64 array, shape (groups, k)
    """
    k = rows.shape[1]
    count = group_of.shape[0]
    parts = np.empty((count, k), np.float64)
    for s in prange(count):
        part = parts[s]
        if semantics == LEAST_MISERY:
            part[:] = np.inf
            for t in range(stretches[s], stretches[s + 1]):
                for p in range(k):
                    part[p] = min(part[p], rows[order[t], p])
        else:
            part[:] = 0.0
            for t in range(stretches[s], stretches[s + 1]):
                for p in range(k):
                    part[p] += rows[order[t], p]
    folded = np.full((groups, k), np.inf if semantics == LEAST_MISERY else 0.0)
    for s in range(count):
        for p in range(k):
            if semantics == LEAST_MISERY:
                folded[group_of[s], p] = min(folded[group_of[s], p], parts[s, p])
            else:
                folded[group_of[s], p] += parts[s, p]
    return folded


@kernel(parallel=True)
def dense_columns(values, members, semantics, bounds):
    """Score every column for one group.

    Parameters
    ----------
    values : array, shape (n, m)
    members : int64 array
        At least one user.
    semantics : int
    bounds : int64 array, shape (chunks + 1,)
        First member of each chunk, and their number.

    Returns
    -------
    scores : float64 array, shape (m,)
    """
    m = values.shape[1]
    chunks = bounds.shape[0] - 1
    neutral = np.inf if semantics == LEAST_MISERY else 0.0
    parts = np.full((chunks, m), neutral)
    for c in prange(chunks):
        part = parts[c]
        for t in range(bounds[c], bounds[c + 1]):
            row = values[members[t]]
            if semantics == LEAST_MISERY:
                for j in range(m):
                    part[j] = min(part[j], np.float64(row[j]))
            else:
                for j in range(m):
                    part[j] += np.float64(row[j])
    scores = parts[0].copy()
    for c in range(1, chunks):
        for j in range(m):
            if semantics == LEAST_MISERY:
                scores[j] = min(scores[j], parts[c, j])
            else:
                scores[j] += parts[c, j]
    return scores


@kernel()
def dense_minima_without(values, members, floors, columns, minima, budget):
    """Minima of some columns over the members, as far as the budget of cells reaches.

    A column is done as soon as it meets its floor, which no member can go below.

    Parameters
    ----------
    values : array, shape (n, m)
    members : int64 array
    floors : array, shape (m,)
        Minimum of each column over a superset of the members.
    columns : int64 array
        The columns asked for; permuted.
    minima : float64 array, shape (m,)
        Receives the minima.
    budget : int
        Cells to read at the most.

    Returns
    -------
    done : bool
        False: the budget ran out first.
    """
    left = columns.shape[0]
    for t in range(left):
        minima[columns[t]] = np.inf
    for u in members:
        budget -= left
        if left == 0 or budget < 0:
            break
        t = 0
        while t < left:
            column = columns[t]
            minima[column] = min(minima[column], np.float64(values[u, column]))
            if minima[column] <= floors[column]:
                left -= 1
                columns[t], columns[left] = columns[left], columns[t]
            else:
                t += 1
    return left == 0 or budget >= 0


@kernel(parallel=True)
def sparse_columns(indptr, indices, values, fill, m, members, semantics, bounds):
    """Score every column of a CSR matrix for one group; cells not stored count as `fill`.

    Parameters
    ----------
    indptr, indices, values : arrays
        Canonical CSR.
    fill : float
    m : int
    members : int64 array
        At least one user.
    semantics : int
    bounds : int64 array
        First member of each chunk, and their number.

    Returns
    -------
    scores : float64 array, shape (m,)
    """
    chunks = bounds.shape[0] - 1
    neutral = np.inf if semantics == LEAST_MISERY else 0.0
    parts = np.full((chunks, m), neutral)
    stored = np.zeros((chunks, m if semantics == LEAST_MISERY else 0), np.int64)
    for c in prange(chunks):
        for t in range(bounds[c], bounds[c + 1]):
            u = members[t]
            for p in range(indptr[u], indptr[u + 1]):
                column = indices[p]
                if semantics == LEAST_MISERY:
                    value = np.float64(values[p]) + 0.0
                    parts[c, column] = min(parts[c, column], value)
                    stored[c, column] += 1
                else:
                    parts[c, column] += np.float64(values[p]) - fill
    scores = parts[0].copy()
    counts = stored[0].copy()
    for c in range(1, chunks):
        for j in range(m):
            if semantics == LEAST_MISERY:
                scores[j] = min(scores[j], parts[c, j])
                counts[j] += stored[c, j]
            else:
                scores[j] += parts[c, j]
    for j in range(m):
        if semantics != LEAST_MISERY:
            scores[j] += members.shape[0] * fill
        elif counts[j] < members.shape[0]:
            scores[j] = min(scores[j], fill)
    return scores


@kernel()
def sparse_common(indptr, indices, values, fill, members):
    """Find the columns that all members rate above `fill`, with their minima.

    The search starts from the member with the fewest ratings and ends when nothing is left,
    mostly after a few members.

    Returns
    -------
    columns : int64 array
        Ascending.
    minima : float64 array
    """
    shortest = members[0]
    for u in members:
        if indptr[u + 1] - indptr[u] < indptr[shortest + 1] - indptr[shortest]:
            shortest = u
    length = indptr[shortest + 1] - indptr[shortest]
    columns = np.empty(length, np.int64)
    minima = np.empty(length, np.float64)
    left = 0
    for p in range(indptr[shortest], indptr[shortest + 1]):
        if values[p] > fill:
            columns[left] = indices[p]
            minima[left] = values[p]
            left += 1
    for u in members:
        if left == 0:
            break
        kept = 0
        for t in range(left):
            value = _stored(indices, values, indptr[u], indptr[u + 1], columns[t], fill)
            if value > fill:
                columns[kept] = columns[t]
                minima[kept] = min(minima[t], value)
                kept += 1
        left = kept
    return columns[:left].copy(), minima[:left].copy()


@kernel()
def best_columns(scores, k):
    """Find the k best columns by (score descending, column ascending): int64 array, shape (k,)."""
    best = np.empty(k, np.int64)
    filled = 0
    for j in range(scores.shape[0]):
        if filled == k and not scores[j] > scores[best[k - 1]]:
            continue
        at = filled if filled < k else k - 1
        while at > 0 and scores[best[at - 1]] < scores[j]:
            best[at] = best[at - 1]
            at -= 1
        best[at] = j
        filled = min(filled + 1, k)
    return best


@kernel(parallel=True)
def ndcg_of_members(rows, own, discounts):
    """NDCG@k of each member's group list against the member's own ratings.

    Parameters
    ----------
    rows : float64 array, shape (n, k)
        Ratings of the group's list.
    own : float64 array, shape (n, k)
        Ratings of the own list, the ideal.
    discounts : float64 array, shape (k,)

    Returns
    -------
    ndcg : float64 array, shape (n, 1)
        1 where the ideal is 0.
    """
    n, k = rows.shape
    ndcg = np.empty((n, 1), np.float64)
    for u in prange(n):
        gain = 0.0
        ideal = 0.0
        for p in range(k):
            gain += rows[u, p] * discounts[p]
            ideal += own[u, p] * discounts[p]
        ndcg[u, 0] = gain / ideal if ideal > 0.0 else 1.0
    return ndcg

"""Kendall's tau-b between users, over all items: pairs of users, and vectors of pairs of items."""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from grouping.kernels.jit import kernel


@kernel(parallel=True)
def tau_b_distances(order, rank, start, found):
    """Write down 1 - tau_b of every two users, in O(m log m) a pair.

    Knight's algorithm (Journal of the American Statistical Association 61, 1966): items are
    arranged by one user's ratings, equal ones by the other's; the inversions that are left in
    the other's ratings are the discordant pairs. One order of each user's items, made once,
    serves all pairs. A user who rates all items alike is 1/2 from others and 0 from the like.

    Parameters
    ----------
    order : int32 array, shape (n, m)
        Each user's items by ascending rating.
    rank : int32 array, shape (n, m)
        Each user's ratings as ranks 0, 1, ... without gaps, equal ones alike.
    start : int64 array, shape (n, m + 1)
        Where in `order` each rank begins; m from the first rank on that there is not.
    found : float64 array, shape (n, n)
        Zero on the diagonal already.
    """
    n, m = rank.shape
    for half in prange((n + 1) // 2):
        at = np.empty(m, np.int64)
        bounds = np.empty(m + 1, np.int64)
        sequence, spare = np.empty(m, np.int32), np.empty(m, np.int32)
        # the first of the users has most others after it, the last none: together they have n - 1
        for side in range(2):
            u = np.int64(half) if side == 0 else n - 1 - np.int64(half)
            for v in range(u + 1, n):
                distance = pair_distance(
                    order[v], rank[u], rank[v], start[u], start[v], at, bounds, sequence, spare
                )
                found[u, v] = distance
                found[v, u] = distance


@kernel()
def pair_distance(order_y, rank_x, rank_y, start_x, start_y, at, bounds, sequence, spare):
    """1 - tau_b of two users; the last four arguments are room to work in."""
    m = rank_x.shape[0]
    pairs = m * (m - 1) // 2
    untied_x, untied_y = pairs - tied(start_x), pairs - tied(start_y)
    if untied_x == 0 or untied_y == 0:
        return 0.0 if untied_x == untied_y else 0.5
    for level in range(m):
        at[level] = start_x[level]
    for position in range(m):
        item = order_y[position]
        level = rank_x[item]
        sequence[at[level]] = rank_y[item]
        at[level] += 1
    tied_in_both = 0
    runs = 0
    while start_x[runs] < m:
        alike = 0
        for position in range(start_x[runs] + 1, start_x[runs + 1]):
            alike = alike + 1 if sequence[position] == sequence[position - 1] else 0
            tied_in_both += alike
        runs += 1
    for run in range(runs + 1):
        bounds[run] = start_x[run]
    discordant = inversions(sequence, spare, bounds, runs)
    agreeing = untied_x + untied_y - pairs + tied_in_both - 2 * discordant
    return 1.0 - agreeing / (math.sqrt(untied_x) * math.sqrt(untied_y))


@kernel()
def tied(start):
    """Count pairs of items with equal ratings."""
    m = start.shape[0] - 1
    pairs = 0
    level = 0
    while start[level] < m:
        size = start[level + 1] - start[level]
        pairs += size * (size - 1) // 2
        level += 1
    return pairs


@kernel()
def inversions(sequence, spare, bounds, runs):
    """Count inversions between ascending runs by merging them, which overwrites the arrays.

    Parameters
    ----------
    sequence, spare : int32 array, shape (m,)
    bounds : int64 array
        Begins of the runs, and m.
    runs : int

    Returns
    -------
    inversions : int
    """
    count = 0
    while runs > 1:
        merged = 0
        for run in range(0, runs, 2):
            low, middle, high = bounds[run], bounds[run + 1], bounds[min(run + 2, runs)]
            i, j, at = low, middle, low
            while i < middle and j < high:
                # steps of 0 or 1 in place of branches, which would be guessed wrong half the time
                left, right = sequence[i], sequence[j]
                later = np.int64(right < left)
                spare[at] = min(left, right)
                count += later * (middle - i)
                i += 1 - later
                j += later
                at += 1
            while i < middle:
                spare[at] = sequence[i]
                i += 1
                at += 1
            while j < high:
                spare[at] = sequence[j]
                j += 1
                at += 1
            bounds[merged] = low
            merged += 1
        bounds[merged] = bounds[runs]
        runs = merged
        sequence, spare = spare, sequence
    return count


@kernel(parallel=True)
def dense_pair_signs(matrix, left, right, found):
    """Compare pairs of items for every user: signs of the differences, scaled to length 1.

    Parameters
    ----------
    matrix : array, shape (n, m)
    left, right : int64 array, shape (pairs,)
        The items of each pair.
    found : float32 array, shape (n, pairs)
        A user who rates all pairs alike gets zeros.
    """
    for u in prange(matrix.shape[0]):
        compare(matrix[u], left, right, found[u])


@kernel(parallel=True)
def sparse_pair_signs(indptr, indices, data, fill, m, left, right, chunks, found):
    """Do the same as `dense_pair_signs` of CSR rows whose other cells count as `fill`.

    Parameters
    ----------
    indptr, indices, data : arrays of a CSR matrix of n rows
    fill : float
    m : int
    left, right : int64 array, shape (pairs,)
    chunks : int
        Pieces of the users; each takes a row of memory.
    found : float32 array, shape (n, pairs)
    """
    n = indptr.shape[0] - 1
    for chunk in prange(chunks):
        row = np.full(m, fill)
        for u in range(chunk * n // chunks, (chunk + 1) * n // chunks):
            for cell in range(indptr[u], indptr[u + 1]):
                row[indices[cell]] = data[cell]
            compare(row, left, right, found[u])
            for cell in range(indptr[u], indptr[u + 1]):
                row[indices[cell]] = fill


@kernel()
def compare(row, left, right, found):
    """Write down one user's signs of pairs, scaled to length 1."""
    different = 0
    for pair in range(left.shape[0]):
        a, b = row[left[pair]], row[right[pair]]
        sign = np.float32(a > b) - np.float32(a < b)
        found[pair] = sign
        different += 1 if a != b else 0
    if different:
        scale = np.float32(1 / math.sqrt(different))
        for pair in range(left.shape[0]):
            found[pair] *= scale

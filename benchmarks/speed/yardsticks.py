"""What the package is measured against: passes that only read memory, and plain GRD in NumPy."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numba import prange

from grouping.kernels.jit import kernel

SLAB = 4_000_000


@kernel(parallel=True, fastmath=True)
def row_sums(values, zero, sums):
    """Sum every row in the type of `zero`."""
    for u in prange(values.shape[0]):
        total = zero
        for j in range(values.shape[1]):
            total += values[u, j]
        sums[u] = total


@kernel(parallel=True, fastmath=True)
def csr_sums(indptr, indices, data, pieces, sums):
    """Sum the three arrays of a CSR matrix, cut into pieces; shape of `sums`: (pieces, 3)."""
    n, nnz = indptr.shape[0], data.shape[0]
    for piece in prange(pieces):
        pointers = 0
        for u in range(piece * n // pieces, (piece + 1) * n // pieces):
            pointers += indptr[u]
        columns = 0
        ratings = np.float32(0)
        for p in range(piece * nnz // pieces, (piece + 1) * nnz // pieces):
            columns += indices[p]
            ratings += data[p]
        sums[piece, 0] = pointers
        sums[piece, 1] = columns
        sums[piece, 2] = ratings


def memory_pass(values):
    """Return a function of no arguments that sums a matrix, row by row, in parallel."""
    zero = values.dtype.type(0) if values.dtype.kind == "f" else np.int64(0)
    sums = np.empty(len(values))

    def run():
        row_sums(values, zero, sums)
        return sums

    return run


def csr_pass(matrix, pieces=64):
    """Return a function of no arguments that sums the three arrays of a CSR matrix."""
    sums = np.empty((pieces, 3))

    def run():
        csr_sums(matrix.indptr, matrix.indices, matrix.data, pieces, sums)
        return sums

    return run


def plain_grd(X, semantics, agg, groups, k):
    """GRD for min and sum in NumPy and pandas; return its objective.

    Parameters
    ----------
    X : float32 array, shape (n, m)
        No rating is negative.
    semantics : {"lm", "av"}
    agg : {"min", "sum"}
    groups, k : int

    Returns
    -------
    objective : float
    """
    items = plain_top(X, k)
    scores = np.take_along_axis(X, items, axis=1).astype(np.float64)
    own = scores[:, -1] if agg == "min" else scores.sum(axis=1)
    keys = {f"item {p}": items[:, p] for p in range(k)}
    if semantics == "lm":
        rated = [k - 1] if agg == "min" else range(k)
        keys |= {f"rating {p}": scores[:, p] for p in rated}
    frame = pd.DataFrame(keys)
    bucket = frame.groupby(list(keys), sort=False).ngroup().to_numpy()
    _, first, sizes = np.unique(bucket, return_index=True, return_counts=True)
    worth = own[first] if semantics == "lm" else np.bincount(bucket, weights=own)
    slots = len(first) if len(first) < groups else groups - 1
    chosen = np.lexsort((first, -sizes, -worth))[:slots]
    left = ~np.isin(bucket, chosen)
    satisfaction = worth[chosen].tolist()
    if left.any():
        rest = X[left]
        columns = rest.min(axis=0) if semantics == "lm" else rest.sum(axis=0, dtype=np.float64)
        best = np.sort(columns)[::-1][:k]
        satisfaction.append(float(best[-1] if agg == "min" else best.sum(dtype=np.float64)))
    return math.fsum(satisfaction)


def plain_top(X, k):
    """Each row's k largest by argpartition, equal ones by ascending column; slab by slab."""
    n, m = X.shape
    items = np.empty((n, k), np.int64)
    ties = np.arange(m - 1, -1, -1)
    rows = max(1, SLAB // m)
    for start in range(0, n, rows):
        # a rating's bits and its column in one integer, whose order is that of both
        keys = (X[start : start + rows].view(np.int32).astype(np.int64) << 32) + ties
        top = np.argpartition(keys, m - k, axis=1)[:, m - k :]
        best = np.argsort(np.take_along_axis(keys, top, axis=1), axis=1)[:, ::-1]
        items[start : start + rows] = np.take_along_axis(top, best, axis=1)
    return items

"""Step 1 and 2 of GRD: users with equal keys into buckets, and the best buckets by a heap.

A key is the user's list and those of its scores that the objective rests on. Keys are hashed, the
hashes split over partitions that fit in cache, and each partition is grouped through a hash table
that compares whole keys, so that equal hashes never merge different keys.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from grouping.kernels.jit import kernel


@kernel(parallel=True)
def hash_keys(items, bits, first, last):
    """64-bit hash of each user's key.

    Parameters
    ----------
    items : int32 array, shape (n, k)
    bits : uint64 array, shape (n, k)
        The scores' float64 bits (no -0.0).
    first, last : int
        The scores at positions first <= p < last belong to the key.

    Returns
    -------
    hashes : uint64 array, shape (n,)
    """
    n, k = items.shape
    hashes = np.empty(n, np.uint64)
    multiplier = np.uint64(0x9E3779B97F4A7C15)
    shift = np.uint64(29)
    for u in prange(n):
        h = np.uint64(0x243F6A8885A308D3)
        for p in range(k):
            h = (h ^ np.uint64(items[u, p])) * multiplier
            h ^= h >> shift
        for p in range(first, last):
            h = (h ^ bits[u, p]) * multiplier
            h ^= h >> shift
        hashes[u] = h * multiplier
    return hashes


@kernel()
def _same_key(items, bits, first, last, u, v):
    for p in range(items.shape[1]):
        if items[u, p] != items[v, p]:
            return False
    for p in range(first, last):  # noqa: SIM110 (a kernel takes no generators)
        if bits[u, p] != bits[v, p]:
            return False
    return True


@kernel(parallel=True)
def lead(hashes, items, bits, first, last, partition_bits):
    """For each user the first user with the same key: the leader of its bucket.

    Parameters
    ----------
    hashes : uint64 array, shape (n,)
        Equal for users with equal keys.
    items, bits, first, last
        As in `hash_keys`.
    partition_bits : int
        The top bits of a hash that choose its partition.

    Returns
    -------
    leaders : int64 array, shape (n,)
    sizes : int64 array, shape (n,)
        Size of the bucket at its leader, 0 at other users.
    """
    n = hashes.shape[0]
    partitions = 1 << partition_bits
    starts = np.zeros(partitions + 1, np.int64)
    half = np.uint64(64 - partition_bits) if partition_bits > 0 else np.uint64(0)
    one = np.uint64(partitions - 1)
    for u in range(n):
        starts[((hashes[u] >> half) & one) + np.uint64(1)] += 1
    for p in range(partitions):
        starts[p + 1] += starts[p]
    slots = starts.copy()
    users = np.empty(n, np.int64)
    for u in range(n):
        p = (hashes[u] >> half) & one
        users[slots[p]] = u
        slots[p] += 1
    leaders = np.empty(n, np.int64)
    sizes = np.zeros(n, np.int64)
    for p in prange(partitions):
        count = starts[p + 1] - starts[p]
        capacity = 2
        while capacity < 2 * count:
            capacity *= 2
        table = np.full(capacity, -1, np.int64)
        mask = np.uint64(capacity - 1)
        for t in range(starts[p], starts[p + 1]):
            u = users[t]
            slot = hashes[u] & mask
            while True:
                v = table[slot]
                if v < 0:
                    table[slot] = u
                    leaders[u] = u
                    sizes[u] = 1
                    break
                if hashes[v] == hashes[u] and _same_key(items, bits, first, last, u, v):
                    leaders[u] = v
                    sizes[v] += 1
                    break
                slot = (slot + np.uint64(1)) & mask
    return leaders, sizes


@kernel()
def _before(scores, sizes, a, b):
    """Whether bucket a is chosen before b: higher score, larger, smaller first user."""
    if scores[a] != scores[b]:
        return scores[a] > scores[b]
    if sizes[a] != sizes[b]:
        return sizes[a] > sizes[b]
    return a < b


@kernel()
def _sink(heap, size, at, scores, sizes):
    """Restore the heap, the last to be chosen on top, from position `at` down."""
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _before(scores, sizes, heap[child], heap[child + 1]):
            child += 1
        if not _before(scores, sizes, heap[at], heap[child]):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child


@kernel()
def best_buckets(scores, sizes, count):
    """Choose the best buckets with a heap of `count` entries: O(buckets log count).

    Parameters
    ----------
    scores : float64 array, shape (buckets,)
    sizes : int64 array, shape (buckets,)
        Buckets are numbered by ascending first user.
    count : int

    Returns
    -------
    chosen : int64 array, shape (min(count, buckets),)
        In the order in which GRD selects them.
    """
    count = min(count, scores.shape[0])
    heap = np.arange(count)
    for at in range(count // 2 - 1, -1, -1):
        _sink(heap, count, at, scores, sizes)
    if count > 0:
        for b in range(count, scores.shape[0]):
            if _before(scores, sizes, b, heap[0]):
                heap[0] = b
                _sink(heap, count, 0, scores, sizes)
    for size in range(count - 1, 0, -1):  # the worst left goes to the end
        heap[0], heap[size] = heap[size], heap[0]
        _sink(heap, size, 0, scores, sizes)
    return heap

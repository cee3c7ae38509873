"""Buckets by hash table, and the best of them by a heap."""

from __future__ import annotations

import numpy as np
import pytest

from grouping.kernels import buckets as kernels

ITEMS = np.array([[1, 2], [2, 1], [1, 2], [1, 2], [2, 1], [1, 2], [3, 1]], np.int32)
SCORES = np.array([[5, 4], [5, 4], [5, 3], [5, 4], [5, 4], [4, 4], [5, 4.0]])
KEYS = {(0, 0): [0, 1, 0, 0, 1, 0, 6], (0, 1): [0, 1, 0, 0, 1, 5, 6],
        (1, 2): [0, 1, 2, 0, 1, 0, 6], (0, 2): [0, 1, 2, 0, 1, 5, 6]}  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("partition_bits", [0, 2])
@pytest.mark.parametrize("hashing", ["own", "all collide"])
def test_users_are_led_by_the_first_with_their_key(key, partition_bits, hashing):
    """The list and the scores of the key; colliding hashes are told apart by the whole key."""
    bits = SCORES.view(np.uint64)
    with np.errstate(over="ignore"):
        hashes = kernels.hash_keys(ITEMS, bits, *key)
        assert all((hashes[u] == hashes[v]) for u, v in enumerate(KEYS[key]))
        if hashing == "all collide":
            hashes = np.full(7, 2**63 + 1, np.uint64)
        leaders, sizes = kernels.lead(hashes, ITEMS, bits, *key, partition_bits)
    assert leaders.tolist() == KEYS[key]
    assert sizes.tolist() == np.bincount(KEYS[key], minlength=7).tolist()


def test_the_heap_is_by_score_then_size_then_first_user():
    drawn = np.array([[2.0, 5, 5, 1, 5, 3, 2, 5, 4], [1, 2, 3, 9, 2, 1, 4, 1, 2]])
    for given in (drawn, drawn[:, ::-1]):
        scores, sizes = given[0].copy(), given[1].astype(np.int64)
        ranked = np.lexsort((np.arange(9), -sizes, -scores)).tolist()
        for count in range(12):
            assert kernels.best_buckets(scores, sizes, count).tolist() == ranked[:count]

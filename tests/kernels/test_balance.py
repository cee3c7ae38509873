"""Moves of the local search for AV-min, against what comparing everything finds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grouping.kernels import balance as kernels

RNG = np.random.default_rng(0)
ROWS = RNG.integers(1, 6, (6, 8)).astype(float)
LISTS = np.array([[0, 1], [2, 3], [4, 5]])


def worth(labels, rows=ROWS, lists=LISTS):
    """Sum over the groups of the least sum of their lists."""
    labels = np.asarray(labels)
    members = [labels == g for g in range(len(lists))]
    return sum(
        rows[items][:, mine].sum(axis=1).min(initial=np.inf)
        for items, mine in zip(lists, members, strict=True)
        if mine.any()
    )


def test_users_choose_the_list_with_the_best_weighted_sum():
    weights = np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0]])
    sums = kernels.weighted_sums(ROWS, LISTS, weights)
    for g in range(3):
        np.testing.assert_allclose(sums[g], weights[g] @ ROWS[LISTS[g]])
    choice = np.zeros(8, np.int64)
    value = kernels.level_weights(ROWS, LISTS, weights.copy(), choice, 1, -np.inf)
    assert value == pytest.approx(sums.max(axis=0).sum())
    np.testing.assert_array_equal(choice, sums.argmax(axis=0))


def test_levelled_weights_bound_every_division():
    weights, choice = np.full((3, 2), 0.5), np.zeros(8, np.int64)
    first = kernels.weighted_sums(ROWS, LISTS, weights).max(axis=0).sum()
    value = kernels.level_weights(ROWS, LISTS, weights, choice, 60, -np.inf)
    best = max(worth(labels) for labels in itertools.product(range(3), repeat=8))
    assert best <= value <= first
    assert kernels.weighted_sums(ROWS, LISTS, weights).max(axis=0).sum() == pytest.approx(value)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    start = np.full((3, 2), 0.5)
    assert kernels.level_weights(ROWS, LISTS, start, choice, 60, first + 1) == first
    level = np.ones((6, 8))
    assert kernels.level_weights(level, LISTS, start, choice, 60, -np.inf) == 8


def test_one_list_is_levelled_against_the_others():
    """Near the least over all weights of two items, seen on a fine grid."""
    items, others = np.array([1, 4]), RNG.random(8) * 4

    def value(weights):
        return np.maximum(weights @ ROWS[items], others).sum()

    weights = np.array([0.5, 0.5])
    first = value(weights)
    found = kernels.level_one(ROWS, items, weights, others, 60, -np.inf)
    assert found == pytest.approx(value(weights))
    assert weights.sum() == pytest.approx(1)
    grid = np.linspace(0, 1, 1001)
    least = min(value(np.array([w, 1 - w])) for w in grid)
    assert least - 1e-9 <= found <= min(first, least + 0.1)
    even = np.array([0.5, 0.5])
    assert kernels.level_one(ROWS, items, even, others, 60, first + 1) == first
    nobody = kernels.level_one(ROWS, items, even, others + 9, 60, -np.inf)
    assert nobody == pytest.approx((others + 9).sum())


def test_an_exchange_of_items_is_worth_what_is_said():
    items, weights, others = np.array([1, 4]), np.array([0.3, 0.7]), RNG.random(8) * 4
    values = np.empty((2, 6))
    kernels.values_of_swaps(ROWS, items, weights, others, 0.4, values)
    for position, item in itertools.product(range(2), range(6)):
        if item in items:
            assert values[position, item] == -np.inf
            continue
        kept = 1 - position
        sums = weights[kept] * ROWS[items[kept]] + max(weights[position], 0.4) * ROWS[item]
        assert values[position, item] == pytest.approx(np.maximum(sums, others).sum())


@pytest.mark.parametrize("groups", [2, 3])
def test_no_exchange_of_chosen_lists_is_better(groups):
    for seed in range(4):
        sums = np.random.default_rng(seed).integers(0, 9, (7, 9)).astype(float)
        chosen = np.arange(groups)
        value = kernels.exchange_lists(sums, chosen)
        assert value == sums[chosen].max(axis=0).sum()
        for g, new in itertools.product(range(groups), set(range(7)) - set(chosen.tolist())):
            other = chosen.copy()
            other[g] = new
            assert sums[other].max(axis=0).sum() <= value


@pytest.mark.parametrize("seed", range(3))
def test_annealing_tells_what_its_labels_are_worth(seed):
    """By moves and by exchanges; and it loses nothing."""
    users, groups = (array.ravel() for array in np.mgrid[0:8, 0:3])
    everyone = np.tile(np.arange(8), 9)
    pair_starts = np.arange(10) * 8
    pair_starts[6:] -= 8  # nobody may be in both of one pair of groups
    on_lists = np.ascontiguousarray(ROWS[LISTS].transpose(2, 0, 1))
    start = np.random.default_rng(seed).integers(0, 3, 8)
    labels = start.copy()
    value = kernels.anneal(
        on_lists, np.full((3, 2), 0.5), users, groups, pair_starts, everyone, labels,
        1.0, 0.01, 0.5, 600, np.random.default_rng(seed),
    )  # fmt: skip
    empty = [0.0 for g in range(3) if not (labels == g).any()]
    assert value == pytest.approx(worth(labels) + sum(empty))
    assert worth(labels) >= worth(start)
    best = max(worth(tried) for tried in itertools.product(range(3), repeat=8))
    assert worth(labels) >= 0.9 * best

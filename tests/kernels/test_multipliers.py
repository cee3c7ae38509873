"""Subgradient steps for AV-min: the bound they claim is what their multipliers give."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grouping.kernels import multipliers as kernels

LISTS = np.array(list(itertools.combinations(range(5), 2)))


def descended(rows, constants, slots, free_slots, *, steps, aim=0.0, enough=-np.inf, lists=LISTS):
    """Descend from multipliers of 3; return them, weights, the bound, values and use."""
    users = rows.shape[1]
    multipliers, weights = np.full(users, 3.0), np.full(lists.shape, 1 / lists.shape[1])
    best, best_weights = multipliers.copy(), weights.copy()
    progress = np.array([np.inf, 1.0, 0.0])
    values, use = np.zeros(len(lists)), np.zeros(len(lists))
    kernels.descend(
        rows, constants, lists, slots, free_slots, multipliers, weights, best, best_weights,
        progress, values, use, aim, enough, 0.02, steps,
    )  # fmt: skip
    return best, best_weights, progress, use


def bound_of(rows, constants, lists, slots, free_slots, multipliers, weights):
    """The Lagrangian bound over a pool, by numpy."""
    opened = len(constants)
    values = []
    for items, slot, of_items in zip(lists, slots, weights, strict=True):
        excess = np.maximum(of_items @ rows[items] - multipliers, 0).sum()
        values.append(excess + (of_items @ constants[slot][items] if slot < opened else 0.0))
    values = np.array(values)
    total = multipliers.sum() + sum(values[slots == slot].max() for slot in range(opened))
    free = np.sort(values[slots == opened])[::-1][:free_slots]
    return total + np.maximum(free, 0).sum()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("opened", [0, 2])
def test_the_lowest_bound_is_that_of_the_multipliers_that_come_back(seed, opened):
    """Also where columns were skipped that had become worth more since they were valued."""
    rng = np.random.default_rng(seed)
    rows = rng.random((5, 8)) * 4 + 1
    constants = rng.random((opened, 5)) * 3
    lists, slots = np.tile(LISTS, (opened + 1, 1)), np.repeat(np.arange(opened + 1), len(LISTS))
    given = (rows, constants, lists, slots, 2)
    best, weights, progress, use = descended(
        rows, constants, slots, 2, steps=60, aim=0.0, lists=lists
    )
    assert progress[kernels.BEST] == pytest.approx(bound_of(*given, best, weights))
    first = bound_of(*given, np.full(8, 3.0), np.full(lists.shape, 0.5))
    assert progress[kernels.BEST] <= first * (1 + 1e-12)
    assert progress[kernels.LENGTH] < 1
    assert use.sum() <= 60 * (opened + 2)


def test_the_bound_holds_for_all_divisions():
    """By two groups with lists of the pool, of six users."""
    rng = np.random.default_rng(0)
    rows = rng.integers(1, 6, (4, 6)).astype(float)
    lists = np.array(list(itertools.combinations(range(4), 2)))
    slots = np.zeros(len(lists), np.int64)
    none = np.zeros((0, 4))
    *_, progress, _ = descended(rows, none, slots, 2, steps=40, aim=20.0, lists=lists)
    best = 0.0
    for labels in itertools.product(range(2), repeat=6):
        groups = [rows[:, np.array(labels) == g] for g in range(2)]
        least = [np.sort(group.sum(axis=1))[-2] for group in groups if group.size]
        best = max(best, sum(least))
    assert progress[kernels.BEST] >= best


def test_steps_end_where_the_bound_is_low_enough():
    rng = np.random.default_rng(1)
    rows, slots = rng.random((5, 8)) * 4 + 1, np.zeros(len(LISTS), np.int64)
    *_, far, _ = descended(rows, np.zeros((0, 5)), slots, 3, steps=40)
    enough = far[kernels.BEST] + 1.0
    *_, use = descended(rows, np.zeros((0, 5)), slots, 3, steps=40, enough=enough)
    assert use.sum() < 40 * 3

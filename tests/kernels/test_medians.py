"""The l-median problem: pieces against numpy, the whole against trying all columns."""

from __future__ import annotations

import itertools

import numba
import numpy as np
import pytest

from grouping.exact.medians import tree as median_tree
from grouping.exact.medians.tree import Descent, MedianTree, TreeProof, tree_bound
from grouping.kernels import medians as kernels

VALUES = np.random.default_rng(0).integers(1, 9, (6, 7)).astype(np.float32)
MULTIPLIERS = np.linspace(2.0, 6.0, 7)


def best_of(values, limit):
    """What users get from the best columns, by trying all."""
    return max(
        values[list(some)].max(axis=0).sum(dtype=float)
        for some in itertools.combinations(range(len(values)), min(limit, len(values)))
    )


def test_columns_are_worth_what_exceeds_the_multipliers():
    expected = np.maximum(VALUES - MULTIPLIERS, 0).sum(axis=1)
    found = np.empty(6)
    kernels.worths(VALUES, MULTIPLIERS, found)
    np.testing.assert_allclose(found, expected)
    kernels.totals_with(VALUES, MULTIPLIERS, found)
    np.testing.assert_allclose(found, expected)
    assert kernels.worth(VALUES[2], MULTIPLIERS) == pytest.approx(expected[2])
    assert kernels.total_of(VALUES[1]) == VALUES[1].sum()


def test_a_step_goes_down_the_slope_no_further_than_the_floor():
    slope, direction, floor = np.ones(7), np.zeros(7), np.full(7, -np.inf)
    kernels.add_slope(VALUES[0], MULTIPLIERS, slope)
    np.testing.assert_array_equal(slope, 1.0 - (VALUES[0] > MULTIPLIERS))
    floor[:2] = MULTIPLIERS[:2]
    slope[:] = [1, -1, 1, 1, 0, 0, 2]
    direction[:] = 1
    norm = kernels.turn(slope, direction, MULTIPLIERS, floor)
    np.testing.assert_allclose(direction, np.array([1, -1, 1, 1, 0, 0, 2]) + kernels.KEPT)
    assert slope[0] == 0  # held at its floor
    assert norm == pytest.approx((slope**2).sum())
    moved = MULTIPLIERS.copy()
    floor[2] = MULTIPLIERS[2] - 0.125
    kernels.move(moved, slope, floor, 0.5)
    np.testing.assert_allclose(moved[3:], MULTIPLIERS[3:] - 0.5 * slope[3:], rtol=1e-6)
    assert moved[2] == floor[2]


@pytest.mark.parametrize("few", [1, 3, 6])
def test_the_largest_come_largest_first(few):
    found, order = np.array([2.0, 5, 1, 5, 7, 3, 99]), np.zeros(few, np.int64)
    kernels.largest(found, 6, few, order)
    np.testing.assert_array_equal(found[order], np.sort(found[:6])[::-1][:few])
    assert len(set(order.tolist())) == few


def test_numbers_are_raised_to_float32():
    for value in (0.5, 0.1, -0.1, 1 / 3):
        assert kernels.raised(value) >= value
        assert np.float32(kernels.raised(value)) == kernels.raised(value)
        assert kernels.raised(value) - value < 1e-7


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_the_best_exchange_gains_what_is_said(slots):
    chosen, users = np.arange(slots), np.arange(7)
    offered = VALUES[chosen].astype(float)
    first = offered.argmax(axis=0)
    best = offered[first, users]
    offered[first, users] = -np.inf
    gains, positions = np.empty(6), np.empty(6, np.int64)
    kernels.swap_gains(VALUES, first, best, offered.max(axis=0), slots, gains, positions)
    for column in range(slots, 6):
        totals = []
        for place in range(slots):
            swapped = chosen.copy()
            swapped[place] = column
            totals.append(VALUES[swapped].max(axis=0).sum())
        assert gains[column] == max(totals) - best.sum()
        assert totals[positions[column]] == max(totals)


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 9])
@pytest.mark.parametrize("seed", range(4))
def test_a_grown_tree_proves_the_best_choice(seed, limit, short, monkeypatch):
    """From one step at the root, so that there is something left to branch on; in slices too."""
    values = np.random.default_rng(seed).integers(1, 9, (7, 8)).astype(np.float32)
    if seed == 3:
        values = values + np.random.default_rng(0).random(values.shape, np.float32)
    monkeypatch.setattr(median_tree, "STEPS", 2 if short else 300)
    monkeypatch.setattr(median_tree, "SLICE_CELLS", 10)
    descent = Descent(values, limit, np.full(8, 4.0))
    descent.run(1, 0.0, lambda: False)
    best, found = best_of(values, limit), []
    tree = MedianTree(values, limit, descent, float(values.min()))
    done = tree.grow(
        lambda: max([best - 1e-3, *(value for value, _ in found)]),
        lambda value, columns: found.append((value, values[columns].max(axis=0).sum())),
        lambda: False,
    )
    assert done
    assert all(value == pytest.approx(float(total)) for value, total in found)
    assert max(value for value, _ in found) == pytest.approx(best)
    bound = tree_bound(values, limit, tree.proof(), float(values.min()))
    assert best <= bound <= best + 1e-4


@pytest.mark.parametrize("limit", [2, 3])
@pytest.mark.parametrize("short", [True, False])
def test_of_many_columns_all_count_in_the_end(limit, short, monkeypatch):
    """Where steps look at the best columns only; compiled, so few columns are never many."""
    if numba.config.DISABLE_JIT:
        monkeypatch.setattr(kernels, "MANY", 4)
        monkeypatch.setattr(kernels, "FEWER", 2)
        monkeypatch.setattr(kernels, "AT_LEAST", 4)
    monkeypatch.setattr(median_tree, "STEPS", 2 if short else 40)
    values = np.random.default_rng(limit).random((26, 8)).astype(np.float32)
    descent = Descent(values, limit, np.full(8, 0.6))
    descent.run(1, 0.0, lambda: False)
    best, found = best_of(values, limit), [0.0]
    tree = MedianTree(values, limit, descent, 0.0)
    assert tree.grow(
        lambda: max(best - 1e-3, *found, 0.0), lambda value, _: found.append(value), lambda: False
    )
    assert max(found) == pytest.approx(best)
    assert best <= tree_bound(values, limit, tree.proof(), 0.0) <= best + 1e-4


def test_a_tree_left_open_still_bounds():
    values = np.random.default_rng(5).random((8, 9)).astype(np.float32)
    descent = Descent(values, 3, np.full(9, 0.6))
    descent.run(2, 0.0, lambda: False)
    tree = MedianTree(values, 3, descent, 0.0)
    stops = iter([False, True])
    assert not tree.grow(lambda: best_of(values, 3) - 1e-3, lambda *_: None, lambda: next(stops))
    bound = tree_bound(values, 3, tree.proof(), 0.0)
    assert best_of(values, 3) <= bound <= descent.bound + 1e-6


def test_more_columns_decided_in_a_row_than_were_told_apart():
    """Forty that one user likes are left out one after another, all by the same multipliers."""
    values = np.full((60, 4), 5.5, np.float32)
    values[:40] = 0.0
    values[:40, 0] = 9.0
    tokens = np.array([token for c in range(40) for token in (2 * c, -2)] + [-2])
    for limit, bound in ((1, 24.0), (2, 28.0)):
        proof = TreeProof(tokens, np.full((1, 4), 5.0, np.float32))
        assert tree_bound(values, limit, proof, 0.0) == pytest.approx(bound)

"""Pricing under least misery, in whatever slices, against looking at every set of users."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grouping.kernels import ascent
from grouping.kernels import pricing as kernels

NOBODY = np.zeros((0, 2), np.int32)
INFINITE = (-np.inf, np.inf)


def instance_of(rows, multipliers, weights, levels=(), discounts=(), limits=INFINITE, apart=NOBODY):
    """Ratings, shape (users, items), as the kernels take them; multipliers are whole quarters."""
    order = np.ascontiguousarray(np.argsort(rows, axis=0, kind="stable").T)
    ascending = np.take_along_axis(np.ascontiguousarray(rows.T), order, axis=1)
    arrays = (multipliers, weights, levels, discounts, limits)
    multipliers, *others = (np.array(array, float) for array in arrays)
    return kernels.Instance(ascending, order.astype(np.uint32), multipliers, *others, apart)


def counted(value, levels, discounts, limits):
    """The largest v less its discount, over all v up to the value."""
    if value <= limits[0]:
        return -np.inf
    value = min(value, limits[1])
    tried = [value, *(level for level in levels if limits[0] < level < value)]
    return max(v - [0.0, *discounts][sum(level < v for level in levels)] for v in tried)


def worth_of(rows, members, instance):
    """What a set of users is worth."""
    minima = np.sort(rows[members].min(axis=0))[::-1][: len(instance.weights)]
    value = sum(w * x for w, x in zip(instance.weights, minima, strict=True) if w)
    limited = counted(value, instance.levels, instance.discounts, instance.limits)
    return limited + instance.multipliers[members].sum()


def best_worth(rows, instance, low=-np.inf, high=np.inf):
    """Worth of the best set of users that loses so much of the multipliers, by trying all."""
    best, total = -np.inf, instance.multipliers.sum()
    for marks in itertools.product([False, True], repeat=len(rows)):
        members = np.flatnonzero(marks)
        loss = total - instance.multipliers[members].sum()
        together = any(marks[u] and marks[v] for u, v in instance.apart.tolist())
        if len(members) and not together and low <= loss < high:
            best = max(best, worth_of(rows, members, instance))
    return best


def searched(
    instance, price, *, low=0.0, high=np.inf, work=10**9, depths=2, steps=4, sets=99, by_users=None
):
    """Search to the end, with more room and more work whenever it comes back for that."""
    state = kernels.start(instance, depths, steps, 3, by_users)
    kernels.restart(instance, state, price)
    reasons = set()
    while True:
        why = kernels.search(instance, state, low, high, work, sets)
        reasons.add(why)
        if why == kernels.RECORD_FULL:
            state = kernels.enlarged(state, steps=2 * len(state.steps))
        elif why == kernels.TOO_DEEP:
            state = kernels.enlarged(state, depths=2 * len(state.inside))
        elif why != kernels.WORKED:
            return state, reasons


KINDS = {
    "sums": {},
    "min": {"weights": [0, 0, 1]},
    "weighted": {"weights": [1, 0.5, 0]},
    "max": {"weights": [1]},
    "levels": {"levels": [1.5, 4.0], "discounts": [0.5, 1.5]},
    "levels of which one is out of reach": {"levels": [2.0, 90.0], "discounts": [1.0, 2.0]},
    "a class of values": {"limits": (3.0, 5.0)},
    "pairs that are apart": {"apart": np.array([[0, 1], [1, 3]], np.int32)},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_the_best_set_is_found_and_none_beyond_it(seed, kind):
    """With little room, and in small slices, the same as at once."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 9, (7, 6)) * 0.5
    given = {"weights": [1, 1]} | KINDS[kind]
    instance = instance_of(rows, rng.integers(1, 9, 7) / 4, **given)
    best = best_worth(rows, instance)
    state, _ = searched(instance, -50.0)
    assert state.best[0] == best
    last = (state.scalars[kernels.FOUND] - 1) % len(state.found)
    members = np.flatnonzero(state.found[last])
    assert worth_of(rows, members, instance) == best
    sliced, reasons = searched(instance, -50.0, work=20)
    assert sliced.best[0] == best
    np.testing.assert_array_equal(sliced.steps[:9], state.steps[:9])
    assert kernels.DONE in reasons
    beyond, _ = searched(instance, best)
    assert beyond.best[0] == best
    assert beyond.scalars[kernels.FOUND] == 0


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "max"])
@pytest.mark.parametrize("seed", range(4))
def test_deciding_users_finds_what_deciding_items_does(seed, kind):
    """In every window, to the worth of the best set in it; and its proof needs no other."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 9, (8, 6)) * 0.5
    given = {"weights": [1, 1, 1]} | KINDS[kind]
    instance = instance_of(rows, rng.integers(1, 9, 8) / 4, **given)
    total = instance.multipliers.sum()
    assert searched(instance, -50.0, by_users=True)[0].best[0] == best_worth(rows, instance)
    for low, high in itertools.pairwise([0.0, total / 4, total / 2, np.inf]):
        best = best_worth(rows, instance, low, high)
        state, _ = searched(instance, max(best, -50) - 0.125, low=low, high=high, by_users=True)
        assert state.best[0] >= best
        assert not (state.steps[: state.scalars[kernels.STEPS]] >= 0).any()


def test_long_lists_are_searched_by_users():
    rng = np.random.default_rng(8)
    rows = rng.integers(0, 9, (7, 9)) * 0.5
    instance = instance_of(rows, rng.integers(1, 9, 7) / 4, np.ones(kernels.LONG))
    state, reasons = searched(instance, -50.0, work=20)
    assert state.best[0] == best_worth(rows, instance)
    assert kernels.USER in state.steps[: state.scalars[kernels.STEPS]]
    assert kernels.WORKED in reasons


@pytest.mark.parametrize("seed", range(3))
def test_windows_by_what_is_lost_leave_no_set_out(seed):
    """Ratings of many values, which thresholds are split for."""
    rng = np.random.default_rng(seed)
    rows = rng.random((8, 6)) * 4
    instance = instance_of(rows, rng.integers(1, 9, 8) / 4, np.ones(2))
    found = [
        searched(instance, -50.0, low=low, high=high)[0].best[0]
        for low, high in itertools.pairwise([0.0, 1.0, 2.5, 5.0, np.inf])
    ]
    assert max(found) == pytest.approx(best_worth(rows, instance))
    for (low, high), value in zip(
        itertools.pairwise([0.0, 1.0, 2.5, 5.0, np.inf]), found, strict=True
    ):
        assert value >= best_worth(rows, instance, low, high) - 1e-12


@pytest.mark.parametrize("seed", range(6))
def test_few_values_and_long_lists(seed):
    """Many ties, and lists that name nearly all items."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 6, (9, 8)).astype(float)
    for weights in (np.ones(4), [0, 0, 0, 1], [1, 0.5, 0.25, 0.25]):
        instance = instance_of(rows, rng.integers(1, 9, 9) / 4, weights)
        assert searched(instance, -50.0)[0].best[0] == best_worth(rows, instance)


def test_lists_longer_than_the_items_are_no_lists():
    instance = instance_of(np.ones((4, 2)), np.ones(4), np.ones(3))
    state, _ = searched(instance, -50.0)
    assert state.best[0] == -50
    assert state.scalars[kernels.STEPS] == 1


def test_the_search_comes_back_for_what_it_lacks():
    rng = np.random.default_rng(4)
    rows = rng.random((9, 7)) * 4
    instance = instance_of(rows, rng.integers(1, 9, 9) / 4, np.ones(3))
    _, reasons = searched(instance, -50.0, work=5)
    assert {kernels.WORKED, kernels.RECORD_FULL, kernels.TOO_DEEP} <= reasons
    state, reasons = searched(instance, -50.0, sets=1)
    assert kernels.FOUND_ENOUGH in reasons
    assert state.best[0] <= best_worth(rows, instance)


def test_values_are_counted_as_the_best_lower_one_is():
    levels, discounts = np.array([1.0, 2.0, 4.0]), np.array([0.5, 2.0, 2.5])
    for limits in ((-np.inf, np.inf), (0.25, 3.0)):
        for value in np.arange(0, 6, 0.25):
            found = kernels.counted(value, levels, discounts, np.array(limits))
            assert found == counted(value, levels, discounts, limits)


@pytest.mark.parametrize("weights", [[1, 1], [0, 0, 1], [1]])
def test_climbing_improves_sets_and_tells_what_they_are_worth(weights):
    rng = np.random.default_rng(5)
    for _ in range(4):
        rows = rng.integers(0, 9, (8, 6)) * 0.5
        instance = instance_of(rows, rng.integers(1, 9, 8) / 4, weights)
        sets = rng.random((3, 8)) < 0.5
        sets[:, 0] = True
        before = [worth_of(rows, np.flatnonzero(members), instance) for members in sets]
        worth = ascent.climb(instance, sets, 1e-9)
        best = best_worth(rows, instance)
        for start, members, claimed in zip(before, sets, worth, strict=True):
            assert start <= claimed <= worth_of(rows, np.flatnonzero(members), instance) <= best


@pytest.mark.parametrize("by_users", [True, False])
def test_users_whose_multiplier_is_nothing_are_undecided_all_the_same(by_users):
    """The best set are the two who like all; without them decided nothing is."""
    rows = np.array([[1.0] * 4 + [9.0] * 4, [9.0] * 4 + [1.0] * 4, [9.0] * 8, [9.0] * 8])
    order = np.argsort(rows, axis=0, kind="stable").T
    instance = kernels.Instance(
        np.ascontiguousarray(np.take_along_axis(rows.T, order, axis=1)),
        np.ascontiguousarray(order).astype(np.uint32),
        np.array([0.0, 0.0, 1.0, 1.0]),
        np.ones(8),
        np.zeros(0),
        np.zeros(0),
        np.array([-np.inf, np.inf]),
        np.zeros((0, 2), np.int32),
    )
    state = kernels.start(instance, 128, 1 << 12, 16, by_users)
    kernels.restart(instance, state, 10.0)
    kernels.search(instance, state, 0.0, np.inf, 100000, 1 << 40)
    assert state.best[0] == 8 * 9 + 2

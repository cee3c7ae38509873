"""What lists are worth at given multipliers, against the least over all weights of two items."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grouping.exact.weakest import list_prices
from grouping.exact.weakest.list_prices import price_lists
from grouping.kernels import itemsets as kernels


def value_of(rows, constants, multipliers, items, weights):
    excess = np.maximum(weights @ rows[list(items)] - multipliers, 0).sum()
    return weights @ constants[list(items)] + excess


def least_of_pair(rows, constants, multipliers, pair):
    """Convex and piecewise linear in the first weight: the least is at an end or a bend."""
    a, b = rows[list(pair)]
    slope = a - b
    bends = (multipliers - b)[slope != 0] / slope[slope != 0]
    tried = [0.0, 1.0, *bends[(bends > 0) & (bends < 1)]]
    return min(value_of(rows, constants, multipliers, pair, np.array([w, 1 - w])) for w in tried)


def drawn(seed, items=6, users=7):
    rng = np.random.default_rng(seed)
    return rng.random((items, users)) * 4 + 1, rng.random(items) * 3, rng.random(users) * 2 + 2


def test_a_set_is_worth_what_its_users_exceed_their_multipliers_by():
    rows, constants, multipliers = drawn(0)
    items, weights, excess = np.array([4, 1, 3]), np.array([0.2, 0.3, 0.5]), np.empty(7)
    found = kernels.set_value(rows, constants, multipliers, items, weights, 2, excess)
    expected = value_of(rows, constants, multipliers, [4, 1], weights[:2])
    assert found == pytest.approx(expected)
    np.testing.assert_allclose(excess, weights[:2] @ rows[[4, 1]] - multipliers)


@pytest.mark.parametrize("seed", range(5))
def test_values_come_down_to_the_least(seed):
    rows, constants, multipliers = drawn(seed)
    least = least_of_pair(rows, constants, multipliers, (2, 5))
    weights, excess = np.array([0.5, 0.5]), np.empty(7)
    given = (rows, constants, multipliers, np.array([2, 5]), weights, 2, excess)
    assert kernels.lower_value(*given, -np.inf, 60, True) == pytest.approx(least, rel=0.02)
    assert weights.sum() == pytest.approx(1)
    assert value_of(rows, constants, multipliers, (2, 5), weights) >= least - 1e-12


def test_lowering_stops_where_there_is_nothing_to_gain():
    """A value that is low enough, or cannot become so; sums that are level; nobody left."""
    rows, constants, multipliers = drawn(3)
    excess, pair, half = np.empty(7), np.array([0, 1]), np.array([0.5, 0.5])
    first = kernels.set_value(rows, constants, multipliers, pair, half, 2, excess)
    given = (rows, constants, multipliers, pair)
    assert kernels.lower_value(*given, half.copy(), 2, excess, first + 1, 9, True) == first
    hopeless = kernels.lower_value(*given, half.copy(), 2, excess, -1e9, 9, False)
    assert hopeless == first
    level = np.ones((2, 7)) * 4
    weights = np.array([0.7, 0.3])
    found = kernels.lower_value(
        level, np.zeros(2), multipliers, pair, weights, 2, excess, -1e9, 9, True
    )
    assert found == pytest.approx((4 - multipliers).sum())
    nobody = np.empty((6, 0))
    for own in (np.sort(constants), np.sort(constants)[::-1].copy()):
        weights = half.copy()
        found = kernels.lower_value(
            nobody, own, np.empty(0), pair, weights, 2, np.empty(0), 0.0, 9, True
        )
        assert found == own[:2].min()
        assert weights[own[:2].argmin()] == 1
    tiny = np.array([1e-170, 2e-170])  # the squares of their differences are no numbers
    found = kernels.lower_value(
        np.zeros((2, 1)), tiny, np.ones(1), pair, half.copy(), 2, np.empty(1), -1.0, 9, True
    )
    assert found == pytest.approx(1.5e-170)
    still = kernels.lower_value(
        rows[:, :1], np.zeros(6), np.array([9.0]), pair, half.copy(), 2, np.empty(1), -1.0, 9, True
    )
    assert still == 0


@pytest.mark.parametrize("with_constants", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_every_pair_worth_more_than_the_price_is_found(seed, with_constants):
    rows, constants, multipliers = drawn(seed)
    constants = constants * with_constants
    every = list(itertools.combinations(range(6), 2))
    least = {pair: least_of_pair(rows, constants, multipliers, pair) for pair in every}
    price = float(np.median(list(least.values())))
    prices = price_lists(rows, np.arange(6), constants, multipliers, 2, price, stop=lambda: False)
    found = {tuple(sorted(items)): at for at, items in enumerate(prices.lists.tolist())}
    for pair, value in least.items():
        assert pair in found or value <= price + 1e-9
        if pair in found:
            assert prices.values[found[pair]] >= value - 1e-9
    assert len(found) < len(every)


def test_the_search_pauses_grows_its_table_and_raises_the_price(monkeypatch):
    """And finds the same in slices; of too many lists it keeps the better half."""
    rows, constants, multipliers = drawn(1, items=12, users=4)
    given = (rows, np.arange(12), constants, multipliers, 3, -1.0)
    monkeypatch.setattr(list_prices, "ROOM", 1000)
    at_once = price_lists(*given, stop=lambda: False)
    assert len(at_once.lists) == 220
    assert len(at_once.items) > 256
    monkeypatch.setattr(list_prices, "SLICE", 900)
    in_slices = price_lists(*given, stop=lambda: False)
    np.testing.assert_array_equal(in_slices.lists, at_once.lists)
    monkeypatch.setattr(list_prices, "ROOM", 40)
    few = price_lists(*given, stop=lambda: False)
    assert few.price > -1
    assert 0 < len(few.lists) < 40
    assert few.values.min() > few.price
    assert (at_once.values > few.price + 0.5).sum() <= len(few.lists)

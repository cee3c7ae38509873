"""What columns within sizes are worth, and which lists are worth more than a price."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grouping.kernels import sized, sized_prices
from grouping.kernels.levels import level_of

seeds = st.integers(0, 2**32 - 1)


def drawn(seed, users=6, most=4):
    """Numbers with ties and signs, sizes, and a number of groups."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, users + 1))
    low = int(rng.integers(1, 4))
    cap = int(rng.integers(low, low + 3))
    numbers = rng.integers(-3, 6, n) / 2
    return rng, n, low, cap, numbers, int(rng.integers(1, most + 1))


def best_sum(numbers, fewest, most):
    """By trying every number of the largest."""
    ordered = sorted(numbers, reverse=True)
    sums = [sum(ordered[:count]) for count in range(fewest, min(most, len(ordered)) + 1)]
    return max(sums, default=-np.inf)


@given(seeds)
@settings(max_examples=200)
@example(5)
def test_groups_of_one_column_are_worth_their_best_users(seed):
    """At least low, at most cap users each; users that cannot be served are not."""
    rng, n, low, cap, numbers, copies = drawn(seed)
    multipliers = rng.integers(-2, 3, n) / 2
    row = np.where(rng.random(n) < 0.2, -np.inf, numbers)
    inside = row > -np.inf
    value, _ = sized.worth(row, multipliers, 1.5, low, cap, copies, np.empty(n))
    over = (row - multipliers)[inside]
    wanted = best_sum(over, copies * low, copies * cap) + copies * 1.5
    assert value == pytest.approx(wanted) or value == wanted == -np.inf


@given(seeds)
@settings(max_examples=150)
def test_the_groups_that_add_most_are_chosen_and_their_users_counted(seed):
    """Against all choices of columns with repetition; the slope is that of the bound."""
    rng, n, low, cap, _, limit = drawn(seed)
    values = rng.integers(-2, 5, (3, n)) / 2 + rng.random((3, n)) / 64
    gains, multipliers = rng.integers(-1, 3, 3) / 2, rng.normal(size=n)

    def together(chosen):
        total = 0.0
        for column in set(chosen):
            copies = chosen.count(column)
            over = values[column] - multipliers
            total += best_sum(over, copies * low, copies * cap) + copies * gains[column]
        return total

    choices = (
        choice
        for count in range(limit + 1)
        for choice in itertools.combinations_with_replacement(range(3), count)
    )
    wanted = max(together(choice) for choice in choices)
    found, slope, largest = np.empty(3), np.empty(n), np.empty(1)
    sizes = np.array([low]), np.array([cap]), np.array([limit])
    bound = sized.bound_of(values, multipliers, gains, *sizes, np.arange(3), found, slope, largest)
    assert bound == pytest.approx(multipliers.sum() + wanted)
    assert largest[0] >= 0
    nudged = multipliers + 1e-7
    more = sized.bound_of(values, nudged, gains, *sizes, np.arange(3), found, slope, largest)
    assert more - bound == pytest.approx(1e-7 * slope.sum(), abs=1e-9)


def test_ties_at_the_limit_are_broken_by_number():
    """Of users who are worth the same, as many count as there is room for."""
    values, slope = np.full((1, 4), 2.0), np.empty(4)
    sizes = np.array([1]), np.array([2]), np.array([1])
    sized.bound_of(
        values, np.zeros(4), np.zeros(1), *sizes, np.arange(1), np.empty(1), slope, np.empty(1)
    )
    assert slope.tolist() == [0.0, 0.0, 1.0, 1.0]
    forced = np.array([3]), np.array([3]), np.array([1])
    sized.bound_of(
        -values,
        np.zeros(4),
        np.full(1, 9.0),
        *forced,
        np.arange(1),
        np.empty(1),
        slope,
        np.empty(1),
    )
    assert slope.tolist() == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("kind", ["votes", "thresholds", "many"])
def test_steps_lower_the_bound_and_end(kind):
    """Down to what is known to be reached, or until steps are too short; never below the best."""
    rng = np.random.default_rng(0)
    values, gains = rng.integers(1, 6, (6, 12)).astype(np.float32), np.zeros(6)
    if kind == "thresholds":
        values, gains = np.where(values >= 3, 0, -np.inf).astype(np.float32), np.full(6, 3.0)
    if kind == "many":
        values, gains = np.tile(values, (4, 1)), np.zeros(24)
    sizes = np.array([1, 1]), np.array([5, 4]), np.array([2, 1])
    start = np.full(12, 4.0 if kind != "thresholds" else 0.5)
    columns = np.arange(len(gains))
    room = np.empty(len(gains)), np.empty(12), np.empty(2)
    before = sized.bound_of(values, start, gains, *sizes, columns, *room)
    for aim in (before - 20.0, before - 1e-3):
        multipliers = start.copy()
        bound, taken = sized.descend(values, gains, *sizes, multipliers, np.ones(1), aim, 400)
        again = sized.bound_of(values, multipliers, gains, *sizes, columns, *room)
        assert again == pytest.approx(bound)
        assert bound < before
        assert taken <= 400
    assert sized.descend(values, gains, *sizes, start.copy(), np.ones(1), before - 1, 3)[1] == 3
    still = np.zeros((1, 2)), np.zeros(1), np.array([1]), np.array([2]), np.array([1])
    assert sized.descend(*still, np.full(2, -1.0), np.ones(1), -9.0, 50)[1] <= 50


def worth_of(kind, rows, items, multipliers, low, cap):
    """What a list is worth, by every group within the sizes (WEAKEST: at equal weights)."""
    best = -np.inf
    n = rows.shape[1]
    for size in range(low, min(cap, n) + 1):
        for group in itertools.combinations(range(n), size):
            chosen = rows[np.ix_(items, group)]
            if kind == sized_prices.LEAST:
                value = chosen.min()
            elif kind == sized_prices.VOTES:
                value = chosen.sum()
            else:
                value = chosen.sum(axis=1).min()
            best = max(best, value - multipliers[list(group)].sum())
    return best


def lists_above(kind, rows, k, multipliers, low, cap, price, room=200, work=10**9):
    items, users = rows.shape
    frames = (
        np.empty((k, items), np.int64),
        np.empty((k, items)),
        *np.zeros((3, k), np.int64),
        np.empty((k, users), np.int64),
        np.empty((k, users)),
        np.zeros(k, np.int64),
        np.empty((k, items, k)),
    )
    state, found, values = np.array([-1, 0]), np.empty((room, k), np.int64), np.empty(room)
    best = -np.sort(-rows.T, axis=1)[:, :k].copy()
    paused = 0
    while True:
        outcome, price = sized_prices.search(
            kind, rows, best, multipliers, low, cap, price, state, frames, found, values, work
        )
        if outcome == sized_prices.DONE:
            count = state[sized_prices.FOUND]
            return price, found[:count], values[:count], paused
        paused += 1


@pytest.mark.parametrize("kind", [sized_prices.LEAST, sized_prices.WEAKEST, sized_prices.VOTES])
@given(seed=seeds)
@settings(max_examples=80)
def test_no_list_worth_more_than_the_price_is_missed(kind, seed):
    """Against every list and every group of it; pauses, and too many lists, change nothing."""
    rng = np.random.default_rng(seed)
    items, n = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    k, low = int(rng.integers(1, items + 1)), int(rng.integers(1, 3))
    cap = int(rng.integers(low, low + 3))
    rows = rng.integers(1, 6, (items, n)) + rng.random((items, n)).round(1)
    multipliers = rng.normal(size=n) * rng.choice([0.3, 2.0]) + rng.choice([0.0, 2.0])
    price = float(rng.choice([0.0, 1.0, 3.0]))
    if rng.random() < 0.2:
        price = -1e9
    for room, work in ((200, 10**9), (3, 10**9), (200, 1)):
        least, found, values, _ = lists_above(
            kind, rows, k, multipliers, low, cap, price, room, work
        )
        named = {tuple(sorted(those)): value for those, value in zip(found, values, strict=True)}
        assert least >= price
        assert len(named) == len(found)
        for chosen in itertools.combinations(range(items), k):
            worth = worth_of(kind, rows, chosen, multipliers, low, cap)
            if chosen in named:
                assert worth <= named[chosen] + 1e-9
                if kind != sized_prices.WEAKEST:
                    assert worth == pytest.approx(named[chosen])
            else:
                assert worth <= least + 1e-9


def test_a_search_pauses_where_there_is_much_to_look_at():
    rng = np.random.default_rng(1)
    rows = rng.random((6, 5))
    *_, paused = lists_above(sized_prices.VOTES, rows, 3, np.zeros(5), 1, 3, 0.0, work=1)
    assert paused > 0
    *_, paused = lists_above(sized_prices.VOTES, rows, 3, np.zeros(5), 1, 3, 0.0)
    assert paused == 0


def test_better_weights_lower_what_a_list_is_worth():
    """Users who like one item each: equal weights are far from what both give them."""
    rows = np.array([[9.0, 9.0, 9.0, 1.0], [1.0, 1.0, 2.0, 1.0]])
    weights, room = np.array([0.5, 0.5]), np.empty((3, 4))
    first = sized_prices.weigh(
        rows, np.array([0, 1]), 2, weights, np.full(4, 1.5), 1, 2, 99.0, room
    )
    for _ in range(10):
        value = sized_prices.weigh(
            rows, np.array([0, 1]), 2, weights, np.full(4, 1.5), 1, 2, -9.0, room
        )
    assert value < first - 3
    assert weights.sum() == pytest.approx(1.0)
    assert weights[1] > 0.8


@given(seeds)
@settings(max_examples=100)
def test_the_best_threshold_is_that_of_all_groups(seed):
    """Of users who pay less than nothing too: the larger worths push the smaller out."""
    rng, n, low, cap, worths, _ = drawn(seed)
    lowest = rng.integers(1, 6, n).astype(np.float64)
    above = np.empty((2, n))
    value, found = sized_prices.best_threshold(
        lowest, worths, n, low, cap, np.empty(cap), 0.0, above
    )
    wanted = {t: t + best_sum(worths[lowest >= t], low, cap) for t in set(lowest)}
    best = max(wanted.values())
    assert value == pytest.approx(best) or value == best
    assert found == sum(worth > 1e-12 for worth in wanted.values())
    assert above[1, :found] == pytest.approx([wanted[t] for t in above[0, :found]])


def test_the_better_users_push_out_those_who_came_first():
    value, _ = sized_prices.best_threshold(
        np.array([5.0, 4.0]), np.array([1.0, 3.0]), 2, 1, 1, np.empty(1), 0.0, np.empty((2, 2))
    )
    assert value == 7.0


@pytest.mark.parametrize(
    ("need", "level"), [(10.0, np.inf), (9.0, np.inf), (7.0, 3.5), (4.5, 2.25), (8.5, 4.5)]
)
def test_ratings_counted_up_to_the_level_just_make_up_the_need(need, level):
    """Of the best ratings 5 and 4; where not even these suffice, there is none."""
    assert level_of(np.array([5.0, 4.0]), np.ones(2), need) == level

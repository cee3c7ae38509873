"""Kernels against one-line truths."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import InputError, Ratings, form
from grouping import objective as objective_module
from grouping.errors import IncompleteError
from grouping.kernels.buckets import best_buckets, hash_keys, lead
from grouping.kernels.groups import best_columns, dense_minima_without, members_in_order
from grouping.kernels.own_lists import MOST_NARROW
from grouping.methods.greedy import last_group_columns
from grouping.missing import complete
from grouping.problem import Problem
from tests.strategies import csr_of


def first_with_the_same_key(items, bits, first, last):
    seen = {}
    for user in range(len(items)):
        key = (tuple(items[user].tolist()), tuple(bits[user, first:last].tolist()))
        yield seen.setdefault(key, user)


@pytest.mark.parametrize("hashing", ["constant", "two values", "top bit", "own"])
@pytest.mark.parametrize("partition_bits", [0, 1, 4])
@pytest.mark.parametrize("key", [(0, 0), (0, 1), (1, 2), (0, 2)])
def test_equal_hashes_never_merge_different_keys(hashing, partition_bits, key):
    """With every user in one slot of the table, whole keys still decide."""
    rng = np.random.default_rng(1)
    items = rng.integers(0, 3, (200, 2)).astype(np.int32)
    bits = rng.integers(0, 3, (200, 2)).astype(float).view(np.uint64)
    leaders = np.array(list(first_with_the_same_key(items, bits, *key)))
    hashes = {
        "constant": np.full(200, 12345, np.uint64),
        "two values": (leaders % 2).astype(np.uint64),
        "top bit": (leaders % 2).astype(np.uint64) << np.uint64(63),
    }
    with np.errstate(over="ignore"):
        own = hash_keys(items, bits, *key)
        given_hashes = hashes.get(hashing, own)
        found, sizes = lead(given_hashes, items, bits, *key, partition_bits)
    np.testing.assert_array_equal(found, leaders)
    np.testing.assert_array_equal(sizes, np.bincount(leaders, minlength=200))


def test_equal_keys_have_equal_hashes_and_others_mostly_not():
    """The scores outside the key do not matter."""
    items = np.array([[1, 2], [1, 2], [2, 1], [1, 2]], np.int32)
    bits = np.array([[5.0, 4.0], [4.5, 4.0], [5.0, 4.0], [5.0, 3.0]]).view(np.uint64)
    with np.errstate(over="ignore"):
        of_min = hash_keys(items, bits, 1, 2)
        of_all = hash_keys(items, bits, 0, 2)
    assert of_min[0] == of_min[1]
    assert len({*of_min.tolist()}) == 3
    assert len({*of_all.tolist()}) == 4


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(-2, 2).map(float), st.integers(1, 3)), max_size=40),
    st.integers(0, 45),
)
def test_the_heap_chooses_what_sorting_would(drawn, count):
    """By score descending, size descending, first user ascending."""
    scores = np.array([score for score, _ in drawn], float)
    sizes = np.array([size for _, size in drawn], np.int64)
    expected = sorted(range(len(drawn)), key=lambda b: (-scores[b], -sizes[b], b))[:count]
    assert best_buckets(scores, sizes, count).tolist() == expected


@settings(max_examples=200)
@given(st.lists(st.integers(-2, 2).map(float), min_size=1, max_size=40), st.data())
def test_best_columns_are_those_of_a_stable_sort(drawn, data):
    scores = np.array(drawn)
    k = data.draw(st.integers(1, len(drawn)))
    expected = np.argsort(-scores, kind="stable")[:k]
    assert best_columns(scores, k).tolist() == expected.tolist()


@settings(max_examples=100)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_members_come_group_by_group_and_ascending(labels):
    order, starts = members_in_order(np.array(labels, np.int64), 5)
    for g in range(5):
        expected = [user for user, label in enumerate(labels) if label == g]
        assert order[starts[g] : starts[g + 1]].tolist() == expected


@pytest.mark.parametrize("budget", [0, 1, 7, 30, 100, 10_000])
def test_minima_without_some_are_right_or_said_to_be_unfinished(budget):
    """A budget that runs out is told; a generous one never does."""
    rng = np.random.default_rng(budget)
    for _ in range(100):
        X = rng.integers(1, 6, (rng.integers(1, 25), 6)).astype(float)
        members = np.flatnonzero(rng.random(len(X)) < 0.7)
        if len(members) == 0:
            members = np.array([0])
        columns = np.flatnonzero(rng.random(6) < 0.6)
        minima = np.full(6, -7.0)
        done = dense_minima_without(X, members, X.min(axis=0), columns.copy(), minima, budget)
        if done:
            np.testing.assert_array_equal(minima[columns], X[members][:, columns].min(axis=0))
        assert done or budget < 10_000
        untouched = np.setdiff1d(np.arange(6), columns)
        assert (minima[untouched] == -7.0).all()


@pytest.mark.parametrize("semantics", ["lm", "av"])
@pytest.mark.parametrize("form_of", ["dense", "float32", "low fill", "middle fill"])
def test_the_last_groups_columns_are_those_of_its_members(semantics, form_of):
    """Few others (a correction), many others (its own ratings), and none."""
    rng = np.random.default_rng(6)
    for share in (0.0, 0.02, 0.2, 0.6, 0.95):
        X = rng.integers(1, 6, (90, 30)).astype(float)
        X[:, :10] = np.maximum(X[:, :10], 3)
        X[rng.integers(0, 90, 6), rng.integers(0, 30, 6)] = 0.5  # minima held by few
        if form_of == "dense":
            ratings = Ratings.of(X)
        elif form_of == "float32":
            ratings = Ratings.of(X.astype(np.float32))
        else:
            fill = 0.5 if form_of == "low fill" else 2.0
            ratings = complete(Ratings.of(csr_of(X, fill != X)), fill)
        problem = Problem.of(ratings, semantics, "min", 3, 2)
        others = np.flatnonzero(rng.random(90) < share)
        members = np.setdiff1d(np.arange(90), others)
        expected = X[members].min(axis=0) if semantics == "lm" else X[members].sum(axis=0)
        found, error = last_group_columns(problem, members, others)
        np.testing.assert_array_equal(found, expected)
        assert error == 0  # whole ratings and halves add up exactly
        scores = objective_module.column_scores(problem, members)
        np.testing.assert_array_equal(scores, expected)


# --- ratings that are no numbers, or outside the scale ---------------------------------------

PLACES = [(0, 0), (0, 129), (3, 64), (4, 127), (5, 128), (8, 16), (8, 129)]
"""First and last row, rows taken four at a time and singly, inside a block, its edges, the tail."""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("place", PLACES)
def test_an_infinite_rating_is_found_wherever_it_stands(dtype, negative, place):
    """Among ratings that are all positive, and where some are not; the place is named."""
    X = np.random.default_rng(0).random((9, 130)).astype(dtype)
    if negative:
        X[:, 77] = -1
    for value in (np.inf, -np.inf):
        X[place] = value
        for semantics in ("lm", "av"):
            with pytest.raises(
                InputError, match=rf"user {place[0]} for item {place[1]} .*infinite"
            ):
                form(X, semantics, "min", 2, 3)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("place", PLACES)
def test_a_missing_rating_is_found_wherever_it_stands(dtype, negative, place):
    """NaN of either sign; how many are missing is said, and what to do."""
    X = np.random.default_rng(0).random((9, 130)).astype(dtype)
    if negative:
        X[:, 77] = -1
    for value in (np.nan, -np.nan):
        X[place] = value
        with pytest.raises(IncompleteError, match=r"1 of 1170 .*missing = min"):
            form(X, "av", "min", 2, 3)


@pytest.mark.parametrize("place", [(0, 0), (1, 64), (8, 129)])
@pytest.mark.parametrize("k", [3, 130])
def test_an_infinite_rating_in_csr_is_named(place, k):
    X = np.random.default_rng(0).random((9, 130)) + 1
    for value in (np.inf, -np.inf):
        X[place] = value
        ratings = csr_of(X, X != 0)
        with pytest.raises(InputError, match=rf"user {place[0]} for item {place[1]} .*infinite"):
            form(ratings, "lm", "min", 2, k, missing=0)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", [0.5, 5.5])
def test_a_rating_outside_the_scale_is_named_wherever_it_stands(sparse, place, value):
    X = np.random.default_rng(0).integers(1, 6, (9, 130)).astype(float)
    X[place] = value
    ratings = csr_of(X, X != 1) if sparse else X
    with pytest.raises(InputError, match=rf"{value} of user {place[0]} for item {place[1]} "):
        form(ratings, "lm", "min", 2, 3, scale=(1, 5), missing=1)
    assert form(ratings, "lm", "min", 2, 3, scale=(0, 6), missing=1).objective > 0


def test_negative_ratings_are_refused_as_gains():
    with pytest.raises(InputError, match="ndcg takes ratings as gains"):
        form([[1.0, -1.0]], "lm", "ndcg", 1, 1)


@pytest.mark.parametrize(
    "odd", [0.3, 1000.0, 2.0**-30, -400.5], ids=["tenths", "large", "tiny", "below"]
)
@pytest.mark.parametrize("at", [0, 57, 119])
def test_sums_of_csr_are_off_by_no_more_than_they_say(odd, at):
    """Sums are narrow: exact for small halves, else within the error stated; lists are right."""
    rng = np.random.default_rng(at)
    X = np.where(rng.random((120, 40)) < 0.5, rng.integers(2, 11, (120, 40)) / 2, 0.5)
    X[at, 7] = odd
    ratings = complete(Ratings.of(csr_of(X, X != 0.5)), 0.5)
    problem = Problem.of(ratings, "av", "sum", 3, 4)
    off = np.abs(problem.column_scores - (X - 0.5).sum(axis=0)).max()
    assert off <= problem.column_error + 1e-9
    assert problem.exact_sums == (problem.column_error == 0)
    found, expected = (form(given, "av", "sum", 3, 4) for given in (ratings, X))
    assert found.objective == pytest.approx(expected.objective, rel=1e-12)
    np.testing.assert_array_equal(found.labels, expected.labels)


def test_more_rows_than_narrow_sums_hold_are_added_up_in_parts():
    """Halves stay exact beyond the rows that float32 adds up exactly."""
    rows = 2 * MOST_NARROW + 100
    X = sp.csr_array(np.full((rows, 1), 127.5, np.float32))
    problem = Problem.of(complete(Ratings.of(X), 0), "av", "sum", 2, 1)
    assert problem.exact_sums
    np.testing.assert_array_equal(problem.column_scores, [rows * 127.5])


def test_close_sums_of_csr_are_told_apart():
    """Items whose sums are equal in float32 and not in float64 come in the right order."""
    X = np.full((64, 200), 3.0)
    X[:, 50:] -= 0.7  # no sums of halves
    X[0, 20:26] += [1e-7, 3e-7, 2e-7, 5e-7, 4e-7, 6e-7]
    for columns in (X, X[:, :27]):  # scored anew by look-ups, and by sums
        ratings = complete(Ratings.of(csr_of(columns, columns != 0)), 0)
        assert Problem.of(ratings, "av", "sum", 1, 3).column_error > 0
        items = form(ratings, "av", "sum", 1, 3).groups[0].items
        np.testing.assert_array_equal(items, [25, 23, 24])


def test_sums_beyond_float32_are_taken_in_float64():
    X = np.zeros((50, 4))
    X[:, 1:] = np.linspace(1e30, 3e38, 150).reshape(50, 3)
    ratings = complete(Ratings.of(csr_of(X, X != 0)), 0)
    assert Problem.of(ratings, "av", "sum", 1, 2).column_scores is None
    assert form(ratings, "av", "sum", 1, 2).objective == form(X, "av", "sum", 1, 2).objective

"""What groups make of their members' ratings, column by column and list by list."""

from __future__ import annotations

import numpy as np
import pytest

from grouping import Ratings
from grouping.kernels import groups as kernels
from grouping.kernels.groups import AGGREGATE_VOTING, COUNTED, LEAST_MISERY
from tests import oracle
from tests.strategies import csr_of

SEMANTICS = pytest.mark.parametrize("semantics", [LEAST_MISERY, AGGREGATE_VOTING])


def combined(X, semantics):
    return X.min(axis=0) if semantics == LEAST_MISERY else X.sum(axis=0)


def drawn(n, m, seed=0):
    X = np.random.default_rng(seed).integers(0, 6, (n, m)).astype(float)
    X[0, 0] = -0.0
    return X


def csr(X, stored):
    matrix = Ratings.of(csr_of(X, stored)).matrix
    return matrix.indptr, matrix.indices, matrix.data


def test_members_are_counted_into_place():
    labels = np.array([2, 0, 2, 1, 0, 2])
    order, starts = kernels.members_in_order(labels, 4)
    assert order.tolist() == [1, 4, 3, 0, 2, 5]
    assert starts.tolist() == [0, 2, 3, 6, 6]


def test_ratings_are_looked_up_on_lists():
    """Dense, and in CSR rows that are empty, short and long; -0.0 comes as 0.0."""
    m = COUNTED + 100
    X = drawn(4, m)
    stored = np.ones(X.shape, bool)
    stored[1] = False
    stored[2, ::2] = False
    stored[3, :3] = False  # long enough to be searched, the first and some others not there
    stored[3, 50:60] = False
    lists = np.array([[0, 1, m - 1], [55, 2, 300], [3, 49, 60]])
    users, labels = np.array([3, 0, 1, 2, 3, 3]), np.array([0, 0, 1, 2, 1, 2])
    picked = X[users[:, None], lists[labels]]
    dense = kernels.dense_on_lists(Ratings.of(X).matrix, users, labels, lists)
    np.testing.assert_array_equal(dense, picked)
    assert not np.signbit(dense).any()
    filled = np.where(stored, X, 2.5)
    sparse = kernels.sparse_on_lists(*csr(X, stored), 2.5, users, labels, lists)
    np.testing.assert_array_equal(sparse, filled[users[:, None], lists[labels]])
    assert not np.signbit(sparse).any()


@SEMANTICS
def test_members_rows_are_folded_by_group(semantics):
    """A group in one stretch, and one in three."""
    rows = drawn(9, 4)
    order = np.array([8, 0, 2, 4, 6, 1, 3, 5, 7])
    folded = kernels.fold(
        rows, order, np.array([0, 1, 4, 6, 9]), np.array([0, 1, 1, 1]), 2, semantics
    )
    expected = [combined(rows[[8]], semantics), combined(rows[order[1:]], semantics)]
    np.testing.assert_array_equal(folded, expected)


@SEMANTICS
@pytest.mark.parametrize("bounds", [[0, 5], [0, 2, 3, 5]])
def test_columns_are_scored_over_chunks_of_members(semantics, bounds):
    X = drawn(8, 6)
    stored = np.random.default_rng(1).random(X.shape) < 0.6
    stored[:, 2] = True
    members, bounds = np.array([0, 2, 3, 6, 7]), np.array(bounds)
    found = kernels.dense_columns(Ratings.of(X).matrix, members, semantics, bounds)
    np.testing.assert_array_equal(found, combined(X[members], semantics))
    filled = np.where(stored, X, 1.0)
    found = kernels.sparse_columns(*csr(X, stored), 1.0, 6, members, semantics, bounds)
    np.testing.assert_array_equal(found, combined(filled[members], semantics))


@pytest.mark.parametrize("budget", [3, 1000])
def test_minima_without_some_members_stop_at_their_floors(budget):
    X = drawn(10, 5) + 1
    X[0] = 0.5
    X[4, 1:3] = 0.5  # columns that reach their floor, and one that does not
    members, columns = np.arange(1, 10), np.array([3, 1, 2])
    minima = np.full(5, -7.0)
    done = kernels.dense_minima_without(
        Ratings.of(X).matrix, members, X.min(axis=0), columns, minima, budget
    )
    assert done == (budget == 1000)
    if done:
        np.testing.assert_array_equal(minima, [-7, *X[1:, 1:4].min(axis=0), -7])
    all_at_floor = kernels.dense_minima_without(
        Ratings.of(X).matrix, members, X[1:].max(axis=0), np.array([1]), minima, budget
    )
    assert all_at_floor


@pytest.mark.parametrize("shortest", [0, 2])
def test_columns_that_all_rate_above_the_fill(shortest):
    """From the member with the fewest ratings; some of these are not above, some not common."""
    X = np.array([[3.0, 2, 0, 5, 4, 1], [4.0, 1, 3, 0, 2, 1], [2.0, 5, 1, 1, 3, 1]])
    stored = np.ones(X.shape, bool)
    stored[1, 4] = False
    stored[shortest, 2:4] = False
    members = np.arange(3)
    columns, minima = kernels.sparse_common(*csr(X, stored), 1.0, members)
    filled = np.where(stored, X, 1.0).min(axis=0)
    assert columns.tolist() == np.flatnonzero(filled > 1).tolist()
    np.testing.assert_array_equal(minima, filled[filled > 1])
    nobody = np.array([[5.0, 1], [1, 5.0], [5, 1]])
    columns, minima = kernels.sparse_common(*csr(nobody, nobody > 1), 1.0, members)
    assert len(columns) == len(minima) == 0


def test_best_columns_are_by_score_then_by_column():
    scores = np.array([2.0, 5, 1, 5, 2, 7, 5, 0])
    for k in range(1, 9):
        expected = np.argsort(-scores, kind="stable")[:k]
        assert kernels.best_columns(scores, k).tolist() == expected.tolist()


def test_ndcg_is_the_oracles():
    """One where the ideal is 0."""
    rows = [[5.0, 3.0, 1.0], [1.0, 4.0, 2.0], [0.0, 0.0, 0.0]]
    items, k = [2, 0], 2
    X = np.array(rows)
    own = -np.sort(-X, axis=1)[:, :k]
    found = kernels.ndcg_of_members(X[:, items].copy(), own, np.array(oracle.log_weights(k)))
    expected = [[oracle.ndcg(rows, user, items, k)] for user in range(3)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found[2] == 1

"""Kendall's tau-b by kernels is scipy's, and the vectors' products are it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from grouping import Ratings
from grouping.kendall import pair_vectors, tau_b_distances
from grouping.kernels import kendall as kernels
from tests.strategies import csr_of

KINDS = {
    "stars": lambda rng, shape: rng.integers(1, 6, shape),
    "reals": lambda rng, shape: rng.standard_normal(shape),
    "few ties": lambda rng, shape: rng.integers(0, 40, shape).astype(np.float32),
}


def drawn(kind, n, m, seed=0):
    return KINDS[kind](np.random.default_rng(seed), (n, m))


def scipys(X):
    return np.array([[1 - kendalltau(x, y).statistic for y in X] for x in X])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(6, 2), (5, 3), (7, 30), (2, 41)])
def test_distances_are_those_of_scipy(kind, shape):
    """Odd and even numbers of users, few items and many, with ties and without."""
    X = drawn(kind, *shape)
    X[:, 0], X[:, 1] = 1, 3  # nobody rates all alike: scipy has no tau-b for that
    np.testing.assert_allclose(tau_b_distances(X), scipys(X), rtol=0, atol=1e-12)


def test_users_who_rate_all_alike_are_half_way_from_others():
    """As their zero vectors are from unit vectors, by half the squared distance."""
    X = np.array([[2, 2, 2], [5, 5, 5], [1, 2, 3]])
    assert tau_b_distances(X).tolist() == [[0, 0, 0.5], [0, 0, 0.5], [0.5, 0.5, 0]]


def test_inversions_are_counted_between_runs():
    """Against counting them one by one: runs of many lengths, ties between runs."""
    rng = np.random.default_rng(0)
    for runs in (1, 2, 3, 5, 8):
        lengths = rng.integers(1, 5, runs)
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        parts = [np.sort(rng.integers(0, 6, length)) for length in lengths]
        sequence = np.concatenate(parts).astype(np.int32)
        later = np.triu(np.ones((len(sequence),) * 2, bool), 1)
        expected = int((later & (sequence[:, None] > sequence[None, :])).sum())
        found = kernels.inversions(sequence.copy(), np.empty_like(sequence), bounds, runs)
        assert found == expected


@pytest.mark.parametrize("kind", KINDS)
def test_products_of_the_vectors_are_tau_b(kind):
    """Half the squared distance of two users' vectors is their distance."""
    X = drawn(kind, 6, 9)
    X[2] = 3
    vectors = pair_vectors(Ratings.of(X), 0)
    assert vectors.exact
    assert vectors.values.shape == (6, 36)
    apart = (vectors.values[:, None].astype(float) - vectors.values[None]) ** 2
    np.testing.assert_allclose(apart.sum(axis=2) / 2, tau_b_distances(X), rtol=0, atol=1e-6)


def test_sparse_rows_are_compared_as_if_filled():
    X = drawn("stars", 7, 8).astype(float)
    stored = np.random.default_rng(1).random(X.shape) < 0.5
    stored[3] = False
    matrix = Ratings.of(csr_of(X, stored)).matrix
    left, right = np.triu_indices(8, 1)
    found = np.empty((7, len(left)), np.float32)
    kernels.sparse_pair_signs(
        matrix.indptr, matrix.indices, matrix.data, 2.5, 8, left, right, 3, found
    )
    expected = np.empty_like(found)
    kernels.dense_pair_signs(Ratings.of(np.where(stored, X, 2.5)).matrix, left, right, expected)
    np.testing.assert_array_equal(found, expected)
    assert not found[3].any()

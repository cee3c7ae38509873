"""Kendall's tau-b between users over all items, as distances and as vectors to cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.memory import require
from grouping.ratings import Ratings

EXACT_CELLS = 1 << 25
"""All pairs of items are compared while users x pairs are no more than this."""

SAMPLED_PAIRS = 2048
"""Pairs of items that are compared beyond that."""

COMPARED_USERS = 64
"""Users whose distances are taken exactly to see how far off sampled pairs are."""

SPARSE_CHUNKS = 16


@dataclass(frozen=True, eq=False)
class PairVectors:
    """Users as unit vectors of the signs of rating differences, a coordinate a pair of items.

    The product of two users' vectors over all pairs is their tau_b, so half the squared distance
    is 1 - tau_b. A user who rates all (sampled) items alike has the zero vector.

    Attributes
    ----------
    values : float32 array, shape (n, pairs)
    of_pairs : int
        Pairs of items that there are; all of them are in `values` if it has as many columns.
    error : float
        Root mean square of the error of tau_b from sampled pairs, over pairs of at most
        `COMPARED_USERS` users drawn; 0 where nothing is sampled.
    worst : float
        Largest such error.
    """

    values: NDArray[np.float32]
    of_pairs: int
    error: float = 0.0
    worst: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether all pairs of items are compared."""
        return int(self.values.shape[1]) == self.of_pairs


def tau_b_distances(X: Any) -> NDArray[np.float64]:
    """Distance 1 - tau_b of every two users.

    Parameters
    ----------
    X : array, shape (n, m)
        Ratings, without NaN.

    Returns
    -------
    distances : float64 array, shape (n, n)
        0 to 2. Where a user rates all items alike tau_b has no value: such users are 1/2 from
        others and 0 from each other, as half the squared distance of `PairVectors` is.
    """
    from scipy.stats import rankdata

    from grouping.kernels import kendall as kernels

    X = np.asarray(X)
    n, m = X.shape
    require(48 * n * m + 8 * n * n, f"ranking {m} items for {n} users", "take fewer of them")
    rank = (rankdata(X, method="dense", axis=1) - 1).astype(np.int32)
    order = np.argsort(rank, axis=1, kind="stable").astype(np.int32)
    levels = np.arange(m + 1)
    start = np.stack(
        [np.searchsorted(row[by], levels) for row, by in zip(rank, order, strict=True)]
    )
    found = np.zeros((n, n))
    kernels.tau_b_distances(order, rank, start, found)
    return found


def pair_vectors(ratings: Ratings, seed: int) -> PairVectors:
    """Compare items in pairs for every user.

    Parameters
    ----------
    ratings : Ratings
        Complete. CSR rows are compared as they are: nothing is densified.
    seed : int
        Of the pairs drawn, where users x pairs exceed `EXACT_CELLS`, and of the users that the
        error is taken from.

    Returns
    -------
    vectors : PairVectors

    Raises
    ------
    GroupingError
        If memory does not suffice.
    """
    n, m = ratings.shape
    of_pairs = m * (m - 1) // 2
    rng = np.random.default_rng(seed)
    if n * of_pairs <= EXACT_CELLS or of_pairs <= SAMPLED_PAIRS:
        left, right = np.triu_indices(m, 1)
        return PairVectors(_signs(ratings, left, right), of_pairs)
    left, right = _pairs_numbered(rng.choice(of_pairs, SAMPLED_PAIRS, replace=False))
    values = _signs(ratings, left, right)
    if n < 2:
        return PairVectors(values, of_pairs)
    some = rng.choice(n, min(n, COMPARED_USERS), replace=False)
    vectors = values[some].astype(np.float64)
    exact = 1 - tau_b_distances(np.stack([ratings.row(user) for user in some]))
    off = np.abs(vectors @ vectors.T - exact)[np.triu_indices(len(some), 1)]
    error, worst = math.sqrt(float(np.mean(off**2))), float(off.max())
    return PairVectors(values, of_pairs, error, worst)


def _pairs_numbered(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items of pairs numbered (0, 1), (0, 2), (1, 2), (0, 3), ...: the smaller, the larger."""
    larger = ((1 + np.sqrt(1 + 8 * numbers.astype(np.float64))) / 2).astype(np.int64)
    larger -= larger * (larger - 1) // 2 > numbers  # the root may be rounded up
    larger += larger * (larger + 1) // 2 <= numbers  # or down
    return numbers - larger * (larger - 1) // 2, larger


def _signs(
    ratings: Ratings, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float32]:
    from grouping.kernels import kendall as kernels

    n, m = ratings.shape
    require(
        4 * n * len(left),
        f"comparing {len(left)} pairs of items for {n} users",
        "take fewer users",
    )
    found = np.empty((n, len(left)), np.float32)
    matrix = ratings.matrix
    if isinstance(matrix, np.ndarray):
        kernels.dense_pair_signs(matrix, left, right, found)
    else:
        fill = ratings.fill or 0.0
        kernels.sparse_pair_signs(
            matrix.indptr,
            matrix.indices,
            matrix.data,
            fill,
            m,
            left,
            right,
            min(n, SPARSE_CHUNKS),
            found,
        )
    return found

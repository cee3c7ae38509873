"""K-means on the ratings: a common way to form groups, which no list is looked at for."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.memory import require
from grouping.methods import Budget, Outcome
from grouping.problem import Problem

MOST_ITERATIONS = 100
"""The paper's default for its clustering (section 7)."""

STARTERS = 10_000
"""Points that the first centres are drawn from, at least: with more, a sample of so many, or of
`STARTERS_A_GROUP` for each group."""

STARTERS_A_GROUP = 20


def run(problem: Problem, budget: Budget) -> Outcome:
    """Cluster users by scikit-learn's K-means on their ratings.

    Parameters
    ----------
    problem : Problem
        Dense, or CSR whose other cells count as the fill (which is taken off all ratings: that
        changes no distance and keeps them sparse).
    budget : Budget
        `iterations` at most, else 100; no time limit is looked at.

    Returns
    -------
    outcome : Outcome

    Raises
    ------
    InputError
        If more than 2**31 ratings are stored, which scikit-learn does not take.
    GroupingError
        If memory does not suffice.
    """
    return Outcome(k_means(points_of(problem), problem.groups, budget))


def points_of(problem: Problem) -> Any:
    """Users' ratings as floats, shifted by the fill where they are sparse.

    They are the users' own: who weighs more has no other taste.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    points : float32 or float64 array, or csr_array, of shape (n, m)
    """
    ratings = problem.given
    matrix = ratings.matrix
    kind = np.dtype(np.float64 if ratings.dtype == np.float64 else np.float32)
    if isinstance(matrix, np.ndarray):
        require(2 * matrix.size * kind.itemsize, "clustering the ratings", "take fewer users")
        return matrix.astype(kind, copy=False)
    if matrix.nnz > np.iinfo(np.int32).max:
        raise InputError(
            f"{ratings.source}: {matrix.nnz} stored ratings are more than scikit-learn's "
            "K-means takes: take fewer users"
        )
    require(12 * matrix.nnz, "clustering the ratings", "take fewer users")
    data = (matrix.data - (ratings.fill or 0.0)).astype(kind)
    # scikit-learn wants indices of 4 bytes
    indices, indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return sp.csr_array((data, indices, indptr), shape=matrix.shape)


def k_means(
    points: Any, groups: int, budget: Budget, *, overwrite: bool = False
) -> NDArray[np.int64]:
    """Cluster points by scikit-learn's K-means, from one k-means++ start.

    Of more than `STARTERS` points, the start comes from a sample: k-means++ over all of them may
    well take longer than the clustering itself.

    It runs on one thread: on several, scikit-learn adds up in an order that depends on which of
    them comes first, and the result would not be that of the seed alone.

    Parameters
    ----------
    points : float array or csr_array, shape (n, d)
    groups : int
        Clusters, at most one a point.
    budget : Budget
        Seed, and the most iterations.
    overwrite : bool
        Whether the points may be changed, which saves a copy.

    Returns
    -------
    labels : int64 array, shape (n,)
        Numbered 0, 1, ... without a gap; fewer than `groups` where fewer points differ.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    if points.shape[1] == 0:  # of one item no two can be compared
        return np.zeros(points.shape[0], np.int64)
    n = points.shape[0]
    starters = max(STARTERS, STARTERS_A_GROUP * groups)
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct points than clusters
        model = KMeans(
            min(groups, n),
            init="k-means++" if n <= starters else start(points, groups, starters, budget),
            n_init=1,
            max_iter=budget.iterations or MOST_ITERATIONS,
            random_state=random_state(budget),
            copy_x=not overwrite,
        )
        return numbered(model.fit(points).labels_)


def start(points: Any, groups: int, starters: int, budget: Budget) -> Any:
    """Draw first centres by k-means++ from a sample of the points.

    Parameters
    ----------
    points : float array or csr_array, shape (n, d)
    groups : int
    starters : int
        Size of the sample, from `groups` to n.
    budget : Budget
        The seed.

    Returns
    -------
    centres : float array, shape (groups, d)
    """
    from sklearn.cluster import kmeans_plusplus

    rng = np.random.default_rng(budget.seed)
    some = np.sort(rng.choice(points.shape[0], starters, replace=False))
    return kmeans_plusplus(points[some], groups, random_state=random_state(budget))[0]


def random_state(budget: Budget) -> np.random.RandomState:
    """Return scikit-learn's kind of generator, from a seed of any size."""
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(budget.seed)))


def one_thread() -> Any:
    """Hold BLAS and OpenMP to one thread within a block."""
    return import_module("threadpoolctl").threadpool_limits(1)


def numbered(labels: Any) -> NDArray[np.int64]:
    """Return the labels with numbers 0, 1, ... without a gap."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)

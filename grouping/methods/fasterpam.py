"""FasterPAM on the ratings: k-medoids by eager swaps (Schubert and Rousseeuw, 2021)."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from grouping.errors import GroupingError
from grouping.memory import require
from grouping.methods import Budget, Outcome
from grouping.methods.kmeans import MOST_ITERATIONS, numbered, one_thread, points_of
from grouping.problem import Problem

MOST_SEED = 2**63


def run(problem: Problem, budget: Budget) -> Outcome:
    """Cluster users around medoids under the Euclidean distance of their ratings.

    Parameters
    ----------
    problem : Problem
        Dense or CSR; distances of all pairs of users are kept in memory.
    budget : Budget
        `iterations` at most, else 100; no time limit is looked at.

    Returns
    -------
    outcome : Outcome

    Raises
    ------
    GroupingError
        If the package kmedoids is not installed, or memory does not suffice.
    """
    from sklearn.metrics import pairwise_distances

    try:
        kmedoids = import_module("kmedoids")
    except ImportError as error:
        raise GroupingError(
            "the method fasterpam needs the package kmedoids: pip install kmedoids"
        ) from error
    n = problem.ratings.shape[0]
    require(12 * n * n, f"the distances of all pairs of {n} users", "take fewer users, or kmeans")
    with one_thread():
        distances = pairwise_distances(points_of(problem)).astype(np.float32)
    found = kmedoids.fasterpam(
        distances,
        min(problem.groups, n),
        max_iter=budget.iterations or MOST_ITERATIONS,
        init="random",
        random_state=budget.seed % MOST_SEED,
        n_cpu=1,
    )
    return Outcome(numbered(found.labels))

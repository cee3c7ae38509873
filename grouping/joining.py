"""Which of some lists would serve a user best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grouping.problem import Problem
from grouping.ratings import Ratings


def best_groups(
    ratings: Ratings,
    lists: NDArray[np.int64],
    agg: str = "min",
    position_weights: str | Sequence[float] | None = None,
) -> NDArray[np.int64]:
    """Find the list with which each user alone would be most satisfied.

    Parameters
    ----------
    ratings : Ratings
        Complete.
    lists : int64 array, shape (groups, k)
        Columns, best first.
    agg : {"min", "max", "sum", "wsum", "ndcg"}
    position_weights : {"inverse", "log"} or k numbers, optional

    Returns
    -------
    groups : int64 array, shape (n,)
        Row of the best list; of equally good ones the first.

    Raises
    ------
    InputError
        If ratings are missing or not finite.
    """
    from grouping.objective import ratings_on_lists

    problem = Problem.of(
        ratings, "lm", agg, len(lists), lists.shape[1], position_weights=position_weights
    )
    n = ratings.shape[0]
    best = np.full(n, -np.inf)
    chosen = np.zeros(n, np.int64)
    nobody_else = np.zeros(n, np.int64)
    for number, items in enumerate(lists):
        on_list = ratings_on_lists(problem, nobody_else, items[None, :])
        satisfaction = own_satisfaction(problem, on_list)
        better = satisfaction > best
        best[better] = satisfaction[better]
        chosen[better] = number
    return chosen


def own_satisfaction(problem: Problem, on_list: NDArray[np.float64]) -> NDArray[np.float64]:
    """Satisfaction of users with a list as if it were made for each of them alone.

    Parameters
    ----------
    problem : Problem
        Of these users.
    on_list : float64 array, shape (n, k)
        Their ratings of the list, in its order.

    Returns
    -------
    satisfaction : float64 array, shape (n,)
        The aggregation of a user's own ratings, best first; for ndcg the NDCG of the list as it
        stands.
    """
    if problem.aggregation.per_member:
        from grouping.kernels.groups import ndcg_of_members

        weights = problem.aggregation.weights
        found: NDArray[np.float64] = ndcg_of_members(on_list, problem.own.scores, weights)[:, 0]
        return found
    return problem.aggregation.of_scores(-np.sort(-on_list, axis=1))

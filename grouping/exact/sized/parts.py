"""What an objective is made of: sums of terms that each have a bound of their own.

With position weights w, a group's satisfaction is the sum of w[j] times the score of its j-th item.
Under least misery the j-th item's score is what the group is worth by its weakest of j items. Under
aggregate voting the sum of (w[j] - w[j + 1]) times the sum of the best j items is the same. So a
bound for each length of list, weighed alike, bounds the objective.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grouping.kernels.sized_prices import LEAST, VOTES, WEAKEST
from grouping.problem import Problem


@dataclass(frozen=True)
class Part:
    """One term: what groups are worth by lists of some length.

    Attributes
    ----------
    factor : float
        Positive: how often it counts.
    kind : int
        ``LEAST``: the lowest rating of any member for any item of the list. ``WEAKEST``: the
        least of the items' sums over the members. ``VOTES``: the sum of all these ratings.
    k : int
        Items on a list.
    """

    factor: float
    kind: int
    k: int


def parts_of(problem: Problem) -> list[Part]:
    """Take an objective apart.

    Parameters
    ----------
    problem : Problem
        Not ndcg, and not by members.

    Returns
    -------
    parts : list of Part
    """
    weights = problem.aggregation.weights
    if problem.semantics == "lm":
        return [Part(float(w), LEAST, j + 1) for j, w in enumerate(weights) if w > 0]
    if problem.aggregation.name == "min" and problem.k > 1:
        return [Part(1.0, WEAKEST, problem.k)]
    steps = weights - np.append(weights[1:], 0.0)
    if problem.aggregation.name == "min":
        steps = np.ones(1)
    return [Part(float(step), VOTES, j + 1) for j, step in enumerate(steps) if step > 0]

"""What single members get: from their own group's list, at the best, and elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.joining import own_satisfaction
from grouping.objective import ratings_on_lists
from grouping.problem import OwnLists, Problem


@dataclass(frozen=True, eq=False)
class MembersReport:
    """Satisfaction of each member, as if the list were made for them alone.

    Attributes
    ----------
    satisfaction : float64 array, shape (n,)
        The aggregation of a member's own ratings of the group's list, best first (for ndcg the
        NDCG of the list as it stands).
    own_best : float64 array, shape (n,)
        The same of the member's own best list: no list gives more.
    better_group : int64 array, shape (n,)
        The group whose list would give the member most, where that is more than the own group's;
        else -1. Of equal ones the first.
    better_satisfaction : float64 array, shape (n,)
        What that list would give; the own satisfaction where there is none.
    """

    satisfaction: NDArray[np.float64]
    own_best: NDArray[np.float64]
    better_group: NDArray[np.int64]
    better_satisfaction: NDArray[np.float64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of the own best that members get; NaN where the own best is not above 0."""
        shares = np.full(len(self.own_best), np.nan)
        np.divide(self.satisfaction, self.own_best, out=shares, where=self.own_best > 0)
        return shares

    @property
    def jain(self) -> float | None:
        """Jain's index of fairness of the satisfactions: 1 where all get the same, else less.

        ``(sum x)^2 / (n sum x^2)`` (Jain, Chiu and Hawe 1984); None where none is above 0.
        """
        squares = float(np.square(self.satisfaction).sum())
        if squares == 0 or self.satisfaction.min() < 0:
            return None
        total = float(self.satisfaction.sum())
        return total * total / (len(self.satisfaction) * squares)

    def entries(self, labels: NDArray[np.int64], users: Any) -> list[dict[str, Any]]:
        """What the JSON document says of each member, in the order of the users."""
        shares = self.shares
        return [
            {
                "user": users[user],
                "group": int(labels[user]),
                "satisfaction": float(self.satisfaction[user]),
                "share_of_best": None if np.isnan(shares[user]) else float(shares[user]),
                "better_group": None if better < 0 else better,
                "better_satisfaction": None
                if better < 0
                else float(self.better_satisfaction[user]),
            }
            for user, better in enumerate(self.better_group.tolist())
        ]


def members_report(
    problem: Problem, labels: NDArray[np.int64], lists: NDArray[np.int64]
) -> MembersReport:
    """Look at every member, with every group's list.

    Parameters
    ----------
    problem : Problem
    labels : int64 array, shape (n,)
    lists : int64 array, shape (groups, k)
        Best first.

    Returns
    -------
    report : MembersReport
        In time O(n groups k), and memory O(n k).
    """
    asked = problem
    if problem.unweighted is not None:  # a member's own satisfaction is in units of their ratings
        own = ratings_on_lists(
            replace(problem, ratings=problem.given),
            np.arange(len(labels)),
            problem.own.items.astype(np.int64),
        )
        problem = replace(
            problem, ratings=problem.given, own=OwnLists(problem.own.items, own), unweighted=None
        )
    own_best = own_satisfaction(problem, problem.own.scores)
    pairs = asked.exclusions.pairs
    satisfaction = own_satisfaction(problem, ratings_on_lists(problem, labels, lists))
    best, best_group = satisfaction.copy(), np.full(len(labels), -1, np.int64)
    for group in range(len(lists)):
        everyone = np.full(len(labels), group, np.int64)
        there = own_satisfaction(problem, ratings_on_lists(problem, everyone, lists))
        better = (there > best) & (labels != group)
        if pairs is not None:  # no list with what a member excludes serves them better
            better[pairs[np.isin(pairs[:, 1], lists[group]), 0]] = False
        best[better], best_group[better] = there[better], group
    return MembersReport(satisfaction, own_best, best_group, best)

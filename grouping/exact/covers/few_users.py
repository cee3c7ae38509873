"""Least misery: a bound by a few users who do not go well together.

Take any few users. A formation's groups either hold some of them or none. Those that hold some
part the few among themselves, and are worth at most what their shares of the few are worth:
taking members out of a group never lowers its value under least misery. The others are each
worth at most any one of their members alone. So the best way to part the few into j groups, and
the l - j highest personal satisfactions of all other users, bound all formations in which j
groups hold some; and the highest of these, over j, bounds all. The few are chosen to be hard to
satisfy together; who they are is all that one has to know to check the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.bounds import personal_satisfactions, sums_are_exact
from grouping.problem import EXACT, Problem

MOST_USERS = 14
"""There are 3**14 ways to take two disjoint sets of so many users: some 50 ms for a group."""

MOST_READ = 1 << 26
"""Ratings that scoring all sets may read."""

CANDIDATES, CANDIDATE_CELLS = 2000, 1 << 22
"""The few are chosen among so many users, and so many ratings."""


@dataclass(frozen=True, eq=False)
class FewUsersCertificate:
    """Proof of an upper bound under least misery: the few users.

    Attributes
    ----------
    users : int64 array, shape (a,)
    bound : float
    """

    users: NDArray[np.int64]
    bound: float


def bound_certificate(problem: Problem) -> FewUsersCertificate:
    """Bound the objective by a few users, chosen in two ways.

    Parameters
    ----------
    problem : Problem
        Least misery; not ndcg.

    Returns
    -------
    certificate : FewUsersCertificate
        The lower of the two.
    """
    n, m = problem.ratings.shape
    weights = problem.aggregation.weights
    personal, _, _ = personal_satisfactions(problem.own.scores, weights)
    count = min(n, max(2, min(MOST_USERS, (MOST_READ // m).bit_length() - 1)))
    some = np.argsort(personal, kind="stable")[: max(count, min(CANDIDATES, CANDIDATE_CELLS // m))]
    rows = np.stack([problem.ratings.row(int(user)) for user in some]).astype(np.float64)
    found = [
        bound_by(problem, some[chosen])
        for chosen in (_hard_together(rows, weights, count, worst) for worst in (False, True))
    ]
    return min(found, key=lambda certificate: certificate.bound)


def bound_by(problem: Problem, users: NDArray[np.int64]) -> FewUsersCertificate:
    """Bound the objective by given users.

    Parameters
    ----------
    problem : Problem
        Least misery; not ndcg.
    users : int64 array, shape (a,)
        Distinct; time and memory grow with 3**a and 2**a.

    Returns
    -------
    certificate : FewUsersCertificate
    """
    from grouping.kernels.user_sets import best_parting, worths_of_sets

    weights = problem.aggregation.weights
    limit = min(problem.groups, problem.ratings.shape[0])
    rows = np.stack([problem.ratings.row(int(user)) for user in users]).astype(np.float64)
    personal, magnitudes, exact = personal_satisfactions(problem.own.scores, weights)
    best, _ = best_parting(worths_of_sets(rows, weights), min(limit, len(users)))
    others = np.sort(np.delete(personal, users))[::-1][:limit]
    totals = [
        (held, math.fsum([held, *others[: limit - parts][others[: limit - parts] > 0]]))
        for parts, held in enumerate(best.tolist())
        if parts
    ]
    bound = max(total for _, total in totals)
    largest = max(float(np.abs(rows).max()) * float(weights.sum()), float(magnitudes.max()))
    exact = exact and sums_are_exact(rows, weights) and sums_are_exact(others, weights)
    if not exact or limit * largest >= EXACT / 2:
        # k products and sums in a group's worth, l sums of them, against what can be added up
        slack = (problem.k + limit + 4) * np.finfo(np.float64).eps * limit * largest
        bound = math.nextafter(bound + slack, math.inf)
    return FewUsersCertificate(np.asarray(users, np.int64), bound)


def _hard_together(
    rows: NDArray[np.float64], weights: NDArray[np.float64], count: int, worst: bool
) -> NDArray[np.int64]:
    """Choose users one by one, each to be worth little with those chosen before.

    Little is the mean over them, or the highest, which wants all pairs to go badly together.
    """
    from grouping.kernels.user_sets import worth_with

    chosen = [0]  # the user worth least alone
    worths = [worth_with(rows, rows[0], weights)]
    while len(chosen) < min(count, len(rows)):
        together = np.array(worths)
        little = together.mean(axis=0)
        if worst:
            little = together.max(axis=0) + 1e-3 * little
        little[chosen] = np.inf
        chosen.append(int(little.argmin()))
        worths.append(worth_with(rows, rows[chosen[-1]], weights))
    return np.array(chosen)

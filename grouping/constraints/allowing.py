"""Whether users can be parted at all so that every group has a list that nobody excludes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import scipy.sparse as sp

from grouping.constraints.programs import INFEASIBLE, deadline_of, effort, milp
from grouping.errors import InfeasibleError, UndecidedError

if TYPE_CHECKING:
    from grouping.problem import Problem

MOST_CELLS = 2_000_000
"""Numbers in the program's matrix, at the most."""


def decide(problem: Problem, seconds: float) -> NoReturn:
    """Say why no formation was found: there is none, or the time did not suffice.

    An integer program says which: users in groups, k items for each group, and no user in a group
    with an item that this user excludes.

    Parameters
    ----------
    problem : Problem
        With exclusions of single users.
    seconds : float
        Left of the time, infinity where none is given; some is taken in any case.

    Raises
    ------
    InfeasibleError, UndecidedError
    """
    words = problem.exclusions.words
    n, groups = problem.ratings.shape[0], problem.groups
    if _none(problem, None if math.isinf(seconds) else deadline_of(max(1.0, seconds))):
        raise InfeasibleError(
            f"{words}: {n} users cannot be parted into at most {groups} groups that each have "
            f"{problem.k} items left: exclude fewer, allow more groups, or take a smaller k"
        )
    others = " and the other constraints" if len(problem.constraints.rules) > 1 else ""
    raise UndecidedError(
        f"{words}{others}: no formation was found in which every group has {problem.k} items "
        "that none of its members excludes: allow more time or more groups, or exclude fewer"
    )


def _none(problem: Problem, deadline: float | None) -> bool:
    """Whether it is certain that there is no such partition."""
    from scipy.optimize import Bounds, LinearConstraint

    pairs = problem.exclusions.pairs
    assert pairs is not None
    (n, m), groups = problem.ratings.shape, problem.groups
    if (len(pairs) + 2 * m + n) * groups > MOST_CELLS:
        return False
    excluding = sp.csr_array(
        (np.ones(len(pairs)), (pairs[:, 1], pairs[:, 0])), shape=(m, n)
    )  # item by user
    counts = np.bincount(pairs[:, 1], minlength=m).astype(np.float64)
    each = sp.eye_array(groups)
    # x[group, user], then y[group, item]
    blocked = sp.hstack([sp.kron(each, excluding), sp.kron(each, sp.diags_array(counts))])
    enough = sp.hstack([sp.csr_array((groups, groups * n)), sp.kron(each, np.ones((1, m)))])
    placed = sp.hstack(
        [sp.kron(np.ones((1, groups)), sp.eye_array(n)), sp.csr_array((n, groups * m))]
    )
    columns = groups * (n + m)
    found = milp(
        np.zeros(columns),
        integrality=np.ones(columns, np.int64),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(sp.csr_array(blocked), -np.inf, np.tile(counts, groups)),
            LinearConstraint(sp.csr_array(enough), problem.k, np.inf),
            LinearConstraint(sp.csr_array(placed), 1, 1),
        ],
        options=effort(deadline),
    )
    return bool(found.status == INFEASIBLE)

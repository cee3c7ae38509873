"""Whether users can be parted at all so that every group has a list that nobody excludes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.constraints.meeting import Shut, meet
from grouping.errors import InfeasibleError, UndecidedError

if TYPE_CHECKING:
    from grouping.problem import Problem

MOST_COMPARED = 4000
"""Sets of excluded items that are compared with each other, at the most."""


def allowed(problem: Problem, labels: NDArray[np.int64], seconds: float) -> NDArray[np.int64]:
    """Find a formation that satisfies the constraints and excludes no list, if there is one.

    Where nothing but exclusions is asked, whoever excludes no more than somebody else may be where
    that one is, so that only users who exclude most are placed.

    Parameters
    ----------
    problem : Problem
        With exclusions of single users.
    labels : int64 array, shape (n,)
        A formation to stay near.
    seconds : float
        Infinity where no time is given.

    Returns
    -------
    labels : int64 array, shape (n,)

    Raises
    ------
    InfeasibleError
        If there is none; the message names rules that conflict.
    UndecidedError
        If the time did not suffice.
    """
    (n, m), groups = problem.ratings.shape, problem.groups
    pairs = problem.exclusions.pairs
    assert pairs is not None
    limit = None if math.isinf(seconds) else seconds
    some, stand_in = np.arange(n), np.arange(n)
    if all(rule.kind == "exclude" for rule in problem.constraints.rules):
        some, stand_in = _most_exclusive(pairs, n, m)
        place = np.full(n, -1)
        place[some] = np.arange(len(some))
        kept = place[pairs[:, 0]] >= 0
        pairs = np.stack([place[pairs[kept, 0]], pairs[kept, 1]], axis=1)
    try:
        found = meet(problem.constraints, labels[some], groups, limit, Shut(pairs, m, problem.k))
    except InfeasibleError as error:
        if len(problem.constraints.rules) > 1:
            raise
        raise InfeasibleError(
            f"{problem.exclusions.words}: {n} users cannot be parted into at most {groups} groups "
            f"that each have {problem.k} items left: exclude fewer, allow more groups, or take a "
            "smaller k"
        ) from error
    except UndecidedError as error:
        raise UndecidedError(
            f"{problem.exclusions.words}: no formation was found in which every group has "
            f"{problem.k} items that none of its members excludes ({error})"
        ) from error
    return found[stand_in]


def _most_exclusive(
    pairs: NDArray[np.int64], n: int, m: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Users whose excluded items are no part of another's, and by user who of these covers them."""
    rows = sp.csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, m))
    first: dict[bytes, int] = {}
    like = np.array(
        [
            first.setdefault(rows.indices[rows.indptr[u] : rows.indptr[u + 1]].tobytes(), u)
            for u in range(n)
        ]
    )
    distinct = np.unique(like)
    cover = np.arange(n)
    if len(distinct) <= MOST_COMPARED:
        few = rows[distinct]
        count = np.diff(few.indptr)
        shared = (few @ few.T).toarray()
        # of equal size none is part of another, since they differ
        larger = (shared == count[:, None]) & (count > count[:, None])
        for at in np.argsort(-count, kind="stable").tolist():  # the largest first: they stay
            above = np.flatnonzero(larger[at])
            if len(above):
                cover[distinct[at]] = cover[distinct[above[0]]]
    of_user = cover[like]
    some = np.unique(of_user)
    return some, np.searchsorted(some, of_user)

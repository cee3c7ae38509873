"""What sizes leave to a relaxation: kinds of groups, and how many there may be of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.problem import Problem


@dataclass(frozen=True, eq=False)
class Rooms:
    """Groups that may be formed, those of the same sizes together.

    A group that is formed has at least `low` users and at most `cap`; any may be left out.

    Attributes
    ----------
    lows, caps : int64 arrays, shape (rooms,)
        Caps descend, and none is above the number of users.
    limits : int64 array, shape (rooms,)
        How many groups there may be of each.
    """

    lows: NDArray[np.int64]
    caps: NDArray[np.int64]
    limits: NDArray[np.int64]

    @classmethod
    def of(cls, problem: Problem) -> Rooms:
        """Read them off a problem's constraints, all but its sizes left aside."""
        users = problem.ratings.shape[0]
        low = problem.constraints.low()
        high = np.minimum(problem.constraints.high(problem.groups, users), users)
        caps, limits = np.unique(high[high >= low], return_counts=True)
        return cls(
            np.full(len(caps), low, np.int64),
            caps[::-1].astype(np.int64),
            limits[::-1].astype(np.int64),
        )


def roomy(problem: Problem) -> bool:
    """Whether sizes, all other constraints left aside, leave room for everybody."""
    users, constraints = problem.ratings.shape[0], problem.constraints
    low, high = constraints.low(), constraints.high(problem.groups, users)
    if constraints.slotted:  # no group may be left out
        return bool((high >= low).all()) and low * len(high) <= users <= int(high.sum())
    high = np.sort(high[high >= low])[::-1]
    counts = np.arange(1, len(high) + 1)
    return bool(((counts * low <= users) & (users <= np.cumsum(high))).any())


def limited(problem: Problem) -> bool:
    """Whether groups are limited in size at all."""
    users = problem.ratings.shape[0]
    constraints = problem.constraints
    high = constraints.high(problem.groups, users)
    return constraints.low() > 1 or bool((high < users).any())

"""The grain of ratings: what every one of them is a whole multiple of, so that sums are too."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from grouping.problem import EXACT, Problem
from grouping.ratings import Ratings
from grouping.stopping import CLOSE

FINEST = 10
"""Ratings are tried as multiples of 2**-10 and coarser."""

_SLAB = 1 << 22


def grain_of(ratings: Ratings, terms: int) -> float | None:
    """Find the largest number that all ratings are whole multiples of.

    Parameters
    ----------
    ratings : Ratings
        Complete: dense, or CSR with a fill.
    terms : int
        Number of ratings that are added up, at most.

    Returns
    -------
    grain : float or None
        None where there is none, or sums of so many ratings might not be exact in float64.
    """
    digits, divisor, largest = 0, 0, 0.0
    for cells in _slabs(ratings):
        scaled = np.ldexp(cells.astype(np.float64), digits)
        while not np.array_equal(scaled, np.rint(scaled)):
            digits, divisor = digits + 1, divisor * 2
            if digits > FINEST:
                return None
            scaled, largest = np.ldexp(scaled, 1), math.ldexp(largest, 1)
        largest = max(largest, float(np.abs(scaled).max(initial=0.0)))
        if largest >= EXACT:
            return None
        if divisor != 1:  # no rating can lower it further
            whole = np.abs(scaled).astype(np.int64)
            divisor = math.gcd(divisor, int(np.gcd.reduce(whole, axis=None)))
    if divisor == 0 or largest * terms > (divisor & -divisor) * EXACT:
        return None
    return math.ldexp(divisor, -digits)


def power_of_two_in(grain: float) -> float:
    """Find the largest power of two that a grain is a whole multiple of.

    Sums of multiples of the grain are exact in floats of so many digits while they are at most
    2**digits times this; not while they are 2**digits times the grain: 5 * 2**24 - 5 is odd, and
    no float32.

    Parameters
    ----------
    grain : float
        From `grain_of`.

    Returns
    -------
    power : float
    """
    mantissa, exponent = math.frexp(grain)
    whole = int(math.ldexp(mantissa, 53))
    return math.ldexp(whole & -whole, exponent - 53)


def rounded_down(bound: float, grain: float | None) -> float:
    """Lower a bound to the nearest multiple of the grain, where there is one.

    Parameters
    ----------
    bound : float
        On a number that is a multiple of the grain.
    grain : float or None

    Returns
    -------
    bound : float
    """
    if grain is None or abs(bound) > grain * EXACT / 2:
        return bound
    multiple = round(bound / grain) + 1  # the quotient is off by a rounding at most
    while grain * multiple > bound:
        multiple -= 1
    return grain * multiple


class Nearness:
    """How near to an objective a bound has to be to prove it.

    Bounds are off by roundings, which are 1e-9 of the objective, or of what the largest rating
    counts, at most; and where objectives are whole multiples of a grain, by less than that.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        largest = max(abs(problem.low), abs(problem.high))
        largest *= float(problem.aggregation.weights.max())
        if problem.by_members:
            largest *= float(problem.masses.max())
        self.unit = min(1.0, largest)

    def __call__(self, objective: float) -> float:
        """Nearness to an objective."""
        near = CLOSE * max(self.unit, abs(objective))
        if near < math.ldexp(1.0, -FINEST - 1) or math.isinf(near):  # finer than any grain
            return near
        return near if self.grain is None else min(near, self.grain / 2)

    @cached_property
    def grain(self) -> float | None:
        """What objectives are whole multiples of, where there is something."""
        problem = self.problem.relaxed()  # an excluded item's rating is no part of any objective
        n = problem.ratings.shape[0]
        # where votes are added up, users' weights are in the ratings
        masses = problem.masses if problem.by_members else np.ones(n)
        weights = [masses, problem.aggregation.weights]
        if problem.aggregation.per_member or any((w != np.rint(w)).any() for w in weights):
            return None
        terms = float(weights[0].sum()) * float(weights[1].sum())
        return grain_of(problem.ratings, int(min(max(terms, 1.0), 2.0**60)))


def _slabs(ratings: Ratings) -> list[NDArray[np.generic]]:
    matrix = ratings.matrix
    if not isinstance(matrix, np.ndarray):
        fill = np.array([0.0 if ratings.fill is None else ratings.fill])
        data = matrix.data
        return [fill, *(data[start : start + _SLAB] for start in range(0, len(data), _SLAB))]
    rows = max(1, _SLAB // matrix.shape[1])
    return [matrix[start : start + rows] for start in range(0, len(matrix), rows)]

"""The grain of ratings: what every one of them is a whole multiple of, so that sums are too."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from grouping.problem import EXACT
from grouping.ratings import Ratings

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
            scaled = np.ldexp(scaled, 1)
        largest = max(largest, float(np.abs(scaled).max(initial=0.0)))
        if largest >= EXACT:
            return None
        if divisor != 1:  # no rating can lower it further
            whole = np.abs(scaled).astype(np.int64)
            divisor = math.gcd(divisor, int(np.gcd.reduce(whole, axis=None)))
    if divisor == 0 or math.ldexp(largest, -digits) * terms > math.ldexp(divisor, -digits) * EXACT:
        return None
    return math.ldexp(divisor, -digits)


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


def _slabs(ratings: Ratings) -> list[NDArray[np.generic]]:
    matrix = ratings.matrix
    if not isinstance(matrix, np.ndarray):
        fill = np.array([0.0 if ratings.fill is None else ratings.fill])
        data = matrix.data
        return [fill, *(data[start : start + _SLAB] for start in range(0, len(data), _SLAB))]
    rows = max(1, _SLAB // matrix.shape[1])
    return [matrix[start : start + rows] for start in range(0, len(matrix), rows)]

"""Upper bounds on the objective of any formation, from each user's own best list.

No group can be happier with its list than the members' own lists would make them; what that
gives depends on the semantics (see the guide for the arguments). All are computed in float64 and
rounded outward, so that they hold for the real numbers meant.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from grouping.problem import Problem


def own_list_bound(problem: Problem) -> float:
    """Bound the objective by the satisfaction that users would have alone.

    Least misery: a group is no happier than any one member alone, so l groups score at most the
    sum of the l largest personal satisfactions (fewer groups can be better only where these are
    negative). Aggregate voting with max, sum and weighted sum: a group's satisfaction is a sum
    over members, each at most its personal one. With min: the k-th score is at most the mean of
    the k scores, so the sum over users of (own top-k sum) / k bounds it; own k-th scores do not.
    Least misery by members: a group that counts once for each member counts each at most its
    personal satisfaction.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    bound : float
    """
    n = len(problem.own.scores)
    if problem.aggregation.per_member:
        if problem.by_members:
            return math.nextafter(math.fsum(problem.masses), math.inf)
        return float(min(n, problem.groups) if problem.semantics == "lm" else n)
    weights = problem.aggregation.weights
    divisor = 1
    if problem.semantics == "av" and problem.aggregation.name == "min":
        weights, divisor = np.ones(problem.k), problem.k
    personal, magnitudes, exact = personal_satisfactions(problem.own.scores, weights)
    count = n
    if problem.by_members:
        masses = problem.masses
        whole = np.array_equal(masses, np.rint(masses)) and _in_halves(personal)
        exact = exact and (whole or bool((masses == 1.0).all()))
        personal, magnitudes = personal * masses, magnitudes * masses
        exact = exact and bool(magnitudes.max() < 2.0**52)
    elif problem.semantics == "lm":
        count = min(n, problem.groups)
        best = np.sort(np.partition(personal, n - count)[n - count :])[::-1]
        personal = np.concatenate([best[:1], best[1:][best[1:] > 0]])
        if best[0] < 0:
            personal = best[:1]
    total = math.fsum(personal)
    if exact:
        rest = math.fsum(chain(personal, [-total]))
        return _rounded_up(Fraction(total) + Fraction(rest), divisor)
    # errors relative to the terms, which may cancel: k products and sums, roundings of the total
    terms = math.fsum(magnitudes) if count == n else count * float(magnitudes.max())
    if terms == 0:
        return 0.0
    slack = (problem.k + 4) * np.finfo(np.float64).eps * terms
    return math.nextafter(total / divisor + slack / divisor, math.inf)


def _in_halves(values: NDArray[np.float64]) -> bool:
    return bool(np.array_equal(2.0 * values, np.rint(2.0 * values)))


def gap_text(gap: float) -> str:
    """Write a gap for people, in percent: a proven optimum's roundings are none.

    Parameters
    ----------
    gap : float
        As `gap_between` gives it.

    Returns
    -------
    text : str
    """
    return f"{0.0 if abs(gap) < 1e-9 else 100 * gap:.3g} %"


def gap_between(objective: float, bound: float | None) -> float | None:
    """Gap of an objective to a bound: (bound - objective) / |bound|.

    Parameters
    ----------
    objective : float
    bound : float or None

    Returns
    -------
    gap : float or None
        0 where they are equal, None where the bound is None or 0 (and not reached), or so close
        to 0 that the quotient is not finite.
    """
    if bound is None:
        return None
    if bound == objective:
        return 0.0
    gap = math.inf if bound == 0 else (bound - objective) / abs(bound)
    return gap if math.isfinite(gap) else None


def personal_satisfactions(
    scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Weigh up what users would have alone.

    Parameters
    ----------
    scores : float64 array, shape (n, k)
        Of each user's own list, best first.
    weights : float64 array, shape (k,)

    Returns
    -------
    personal : float64 array, shape (n,)
        Weighted sums of the rows.
    magnitudes : float64 array, shape (n,)
        Sums of the terms' magnitudes, which bound roundings.
    exact : bool
        Whether no rounding can be in them.
    """
    personal, magnitudes = np.zeros(len(scores)), np.zeros(len(scores))
    one_term = np.count_nonzero(weights) == 1 and weights.max() == 1.0
    in_halves = True
    for position in np.flatnonzero(weights):  # one at a time: no second array as large as scores
        used = scores[:, position]
        in_halves = in_halves and sums_are_exact(used, weights)
        terms = weights[position] * used
        personal += terms
        magnitudes += np.abs(terms, out=terms)
    in_halves = in_halves and bool(magnitudes.max() < 2.0**52)
    return personal, magnitudes, one_term or in_halves


def sums_are_exact(values: NDArray[np.float64], weights: NDArray[np.float64]) -> bool:
    """Whether weighted sums of values have no rounding: multiples of 1/2, by whole weights.

    Parameters
    ----------
    values : float64 array
        Not so large that their sums go beyond 2**52.
    weights : float64 array

    Returns
    -------
    exact : bool
    """
    if not np.array_equal(weights, np.rint(weights)):
        return False
    twice = values * 2
    return bool(np.all(twice == np.rint(twice)))


def _rounded_up(total: Fraction, divisor: int) -> float:
    """Smallest float that is at least total / divisor."""
    exact = total / divisor
    rounded = float(exact)
    return rounded if Fraction(rounded) >= exact else math.nextafter(rounded, math.inf)

"""What proves an upper bound under least misery, and how the bound follows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.exact.covers.pricing import PriceProof

TOGETHER, SORTED = 0, 1
"""Kinds of branchings."""


@dataclass(frozen=True, eq=False)
class CoverLeaf:
    """Prices and their proof, for the partitions that agree with the branchings above.

    Attributes
    ----------
    users : int64 array, shape (a,)
        Users with a multiplier. Of users that are together, the one of the lowest number stands
        for all; their rating of an item is the lowest of theirs.
    multipliers : float64 array, shape (a,)
        Positive; sums of them are exact.
    levels, discounts : float64 array, shape (q,)
        Ascending. A set whose value is above a level, but not the next, counts less by the
        discount; never less than sets of a lower value.
    cuts : float64 array, shape (c,)
        Ascending. Partitions with a group of a value up to the first are bounded apart. The
        other groups' values fall in classes: above ``cuts[i]`` up to ``cuts[i + 1]``, the last
        unbounded. No branching's value lies inside a class.
    proofs : tuple of PriceProof or None, c of them
        For each class: no set of the users with a multiplier that may be in such a group, with
        its counted value and its multipliers, is worth more than the proof's price. None where
        there is no such user.
    """

    users: NDArray[np.int64]
    multipliers: NDArray[np.float64]
    levels: NDArray[np.float64]
    discounts: NDArray[np.float64]
    cuts: NDArray[np.float64]
    proofs: tuple[PriceProof | None, ...]


@dataclass(frozen=True, eq=False)
class CoverCertificate:
    """Proof of an upper bound under least misery.

    Attributes
    ----------
    branchings : int64 array, shape (b, 3)
        In preorder: kind, user, other. ``TOGETHER``: two users (each standing for those that are
        together with it) are in one group in the first subtree, in two in the second. ``SORTED``:
        the user's group is worth more than the branching's value in the first subtree, at most
        that in the second. (-1, -1, -1): a leaf.
    branching_values : float64 array, shape (b,)
    leaves : tuple of CoverLeaf
        In preorder.
    bound : float
        The highest of the leaves' bounds, rounded outward, and down to the ratings' grain.
    """

    branchings: NDArray[np.int64]
    branching_values: NDArray[np.float64]
    leaves: tuple[CoverLeaf, ...]
    bound: float


def best_others(personal: NDArray[np.float64], groups: int) -> float:
    """Most that all groups but one can be worth.

    Parameters
    ----------
    personal : float64 array
        What each user is worth alone.
    groups : int
        At most so many groups.

    Returns
    -------
    bound : float
        Sum of the ``groups - 1`` largest, of those above 0: each group is worth at most what any
        member of it is.
    """
    largest = np.sort(personal)[::-1][: groups - 1]
    return math.fsum(largest[largest > 0])


def leaf_bound(
    price: float,
    groups: int,
    multipliers: NDArray[np.float64],
    places: NDArray[np.int64],
    discounts: NDArray[np.float64],
) -> float:
    """Bound that a price gives by weak duality.

    Parameters
    ----------
    price : float
        No set, with its counted value and its multipliers, is worth more.
    groups : int
        At most so many groups; at least one.
    multipliers : float64 array, shape (a,)
    places : int64 array, shape (q,)
        For each level the users worth more than it alone.
    discounts : float64 array, shape (q,)
        Of the levels, ascending: the discount of one level alone is its step.

    Returns
    -------
    bound : float
    """
    steps = np.diff(discounts, prepend=0.0)
    return by_duality(price, groups, [*(steps * places), *(-multipliers)])[0]


def by_duality(price: float, groups: int, terms: list[float]) -> tuple[float, float]:
    """Add a bound up: what the groups are worth with all multipliers, and what these come to.

    Parameters
    ----------
    price : float
        No group is worth more, by its value and all multipliers.
    groups : int
        At most so many; at least one.
    terms : list of float
        Each multiplier times what it is of, as it adds to the bound or takes from it.

    Returns
    -------
    bound : float
    magnitude : float
        Sum of its terms without their signs.
    """
    terms = [*terms, max(price, groups * price)]
    return math.fsum(terms), math.fsum(map(abs, terms))

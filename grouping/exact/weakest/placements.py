"""Certificates for AV-min: where users are placed, and multipliers for those who are not.

Every formation places its users in at most l slots; which slot is called what does not matter, so
the first user of each is in the lowest one still empty. A tree of placements tells users apart,
one at each branching; where it ends, multipliers of the users not placed yet bound what can
become of them (Lagrangian relaxation of the rule that each joins one group):

    sum of multipliers + sum over the open slots of the worth of the best list with the slot's
    members + sum over the free slots of the worth of the best distinct lists, if above 0.

Two groups with the same list are worth no more than the two as one, so lists are distinct.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.exact.grain import rounded_down
from grouping.exact.weakest.list_prices import ListPrices

LEAF = -1


@dataclass(frozen=True, eq=False)
class Leaf:
    """Bound on all formations that place some users as the branches to it say.

    Attributes
    ----------
    multipliers : float64 array, shape (n,)
        Those of users who are placed do not count.
    prices : tuple of ListPrices
        Of each open slot, then one for all free slots, if there are any.
    """

    multipliers: NDArray[np.float64]
    prices: tuple[ListPrices, ...]


@dataclass(frozen=True, eq=False)
class PlacementCertificate:
    """Proof of a bound for AV-min.

    Attributes
    ----------
    branches : int64 array
        The tree in preorder: `LEAF`, or the user who is placed next; then follow the subtrees
        that place the user in slot 0, 1, ..., the last of them the lowest free slot, if any; but
        in no lower slot than a user with the same ratings who is placed already.
    leaves : tuple of Leaf
        In the order of the tree.
    bound : float
        The largest bound of a leaf, rounded down to the ratings' grain.
    """

    branches: NDArray[np.int64]
    leaves: tuple[Leaf, ...]
    bound: float


def leaf_bound(leaf: Leaf, placed: dict[int, int], slots: int, largest: float) -> float:
    """Bound what the formations of a leaf are worth, rounding outward.

    Parameters
    ----------
    leaf : Leaf
    placed : dict of int to int
        Slot of each user who is placed.
    slots : int
        Groups there may be, no more than different lists.
    largest : float
        Magnitude of the largest rating.

    Returns
    -------
    bound : float
    """
    multipliers = np.delete(leaf.multipliers, list(placed))
    opened = len(set(placed.values()))
    k = leaf.prices[0].weights.shape[1]
    terms: list[float] = multipliers.tolist()
    for prices in leaf.prices[:opened]:
        terms += prices.best(1)
    if opened < slots:
        best = leaf.prices[opened].best(slots - opened)
        terms += [max(value, 0.0) for value in best]
    # each value is a sum of at most n products of k terms, in an unknown order
    n = len(leaf.multipliers)
    size = n * largest + float(np.abs(multipliers).sum())
    error = slots * (n + 2 * k + 8) * np.finfo(np.float64).eps * size
    return math.nextafter(math.fsum([*terms, error]), math.inf)


def twins(rows: NDArray[np.float64]) -> NDArray[np.int64]:
    """Tell users with the same ratings.

    Parameters
    ----------
    rows : float64 array, shape (items, users)

    Returns
    -------
    twins : int64 array, shape (users,)
        Equal numbers for users with equal ratings.
    """
    return np.unique(rows, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def choices(user: int, placed: dict[int, int], slots: int, twins: NDArray[np.int64]) -> range:
    """Slots to try for a user.

    Users with the same ratings can trade places. Let each of them in turn take, of the groups
    that are meant for them, the one with the lowest slot: none takes a lower slot than one
    before, for slots that were opened since are higher.

    Parameters
    ----------
    user : int
    placed : dict of int to int
        Slot of each user who is placed.
    slots : int
    twins : int64 array, shape (users,)

    Returns
    -------
    slots : range
    """
    lowest = max((slot for other, slot in placed.items() if twins[other] == twins[user]), default=0)
    return range(lowest, min(len(set(placed.values())) + 1, slots))


def certificate(
    branches: list[int],
    leaves: list[Leaf],
    slots: int,
    largest: float,
    grain: float | None,
    twins: NDArray[np.int64],
) -> PlacementCertificate:
    """Put a certificate together and work out its bound.

    Parameters
    ----------
    branches : list of int
    leaves : list of Leaf
    slots, largest
        As for `leaf_bound`.
    grain : float or None
        What all ratings are multiples of.
    twins : int64 array, shape (users,)

    Returns
    -------
    certificate : PlacementCertificate
    """
    bounds = [
        leaf_bound(leaf, placed, slots, largest)
        for leaf, placed in zip(leaves, _placements(branches, slots, twins), strict=True)
    ]
    return PlacementCertificate(
        np.array(branches, np.int64), tuple(leaves), rounded_down(max(bounds), grain)
    )


def _placements(
    branches: list[int], slots: int, twins: NDArray[np.int64]
) -> Iterator[dict[int, int]]:
    """Walk the tree; yield the placements of each leaf."""
    waiting: list[dict[int, int]] = [{}]
    for user in branches:
        placed = waiting.pop()
        if user == LEAF:
            yield placed
            continue
        waiting += [
            {**placed, user: slot} for slot in reversed(choices(user, placed, slots, twins))
        ]

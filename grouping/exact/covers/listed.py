"""Groups that count by one item, as columns: all that a better formation can have, and the proof.

Where a group is worth its members' lowest rating of its best item, it is one of at most n * m
columns: an item and a rating, for everyone who rates the item as high at least. At given
multipliers of the users all columns can be looked at. One that is worth a good deal less than the
price cannot be part of a better formation, and often some hundreds are left.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.exact.covers.certificate import by_duality


@dataclass(frozen=True, eq=False)
class Weighing:
    """Multipliers, none negative, with what they are of.

    Attributes
    ----------
    users : float64 array, shape (n,)
    crowds : float64 array, shape (h,)
        Of the first crowds of a certificate: no more groups lie within a crowd of users than it
        has users.
    counts : float64 array, shape (d,)
        Of the branchings above a leaf, from the root on.
    """

    users: NDArray[np.float64]
    crowds: NDArray[np.float64]
    counts: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ListedCertificate:
    """Proof of an upper bound under least misery where only the first item of a list counts.

    A formation has a group that is worth at most the floor; or a group of a column that is not
    listed; or listed ones alone. The first are bounded by the floor and what all other groups can
    be worth, the second by the multipliers `weighing`, under which no column is worth more than
    the price of all, and none that is not listed more than the other price; the third by the tree.

    Attributes
    ----------
    floor : float
    weighing : Weighing
        Without branchings.
    other_price : float
    items : int64 array, shape (c,)
    ratings : float64 array, shape (c,)
        Columns: everyone who rates the item so high at least, worth that rating.
    crowds : bool array, shape (h, n)
    branchings : int64 array, shape (b, 2)
        In preorder: an item and a number; (-1, -1) is a leaf. More groups than the number have
        listed columns of the item, of at least the branching's rating, in the first subtree; at
        most so many in the second.
    branching_ratings : float64 array, shape (b,)
    leaves : tuple of Weighing
        In preorder.
    bound : float
        The highest of all, rounded outward, and down to the ratings' grain.
    """

    floor: float
    weighing: Weighing
    other_price: float
    items: NDArray[np.int64]
    ratings: NDArray[np.float64]
    crowds: NDArray[np.bool_]
    branchings: NDArray[np.int64]
    branching_ratings: NDArray[np.float64]
    leaves: tuple[Weighing, ...]
    bound: float


@dataclass(frozen=True, eq=False)
class Columns:
    """Items with lowest ratings.

    Attributes
    ----------
    items : int64 array, shape (c,)
    ratings : float64 array, shape (c,)
    values : float64 array, shape (c,)
        What a group is worth.
    worths : float64 array, shape (c,)
        The same with the multipliers of those who are covered.
    """

    items: NDArray[np.int64]
    ratings: NDArray[np.float64]
    values: NDArray[np.float64]
    worths: NDArray[np.float64]

    def covers(self, ratings: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Who is covered: bool, shape (c, n)."""
        covered: NDArray[np.bool_] = (ratings[:, self.items] >= self.ratings).T
        return covered


class NotListedError(Exception):
    """The columns are too many, or the time was over."""


def columns_above(
    ratings: NDArray[np.floating],
    weight: float,
    floor: float,
    price: float,
    weighing: Weighing,
    crowds: NDArray[np.bool_],
    room: int,
    stop: Callable[[], bool],
) -> tuple[float, Columns]:
    """Look at all columns.

    Parameters
    ----------
    ratings : float array, shape (n, m)
    weight : float
        Of the first position, above 0.
    floor : float
        Only columns of a higher value.
    price : float
        Those worth more are written down.
    weighing : Weighing
        Its multipliers of users sum up exactly.
    crowds : bool array, shape (h, n)
    room : int
        At most so many are written down.
    stop : callable

    Returns
    -------
    highest : float
        What the column is worth that is worth most; -infinity where there is none.
    columns : Columns

    Raises
    ------
    NotListedError
        If there is no room, or it was stopped.
    """
    highest, found, many = -math.inf, [], 0
    for item in range(ratings.shape[1]):
        if stop():
            raise NotListedError
        column = ratings[:, item].astype(np.float64)  # whole numbers may have no negatives
        order = np.argsort(-column, kind="stable")
        row = column[order]
        last = np.append(row[1:] < row[:-1], True)
        values = weight * row
        worths = values + np.cumsum(weighing.users[order])
        for crowd, multiplier in zip(crowds, weighing.crowds, strict=True):
            worths -= multiplier * np.logical_and.accumulate(crowd[order])
        worths[~last | (values <= floor)] = -np.inf
        highest = max(highest, float(worths.max()))
        at = np.flatnonzero(worths > price)
        many += len(at)
        if many > room:
            raise NotListedError
        found.append((np.full(len(at), item), row[at], values[at], worths[at]))
    items, *floats = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return highest, Columns(items.astype(np.int64), *floats)


def tree_bound(
    worth: float,
    groups: int,
    weighing: Weighing,
    sizes: NDArray[np.int64],
    limits: NDArray[np.float64],
) -> tuple[float, float]:
    """Bound that multipliers give by weak duality.

    Parameters
    ----------
    worth : float
        No column is worth more, by its value and all multipliers.
    groups : int
        At most so many; at least one.
    weighing : Weighing
    sizes : int64 array, shape (h,)
        Users of each crowd.
    limits : float64 array, shape (d,)
        Of each branching above: at most so many groups; negative: minus the fewest.

    Returns
    -------
    bound : float
    magnitude : float
        Sum of its terms without their signs.
    """
    terms = [*(-weighing.users), *(weighing.crowds * sizes), *(weighing.counts * limits)]
    return by_duality(worth, groups, terms)

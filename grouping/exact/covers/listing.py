"""Which columns a better formation can have, once a subproblem's prices are known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from grouping.exact.covers.certificate import best_others
from grouping.exact.covers.listed import (
    Columns,
    ListedCertificate,
    Weighing,
    columns_above,
    tree_bound,
)
from grouping.exact.covers.listed_tree import ListedTree
from grouping.exact.covers.node import Covers, Node
from grouping.exact.covers.pricing import Prices


class Listing:
    """The columns that are left at given prices, and what a formation with another is worth.

    Parameters
    ----------
    covers : Covers
        Only the first position weighs anything.
    root : Node
        Without branchings.
    prices : Prices
        The root's.
    objective : float
        The best formation's.
    room : int
        At most so many columns are listed.
    stop : callable
        Looked at between items.

    Attributes
    ----------
    columns : Columns

    Raises
    ------
    NotListedError
        If there is no room, or it was stopped.
    """

    def __init__(
        self,
        covers: Covers,
        root: Node,
        prices: Prices,
        objective: float,
        room: int,
        stop: Callable[[], bool],
    ) -> None:
        self._covers, self._rows, self._groups = covers, list(root.master.rows), root.most
        target = covers.target(objective)
        others = best_others(covers.personal, root.most)
        self._floor = target - others
        users = np.zeros(len(covers.personal))
        users[prices.users] = prices.multipliers
        steps = np.diff(prices.discounts, prepend=0.0)
        self._weighing = Weighing(users, steps, np.zeros(0))
        self._crowds = np.array([covers.personal > level for level in prices.levels], np.bool_)
        self._crowds = self._crowds.reshape(len(steps), len(users))

        def look(price: float) -> tuple[float, Columns]:
            weight, floor = float(covers.weights[0]), self._floor
            return columns_above(
                covers.ratings, weight, floor, price, self._weighing, self._crowds, room, stop
            )

        highest, _ = look(math.inf)
        sizes, none = self._crowds.sum(axis=1), np.zeros(0)
        rest, magnitude = tree_bound(0.0, self._groups, self._weighing, sizes, none)
        most = rest + max(0.0, (self._groups - 1) * highest)
        self._other_price = min(target - most, math.nextafter(highest, -math.inf))
        _, self.columns = look(self._other_price)
        outside = most + self._other_price
        magnitude += self._groups * (abs(highest) + prices.total) + abs(self._other_price)
        self._bound = max(
            covers.rounded(self._floor + others, abs(others)),
            covers.rounded(outside, 4 * magnitude),
        )

    def tree(self, remaining: Callable[[], float]) -> ListedTree:
        """Make a tree over the columns, of its root alone."""
        return ListedTree(
            self.columns,
            self.columns.covers(self._covers.ratings),
            self._groups,
            self._weighing,
            self._crowds,
            self._rows,
            self._covers.rounded,
            remaining,
        )

    def certificate(self, tree: ListedTree) -> ListedCertificate:
        """State what a tree proves together with the columns that are left out."""
        branchings, ratings, leaves = tree.preorder()
        return ListedCertificate(
            self._floor,
            self._weighing,
            self._other_price,
            self.columns.items,
            self.columns.ratings,
            np.array(tree.crowds, np.bool_).reshape(len(tree.crowds), len(self._weighing.users)),
            branchings,
            ratings,
            leaves,
            max(self._bound, tree.bound()),
        )

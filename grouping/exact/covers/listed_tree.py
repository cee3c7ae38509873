"""A tree over listed columns: branched on how many groups have an item, of some rating or more.

Each node's linear program is the one over groups with what was decided above it as further rows.
What it proves follows from its multipliers, computed anew.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order, maximum_bipartite_matching

from grouping.exact.covers.listed import Columns, Weighing, tree_bound
from grouping.exact.covers.master import WHOLE, quiet
from grouping.exact.covers.pricing import exactly_summed

TRIED = 6
"""Branchings whose linear programs are compared."""

ALL_OF_IT = 0.05
"""How much nearer to a half a branching on all of an item's columns counts than it is."""

MORE, AT_MOST = 0, 1
"""Sides of a branching."""


@dataclass(frozen=True)
class Branching:
    """More groups than a number have an item's columns of some rating or more; or at most so many.

    Attributes
    ----------
    item : int
    rating : float
    number : int
    """

    item: int
    rating: float
    number: int


Path = tuple[tuple[Branching, int], ...]
"""Branchings above a node with the sides taken, from the root on."""


@dataclass(eq=False)
class Node:
    """A node of the tree: a leaf until it is branched.

    Attributes
    ----------
    path : Path
    weighing : Weighing
        The multipliers that bound it.
    bound : float
        Rounded outward.
    activity : float64 array, shape (columns,), or None
        How often each column is chosen; None where the program could not be solved.
    """

    path: Path
    weighing: Weighing
    bound: float
    activity: NDArray[np.float64] | None
    branching: Branching | None = None
    children: list[Node] = field(default_factory=list)


class ListedTree:
    """Branch and bound over listed columns.

    Parameters
    ----------
    columns : Columns
    covers : bool array, shape (columns, n)
    groups : int
    weighing : Weighing
        Of the root.
    crowds : bool array, shape (h, n)
    rows : list of int
        Users to be covered; others join as they turn out not to be.
    rounded : callable
        Rounds a bound outward, given the sum of its terms without their signs.
    remaining : callable
        Seconds left.

    Attributes
    ----------
    root : Node
    crowds : list of bool array, shape (n,)
        Those given, and more that were needed.
    """

    def __init__(
        self,
        columns: Columns,
        covers: NDArray[np.bool_],
        groups: int,
        weighing: Weighing,
        crowds: NDArray[np.bool_],
        rows: list[int],
        rounded: Callable[[float, float], float],
        remaining: Callable[[], float],
    ) -> None:
        self.columns, self.covers, self.groups = columns, covers, groups
        self.crowds: list[NDArray[np.bool_]] = []
        self._rounded, self._remaining = rounded, remaining
        self._program = _Program(columns, covers, groups)
        self._program.add_users(rows)
        for crowd in crowds:
            self._add_crowd(crowd)
        self.linear_programs = 0
        self.root = Node((), weighing, math.inf, None)
        self.root.bound = self._bound((), weighing)

    def grow(
        self,
        closed: Callable[[float], bool],
        offer: Callable[[NDArray[np.bool_]], None],
        stop: Callable[[], bool],
    ) -> None:
        """Branch where the bound is highest, until every node is closed.

        Parameters
        ----------
        closed : callable
            Whether a bound is low enough.
        offer : callable
            Given the covers of a choice of columns of which each group can have a user.
        stop : callable
        """
        self._offer = offer
        self._improve(self.root)
        heap, made = [(-self.root.bound, 0, self.root)], 0
        while heap and not stop():
            _, _, node = heapq.heappop(heap)
            if closed(node.bound) or node.activity is None:
                continue
            self._branch(node, closed)
            for child in node.children:
                made += 1
                heapq.heappush(heap, (-child.bound, made, child))

    def preorder(self) -> tuple[NDArray[np.int64], NDArray[np.float64], tuple[Weighing, ...]]:
        """Write the tree down: branchings, their ratings, and the leaves' multipliers."""
        rows: list[tuple[int, int]] = []
        ratings: list[float] = []
        leaves: list[Weighing] = []
        bounds = self._bounds()
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            branching = node.branching
            below = max((bounds[child] for child in node.children), default=math.inf)
            if branching is None or node.bound <= below:  # its own multipliers bound it as well
                rows.append((-1, -1))
                ratings.append(0.0)
                leaves.append(node.weighing)
                continue
            rows.append((branching.item, branching.number))
            ratings.append(branching.rating)
            waiting += reversed(node.children)
        return np.array(rows, np.int64), np.array(ratings), tuple(leaves)

    def bound(self) -> float:
        """Highest bound of a leaf."""
        return self._bounds()[self.root]

    def _bounds(self) -> dict[Node, float]:
        """Of each node: the highest bound of a leaf below, or its own where that is lower."""
        found, waiting = [], [self.root]
        while waiting:
            node = waiting.pop()
            found.append(node)
            waiting += node.children
        bounds: dict[Node, float] = {}
        for node in reversed(found):
            below = max((bounds[child] for child in node.children), default=math.inf)
            bounds[node] = min(node.bound, below)
        return bounds

    # --- a node -------------------------------------------------------------------------------

    def _improve(self, node: Node) -> bool:
        """Solve a node's program, and keep its multipliers if they bound it lower."""
        while True:
            self.linear_programs += 1
            solved = self._program.solve(node.path, self._remaining())
            if solved is None:
                return False
            activity, weighing = solved
            missing = np.flatnonzero(activity @ self.covers < 1.0 - WHOLE)
            if self._program.add_users(missing.tolist()):
                continue
            crowd = self._crowded(activity)
            if crowd is None:
                break
            self._add_crowd(crowd)
        node.activity = activity
        bound = self._bound(node.path, weighing)
        if bound < node.bound:
            node.bound, node.weighing = bound, weighing
        return True

    def _bound(self, path: Path, weighing: Weighing) -> float:
        worths = self.columns.values + self.covers @ weighing.users
        for number, multiplier in enumerate(weighing.crowds):
            if multiplier > 0:
                worths = worths - multiplier * self._program.within[number]
        limits = np.empty(len(path))
        for at, (branching, side) in enumerate(path):
            inside = self._program.counted(branching)
            worths = worths + (1 if side == MORE else -1) * weighing.counts[at] * inside
            limits[at] = -(branching.number + 1) if side == MORE else branching.number
        sizes = np.array([crowd.sum() for crowd in self.crowds[: len(weighing.crowds)]], np.int64)
        found, magnitude = tree_bound(float(worths.max()), self.groups, weighing, sizes, limits)
        magnitude += self.groups * math.fsum([*weighing.users, *weighing.crowds, *weighing.counts])
        return self._rounded(found, 4 * magnitude)

    def _branch(self, node: Node, closed: Callable[[float], bool]) -> None:
        """Branch where both children's bounds fall furthest, of some branchings that are tried."""
        assert node.activity is not None
        best = -math.inf
        for branching in self._branchings(node.activity):
            children = [self._child(node, branching, side) for side in (MORE, AT_MOST)]
            falls = [max(node.bound - child.bound, 1e-9) for child in children]
            both = all(closed(child.bound) for child in children)
            gain = math.inf if both else math.prod(falls)
            if gain > best:
                best, node.branching, node.children = gain, branching, children
            if both:
                return

    def _child(self, node: Node, branching: Branching, side: int) -> Node:
        above = node.weighing
        weighing = Weighing(above.users, above.crowds, np.append(above.counts, 0.0))
        child = Node((*node.path, (branching, side)), weighing, node.bound, None)
        self._improve(child)
        return child

    def _branchings(self, activity: NDArray[np.float64]) -> list[Branching]:
        """Those nearest to a half: of all of an item's columns, or of those from a rating on."""
        used = np.flatnonzero(activity > WHOLE)
        items, ratings, shares = self.columns.items, self.columns.ratings, activity[used]
        found: list[tuple[float, Branching]] = []
        for item in np.unique(items[used]):
            mine = items[used] == item
            for number, rating in enumerate(np.unique(ratings[used][mine])):
                total = float(shares[mine & (ratings[used] >= rating)].sum())
                least = -math.inf if number == 0 else float(rating)
                off = min(total - math.floor(total), math.ceil(total) - total)
                if off > WHOLE:
                    near = off + (ALL_OF_IT if number == 0 else 0.0)
                    found.append((near, Branching(int(item), least, math.floor(total))))
        found.sort(key=lambda each: -each[0])
        return [branching for _, branching in found[:TRIED]]

    # --- whole choices ------------------------------------------------------------------------

    def _crowded(self, activity: NDArray[np.float64]) -> NDArray[np.bool_] | None:
        """Users who would be in more groups than they are, in a whole choice; else offer it."""
        times = np.rint(activity)
        if np.abs(activity - times).max() > WHOLE:
            return None
        chosen = np.repeat(np.arange(len(times)), times.astype(np.int64))
        if not len(chosen):
            return None  # everybody in the poor group
        covers = self.covers[chosen]
        of_group = maximum_bipartite_matching(sp.csr_array(covers), perm_type="column")
        left = np.flatnonzero(of_group < 0)
        if not len(left):
            self._offer(covers)
            return None
        # from a group without a user of its own, to its users, to the groups that have these ...
        count, users = covers.shape
        matched = np.flatnonzero(of_group >= 0)
        steps = sp.lil_array((count + users, count + users))
        steps[:count, count:] = covers
        steps[count + of_group[matched], matched] = 1
        reached = breadth_first_order(sp.csr_array(steps), int(left[0]))[0]
        crowd = np.zeros(users, np.bool_)
        crowd[reached[reached >= count] - count] = True
        return crowd

    def _add_crowd(self, crowd: NDArray[np.bool_]) -> None:
        self.crowds.append(crowd)
        self._program.add_crowd(crowd)


class _Program:
    """The linear program, with a row for everything that was ever decided."""

    def __init__(self, columns: Columns, covers: NDArray[np.bool_], groups: int) -> None:
        import highspy

        self.columns, self.covers = columns, covers
        self._highs = quiet()
        self._highs.setOptionValue("solver", "simplex")
        self._highs.setOptionValue("dual_feasibility_tolerance", 1e-10)
        self._optimal = highspy.HighsModelStatus.kOptimal
        self.within: list[NDArray[np.bool_]] = []
        self._users: dict[int, int] = {}
        self._crowds: list[int] = []
        self._counts: dict[tuple[int, float, int], int] = {}
        self._bounded: list[int] = []
        self._highs.addRow(1.0, float(groups), 0, [], [])
        # a group of everybody of every item, worth so little that what needs it is closed; with
        # it the program has a solution whatever was decided
        values = columns.values
        poor = float(values.min()) - 2.0 * groups * max(1e-3, float(np.abs(values).max()))
        for value in (poor, *values.tolist()):
            self._highs.addCol(value, 0.0, np.inf, 1, np.zeros(1, np.int32), np.ones(1))

    def add_users(self, users: list[int]) -> bool:
        """Ask that some users be covered; tell whether any was not asked for before."""
        new = [user for user in users if user not in self._users]
        for user in new:
            self._users[user] = self._row(self.covers[:, user], 1.0, np.inf, with_poor=True)
        return len(new) > 0

    def add_crowd(self, crowd: NDArray[np.bool_]) -> None:
        """Allow no more groups within a crowd than it has users."""
        inside = np.asarray((self.covers <= crowd).all(axis=1))
        self.within.append(inside)
        self._crowds.append(self._row(inside, -np.inf, float(crowd.sum())))

    def counted(self, branching: Branching) -> NDArray[np.bool_]:
        """Columns that a branching counts."""
        columns = self.columns
        inside: NDArray[np.bool_] = columns.items == branching.item
        return inside & (columns.ratings >= branching.rating)

    def solve(self, path: Path, seconds: float) -> tuple[NDArray[np.float64], Weighing] | None:
        """Solve the program of a node: how often each column is chosen, and the multipliers."""
        highs = self._highs
        for row in self._bounded:
            highs.changeRowBounds(row, -np.inf, np.inf)
        rows = [self._count_row(branching, side) for branching, side in path]
        for row, (branching, side) in zip(rows, path, strict=True):  # the last is the narrowest
            if side == MORE:
                highs.changeRowBounds(row, float(branching.number + 1), np.inf)
            else:
                highs.changeRowBounds(row, -np.inf, float(branching.number))
        self._bounded = rows
        highs.setOptionValue("time_limit", highs.getRunTime() + min(max(seconds, 0.0), 1e9))
        highs.run()
        if highs.getModelStatus() != self._optimal:
            return None
        found = highs.getSolution()
        duals = np.array(found.row_dual)
        users = np.zeros(self.covers.shape[1])
        users[list(self._users)] = np.maximum(0.0, -duals[list(self._users.values())])
        crowds = np.maximum(0.0, duals[self._crowds]) if self._crowds else np.zeros(0)
        counts = np.zeros(len(path))
        last = {row: at for at, row in enumerate(rows)}
        for row, at in last.items():
            counts[at] = max(0.0, -duals[row] if path[at][1] == MORE else duals[row])
        exact = exactly_summed(np.concatenate([users, crowds, counts]))
        weighing = Weighing(*np.split(exact, np.cumsum([len(users), len(crowds)])))
        return np.maximum(np.array(found.col_value)[1:], 0.0), weighing

    def _count_row(self, branching: Branching, side: int) -> int:
        key = (branching.item, branching.rating, side)
        if key not in self._counts:
            inside = self.counted(branching)
            row = self._row(inside, -np.inf, np.inf, with_poor=side == MORE)
            self._counts[key] = row
        return self._counts[key]

    def _row(
        self, inside: NDArray[np.bool_], low: float, high: float, *, with_poor: bool = False
    ) -> int:
        held = np.flatnonzero(inside) + 1
        held = np.append(0, held) if with_poor else held
        self._highs.addRow(low, high, len(held), held.astype(np.int32), np.ones(len(held)))
        return int(self._highs.getNumRow()) - 1

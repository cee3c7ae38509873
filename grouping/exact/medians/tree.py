"""At most l columns for users who are each served by the best of them: bound, tree, proof.

Both formulations of aggregate voting come down to this choice: columns are items for max, lists
for sums. The bound is Lagrangian (`grouping.kernels.medians`), the tree closes what it leaves.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.kernels import medians as kernels

BATCH = 64
"""Nodes that are taken a step further side by side: fixed, so that the course is."""

STEPS = 12
"""Subgradient steps for a node's bound."""

BEYOND = 0.1
"""How far below the target steps aim, in shares of the gap at the start: else they only near it."""

MOST_BYTES = 1 << 30
"""Multipliers and open nodes kept, at most: a tree that outgrows this is left unfinished."""

UNTIMED = 2
"""First steps that the pace is not taken from: kernels may be compiled or loaded in them."""

PROVING = 2e-10
"""Seconds that a value takes at least when a bound is computed anew: left for it."""

SLOWER = 1.2
"""How many times as long a value takes when a bound is computed anew as in a step."""

SLICE_CELLS = 1 << 27
"""Cells looked at between two looks at the clock, about a tenth of a second."""


@dataclass(frozen=True, eq=False)
class TreeProof:
    """Why no choice of columns is worth more than a bound.

    The tree decides columns one by one. Each leaf is closed by multipliers: whatever completes
    its decisions is worth at most the sum of the multipliers, plus the worth of each chosen
    column, plus that of the best undecided ones, up to l columns in all; the worth of a column
    is the sum over users of max(0, value - multiplier).

    Attributes
    ----------
    tokens : int64 array
        The tree, each node before its children. ``2 * column + side``: a node that decides a
        column; first comes the child with it (side 0) or without it (side 1). Negative: a leaf,
        closed by the multipliers of row ``-token - 2``; for -1, by what users get from the
        chosen columns (or the lowest of all values, if none is chosen).
    multipliers : float32 array, shape (rows, users)
    """

    tokens: NDArray[np.int64]
    multipliers: NDArray[np.float32]


def tree_bound(values: NDArray[np.floating], limit: int, proof: TreeProof, lowest: float) -> float:
    """Bound that a tree proves, computed anew from the columns and rounded outward.

    Parameters
    ----------
    values : float array, shape (columns, users)
    limit : int
        Columns to choose, at most.
    proof : TreeProof
    lowest : float
        No value is lower.

    Returns
    -------
    bound : float
    """
    columns, users = values.shape
    status, path = np.zeros(columns, np.int8), np.zeros(columns + 1, np.int64)
    state, found = np.array([0, 0, -1]), np.zeros(columns)
    sums = np.array([-np.inf, 0.0, 0.0, 0.0])
    while not kernels.leaf_bounds(
        values,
        proof.tokens,
        proof.multipliers,
        limit,
        lowest,
        status,
        path,
        state,
        found,
        sums,
        SLICE_CELLS,
    ):
        pass
    return outward(float(sums[0]), float(sums[1]), users + limit)


def outward(total: float, magnitude: float, terms: int) -> float:
    """Raise a sum by more than its rounding errors can be.

    Parameters
    ----------
    total : float
    magnitude : float
        Sum of its terms without their signs.
    terms : int
        How many were added up in a row, at most.

    Returns
    -------
    raised : float
    """
    slack = 2 * (terms + 4) * np.finfo(np.float64).eps * magnitude
    return math.nextafter(total + slack, math.inf)


class Descent:
    """Subgradient steps towards the multipliers of the lowest bound, over all columns.

    Parameters
    ----------
    values : float array, shape (columns, users)
    limit : int
    multipliers : float array, shape (users,)
        Where to start.

    Attributes
    ----------
    multipliers : float64 array, shape (users,)
        Of the lowest bound so far; each is a float32 number.
    worths : float64 array, shape (columns,)
        The columns' worths there.
    bound : float
    looked_at : int
        Values, in all steps so far.
    """

    def __init__(
        self, values: NDArray[np.floating], limit: int, multipliers: NDArray[np.floating]
    ) -> None:
        self.limit, self.looked_at = limit, 0
        self.multipliers = multipliers.astype(np.float32).astype(np.float64)
        self.floor = np.full(len(multipliers), -np.inf)
        self.change(values)

    def change(self, values: NDArray[np.floating]) -> None:
        """Take other columns from here on; the multipliers stay.

        Parameters
        ----------
        values : float array, shape (columns, users)
        """
        self.values = values
        self.bound = math.inf
        self.worths = np.empty(len(values))
        kernels.worths(values, self.multipliers, self.worths)
        self._current = self.multipliers.copy()
        self._direction = np.zeros(len(self.multipliers))
        self._found = np.empty(len(values))
        self._few = min(self.limit, len(values))
        self._length, self._stale = 1.0, 0

    @property
    def settled(self) -> bool:
        """Whether steps have become too short to matter."""
        return self._length < 0.004

    def run(self, steps: int, aim: float, stop: Callable[[], bool], patience: int = 20) -> None:
        """Take steps.

        Parameters
        ----------
        steps : int
            At most.
        aim : float
            The best known value: steps end when the bound reaches it.
        stop : callable
        patience : int
            Steps without progress after which steps become shorter.
        """
        order = np.empty(self._few, np.int64)
        slope = np.empty(len(self.multipliers))
        below = None
        for _ in range(steps):
            kernels.worths(self.values, self._current, self._found)
            self.looked_at += self.values.size
            kernels.largest(self._found, len(self._found), self._few, order)
            bound = kernels.total_of(self._current) + float(self._found[order].sum())
            below = aim - BEYOND * (bound - aim) if below is None else below
            if bound < self.bound:
                progress = self.bound - bound > 0.002 * (self.bound - aim)
                self._stale = 0 if progress else self._stale + 1
                self.bound = bound
                self.multipliers[:] = self._current
                self.worths[:] = self._found
            else:
                self._stale += 1
            if self.bound <= aim or self.settled or stop():
                return
            if self._stale >= patience:
                self._length, self._stale = 0.5 * self._length, 0
                self._current[:] = self.multipliers
                self._direction[:] = 0.0
            slope[:] = 1.0
            for column in order:
                kernels.add_slope(self.values[column], self._current, slope)
            norm = kernels.turn(slope, self._direction, self._current, self.floor)
            if norm == 0.0:
                self._length = 0.0
                return
            step = self._length * (bound - below) / norm
            kernels.move(self._current, slope, self.floor, step)

    def run_timed(
        self,
        steps: int,
        aim: float,
        stop: Callable[[], bool],
        remaining: Callable[[], float],
    ) -> float:
        """Take steps, and tell how long computing a bound anew takes by them.

        Parameters
        ----------
        steps : int
            At most.
        aim : float
        stop : callable
        remaining : callable
            Seconds left; infinite without a limit.

        Returns
        -------
        pace : float
            Seconds for each value that a bound is made of; 0 without a limit.
        """
        self.run(min(UNTIMED, steps), aim, stop)
        looked_at, before = self.looked_at, remaining()
        self.run(steps - UNTIMED, aim, stop)
        if math.isinf(before):
            return 0.0
        values = self.looked_at - looked_at
        took = (before - remaining()) / values if values else 0.0
        return SLOWER * max(PROVING, took)

    def decided(self, target: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tell which columns a choice above a target cannot have, and which it must have.

        Parameters
        ----------
        target : float

        Returns
        -------
        excluded, chosen : int64 arrays
        """
        order = np.argsort(-self.worths, kind="stable")
        best, rest = order[: self._few], order[self._few :]
        last = self.worths[best[-1]]
        after = self.worths[rest[0]] if len(rest) else 0.0
        excluded = np.flatnonzero(self.bound - last + self.worths <= target)
        chosen = best[self.bound - self.worths[best] + after <= target]
        return excluded, np.setdiff1d(chosen, excluded)


class Records:
    """Nodes of a tree as they are decided, and the rows of multipliers that close leaves."""

    def __init__(self, users: int) -> None:
        self.count = 0
        self.columns = np.empty(1024, np.int64)
        self.children = np.empty((1024, 2), np.int64)  # with the column, without it
        self.rows = 0
        self._rows: list[NDArray[np.float32]] = []
        self.users = users

    def add_rows(self, rows: NDArray[np.float32]) -> int:
        """Keep rows of multipliers; return the number of the first."""
        first = self.rows
        self._rows.append(rows)
        self.rows += len(rows)
        return first

    def add(self, columns: NDArray[np.int64], children: NDArray[np.int64]) -> int:
        """Keep nodes; return the number of the first."""
        first, needed = self.count, self.count + len(columns)
        while needed > len(self.columns):
            self.columns = np.concatenate([self.columns, np.empty_like(self.columns)])
            self.children = np.concatenate([self.children, np.empty_like(self.children)])
        self.columns[first:needed] = columns
        self.children[first:needed] = children
        self.count = needed
        return first

    def proof(self, root: int) -> TreeProof:
        """Write the tree down."""
        tokens = np.empty(2 * self.count + 1, np.int64)
        kernels.preorder(
            self.columns[: self.count],
            self.children[: self.count, 0],
            self.children[: self.count, 1],
            root,
            tokens,
        )
        rows = self._rows or [np.empty((0, self.users), np.float32)]
        return TreeProof(tokens, np.concatenate(rows))


class MedianTree:
    """Branch and bound over columns, the node with the highest bound first.

    Parameters
    ----------
    values : float array, shape (columns, users)
    limit : int
        Columns to choose, at most.
    descent : Descent
        Over these columns, as far as it went: the root.
    lowest : float
        No value is lower.
    together : int
        Nodes that are taken a step further side by side, at most.

    Attributes
    ----------
    bound : float
        Highest bound of an open node (as computed on the way, not rounded outward).
    nodes, steps : int
        Nodes looked at, subgradient steps taken.
    """

    def __init__(
        self,
        values: NDArray[np.floating],
        limit: int,
        descent: Descent,
        lowest: float,
        together: int = BATCH,
    ) -> None:
        self.limit, self.lowest, self._together = limit, lowest, together
        self.bound = self._root_bound = descent.bound
        self.nodes, self.steps = 0, 0
        self._values = values
        self._map = np.arange(len(values))
        self._records = Records(values.shape[1])
        self._descent: Descent | None = descent
        self._root = -2
        self._heap: list[tuple[float, int, int]] = []
        self._made = 0
        self._status = np.empty((0, 0), np.int8)
        self._multipliers = np.empty((0, values.shape[1]), np.float32)
        self._links = np.empty((0, 2), np.int64)
        self._free: list[int] = []
        self._records.add_rows(descent.multipliers.astype(np.float32)[None])

    @property
    def proved(self) -> int:
        """Values that the bound is made of, at most, when it is computed anew."""
        return (self._records.rows + len(self._heap)) * self._values.size

    def grow(
        self,
        target: Callable[[], float],
        better: Callable[[float, NDArray[np.int64]], None],
        stop: Callable[[], bool],
    ) -> bool:
        """Go on until every node is closed, or it is time to stop.

        Parameters
        ----------
        target : callable
            Bounds up to this close a node; may rise.
        better : callable
            Told values above the target (up to rounding) with their columns.
        stop : callable

        Returns
        -------
        done : bool
        """
        if self._descent is not None:
            self._plant(target())
        while self._heap:
            if stop() or self._bytes() > MOST_BYTES:
                return False
            self._batch(target(), better)
        self.bound = -math.inf
        return True

    def proof(self) -> TreeProof:
        """Write the tree down; nodes that are still open become leaves."""
        if self._descent is not None:
            return self._records.proof(-2)
        slots = [slot for _, _, slot in self._heap]
        first = self._records.add_rows(self._multipliers[slots])
        self._link(self._links[slots], -(first + np.arange(len(slots))) - 2)
        return self._records.proof(self._root)

    def _plant(self, target: float) -> None:
        """Decide what the root's multipliers can, and go on with the columns that are left."""
        descent = self._descent
        assert descent is not None
        self._descent = None
        if descent.bound <= target:
            return
        excluded, chosen = descent.decided(target)
        decided = np.concatenate([excluded, chosen])
        inside = np.arange(len(decided)) >= len(excluded)
        following = np.arange(1, len(decided) + 1)
        children = np.where(inside[:, None], [[0, -2]], [[-2, 0]])
        children[np.arange(len(decided)), np.where(inside, 0, 1)] = following
        self._records.add(decided, children)
        status = np.full(len(self._values), kernels.FREE, np.int8)
        status[excluded], status[chosen] = kernels.EXCLUDED, kernels.CHOSEN
        self._map = np.flatnonzero(status != kernels.EXCLUDED)
        self._values = np.ascontiguousarray(self._values[self._map])
        self._status = np.empty((0, len(self._map)), np.int8)
        self._root = 0
        last = len(decided) - 1
        side = 0 if last >= 0 and inside[last] else 1
        self._open(
            status[self._map][None],
            descent.multipliers.astype(np.float32)[None],
            np.array([[last, side]]),
            [descent.bound],
        )

    def _open(
        self,
        status: NDArray[np.int8],
        multipliers: NDArray[np.float32],
        links: NDArray[np.int64],
        bounds: list[float],
    ) -> None:
        """Put nodes where the best can be found; links name the places they take in the tree."""
        while len(self._free) < len(bounds):
            size = len(self._status)
            more = max(size, 4 * BATCH)
            for name in ("_status", "_multipliers", "_links"):
                array = getattr(self, name)
                room = np.empty((more, *array.shape[1:]), array.dtype)
                setattr(self, name, np.concatenate([array, room]))
            self._free += range(size, size + more)
        slots = [self._free.pop() for _ in bounds]
        self._status[slots], self._multipliers[slots] = status, multipliers
        self._links[slots] = links
        for slot, bound in zip(slots, bounds, strict=True):
            self._made += 1
            heapq.heappush(self._heap, (-bound, -self._made, slot))

    def _link(self, links: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        """Put nodes or leaves where links say."""
        below = links[:, 0] >= 0
        self._records.children[links[below, 0], links[below, 1]] = ends[below]
        if not below.all():
            self._root = int(ends[~below][0])

    def _batch(self, target: float, better: Callable[[float, NDArray[np.int64]], None]) -> None:
        """Take the nodes with the highest bounds a step further."""
        taken = [heapq.heappop(self._heap) for _ in range(min(self._together, len(self._heap)))]
        bounds, slots = -np.array([node[0] for node in taken]), [node[2] for node in taken]
        status, multipliers = self._status[slots], self._multipliers[slots]
        count, columns = status.shape
        rows = np.empty((count, kernels.MOST_STAGES, self._values.shape[1]), np.float32)
        ops = np.empty((count, columns), np.int32)
        inside, stage = np.empty((count, columns), np.int8), np.empty((count, columns), np.int8)
        figures = np.zeros((count, 6), np.int64)
        solutions, floats = np.zeros((count, self.limit), np.int64), np.empty((count, 2))
        kernels.expand(
            self._values,
            status,
            multipliers,
            self.limit,
            self.lowest,
            target,
            target - BEYOND * max(self._root_bound - target, 0.0),
            STEPS,
            rows,
            ops,
            inside,
            stage,
            figures,
            solutions,
            floats,
        )
        self.nodes += count
        self.steps += int(figures[:, 4].sum())
        for t in np.flatnonzero(floats[:, 1] > target):
            better(float(floats[t, 1]), self._map[solutions[t, : figures[t, 2]]])
        branches = self._record(self._links[slots], rows, ops, inside, stage, figures)
        self._free += slots
        branching = figures[:, 0] == kernels.BRANCH
        at = figures[branching, 1]
        bounds = np.minimum(bounds, floats[:, 0])[branching].tolist()
        for side, mark in enumerate((kernels.CHOSEN, kernels.EXCLUDED)):
            children = status[branching]
            children[np.arange(len(at)), at] = mark
            links = np.stack([branches, np.full(len(at), side)], axis=1)
            self._open(children, multipliers[branching], links, bounds)
        self.bound = -self._heap[0][0] if self._heap else -math.inf

    def _record(
        self,
        links: NDArray[np.int64],
        rows: NDArray[np.float32],
        ops: NDArray[np.int32],
        inside: NDArray[np.int8],
        stage: NDArray[np.int8],
        figures: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Write down what a batch decided; return the nodes that branch."""
        verdict, branch, _, decided, _, last = figures.T
        leaf, branching = verdict == kernels.LEAF, verdict == kernels.BRANCH
        kept = last + leaf
        first = self._records.add_rows(rows[np.arange(rows.shape[1]) < kept[:, None]])
        first = first + np.cumsum(kept) - kept
        some = np.arange(ops.shape[1]) < decided[:, None]
        task = np.repeat(np.arange(len(ops)), decided)
        chosen = inside[some] == 1
        leaves = -(first[task] + stage[some]) - 2
        start = self._records.count + np.cumsum(decided) - decided
        branches: NDArray[np.int64] = np.cumsum(branching) - branching
        branches += self._records.count + len(task)
        ends = np.where(branching, branches, np.where(leaf, -(first + last) - 2, -1))
        following = self._records.count + np.arange(1, len(task) + 1)
        lasting = decided > 0
        following[np.cumsum(decided)[lasting] - 1] = ends[lasting]
        with_column = np.where(chosen, following, leaves)
        without = np.where(chosen, leaves, following)
        self._records.add(self._map[ops[some]], np.stack([with_column, without], axis=1))
        self._records.add(self._map[branch[branching]], np.zeros((branching.sum(), 2), np.int64))
        self._link(links, np.where(lasting, start, ends))
        open_ones: NDArray[np.int64] = branches[branching]
        return open_ones

    def _bytes(self) -> int:
        users: int = self._values.shape[1]
        per_node = 4 * users + len(self._values)
        return 4 * users * self._records.rows + per_node * len(self._heap)

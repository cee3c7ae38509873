"""Branch and bound for AV-min: users are placed in slots until the bound shows nothing better.

The tree is walked depth first. At each node multipliers are improved by subgradient steps over a
pool of lists; if that promises to end the branch, all lists are priced for each slot.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.exact.weakest.list_prices import ListPrices, price_lists
from grouping.exact.weakest.placements import LEAF, Leaf, choices, leaf_bound, twins
from grouping.kernels import multipliers as kernel

FEW_LISTS = 400
"""So many different lists, at most, are all taken into the pool."""

TRIED = 40
"""Lists of the pool that are looked at closely at a node, for each open slot and the free ones."""

RATE, AIM = 4.0, 0.02
"""Of the kernel: as for the relaxation, and by which share of the limit steps aim below it."""

STEPS = 80
"""Subgradient steps at a node between pricings."""

PRICINGS = 3
"""At a node, at most: each may bring lists into the pool."""

WORK = 1e8
"""Of one pricing of all lists."""


class NotClosedError(Exception):
    """The tree grew too large, or the time was over."""


@dataclass(eq=False)
class Node:
    """Where some users are placed, and the multipliers to start from.

    Attributes
    ----------
    placed : dict of int to int
        Slot of each user who is.
    members : list of list of int
        Users of each open slot.
    multipliers : float64 array, shape (users,)
    """

    placed: dict[int, int]
    members: list[list[int]]
    multipliers: NDArray[np.float64]


@dataclass(eq=False)
class Columns:
    """Lists, each for one open slot or for the free ones.

    Attributes
    ----------
    lists : int64 array, shape (count, k)
    weights : float64 array, shape (count, k)
    slots : int64 array, shape (count,)
        The number of open slots stands for the free ones.
    values : float64 array, shape (count,)
        What they are worth.
    """

    lists: NDArray[np.int64]
    weights: NDArray[np.float64]
    slots: NDArray[np.int64]
    values: NDArray[np.float64]

    def some(self, chosen: NDArray[np.int64]) -> Columns:
        """Choose a part of them."""
        return Columns(
            self.lists[chosen], self.weights[chosen], self.slots[chosen], self.values[chosen]
        )

    def best(self, slot: int, count: int) -> NDArray[np.int64]:
        """Positions of the best for a slot, the best first."""
        of_slot = np.flatnonzero(self.slots == slot)
        found: NDArray[np.int64] = of_slot[np.argsort(-self.values[of_slot], kind="stable")]
        return found[:count]


class Tree:
    """The walk.

    Parameters
    ----------
    rows : float64 array, shape (items, users)
        All ratings.
    k, slots : int
    span, largest : float
        Range of the ratings, and magnitude of the largest.
    lists : int64 array, shape (count, k)
        Of the pool.
    weights : float64 array, shape (count, k)
    limit : callable
        Returns the bound at which a branch ends.
    formation : callable
        Called with the labels of each formation that is reached.
    stop : callable
    nodes : int
        Give up after so many.
    """

    def __init__(
        self,
        rows: NDArray[np.float64],
        k: int,
        slots: int,
        span: float,
        largest: float,
        lists: NDArray[np.int64],
        weights: NDArray[np.float64],
        *,
        limit: Callable[[], float],
        formation: Callable[[NDArray[np.int64]], object],
        stop: Callable[[], bool],
        nodes: int,
    ) -> None:
        self.rows, self.k, self.slots = rows, k, slots
        self.span, self.largest = max(span, 1e-300), largest
        self.limit, self.formation, self.stop = limit, formation, stop
        self.nodes = nodes
        self.visited = 0
        self.twins = twins(rows)
        self.branches: list[int] = []
        self.leaves: list[Leaf] = []
        if math.comb(len(rows), k) <= FEW_LISTS:
            every = itertools.combinations(range(len(rows)), k)
            self.lists = np.array(list(every), np.int64)
            self.weights = np.full(self.lists.shape, 1.0 / k)
        else:
            self.lists, self.weights = lists.copy(), weights.copy()

    def walk(self, multipliers: NDArray[np.float64]) -> None:
        """Walk the tree below the node where nobody is placed.

        Parameters
        ----------
        multipliers : float64 array, shape (users,)

        Raises
        ------
        NotClosedError
            If it was stopped, or there were too many nodes.
        """
        self._visit(Node({}, [], multipliers))

    def _visit(self, node: Node) -> None:
        self.visited += 1
        if self.visited > self.nodes or self.stop():
            raise NotClosedError
        users = self.rows.shape[1]
        free = np.array([u for u in range(users) if u not in node.placed], np.int64)
        constants = np.array(
            [self.rows[:, members].sum(axis=1) for members in node.members]
        ).reshape(len(node.members), len(self.rows))
        leaf, user = self._bound(node, free, constants)
        if leaf is not None:
            self.branches.append(LEAF)
            self.leaves.append(leaf)
            return
        self.branches.append(user)
        multipliers = node.multipliers.copy()
        for slot in choices(user, node.placed, self.slots, self.twins):
            members = [list(of_slot) for of_slot in node.members]
            if slot == len(members):
                members.append([])
            members[slot].append(user)
            self._visit(Node({**node.placed, user: slot}, members, multipliers.copy()))

    def _bound(
        self, node: Node, free: NDArray[np.int64], constants: NDArray[np.float64]
    ) -> tuple[Leaf | None, int]:
        """Try to end the branch; if that fails, name the user to place next."""
        rows = np.ascontiguousarray(self.rows[:, free])
        opened = len(constants)
        if len(free) == 0:
            # no list of a slot is worth more than the k-th best of its members' sums
            targets = [math.inf] * opened + [0.0] * (opened < self.slots)
            prices = self._prices(rows, constants, node.multipliers[free], targets)
            leaf = Leaf(node.multipliers.copy(), tuple(prices))
            if self._worth(node, leaf) > self.limit():
                self.formation(np.array([node.placed[u] for u in range(len(node.placed))]))
            return leaf, -1
        for attempt in range(PRICINGS):
            columns = self._descend(node, free, rows, constants)
            worth = [columns.values[columns.best(slot, 1)] for slot in range(opened)]
            if opened < self.slots:
                alone = columns.values[columns.best(opened, self.slots - opened)]
                alone = np.append(alone, np.zeros(self.slots - opened - len(alone)))
                worth.append(np.maximum(alone, 0.0))
            total = sum(float(of_slot.sum()) for of_slot in worth)
            slack = self.limit() - total - float(node.multipliers[free].sum())
            if slack <= 0:
                break
            # the last digits of the limit stay free for the allowance for rounding
            share = 0.99 * slack / self.slots
            targets = [float(of_slot[-1]) + share for of_slot in worth]
            prices = self._prices(rows, constants, node.multipliers[free], targets)
            leaf = Leaf(node.multipliers.copy(), tuple(prices))
            if self._worth(node, leaf) <= self.limit():
                return leaf, -1
            if attempt == PRICINGS - 1 or not self._join(prices):
                break
        return None, self._user(node, free, rows, opened, columns)

    def _descend(
        self,
        node: Node,
        free: NDArray[np.int64],
        rows: NDArray[np.float64],
        constants: NDArray[np.float64],
    ) -> Columns:
        """Improve the node's multipliers over the pool; value the pool's lists for each slot."""
        kinds = len(constants) + (len(constants) < self.slots)
        count = len(self.lists)
        columns = Columns(
            np.tile(self.lists, (kinds, 1)),
            np.tile(self.weights, (kinds, 1)),
            np.repeat(np.arange(kinds), count),
            np.zeros(kinds * count),
        )
        multipliers = node.multipliers[free]
        self._step(rows, constants, columns, multipliers, -math.inf, 1)
        if count > TRIED:
            each = columns.values.reshape(kinds, count)
            most = np.argpartition(-each, TRIED, axis=1)[:, :TRIED]
            columns = columns.some((most + count * np.arange(kinds)[:, None]).ravel())
        # not as far as it goes: whether the branch ends is seen soon
        enough = self.limit() - 0.001 * abs(self.limit())
        self._step(rows, constants, columns, multipliers, enough, STEPS)
        self._step(rows, constants, columns, multipliers, -math.inf, 1)
        node.multipliers[free] = multipliers
        return columns

    def _step(
        self,
        rows: NDArray[np.float64],
        constants: NDArray[np.float64],
        columns: Columns,
        multipliers: NDArray[np.float64],
        enough: float,
        steps: int,
    ) -> None:
        """Take subgradient steps from multipliers and weights, which become the best seen."""
        limit = self.limit()
        kernel.descend(
            rows,
            constants,
            columns.lists,
            columns.slots,
            self.slots - len(constants),
            multipliers.copy(),
            columns.weights.copy(),
            multipliers,
            columns.weights,
            np.array([math.inf, 1.0, 0.0]),
            columns.values,
            np.zeros(len(columns.values)),
            limit - AIM * abs(limit),
            enough,
            RATE * self.slots / (self.rows.shape[1] * self.span),
            steps,
        )

    def _prices(
        self,
        rows: NDArray[np.float64],
        constants: NDArray[np.float64],
        multipliers: NDArray[np.float64],
        targets: list[float],
    ) -> list[ListPrices]:
        """Price all lists for each open slot and, last, for the free ones."""
        found = []
        above = np.maximum(rows - multipliers, 0.0).sum(axis=1)
        for slot, target in enumerate(targets):
            own = constants[slot] if slot < len(constants) else np.zeros(len(rows))
            singles = own + above
            price = min(target, float(np.partition(singles, -self.k)[-self.k]))
            order = np.argsort(singles, kind="stable")
            order = order[singles[order] > price]
            prices = price_lists(
                np.ascontiguousarray(rows[order]),
                order,
                own[order],
                multipliers,
                self.k,
                price,
                stop=self.stop,
                work=WORK,
            )
            if prices is None:
                raise NotClosedError
            found.append(prices)
        return found

    def _worth(self, node: Node, leaf: Leaf) -> float:
        return leaf_bound(leaf, node.placed, self.slots, self.largest)

    def _join(self, prices: list[ListPrices]) -> bool:
        """Take the best lists that were found into the pool; return whether any is new."""
        known = {tuple(row) for row in self.lists.tolist()}
        joined = False
        for of_slot in prices:
            for items, weights in zip(of_slot.lists[:5], of_slot.list_weights[:5], strict=True):
                order = np.argsort(items)
                name = tuple(items[order].tolist())
                if name not in known:
                    known.add(name)
                    joined = True
                    self.lists = np.concatenate([self.lists, items[order][None]])
                    self.weights = np.concatenate([self.weights, weights[order][None]])
        return joined

    def _user(
        self,
        node: Node,
        free: NDArray[np.int64],
        rows: NDArray[np.float64],
        opened: int,
        columns: Columns,
    ) -> int:
        """User whose placement costs most wherever it is, by the lists that the bound takes."""
        taken = [int(columns.best(slot, 1)[0]) for slot in range(opened)]
        taken += columns.best(opened, self.slots - opened).tolist()
        multipliers = node.multipliers[free]
        surplus = np.stack(
            [columns.weights[c] @ rows[columns.lists[c]] - multipliers for c in taken]
        )
        gain, loss = np.maximum(surplus, 0.0), np.maximum(-surplus, 0.0)
        costs = gain.sum(axis=0) - gain + loss  # of each user in each slot
        if opened < len(costs):  # the free slots are one choice
            costs[opened] = costs[opened:].min(axis=0)
            costs = costs[: opened + 1]
        score = np.minimum(costs, costs.max() / 4).sum(axis=0) + 1e-3 * costs.max(axis=0)
        return int(free[score.argmax()])

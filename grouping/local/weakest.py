"""Local search for AV-min: exchange items of lists, let weights level their sums, divide users.

A state is one list for each group. What lists are worth is measured by the least total, over
convex weights of each list's items, of what users are worth who each choose the list with the
best weighted sum (`grouping.kernels.balance.level_weights`). It is an upper bound on what the
groups can reach with these lists, and close to it. Users are then divided for real, by simulated
annealing among the groups that are good enough for each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.kernels import balance

CANDIDATES = 12
"""Exchanges of a list that are tried in earnest, the most promising first."""

LEVELLING, SETTLING = 40, 300
"""Steps of levelling weights when an exchange is tried, and when a state is settled."""

LEAST_SHARE = 0.25
"""Weight of a new item where the one it replaces has less, in shares of 1/k."""

HOT, COLD, SOFT = 0.02, 0.0005, 0.7
"""Temperatures, in units of the ratings' range, and share of the weighted sum in annealing."""

FEW_OPTIONS = 8
"""Groups that a user may choose from when users are divided."""

ALTERNATIVES = 6
"""Options that lose, for each place on a list: more than the sums need to be levelled, and few
enough to be tried often. At most one for each user."""

EQUAL = 1e-9
"""Options that lose no more than this, in units of the ratings' range, lose nothing."""


@dataclass(eq=False)
class Lists:
    """A list for each group.

    Attributes
    ----------
    items : int64 array, shape (groups, k)
        Rows of the ratings.
    weights : float64 array, shape (groups, k)
        Convex weights that level each list's sums.
    value : float
        What the lists are worth at the most under these weights.
    """

    items: NDArray[np.int64]
    weights: NDArray[np.float64]
    value: float

    def copy(self) -> Lists:
        """Copy of the arrays too."""
        return Lists(self.items.copy(), self.weights.copy(), self.value)


class ListSearch:
    """Iterated local search over lists.

    Parameters
    ----------
    rows : float64 array, shape (items, users)
        Ratings of the items that lists are made of.
    span : float
        Range of the ratings.
    rng : numpy.random.Generator
    stop : callable
        Whether to stop, asked several times a second.
    """

    def __init__(
        self,
        rows: NDArray[np.float64],
        span: float,
        rng: np.random.Generator,
        stop: Callable[[], bool],
    ) -> None:
        self.rows = rows
        self.span = span
        self.rng = rng
        self.stop = stop
        self._choice = np.zeros(rows.shape[1], np.int64)

    def settle(
        self,
        items: NDArray[np.int64],
        weights: NDArray[np.float64] | None = None,
        floor: float = -np.inf,
    ) -> Lists:
        """Level the weights of given lists.

        Parameters
        ----------
        items : int64 array, shape (groups, k)
        weights : float64 array, shape (groups, k), optional
            Where to start; equal ones by default.
        floor : float
            Lists worth no more than this are not levelled further.

        Returns
        -------
        lists : Lists
        """
        items = np.ascontiguousarray(items)
        if weights is None:
            weights = np.full(items.shape, 1.0 / items.shape[1])
        weights = np.maximum(weights, balance.LEAST_WEIGHT)
        weights /= weights.sum(axis=1, keepdims=True)
        value = balance.level_weights(self.rows, items, weights, self._choice, SETTLING, floor)
        return Lists(items, weights, value)

    def alternate(self, groups: int, k: int, rounds: int = 20) -> Lists:
        """Start from users' own lists: users choose lists, lists follow their users, in turns.

        Parameters
        ----------
        groups, k : int
        rounds : int
            At most.

        Returns
        -------
        lists : Lists
            Not more than there are users.
        """
        users = self.rows.shape[1]
        seeds = self.rng.permutation(users)[: min(groups, users)]
        items = np.stack([best_items(self.rows[:, user], k) for user in seeds])
        even = np.full(items.shape, 1.0 / k)
        for _ in range(rounds):
            if self.stop():
                break
            choice = balance.weighted_sums(self.rows, items, even).argmax(axis=0)
            changed = False
            for g in range(len(items)):
                members = np.flatnonzero(choice == g)
                if len(members):
                    best = best_items(self.rows[:, members].sum(axis=1), k)
                    changed |= not np.array_equal(np.sort(best), np.sort(items[g]))
                    items[g] = best
            if not changed:
                break
        return self.settle(items)

    def climb(self, lists: Lists, groups: list[int] | None = None, *, even: bool = False) -> Lists:
        """Exchange items until none is found that makes the lists worth more.

        Parameters
        ----------
        lists : Lists
        groups : list of int, optional
            Whose lists to look at first; then those of the groups that share users with a list
            that was changed. By default all.
        even : bool
            Leave the weights as they are: a first, fast climb.

        Returns
        -------
        lists : Lists
        """
        lists = lists.copy()
        k = lists.items.shape[1]
        waiting = deque(range(len(lists.items)) if groups is None else groups)
        gains = np.empty((k, len(self.rows)))
        sums = balance.weighted_sums(self.rows, lists.items, lists.weights)
        while waiting and not self.stop():
            g = waiting.popleft()
            others = _best_of_others(sums, g)
            balance.values_of_swaps(
                self.rows, lists.items[g], lists.weights[g], others, LEAST_SHARE / k, gains
            )
            if not self._exchange(lists, g, gains, others, even):
                continue
            sums = balance.weighted_sums(self.rows, lists.items, lists.weights)
            for h in [g, *_neighbours(sums, g)]:
                if h not in waiting:
                    waiting.append(h)
        return lists

    def _exchange(
        self,
        lists: Lists,
        g: int,
        gains: NDArray[np.float64],
        others: NDArray[np.float64],
        even: bool,
    ) -> bool:
        """Try the most promising exchanges of one list; keep the first that is better."""
        margin = 1e-7 * max(1.0, abs(lists.value))
        flat = gains.ravel()
        few = np.argpartition(-flat, min(CANDIDATES, len(flat) - 1))[:CANDIDATES]
        for at in few[np.argsort(-flat[few], kind="stable")]:
            if flat[at] <= lists.value + margin:
                return False
            position, item = divmod(int(at), gains.shape[1])
            items, weights = lists.items.copy(), lists.weights.copy()
            items[g, position] = item
            share = LEAST_SHARE / items.shape[1]
            weights[g, position] = max(weights[g, position], share)
            weights[g] /= weights[g].sum()
            floor = lists.value + margin
            alone = weights[g].copy()  # first with the others' weights as they are: far less work
            if not even and (
                balance.level_one(self.rows, items[g], alone, others, LEVELLING, floor) <= floor
            ):
                continue
            value = balance.level_weights(
                self.rows,
                items,
                weights,
                self._choice,
                1 if even else LEVELLING,
                floor,
            )
            if value > floor:
                lists.items, lists.weights, lists.value = items, weights, value
                return True
            if self.stop():
                return False
        return False

    def choose(self, pool: Lists, chosen: NDArray[np.int64], floor: float = -np.inf) -> Lists:
        """Choose lists from a pool: exchange them until no exchange is better, weights as they are.

        Parameters
        ----------
        pool : Lists
            At least as many as are chosen; more than one is chosen.
        chosen : int64 array, shape (groups,)
            Distinct positions in the pool to start from; becomes those found.
        floor : float
            As for `settle`.

        Returns
        -------
        lists : Lists
            With weights settled.
        """
        sums = balance.weighted_sums(self.rows, pool.items, pool.weights)
        balance.exchange_lists(sums, chosen)
        return self.settle(pool.items[chosen], pool.weights[chosen], floor)

    def shake(self, lists: Lists) -> tuple[Lists, list[int]]:
        """Change a few lists at random.

        Parameters
        ----------
        lists : Lists

        Returns
        -------
        lists : Lists
        groups : list of int
            Whose lists were changed.
        """
        rng = self.rng
        items, weights = lists.items.copy(), lists.weights.copy()
        count, k = items.shape
        if rng.random() < 0.6 and len(self.rows) > k:
            changed = [int(g) for g in rng.integers(count, size=rng.integers(1, 4))]
            for g in changed:
                item = int(rng.integers(len(self.rows)))
                if item not in items[g]:
                    items[g, rng.integers(k)] = item
        else:
            changed = [int(rng.integers(count))]
            user = int(rng.integers(self.rows.shape[1]))
            items[changed[0]], weights[changed[0]] = best_items(self.rows[:, user], k), 1.0 / k
        value = balance.level_weights(self.rows, items, weights, self._choice, LEVELLING, -np.inf)
        return Lists(items, weights, value), changed

    def divide(self, lists: Lists, steps: int) -> NDArray[np.int64]:
        """Divide the users among the lists.

        Parameters
        ----------
        lists : Lists
        steps : int
            Of annealing.

        Returns
        -------
        labels : int64 array, shape (users,)
            Groups may be empty.
        """
        sums = balance.weighted_sums(self.rows, lists.items, lists.weights)
        labels: NDArray[np.int64] = sums.argmax(axis=0)
        alternatives = min(self.rows.shape[1], ALTERNATIVES * lists.items.size)
        users, groups = options(sums, alternatives, EQUAL * self.span)
        if len(users) == 0 or self.span <= 0:
            return labels
        pair_starts, pair_users = _pairs(users, groups, len(lists.items))
        on_lists = np.ascontiguousarray(self.rows[lists.items].transpose(2, 0, 1))
        balance.anneal(
            on_lists,
            lists.weights,
            users,
            groups,
            pair_starts,
            pair_users,
            labels,
            HOT * self.span,
            COLD * self.span,
            SOFT,
            steps,
            self.rng,
        )
        return labels


def best_items(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Find the k items with the best scores, equal ones by ascending row: int64, shape (k,)."""
    found: NDArray[np.int64] = np.argsort(-scores, kind="stable")[:k]
    return found


def options(
    sums: NDArray[np.float64], alternatives: int, equal: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose which users may move, and to which groups: those with the least to lose.

    Parameters
    ----------
    sums : float64 array, shape (groups, users)
        What each user is worth to each group.
    alternatives : int
        About so many in all, besides each user's best group and those that are as good.
    equal : float
        Groups that lose no more than this are as good.

    Returns
    -------
    users, groups : int64 arrays, shape (options,)
        User by user; users with one option are left out.
    """
    few = min(FEW_OPTIONS, len(sums))
    if few < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    loss = sums.max(axis=0) - sums
    order = np.argsort(loss, axis=0, kind="stable")[:few]
    loss = np.take_along_axis(loss, order, axis=0)
    worse = loss[loss > equal]
    last = min(alternatives, len(worse)) - 1
    allowed = loss <= (np.partition(worse, last)[last] if len(worse) else equal)
    allowed[0] = True
    allowed[:, allowed.sum(axis=0) < 2] = False
    place, users = np.nonzero(allowed)
    groups = order[place, users]
    by_user = np.lexsort((groups, users))
    return users[by_user], groups[by_user]


def _pairs(
    users: NDArray[np.int64], groups: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List, for each two groups, the users who may be in both (`anneal`)."""
    starts = np.flatnonzero(np.diff(users, prepend=-1))
    lengths = np.diff(np.append(starts, len(users)))
    # each option of a user is paired with each other one of theirs
    repeated = np.repeat(lengths, lengths)
    first = np.repeat(np.arange(len(users)), repeated)
    within = np.arange(len(first)) - np.repeat(np.cumsum(repeated) - repeated, repeated)
    second = np.repeat(np.repeat(starts, lengths), repeated) + within
    keys = groups[first] * count + groups[second]
    order = np.argsort(keys, kind="stable")
    bounds = np.searchsorted(keys[order], np.arange(count * count + 1))
    return bounds.astype(np.int64), users[first][order]


def _best_of_others(sums: NDArray[np.float64], g: int) -> NDArray[np.float64]:
    """Each user's best weighted sum over the lists of the groups but one."""
    others = np.full(sums.shape[1], -np.inf)
    for h in range(len(sums)):
        if h != g:
            np.maximum(others, sums[h], out=others)
    return others


def _neighbours(sums: NDArray[np.float64], g: int, count: int = 3) -> list[int]:
    """Groups whose users would suffer least in group g, or its users there."""
    if len(sums) <= count + 1:
        return [h for h in range(len(sums)) if h != g]
    best = sums.argmax(axis=0)
    own = sums.max(axis=0)
    near = own - sums[g] < np.partition(own - sums[g], len(own) // len(sums))[len(own) // len(sums)]
    votes = np.bincount(best[near], minlength=len(sums))
    mine = np.flatnonzero(best == g)
    if len(mine):
        away = sums[:, mine].copy()
        away[g] = -np.inf
        votes = votes + np.bincount(away.argmax(axis=0), minlength=len(sums))
    votes[g] = -1
    return [int(h) for h in np.argsort(-votes, kind="stable")[:count]]

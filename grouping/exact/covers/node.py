"""A relaxed subproblem under least misery: columns, rows and prices of the linear program."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grouping.exact.covers.certificate import CoverLeaf, best_others, leaf_bound
from grouping.exact.covers.groups import covered, used_weights, values_of
from grouping.exact.covers.master import Master, Solution
from grouping.exact.covers.pricing import PriceProof, Pricer, Prices, exactly_summed
from grouping.exact.grain import grain_of, rounded_down
from grouping.kernels.pricing import counted
from grouping.problem import Problem
from grouping.rows.users import user_rows
from grouping.stopping import CLOSE

NEW_ROWS = 24
"""Users to start with, and to add at a time where a solution leaves them out."""

EASED = 2.0
"""How much poorer than the groups ruled out the group of everybody is, in units of their lack."""


class Covers:
    """What all subproblems share.

    Parameters
    ----------
    problem : Problem
        Least misery.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.ratings = user_rows(problem.ratings)
        self.weights = used_weights(problem.aggregation.weights)
        self.popular = np.asarray(self.ratings.mean(axis=0, dtype=np.float64))
        self.personal = problem.aggregation.of_scores(problem.own.scores)
        weights = problem.aggregation.weights
        terms = problem.groups * math.ceil(weights.sum())
        whole = bool(np.all(weights == np.rint(weights)))
        self.grain = grain_of(problem.ratings, max(1, terms)) if whole else None

    def rounded(self, bound: float, priced: float = 0.0) -> float:
        """Round a bound outward, then down to the grain.

        Parameters
        ----------
        bound : float
        priced : float
            Sum of what multipliers and discounts add to its terms, without their signs.

        Returns
        -------
        bound : float
        """
        largest = max(abs(self.problem.low), abs(self.problem.high)) * self.weights.sum()
        terms = self.problem.groups * (len(self.weights) + 8) * largest + abs(bound) + priced
        return rounded_down(bound + 8 * np.finfo(np.float64).eps * terms, self.grain)

    def target(self, objective: float) -> float:
        """Bound, before rounding, that proves an objective."""
        if self.grain is not None:
            return objective + 0.999 * self.grain
        return objective + 0.5 * CLOSE * max(1.0, abs(objective))

    def above(self, objective: float) -> float:
        """Least objective that counts as more."""
        if self.grain is not None:
            return objective + 0.999999 * self.grain
        return objective + CLOSE * max(1.0, abs(objective))


class Node:
    """A subproblem with its linear program.

    Parameters
    ----------
    covers : Covers
    above, up_to : float64 array, shape (n,)
        Bounds on the value of each user's group: more than, at most.
    together : tuple of tuple of int
        Users that are in one group, ascending; the first stands for all.
    apart : tuple of (int, int)
        Pairs of standing users that are in two groups.
    """

    def __init__(
        self,
        covers: Covers,
        above: NDArray[np.float64],
        up_to: NDArray[np.float64],
        together: tuple[tuple[int, ...], ...] = (),
        apart: tuple[tuple[int, int], ...] = (),
    ) -> None:
        self.covers, self.together, self.apart = covers, together, apart
        self.above, self.up_to = above.copy(), up_to.copy()
        self.ratings, self.personal = covers.ratings, covers.personal
        self.standing = np.ones(len(self.personal), np.bool_)
        if together:
            self._merge()
        self.most = min(covers.problem.groups, int(self.standing.sum()))
        self.floor = -math.inf
        alone = self.personal[self.standing]
        self._others = best_others(alone, self.most)
        self.master = Master(len(self.personal), self.most, float(alone.min()))
        self._known: set[bytes] = set()
        self._sorted = np.zeros((covers.ratings.shape[1], 0), np.int64)
        self.leaf: CoverLeaf | None = None
        self.bound = math.inf
        self.solution: Solution | None = None
        self.cuts = np.zeros(0)
        self.rule_out(-math.inf)

    def _merge(self) -> None:
        # whoever is merged holds the merged row as well: covered with the others or not at all
        self.ratings, self.personal = self.ratings.copy(), self.personal.copy()
        for users in self.together:
            merged = list(users)
            self.ratings[merged] = self.ratings[merged].min(axis=0)
            self.standing[merged[1:]] = False
            self.above[merged] = self.above[merged].max()
            self.up_to[merged] = self.up_to[merged].min()
            rows = self.ratings[merged[:1]].astype(np.float64)
            self.personal[merged] = values_of(rows, self.covers.weights)
        pairs = [tuple(sorted((self._stands(u), self._stands(w)))) for u, w in self.apart]
        self.apart = tuple(dict.fromkeys(pairs))  # type: ignore[arg-type]

    def _stands(self, user: int) -> int:
        return next((users[0] for users in self.together if user in users), user)

    def merged(self, user: int) -> tuple[int, ...]:
        """All users that a standing user stands for."""
        return next((users for users in self.together if users[0] == user), (user,))

    # --- classes of values --------------------------------------------------------------------

    def rule_out(self, objective: float) -> None:
        """Rule groups out that are worth too little for a partition of so good an objective."""
        floor = objective - self._others
        if self.cuts.size and floor <= self.floor:
            return
        self.floor = floor
        if math.isfinite(floor):
            best = float(self.personal[self.standing].max())
            self.master.rule_out(floor, floor - EASED * max(1e-3, best - floor))
        values = np.concatenate([self.above[self.standing], self.up_to[self.standing]])
        self.cuts = np.unique(np.append(values[np.isfinite(values) & (values > floor)], floor))

    def limits(self, number: int) -> tuple[float, float]:
        """Values of a class: above the first, up to the second."""
        last = number + 1 == len(self.cuts)
        return float(self.cuts[number]), math.inf if last else float(self.cuts[number + 1])

    def class_of(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Class of values, -1 for those ruled out."""
        return np.searchsorted(self.cuts, values) - 1

    def allowed(self, number: int) -> NDArray[np.bool_]:
        """Users who may be in groups of a class (those merged included)."""
        low, high = self.limits(number)
        return (self.above <= low) & (self.up_to >= high)

    # --- columns and rows ---------------------------------------------------------------------

    def add_set(
        self, members: NDArray[np.int64], number: int | None = None, prices: Prices | None = None
    ) -> bool:
        """Add the group of some users, with whoever can join it.

        Parameters
        ----------
        members : int64 array
            Allowed in the class.
        number : int, optional
            Class; by default that of the group's value.
        prices : Prices, optional
            Where they count the value no more than a lower one, the lower one is stated, which
            takes no place above the level.

        Returns
        -------
        new : bool
        """
        covers = self.covers
        if number is None:
            rows = self.ratings[members].min(axis=0, keepdims=True).astype(np.float64)
            number = int(self.class_of(values_of(rows, covers.weights))[0])
            if number < 0:
                return False
        value, cover = covered(
            self.ratings, members, self.allowed(number), covers.weights, covers.popular
        )
        low, high = self.limits(number)
        value = min(value, high)
        if prices is not None:
            stated = np.append(
                value, prices.levels[(prices.levels < value) & (prices.levels > low)]
            )
            value = float(stated[_counted(stated, prices).argmax()])
        return self._add_cover(value, cover, members)

    def _add_cover(
        self, value: float, cover: NDArray[np.bool_], members: NDArray[np.int64]
    ) -> bool:
        if not self._taken(value, cover, members):
            return False
        self.master.add_column(value, cover)
        return True

    def _taken(self, value: float, cover: NDArray[np.bool_], members: NDArray[np.int64]) -> bool:
        """Part those in a cover who are to be apart; tell whether it is a column to be added."""
        for pair in self.apart:
            if cover[list(pair)].all():
                given = [user for user in pair if user not in members]
                out = max(given or pair, key=lambda user: (self.personal[user], user))
                cover[list(self.merged(out))] = False
        key = np.packbits(cover).tobytes() + np.float64(value).tobytes()
        if key in self._known or not cover.any() or value <= self.floor:
            return False
        self._known.add(key)
        return True

    def take_columns(self, parent: Node) -> None:
        """Take over a parent's columns, as far as the branchings agree with them."""
        columns = np.flatnonzero(parent.master.active)[1:]
        numbers = self.class_of(parent.master.values[columns])
        allowed = [self.allowed(number) for number in range(len(self.cuts))]
        taken: list[tuple[float, NDArray[np.bool_]]] = []

        def take(value: float, cover: NDArray[np.bool_]) -> None:
            if self._taken(value, cover, np.zeros(0, np.int64)):
                taken.append((value, cover))

        for column, number in zip(columns, numbers, strict=True):
            if number < 0:
                continue
            cover = parent.master.covers[column]
            inside = self._whole(cover & allowed[number])
            take(float(parent.master.values[column]), inside)
            if number and not inside[cover].all():
                # those who may only be in a group of a lower class
                take(float(self.cuts[number]), self._whole(cover & allowed[number - 1]))
        if taken:
            self.master.add_columns(
                np.array([value for value, _ in taken]), np.array([cover for _, cover in taken])
            )

    def _whole(self, cover: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Leave out users who are to be in one group where not all of them are there."""
        for users in self.together:
            if not cover[list(users)].all():
                cover[list(users)] = False
        return cover

    def add_rows(self, users: NDArray[np.int64]) -> None:
        """Ask that some users be covered."""
        for user in users:
            self.master.add_user(int(user))

    def missing_rows(self, solution: Solution) -> NDArray[np.int64]:
        """Users that a solution covers least, of those it does not cover."""
        used = solution.activity > 0
        activity = solution.activity[used] @ self.master.covers[used]
        activity[self.master.rows] = 1.0
        activity[~self.standing] = 1.0
        missing = np.flatnonzero(activity < 1.0 - 1e-6)
        order = np.lexsort((self.personal[missing], activity[missing]))
        return missing[order[:NEW_ROWS]]

    def missing_level(self, solution: Solution) -> float | None:
        """Value that more groups exceed in a solution than users do alone; the worst."""
        used = 1 + np.flatnonzero(solution.activity[1:] > 1e-9)
        values, alone = self.master.values[used], np.sort(self.personal[self.standing])
        known = {level for level, _ in self.master.levels}
        worst, at = 1e-6, None
        for value in np.unique(values):
            below = int(np.searchsorted(alone, value))
            excess = solution.activity[used[values >= value]].sum() - (len(alone) - below)
            if excess > worst and below > 0 and alone[below - 1] not in known:
                worst, at = excess, float(alone[below - 1])
        return at

    def add_level(self, level: float) -> None:
        """Allow no more groups to exceed a value than there are users who do alone."""
        self.master.add_level(level, int((self.personal[self.standing] > level).sum()))

    # --- prices -------------------------------------------------------------------------------

    def prices(self, solution: Solution) -> Prices:
        """Prices of a solution."""
        # those that rounding leaves nothing of are none
        multipliers = exactly_summed(np.maximum(solution.multipliers, 0.0))
        rows = np.flatnonzero(multipliers > 0)
        levels = sorted(
            (level, discount)
            for (level, _), discount in zip(self.master.levels, solution.discounts, strict=True)
            if discount > 0
        )
        discounts = exactly_summed(np.array([discount for _, discount in levels], np.float64))
        kept = discounts > 0
        return Prices(
            np.array(self.master.rows, np.int64)[rows],
            multipliers[rows],
            np.array([level for level, _ in levels], np.float64)[kept],
            np.cumsum(discounts[kept]),
        )

    def bound_of(self, price: float, prices: Prices) -> float:
        """Bound that a price gives, not rounded."""
        alone = self.personal[self.standing]
        places = np.array([(alone > level).sum() for level in prices.levels], np.int64)
        return leaf_bound(price, self.most, prices.multipliers, places, prices.discounts)

    def price_for(self, bound: float, prices: Prices) -> float:
        """Price that gives a bound."""
        worth = bound - self.bound_of(0.0, prices)
        return worth / self.most if worth > 0 else worth

    def price_of_columns(self, prices: Prices) -> float:
        """Price that the columns there are come to."""
        active = self.master.active
        weighed = self.master.covers[:, prices.users][active] @ prices.multipliers
        worth = _counted(self.master.values[active], prices) + weighed
        return float(worth[1:].max(initial=-math.inf))

    def best_alone(self, prices: Prices) -> tuple[float, int, int]:
        """Highest counted value of a user alone, who that is, and the class."""
        best = (-math.inf, -1, -1)
        for number in range(len(self.cuts)):
            limits = np.array(self.limits(number))
            users = np.flatnonzero(self.allowed(number) & self.standing)
            if len(users):
                user = int(users[self.personal[users].argmax()])
                worth = counted(float(self.personal[user]), prices.levels, prices.discounts, limits)
                best = max(best, (float(worth), user, number))
        return best

    def pricer(self, prices: Prices, number: int) -> tuple[Pricer | None, NDArray[np.int64]]:
        """Make a pricer for a class, and the users that it tells apart."""
        inside = self.allowed(number)[prices.users]
        users = prices.users[inside]
        if not len(users):
            return None, users
        if self._sorted.shape[1] < len(self.master.rows):
            rows = self.ratings[self.master.rows]
            self._sorted = np.ascontiguousarray(np.argsort(rows, axis=0, kind="stable").T)
        position = np.full(len(self.master.rows), -1, np.int64)
        row_of = {user: row for row, user in enumerate(self.master.rows)}
        position[[row_of[user] for user in users.tolist()]] = np.arange(len(users))
        at = position[self._sorted]
        order = at[at >= 0].reshape(len(at), len(users))
        ratings = self.ratings[users].T.astype(np.float64)
        where = {user: at for at, user in enumerate(users.tolist())}
        apart = [(where[u], where[w]) for u, w in self.apart if u in where and w in where]
        pricer = Pricer(
            np.take_along_axis(ratings, order, axis=1),
            order.astype(np.uint32),
            replace(prices, users=users, multipliers=prices.multipliers[inside]),
            self.covers.weights,
            self.limits(number),
            np.array(apart, np.int32).reshape(-1, 2),
        )
        return pricer, users

    def prove_poor(self) -> bool:
        """Keep the bound of a subproblem in which every group is ruled out, if it is one.

        Returns
        -------
        poor : bool
        """
        if self.personal[self.standing].max() > self.floor:
            return False
        none = np.zeros(0)
        prices = Prices(np.zeros(0, np.int64), none, none, none)
        self.prove(prices, -math.inf, [None] * len(self.cuts))
        return True

    def prove(self, prices: Prices, price: float, proofs: list[PriceProof | None]) -> bool:
        """Keep proofs of a price if the bound is lower."""
        bound = max(self.bound_of(price, prices), self.floor + self._others)
        priced = 2 * prices.total + float(prices.discounts.sum())
        bound = self.covers.rounded(bound, (self.most + 1) * priced)
        if not bound < self.bound:
            return False
        self.bound = bound
        self.leaf = CoverLeaf(
            prices.users,
            prices.multipliers,
            prices.levels,
            prices.discounts,
            self.cuts,
            tuple(proofs),
        )
        return True


def _counted(values: NDArray[np.float64], prices: Prices) -> NDArray[np.float64]:
    if not len(prices.levels):
        return values
    at = np.searchsorted(prices.levels, values)
    less: NDArray[np.float64] = values - np.concatenate([[0.0], prices.discounts])[at]
    return less

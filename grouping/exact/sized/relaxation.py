"""The relaxation of one part: multipliers, the lists worth most at them, and the bound they prove.

For any numbers lambda, one for each user, of whatever sign,

    objective <= sum of lambda + what groups within the sizes are worth beyond their users' lambda,

each group at most the most that any list makes of so many users. Groups of one list share their
users, so an r-th group of it adds no more than the next best of them (`grouping.kernels.sized`).
`grouping.kernels.sized_prices` finds all lists worth more than a price; every other adds no more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.exact.grain import rounded_down
from grouping.exact.sized.parts import Part
from grouping.exact.sized.rooms import Rooms
from grouping.kernels import sized as kernels
from grouping.kernels import sized_prices as prices
from grouping.memory import require

SLICE, LEAST_SLICE = 30_000_000, 2_000_000
"""Ratings looked at between two looks at the clock, about a tenth of a second; and where they are
sorted, under least misery."""

ROOM = 400
"""Lists worth more than the price that are kept at a time."""

COLUMNS_OF_LIST = 6
"""Thresholds of each list that are columns at first, on average."""

MOST_COLUMNS, MOST_CELLS = 4_000, 1 << 26
"""Columns that are kept, and ratings in them: beyond, those worth least go."""

DESCENT = 100_000_000
"""Ratings looked at by subgradient steps between two looks at the clock: about half a second."""

STEPS, FIRST_STEPS = 400, 200
"""Subgradient steps between two searches for lists."""

AGAIN = 0.05
"""Length of the steps when they are taken up again, in shares of the distance to the aim."""

BELOW, NEARER, NEAREST = 0.3, 0.6, 0.003
"""Where nothing is known, steps aim so far below the bound, in shares of it: in the first round,
how many times less in each next one, and at the least."""

SETTLED, PATIENCE = 1e-5, 4
"""Rounds that lower the bound by a smaller share in a row, after which the relaxation is solved."""

NEARLY = 1e-7
"""Lists that add no more than the poorest group, but for this share, are not looked for."""

WEIGHINGS = 12
"""Times that the weights of a list's items are improved."""


@dataclass(frozen=True, eq=False)
class PartCertificate:
    """Proof that one part of the objective is no larger than a bound.

    Attributes
    ----------
    part : Part
    multipliers : float64 array, shape (n,)
    lists : int64 array, shape (found, k)
        All lists worth more than the price at these multipliers.
    weights : float64 array, shape (found, k), or None
        Where the least of the items' sums counts: convex weights of each list's items.
    price : float
        What no other list adds more than, of whatever number of groups.
    bound : float
        Rounded outward, and down to the ratings' grain.
    """

    part: Part
    multipliers: NDArray[np.float64]
    lists: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    price: float
    bound: float


@dataclass(frozen=True, eq=False)
class Columns:
    """What groups can be offered.

    Attributes
    ----------
    values : float32 or float64 array, shape (columns, users)
        What users are worth in such a group; -infinity for those that it cannot serve.
    gains : float64 array, shape (columns,)
        What a group is worth besides.
    weights : float64 array, shape (columns, k), or None
        Where the least of the items' sums counts: convex weights of each list's items.
    price : float
        No other columns of the lists are worth more.
    """

    values: NDArray[np.floating]
    gains: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    price: float


class Relaxation:
    """Columns, multipliers and the best bound of one part.

    Parameters
    ----------
    rows : float64 array, shape (items, users)
    best : float64 array, shape (users, k)
        Each user's highest ratings, descending.
    rooms : Rooms
    part : Part
    grain : float or None
        What the part is a multiple of.
    multipliers : float64 array, shape (users,)
        To start from.
    """

    def __init__(
        self,
        rows: NDArray[np.float64],
        best: NDArray[np.float64],
        rooms: Rooms,
        part: Part,
        grain: float | None,
        multipliers: NDArray[np.float64],
    ) -> None:
        self.rows, self.rooms, self.part, self.grain = rows, rooms, part, grain
        self.best = np.ascontiguousarray(best[:, : part.k])
        self.multipliers = multipliers.astype(np.float64)
        self.low, self.cap = int(rooms.lows[0]), int(rooms.caps[0])
        self.values = np.empty((0, rows.shape[1]), np.float32)
        self.gains = np.empty(0)
        self.certificate: PartCertificate | None = None
        self.settled = False
        self._known: set[tuple[bytes, float]] = set()
        self._quiet, self._below = 0, BELOW
        self._length = np.array([1.0])

    @property
    def bound(self) -> float:
        """The lowest so far."""
        return math.inf if self.certificate is None else self.certificate.bound

    def start(self, lists: NDArray[np.int64], stop: Callable[[], bool]) -> None:
        """Take lists as the first columns, if there is time: under least misery not many of each.

        Parameters
        ----------
        lists : int64 array, shape (lists, k)
        stop : callable
        """
        columns = self.columns(lists, -math.inf, COLUMNS_OF_LIST * len(lists), stop)
        if columns is not None:
            self._add(columns)

    def _add(self, columns: Columns) -> int:
        """Take columns that are new; return how many are."""
        values = columns.values.astype(np.float32)
        fresh = []
        for at, (row, gain) in enumerate(zip(values, columns.gains.tolist(), strict=True)):
            key = row.tobytes(), gain
            if key not in self._known:
                self._known.add(key)
                fresh.append(at)
        self.values = np.concatenate([self.values, values[fresh]])
        self.gains = np.concatenate([self.gains, columns.gains[fresh]])
        return len(fresh)

    def best_columns(self, count: int) -> NDArray[np.int64]:
        """Tell which columns are worth most at the multipliers."""
        found = np.full(len(self.gains), -np.inf)
        worth = np.empty(len(self.gains))
        for low, cap in zip(self.rooms.lows, self.rooms.caps, strict=True):
            kernels.worths(self.values, self.multipliers, self.gains, low, cap, worth)
            np.maximum(found, worth, out=found)
        most: NDArray[np.int64] = np.argsort(-found, kind="stable")[:count]
        return most

    def round(self, known: float, stop: Callable[[], bool], work: float = math.inf) -> bool:
        """Lower the bound over the columns, then look for lists worth more than these.

        Parameters
        ----------
        known : float
            What some formation is worth; -infinity if nothing is known.
        stop : callable
        work : float
            Give up the search for lists after looking at so many ratings.

        Returns
        -------
        done : bool
            Whether lists were searched to the end.
        """
        bound = self._over(self.values, self.gains)[0]
        aim = known
        if not known < bound or not math.isfinite(known):
            aim = bound - self._below * max(1.0, abs(bound))
            self._below = max(NEARER * self._below, NEAREST)
        left = FIRST_STEPS if self.certificate is None else STEPS
        at_once = max(1, DESCENT // max(1, self.values.size))
        while left > 0:
            self.descend(min(left, at_once), aim)
            left -= at_once
            if left > 0 and stop():
                return False
        self._length[0] = max(self._length[0], AGAIN)
        before = self.bound
        new = self.prove(stop, work)
        if new < 0:
            return False
        gained = before - self.bound > SETTLED * max(1.0, abs(self.bound))
        self._quiet = 0 if gained or new > ROOM // 4 else self._quiet + 1
        self.settled = self._quiet >= PATIENCE
        if len(self.gains) > MOST_COLUMNS:
            kept = np.sort(self.best_columns(MOST_COLUMNS // 2))
            self.values, self.gains = self.values[kept], self.gains[kept]
            self._known = {
                (row.tobytes(), gain)
                for row, gain in zip(self.values, self.gains.tolist(), strict=True)
            }
        return True

    def columns(
        self, lists: NDArray[np.int64], price: float, most: int, stop: Callable[[], bool]
    ) -> Columns | None:
        """Make columns of lists, at the multipliers.

        Parameters
        ----------
        lists : int64 array, shape (lists, k)
        price : float
            Under least misery each list has a column for every threshold worth more than this.
        most : int
            Such columns, at most: of more, the price goes up.
        stop : callable
            Asked for each list.

        Returns
        -------
        columns : Columns or None
            None where it was stopped.
        """
        if self.part.kind == prices.LEAST:
            return self._thresholds(lists, price, most, stop)
        users, k = self.rows.shape[1], self.part.k
        values, weights = np.empty((len(lists), users)), None
        if self.part.kind == prices.WEAKEST:
            weights = np.full((len(lists), k), 1.0 / k)
        for at, items in enumerate(lists):
            if stop():
                return None
            if weights is None:
                values[at] = self.rows[items].sum(axis=0)
            else:
                self._weigh(items, weights[at])
                values[at] = weights[at] @ self.rows[items]
        return Columns(values, np.zeros(len(lists)), weights, price)

    def _thresholds(
        self, lists: NDArray[np.int64], price: float, most: int, stop: Callable[[], bool]
    ) -> Columns | None:
        """Columns of lists under least misery.

        A list has as many as it has thresholds, which may be as many as there are users: so they
        are told apart by what they are worth before any is written down.
        """
        users = self.rows.shape[1]
        most = min(most, max(1, MOST_CELLS // users))
        buffer, above = np.empty(self.cap), np.empty((2, users))
        kept = np.empty((3, 0))  # of each column: its list, its threshold, what it is worth
        for at, items in enumerate(lists):
            if stop():
                return None
            lowest = self.rows[items].min(axis=0)
            _, found = prices.best_threshold(
                lowest, -self.multipliers, users, self.low, self.cap, buffer, price, above
            )
            kept = np.hstack([kept, np.vstack([np.full(found, at), above[:, :found]])])
            if kept.shape[1] > most:
                price = float(np.partition(kept[2], -most - 1)[-most - 1])
                kept = kept[:, kept[2] > price]
        values = np.full((kept.shape[1], users), -np.inf, np.float32)
        for row, at, threshold in zip(values, kept[0].astype(np.int64), kept[1], strict=True):
            row[self.rows[lists[at]].min(axis=0) >= threshold] = 0.0
        return Columns(values, kept[1].copy(), None, price)

    def _weigh(self, items: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        """Find convex weights of a list's items that make it worth little."""
        room = np.empty((3, self.rows.shape[1]))
        for _ in range(WEIGHINGS):
            prices.weigh(
                self.rows,
                items,
                len(items),
                weights,
                self.multipliers,
                self.low,
                self.cap,
                -np.inf,
                room,
            )

    def descend(self, steps: int, aim: float) -> float:
        """Take subgradient steps over the columns; return the bound over them."""
        rooms = self.rooms
        bound, _ = kernels.descend(
            self.values,
            self.gains,
            rooms.lows,
            rooms.caps,
            rooms.limits,
            self.multipliers,
            self._length,
            aim,
            steps,
        )
        return float(bound)

    def prove(self, stop: Callable[[], bool], work: float = math.inf) -> int:
        """Find the lists worth more than the poorest chosen, and state the bound.

        Returns
        -------
        added : int
            Columns that are new; -1 where it was stopped or gave up.
        """
        price = self._poorest()
        price += NEARLY * max(1.0, abs(price))
        found = self.search(price, stop, work)
        if found is None:
            return -1
        price, lists = found
        columns = self.columns(lists, price, MOST_COLUMNS, stop)
        if columns is None:
            return -1
        self._state(lists, columns)
        return self._add(columns)

    def search(
        self, price: float, stop: Callable[[], bool], work: float = math.inf
    ) -> tuple[float, NDArray[np.int64]] | None:
        """Find all lists worth more than a price; it goes up where there are too many."""
        items, users = self.rows.shape
        k = self.part.k
        if self.part.kind == prices.WEAKEST:
            require(8 * k * k * items, "searching over lists", "take fewer items or a smaller k")
        frames = (
            np.empty((k, items), np.int64),
            np.empty((k, items)),
            *np.zeros((3, k), np.int64),
            np.empty((k, users), np.int64),
            np.empty((k, users)),
            np.zeros(k, np.int64),
            np.empty((k, items, k) if self.part.kind == prices.WEAKEST else (k, 1, k)),
        )
        state = np.array([-1, 0])
        at_once = LEAST_SLICE if self.part.kind == prices.LEAST else SLICE
        lists, values = np.empty((ROOM, k), np.int64), np.empty(ROOM)
        while True:
            outcome, price = prices.search(
                self.part.kind,
                self.rows,
                self.best,
                self.multipliers,
                self.low,
                self.cap,
                float(price),
                state,
                frames,
                lists,
                values,
                at_once,
            )
            if outcome == prices.DONE:
                return float(price), lists[: state[prices.FOUND]].copy()
            work -= at_once
            if stop() or work <= 0:
                return None

    def _poorest(self) -> float:
        """What the poorest group adds that is chosen from the columns there are."""
        return max(0.0, float(self._over(self.values, self.gains)[1].min()))

    def _over(
        self, values: NDArray[np.floating], gains: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        rooms, users = self.rooms, self.rows.shape[1]
        largest = np.zeros(len(rooms.limits))
        if not len(values):
            return float(self.multipliers.sum()), largest
        found, slope = np.empty(len(values)), np.empty(users)
        bound = kernels.bound_of(
            values,
            self.multipliers,
            gains,
            rooms.lows,
            rooms.caps,
            rooms.limits,
            np.arange(len(values)),
            found,
            slope,
            largest,
        )
        return float(bound), largest

    def _state(self, lists: NDArray[np.int64], columns: Columns) -> None:
        """State the bound that the multipliers, these lists and the columns' price prove."""
        rooms, users = self.rooms, self.rows.shape[1]
        values, gains, price = columns.values, columns.gains, columns.price
        # as many more columns as there are groups, each worth the price to nobody in particular
        total = [float(self.multipliers.sum())]
        size = float(np.abs(self.multipliers).sum())
        for low, cap, limit in zip(rooms.lows, rooms.caps, rooms.limits, strict=True):
            picked, copies = np.empty((2, limit), np.int64)
            additions = np.zeros(limit)
            chosen = 0
            if len(values):
                found = np.empty(len(values))
                kernels.worths(values, self.multipliers, gains, low, cap, found)
                _, chosen = kernels.best_additions(
                    values,
                    self.multipliers,
                    gains,
                    low,
                    cap,
                    found,
                    limit,
                    picked,
                    copies,
                    additions,
                )
            additions[chosen:] = 0.0
            total.extend(np.maximum(additions, max(price, 0.0)))
        largest = float(np.abs(self.rows).max()) * self.part.k
        size += users * (largest + float(np.abs(self.multipliers).max()))
        # groups that are not all full may have room for more users together than there are
        size *= max(1.0, float(rooms.limits @ rooms.caps) / users)
        slack = 4 * (users + 4 * self.part.k + 8) * np.finfo(np.float64).eps * size
        bound = math.nextafter(math.fsum(total) + slack, math.inf)
        bound = rounded_down(bound, self.grain)
        if bound < self.bound:
            self.certificate = PartCertificate(
                self.part, self.multipliers.copy(), lists, columns.weights, price, bound
            )

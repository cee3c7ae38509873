"""Whether constraints can be met, by whom as little as possible is moved, and which conflict.

Only units with a rule of their own (several users, a given group, somebody to be apart from) are
placed one by one, by an integer program; all other users only count. So a hundred thousand users
with sizes alone make a program of a few numbers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.constraints.rules import Constraints, Rule
from grouping.constraints.units import ANYWHERE, Units, units_of
from grouping.errors import InfeasibleError, UndecidedError

SECONDS = 30.0
"""Time to decide in, where no limit is given."""

INFEASIBLE, LIMIT = 2, 1
"""What `scipy.optimize.milp` calls them."""


def meet(
    constraints: Constraints,
    labels: NDArray[np.int64],
    groups: int,
    seconds: float | None = None,
) -> NDArray[np.int64]:
    """Change a formation as little as possible so that it meets the constraints.

    Parameters
    ----------
    constraints : Constraints
    labels : int64 array, shape (n,)
        A formation of at most `groups` groups.
    groups : int
    seconds : float, optional
        Time to decide in.

    Returns
    -------
    labels : int64 array, shape (n,)
        Those given where they meet the constraints. Slots may be empty unless groups have numbers
        of their own.

    Raises
    ------
    InfeasibleError
        If no formation meets them; the message names rules that conflict, none of which could be
        left out without the conflict going away.
    UndecidedError
        If the time passed before that was known.
    """
    if constraints.satisfied(labels, groups):
        return labels
    deadline = time.perf_counter() + (SECONDS if seconds is None else seconds)
    placing = _place(constraints, labels, groups, deadline)
    if placing is not None:
        return placing
    conflict = _irreducible(constraints, labels, groups, deadline)
    words = "; ".join(rule.words for rule in conflict)
    raise InfeasibleError(
        f"no partition of {len(labels)} users into at most {groups} groups satisfies {words}: "
        + ("change it" if len(conflict) == 1 else "leave one of these out, or change it")
    )


def _irreducible(
    constraints: Constraints, labels: NDArray[np.int64], groups: int, deadline: float
) -> tuple[Rule, ...]:
    """Leave rules out one by one, as long as the rest cannot be met."""
    for rule in constraints.rules:
        fewer = constraints.without(rule)
        try:
            met = _place(fewer, labels, groups, deadline) is not None
        except UndecidedError:
            continue  # it stays, and may be one too many
        if not met:
            constraints = fewer
    return constraints.rules


def _place(
    constraints: Constraints, labels: NDArray[np.int64], groups: int, deadline: float
) -> NDArray[np.int64] | None:
    """Labels that meet the constraints, or None if there are none."""
    units = units_of(constraints, len(labels))
    if units is None:
        return None
    program = _Program(constraints, units, labels, groups)
    found = program.solve(deadline)
    return None if found is None else program.labels_of(*found)


@dataclass(eq=False)
class _Program:
    """The integer program: x[unit, slot] for units with rules; counts and openings of slots."""

    constraints: Constraints
    units: Units
    labels: NDArray[np.int64]
    groups: int

    def __post_init__(self) -> None:
        units = self.units
        linked = np.diff(units.apart.indptr) > 0
        self.ruled = np.flatnonzero((units.sizes > 1) | (units.slots != ANYWHERE) | linked)
        one_by_one = np.isin(units.of_user, self.ruled)
        self.others = np.flatnonzero(~one_by_one)
        self.homes = np.bincount(self.labels[self.others], minlength=self.groups)

    def solve(self, deadline: float) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """Find slots of the ruled units, and how many others each slot holds.

        Raises
        ------
        UndecidedError
            If the time passed.
        """
        from scipy.optimize import Bounds, milp

        if time.perf_counter() >= deadline:
            raise _undecided()
        count, groups, users = len(self.ruled), self.groups, len(self.labels)
        # columns: x (count x groups), staying others, coming others, openings (groups each)
        staying, coming = count * groups, (count + 1) * groups
        opening, columns = (count + 2) * groups, (count + 3) * groups
        cost = np.zeros(columns)
        first_user = np.full(len(self.units.sizes), users, np.int64)
        np.minimum.at(first_user, self.units.of_user, np.arange(users))
        homes = self.labels[first_user[self.ruled]]
        sizes = self.units.sizes[self.ruled]
        cost[np.arange(count) * groups + homes] = -sizes
        cost[staying:coming] = -1.0
        cost[opening:] = -0.5 / groups  # as many groups as there may be, all else equal
        most = np.ones(columns)
        most[staying:coming], most[coming:opening] = self.homes, len(self.others)
        least = np.zeros(columns)
        if self.constraints.slotted:
            least[opening:] = 1.0
        for row, slot in enumerate(self.units.slots[self.ruled].tolist()):
            if slot != ANYWHERE:
                least[row * groups + slot] = 1.0
        if np.any(least > most):
            return None
        found = milp(
            cost,
            integrality=np.ones(columns, np.int64),
            bounds=Bounds(least, most),
            constraints=self._rows(staying, coming, opening, columns),
            options={"time_limit": max(0.01, deadline - time.perf_counter())},
        )
        if found.status == INFEASIBLE:
            return None
        if found.x is None:
            raise _undecided()
        whole = np.rint(found.x).astype(np.int64)
        slots = whole[:staying].reshape(count, groups).argmax(axis=1)
        return slots, whole[staying:coming] + whole[coming:opening]

    def _rows(self, staying: int, coming: int, opening: int, columns: int) -> list[Any]:
        from scipy.optimize import LinearConstraint

        count, groups = len(self.ruled), self.groups
        sizes, slots = self.units.sizes[self.ruled], np.arange(groups)
        rows: list[Any] = []

        def add(matrix: sp.coo_array, least: float, most: float) -> None:
            rows.append(LinearConstraint(sp.csc_array(matrix), least, most))

        if count:
            x = np.arange(count * groups)
            ones = (np.ones(len(x)), (x // groups, x))
            add(sp.coo_array(ones, (count, columns)), 1, 1)
            clashes = sp.coo_array(self.units.apart[self.ruled][:, self.ruled])
            above = clashes.coords[0] < clashes.coords[1]
            pairs = np.stack(clashes.coords, axis=1)[above]
            at = np.arange(len(pairs) * groups)
            both = [pairs[at // groups, side] * groups + at % groups for side in (0, 1)]
            entries = (np.ones(2 * len(at)), (np.r_[at, at], np.r_[both[0], both[1]]))
            if len(at):
                add(sp.coo_array(entries, (len(at), columns)), -np.inf, 1)
        others = (np.ones(2 * groups), (np.zeros(2 * groups, int), np.arange(staying, opening)))
        add(sp.coo_array(others, (1, columns)), len(self.others), len(self.others))
        held = (
            np.r_[np.repeat(sizes, groups), np.ones(2 * groups)],
            (np.r_[np.tile(slots, count), slots, slots], np.arange(opening)),
        )
        users = sp.coo_array(held, (groups, columns))
        opened = (slots, opening + slots)
        high = self.constraints.high(groups, len(self.labels))
        low = np.full(groups, self.constraints.low())
        add(users - sp.coo_array((high, opened), (groups, columns)), -np.inf, 0)
        add(users - sp.coo_array((low, opened), (groups, columns)), 0, np.inf)
        return rows

    def labels_of(self, slots: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Put the program's answer into practice: the first of each group stay."""
        slot_of_unit = np.full(len(self.units.sizes), ANYWHERE, np.int64)
        slot_of_unit[self.ruled] = slots
        labels = slot_of_unit[self.units.of_user]
        room = counts.copy()
        moving = []
        for user in self.others.tolist():
            home = self.labels[user]
            if room[home] > 0:
                labels[user], room[home] = home, room[home] - 1
            else:
                moving.append(user)
        labels[moving] = np.repeat(np.arange(self.groups), room)
        return labels


def _undecided() -> UndecidedError:
    return UndecidedError(
        "the time was over before it was known whether the constraints can be met: "
        "give more with --time-limit"
    )

"""Newcomers into groups whose members stay, within constraints, at the least cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.capacities import TIED, place
from grouping.constraints.attributes import SLACK
from grouping.constraints.meeting import irreducible
from grouping.constraints.programs import (
    INFEASIBLE,
    OPTIMAL,
    balanced,
    deadline_of,
    effort,
    milp,
    not_alone,
    over,
    why_undecided,
)
from grouping.constraints.rules import Constraints
from grouping.constraints.traits import traits_of
from grouping.constraints.units import ANYWHERE, Units, units_of
from grouping.errors import InfeasibleError, UndecidedError


def join_within(
    constraints: Constraints,
    members: NDArray[np.int64],
    costs: Sequence[NDArray[np.float64]],
    closed: NDArray[np.bool_],
    seconds: float | None = None,
) -> tuple[NDArray[np.int64], bool]:
    """Place newcomers so that all constraints hold and their costs add up to the least.

    Parameters
    ----------
    constraints : Constraints
        Of all users: the members, then the newcomers. Groups that hold more members than they
        may already only get nobody else.
    members : int64 array, shape (members,)
        Their groups.
    costs : sequence of float64 arrays, shape (newcomers, groups)
        As for `place`: the first decide, then the second, at last the numbers of groups.
    closed : bool array, shape (newcomers, groups)
        Groups that a newcomer cannot join, where there is a rule ``exclude``.
    seconds : float, optional
        Time to decide in; by default so much is tried that equal input gives equal labels.

    Returns
    -------
    labels : int64 array, shape (newcomers,)
    proven : bool
        Whether it is known that no other placement costs less.

    Raises
    ------
    InfeasibleError
        If there is no such placement; the message names rules that conflict.
    UndecidedError
        If the time passed, or the solver failed, before one was found.
    """
    deadline = deadline_of(seconds)

    def placed(
        rules: Constraints, by: Sequence[NDArray[np.float64]]
    ) -> tuple[NDArray[np.int64], bool] | None:
        seats = _Seats.of(rules, members, closed)
        return None if seats is None else seats.labels(by, deadline)

    found = placed(constraints, costs)
    if found is not None:
        return found
    conflict = irreducible(constraints, lambda fewer: placed(fewer, ()) is not None)
    words = "; ".join(rule.words for rule in conflict)
    count = len(closed)
    raise InfeasibleError(
        f"{'the newcomer' if count == 1 else f'{count} newcomers'} cannot join so that {words} "
        f"{'is' if len(conflict) == 1 else 'are'} kept to: members stay; "
        f"{'change it' if len(conflict) == 1 else 'leave one of these out, or change it'}, or form "
        "the groups anew"
    )


@dataclass(frozen=True, eq=False)
class _Seats:
    """What is settled before anybody chooses, and what is left.

    Attributes
    ----------
    constraints : Constraints
    units : Units
    seat : int64 array, shape (users,)
        Group of each user that is given: by where members are, or by a rule; else `ANYWHERE`.
    free : int64 array, shape (free,)
        Units of newcomers who are to be placed.
    room : int64 array, shape (groups,)
        Users that each group still takes.
    closed : bool array, shape (free, groups)
    members : int
        The first so many users are members.
    """

    constraints: Constraints
    units: Units
    seat: NDArray[np.int64]
    free: NDArray[np.int64]
    room: NDArray[np.int64]
    closed: NDArray[np.bool_]
    members: int

    @classmethod
    def of(
        cls, constraints: Constraints, members: NDArray[np.int64], closed: NDArray[np.bool_]
    ) -> _Seats | None:
        """Settle what is given; None where that breaks a rule."""
        count, (newcomers, groups) = len(members), closed.shape
        users = count + newcomers
        units = units_of(constraints, users)
        if units is None:
            return None
        of_members = units.of_user[:count]
        seat = units.slots.copy()
        seat[of_members] = members
        fixed = units.slots != ANYWHERE
        if np.any(seat[of_members] != members) or np.any(seat[fixed] != units.slots[fixed]):
            return None
        if not constraints.of_kind("exclude"):
            closed = np.zeros_like(closed)
        shut = np.zeros((len(seat), groups), bool)
        np.logical_or.at(shut, units.of_user[count:], closed)
        there = np.flatnonzero(seat != ANYWHERE)
        if shut[there, seat[there]].any():
            return None
        apart = units.apart.tocoo()
        met = (seat[apart.row] != ANYWHERE) & (seat[apart.row] == seat[apart.col])
        if met.any():
            return None
        of_user = seat[units.of_user]
        sizes = np.bincount(of_user[of_user != ANYWHERE], minlength=groups)
        most = np.maximum(constraints.high(groups, users), np.bincount(members, minlength=groups))
        room: NDArray[np.int64] = most - sizes
        if room.min() < 0:
            return None
        free = np.flatnonzero(seat == ANYWHERE)
        # who may not be where somebody is whom they must be apart from
        near = sp.csr_array(units.apart[free][:, there]).tocoo()
        shut[free[near.row], seat[there[near.col]]] = True
        return cls(constraints, units, of_user, free, room, shut[free], count)

    def labels(
        self, costs: Sequence[NDArray[np.float64]], deadline: float | None
    ) -> tuple[NDArray[np.int64], bool] | None:
        """Place who is free, and tell whether it is proven best; None where that cannot be."""
        groups = len(self.room)
        unit_of = self.units.of_user[self.members :]
        at = np.full(len(self.units.sizes), -1, np.int64)
        at[self.free] = np.arange(len(self.free))
        summed = []
        for cost in costs:
            of_units = np.zeros((len(self.free), groups))
            free = at[unit_of] >= 0
            np.add.at(of_units, at[unit_of][free], cost[free])
            summed.append(of_units)
        if self.closed.all(axis=1).any():
            return None
        if self._alone():
            proven = True
            try:
                chosen = place(summed or [np.zeros(self.closed.shape)], self.room, self.closed)
            except InfeasibleError:
                return None
        else:
            found = self._chosen(summed, deadline)
            if found is None:
                return None
            chosen, proven = found
        labels = self.seat[self.members :].copy()
        labels[at[unit_of] >= 0] = chosen[at[unit_of][at[unit_of] >= 0]]
        return labels, proven

    def _alone(self) -> bool:
        """Whether newcomers have nothing to do with each other but that room is short."""
        amount = int(self.units.sizes[self.free].sum())
        return bool(
            amount == len(self.free)
            and amount <= self.room.sum()
            and not len(traits_of(self.constraints, len(self.units.of_user)).shares)
            and not self.units.apart[self.free][:, self.free].nnz
            and self._sizes().min() >= self.constraints.low()
        )

    def _sizes(self) -> NDArray[np.int64]:
        seated = self.seat[self.seat != ANYWHERE]
        return np.bincount(seated, minlength=len(self.room)).astype(np.int64)

    def _chosen(
        self, costs: Sequence[NDArray[np.float64]], deadline: float | None
    ) -> tuple[NDArray[np.int64], bool] | None:
        """Solve an integer program for each cost in turn, the optima of one bounding the next."""
        from scipy.optimize import Bounds, LinearConstraint

        if over(deadline):
            raise _undecided()
        free, groups = self.closed.shape
        rows = _Rows(free * groups)
        self._placing(rows)
        self._counting(rows)
        columns = rows.columns
        if columns == 0:  # everybody is seated: whether that keeps to the rules
            kept = all(low <= 0 <= high for low, high in zip(rows.least, rows.most, strict=True))
            return (np.empty(0, np.int64), True) if kept else None
        limits = [LinearConstraint(rows.matrix(), rows.least, rows.most)]
        most = np.ones(columns)
        most[: free * groups][self.closed.ravel()] = 0
        numbers = np.broadcast_to(np.arange(groups, dtype=np.float64), (free, groups))
        solution, proven = None, True
        for cost in [*costs, numbers] if len(costs) else [np.zeros((free, groups))]:
            if solution is not None and over(deadline):
                proven = False
                break
            scale = float(np.abs(cost).max(initial=0.0))
            weights = np.zeros(columns)
            weights[: free * groups] = (cost / (scale or 1.0)).ravel()
            found = milp(
                weights,
                integrality=np.ones(columns, np.int64),
                bounds=Bounds(0, most),
                constraints=limits,
                options=effort(deadline, mip_rel_gap=0.0),
            )
            # where there is a placement already, only tolerances can say that there is none
            if found.status == INFEASIBLE and solution is None:
                return None
            proven = proven and found.status == OPTIMAL
            if found.x is None:
                if solution is None:
                    raise _undecided(found)
                break
            solution = np.rint(found.x)
            worth = float(weights @ solution)
            limits.append(LinearConstraint(sp.csr_array(weights[None, :]), -np.inf, worth + TIED))
        assert solution is not None
        chosen: NDArray[np.int64] = (
            solution[: free * groups].reshape(free, groups).argmax(axis=1).astype(np.int64)
        )
        return chosen, proven

    def _placing(self, rows: _Rows) -> None:
        """Everybody in one group, no more than there is room for, and nobody beside whom not."""
        free, groups = self.closed.shape
        x = np.arange(free * groups).reshape(free, groups)
        sizes, before, low = self.units.sizes[self.free], self._sizes(), self.constraints.low()
        for unit in range(free):
            rows.add(x[unit], 1.0, 1, 1)
        for group in range(groups):
            rows.add(x[:, group], sizes, low - before[group], self.room[group])
        for rule in self.constraints.of_kind("apart"):
            clique = np.isin(self.free, self.units.of_user[list(rule.users)])
            if clique.sum() > 1:
                for group in range(groups):
                    rows.add(x[clique, group], 1.0, -np.inf, 1)

    def _counting(self, rows: _Rows) -> None:
        """What groups hold of each trait: what is there and who comes."""
        traits = traits_of(self.constraints, len(self.seat))
        free, groups = self.closed.shape
        x = np.arange(free * groups).reshape(free, groups)
        sizes, before = self.units.sizes[self.free], self._sizes()
        amounts = traits.of_units(self.units)[self.free]
        seated = self.seat != ANYWHERE
        largest = before + np.minimum(self.room, sizes.sum())
        for trait, (share, tolerance) in enumerate(
            zip(traits.shares.tolist(), traits.tolerances.tolist(), strict=True)
        ):
            having = (traits.of_user == trait).any(axis=1) & seated
            held = np.bincount(self.seat[having], minlength=groups)
            coming = amounts[:, trait].astype(np.float64)
            some = coming > 0
            for group in range(groups):
                if traits.not_alone[trait] and held[group] == 1:
                    rows.add(x[some, group], coming[some], 1, np.inf)
                elif traits.not_alone[trait] and held[group] == 0:
                    more = np.append(x[some, group], rows.another())
                    for row in not_alone(coming.sum()):
                        values = np.append(row.held * coming[some], row.flag)
                        rows.add(more, values, -np.inf, row.most)
                if tolerance >= 1.0:
                    continue
                most, size = float(largest[group]), int(before[group])
                # its tolerance is the wider one in no case, or in any: then there is no flag
                never, always = tolerance * most <= 1.0, tolerance * size >= 1.0
                flag = None if never or always else rows.another()
                for row in balanced(share, tolerance, most):
                    values = row.held * coming + row.size * sizes
                    left = row.most - row.held * held[group] - row.size * size + SLACK
                    if flag is None:
                        rows.add(x[:, group], values, -np.inf, left - always * row.flag)
                    else:
                        with_flag = np.append(x[:, group], flag)
                        rows.add(with_flag, np.append(values, row.flag), -np.inf, left)


def _undecided(found: Any = None) -> UndecidedError:
    return UndecidedError(
        f"{why_undecided(found)} before it was known whether newcomers can join within the "
        "constraints: let fewer join at a time, or form the groups anew"
    )


class _Rows:
    """Rows of a program, as they are written down; its columns may become more."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.least: list[float] = []
        self.most: list[float] = []
        self._at: list[NDArray[np.int64]] = []
        self._values: list[NDArray[np.float64]] = []

    def another(self) -> int:
        """Number a further column."""
        self.columns += 1
        return self.columns - 1

    def add(self, at: NDArray[np.int64], values: Any, least: float, most: float) -> None:
        """Write a row down: its columns, their values, and what the sum lies between."""
        self._at.append(at)
        self._values.append(np.broadcast_to(np.asarray(values, np.float64), at.shape))
        self.least.append(float(least))
        self.most.append(float(most))

    def matrix(self) -> sp.csr_array:
        """All rows together."""
        lengths = [len(at) for at in self._at]
        of = np.repeat(np.arange(len(lengths)), lengths)
        places = (of, np.concatenate(self._at))
        cells = sp.coo_array(
            (np.concatenate(self._values), places), shape=(len(lengths), self.columns)
        )
        return sp.csr_array(cells)

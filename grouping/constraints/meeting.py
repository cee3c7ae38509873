"""Whether constraints can be met, by whom as little as possible is moved, and which conflict.

Only units with a rule of their own (several users, a given group, somebody to be apart from,
something that they exclude) are placed one by one, by an integer program; all other users only
count. So a hundred thousand users with sizes alone make a program of a few numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.constraints.programs import (
    INFEASIBLE,
    TIME_OVER,
    TOLERANCE,
    balanced,
    deadline_of,
    effort,
    milp,
    not_alone,
    over,
    spent,
    why_undecided,
)
from grouping.constraints.rounding import rounded
from grouping.constraints.rules import Constraints, Rule
from grouping.constraints.traits import traits_of
from grouping.constraints.units import ANYWHERE, Units, units_of
from grouping.errors import InfeasibleError, UndecidedError

MOST_TRAITS = 200
"""Values times groups that a program of all at once is solved for without trying to round."""

MOST_CELLS = 2_000_000
"""Numbers in the program's rows about what is excluded, at the most."""

NEAR = 0.05
"""Share of the users by which more may be moved than need be where attributes are balanced."""


@dataclass(frozen=True, eq=False)
class Shut:
    """What users exclude, so that a group of them can have a list at all.

    Attributes
    ----------
    pairs : int64 array, shape (pairs, 2)
        User and item.
    items, k : int
        Of all items, every group has k left that none of its members excludes.
    """

    pairs: NDArray[np.int64]
    items: int
    k: int


def meet(
    constraints: Constraints,
    labels: NDArray[np.int64],
    groups: int,
    seconds: float | None = None,
    shut: Shut | None = None,
) -> NDArray[np.int64]:
    """Change a formation as little as possible so that it meets the constraints.

    Parameters
    ----------
    constraints : Constraints
    labels : int64 array, shape (n,)
        A formation of at most `groups` groups.
    groups : int
    seconds : float, optional
        Time to decide in; by default so much is tried that equal input gives equal labels.
    shut : Shut, optional
        What the rule ``exclude`` is about. Without it that rule is left aside.

    Returns
    -------
    labels : int64 array, shape (n,)
        Those given where they meet the constraints (and ``shut`` is not given). Slots may be empty
        unless groups have numbers of their own.

    Raises
    ------
    InfeasibleError
        If no formation meets them; the message names rules that conflict, none of which could be
        left out without the conflict going away.
    UndecidedError
        If the time passed before that was known.
    """
    if shut is None and constraints.satisfied(labels, groups):
        return labels
    deadline = deadline_of(seconds)
    placing = _place(constraints, labels, groups, deadline, shut)
    if placing is not None:
        return placing
    conflict = irreducible(
        constraints, lambda fewer: _place(fewer, labels, groups, deadline, shut) is not None
    )
    words = "; ".join(rule.words for rule in conflict)
    raise InfeasibleError(
        f"no partition of {len(labels)} users into at most {groups} groups satisfies {words}: "
        + (_why(conflict[0], len(labels), groups, shut) if len(conflict) == 1 else "")
        + ("change it" if len(conflict) == 1 else "leave one of these out, or change it")
    )


def _why(rule: Rule, users: int, groups: int, shut: Shut | None) -> str:
    """Say why a rule cannot be met by itself, where that is counted easily."""
    if rule.kind == "exclude" and shut is not None:
        return f"every group needs {shut.k} items that none of its members excludes; "
    room = {"max_size": groups * sum(rule.numbers), "sizes": sum(rule.numbers)}.get(rule.kind)
    if room is not None and room < users:
        return f"there is room for {room}; "
    if rule.kind == "apart" and len(rule.users) > groups:
        return f"these are {len(rule.users)} users; "
    return ""


def irreducible(
    constraints: Constraints, can_be_met: Callable[[Constraints], bool]
) -> tuple[Rule, ...]:
    """Leave rules out one by one, as long as the rest cannot be met.

    Parameters
    ----------
    constraints : Constraints
        That cannot be met.
    can_be_met : callable
        Whether fewer can; may raise `UndecidedError`.

    Returns
    -------
    rules : tuple of Rule
        None of which can be left out without the conflict going away, as far as was decided.
    """
    for rule in constraints.rules:
        fewer = constraints.without(rule)
        try:
            met = can_be_met(fewer)
        except UndecidedError:
            continue  # it stays, and may be one too many
        if not met:
            constraints = fewer
    return constraints.rules


def _place(
    constraints: Constraints,
    labels: NDArray[np.int64],
    groups: int,
    deadline: float | None,
    shut: Shut | None = None,
) -> NDArray[np.int64] | None:
    """Labels that meet the constraints, or None if there are none."""
    units = units_of(constraints, len(labels))
    if units is None:
        return None
    program = _Program(
        constraints, units, labels, groups, shut if constraints.of_kind("exclude") else None
    )
    if len(program.traits.shares) * groups > MOST_TRAITS:
        found = program.round(deadline)
        if found is not None:
            made = program.labels_of(*found)
            if constraints.satisfied(made, groups):
                return made
    found = program.solve(deadline)
    if found is None:
        return None
    made = program.labels_of(*found)
    if not constraints.satisfied(made, groups):  # off by what the solver tolerates
        found = program.solve(deadline, margin=3.0 * TOLERANCE)
        made = made if found is None else program.labels_of(*found)
        if not constraints.satisfied(made, groups):
            raise UndecidedError(
                "the constraints can be met but for the roundings of the solver of integer "
                "programs, and it is not known whether exactly: leave one out, or allow a little "
                "more"
            )
    return made


def _without_attributes(constraints: Constraints) -> Constraints:
    return Constraints(tuple(rule for rule in constraints.rules if rule.attribute is None))


Entries: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], Any]


@dataclass(eq=False)
class _Program:
    """The integer program: x[unit, slot] for units with rules; counts and openings of slots.

    All other users count by cells: those who have equal values of all attributes that rules are
    about are alike.
    """

    constraints: Constraints
    units: Units
    labels: NDArray[np.int64]
    groups: int
    shut: Shut | None = None

    def __post_init__(self) -> None:
        units, users = self.units, len(self.labels)
        linked = np.diff(units.apart.indptr) > 0
        excluding = np.zeros(len(units.sizes), bool)
        self.needed, self.excluded = 0, np.empty((0, 2), np.int64)
        if self.shut is not None:
            of_units = np.stack(
                [units.of_user[self.shut.pairs[:, 0]], self.shut.pairs[:, 1]], axis=1
            )
            self.excluded = np.unique(of_units, axis=0)
            left = self.shut.items - len(np.unique(self.excluded[:, 1]))
            self.needed = max(0, self.shut.k - left)  # of those that somebody excludes
        if self.needed:
            excluding[self.excluded[:, 0]] = True
        alone = (units.sizes == 1) & (units.slots == ANYWHERE) & ~linked & ~excluding
        self.ruled = np.flatnonzero(~alone)
        one_by_one = np.isin(units.of_user, self.ruled)
        self.others = np.flatnonzero(~one_by_one)
        self.traits = traits_of(self.constraints, users)
        self.cells, self.cell_of = _alike(self.traits.of_user[self.others])
        homes = self.cell_of * self.groups + self.labels[self.others]
        self.homes = np.bincount(homes, minlength=len(self.cells) * self.groups)

    def solve(
        self, deadline: float | None, margin: float = 0.0
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """Find slots of the ruled units, and how many others of each cell each slot holds.

        Parameters
        ----------
        deadline : float or None
        margin : float
            By how much rows about attributes are to be kept to more strictly, for each unit of
            their numbers.

        Returns
        -------
        slots : int64 array, shape (ruled,)
        counts : int64 array, shape (cells, groups)

        Raises
        ------
        UndecidedError
            If the time passed, or so much is excluded that the program would be too large.
        """
        from scipy.optimize import Bounds

        if over(deadline):
            raise _undecided()
        if self.needed and len(self.excluded) * self.groups > MOST_CELLS:
            raise UndecidedError(
                f"{len(self.excluded)} exclusions are too many to know whether the constraints can "
                "be met: exclude fewer"
            )
        count, groups, users = len(self.ruled), self.groups, len(self.labels)
        at = self._columns()
        cost = np.zeros(at["end"])
        first_user = np.full(len(self.units.sizes), users, np.int64)
        np.minimum.at(first_user, self.units.of_user, np.arange(users))
        homes = self.labels[first_user[self.ruled]]
        sizes = self.units.sizes[self.ruled]
        cost[np.arange(count) * groups + homes] = -sizes
        cost[at["staying"] : at["coming"]] = -1.0
        cost[at["opening"] : at["size"]] = -0.5 / groups  # as many groups as there may be
        most = np.ones(at["end"])
        most[at["staying"] : at["coming"]] = self.homes
        in_cells = np.bincount(self.cell_of, minlength=len(self.cells))
        most[at["coming"] : at["opening"]] = np.repeat(in_cells, groups)
        most[at["size"] : at["large"]] = users
        least = np.zeros(at["end"])
        if self.constraints.slotted:
            least[at["opening"] : at["size"]] = 1.0
        for row, slot in enumerate(self.units.slots[self.ruled].tolist()):
            if slot != ANYWHERE:
                least[row * groups + slot] = 1.0
        if np.any(least > most):
            return None
        whole_numbers = np.ones(at["end"], np.int64)
        whole_numbers[at["size"] : at["large"]] = 0  # they follow
        near = NEAR if len(self.traits.shares) else 0.0
        found = milp(
            cost,
            integrality=whole_numbers,
            bounds=Bounds(least, most),
            constraints=[*self._placing(at), *self._counting(at, margin), *self._listing(at)],
            options=effort(deadline, mip_rel_gap=1.0 if self.needed else near),
        )
        if found.status == INFEASIBLE:
            return None
        if found.x is None:
            raise _undecided(found)
        whole = np.rint(found.x).astype(np.int64)
        slots = whole[: at["staying"]].reshape(count, groups).argmax(axis=1)
        staying, coming = np.split(whole[at["staying"] : at["opening"]], 2)
        return slots, (staying + coming).reshape(-1, groups)

    def round(self, deadline: float | None) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """Settle sizes without regard to attributes, then what groups of these sizes hold.

        Returns
        -------
        slots, counts
            As `solve` does; None where this way leads to nothing.

        Raises
        ------
        UndecidedError
            If the time passed.
        """
        others = _without_attributes(self.constraints)
        placed = self.labels
        if self.needed or not others.satisfied(placed, self.groups):
            found = _place(others, placed, self.groups, deadline, self.shut)
            if found is None:
                return None
            placed = found
        first = np.full(len(self.units.sizes), len(placed), np.int64)
        np.minimum.at(first, self.units.of_user, np.arange(len(placed)))
        slots = placed[first[self.ruled]]
        amounts = self.traits.of_units(self.units)[self.ruled]
        held = np.zeros((self.groups, len(self.traits.shares)), np.int64)
        np.add.at(held, slots, amounts)
        counts = rounded(
            self.traits,
            self.cells,
            self.homes.reshape(-1, self.groups),
            np.bincount(placed, minlength=self.groups),
            np.bincount(slots, self.units.sizes[self.ruled], self.groups).astype(np.int64),
            held,
            deadline,
        )
        return None if counts is None else (slots, counts)

    @property
    def _disputed(self) -> int:
        return len(np.unique(self.excluded[:, 1])) if self.needed else 0

    def _columns(self) -> dict[str, int]:
        """Where the variables begin."""
        count, groups, cells = len(self.ruled), self.groups, len(self.cells)
        lengths = {
            "x": count * groups,
            "staying": cells * groups,
            "coming": cells * groups,
            "opening": groups,
            "size": groups,
            "large": groups * len(self.traits.shares),  # whether the tolerance is more than 1
            "some": groups * len(self.traits.shares),  # whether there is more than none
            "listed": groups * self._disputed,  # items that somebody excludes
        }
        begins = np.cumsum([0, *lengths.values()]).tolist()
        return dict(zip([*lengths, "end"], begins, strict=True))

    def _placing(self, at: dict[str, int]) -> Iterator[Any]:
        """Everybody in one group, nobody with whom they must not be, groups as large as allowed."""
        from scipy.optimize import LinearConstraint

        count, groups, cells = len(self.ruled), self.groups, len(self.cells)
        sizes, slots = self.units.sizes[self.ruled], np.arange(groups)
        if count:
            x = np.arange(count * groups)
            yield LinearConstraint(_rows(at, (x // groups, x, 1.0)), 1, 1)
        for clique in self._cliques():
            of = np.tile(slots, len(clique))
            columns = np.repeat(clique * groups, groups) + of
            yield LinearConstraint(_rows(at, (of, columns, 1.0)), -np.inf, 1)
        if cells:
            others = np.arange(2 * cells * groups)
            of_cell = others // groups % cells
            in_cells = np.bincount(self.cell_of, minlength=cells)
            everybody = _rows(at, (of_cell, at["staying"] + others, 1.0))
            yield LinearConstraint(everybody, in_cells, in_cells)
        held = np.arange(at["opening"])
        users = np.concatenate([np.repeat(sizes, groups), np.ones(2 * cells * groups)])
        size, opened = slots + at["size"], slots + at["opening"]
        yield LinearConstraint(_rows(at, (held % groups, held, users), (slots, size, -1.0)), 0, 0)
        high, low = self.constraints.high(groups, len(self.labels)), self.constraints.low()
        most = _rows(at, (slots, size, 1.0), (slots, opened, -high))
        yield LinearConstraint(most, -np.inf, 0)
        fewest = _rows(at, (slots, size, 1.0), (slots, opened, -low))
        yield LinearConstraint(fewest, 0, np.inf)

    def _cliques(self) -> Iterator[NDArray[np.int64]]:
        """Positions, among the ruled units, of those of whom no two may be together."""
        for rule in self.constraints.of_kind("apart"):
            yield np.searchsorted(self.ruled, np.unique(self.units.of_user[list(rule.users)]))

    def _listing(self, at: dict[str, int]) -> Iterator[Any]:
        """Enough items for every group that none of its members excludes."""
        from scipy.optimize import LinearConstraint

        count, groups = self._disputed, self.groups
        if not count:
            return
        slots = np.arange(groups)
        _, item = np.unique(self.excluded[:, 1], return_inverse=True)
        unit = np.searchsorted(self.ruled, self.excluded[:, 0])
        by = np.bincount(item, minlength=count).astype(np.float64)
        # an item is listed in a slot, or units that exclude it are there
        of = (item[:, None] * groups + slots).ravel()
        units = (unit[:, None] * groups + slots).ravel()
        cells = np.arange(count * groups)
        rows = _rows(at, (of, units, 1.0), (cells, at["listed"] + cells, np.repeat(by, groups)))
        yield LinearConstraint(rows, -np.inf, np.repeat(by, groups))
        enough = _rows(at, (cells % groups, at["listed"] + cells, 1.0))
        yield LinearConstraint(enough, self.needed, np.inf)

    def _counting(self, at: dict[str, int], margin: float) -> Iterator[Any]:
        """Groups' counts of each trait, as far as rules are about them: a row a group."""
        from scipy.optimize import LinearConstraint

        traits, slots = self.traits, np.arange(self.groups)
        largest = int(self.constraints.high(self.groups, len(self.labels)).max())
        amounts = traits.of_units(self.units)[self.ruled]
        size = at["size"] + slots
        for trait, (share, tolerance) in enumerate(
            zip(traits.shares.tolist(), traits.tolerances.tolist(), strict=True)
        ):
            large = at["large"] + trait * self.groups + slots
            rows = []
            if traits.not_alone[trait]:
                some = at["some"] + trait * self.groups + slots
                rows += [(some, row) for row in not_alone(round(share * len(self.labels)))]
            if tolerance < 1.0:
                rows += [(large, row) for row in balanced(share, tolerance, largest)]
            for flag, row in rows:
                count = self._count(at, trait, row.held * amounts[:, trait], row.held)
                entries = count, (slots, size, row.size), (slots, flag, row.flag)
                strictly = margin * (1.0 + abs(row.flag)) if row.size else 0.0  # whole otherwise
                yield LinearConstraint(_rows(at, *entries), -np.inf, row.most - strictly)

    def _count(
        self, at: dict[str, int], trait: int, amounts: NDArray[Any], times: float = 1.0
    ) -> Entries:
        """Entries of the rows that count a trait in each group."""
        groups = self.groups
        units = np.flatnonzero(amounts)
        cells = np.flatnonzero((self.cells == trait).any(axis=1))
        begins = np.concatenate(
            [units * groups, *(at[part] + cells * groups for part in ("staying", "coming"))]
        )
        values = np.concatenate([amounts[units], np.full(2 * len(cells), times)])
        slots = np.tile(np.arange(groups), len(begins))
        return slots, np.repeat(begins, groups) + slots, np.repeat(values, groups)

    def labels_of(self, slots: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Put the program's answer into practice: the first of each cell and group stay."""
        slot_of_unit = np.full(len(self.units.sizes), ANYWHERE, np.int64)
        slot_of_unit[self.ruled] = slots
        labels = slot_of_unit[self.units.of_user]
        for cell, room in enumerate(counts):
            left = room.copy()
            moving = []
            for user in self.others[self.cell_of == cell].tolist():
                home = self.labels[user]
                if left[home] > 0:
                    labels[user], left[home] = home, left[home] - 1
                else:
                    moving.append(user)
            labels[moving] = np.repeat(np.arange(self.groups), left)
        return labels


def _rows(at: dict[str, int], *entries: Entries) -> sp.csr_array:
    """Rows of the program of their entries: which row, which column, and the value."""
    of = np.concatenate([rows for rows, _, _ in entries])
    columns = np.concatenate([columns for _, columns, _ in entries])
    values = np.concatenate([np.broadcast_to(value, len(rows)) for rows, _, value in entries])
    return sp.csr_array(sp.coo_array((values, (of, columns)), (int(of.max()) + 1, at["end"])))


def _alike(traits: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct rows, and which of them each row is."""
    if len(traits) == 0 or traits.shape[1] == 0:
        return traits[:1], np.zeros(len(traits), np.int64)
    cells, of_row = np.unique(traits, axis=0, return_inverse=True)
    return cells, of_row.ravel().astype(np.int64)


def _undecided(found: Any = None) -> UndecidedError:
    failed = found is not None and found.status != TIME_OVER and not spent(found)
    way_out = "leave a constraint out, or change it" if failed else "give more with --time-limit"
    return UndecidedError(
        f"{why_undecided(found)} before it was known whether the constraints can be met: {way_out}"
    )

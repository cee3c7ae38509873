"""The linear program over groups: which to form, so that every user is in one at least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TINY = 1e-7
"""Activities and multipliers below this are the solver's noise."""

WHOLE = 1e-6
"""How far from a whole number the activity of a group may be to count as one."""

LOOSE = 1e-6
"""How far off, in shares of the objective, what a column lacks may be."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Of the linear program, as exact as the solver.

    Attributes
    ----------
    objective : float
    activity : float64 array, shape (columns,)
        How far each group is formed.
    multipliers : float64 array, shape (rows of users,)
        Price of covering each user, not negative.
    discounts : float64 array, shape (levels,)
        Price of a place among the groups of a level, not negative.
    lacks : float64 array, shape (columns,)
        What each group is worth less than it costs: a solution in whole groups that has it is
        worth less than the objective by so much at least.
    """

    objective: float
    activity: NDArray[np.float64]
    multipliers: NDArray[np.float64]
    discounts: NDArray[np.float64]
    lacks: NDArray[np.float64]


class Master:
    """The program: columns are groups, rows the users to be covered and the levels.

    Parameters
    ----------
    users : int
    groups : int
        At most so many are formed, and one at least.
    poor : float
        Value of a group of everybody that is always there, so that the program has a solution
        whatever other groups are ruled out. It is column 0, and takes no place above a level.
    """

    def __init__(self, users: int, groups: int, poor: float) -> None:
        self._highs = quiet()
        self._highs.addRow(1.0, float(groups), 0, [], [])
        self.values = np.zeros(0)
        self.active = np.zeros(0, np.bool_)
        self._covers = np.zeros((64, users), np.bool_)
        self.rows: list[int] = []
        self.levels: list[tuple[float, int]] = []
        self._order: list[tuple[str, int]] = []
        self.add_column(poor, np.ones(users, np.bool_))

    @property
    def covers(self) -> NDArray[np.bool_]:
        """Users of each column: bool, shape (columns, users)."""
        return self._covers[: len(self.values)]

    def add_column(self, value: float, cover: NDArray[np.bool_]) -> None:
        """Add a group.

        Parameters
        ----------
        value : float
        cover : bool array, shape (users,)
        """
        self.add_columns(np.array([value]), cover[None])

    def add_columns(self, values: NDArray[np.float64], covers: NDArray[np.bool_]) -> None:
        """Add groups, all in one call of the solver.

        Parameters
        ----------
        values : float64 array, shape (columns,)
        covers : bool array, shape (columns, users)
        """
        first, count = len(self.values), len(values)
        if first + count > len(self._covers):
            more = max(2 * len(self._covers), first + count)
            grown = np.zeros((more, self._covers.shape[1]), np.bool_)
            grown[:first] = self._covers[:first]
            self._covers = grown
        self._covers[first : first + count] = covers
        self.values = np.append(self.values, values)
        self.active = np.append(self.active, np.ones(count, np.bool_))
        held = np.ones((count, 1 + len(self._order)), np.bool_)
        for row, (kind, at) in enumerate(self._order, start=1):
            of_users = kind == "user"
            held[:, row] = covers[:, self.rows[at]] if of_users else values > self.levels[at][0]
        columns, rows = np.nonzero(held)
        starts = np.searchsorted(columns, np.arange(count)).astype(np.int32)
        none, most = np.zeros(count), np.full(count, np.inf)
        entries = rows.astype(np.int32)
        self._highs.addCols(
            count, values, none, most, len(rows), starts, entries, np.ones(len(rows))
        )

    def rule_out(self, value: float, poor: float) -> None:
        """Form no groups worth at most so much, but for the one of everybody, now worth `poor`."""
        out = np.flatnonzero(self.active & (self.values <= value)).astype(np.int32)
        for column in out[out > 0]:
            self._highs.changeColBounds(int(column), 0.0, 0.0)
            self.active[column] = False
        self._highs.changeColCost(0, poor)
        self.values[0] = poor

    def add_user(self, user: int) -> None:
        """Ask that a user be covered."""
        self._add_row("user", len(self.rows), self.covers[:, user], 1.0, np.inf)
        self.rows.append(user)

    def add_level(self, level: float, users: int) -> None:
        """Allow at most so many groups to exceed a value as there are users who do."""
        held = self.values > level
        self._add_row("level", len(self.levels), held, -np.inf, float(users))
        self.levels.append((level, users))

    def solve(self, seconds: float, *, corner: bool = False) -> Solution | None:
        """Solve the program, by an interior point method.

        Its multipliers lie in the middle of the optimal ones, not in a corner: prices that many
        groups agree with, under which a search finds what is missing in a few rounds. Where one
        method fails, the other is tried.

        Parameters
        ----------
        seconds : float
            Time limit.
        corner : bool
            Whether any solution will do: the simplex method takes a fraction of the time.

        Returns
        -------
        solution : Solution or None
            None where the solver failed or ran out of time.
        """
        highs = self._highs
        until = highs.getRunTime() + min(max(seconds, 0.0), 1e9)
        for method in ("simplex", "ipm") if corner else ("ipm", "simplex"):
            highs.setOptionValue("solver", method)
            highs.setOptionValue("time_limit", until)
            highs.run()
            found = highs.getSolution()
            if found.value_valid and found.dual_valid and len(found.col_value):
                break
            if highs.getRunTime() >= until:
                return None
        else:
            return None
        duals = np.array(found.row_dual)
        multipliers, discounts = np.zeros(len(self.rows)), np.zeros(len(self.levels))
        for row, (kind, at) in enumerate(self._order, start=1):
            if kind == "user":
                multipliers[at] = max(0.0, -duals[row])
            else:
                discounts[at] = max(0.0, duals[row])
        multipliers[multipliers < TINY] = 0.0
        discounts[discounts < TINY] = 0.0
        activity = np.maximum(np.array(found.col_value), 0.0)
        objective = float(highs.getInfo().objective_function_value)
        lacks = np.maximum(-np.array(found.col_dual), 0.0)
        return Solution(objective, activity, multipliers, discounts, lacks)

    def whole(
        self, solution: Solution, worth: float, seconds: float, nodes: int
    ) -> NDArray[np.int64] | None:
        """Choose whole groups among the columns.

        Parameters
        ----------
        solution : Solution
            Of the linear program as it is.
        worth : float
            Groups of which no choice worth more can be made are left out.
        seconds : float
            Time limit.
        nodes : int
            Of the solver's tree.

        Returns
        -------
        columns : int64 array or None
            None if no choice was found.
        """
        import highspy

        highs = quiet()
        program = self._highs.getLp()
        program.integrality_ = [highspy.HighsVarType.kInteger] * len(self.values)
        out = solution.lacks > solution.objective - worth + LOOSE * max(1.0, abs(worth))
        upper = np.array(program.col_upper_)
        upper[1:][out[1:]] = 0.0
        program.col_upper_ = upper
        highs.passModel(program)
        highs.setOptionValue("presolve", "choose")
        highs.setOptionValue("mip_max_nodes", nodes)
        highs.setOptionValue("time_limit", min(max(seconds, 0.0), 1e9))
        highs.run()
        chosen = np.array(highs.getSolution().col_value)
        if not highs.getSolution().value_valid or not len(chosen):
            return None
        return np.repeat(np.arange(len(chosen)), np.rint(chosen).astype(np.int64))

    def _add_row(
        self, kind: str, at: int, held: NDArray[np.bool_], low: float, high: float
    ) -> None:
        columns = np.flatnonzero(held).astype(np.int32)
        self._highs.addRow(low, high, len(columns), columns, np.ones(len(columns)))
        self._order.append((kind, at))


def quiet() -> Any:
    """Make a solver that says nothing, maximises, and works on one thread."""
    import highspy

    solver: Any = highspy.Highs
    highs = solver()
    for name, value in (
        ("output_flag", False),
        ("threads", 1),
        ("run_crossover", "off"),
        ("presolve", "off"),
        ("ipm_optimality_tolerance", 1e-10),
    ):
        highs.setOptionValue(name, value)
    highs.changeObjectiveSense(highspy.ObjSense.kMaximize)
    return highs

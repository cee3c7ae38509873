"""Simulated annealing over partitions: moves and exchanges of users between groups.

The objective itself decides, by its definition: nothing here depends on the semantics or the
aggregation, and constraints are looked at step by step. Drawn steps are tried one after another;
one that loses is made with the probability that the temperature gives it, which falls.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from grouping.constraints.traits import traits_of
from grouping.constraints.units import ANYWHERE, Units, units_of
from grouping.kernels import moves as kernels
from grouping.problem import Problem
from grouping.rows.users import user_rows

SLICE = 1 << 21
"""Scores that the steps between two looks at the clock read, about."""

EXCHANGES = 0.4
"""Share of the steps that are exchanges of two units."""


class Annealing:
    """Moves and exchanges for one problem.

    Parameters
    ----------
    problem : Problem
        Any aggregation but ndcg. Its constraints hold for every formation found.
    rng : numpy.random.Generator
    stop : callable
        Asked several times a second.

    Attributes
    ----------
    best : int64 array, shape (n,)
        Best formation of the last run so far; groups may be empty unless they have numbers of
        their own.
    instance : Instance
        What the kernels know of the problem.
    first_user : int64 array, shape (units,)
        First user of each unit.

    Raises
    ------
    GroupingError
        If a dense copy of sparse ratings does not fit.
    """

    def __init__(
        self, problem: Problem, rng: np.random.Generator, stop: Callable[[], bool]
    ) -> None:
        self.problem, self.rng, self.stop = problem, rng, stop
        users = problem.ratings.shape[0]
        units = units_of(problem.constraints, users)
        assert units is not None  # `meet` found a formation that satisfies the constraints
        self.units = units
        self.instance = _instance(problem, units)
        self.best = np.zeros(users, np.int64)
        self.first_user = np.unique(units.of_user, return_index=True)[1]

    def run(self, labels: NDArray[np.int64], steps: int, hot: float, cold: float) -> None:
        """Anneal once, and leave the best formation met on the way in `best`.

        Parameters
        ----------
        labels : int64 array, shape (n,)
            A formation that satisfies the constraints; groups up to the problem's number.
        steps : int
        hot, cold : float
            Temperatures at the start and at the end, in units of the objective; then some steps
            at 0.
        """
        instance = self.instance
        units = len(instance.sizes)
        state = kernels.empty_state(instance, labels[self.first_user])
        total = best = kernels.rebuild(instance, state)
        self.best = labels
        best_labels = state.labels.copy()
        width = self.width
        done = made = 0
        while done < steps and not self.stop():
            share = done / steps
            heat = hot * (cold / hot) ** (share / 0.9) if share < 0.9 else 0.0
            drawn = min(width, steps - done)
            moved, partners = self.draw(drawn)
            thresholds = heat * np.log1p(-self.rng.random(drawn))
            total, best, changed = kernels.anneal(
                instance, state, moved, partners, thresholds, total, best, best_labels
            )
            done += drawn
            made += changed
            if made > units and not instance.least_misery:
                total, made = kernels.rebuild(instance, state), 0  # without the steps' roundings
            self.best = best_labels[self.units.of_user]

    @property
    def width(self) -> int:
        """Steps between two looks at the clock."""
        return int(max(64, min(1 << 16, SLICE // self.instance.rows.shape[1])))

    def draw(self, steps: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw what to try: units, and where to or with whom (`kernels.anneal`)."""
        units, groups = len(self.instance.sizes), len(self.instance.low)
        moved = self.rng.integers(units, size=steps)
        partners = self.rng.integers(groups, size=steps)
        exchanged = self.rng.random(steps) < EXCHANGES
        partners[exchanged] = groups + self.rng.integers(units, size=int(exchanged.sum()))
        return moved, partners


def _instance(problem: Problem, units: Units) -> kernels.Instance:
    """What the kernels need to know of a problem."""
    users = problem.ratings.shape[0]
    constraints, weights = problem.constraints, problem.aggregation.weights
    positions = int(np.flatnonzero(weights)[-1]) + 1 if weights.any() else 1
    if problem.penalty:
        positions = problem.k  # an excluded item is one too many wherever it stands
    rows = user_rows(problem.ratings)
    least_misery = problem.semantics == "lm"
    if len(units.sizes) < users:
        order = np.argsort(units.of_user, kind="stable")
        starts = np.cumsum(units.sizes) - units.sizes
        if least_misery:
            rows = np.minimum.reduceat(rows[order], starts, axis=0)
        else:
            rows = np.add.reduceat(rows[order], starts, axis=0, dtype=np.float64)
    traits = traits_of(constraints, users)
    low = np.zeros(problem.groups, np.int64)
    if constraints.slotted:
        low[:] = 1
    return kernels.Instance(
        rows,
        np.ascontiguousarray(weights[:positions], np.float64),
        least_misery,
        problem.by_members,
        np.bincount(units.of_user, weights=problem.masses),
        units.sizes,
        low,
        constraints.low(),
        constraints.high(problem.groups, users),
        units.slots == ANYWHERE,
        units.apart.indptr.astype(np.int64),
        units.apart.indices.astype(np.int64),
        floor=-problem.penalty / 2 if problem.penalty else -np.inf,
        amounts=traits.of_units(units),
        shares=traits.shares,
        tolerances=traits.tolerances,
        not_alone=traits.not_alone,
        slack=traits.slack,
    )

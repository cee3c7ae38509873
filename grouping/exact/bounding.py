"""An upper bound alone, as cheaply as it can be had at the size given.

Own lists give a bound at once. A few users give a lower one under least misery; under aggregate
voting, the multipliers that a formulation for the objective starts from; where groups are limited
in size, multipliers that know it. These are given an effort that falls with the number of ratings,
but does not depend on the clock, so that equal input gives equal bounds. Who allows time gets what
the formulation itself proves in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from grouping.constraints.meeting import meet
from grouping.errors import GroupingError, UndecidedError
from grouping.exact import ENUMERATED_USERS, formulation_of
from grouping.exact.covers import few_users
from grouping.exact.search import Certificate, OwnListCertificate, Search
from grouping.exact.sized import solve as sized
from grouping.exact.sized.rooms import limited, roomy
from grouping.methods import Budget, InUnits, greedy
from grouping.problem import NO_CONSTRAINTS, Problem

READ = 2_000_000_000
"""Ratings that the steps of a bound may read, together."""

MOST_STEPS, FEWEST_STEPS = 300, 10

LARGEST = 400_000_000
"""Ratings of which a copy is made by users and items; beyond, own lists alone are asked."""

LARGEST_SIZED = 4_000_000
"""Ratings up to which a bound that knows sizes is looked for."""

EARLY = 0.4
"""Share of the time, where it is limited, in which the quick bounds are to be had."""


@dataclass(frozen=True)
class Bound:
    """An upper bound on the objective of any formation, and what it rests on.

    Attributes
    ----------
    certificate : Certificate
    argument : str
        Name of the argument, as the concept page on bounds explains it.
    """

    certificate: Certificate
    argument: str

    @property
    def value(self) -> float:
        """The bound."""
        return self.certificate.bound


def upper_bound(
    problem: Problem,
    budget: Budget | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Bound:
    """Bound the objective of any formation.

    Parameters
    ----------
    problem : Problem
    budget : Budget, optional
        With a time limit, the formulation for the objective searches for a lower bound than the
        quick ones in what these leave of the time; without, the bound is the same on every
        machine.
    stop : callable
        Asked now and then: whether what is at hand must do.

    Returns
    -------
    bound : Bound
        The lowest.

    Raises
    ------
    InfeasibleError
        If sizes leave no room for everybody.
    """
    unit = problem.unit
    if unit != 1.0:
        found = upper_bound(problem.divided(unit), budget, stop)
        return replace(found, certificate=InUnits(found.certificate, unit))
    budget, started = budget or Budget(), time.perf_counter()
    if not problem.aggregation.per_member:  # ndcg may fall where a list may hold more
        problem = problem.relaxed()
    if not roomy(problem):  # the message names the rules in conflict
        everyone = np.zeros(problem.ratings.shape[0], np.int64)
        meet(problem.constraints, everyone, problem.groups, budget.time_limit)

    def spent() -> float:
        return time.perf_counter() - started

    def early() -> bool:
        late = budget.time_limit is not None and spent() >= EARLY * budget.time_limit
        return late or stop()

    best = Bound(OwnListCertificate(problem), "own lists")
    free = replace(problem, constraints=NO_CONSTRAINTS)
    ways: tuple[Callable[[], Bound | None], ...] = (
        lambda: _quick(free, early),
        lambda: _sized(problem, early),
        lambda: _searched(problem, budget.after(spent())),
    )
    for bounding in ways:
        try:
            bound = bounding()
        except GroupingError as error:
            if type(error) is not GroupingError:  # else: no memory for a copy of the ratings
                raise
            continue
        if bound is not None and bound.value < best.value:
            best = bound
    return best


def _quick(problem: Problem, stop: Callable[[], bool]) -> Bound | None:
    """Bound by what is known to be quick for the objective."""
    if problem.by_members and problem.ratings.shape[0] > ENUMERATED_USERS:
        return None if problem.aggregation.per_member else _quick(problem.voting(), stop)
    formulation = formulation_of(problem)
    if formulation is None:
        return None
    users, items = problem.ratings.shape
    if greedy.can_split(problem) and not problem.aggregation.per_member:
        return Bound(few_users.bound_certificate(problem), "few users")
    if formulation.name == "partitions":
        return _searched(problem, Budget(time_limit=float("inf")))
    if users * items > LARGEST:
        return None
    steps = min(MOST_STEPS, max(FEWEST_STEPS, READ // (users * items)))
    found = formulation.module.bound_certificate(problem, steps=steps, stop=stop)
    return None if found is None else Bound(found, formulation.name)


def _sized(problem: Problem, stop: Callable[[], bool]) -> Bound | None:
    """Bound that knows sizes, where groups are limited in size; others are left aside."""
    users, items = problem.ratings.shape
    if not limited(problem) or problem.aggregation.per_member or users * items > LARGEST_SIZED:
        return None
    if problem.by_members:
        return _sized(replace(problem.voting(), constraints=problem.constraints), stop)
    found = sized.bound_certificate(problem, stop=stop)
    return None if found is None else Bound(found, "sized")


def _searched(problem: Problem, budget: Budget) -> Bound | None:
    """Bound by a search for the optimum, in the time allowed."""
    formulation = formulation_of(problem)
    if formulation is None or budget.time_limit is None:
        return None
    started = time.perf_counter()
    labels = greedy.run(problem, budget, split_buckets=greedy.can_split(problem)).labels
    try:
        labels = meet(problem.constraints, labels, problem.groups, budget.time_limit)
    except UndecidedError:
        return None
    search = Search(problem, budget.after(time.perf_counter() - started), labels)
    if not search.over:
        formulation.solve(search)
    return Bound(search.certificate, formulation.name)

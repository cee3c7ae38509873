"""An upper bound alone, as cheaply as it can be had at the size given.

Own lists give a bound at once. A few users give a lower one under least misery; under aggregate
voting, the multipliers that a formulation for the objective starts from; where groups are limited
in size, multipliers that know it. These are given an effort that falls with the number of ratings,
but does not depend on the clock, so that equal input gives equal bounds. Who allows time gets what
the formulation itself proves in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from grouping.constraints.meeting import meet
from grouping.errors import GroupingError
from grouping.exact import ENUMERATED_USERS, formulation_of
from grouping.exact.covers import few_users
from grouping.exact.search import Certificate, OwnListCertificate, Search
from grouping.exact.sized import solve as sized
from grouping.exact.sized.rooms import limited
from grouping.methods import Budget, greedy
from grouping.problem import NO_CONSTRAINTS, Problem

READ = 2_000_000_000
"""Ratings that the steps of a bound may read, together."""

MOST_STEPS, FEWEST_STEPS = 300, 10

LARGEST = 400_000_000
"""Ratings of which a copy is made by users and items; beyond, own lists alone are asked."""

LARGEST_SIZED = 4_000_000
"""Ratings up to which a bound that knows sizes is looked for."""


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
        With a time limit, the formulation for the objective searches so long for a lower bound
        than the quick ones; without, the bound is the same on every machine.
    stop : callable
        Asked now and then: whether what is at hand must do.

    Returns
    -------
    bound : Bound
        The lowest.
    """
    budget = budget or Budget()
    problem = problem.relaxed()
    best = Bound(OwnListCertificate(problem), "own lists")
    free = replace(problem, constraints=NO_CONSTRAINTS)
    for bounding in (
        partial(_quick, free, stop),
        partial(_sized, problem, stop),
        partial(_searched, problem, budget),
    ):
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
    labels = greedy.run(problem, budget, split_buckets=greedy.can_split(problem)).labels
    search = Search(problem, budget, meet(problem.constraints, labels, problem.groups))
    if not search.over:
        formulation.solve(search)
    return Bound(search.certificate, formulation.name)

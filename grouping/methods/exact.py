"""The optimum with a proof where one can be had, else the best found with a bound."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from grouping.constraints.meeting import meet
from grouping.exact import formulation_for, formulation_of
from grouping.exact.bounding import upper_bound
from grouping.exact.covers import few_users
from grouping.exact.search import Search
from grouping.methods import Budget, Outcome, greedy
from grouping.methods.refine import ALLOWING, BOUNDING, improve
from grouping.problem import Problem


def run(problem: Problem, budget: Budget, *, start: NDArray[np.int64] | None = None) -> Outcome:
    """Search for the optimum by the strongest formulation for the problem.

    Parameters
    ----------
    problem : Problem
    budget : Budget
        The search ends when the optimum is proven, `gap` is reached or the time is over;
        an interrupt (Ctrl-C) ends it with the best formation so far.
    start : int64 array, shape (n,), optional
        Groups to start from besides GRD's; changed as little as the constraints ask.

    Returns
    -------
    outcome : Outcome
        ``optimal`` only with a proof: a bound that meets the objective, by `certificate`. Groups
        that count by their members, beyond a few users, are searched for locally, and bounded by
        what they are worth under aggregate voting: a gap stays.

    Raises
    ------
    InputError
        If there is no formulation for the problem: ndcg, beyond a few users.
    InfeasibleError
        If no partition satisfies the constraints.
    """
    # beyond a few users no formulation knows what it means that groups count by their members
    bounded = problem.by_members and formulation_of(problem) is None
    formulation = (
        None if bounded and not problem.aggregation.per_member else formulation_for(problem)
    )
    given = [] if start is None else [start]
    seeds = [*given, greedy.run(problem, budget).labels]
    began = time.perf_counter()
    first = meet(problem.constraints, seeds[0], problem.groups, budget.time_limit)
    search = Search(problem, budget.after(time.perf_counter() - began), first)

    def course() -> None:
        for labels in seeds[1:]:
            search.offer_met(labels)
        search.offer_allowed(ALLOWING)
        if greedy.can_split(problem) and not problem.constraints:
            search.offer(greedy.run(problem, budget, split_buckets=True).labels)
            if not problem.aggregation.per_member:
                search.prove(few_users.bound_certificate(problem))
        if formulation is None:
            until = BOUNDING * search.remaining if budget.time_limit is not None else 0.0
            search.prove(upper_bound(problem, stop=lambda: search.remaining <= until).certificate)
        elif not search.over:
            formulation.solve(search)
        if (formulation is None or formulation.name == "covers") and not search.over:
            # nothing is left to branch on, and the bound may be what a formation reaches
            improve(search, start)

    return search.outcome(course)

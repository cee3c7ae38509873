"""The best that the time allows: exact where it proves quickly, else refine, else greedy.

Without a time limit no clock decides: exact is asked a number of times whether to stop that small
instances need for a proof, refine makes a number of rounds that their size allows, and what is
larger is left to greedy. With a time limit, exact has a share of it on small instances, and refine
the rest.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.errors import GroupingError, InputError
from grouping.exact import formulation_of
from grouping.exact.grain import Nearness
from grouping.methods import METHODS, Budget, Outcome
from grouping.objective import score
from grouping.problem import Problem
from grouping.stopping import Gap, Proven, Standing

QUICK_CELLS, TIMED_CELLS = 10_000, 100_000
"""Ratings up to which exact is tried: without a time limit, and with one."""

QUICK_LOOKS = {"covers": 200, "medians": 2000, "weakest": 200, "catalogues": 3000}
"""How often a formulation is asked whether to stop, which on quick instances takes about a second
at most; where it is not named it ends by itself."""

SHARE = 0.5
"""Of the time, for exact."""

MOST_CELLS = 400_000_000
"""Ratings beyond which no copy is made for local search."""

MOST_WORK = 20_000_000
"""Users x items x groups up to which a round of local search takes some seconds at most."""

ROUNDS_WORK, ROUNDS = 2_000_000, 3
"""The same up to which there are several rounds, each of them twice as long; and how many."""


def run(
    problem: Problem,
    budget: Budget,
    *,
    split_buckets: bool = False,
    start: NDArray[np.int64] | None = None,
) -> Outcome:
    """Choose a method by what is asked, by size and by the time there is, and run it.

    Parameters
    ----------
    problem : Problem
    budget : Budget
        Iterations and patience are refine's.
    split_buckets : bool
        An option of greedy, which is then chosen.
    start : int64 array, shape (n,), optional
        Groups to start from.

    Returns
    -------
    outcome : Outcome
        Never below GRD's formation where that satisfies the constraints; `method` is the name of
        the method that made it.

    Raises
    ------
    InputError
        If no method can take what is asked together.
    InfeasibleError, UndecidedError
        If constraints cannot be met, or that is not known in time.
    """
    began = time.perf_counter()
    if split_buckets:
        for given, what in (
            (problem.constraints, problem.constraints and problem.constraints.rules[0].words),
            (start is not None, "a start"),
            (budget.patience is not None, "patience"),
        ):
            if given:
                raise InputError(
                    f"{what} does not go with buckets that are split, which only greedy does: "
                    "leave one of the two out"
                )
        return _by("greedy", problem, budget, split_buckets=True, start=start)
    proving = _proving(problem, budget)
    if problem.aggregation.per_member and proving is None:
        return _ordered(problem, budget, start)
    first = None
    if proving is not None:
        first = _by("exact", problem, proving, start=start)
        if _ended(problem, budget, first, began) or problem.aggregation.per_member:
            return first
        start = first.labels
    needed = bool(problem.constraints) or start is not None  # greedy takes neither
    reason = "" if needed else _too_much(problem, budget)
    if reason:
        return _greedy(problem, budget, reason)
    try:
        second = _by("refine", problem, _searching(problem, budget, began), start=start)
    except GroupingError as error:
        if type(error) is not GroupingError or needed:  # else: no memory
            raise
        return _greedy(problem, budget, str(error))
    return second if first is None else _better(problem, first, second)


def _by(name: str, problem: Problem, budget: Budget, **options: Any) -> Outcome:
    """Run a method, and keep its name."""
    return replace(METHODS[name].run(problem, budget, **options), method=name)


def _ordered(problem: Problem, budget: Budget, start: NDArray[np.int64] | None) -> Outcome:
    """Of many users, ndcg, which depends on the order of lists: greedy alone forms groups for it.

    Raises
    ------
    InputError
        If there are constraints.
    """
    if problem.constraints:
        raise InputError(
            f"no method keeps to {problem.constraints.rules[0].words} with ndcg for so many users: "
            "leave one of the two out"
        )
    return _by("greedy", problem, replace(budget, patience=None), start=start)


def _greedy(problem: Problem, budget: Budget, reason: str) -> Outcome:
    found = _by("greedy", problem, replace(budget, patience=None))
    return replace(found, advice=[f"auto: greedy, since {reason}", *found.advice])


def _proving(problem: Problem, budget: Budget) -> Budget | None:
    """Budget of exact; None where it is not tried."""
    users, items = problem.ratings.shape
    timed = budget.time_limit is not None
    formulation = formulation_of(problem)
    if formulation is None or users * items > (TIMED_CELLS if timed else QUICK_CELLS):
        return None
    if problem.constraints and formulation.name != "partitions":
        return None
    return replace(
        budget,
        time_limit=None if budget.time_limit is None else SHARE * budget.time_limit,
        iterations=None,
        patience=None,
        looks=None if timed else QUICK_LOOKS.get(formulation.name),
    )


def _ended(problem: Problem, budget: Budget, found: Outcome, began: float) -> bool:
    """Whether nothing is left to do: a proof, the gap asked for, an interrupt, the time."""
    if found.status in ("optimal", "interrupted"):
        return True
    if budget.time_limit is not None and time.perf_counter() - began >= budget.time_limit:
        return True
    if budget.gap is None or found.bound is None:
        return False
    objective = score(problem, found.labels).objective
    return Gap(budget.gap)(Standing(objective, found.bound))


def _too_much(problem: Problem, budget: Budget) -> str:
    """Why local search is not tried; nothing where it is."""
    users, items = problem.ratings.shape
    if users * items > MOST_CELLS:
        return f"{users} users x {items} items are too many for local search"
    asked = (budget.time_limit, budget.iterations, budget.patience)
    if all(limit is None for limit in asked) and users * items * problem.groups > MOST_WORK:
        return (
            f"local search of {users} users x {items} items takes more than some seconds: allow "
            "it with --time-limit (in Python time_limit)"
        )
    return ""


def _searching(problem: Problem, budget: Budget, began: float) -> Budget:
    """Budget of refine: the time that is left, or rounds by size."""
    if budget.time_limit is not None:
        left = budget.time_limit - (time.perf_counter() - began)
        return replace(budget, time_limit=max(left, 1e-9))
    if budget.iterations is not None or budget.patience is not None:
        return budget
    users, items = problem.ratings.shape
    few = users * items * problem.groups > ROUNDS_WORK
    return replace(budget, iterations=1 if few else ROUNDS)


def _better(problem: Problem, first: Outcome, second: Outcome) -> Outcome:
    """The better of two, the first of equal ones, with the lower bound of both."""
    worths = [score(problem, found.labels).objective for found in (first, second)]
    best, worth = (second, worths[1]) if worths[1] > worths[0] else (first, worths[0])
    bounded = min(
        (found for found in (first, second) if found.bound is not None),
        key=lambda found: found.bound if found.bound is not None else np.inf,
    )
    assert bounded.bound is not None
    proven = Proven()(Standing(worth, bounded.bound, near=Nearness(problem)(worth)))
    return replace(
        best,
        status="optimal" if proven else second.status,
        bound=max(bounded.bound, worth),
        certificate=bounded.certificate,
    )

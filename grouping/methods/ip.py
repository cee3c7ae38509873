"""The paper's integer program (appendix A), as it stands there: the reference, not tuned.

The text lost its formulas; what stands here restores them for all aggregations. Solved by HiGHS
through Pyomo. It finishes on small instances only, which is what the paper says of its own.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.constraints import Constraints
from grouping.constraints.meeting import meet
from grouping.constraints.programs import TOLERANCE, balanced, not_alone
from grouping.constraints.traits import traits_of
from grouping.errors import GroupingError, InfeasibleError, InputError, UndecidedError
from grouping.exact.grain import Nearness
from grouping.methods import Budget, Outcome
from grouping.objective import score
from grouping.problem import Problem

MOST_VARIABLES = MOST_CONSTRAINTS = 2_000_000


def run(
    problem: Problem,
    budget: Budget,
    *,
    symmetry_breaking: bool = False,
    write_model: str | os.PathLike[str] | None = None,
) -> Outcome:
    """Solve the paper's integer program.

    Parameters
    ----------
    problem : Problem
    budget : Budget
        The time limit holds for building the program and solving it; `gap` stops it early.
    symmetry_breaking : bool
        Let user u belong to one of the groups 0..u only: groups are told apart by their first
        member instead of by number. Not in the paper. No effect where groups have numbers.
    write_model : path-like, optional
        Write the program to a .lp or .mps file before solving it.

    Returns
    -------
    outcome : Outcome
        ``optimal`` within HiGHS' tolerance of 1e-6. Ctrl-C ends it with HiGHS' best solution.

    Raises
    ------
    InputError
        For ndcg, whose members' satisfactions no linear term can express; for a program too
        large to build.
    InfeasibleError
        If no partition satisfies the constraints, what is excluded among them.
    UndecidedError
        If the time limit passed with nothing found.
    GroupingError
        If HiGHS fails.
    """
    started = time.perf_counter()
    _refuse(problem)
    if problem.constraints:  # named one by one if they conflict, which HiGHS would not do
        everyone = np.zeros(problem.ratings.shape[0], np.int64)
        meet(problem.constraints, everyone, problem.groups, budget.time_limit)

    def remaining() -> float:
        if budget.time_limit is None:
            return math.inf
        return budget.time_limit - (time.perf_counter() - started)

    def in_time(needed: float = 0.0) -> None:
        if remaining() <= needed:
            raise UndecidedError(
                f"the time limit of {budget.time_limit:g} seconds is too short to build the "
                "integer program: give it more time, or use exact"
            )

    # Pyomo would report what ends its rules
    logging.getLogger("pyomo.core").setLevel(logging.CRITICAL)
    before = time.perf_counter()
    model = build(problem, symmetry_breaking=symmetry_breaking, in_time=in_time)
    in_time(time.perf_counter() - before)  # to hand it over takes as long again
    if write_model is not None:
        write(model, write_model)
    return _solve(problem, model, budget, remaining)


def size(problem: Problem) -> tuple[int, int]:
    """Count what the program will have before it is built.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    variables : int
    constraints : int
        Of the kinds that grow with the product of two or three of users, items, groups and traits
        to be balanced; no less than there are, but for those that break symmetry. Under aggregate
        voting each score is one constraint, but of as many terms as there are users.
    """
    n, m = problem.ratings.shape
    groups = min(problem.groups, n)
    positions = len(_positions(problem))
    variables = n + m * (1 + 2 * positions) + 2
    rows = m * (n + 2 + 2 * positions) + positions + 3
    if problem.constraints:
        variables += 2  # whether it is formed, and how large
        rows += 4 + sum(max(1, len(rule.users)) for rule in problem.constraints.rules)
        traits = traits_of(problem.constraints, n)
        variables += 3 * len(traits.shares)
        rows += len(traits.shares) + 2 * int(traits.not_alone.sum())
        rows += 4 * int((traits.tolerances < 1).sum())
    if problem.penalty:
        variables += m
        rows += 2 * m + 1
    return groups * variables, groups * rows + n


def build(
    problem: Problem,
    *,
    symmetry_breaking: bool = False,
    in_time: Callable[[], None] = lambda: None,
) -> Any:
    """Write the program down.

    Index sets: users u, items i, groups g, positions j of the list. Variables, named as in the
    paper:

    * ``x[u,g]``, binary: user u is part of group g.
    * ``y[i,g,j]``, binary: item i is at position j of group g's list. Min and sum need no order
      among the items, so there y[i,g,1] says that item i is one of the k.
    * ``sc[g,i]``: group g's score of item i.
    * ``t[i,g,j]``: sc[g,i] where y[i,g,j] is 1, else 0 (the product of the two, linearised).
    * ``s[g]``: group g's satisfaction. ``used[g]``, binary: group g has a member.

    Parameters
    ----------
    problem : Problem
    symmetry_breaking : bool
    in_time : callable
        Called again and again; may raise to end it.

    Returns
    -------
    model : pyomo.environ.ConcreteModel
    """
    import pyomo.environ as pyo

    n, m = problem.ratings.shape
    ratings = problem.relaxed().ratings  # what is excluded is told by constraints
    R = np.stack([ratings.row(user) for user in range(n)])
    least_misery = problem.semantics == "lm"
    by_min = problem.aggregation.name == "min"
    positions = _positions(problem)
    chosen = problem.k if problem.aggregation.name in ("min", "sum") else 1

    model = pyo.ConcreteModel(name=f"{problem.semantics}-{problem.aggregation.name}")
    model.U, model.I = pyo.RangeSet(0, n - 1), pyo.RangeSet(0, m - 1)
    model.G = pyo.RangeSet(0, min(problem.groups, n) - 1)
    model.J = pyo.Set(initialize=list(positions))
    model.x = pyo.Var(model.U, model.G, domain=pyo.Binary)
    model.y = pyo.Var(model.I, model.G, model.J, domain=pyo.Binary)
    model.sc = pyo.Var(model.G, model.I)
    model.s = pyo.Var(model.G)
    model.used = pyo.Var(model.G, domain=pyo.Binary)

    # the objective: the sum of the groups' satisfactions, equation (1) and (2)
    model.objective = pyo.Objective(expr=sum(model.s[g] for g in model.G), sense=pyo.maximize)

    # a user belongs to exactly one of the groups, of which there are at most l
    model.one_group = pyo.Constraint(
        model.U, rule=lambda mod, u: sum(mod.x[u, g] for g in mod.G) == 1
    )
    model.has_member = pyo.Constraint(
        model.G, rule=lambda mod, g: mod.used[g] <= sum(mod.x[u, g] for u in mod.U)
    )

    # the score of an item for a group: the minimum of its members' ratings, or their sum
    high, low = R.max(axis=0), R.min(axis=0)
    if least_misery:
        high = np.maximum(high, 0)  # an empty group is worth 0, also among negative ratings

        def least(mod: Any, u: int, g: int, i: int) -> Any:
            in_time()
            return mod.sc[g, i] <= R[u, i] + (high[i] - R[u, i]) * (1 - mod.x[u, g])

        model.least = pyo.Constraint(model.U, model.G, model.I, rule=least)
        model.highest = pyo.Constraint(
            model.G, model.I, rule=lambda mod, g, i: mod.sc[g, i] <= high[i]
        )
    else:

        def total(mod: Any, g: int, i: int) -> Any:
            in_time()
            return mod.sc[g, i] == sum(R[u, i] * mod.x[u, g] for u in mod.U)

        model.total = pyo.Constraint(model.G, model.I, rule=total)
        high = np.maximum(R, 0).sum(axis=0)
        low = np.minimum(R, 0).sum(axis=0)

    # the list: one item at each position (k items where order does not matter), none twice
    model.position = pyo.Constraint(
        model.G, model.J, rule=lambda mod, g, j: sum(mod.y[i, g, j] for i in mod.I) == chosen
    )
    model.once = pyo.Constraint(
        model.G, model.I, rule=lambda mod, g, i: sum(mod.y[i, g, j] for j in mod.J) <= 1
    )

    if by_min:
        # satisfaction is the k-th score: no more than the score of any item on the list
        top = float(np.sort(high)[-problem.k])
        model.kth = pyo.Constraint(
            model.G,
            model.I,
            rule=lambda mod, g, i: (
                mod.s[g]
                <= mod.sc[g, i]
                + (max(top, 0.0) - low[i]) * (1 - sum(mod.y[i, g, j] for j in mod.J))
            ),
        )
        model.nobody = pyo.Constraint(model.G, rule=lambda mod, g: mod.s[g] <= top * mod.used[g])
        return _within_constraints(model, pyo, problem, symmetry_breaking, in_time)

    # satisfaction adds up the scores of the items chosen, weighed by position
    model.t = pyo.Var(model.I, model.G, model.J)
    model.t_score = pyo.Constraint(
        model.I,
        model.G,
        model.J,
        rule=lambda mod, i, g, j: (
            mod.t[i, g, j] <= mod.sc[g, i] + max(0.0, -low[i]) * (1 - mod.y[i, g, j])
        ),
    )
    model.t_chosen = pyo.Constraint(
        model.I,
        model.G,
        model.J,
        rule=lambda mod, i, g, j: mod.t[i, g, j] <= high[i] * mod.y[i, g, j],
    )
    model.satisfaction = pyo.Constraint(
        model.G,
        rule=lambda mod, g: (
            mod.s[g]
            == sum(weight * mod.t[i, g, j] for j, weight in positions.items() for i in mod.I)
        ),
    )
    most = float(
        sum(
            weight * value
            for weight, value in zip(
                problem.aggregation.weights, np.sort(high)[::-1][: problem.k], strict=True
            )
        )
    )
    model.nobody = pyo.Constraint(model.G, rule=lambda mod, g: mod.s[g] <= most * mod.used[g])
    return _within_constraints(model, pyo, problem, symmetry_breaking, in_time)


def write(model: Any, path: str | os.PathLike[str]) -> None:
    """Write the program to a file that other solvers read.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
    path : path-like
        Ends in .lp or .mps.

    Raises
    ------
    InputError
        If it ends otherwise.
    """
    from grouping.files import replacing

    suffix = Path(path).suffix.lower()
    if suffix not in (".lp", ".mps"):
        raise InputError(f"{os.fspath(path)}: name a .lp or .mps file for the program")
    with replacing(path) as file:
        temporary = Path(f"{file.name}{suffix}")  # the writer goes by the ending
        try:
            model.write(str(temporary), io_options={"symbolic_solver_labels": True})
            file.write(temporary.read_bytes())
        finally:
            temporary.unlink(missing_ok=True)


def _positions(problem: Problem) -> dict[int, float]:
    """Positions that the program tells apart, with their weights."""
    name, weights = problem.aggregation.name, problem.aggregation.weights
    if name in ("min", "sum"):
        return {1: 1.0}
    return {j + 1: float(weight) for j, weight in enumerate(weights) if weight > 0} or {1: 0.0}


def _refuse(problem: Problem) -> None:
    if problem.aggregation.per_member:
        raise InputError(
            "the paper's program has no linear form for ndcg, whose members' satisfactions "
            "depend on the order of the list: use greedy"
        )
    columns, rows = size(problem)
    if columns > MOST_VARIABLES or rows > MOST_CONSTRAINTS:
        n, m = problem.ratings.shape
        fewer = ", fewer constraints" if problem.constraints else ""
        raise InputError(
            f"the paper's program for {n} users, {m} items and {problem.groups} groups has "
            f"{columns} variables and about {rows} constraints, more than the {MOST_VARIABLES} "
            f"that are tried: take fewer users, items or groups{fewer}, or another method"
        )


def _within_constraints(
    model: Any, pyo: Any, problem: Problem, no_symmetry: bool, in_time: Callable[[], None]
) -> Any:
    """Add what the user asks of the groups besides: not in the paper."""
    constraints, n = problem.constraints, problem.ratings.shape[0]
    if constraints:
        low, high = constraints.low(), constraints.high(problem.groups, n)
        model.formed = pyo.Var(model.G, domain=pyo.Binary)
        model.size = pyo.Var(model.G)
        model.held = pyo.Constraint(
            model.G, rule=lambda mod, g: mod.size[g] == sum(mod.x[u, g] for u in mod.U)
        )
        model.most = pyo.Constraint(
            model.G, rule=lambda mod, g: mod.size[g] <= int(high[g]) * mod.formed[g]
        )
        model.fewest = pyo.Constraint(
            model.G, rule=lambda mod, g: mod.size[g] >= low * mod.formed[g]
        )
        model.rules = pyo.ConstraintList()
        for rule in constraints.rules:
            in_time()
            first, *others = rule.users or (0,)
            for g in model.G:
                if rule.kind == "together":
                    for other in others:
                        model.rules.add(model.x[first, g] == model.x[other, g])
                elif rule.kind == "apart":
                    model.rules.add(sum(model.x[user, g] for user in rule.users) <= 1)
            if rule.kind == "fixed":
                model.rules.add(model.x[first, rule.numbers[0]] == 1)
        if constraints.slotted:
            model.all_formed = pyo.Constraint(model.G, rule=lambda mod, g: mod.formed[g] == 1)
        _balance(model, pyo, constraints, n, in_time)
    if problem.penalty:
        _without_excluded(model, pyo, problem, in_time)
    if no_symmetry and not constraints.slotted:
        model.first = pyo.Constraint(
            model.U,
            model.G,
            rule=lambda mod, u, g: mod.x[u, g] == 0 if g > u else pyo.Constraint.Skip,
        )
    return model


def _balance(
    model: Any, pyo: Any, constraints: Constraints, n: int, in_time: Callable[[], None]
) -> None:
    """Add what groups hold of each value of an attribute that rules are about."""
    traits = traits_of(constraints, n)
    some, most = range(len(traits.shares)), int(constraints.high(len(model.G), n).max())
    model.count = pyo.Var(model.G, some)
    # whether the tolerance times the size is more than 1; whether anybody has the value
    model.large, model.some = (pyo.Var(model.G, some, domain=pyo.Binary) for _ in range(2))
    for trait in some:
        users = np.flatnonzero((traits.of_user == trait).any(axis=1)).tolist()
        share, tolerance = float(traits.shares[trait]), float(traits.tolerances[trait])
        for g in model.G:
            in_time()
            size, count = model.size[g], model.count[g, trait]
            model.rules.add(count == sum(model.x[u, g] for u in users))
            rows = []
            if traits.not_alone[trait]:
                rows += [(model.some[g, trait], row) for row in not_alone(len(users))]
            if tolerance < 1:
                rows += [(model.large[g, trait], row) for row in balanced(share, tolerance, most)]
            for flag, row in rows:
                model.rules.add(row.held * count + row.size * size + row.flag * flag <= row.most)


def _without_excluded(model: Any, pyo: Any, problem: Problem, in_time: Callable[[], None]) -> None:
    """Keep what a member excludes off the list of k items, of which not all may count."""
    pairs = problem.exclusions.pairs
    assert pairs is not None
    told_apart = {(i, g): sum(model.y[i, g, j] for j in model.J) for i in model.I for g in model.G}
    if problem.aggregation.name in ("min", "sum") or len(model.J) == problem.k:
        listed = told_apart
    else:
        listed = model.listed = pyo.Var(model.I, model.G, domain=pyo.Binary)
        model.long_enough = pyo.Constraint(
            model.G, rule=lambda mod, g: sum(mod.listed[i, g] for i in mod.I) == problem.k
        )
        model.from_list = pyo.Constraint(
            model.I, model.G, rule=lambda mod, i, g: told_apart[i, g] <= mod.listed[i, g]
        )
    model.excluded = pyo.ConstraintList()
    by_item = pairs[np.argsort(pairs[:, 1], kind="stable")]
    items, begins = np.unique(by_item[:, 1], return_index=True)
    for item, users in zip(items.tolist(), np.split(by_item[:, 0], begins[1:]), strict=True):
        for g in model.G:
            in_time()
            members = sum(model.x[user, g] for user in users.tolist())
            model.excluded.add(members <= len(users) * (1 - listed[item, g]))


def _solve(problem: Problem, model: Any, budget: Budget, remaining: Callable[[], float]) -> Outcome:
    from pyomo.contrib.solver.common.factory import SolverFactory
    from pyomo.contrib.solver.common.results import TerminationCondition

    solver = SolverFactory("highs")
    with _stopped_by_interrupt(solver) as interrupted:
        solver.set_instance(model)
        left = None if budget.time_limit is None else max(0.01, remaining())
        results = solver.solve(
            model,
            time_limit=left,
            rel_gap=budget.gap if budget.gap is not None else 0.0,
            abs_gap=0.0,
            solver_options={"random_seed": budget.seed % 2**31},
            load_solutions=False,
            raise_exception_on_nonoptimal_result=False,
        )
    condition = results.termination_condition
    ended = TerminationCondition
    if interrupted and results.incumbent_objective is None:
        raise KeyboardInterrupt
    infeasible = condition in (ended.provenInfeasible, ended.infeasibleOrUnbounded)  # it is bounded
    if infeasible and problem.constraints:
        words = "; ".join(rule.words for rule in problem.constraints.rules)
        raise InfeasibleError(
            f"no partition into at most {problem.groups} groups satisfies {words}: exclude fewer, "
            "allow more groups, or take a smaller k"
        )
    failed = not interrupted and condition not in (
        ended.convergenceCriteriaSatisfied,
        ended.maxTimeLimit,
    )
    if failed and results.incumbent_objective is None:
        raise GroupingError(
            f"HiGHS failed on the integer program and found no groups (its status: "
            f"{condition.name}): use exact or refine"
        )
    if results.incumbent_objective is None:
        raise UndecidedError(
            "the time limit passed before the integer program had a solution: give it more time, "
            "or use greedy"
        )
    results.solution_loader.load_vars()
    n = problem.ratings.shape[0]
    member = np.array([[model.x[u, g].value for g in model.G] for u in range(n)])
    labels = member.argmax(axis=1).astype(np.int64)
    if not problem.constraints.slotted:
        labels = _numbered(labels)
    if not problem.constraints.satisfied(labels, problem.groups):
        raise UndecidedError(
            "the groups that HiGHS found keep to the constraints but for its tolerance of "
            f"{TOLERANCE:g}: use exact or refine, or allow a little more"
        )
    bound = results.objective_bound
    usable = bound is not None and math.isfinite(bound) and not failed
    outward = _outward(problem, labels, float(bound)) if usable else None
    status = "interrupted" if interrupted else "time_limit"
    if condition == ended.convergenceCriteriaSatisfied:
        worth = score(problem, labels).objective
        status = "optimal" if not budget.gap or outward == worth else "feasible"
    advice = [f"bounds of the integer program hold to HiGHS' tolerance of {TOLERANCE:g}"]
    if failed:
        status = "feasible"
        advice = [
            f"HiGHS failed before it was done (its status: {condition.name}): these are the best "
            "groups it had found, without a bound"
        ]
    return Outcome(
        labels,
        status=status,
        bound=outward,
        advice=advice,
    )


@contextmanager
def _stopped_by_interrupt(solver: Any) -> Iterator[list[int]]:
    """Let Ctrl-C stop HiGHS with its best solution instead of losing it.

    HiGHS runs Python in between, which is when signals are taken.

    Yields
    ------
    interrupted : list
        Not empty once the solver was asked to stop.
    """
    # Pyomo warns of the status in which HiGHS then ends
    logging.getLogger("pyomo.contrib.solver.solvers.highs").setLevel(logging.ERROR)
    interrupted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def stop(number: int, frame: Any) -> None:
        interrupted.append(number)
        if len(interrupted) > 1 or solver._solver_model is None:
            raise KeyboardInterrupt
        solver._solver_model.cancelSolve()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _outward(problem: Problem, labels: NDArray[np.int64], bound: float) -> float:
    """Raise a bound that HiGHS' tolerance put below what its own solution is worth."""
    worth = score(problem, labels).objective
    # tolerances are absolute; of whole objectives the next one is no rounding away
    close = TOLERANCE * max(1.0, abs(worth))
    grain = Nearness(problem).grain
    close = close if grain is None else min(close, grain / 2)
    return worth if abs(bound - worth) <= close else max(bound, worth)


def _numbered(groups: NDArray[np.intp]) -> NDArray[np.int64]:
    """Number the groups that have members 0, 1, ... in the order of their first users."""
    _, first, labels = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[labels].astype(np.int64)

"""`form`, the one page that reads, completes, builds, runs and returns."""

from __future__ import annotations

import numbers
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from grouping.constraints import Constraints
from grouping.constraints.attributes import Profiles
from grouping.counting import Counting
from grouping.counting import user_weights as weights_of
from grouping.errors import InputError
from grouping.exact.bounding import upper_bound
from grouping.exclusions import Exclusions
from grouping.formation import Formation
from grouping.members import members_report
from grouping.methods import Budget, Progress, method_named
from grouping.missing import Missing, complete, policy_name
from grouping.objective import by_satisfaction, score
from grouping.problem import Problem, asked, positive
from grouping.ratings import Ratings
from grouping.starting import Start, start_labels


def form(
    X: Any,
    semantics: str = "lm",
    agg: str = "min",
    groups: int = 10,
    k: int = 5,
    method: str = "greedy",
    *,
    missing: Missing = "error",
    scale: tuple[float, float] | None = None,
    round: float | None = None,
    position_weights: str | Sequence[float] | None = None,
    weigh: str = "groups",
    split_buckets: bool = False,
    write_model: str | os.PathLike[str] | None = None,
    symmetry_breaking: bool = False,
    min_size: int | None = None,
    max_size: int | None = None,
    sizes: Sequence[int] | None = None,
    together: Iterable[Iterable[Any]] = (),
    apart: Iterable[Iterable[Any]] = (),
    fixed: Mapping[Any, int] | None = None,
    balance: Mapping[str, float] | None = None,
    no_isolated: Iterable[str] | Mapping[str, Any] = (),
    profiles: Profiles = None,
    constraints: Constraints | None = None,
    exclude: Any = None,
    user_weights: Mapping[Any, float] | Sequence[float] | None = None,
    start: Start | None = None,
    time_limit: float | None = None,
    iterations: int | None = None,
    patience: int | None = None,
    gap: float | None = None,
    bound: bool = False,
    per_user: bool = False,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Formation:
    """Partition users into at most `groups` groups that are happiest with their top-k lists.

    Parameters
    ----------
    X : array-like of shape (n, m), CSR, pandas or polars wide frame, or Ratings
        Ratings of n users for m items; NaN and cells not stored mean unrated. Not modified.
    semantics : {"lm", "av"}
        A group's score for an item: its members' lowest rating (least misery) or their sum
        (aggregate voting). Basu Roy et al., SIGMOD 2015, section 2.2.
    agg : {"min", "max", "sum", "wsum", "ndcg"}
        A group's satisfaction with its list: the score of the k-th item, of the first, the sum,
        the weighted sum, or the members' NDCG@k under the semantics. Sections 2.3 and 6.
    groups : int
        At most so many groups (l).
    k : int
        Items on each list, at most m.
    method : {"auto", "greedy", "refine", "exact", "ip", "baseline", "kmeans", "fasterpam"}
        ``auto``: the best that the time allows: exact where it proves quickly, else refine, or
        greedy where that would take more than some seconds; `Formation.method` names the one
        that made the formation. ``greedy``: the paper's GRD algorithms. ``refine``: local search
        from there, better the longer it may take, within constraints. ``exact``: an optimum with
        a proof, or the best formation that the time allows with a bound. ``ip``: the paper's
        integer program, for small instances. ``baseline``: K-means of users by Kendall's tau over
        all items, the paper's rival; ``kmeans``, ``fasterpam``: clusters of users by their
        ratings.
    missing : {"error", "min", "mean"}, number or callable
        What unrated cells count as; a callable is a predictor. See `complete`.
    scale : (float, float), optional
        Lowest and highest rating; by default the observed range.
    round : float, optional
        Put ratings on a grid of this step.
    position_weights : {"inverse", "log"} or k numbers, optional
        For ``wsum``: 1/j (default), 1/log2(j+1), or weights of your own.
    weigh : {"groups", "members"}
        Under least misery, whether each group's satisfaction counts once, as in the paper, or
        once for each member, so that a few small happy groups do not outweigh everyone else.
    split_buckets : bool
        ``greedy`` under least misery: split buckets level by level. Of ratings that are not
        negative the objective is then within r_max - r_min of the optimum (times k for sum, times
        the sum of the weights for wsum), as the paper's theorems 4.6 and 4.8 want it.
    write_model : path-like, optional
        ``ip``: write the integer program to a .lp or .mps file as well.
    symmetry_breaking : bool
        ``ip``: number the groups by their first members, which leaves fewer equal solutions.
    min_size, max_size : int, optional
        Fewest and most users of every group, with methods that take constraints (``refine``).
    sizes : l whole numbers, optional
        Most users of group 0, 1, ...; then groups keep these numbers.
    together, apart : iterables of iterables of user ids
        Users who must be in one group; users of whom no two may be in one.
    fixed : mapping of user id to group, optional
        Users whose group is given; then groups keep their numbers.
    balance : mapping of attribute to tolerance, optional
        Each group's number of users with a value of the attribute may be off the population's
        share of its size by 1, or by the tolerance times its size if that is more.
    no_isolated : iterable of attributes, or mapping of attribute to value, optional
        In no group is just one user with a value of the attribute, or with the value named: none,
        or at least two.
    profiles : frame, or mapping of attribute to values, optional
        Who has which value, for these two: a pandas or polars frame whose first column holds user
        ids; or by attribute n values in the order of the users, or a mapping of user id to value.
    constraints : Constraints, optional
        Ready made, in place of the nine before; both are refused.
    exclude : iterable of item ids, or mapping of user id to item ids, optional
        Items that nobody shall be recommended; or that single users shall not (already seen):
        an item excluded for any member is not on that group's list. The latter with methods that
        take constraints.
    user_weights : mapping of user id to weight, or n numbers, optional
        How much each user counts (all above 0; 1 for those not named): under aggregate voting
        ratings are multiplied by them, under least misery they go with ``weigh="members"``.
    start : Formation, mapping of user id to group, or n group labels, optional
        Groups to start from (``refine``, ``exact``): an earlier formation of the same users, by
        id, or a partition of your own. The result is never below it where it satisfies the
        constraints, else never below what they make of it. Where groups keep their numbers, the
        start's groups have the same.
    time_limit : float, optional
        Seconds, for methods that improve as long as they may.
    iterations : int, optional
        The same as a number of iterations, which gives the same result on every machine.
    patience : int, optional
        Stop after so many iterations in a row that led to nothing better (``refine``).
    gap : float, optional
        Stop as soon as the gap to the bound is at most this.
    bound : bool
        Also compute an upper bound, and with it the gap.
    per_user : bool
        Also report what each member gets (`Formation.members`).
    seed : int
        For methods that draw at random.
    threads : int, optional
        By default as many as there are. The result does not depend on it.
    progress : callable, optional
        Called now and then with a dict of figures.

    Returns
    -------
    formation : Formation

    Raises
    ------
    InputError
        If an argument or a rating is not valid; the message names it.
    InfeasibleError
        If no partition satisfies the constraints; the message names those that conflict.
    UndecidedError
        If the time passed before that was known.
    GroupingError
        If memory does not suffice.
    """
    from grouping.kernels.jit import threads as on_threads

    chosen = method_named(method)
    budget = _budget(time_limit, iterations, patience, gap, seed, progress)
    if threads is not None:
        positive(threads, "the number of threads")
    with on_threads(threads):
        started = time.perf_counter()
        ratings = Ratings.of(X, scale=scale)
        groups, k, _ = asked(ratings.shape, semantics, agg, groups, k, position_weights)
        completed = complete(ratings, missing, round)
        predicted = time.perf_counter()
        asked_for = Constraints.of(
            completed.users,
            groups,
            min_size=min_size,
            max_size=max_size,
            sizes=sizes,
            together=together,
            apart=apart,
            fixed=fixed,
            balance=balance,
            no_isolated=no_isolated,
            profiles=profiles,
        )
        constraints = asked_for.or_ready(constraints)
        counting = Counting(weigh, weights_of(completed.users, user_weights))
        problem = Problem.of(
            completed,
            semantics,
            agg,
            groups,
            k,
            position_weights=position_weights,
            constraints=constraints,
            counting=counting,
            exclusions=Exclusions.of(completed.users, completed.items, exclude),
        )
        outcome = chosen.run(
            problem,
            budget,
            split_buckets=split_buckets,
            write_model=write_model,
            symmetry_breaking=symmetry_breaking,
            start=None
            if start is None
            else start_labels(completed, start, groups, constraints.slotted),
        )
        if bound and outcome.bound is None:
            outcome = replace(outcome, bound=upper_bound(problem).value)
        scored = score(problem, outcome.labels, outcome.lists)
        made = chosen if outcome.method is None else method_named(outcome.method)
        if not (made.orders or constraints.slotted):
            labels, scored = by_satisfaction(outcome.labels, scored)
            outcome = replace(outcome, labels=labels)
        members = members_report(problem, outcome.labels, scored.lists) if per_user else None
        ended = time.perf_counter()
    return Formation.of(
        problem,
        outcome,
        scored,
        members=members,
        method=made.name,
        chosen_by=None if made is chosen else chosen.name,
        seed=budget.seed,
        seconds={"predict": predicted - started, "form": ended - predicted},
        settings={
            "missing": policy_name(missing),
            "round": None if round is None else float(round),
        },
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _budget(
    time_limit: float | None,
    iterations: int | None,
    patience: int | None,
    gap: float | None,
    seed: int,
    progress: Progress | None,
) -> Budget:
    if time_limit is not None and not (_is_number(time_limit) and time_limit > 0):
        raise InputError(f"the time limit must be more than 0 seconds, not {time_limit!r}")
    if iterations is not None:
        positive(iterations, "the number of iterations")
    if patience is not None:
        positive(patience, "the patience")
    if gap is not None and not (_is_number(gap) and gap >= 0):
        raise InputError(f"the gap to stop at must be at least 0, not {gap!r}")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"the seed must be a whole number of at least 0, not {seed!r}")
    return Budget(time_limit, iterations, patience, gap, int(seed), progress)

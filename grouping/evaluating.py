"""`evaluate`: score a partition that somebody else made."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.constraints import Constraints
from grouping.constraints.breaches import breach
from grouping.counting import Counting
from grouping.counting import user_weights as weights_of
from grouping.errors import InputError
from grouping.exact.bounding import upper_bound
from grouping.exclusions import Exclusions
from grouping.formation import Formation
from grouping.ids import canonical_order, id_text
from grouping.memory import require
from grouping.methods import Outcome
from grouping.missing import Missing, complete, policy_name
from grouping.objective import score
from grouping.problem import Problem, asked, positive
from grouping.ratings import Ratings


def evaluate(
    X: Any,
    partition: Formation | Mapping[str, Any] | Sequence[Any] | NDArray[Any],
    semantics: str = "lm",
    agg: str = "min",
    k: int = 5,
    *,
    missing: Missing = "error",
    scale: tuple[float, float] | None = None,
    round: float | None = None,
    position_weights: str | Sequence[float] | None = None,
    weigh: str = "groups",
    user_weights: Mapping[Any, float] | Sequence[float] | None = None,
    exclude: Any = None,
    constraints: Constraints | None = None,
    bound: bool = False,
    threads: int | None = None,
    **rules: Any,
) -> Formation:
    """Give each group of a partition its best list, and score them all.

    Parameters
    ----------
    X : array-like of shape (n, m), CSR, frame, or Ratings
    partition : Formation, mapping of user id to group, or n labels
        The group of each user. Groups keep their names; they are numbered in the order of these.
    semantics, agg, k, missing, scale, round, position_weights, weigh, user_weights, exclude,
    constraints, bound, threads
        As for `form`.
    **rules
        Constraints to hold the partition against: `min_size`, `max_size`, `sizes`, `together`,
        `apart`, `fixed`, `balance`, `no_isolated` and `profiles`, as for `form`.

    Returns
    -------
    formation : Formation
        ``method`` is ``"given"``, the problem's number of groups that of the partition.
        `Formation.broken` says which constraints it breaks, and where.

    Raises
    ------
    InputError
        If a user has no group, a user is unknown, or an argument is not valid.
    GroupingError
        If memory does not suffice.
    """
    from grouping.kernels.jit import threads as on_threads

    if threads is not None:
        positive(threads, "the number of threads")
    with on_threads(threads):
        started = time.perf_counter()
        ratings = Ratings.of(X, scale=scale)
        labels, names = group_numbers(ratings, partition)
        asked(ratings.shape, semantics, agg, len(names), k, position_weights)
        completed = complete(ratings, missing, round)
        predicted = time.perf_counter()
        problem = Problem.of(
            completed,
            semantics,
            agg,
            len(names),
            k,
            position_weights=position_weights,
            counting=Counting(weigh, weights_of(completed.users, user_weights)),
            exclusions=Exclusions.of(completed.users, completed.items, exclude),
        )
        constraints = Constraints.of(completed.users, len(names), **rules).or_ready(constraints)
        broken = [
            breach(rule, labels, completed.users, names)
            for rule in constraints.violated(labels, len(names))
        ]
        outcome = Outcome(labels, bound=upper_bound(problem).value if bound else None)
        scored = score(problem, labels)
        _require_lists(problem, scored.item_scores, names)
        ended = time.perf_counter()
    asked_for = Constraints((*constraints.rules, *problem.constraints.rules))
    numbered = names == [str(g) for g in range(len(names))]
    return Formation.of(
        replace(problem, constraints=asked_for),  # the bound is of any partition
        outcome,
        scored,
        method="given",
        seed=0,
        seconds={"predict": predicted - started, "form": ended - predicted},
        settings={
            "missing": policy_name(missing),
            "round": None if round is None else float(round),
        },
        names=None if numbered else names,
        broken=broken if constraints else None,
    )


def _require_lists(
    problem: Problem, item_scores: NDArray[np.float64], names: Sequence[str]
) -> None:
    """Refuse a partition with a group that has too few items left."""
    for name, scores in zip(names, item_scores, strict=True):
        if not problem.allows(scores):
            raise InputError(
                f"{problem.exclusions.words}: group {name} has fewer than {problem.k} items that "
                "none of its members excludes: exclude fewer, or part the group"
            )


def group_numbers(
    ratings: Ratings, partition: Formation | Mapping[str, Any] | Sequence[Any] | NDArray[Any]
) -> tuple[NDArray[np.int64], list[str]]:
    """Number the groups of a partition, in the order of their names.

    Parameters
    ----------
    ratings : Ratings
    partition
        As for `evaluate`.

    Returns
    -------
    labels : int64 array, shape (n,)
    names : list of str
        Name of each group.

    Raises
    ------
    InputError
        If the partition does not cover the users exactly.
    GroupingError
        If memory does not suffice.
    """
    n = ratings.shape[0]
    require(140 * n, f"numbering the groups of {n} users", "take fewer users")
    if isinstance(partition, Formation):
        if partition.users == ratings.users:
            partition = partition.labels
        else:
            partition = dict(zip(partition.users, partition.labels.tolist(), strict=True))
    if isinstance(partition, Mapping):
        partition = {id_text(user, "user"): group for user, group in partition.items()}
        for user in partition:
            ratings.users.position(user)
        lacking = [user for user in ratings.users if user not in partition]
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise InputError(f"user {lacking[0]}{more} has no group: give every user one")
        given = [partition[user] for user in ratings.users]
    else:
        given = list(np.asarray(partition).tolist())
        if len(given) != n:
            raise InputError(f"{len(given)} group labels for {n} users")
    texts = [_group_name(value) for value in given]
    distinct = sorted(set(texts))
    names = [distinct[i] for i in canonical_order(distinct)]
    number = {name: g for g, name in enumerate(names)}
    return np.array([number[text] for text in texts], dtype=np.int64), names


def _group_name(value: Any) -> str:
    name = id_text(value, "group")
    if not name:
        raise InputError("a group's name is empty")
    return name

"""Least misery: starts from the best way to part a few users who are hard to satisfy together.

The bound by a few users (`grouping.exact.covers.few_users`) parts them in the best way and leaves
the other groups to whoever is happiest alone. Its own partition is a start for all: the others
join, one by one, where that loses least. Whoever lost most is then one of the few next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from grouping.bounds import personal_satisfactions
from grouping.exact.covers.few_users import bound_certificate
from grouping.kernels import moves, user_sets
from grouping.problem import Problem
from grouping.rows.users import user_rows

ROUNDS = 8

SLICE = 1 << 26
"""Scores that are read between two looks at the clock."""

FEW = 12
"""Users who are parted in the best way; those with the least part in the result give way."""


def formations(
    problem: Problem, stop: Callable[[], bool], rounds: int = ROUNDS
) -> Iterator[NDArray[np.int64]]:
    """Make formations from a few users each.

    Parameters
    ----------
    problem : Problem
        Least misery, no constraints, not ndcg.
    stop : callable
        Asked between formations.
    rounds : int
        Formations at the most.

    Yields
    ------
    labels : int64 array, shape (n,)
        Groups may be empty.
    """
    rows = user_rows(problem.ratings)
    weights = problem.aggregation.weights
    personal, _, _ = personal_satisfactions(problem.own.scores, weights)
    few = list(bound_certificate(problem).users[:FEW])
    seen = set()
    for _ in range(rounds):
        if stop() or tuple(sorted(few)) in seen:
            return
        seen.add(tuple(sorted(few)))
        labels, hardest = _around(problem, rows, personal, np.array(few), stop)
        if hardest is None:
            return
        yield labels
        few = [*few[1 if len(few) >= FEW else 0 :], hardest]


def _around(
    problem: Problem,
    rows: NDArray[np.floating],
    personal: NDArray[np.float64],
    few: NDArray[np.int64],
    stop: Callable[[], bool],
) -> tuple[NDArray[np.int64], int | None]:
    """Form groups around a few users; tell also who lowered the objective most.

    Nobody did where it was stopped: then some users have no group.
    """
    n, weights = len(rows), problem.aggregation.weights
    groups = min(problem.groups, n)
    worths = user_sets.worths_of_sets(rows[few].astype(np.float64), weights)
    best, taken = user_sets.best_parting(worths, min(groups, len(few)))
    others = np.setdiff1d(np.argsort(-personal, kind="stable"), few, assume_unique=True)
    alone = np.concatenate([[0.0], np.cumsum(np.maximum(personal[others[:groups]], 0.0))])
    parts = max(range(1, len(best)), key=lambda j: best[j] + alone[min(groups - j, len(alone) - 1)])
    labels = np.full(n, moves.NOBODY, np.int64)
    labels[few] = _parting(taken, parts, len(few))
    singles = others[: groups - parts]
    labels[singles] = parts + np.arange(len(singles))
    waiting = np.flatnonzero(labels == moves.NOBODY)
    waiting = waiting[np.argsort(personal[waiting], kind="stable")]  # the hardest choose first
    instance = moves.unconstrained(rows, weights, True, groups)
    state = moves.empty_state(instance, labels)
    moves.rebuild(instance, state)
    hardest, most = int(few[0]), 0.0
    width = max(1, SLICE // (groups * rows.shape[1]))
    for at in range(0, len(waiting), width):
        if stop():
            return state.labels, None
        some = waiting[at : at + width]
        losses = moves.join_best(instance, state, some)
        if at == 0 or losses.min() < most:
            hardest, most = int(some[losses.argmin()]), float(losses.min())
    return state.labels.copy(), hardest


def _parting(taken: NDArray[np.int64], parts: int, users: int) -> list[int]:
    """Read off the groups of the best partition: the group of each of the few."""
    labels, left = [0] * users, (1 << users) - 1
    for group in range(parts):
        chosen = int(taken[parts - group, left])
        for user in range(users):
            if chosen >> user & 1:
                labels[user] = group
        left ^= chosen
    return labels

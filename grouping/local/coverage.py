"""Least misery by members: a start by coverage, pair by pair of a list and a threshold.

Whoever rates all of a list's items at the threshold or higher can be covered by the pair, and
then counts the threshold. Lazy greedy takes the pair that adds most for those not yet covered,
l - 1 times; whoever is left goes into the last group. Where only a list's best item counts (max,
or k = 1) the best pair is found exactly, and what the pairs cover is at least 1 - 1/e of what any
l - 1 pairs can, over the lowest rating (Nemhauser, Wolsey and Fisher 1978: the gain is monotone
and submodular). No more may be claimed: of the formation this says nothing, since the last group
may be worth less than its members' lowest ratings promise elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from grouping.problem import Problem
from grouping.rows.users import user_rows

CANDIDATES = 100
"""Items that are tried for a further position: those which the users covered rate highest."""

STRETCH = 1 << 22
"""Ratings that are sorted at a time."""


def formation(problem: Problem, stop: Callable[[], bool]) -> NDArray[np.int64] | None:
    """Cover users pair by pair.

    Parameters
    ----------
    problem : Problem
        Least misery by members, not ndcg.
    stop : callable
        Asked before each pair.

    Returns
    -------
    labels : int64 array, shape (n,), or None
        None where it was stopped. Groups may be empty.
    """
    rows = user_rows(problem.ratings)
    labels = np.full(len(rows), problem.groups - 1, np.int64)
    positions = int(np.flatnonzero(problem.aggregation.weights)[-1]) + 1
    for group in range(problem.groups - 1):
        if stop():
            return None
        left = np.flatnonzero(labels == problem.groups - 1)
        if len(left) == 0:
            break
        items = best_list(rows[left], problem.masses[left], problem.low, positions)
        scores = rows[left][:, items].min(axis=1).astype(np.float64)
        count, _ = _best_prefix(scores[:, None], problem.masses[left], problem.low)
        labels[left[np.argsort(-scores, kind="stable")[: int(count[0])]]] = group
    return labels


def best_list(
    rows: NDArray[np.floating], masses: NDArray[np.float64], low: float, positions: int
) -> NDArray[np.int64]:
    """Choose a list item by item, each to leave the pair with the best threshold worth most.

    Parameters
    ----------
    rows : float array, shape (users, m)
        Of users not yet covered.
    masses : float64 array, shape (users,)
    low : float
        What an uncovered user counts.
    positions : int
        Items of the list that count.

    Returns
    -------
    items : int64 array, shape (positions,)
        For one position the best of all.
    """
    candidates = np.arange(rows.shape[1])
    lowest = np.full(len(rows), np.inf)
    items: list[int] = []
    for _ in range(positions):
        best, chosen = -np.inf, int(candidates[0])
        width = max(1, STRETCH // len(rows))
        for start in range(0, len(candidates), width):
            some = candidates[start : start + width]
            together = np.minimum(lowest[:, None], rows[:, some])
            _, gains = _best_prefix(together, masses, low)
            if gains.max() > best:
                best, chosen = float(gains.max()), int(some[gains.argmax()])
        items.append(chosen)
        lowest = np.minimum(lowest, rows[:, chosen])
        count, _ = _best_prefix(lowest[:, None], masses, low)
        covered = np.argsort(-lowest, kind="stable")[: int(count[0])]
        liked = np.argsort(-rows[covered].sum(axis=0, dtype=np.float64), kind="stable")
        candidates = np.setdiff1d(liked[: CANDIDATES + len(items)], items)
        if len(candidates) == 0:
            candidates = np.setdiff1d(np.arange(rows.shape[1]), items)
    return np.array(items, np.int64)


def _best_prefix(
    scores: NDArray[np.floating], masses: NDArray[np.float64], low: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each column, how many of the highest scores to cover, and what that adds to `low`."""
    order = np.argsort(-scores, axis=0, kind="stable")
    heights = np.take_along_axis(scores, order, axis=0) - low
    gains = heights * np.cumsum(masses[order], axis=0)
    best = gains.argmax(axis=0)
    return best + 1, np.take_along_axis(gains, best[None, :], axis=0)[0]

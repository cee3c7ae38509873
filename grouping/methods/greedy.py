"""GRD, the paper's greedy algorithms for least misery and aggregate voting (sections 4 to 6)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.methods import Budget, Outcome
from grouping.objective import best_of_columns, column_scores, fold
from grouping.problem import Problem

PARTITION_USERS = 4096


@dataclass(frozen=True, eq=False)
class Buckets:
    """Intermediate groups: users with the same key, which all have the same list (step 1).

    Attributes
    ----------
    of_user : int64 array, shape (n,)
        Bucket of each user.
    first : int64 array, shape (buckets,)
        Smallest user of each; ascending.
    sizes : int64 array, shape (buckets,)
    scores : float64 array, shape (buckets,)
        What each would count as a group.
    """

    of_user: NDArray[np.int64]
    first: NDArray[np.int64]
    sizes: NDArray[np.int64]
    scores: NDArray[np.float64]


def run(problem: Problem, budget: Budget, *, split_buckets: bool = False) -> Outcome:
    """Form groups by GRD-LM-{MIN,MAX,SUM} or GRD-AV-{MIN,MAX,SUM}.

    Users with equal keys form buckets; the l - 1 best buckets become groups; everyone left
    becomes the last one. Cost O(nk + b log l) for b buckets once the own lists are known.

    Parameters
    ----------
    problem : Problem
    budget : Budget
        Not used: the algorithm draws nothing and ends by itself.
    split_buckets : bool
        Least misery only: fill slots with members of split buckets before a lower score level
        is touched, which the guarantee of theorems 4.6 and 4.8 needs.

    Returns
    -------
    outcome : Outcome
        Groups in order of selection, the last group last.

    Raises
    ------
    InputError
        If buckets shall be split under aggregate voting, where a split gains nothing.
    """
    if split_buckets and problem.by_members:
        raise InputError(
            "splitting buckets gains nothing where groups count by their members: leave it out"
        )
    if split_buckets and problem.semantics == "av":
        raise InputError(
            "splitting buckets has no effect under aggregate voting, whose scores add up over "
            "members: leave it out"
        )
    buckets = form_buckets(problem)
    advice: list[str] = []
    if split_buckets:
        chosen, taken_out = select_and_split(problem, buckets)
    else:
        chosen, taken_out = select(problem, buckets), []
        if can_split(problem) and splitting_may_help(problem, buckets, chosen):
            advice.append(
                "users with equal keys share a bucket: splitting buckets (--split-buckets, in "
                "Python split_buckets=True) may raise the objective"
            )
    slot_of_bucket = np.full(len(buckets.sizes), -1, np.int64)
    slot_of_bucket[[bucket for _, bucket in chosen]] = [slot for slot, _ in chosen]
    labels = slot_of_bucket[buckets.of_user]
    for slot, user in taken_out:
        labels[user] = slot
    slots = len(chosen) + len(taken_out)
    founders = np.empty(slots, np.int64)
    founders[[slot for slot, _ in chosen]] = buckets.first[[bucket for _, bucket in chosen]]
    founders[[slot for slot, _ in taken_out]] = [user for _, user in taken_out]
    lists = problem.own.items[founders].astype(np.int64)
    left = np.flatnonzero(labels < 0)
    if len(left):
        labels[left] = slots
        scores, error = last_group_columns(problem, left, np.flatnonzero(labels < slots))
        last = best_of_columns(problem, left, scores, error)
        lists = np.concatenate([lists, last[None, :]])
    return Outcome(labels, lists, advice=advice)


def can_split(problem: Problem) -> bool:
    """Whether split buckets can gain anything: where groups count once, under least misery."""
    return problem.semantics == "lm" and not problem.by_members


def form_buckets(problem: Problem) -> Buckets:
    """Step 1: bring users with equal keys together.

    The key is the list and, under least misery, the scores that the aggregation rests on: the
    k-th (min), the top one (max), all k (sum, weighted sum). Under aggregate voting and for
    ndcg it is the list alone.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    buckets : Buckets
    """
    from grouping.kernels.buckets import hash_keys, lead

    items, own = problem.own.items, problem.own.scores
    n = len(items)
    first, last = problem.aggregation.key if problem.semantics == "lm" else (0, 0)
    bits = own.view(np.uint64)
    partition_bits = max(0, (n // PARTITION_USERS).bit_length())
    with np.errstate(over="ignore"):  # hashes wrap around
        hashes = hash_keys(items, bits, first, last)
        leaders, size_at = lead(hashes, items, bits, first, last, partition_bits)
    leads = np.flatnonzero(size_at)
    number = np.empty(n, np.int64)
    number[leads] = np.arange(len(leads))
    of_user = number[leaders]
    sizes = size_at[leads]
    scores = _bucket_scores(problem, of_user, leads, sizes)
    return Buckets(of_user, leads, sizes, problem.counting.of_groups(scores, of_user))


def _bucket_scores(
    problem: Problem,
    of_user: NDArray[np.int64],
    first: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Satisfaction of each bucket as a group, whose list is that of each member."""
    from grouping.kernels.groups import members_in_order

    own, aggregation = problem.own.scores, problem.aggregation
    if aggregation.per_member:  # each member gets the own list: an NDCG of 1
        return np.ones(len(sizes)) if problem.semantics == "lm" else sizes.astype(np.float64)
    scores = aggregation.of_scores(own)[first]
    shared = np.flatnonzero(sizes > 1)
    if problem.semantics == "av" and len(shared):
        rank = np.full(len(sizes), -1, np.int64)
        rank[shared] = np.arange(len(shared))
        users = np.flatnonzero(rank[of_user] >= 0)
        order, starts = members_in_order(rank[of_user[users]], len(shared))
        scores[shared] = aggregation.of_scores(fold(problem, own, users[order], starts))
    return scores


def select(problem: Problem, buckets: Buckets) -> list[tuple[int, int]]:
    """Step 2: choose the l - 1 best buckets; all of them where they are fewer than l.

    Parameters
    ----------
    problem : Problem
    buckets : Buckets

    Returns
    -------
    chosen : list of (slot, bucket)
    """
    from grouping.kernels.buckets import best_buckets

    count = len(buckets.sizes)
    slots = count if count < problem.groups else problem.groups - 1
    return list(enumerate(best_buckets(buckets.scores, buckets.sizes, slots).tolist()))


def select_and_split(
    problem: Problem, buckets: Buckets
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Step 2 with buckets split, level of score by level.

    At each level every bucket gets a slot, the larger first; slots still free are filled with
    members taken out of the level's buckets, from the larger first, highest user first, before
    a lower level is touched. l - 1 slots are filled; where nobody would be left for the last
    group, the l-th too.

    Parameters
    ----------
    problem : Problem
        Under least misery.
    buckets : Buckets

    Returns
    -------
    chosen : list of (slot, bucket)
    taken_out : list of (slot, user)
        Users who are a group of their own.
    """
    from grouping.kernels.buckets import best_buckets
    from grouping.kernels.groups import members_in_order

    chosen: list[tuple[int, int]] = []
    taken_out: list[tuple[int, int]] = []
    n = len(buckets.of_user)
    # each bucket of a level that is reached takes a slot, so no more than l buckets can be
    ranked = best_buckets(buckets.scores, buckets.sizes, problem.groups)
    order, starts = members_in_order(buckets.of_user, len(buckets.sizes))
    level_ends = [*np.flatnonzero(np.diff(buckets.scores[ranked])) + 1, len(ranked)]
    placed = begin = 0
    for end in level_ends:
        level = ranked[begin:end][: problem.groups - 1 - len(chosen) - len(taken_out)].tolist()
        begin = end
        for bucket in level:
            chosen.append((len(chosen) + len(taken_out), bucket))
            placed += int(buckets.sizes[bucket])
        for bucket in level:
            room = problem.groups - 1 - len(chosen) - len(taken_out)
            if placed == n:
                room += 1  # nobody is left for the last group
            members = order[starts[bucket] + 1 : starts[bucket + 1]]  # its first user stays
            for user in members[::-1][: max(0, room)].tolist():
                taken_out.append((len(chosen) + len(taken_out), user))
    return chosen, taken_out


def splitting_may_help(problem: Problem, buckets: Buckets, chosen: list[tuple[int, int]]) -> bool:
    """Whether buckets and keys alone show that split buckets may do better.

    So it is where as many single users as there are slots have more satisfaction to give than
    the buckets chosen.
    """
    from grouping.kernels.buckets import best_buckets

    n = len(buckets.of_user)
    slots = min(n, max(problem.groups - 1, len(chosen)))
    if len(buckets.sizes) < problem.groups:
        slots = min(n, problem.groups)
    best: list[float] = []
    for bucket in best_buckets(buckets.scores, buckets.sizes, slots):
        room = slots - len(best)
        best += [float(buckets.scores[bucket])] * min(room, int(buckets.sizes[bucket]))
    return math.fsum(best) > math.fsum(buckets.scores[[b for _, b in chosen]])


def last_group_columns(
    problem: Problem, members: NDArray[np.int64], others: NDArray[np.int64]
) -> tuple[NDArray[np.float64], float]:
    """Step 3: every item's score for the last group, from as few ratings as will do.

    The pass that found the own lists also summed, or took the minimum of, all users' ratings of
    each item. For a last group of most users these need a correction by the few others only.

    Parameters
    ----------
    problem : Problem
    members : int64 array
        The last group.
    others : int64 array
        Everyone else.

    Returns
    -------
    scores : float64 array, shape (m,)
    error : float
        How far each may be off, beyond the rounding of float64 sums.
    """
    total = problem.column_scores
    mostly_last = 2 * len(others) < len(members)
    if problem.semantics == "av":
        if total is None or not mostly_last:
            return column_scores(problem, members), 0.0
        sums = total if not problem.ratings.sparse else total + _fills(problem)
        rest = sums - column_scores(problem, others) if len(others) else sums.copy()
        return rest, problem.column_error
    if problem.ratings.sparse:
        return _sparse_minima(problem, members), 0.0
    if total is None or not mostly_last:
        return column_scores(problem, members), 0.0
    return _dense_minima(problem, members, others, total), 0.0


def _fills(problem: Problem) -> float:
    return problem.ratings.shape[0] * (problem.ratings.fill or 0.0)


def _dense_minima(
    problem: Problem,
    members: NDArray[np.int64],
    others: NDArray[np.int64],
    floors: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Minima without the others: only columns whose minimum one of them holds can change."""
    from grouping.kernels.groups import dense_minima_without

    matrix = problem.ratings.matrix
    assert isinstance(matrix, np.ndarray)
    minima = floors.astype(np.float64)
    if len(others) == 0:
        return minima
    suspects = np.flatnonzero(column_scores(problem, others) <= minima)
    budget = matrix.size // 16
    if dense_minima_without(matrix, members, floors, suspects, minima, budget):
        return minima
    return column_scores(problem, members)


def _sparse_minima(problem: Problem, members: NDArray[np.int64]) -> NDArray[np.float64]:
    """Minima of CSR columns: above the fill only where every member stored a rating."""
    from grouping.kernels.groups import sparse_common

    matrix, fill = problem.ratings.matrix, problem.ratings.fill or 0.0
    if isinstance(matrix, np.ndarray) or problem.low < fill:
        return column_scores(problem, members)
    columns, minima = sparse_common(matrix.indptr, matrix.indices, matrix.data, fill, members)
    scores = np.full(problem.ratings.shape[1], fill)
    scores[columns] = minima
    return scores

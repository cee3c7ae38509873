"""The objective, defined once: what every method, test and report means by a group's satisfaction.

Paper, sections 2.2 to 2.4 and 6. A group's score for an item is the minimum (least misery) or the
sum (aggregate voting) of its members' ratings; its list is its k best items by that score, equal
ones by ascending column; its satisfaction aggregates the list's scores; the objective adds up the
groups' satisfactions, each as often as its group counts (`grouping.counting`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.problem import Problem, chunks

RESCORED_CELLS = 1 << 26
"""Ratings that are read again, at most, to tell items with nearly equal sums apart."""

STRETCH = 4096
"""Members summed up in a row before partial sums are added: fixed, so that sums are."""


@dataclass(frozen=True, eq=False)
class Score:
    """What a partition is worth.

    Attributes
    ----------
    lists : int64 array, shape (groups, k)
        Each group's items (columns), best first.
    item_scores : float64 array, shape (groups, k)
        The group's score of each of them.
    satisfaction : float64 array, shape (groups,)
    objective : float
        Sum of what the satisfactions count, correctly rounded.
    """

    lists: NDArray[np.int64]
    item_scores: NDArray[np.float64]
    satisfaction: NDArray[np.float64]
    objective: float


def score(
    problem: Problem, labels: NDArray[np.int64], lists: NDArray[np.int64] | None = None
) -> Score:
    """Score a partition.

    Parameters
    ----------
    problem : Problem
    labels : int64 array, shape (n,)
        Group of each user: every number of 0..groups-1 occurs.
    lists : int64 array, shape (groups, k), optional
        Each group's list, where the caller knows it; by default it is found here.

    Returns
    -------
    score : Score
    """
    from grouping.kernels.groups import members_in_order, ndcg_of_members

    groups = int(labels.max()) + 1
    order, starts = members_in_order(labels, groups)
    if lists is None:
        lists = np.stack(
            [best_list(problem, order[starts[g] : starts[g + 1]]) for g in range(groups)]
        )
    item_scores = _scores_of_lists(problem, labels, lists, order, starts)
    # by score descending, equal ones by ascending column
    best_first = np.lexsort((lists, -item_scores), axis=1)
    if not np.array_equal(best_first, np.broadcast_to(np.arange(problem.k), best_first.shape)):
        lists = np.take_along_axis(lists, best_first, axis=1)
        item_scores = np.take_along_axis(item_scores, best_first, axis=1)
    if problem.aggregation.per_member:
        on_lists = ratings_on_lists(problem, labels, lists)
        ndcg = ndcg_of_members(on_lists, problem.own.scores, problem.aggregation.weights)
        satisfaction = fold(problem, ndcg, order, starts)[:, 0]
    else:
        satisfaction = problem.aggregation.of_scores(item_scores)
    counted = problem.counting.of_groups(satisfaction, labels)
    return Score(lists, item_scores, satisfaction, math.fsum(counted))


def _scores_of_lists(
    problem: Problem,
    labels: NDArray[np.int64],
    lists: NDArray[np.int64],
    order: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Score each group's items: float64, shape (groups, k)."""
    from grouping.kernels.groups import members_in_order

    total, largest = problem.column_scores, int(np.diff(starts).argmax())
    others = len(labels) - int(starts[largest + 1] - starts[largest])
    exact = problem.exact_sums and problem.semantics == "av"
    if total is None or not exact or 2 * others >= len(labels):
        return fold(problem, ratings_on_lists(problem, labels, lists), order, starts)
    # exact sums do not depend on how they are come by: all users' without those of the others
    users = np.flatnonzero(labels != largest)
    fills = len(labels) * (problem.ratings.fill or 0.0) if problem.ratings.sparse else 0.0
    same = np.zeros(len(users), np.int64)
    theirs = ratings_on_lists(problem, same, lists[largest : largest + 1], users).sum(axis=0)
    sums: NDArray[np.float64] = (total[lists[largest]] + fills - theirs)[None, :]
    if len(users) == 0:
        return sums
    numbers = labels[users] - (labels[users] > largest)
    smaller = np.delete(lists, largest, axis=0)
    rows = ratings_on_lists(problem, numbers, smaller, users)
    folded = fold(problem, rows, *members_in_order(numbers, len(smaller)))
    return np.concatenate([folded[:largest], sums, folded[largest:]])


def by_satisfaction(labels: NDArray[np.int64], found: Score) -> tuple[NDArray[np.int64], Score]:
    """Number groups by satisfaction, then size, descending, then smallest first user.

    Parameters
    ----------
    labels : int64 array, shape (n,)
    found : Score
        Of these labels.

    Returns
    -------
    labels : int64 array, shape (n,)
    score : Score
    """
    _, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes, -found.satisfaction))
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    sorted_score = Score(
        found.lists[order], found.item_scores[order], found.satisfaction[order], found.objective
    )
    return number[labels], sorted_score


def best_list(problem: Problem, members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find a group's k best items under the problem's semantics.

    Parameters
    ----------
    problem : Problem
    members : int64 array
        Users, ascending; at least one.

    Returns
    -------
    items : int64 array, shape (k,)
        Best first, equal scores by ascending column.
    """
    return best_of_columns(problem, members, column_scores(problem, members))


def column_scores(problem: Problem, members: NDArray[np.int64]) -> NDArray[np.float64]:
    """Score every item for one group.

    Parameters
    ----------
    problem : Problem
    members : int64 array
        Users, ascending; at least one.

    Returns
    -------
    scores : float64 array, shape (m,)
        Sums are rounded in another order than `fold`'s.
    """
    from grouping.kernels.groups import dense_columns, sparse_columns

    matrix, m = problem.ratings.matrix, problem.ratings.shape[1]
    semantics = semantics_code(problem)
    found: NDArray[np.float64]
    if isinstance(matrix, np.ndarray):
        found = dense_columns(matrix, members, semantics, chunks(problem.ratings, members))
    else:
        found = sparse_columns(
            matrix.indptr,
            matrix.indices,
            matrix.data,
            problem.ratings.fill or 0.0,
            m,
            members,
            semantics,
            chunks(problem.ratings, members),
        )
    return found


def best_of_columns(
    problem: Problem,
    members: NDArray[np.int64],
    scores: NDArray[np.float64],
    error: float = 0.0,
) -> NDArray[np.int64]:
    """Choose the k best items, given the scores of all up to the rounding of sums.

    Sums of real numbers depend in their last bits on the order of summation. Items whose sums
    are too close to the k-th for that are scored anew as the objective does it, so that the
    list does not depend on how the sums were come by. (Only where so many items tie with the
    k-th that this would read `RESCORED_CELLS` ratings or more, the sums decide as they are.)

    Parameters
    ----------
    problem : Problem
    members : int64 array
        Users, ascending.
    scores : float64 array, shape (m,)
    error : float
        How far each score may be off, beyond the rounding of float64 sums.

    Returns
    -------
    items : int64 array, shape (k,)
        Not in their order: `score` brings them into it.
    """
    from grouping.kernels.groups import best_columns

    items: NDArray[np.int64] = best_columns(scores, problem.k)
    if problem.semantics == "lm":
        return items
    # twice the error bound of summing n differences to the fill one by one, taken from another
    # such sum: no order in use here is worse
    n = problem.ratings.shape[0]
    largest = max(abs(problem.low), abs(problem.high), problem.penalty)
    close = np.finfo(np.float64).eps * 4 * n * (n + 1) * largest
    close += 2 * error
    near = np.flatnonzero(scores >= scores[items[-1]] - close)
    if len(near) == problem.k:
        return items
    if problem.exact_sums:
        return items
    dear = min(problem.ratings.count() // 4, RESCORED_CELLS)
    if error and len(near) * len(members) >= dear:
        return best_list(problem, members)  # sums anew are cheaper than so many look-ups
    if len(near) * len(members) >= RESCORED_CELLS:
        return items
    # those well above the (k + 1)-th are on the list whatever their true sums
    outside = np.partition(scores[near], len(near) - problem.k - 1)[len(near) - problem.k - 1]
    sure = near[scores[near] > outside + close]
    unsure = near[scores[near] <= outside + close]
    labels, positions = np.zeros(len(members), np.int64), np.arange(len(members))
    exact = np.empty(len(unsure))
    columns = max(1, (RESCORED_CELLS >> 4) // len(members))
    for start in range(0, len(unsure), columns):
        some = slice(start, start + columns)
        rows = ratings_on_lists(problem, labels, unsure[None, some], users=members)
        exact[some] = fold(problem, rows, positions, np.array([0, len(members)]))[0]
    return np.concatenate([sure, unsure[best_columns(exact, problem.k - len(sure))]])


def ratings_on_lists(
    problem: Problem,
    labels: NDArray[np.int64],
    lists: NDArray[np.int64],
    users: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Look up users' ratings of the lists of their groups.

    Parameters
    ----------
    problem : Problem
    labels : int64 array, shape (users,)
        Row of `lists` that belongs to each user.
    lists : int64 array, shape (groups, length)
    users : int64 array, optional
        By default all.

    Returns
    -------
    ratings : float64 array, shape (users, length)
    """
    from grouping.kernels.groups import dense_on_lists, sparse_on_lists

    if users is None:
        users = np.arange(problem.ratings.shape[0])
    matrix = problem.ratings.matrix
    found: NDArray[np.float64]
    if isinstance(matrix, np.ndarray):
        found = dense_on_lists(matrix, users, labels, lists)
    else:
        fill = problem.ratings.fill or 0.0
        found = sparse_on_lists(
            matrix.indptr, matrix.indices, matrix.data, fill, users, labels, lists
        )
    return found


def fold(
    problem: Problem,
    rows: NDArray[np.float64],
    order: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Aggregate the members' rows under the semantics: their minimum, or their sum in order.

    Parameters
    ----------
    problem : Problem
    rows : float64 array, shape (n, c)
    order : int64 array
        Rows, group by group, ascending inside each.
    starts : int64 array, shape (groups + 1,)
        Bounds of the groups in `order`; no group is empty.

    Returns
    -------
    folded : float64 array, shape (groups, c)
    """
    from grouping.kernels import groups as kernels

    pieces = -(-np.diff(starts) // STRETCH)
    group_of = np.repeat(np.arange(len(pieces)), pieces)
    first = np.cumsum(pieces) - pieces
    bounds = starts[group_of] + STRETCH * (np.arange(len(group_of)) - first[group_of])
    folded: NDArray[np.float64] = kernels.fold(
        rows,
        order,
        np.append(bounds, starts[-1]),
        group_of,
        len(pieces),
        semantics_code(problem),
    )
    return folded


def semantics_code(problem: Problem) -> int:
    """Return the small integer that tells kernels the semantics."""
    from grouping.kernels.groups import AGGREGATE_VOTING, LEAST_MISERY

    return LEAST_MISERY if problem.semantics == "lm" else AGGREGATE_VOTING

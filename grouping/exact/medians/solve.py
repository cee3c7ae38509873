"""Aggregate voting with max: at most l items that serve all users best, the l-median problem.

A group's satisfaction is the sum of its members' ratings of one item, its best. So a formation is
worth what users get from at most l items, each from the best of them, and the list length k does
not matter. The same holds for any aggregation of lists of one item, and for weighted sums that
weigh the first position alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.exact.grain import grain_of, rounded_down
from grouping.exact.medians.tree import Descent, MedianTree, TreeProof, tree_bound
from grouping.exact.search import Search
from grouping.local import medians as local
from grouping.problem import Problem
from grouping.rows.items import item_rows
from grouping.stopping import CLOSE

ROUNDS = 60
"""Times that the items are shaken before the tree is grown."""

STEPS = 600
"""Subgradient steps before the tree is grown."""

SHORT_OF = 1e-3
"""Share of the grain that a bound must keep from the next multiple, for rounding's sake."""


@dataclass(frozen=True, eq=False)
class MediansCertificate:
    """Proof that no choice of at most l items gives users more than the bound.

    The columns of the tree are the items (see `grouping.exact.medians.tree.TreeProof`). The bound
    is rounded down to a multiple of the ratings' grain, where they have one, and then multiplied
    by the first position's weight.

    Attributes
    ----------
    tokens : int64 array
    multipliers : float32 array, shape (rows, n)
    weight : float
    bound : float
    """

    tokens: NDArray[np.int64]
    multipliers: NDArray[np.float32]
    weight: float
    bound: float


def bound_certificate(
    problem: Problem, steps: int = STEPS, stop: Callable[[], bool] = lambda: False
) -> MediansCertificate:
    """Bound the objective by subgradient steps alone.

    Parameters
    ----------
    problem : Problem
        Aggregate voting where lists count by their first item.
    steps : int
        Each reads all ratings.
    stop : callable
        Asked after each step.

    Returns
    -------
    certificate : MediansCertificate
    """
    chosen = _Medians(problem)
    items = local.greedy(chosen.rows, problem.groups, problem.low, stop)
    value = float(chosen.rows[items].max(axis=0).sum(dtype=np.float64))
    descent = Descent(chosen.rows, problem.groups, middle_multipliers(chosen.rows, items))
    descent.run(max(1, steps), value, stop)
    return chosen.certificate(root_proof(descent))


def solve(search: Search) -> None:
    """Search for the best items, then prove that none are better.

    Parameters
    ----------
    search : Search
    """
    if search.over:
        return
    problem = search.problem
    medians = _Medians(problem)
    rows, limit = medians.rows, problem.groups
    best = -math.inf

    def stop() -> bool:
        return search.over

    def offer(value: float, items: NDArray[np.int64]) -> None:
        nonlocal best
        if value > best:
            best = value
            search.offer(rows[items].argmax(axis=0))

    def target() -> float:
        return target_above(max(best, search.objective / medians.weight), medians.grain)

    items = local.greedy(rows, limit, problem.low, stop)
    items, value = local.exchange(rows, items, stop)
    offer(value, items)
    descent = Descent(rows, limit, middle_multipliers(rows, items))
    pace = descent.run_timed(STEPS, best, stop, lambda: search.remaining)
    search.prove(medians.certificate(root_proof(descent)))
    search.report(columns=len(rows))
    if stop():
        return
    promising = np.union1d(descent.decided(target())[0], items)
    promising = np.union1d(np.setdiff1d(np.arange(len(rows)), promising), items)
    start = np.searchsorted(promising, items)
    rng = np.random.default_rng(search.budget.seed)
    shaken, value = local.shake(rows[promising], start, rng, ROUNDS, stop)
    offer(value, promising[shaken])
    descent.run(STEPS // 2, best, stop)
    tree = MedianTree(rows, limit, descent, problem.low)
    reported = 0

    def grown_enough() -> bool:
        nonlocal reported
        if tree.nodes >= 2 * reported:
            reported = max(1, tree.nodes)
            search.report(columns=len(promising), nodes=tree.nodes)
        return search.over or search.remaining <= pace * tree.proved

    tree.grow(target, offer, grown_enough)
    search.prove(medians.certificate(tree.proof()))
    search.report(columns=len(promising), nodes=tree.nodes)
    while not stop() and math.isfinite(search.remaining):
        shaken, value = local.shake(rows[promising], shaken, rng, ROUNDS, stop)
        offer(value, promising[shaken])


def middle_multipliers(
    values: NDArray[np.floating], chosen: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Start multipliers between what the best and the second best chosen column give.

    Parameters
    ----------
    values : float array, shape (columns, users)
    chosen : int64 array
        At least one.

    Returns
    -------
    multipliers : float64 array, shape (users,)
    """
    offered = values[chosen].astype(np.float64)
    if len(chosen) == 1:
        only: NDArray[np.float64] = offered[0]
        return only
    offered.partition(len(chosen) - 2, axis=0)
    middle: NDArray[np.float64] = offered[-2:].mean(axis=0)
    return middle


def root_proof(descent: Descent) -> TreeProof:
    """Proof by the multipliers of a descent alone: a tree of one leaf."""
    return TreeProof(np.array([-2]), descent.multipliers.astype(np.float32)[None])


def target_above(value: float, grain: float | None) -> float:
    """Bound up to which nothing better than a value is missed.

    Parameters
    ----------
    value : float
        Of the best choice known.
    grain : float or None
        Of all values.

    Returns
    -------
    target : float
    """
    if grain is not None:
        return value + grain * (1 - SHORT_OF)
    return value + CLOSE / 2 * max(1.0, abs(value))


class _Medians:
    """An instance as the tree sees it: items' rows, their grain, the weight of what they give."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.rows = item_rows(problem.ratings)
        self.weight = float(problem.aggregation.weights[0])
        self.grain = grain_of(problem.ratings, problem.ratings.shape[0])

    def certificate(self, proof: TreeProof) -> MediansCertificate:
        bound = tree_bound(self.rows, self.problem.groups, proof, self.problem.low)
        bound = rounded_down(bound, self.grain)
        if self.weight != 1.0:
            bound = math.nextafter(self.weight * bound, math.inf)
        return MediansCertificate(proof.tokens, proof.multipliers, self.weight, bound)

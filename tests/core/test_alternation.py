"""Alternation within sizes: it keeps to the sizes, never loses, and finds planted clusters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grouping import form
from grouping.constraints import Constraints
from grouping.generate import generate
from grouping.local.alternation import ListsWithinSizes, Sizes, clusters
from grouping.missing import complete
from grouping.objective import score
from grouping.problem import Problem


def never():
    return False


def problem_of(semantics="av", agg="sum", users=60, groups=5, **constraints):
    ratings = complete(generate(users, 15, step=None, clusters=5, seed=4), "error")
    rules = Constraints.of(ratings.users, groups, **constraints)
    return Problem.of(ratings, semantics, agg, groups, 3, constraints=rules)


@pytest.mark.parametrize(
    "limits", [{"max_size": 13}, {"max_size": 20, "min_size": 8}, {"sizes": [30, 10, 10, 5, 5]}]
)
def test_sizes_are_kept(limits):
    problem = problem_of(**limits)
    sizes = Sizes(problem)
    rng = np.random.default_rng(0)
    local = ListsWithinSizes(problem, sizes, never)
    labels = clusters(problem, sizes, rng, never)
    found = local.alternate(local.lists(labels))
    for some in (labels, found, local.shake(found, rng)):
        assert not problem.constraints.violated(some, 5)


@pytest.mark.parametrize("agg", ["max", "sum", "wsum"])
def test_alternation_never_loses(agg):
    problem = problem_of(agg=agg, max_size=13)
    local = ListsWithinSizes(problem, Sizes(problem), never)
    for seed in range(3):
        labels = np.random.default_rng(seed).permutation(60) % 5
        found = local.alternate(local.lists(labels))
        assert score(problem, found).objective >= score(problem, labels).objective


def test_clusters_within_sizes_are_those_that_were_planted():
    """Where users of one taste agree on everything and sizes allow all who do."""
    ratings = generate(40, 12, step=None, clusters=4, noise=0.0, seed=1)
    tastes = np.unique(np.asarray(ratings.matrix), axis=0, return_inverse=True)[1]
    most = int(np.bincount(tastes).max())
    rules = Constraints.of(ratings.users, 4, max_size=most)
    problem = Problem.of(ratings, "lm", "sum", 4, 3, constraints=rules)
    found = [
        clusters(problem, Sizes(problem), np.random.default_rng(seed), never) for seed in range(4)
    ]
    assert any(
        len(set(zip(labels.tolist(), tastes.tolist(), strict=True))) == 4 for labels in found
    )


def test_sizes_that_are_too_many_or_too_few_do_not_suit():
    assert not Sizes(problem_of(min_size=13)).suit(60)
    assert not Sizes(problem_of(max_size=11)).suit(60)
    assert Sizes(problem_of(max_size=12, min_size=12)).suit(60)
    assert not Sizes(problem_of(max_size=12)).suit(1 << 20)


@pytest.mark.parametrize(
    ("semantics", "agg"), list(itertools.product(("lm", "av"), ("min", "max", "sum")))
)
def test_refine_within_sizes_is_ahead_of_clusters(semantics, agg):
    """What refine starts from is never lost."""
    problem = problem_of(semantics, agg, max_size=13)
    sizes, rng = Sizes(problem), np.random.default_rng(7)
    formed = form(problem.ratings, semantics, agg, 5, 3, "refine", max_size=13, seed=7)
    assert formed.sizes.max() <= 13
    reached = [score(problem, clusters(problem, sizes, rng, never)).objective for _ in range(2)]
    assert formed.objective >= max(reached)

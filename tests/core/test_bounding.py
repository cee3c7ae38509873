"""Bounds alone: by a few users, by multipliers, in the time allowed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from grouping import evaluate, form
from grouping.bounds import own_list_bound
from grouping.exact.bounding import upper_bound
from grouping.exact.covers.few_users import bound_by, bound_certificate
from grouping.generate import generate
from grouping.methods import Budget
from grouping.missing import complete
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.core.checkers_few_users import accepts
from tests.strategies import csr_of, instances

KINDS = ("stars", "integers", "halves", "signed zeros", "tenths", "reals")
LISTS = ("min", "max", "sum", "wsum")
OBJECTIVES = [(s, agg) for s in ("lm", "av") for agg in (*LISTS, "ndcg")]


def problem_of(instance):
    return Problem.of(Ratings.of(instance.X), **instance.asked)


@settings(max_examples=150)
@given(instances(KINDS, ("lm",), LISTS, users=7, items=5))
def test_all_users_as_the_few_give_the_optimum(instance):
    """Few enough users are all among the few: then the bound is reached, but for roundings."""
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    bound = bound_certificate(problem_of(instance)).bound
    assert bound >= best
    assert bound == pytest.approx(float(best), rel=1e-12, abs=1e-12)


@settings(max_examples=100)
@given(instances(KINDS, ("lm",), LISTS, users=7, items=5))
def test_any_few_users_give_a_bound_that_the_checker_accepts(instance):
    """Whoever the few are: at least the optimum, by the argument that the checker follows."""
    problem = problem_of(instance)
    users = np.arange(0, len(instance.rows), 2)
    found = bound_by(problem, users)
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    weights = problem.aggregation.weights
    assert found.bound >= best
    assert accepts(instance.rows, instance.groups, instance.k, weights, users, found.bound)


@pytest.mark.parametrize("agg", LISTS)
def test_a_mutated_certificate_is_not_accepted(agg):
    """A bound that is lowered, or users who are left out, named twice, or not there."""
    rows = np.random.default_rng(5).random((40, 12))
    problem = Problem.of(Ratings.of(rows), "lm", agg, 3, 2)
    users = np.arange(6)
    bound = bound_by(problem, users).bound
    weights = problem.aggregation.weights
    assert accepts(rows, 3, 2, weights, users, bound)
    assert not accepts(rows, 3, 2, weights, users, bound * (1 - 1e-9))
    assert not accepts(rows, 3, 2, weights, users[:3], bound)
    for wrong in ([0, 0, 1], [], [40]):
        assert not accepts(rows, 3, 2, weights, wrong, 1e9)


def test_the_few_are_hard_to_satisfy_together():
    """Of users of four tastes, and groups for two, some of each are taken: a list cannot serve
    two tastes, so the bound is what two groups of two tastes each are worth.
    """
    rows = np.ones((80, 8))
    for user in range(80):
        rows[user, 2 * (user % 4) : 2 * (user % 4) + 2] = 5
    problem = Problem.of(Ratings.of(rows), "lm", "min", 4, 2)
    assert upper_bound(problem).value == own_list_bound(problem) == 20
    problem = Problem.of(Ratings.of(rows), "lm", "min", 3, 2)
    assert own_list_bound(problem) == 15
    found = upper_bound(problem)
    assert (found.value, found.argument) == (11, "few users")


@settings(max_examples=60)
@given(instances(KINDS, ("lm", "av"), (*LISTS, "ndcg"), users=7, items=5))
def test_no_bound_is_below_the_optimum_or_above_that_by_own_lists(instance):
    """Whatever the objective; and dense or sparse make no difference to where ratings are."""
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    problem = problem_of(instance)
    bound = upper_bound(problem).value
    assert bound >= float(best) - 1e-12 * max(1.0, abs(float(best)))
    assert bound <= own_list_bound(problem)


@pytest.mark.parametrize(("semantics", "agg"), OBJECTIVES)
def test_a_search_in_the_time_allowed_gives_a_bound_that_is_no_higher(semantics, agg):
    ratings = complete(generate(40, 12, seed=3), "error")
    problem = Problem.of(ratings, semantics, agg, 4, 3)
    quick, searched = upper_bound(problem), upper_bound(problem, Budget(time_limit=2.0))
    assert searched.value <= quick.value <= own_list_bound(problem)
    formed = form(ratings, semantics, agg, 4, 3)
    assert formed.objective <= searched.value * (1 + 1e-12)


@pytest.mark.parametrize(("semantics", "agg"), OBJECTIVES)
def test_sparse_ratings_have_the_bound_of_dense_ones(semantics, agg):
    rows = np.random.default_rng(1).integers(1, 6, (30, 8)) * 1.0
    dense = upper_bound(Problem.of(Ratings.of(rows), semantics, agg, 4, 3))
    sparse = Ratings.of(csr_of(rows, rows > 1)).with_matrix(csr_of(rows, rows > 1), fill=1.0)
    found = upper_bound(Problem.of(sparse, semantics, agg, 4, 3))
    assert (found.value, found.argument) == (dense.value, dense.argument)


def test_forming_and_evaluating_give_the_quick_bound():
    """The same number wherever a bound is asked for."""
    ratings = complete(generate(60, 12, seed=3), "error")
    problem = Problem.of(ratings, "lm", "min", 4, 3)
    formed = form(ratings, "lm", "min", 4, 3, bound=True)
    assert formed.bound == upper_bound(problem).value
    labels = np.arange(60) % 4
    assert evaluate(ratings, labels, "lm", "min", 3, bound=True).bound == formed.bound


def test_where_memory_is_short_own_lists_are_what_there_is(monkeypatch):
    """A copy of the ratings that does not fit is not made, and nothing fails."""
    ratings = complete(generate(60, 12, seed=3), "error")
    problem = Problem.of(ratings, "av", "max", 4, 3)
    monkeypatch.setenv("GROUPING_MEMORY_LIMIT", "10")
    assert upper_bound(problem).argument == "own lists"

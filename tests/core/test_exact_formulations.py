"""What every formulation owes, called directly: `exact` itself would enumerate such instances."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping.exact import formulation_for
from grouping.exact.search import Search
from grouping.generate import generate
from grouping.kernels.jit import threads
from grouping.methods import Budget, greedy
from grouping.missing import complete
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.strategies import csr_of, instances

FORMULATIONS = {
    "covers": ("lm", ("min", "max", "sum", "wsum")),
    "medians": ("av", ("max",)),
    "weakest": ("av", ("min",)),
    "catalogues": ("av", ("sum", "wsum")),
}
KINDS = ("stars", "integers", "halves", "signed zeros", "tenths", "reals")


def problem_of(instance):
    asked = dict(instance.asked)
    return Problem.of(Ratings.of(instance.X), **asked)


def solved(name, problem, **budget):
    search = Search(problem, Budget(**budget))
    import_module(f"grouping.exact.{name}.solve").solve(search)
    return search


@pytest.mark.parametrize("name", FORMULATIONS)
@settings(max_examples=40)
@given(data=st.data())
def test_no_bound_is_below_and_no_objective_above_the_optimum(name, data):
    """Ties, negative ratings, identical users, k = items, l >= n: a proven one is the optimum."""
    semantics, aggs = FORMULATIONS[name]
    drawn = data.draw(instances(KINDS, (semantics,), aggs, users=7, items=5))
    best, _ = oracle.optimum(drawn.rows, drawn.groups, *drawn.objective)
    found = solved(name, problem_of(drawn))
    close = 1e-9 * max(1.0, abs(float(best)))
    assert found.objective <= float(best) + close
    assert found.bound >= float(best) - 1e-12 * max(1.0, abs(float(best)))
    if found.proven:
        assert found.objective == pytest.approx(float(best), abs=2 * close)


@pytest.mark.parametrize("name", FORMULATIONS)
def test_nearly_all_small_instances_are_proven(name):
    """Formulations may give up, but not on what three tastes of eight users make."""
    semantics, aggs = FORMULATIONS[name]
    proven = 0
    for seed in range(12):
        ratings = generate(8, 6, clusters=3, seed=seed)
        problem = Problem.of(ratings, semantics, aggs[seed % len(aggs)], 3, 2)
        proven += solved(name, problem).proven
    assert proven >= 11


@pytest.mark.parametrize("name", FORMULATIONS)
def test_same_result_on_one_thread_as_on_two(name):
    semantics, aggs = FORMULATIONS[name]
    problem = Problem.of(generate(30, 12, seed=3), semantics, aggs[0], 4, 3)
    found = []
    for count in (1, 2):
        with threads(count):
            search = solved(name, problem)
        found.append((search.objective, search.bound, search.labels.tolist()))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", FORMULATIONS)
def test_sparse_ratings_are_solved_like_dense_ones(name):
    semantics, aggs = FORMULATIONS[name]
    X = np.asarray(generate(14, 8, seed=5).matrix)
    sparse = complete(Ratings.of(csr_of(X, X != 1)), 1)
    worth = [
        solved(name, Problem.of(ratings, semantics, aggs[0], 3, 2)).objective
        for ratings in (Ratings.of(X), sparse)
    ]
    assert worth[0] == worth[1]


@pytest.mark.parametrize("name", FORMULATIONS)
def test_ratings_are_left_as_they_were(name):
    semantics, aggs = FORMULATIONS[name]
    X = np.array(generate(14, 8, seed=6).matrix)
    before = X.copy()
    solved(name, Problem.of(Ratings.of(X), semantics, aggs[0], 3, 2))
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("name", FORMULATIONS)
def test_a_search_without_time_still_has_a_bound(name):
    """The bound by own lists stands before anything is done."""
    semantics, aggs = FORMULATIONS[name]
    problem = Problem.of(generate(40, 20, seed=1), semantics, aggs[0], 5, 3)
    search = solved(name, problem, time_limit=1e-9)
    assert search.bound >= search.objective


@pytest.mark.parametrize("name", FORMULATIONS)
def test_formulations_are_chosen_for_their_problems(name):
    semantics, aggs = FORMULATIONS[name]
    for agg in aggs:
        problem = Problem.of(generate(12, 6), semantics, agg, 3, 2)
        assert formulation_for(problem).name == name


@pytest.mark.parametrize("name", FORMULATIONS)
def test_optima_are_no_worse_than_grd(name):
    semantics, aggs = FORMULATIONS[name]
    for agg in aggs:
        problem = Problem.of(generate(60, 20, seed=2), semantics, agg, 5, 3)
        labels = greedy.run(problem, Budget()).labels
        start = Search(problem, Budget())
        start.offer(labels)
        search = solved(name, problem, time_limit=3)
        assert search.bound >= start.objective
        assert search.objective >= start.objective or not search.proven

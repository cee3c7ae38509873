"""Refine: never above the optimum, never below GRD, always within the constraints."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import form
from grouping.bounds import own_list_bound
from grouping.constraints import Constraints
from grouping.constraints.meeting import meet
from grouping.errors import InputError
from grouping.exact.bounding import upper_bound
from grouping.generate import generate
from grouping.kernels.jit import threads
from grouping.methods import Budget, greedy, refine
from grouping.missing import complete
from grouping.objective import score
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.core.test_constraints import constraint_sets, obeys, satisfiable
from tests.strategies import instances

LISTS = ("min", "max", "sum", "wsum")
OBJECTIVES = list(itertools.product(("lm", "av"), LISTS))
KINDS = ("stars", "integers", "halves", "tenths", "reals")


@settings(max_examples=40, deadline=None)
@given(instances(KINDS, ("lm", "av"), LISTS, users=7, items=4))
def test_the_result_lies_between_grd_and_the_optimum(instance):
    """Without constraints; its bound is at least the optimum."""
    problem = Problem.of(Ratings.of(instance.X), **instance.asked)
    found = refine.run(problem, Budget(iterations=1))
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    slack = 1e-9 * max(1.0, abs(float(best)))
    objective = score(problem, found.labels).objective
    started = score(problem, greedy.run(problem, Budget()).labels).objective
    assert started <= objective <= float(best) + slack
    assert found.bound >= float(best) - slack


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 5), min_size=4, max_size=4), min_size=6, max_size=6),
    constraint_sets(),
    st.sampled_from(OBJECTIVES),
)
def test_constraints_are_kept_and_the_best_within_them_is_not_exceeded(rows, constraints, meant):
    """Six users, all labellings: nothing better is claimed than the best that obeys."""
    if not satisfiable(constraints):
        return
    semantics, agg = meant
    problem = Problem.of(
        Ratings.of(np.array(rows) * 1.0),
        semantics,
        agg,
        3,
        2,
        constraints=constraints,
    )
    found = refine.run(problem, Budget(iterations=2))
    assert obeys(constraints, found.labels.tolist()) or not constraints.slotted
    assert constraints.violated(found.labels, 3) == []
    best = max(
        score(problem, np.unique(labels, return_inverse=True)[1]).objective
        for labels in itertools.product(range(3), repeat=6)
        if obeys(constraints, list(labels))
    )
    objective = score(problem, found.labels).objective
    assert objective <= best + 1e-9
    repaired = meet(constraints, greedy.run(problem, Budget()).labels, 3)
    repaired = np.unique(repaired, return_inverse=True)[1]
    assert objective >= score(problem, repaired).objective


@pytest.mark.parametrize(("semantics", "agg"), OBJECTIVES)
def test_it_is_better_than_grd_on_tastes_and_within_sizes(semantics, agg):
    """Sixty users of four tastes: more than GRD's repair, and the bound is not exceeded."""
    ratings = complete(generate(60, 12, seed=3), "error")
    free = form(ratings, semantics, agg, 6, 3, "refine")
    assert free.objective >= form(ratings, semantics, agg, 6, 3).objective
    assert free.objective <= free.bound
    sized = form(ratings, semantics, agg, 6, 3, "refine", max_size=12, min_size=5)
    assert sized.objective <= free.bound
    assert sized.sizes.max() <= 12
    assert sized.sizes.min() >= 5
    assert sized.problem["constraints"] == {"min_size": 5, "max_size": 12}


def test_slots_keep_their_numbers():
    """With fixed users or sizes, group g is slot g, whoever is happier."""
    ratings = complete(generate(30, 8, seed=1), "error")
    ids = list(ratings.users)
    formed = form(
        ratings, "av", "sum", 3, 2, "refine", sizes=[20, 5, 9], fixed={ids[4]: 2, ids[5]: 0}
    )
    assert formed.labels[4] == 2
    assert formed.labels[5] == 0
    assert np.all(formed.sizes <= [20, 5, 9])


@pytest.mark.parametrize(("semantics", "agg"), OBJECTIVES)
def test_equal_seeds_give_equal_formations_on_any_number_of_threads(semantics, agg):
    problem = Problem.of(complete(generate(50, 10, seed=2), "error"), semantics, agg, 5, 3)
    found = []
    for count in (1, 2):
        with threads(count):
            found.append(refine.run(problem, Budget(seed=4)).labels.tolist())
    assert found[0] == found[1]


def test_an_interrupt_returns_the_best_so_far(monkeypatch):
    """Within the constraints, with its status."""
    ratings = complete(generate(60, 12, seed=3), "error")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(refine.Annealing, "run", interrupted)
    monkeypatch.setattr(refine, "soften", interrupted)
    monkeypatch.setattr(refine.alternation.ListsWithinSizes, "shake", interrupted)
    for semantics in ("lm", "av"):
        formed = form(ratings, semantics, "sum", 5, 3, "refine", max_size=20)
        assert formed.status == "interrupted"
        assert formed.sizes.max() <= 20


def test_a_gap_or_a_time_limit_ends_the_search():
    ratings = complete(generate(60, 12, seed=3), "error")
    assert form(ratings, "lm", "sum", 5, 3, "refine", gap=1.0).status == "feasible"
    assert form(ratings, "av", "min", 5, 3, "refine", time_limit=0.5).status in (
        "time_limit",
        "optimal",
    )


@pytest.fixture
def hard():
    """Ratings of 40 whose optimum a few users do not prove; columns of groups do at once."""
    return generate(40, 30, step=None, seed=1)


def test_groups_are_priced_where_time_allows(hard):
    """Under least misery a time limit lets columns be priced: here they end it with a proof."""
    assert form(hard, "lm", "sum", 5, 3, "refine", iterations=1).status == "feasible"
    formed = form(hard, "lm", "sum", 5, 3, "refine", time_limit=60)
    assert formed.status == "optimal"
    assert formed.objective == form(hard, "lm", "sum", 5, 3, "exact").objective


def test_an_interrupt_while_groups_are_priced_keeps_what_was_found(hard, monkeypatch):
    """The proof that was there when it came is kept: nothing is left to look for."""
    found = refine.covers.solve

    def interrupted(search):
        found(search)
        raise KeyboardInterrupt

    monkeypatch.setattr(refine.covers, "solve", interrupted)
    assert form(hard, "lm", "sum", 5, 3, "refine", time_limit=60).status == "optimal"


def test_ndcg_and_constraints_elsewhere_are_refused():
    ratings = complete(generate(20, 6, seed=3), "error")
    with pytest.raises(InputError, match="order of lists"):
        form(ratings, "lm", "ndcg", 3, 2, "refine")
    with pytest.raises(
        InputError, match="greedy cannot keep to max_size 9: use auto, refine, exact, ip"
    ):
        form(ratings, "lm", "min", 3, 2, max_size=9)


def test_constraints_of_sparse_ratings():
    """A dense copy is made of CSR with a fill: the same formation as of the dense."""
    dense = complete(generate(40, 10, seed=5), "error")
    from tests.strategies import csr_of

    X = np.asarray(dense.matrix, dtype=float)
    sparse = Ratings.of(csr_of(X, X > 1)).with_matrix(csr_of(X, X > 1), fill=1.0)
    asked = {"max_size": 9, "iterations": 1}
    a = form(dense, "av", "sum", 5, 3, "refine", **asked)
    b = form(sparse, "av", "sum", 5, 3, "refine", **asked)
    assert a.labels.tolist() == b.labels.tolist()


def test_no_constraints_is_the_default():
    assert not Constraints()


@pytest.mark.parametrize("agg", LISTS)
def test_without_a_clock_its_bound_is_the_quick_one_or_lower(agg):
    """That of `bound`, not the users' own lists alone: nothing stops it before its first step."""
    ratings = Ratings.of(np.random.default_rng(0).random((60, 15)))
    problem = Problem.of(ratings, "av", agg, 4, 3)
    found = refine.run(problem, Budget(iterations=1))
    assert found.bound <= upper_bound(problem).value < own_list_bound(problem)


def test_under_a_clock_time_goes_into_one_bound_where_the_search_makes_its_own(monkeypatch):
    """AV-min of few users: the relaxation that the lists are searched by bounds, too."""
    ratings = Ratings.of(np.random.default_rng(0).random((120, 12)))
    monkeypatch.setattr(refine, "upper_bound", None)
    problem = Problem.of(ratings, "av", "min", 4, 3)
    found = refine.run(problem, Budget(time_limit=60.0, iterations=1))
    assert found.bound < own_list_bound(problem)

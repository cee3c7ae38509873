"""`exact` on small instances, the bookkeeping of its search, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings

from grouping import InputError, form
from grouping.exact.search import Search
from grouping.methods import Budget, exact
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.strategies import instances

EXAMPLE_1 = [[1, 4, 3], [2, 3, 5], [2, 5, 1], [2, 5, 1], [3, 1, 1], [1, 2, 5]]


@dataclass(frozen=True)
class Claim:
    """A certificate that says whatever it is told to."""

    bound: float


def searching(**budget):
    problem = Problem.of(Ratings.of(np.array(EXAMPLE_1)), "lm", "min", 3, 2)
    return Search(problem, Budget(**budget))


@settings(max_examples=60)
@given(instances(users=6, items=4))
def test_enumeration_reaches_the_optimum(instance):
    """With every semantics and aggregation, ndcg too: the same as looking at every partition."""
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    found = form(instance.X, **instance.asked, method="exact")
    assert found.status == "optimal"
    assert found.objective == pytest.approx(float(best), rel=1e-12, abs=1e-12)
    assert found.bound >= found.objective
    assert found.bound == pytest.approx(found.objective, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("semantics", "agg", "groups", "k", "optimum"),
    [
        ("lm", "min", 3, 2, 7),
        ("lm", "sum", 3, 2, 17),
        ("av", "min", 3, 2, 19),
        ("av", "max", 2, 1, 25),
    ],
)
def test_worked_example(semantics, agg, groups, k, optimum):
    found = form(np.array(EXAMPLE_1), semantics, agg, groups, k, "exact")
    assert (found.objective, found.bound, found.gap) == (optimum, optimum, 0.0)


def test_a_better_formation_is_kept_and_a_worse_one_is_not():
    search = searching()
    assert search.offer(np.array([0, 1, 2, 2, 0, 1]))
    assert not search.offer(np.zeros(6, np.int64))
    assert search.labels.tolist() == [0, 1, 2, 2, 0, 1]


def test_group_numbers_may_be_left_out():
    """A formulation that fills slots leaves some empty; groups never are."""
    search = searching()
    search.offer(np.array([7, 1, 4, 4, 7, 1]))
    assert sorted(set(search.labels.tolist())) == [0, 1, 2]


def test_a_lower_bound_replaces_the_bound_and_a_higher_one_does_not():
    search = searching()
    before = search.bound
    assert not search.prove(Claim(before + 1))
    assert search.prove(Claim(before - 0.5))
    assert search.bound == before - 0.5


def test_nothing_is_proven_while_the_bound_is_above_the_objective():
    search = searching()
    search.offer(np.array([0, 1, 2, 2, 0, 1]))
    search.prove(Claim(search.objective + 1e-6))
    assert not search.proven
    search.prove(Claim(search.objective))
    assert search.proven


def test_a_wrong_bound_does_not_pass_for_a_proof_of_enumeration():
    """A certificate is only as good as its check: here, the values of all sets of users."""
    found = form(np.array(EXAMPLE_1), "av", "min", 3, 2, "exact")
    values = found.certificate.values
    rows = [list(map(float, row)) for row in EXAMPLE_1]
    for mask in range(1, 1 << 6):
        members = [user for user in range(6) if mask >> user & 1]
        assert values[mask] == oracle.satisfaction(rows, members, 2, "av", "min")


@pytest.mark.parametrize(("gap", "over"), [(0.0, False), (0.5, True), (None, False)])
def test_a_search_ends_at_the_gap_asked_for(gap, over):
    search = searching(gap=gap)
    search.offer(np.array([0, 1, 2, 2, 0, 1]))
    search.prove(Claim(search.objective * 1.25))
    assert search.over is over


def test_a_search_ends_when_its_time_has_passed():
    assert searching(time_limit=1e-9).over
    assert not searching(time_limit=1e9).over


@pytest.mark.parametrize(("interrupt", "status"), [(True, "interrupted"), (False, "feasible")])
def test_an_interrupt_keeps_the_best_so_far(monkeypatch, interrupt, status):
    def solve(search):
        search.offer(np.array([0, 1, 2, 2, 0, 1]))
        if interrupt:
            raise KeyboardInterrupt

    monkeypatch.setattr(
        exact, "formulation_for", lambda problem: SimpleNamespace(name="fake", solve=solve)
    )
    found = form(np.array(EXAMPLE_1), "av", "min", 3, 2, "exact")
    assert found.status == status
    assert found.bound >= found.objective > 0


def test_progress_hears_of_objective_and_bound():
    heard = []
    search = searching(progress=heard.append)
    search.report(columns=3)
    assert {"objective", "bound", "seconds", "columns"} <= heard[0].keys()


def test_ndcg_of_many_users_is_refused_with_the_reason():
    X = np.random.default_rng(0).integers(1, 6, (11, 4))
    with pytest.raises(InputError, match="depends on the order of the list"):
        form(X, "lm", "ndcg", 2, 2, "exact")


@pytest.mark.parametrize("agg", ["sum", "wsum"])
def test_sums_of_many_users_under_voting_are_solved(agg):
    """Beyond enumeration too: every semantics and aggregation but ndcg has its formulation."""
    X = np.random.default_rng(0).integers(1, 6, (11, 4))
    found = form(X, "av", agg, 2, 2, "exact")
    assert found.status == "optimal"


def test_local_search_goes_on_where_branching_has_nothing_left(monkeypatch):
    """A bound that a formation reaches is of use only if somebody looks for the formation."""
    X = np.random.default_rng(0).integers(1, 6, (30, 8))
    asked = (X, "lm", "max", 8, 3, "exact")
    best = form(*asked)
    assert best.status == "optimal"
    assert best.objective > form(*asked[:-1], split_buckets=True).objective

    def gives_up(search):
        search.prove(best.certificate)

    monkeypatch.setattr("grouping.exact.covers.solve.solve", gives_up)
    assert form(*asked).objective == best.objective

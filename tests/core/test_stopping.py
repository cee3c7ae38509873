"""When searches stop: criteria alone, put together, and in the method that goes by tries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grouping import form
from grouping.errors import InputError
from grouping.exact.search import Search
from grouping.generate import generate
from grouping.local import lists
from grouping.methods import METHODS, Budget, refine
from grouping.missing import complete
from grouping.problem import Problem
from grouping.stopping import (
    AnyOf,
    Gap,
    Iterations,
    NoImprovement,
    Proven,
    Standing,
    Time,
    ending,
    tries,
)


@pytest.mark.parametrize(
    ("criterion", "before", "reached"),
    [
        (Time(2.0), Standing(seconds=1.9), Standing(seconds=2.0)),
        (Iterations(3), Standing(iterations=2), Standing(iterations=3)),
        (NoImprovement(3), Standing(iterations=9, quiet=2), Standing(iterations=3, quiet=3)),
        (Gap(0.1), Standing(89.0, 100.0), Standing(90.0, 100.0)),
        (Proven(), Standing(99.0, 100.0), Standing(100.0, 100.0)),
    ],
)
def test_each_criterion_is_met_from_its_figure_on(criterion, before, reached):
    assert not criterion(before)
    assert criterion(reached)


def test_sums_of_reals_are_proven_within_their_roundings():
    """A relative 1e-9 apart, whatever the size, and near zero an absolute one."""
    assert Proven()(Standing(1e6, 1e6 + 1e-4))
    assert Proven()(Standing(0.0, 1e-10))
    assert not Proven()(Standing(1e6, 1e6 + 1e-2))


@pytest.mark.parametrize("criterion", [Gap(10.0), Proven()])
def test_nothing_is_near_a_bound_that_is_not_known(criterion):
    assert not criterion(Standing())
    assert not criterion(Standing(objective=5.0))
    assert not criterion(Standing(bound=5.0))


def test_there_is_no_gap_to_a_bound_of_zero():
    """Its quotient is not a number: only a proof ends a search there."""
    assert not Gap(1e9)(Standing(-1.0, 0.0))
    assert Gap(0.0)(Standing(0.0, 0.0))


@given(
    st.lists(st.integers(1, 6).map(Iterations) | st.integers(1, 6).map(NoImprovement), max_size=4),
    st.integers(0, 8),
    st.integers(0, 8),
)
def test_any_of_several_is_met_where_one_is(criteria, iterations, quiet):
    """In any order, nested or not; of none it never is."""
    standing = Standing(iterations=iterations, quiet=quiet)
    met = any(criterion(standing) for criterion in criteria)
    assert AnyOf(tuple(criteria))(standing) == met
    assert AnyOf(tuple(reversed(criteria)))(standing) == met
    assert AnyOf((AnyOf(tuple(criteria)), AnyOf()))(standing) == met


def test_what_is_not_asked_never_stops():
    """But a proof always ends a search."""
    forever = Standing(0.0, 1.0, seconds=1e9, iterations=10**9, quiet=10**9)
    assert not tries()(forever)
    assert not ending()(forever)
    assert ending()(Standing(1.0, 1.0))


def problem_of(semantics="av", agg="sum", **constraints):
    from grouping.constraints import Constraints

    ratings = complete(generate(60, 12, seed=3), "error")
    rules = Constraints.of(ratings.users, 5, **constraints)
    return Problem.of(ratings, semantics, agg, 5, 3, constraints=rules)


def test_a_search_knows_where_it_stands():
    """Objective and bound as they are, and time that passes."""
    problem = problem_of()
    search = Search(problem, Budget(gap=1.0))
    standing = search.standing
    assert (standing.objective, standing.bound) == (search.objective, search.bound)
    assert search.standing.seconds >= standing.seconds >= 0.0
    assert search.over  # any gap is at most 1 where ratings are positive
    assert not Search(problem, Budget()).over


@pytest.mark.parametrize("patience", [1, 3])
def test_lists_are_shaken_until_patience_is_at_an_end(patience):
    """The last thirty shakes for each unit of patience gained nothing, and no others are made."""
    asked = []

    def noted(standing):
        asked.append(standing)
        return tries(patience=30 * patience)(standing)

    search = Search(problem_of(), Budget())
    lists.improve(search, np.random.default_rng(0), noted)
    assert asked[-1].quiet == 30 * patience
    assert all(standing.quiet < 30 * patience for standing in asked[:-1])


@pytest.mark.parametrize(
    ("semantics", "agg", "constraints"),
    [
        ("lm", "sum", {}),
        ("av", "max", {}),
        ("av", "sum", {}),
        ("av", "min", {}),
        ("av", "sum", {"max_size": 20}),
    ],
)
def test_patience_ends_refine_without_a_clock(semantics, agg, constraints):
    """Deterministic; more patience never ends in less."""
    problem = problem_of(semantics, agg, **constraints)
    found = [refine.run(problem, Budget(patience=patience)) for patience in (1, 1, 2)]
    assert found[0].labels.tolist() == found[1].labels.tolist()
    worth = []
    for one in found:
        search = Search(problem, Budget(), one.labels)
        worth.append(search.objective)
        assert one.status in ("feasible", "optimal")
    assert worth[2] >= worth[0] == worth[1]


def test_annealings_end_by_patience(monkeypatch):
    """Two in a row that gain nothing are the last; one that gains starts the count anew."""
    problem = problem_of("av", "sum", max_size=20)
    made = []
    gains = iter([False, True, False, False, True])
    original = Search.offer

    def counted(self, labels, steps, hot, cold):
        made.append(steps)
        self.best = labels

    def offered(self, labels):
        return next(gains) if made else original(self, labels)

    monkeypatch.setattr(refine.Annealing, "run", counted)
    monkeypatch.setattr(Search, "offer", offered)
    monkeypatch.setattr(Search, "over", property(lambda _: False))  # proven or not
    monkeypatch.setattr(refine.alternation.Sizes, "suit", lambda *_: False)  # annealings alone
    refine.run(problem, Budget(patience=2))
    assert len(made) == 4


@pytest.mark.parametrize("method", [name for name, made in METHODS.items() if not made.patient])
def test_patience_is_refused_where_nothing_is_tried_again(method):
    ratings = complete(generate(12, 6, seed=3), "error")
    with pytest.raises(InputError, match=rf"method {method} does not search try by try.*refine"):
        form(ratings, "lm", "min", 3, 2, method, patience=3)


@pytest.mark.parametrize("patience", [0, -1, 1.5])
def test_a_patience_that_is_no_number_of_tries_is_refused(patience):
    with pytest.raises(InputError, match="the patience must be"):
        form(np.ones((4, 3)), groups=2, k=2, method="refine", patience=patience)

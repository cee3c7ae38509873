"""Auto: exact where it proves quickly, else refine, else greedy; no clock unless one is given."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import Ratings, form
from grouping.errors import GroupingError, InputError
from grouping.exact import Formulation
from grouping.generate import generate
from grouping.methods import Budget, Outcome, auto, exact, greedy, refine
from grouping.missing import complete
from grouping.objective import score
from grouping.problem import Problem
from grouping.report import headline
from tests import oracle
from tests.core.test_constraints import constraint_sets, satisfiable
from tests.strategies import instances

LISTS = ("min", "max", "sum", "wsum")
OBJECTIVES = list(itertools.product(("lm", "av"), LISTS))
KINDS = ("stars", "integers", "halves", "tenths", "reals")
RATINGS = complete(generate(40, 12, seed=4), "error")


@settings(max_examples=40, deadline=None)
@given(instances(KINDS, ("lm", "av"), (*LISTS, "ndcg"), users=6, items=4))
def test_small_instances_are_solved_by_exact(instance):
    """Nothing is better than the optimum, which a few users always get."""
    if instance.agg == "ndcg" and instance.X.min() < 0:
        return
    found = form(instance.X, **instance.asked, method="auto")
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    assert found.objective == pytest.approx(float(best), rel=1e-9)
    assert (found.method, found.status) == ("exact", "optimal")


@pytest.mark.parametrize(("semantics", "agg"), [*OBJECTIVES, ("lm", "ndcg"), ("av", "ndcg")])
def test_it_is_never_below_greedy_and_the_same_every_time(semantics, agg):
    """Also where exact is not tried at all."""
    plain = form(RATINGS, semantics, agg, 5, 3, "greedy")
    found = [form(RATINGS, semantics, agg, 5, 3, "auto", seed=2) for _ in range(2)]
    assert found[0].objective >= plain.objective
    assert found[0].labels.tolist() == found[1].labels.tolist()
    assert (found[0].method, found[0].bound) == (found[1].method, found[1].bound)
    if found[0].bound is not None:
        assert found[0].bound >= found[0].objective


def test_no_clock_is_looked_at_without_a_time_limit(monkeypatch):
    """Whatever the time, the methods are given budgets in looks and rounds alone."""
    budgets = []

    def noted(module):
        original = module.run

        def run(problem, budget, **options):
            budgets.append(budget)
            return original(problem, budget, **options)

        monkeypatch.setattr(module, "run", run)

    noted(exact)
    noted(refine)
    monkeypatch.setattr(auto, "QUICK_LOOKS", dict.fromkeys(auto.QUICK_LOOKS, 1))
    found = form(RATINGS, "av", "wsum", 5, 3, "auto")
    assert [budget.time_limit for budget in budgets] == [None, None]
    assert (budgets[0].looks, budgets[1].iterations) == (1, 3)
    assert found.objective >= form(RATINGS, "av", "wsum", 5, 3, "refine").objective


def test_looks_end_exact_at_the_same_place_every_time():
    """The more of them, the better the formation and the bound, or the same."""
    problem = Problem.of(RATINGS, "av", "wsum", 5, 3)
    last = None
    for looks in (1, 30, 300):
        found = [exact.run(problem, Budget(looks=looks)) for _ in range(2)]
        assert found[0].labels.tolist() == found[1].labels.tolist()
        assert found[0].bound == found[1].bound
        if last is not None:
            assert found[0].bound <= last.bound
        last = found[0]


def test_what_is_too_large_is_left_to_greedy_and_said(monkeypatch):
    monkeypatch.setattr(auto, "QUICK_CELLS", 0)
    monkeypatch.setattr(auto, "TIMED_CELLS", 0)
    monkeypatch.setattr(auto, "MOST_WORK", 40 * 12 * 5 - 1)
    plain = form(RATINGS, "lm", "min", 5, 3, "greedy")
    found = form(RATINGS, "lm", "min", 5, 3, "auto")
    assert found.method == "greedy"
    assert found.labels.tolist() == plain.labels.tolist()  # in GRD's order
    assert found.advice[0].startswith(
        "auto: greedy, since local search of 40 users x 12 items takes more than some seconds: "
    )
    for asked in ({"time_limit": 0.2}, {"iterations": 1}, {"patience": 1}, {"max_size": 20}):
        assert form(RATINGS, "lm", "sum", 5, 3, "auto", **asked).method == "refine"
    monkeypatch.setattr(auto, "MOST_CELLS", 40 * 12 - 1)
    assert form(RATINGS, "lm", "sum", 5, 3, "auto", time_limit=5).method == "greedy"


def test_where_memory_is_short_greedy_is_left(monkeypatch):
    """Local search makes copies; its refusal becomes the reason, and other refusals stand."""

    def short(*_, **__):
        raise GroupingError("a copy does not fit")

    monkeypatch.setattr(auto, "QUICK_CELLS", 0)
    monkeypatch.setattr(refine, "run", short)
    found = form(RATINGS, "lm", "min", 5, 3, "auto")
    assert (found.method, found.advice[0]) == ("greedy", "auto: greedy, since a copy does not fit")
    with pytest.raises(GroupingError, match="a copy does not fit"):
        form(RATINGS, "lm", "min", 5, 3, "auto", max_size=20)


def test_a_time_limit_is_shared(monkeypatch):
    """Exact gets half of it; refine what is left, from exact's groups."""
    given_to = {}

    def fake(name, labels):
        def run(problem, budget, *, start=None):
            given_to[name] = (budget, start)
            return Outcome(np.array(labels), bound=1e9)

        return run

    half = [0] * 20 + [1] * 20
    monkeypatch.setattr(exact, "run", fake("exact", half))
    monkeypatch.setattr(refine, "run", fake("refine", [0] * 40))
    form(RATINGS, "lm", "sum", 5, 3, "auto", time_limit=60)
    assert given_to["exact"][0].time_limit == 30
    assert 50 < given_to["refine"][0].time_limit <= 60
    assert given_to["refine"][1].tolist() == half


def test_the_better_of_two_is_kept_with_the_lower_bound():
    problem = Problem.of(RATINGS, "lm", "sum", 5, 3)
    low = Outcome(np.zeros(40, np.int64), bound=100.0, method="exact")
    high = replace(greedy.run(problem, Budget()), bound=90.0, method="refine")
    for pair in ((low, high), (high, low)):
        better = auto._better(problem, *pair)
        assert better.labels.tolist() == high.labels.tolist()
        assert (better.bound, better.method) == (90.0, "refine")
    same = auto._better(problem, high, replace(high, method="later"))
    assert same.method == "refine"
    worth = score(problem, high.labels).objective
    assert auto._better(problem, high, replace(low, bound=worth)).status == "optimal"


def test_options_of_a_method_choose_it():
    """Split buckets are greedy's; rounds and patience are refine's where exact does not prove."""
    split = form(RATINGS, "lm", "min", 5, 3, "auto", split_buckets=True)
    assert split.method == "greedy"
    assert split.labels.tolist() == (
        form(RATINGS, "lm", "min", 5, 3, "greedy", split_buckets=True).labels.tolist()
    )
    for more, words in (
        ({"max_size": 9}, "max_size 9 does not go with buckets that are split"),
        ({"patience": 2}, "patience does not go with"),
        ({"start": [0] * len(split.labels)}, "a start does not go with"),
    ):
        with pytest.raises(InputError, match=words):
            form(RATINGS, "lm", "min", 5, 3, "auto", split_buckets=True, **more)
    with pytest.raises(InputError, match="does not take write model: leave it out, or use ip"):
        form(RATINGS, "lm", "min", 5, 3, "auto", write_model="m.lp")


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 5), min_size=4, max_size=4), min_size=6, max_size=6),
    constraint_sets(),
    st.sampled_from(OBJECTIVES),
)
def test_constraints_are_kept(rows, constraints, objective):
    if not satisfiable(constraints):
        return
    problem = Problem.of(
        Ratings.of(np.array(rows) * 1.0), *objective, 3, 2, constraints=constraints
    )
    found = auto.run(problem, Budget())
    assert constraints.satisfied(found.labels, 3)
    assert (found.method, found.status) == ("exact", "optimal")


def test_constraints_of_many_users_are_refines_and_with_ndcg_nobodys():
    sized = form(RATINGS, "lm", "sum", 5, 3, "auto", max_size=10, iterations=1)
    assert sized.method == "refine"
    assert sized.sizes.max() <= 10
    with pytest.raises(InputError, match="no method keeps to max_size 10 with ndcg"):
        form(RATINGS, "lm", "ndcg", 5, 3, "auto", max_size=10)


def test_an_interrupt_ends_it_with_the_best_so_far(monkeypatch):
    """Nothing else is begun after it."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Formulation, "solve", interrupted)
    monkeypatch.setattr(refine, "run", None)
    found = form(RATINGS, "av", "sum", 5, 3, "auto")
    assert (found.status, found.method) == ("interrupted", "exact")
    assert found.objective >= form(RATINGS, "av", "sum", 5, 3, "greedy").objective


def test_the_gap_asked_for_is_enough(monkeypatch):
    monkeypatch.setattr(refine, "run", None)
    found = form(RATINGS, "av", "sum", 5, 3, "auto", gap=0.9)
    assert found.gap <= 0.9


def test_the_table_names_the_method_and_who_chose_it():
    found = form(RATINGS, "av", "max", 5, 3, "auto")
    assert f"by {found.method} (auto): objective" in headline(found)
    assert "(auto)" not in headline(form(RATINGS, "av", "max", 5, 3, "greedy"))
    assert found.to_dict()["method"] == found.method != "auto"

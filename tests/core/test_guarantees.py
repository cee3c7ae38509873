"""What the papers promise of objectives, and the bounds: against enumeration of all partitions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grouping import Ratings, evaluate, form
from grouping.bounds import gap_between, own_list_bound
from grouping.objective import column_scores
from grouping.problem import Problem
from tests import oracle
from tests.strategies import instances, partitions_of

LM_LISTS = ("min", "max", "sum", "wsum")
EXACT = ("integers", "halves", "stars")


def problem_of(instance):
    return Problem.of(
        Ratings.of(instance.X),
        instance.semantics,
        instance.agg,
        instance.groups,
        instance.k,
        position_weights=instance.weights,
    )


@settings(max_examples=150)
@given(instances(semantics=("lm",), aggs=LM_LISTS), st.integers(0, 8))
def test_least_misery_never_rises_when_a_user_joins(instance, joining):
    """Neither an item's score nor the list's (the proofs of theorems 4.6 and 4.8 rest on it)."""
    n = len(instance.rows)
    assume(n > 1)
    joining %= n
    problem = problem_of(instance)
    everyone = np.arange(n)
    before = np.delete(everyone, joining)
    assert (column_scores(problem, everyone) <= column_scores(problem, before)).all()
    smaller = evaluate(instance.X[before], np.zeros(n - 1, int), **instance.evaluated)
    larger = evaluate(instance.X, np.zeros(n, int), **instance.evaluated)
    assert (larger.groups[0].item_scores <= smaller.groups[0].item_scores).all()
    assert larger.objective <= smaller.objective


@settings(max_examples=150)
@given(instances(kinds=("stars", "gains"), semantics=("lm",), aggs=LM_LISTS, users=6, items=4))
def test_split_buckets_restore_the_guarantee(instance):
    """Within r_max - r_min of the optimum (min, max), times k (sum), times the weights (wsum)."""
    rows, k, agg = instance.rows, instance.k, instance.agg
    formation = form(instance.X, **instance.asked, split_buckets=True)
    best, _ = oracle.optimum(rows, instance.groups, *instance.objective)
    spread = instance.X.max() - instance.X.min()
    times = {"min": 1, "max": 1, "sum": k, "wsum": sum(instance.weights or [])}[agg]
    assert formation.objective >= best - times * spread - 1e-9


@settings(max_examples=100)
@given(instances(kinds=("stars", "gains"), semantics=("lm",), aggs=LM_LISTS, users=6, items=4))
def test_the_groups_chosen_with_split_buckets_beat_the_best_of_any_optimum(instance):
    """All but the last group together score at least the optimum's l - 1 best groups."""
    formation = form(instance.X, **instance.asked, split_buckets=True)
    chosen = [group.satisfaction for group in formation.groups][: instance.groups - 1]
    _, reaching = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    for groups in reaching[:5]:
        worth = [oracle.satisfaction(instance.rows, g, *instance.objective) for g in groups]
        assert sum(chosen) >= sum(sorted(worth)[::-1][: instance.groups - 1]) - 1e-9


def test_plain_grd_breaks_the_guarantee_in_the_counter_example():
    """So that nobody claims it again: 10 against an optimum of 17, where 3 would be allowed."""
    rows = [[2.0], [3.0], [5.0], [5.0], [5.0]]
    best, _ = oracle.optimum(rows, 4, 1, "lm", "min")
    assert best - form(rows, "lm", "min", 4, 1).objective > 5 - 2


@settings(max_examples=200)
@given(instances(kinds=(*EXACT, "signed zeros"), users=6, items=4))
def test_greedy_is_at_most_the_optimum_and_the_optimum_at_most_the_bound(instance):
    """Negative ratings, all semantics and aggregations."""
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    formation = form(instance.X, **instance.asked, bound=True)
    slack = 1e-12 * (1 + abs(best)) if instance.agg in ("wsum", "ndcg") else 0
    assert formation.objective <= best + slack
    assert best <= formation.bound + slack
    if instance.semantics == "lm":
        split = form(instance.X, **instance.asked, split_buckets=True)
        assert split.objective <= best + slack


@settings(max_examples=200)
@given(instances(kinds=EXACT))
def test_the_bound_is_the_definition_exactly_for_integers_and_halves(instance):
    """The smallest float that is not below it; weights 1/j are rounded, so outward from there."""
    exact = oracle.own_list_bound(instance.rows, instance.groups, *instance.objective)
    bound = own_list_bound(problem_of(instance))
    assert Fraction(bound) >= exact
    rounded = instance.weights is not None and any(w != round(w) for w in instance.weights)
    if rounded:
        assert bound == pytest.approx(float(exact), rel=1e-13, abs=1e-12)
    else:
        assert math.nextafter(bound, -math.inf) < exact


@settings(max_examples=100)
@given(instances(kinds=("tenths", "reals"), aggs=LM_LISTS))
def test_the_bound_holds_for_the_real_numbers_meant(instance):
    """Rounded outward: not below the exact rational value, nor far above."""
    rows = [[Fraction(value) for value in row] for row in instance.rows]
    weights = None if instance.weights is None else [Fraction(w) for w in instance.weights]
    exact = oracle.own_list_bound(
        rows, instance.groups, instance.k, instance.semantics, instance.agg, weights
    )
    bound = own_list_bound(problem_of(instance))
    assert Fraction(bound) >= exact
    assert bound == pytest.approx(float(exact), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("semantics", ["lm", "av"])
@pytest.mark.parametrize(
    "rows",
    [
        [[0.4, 0.1, 0.0, -0.5]],  # sums whose terms cancel: the rounding error is all there is
        [[0.5, 0.1, -0.6]],
        [[0.4, 0.3, -0.2, -0.5]],
        [[0.4, 0.1, 0.0, -0.5], [0.4, 0.3, -0.2, -0.5], [5.0, 1.0, 1.0, 1.0]],
        [[2.0**53, 1.0, 1.0]],  # integers beyond what float64 counts
        [[0.0, 0.0], [-1.1, -1.2]],
    ],
)
def test_the_bound_is_rounded_outward_where_terms_cancel_or_are_lost(rows, semantics):
    exact = oracle.own_list_bound(
        [[Fraction(v) for v in row] for row in rows], len(rows), len(rows[0]), semantics, "sum"
    )
    problem = Problem.of(Ratings.of(rows), semantics, "sum", len(rows), len(rows[0]))
    assert Fraction(own_list_bound(problem)) >= exact


@settings(max_examples=100)
@given(instances(kinds=("stars",), semantics=("lm",), aggs=("min", "max", "sum")))
def test_users_all_apart_reach_the_bound_with_gap_0(instance):
    """A group for each user is the best there is under least misery and positive ratings."""
    n = len(instance.rows)
    formation = evaluate(instance.X, np.arange(n), **instance.evaluated, bound=True)
    assert formation.objective == formation.bound
    assert formation.gap == 0.0


@settings(max_examples=100)
@given(instances(kinds=(*EXACT, "tenths"), users=6), st.data())
def test_any_partition_has_the_objective_of_the_oracle(instance, data):
    """`evaluate` finds each group's list and score; the groups keep their numbers."""
    labels = data.draw(partitions_of(len(instance.rows)))
    groups = [
        [user for user, label in enumerate(labels) if label == g] for g in range(max(labels) + 1)
    ]
    formation = evaluate(instance.X, labels, **instance.evaluated)
    for group, members in zip(formation.groups, groups, strict=True):
        items, scores = oracle.group_list(instance.rows, members, instance.k, instance.semantics)
        assert group.members.tolist() == members
        assert group.items.tolist() == items
        assert group.item_scores.tolist() == scores
    expected = oracle.objective(instance.rows, groups, *instance.objective)
    assert formation.objective == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("objective", "bound", "gap"),
    [
        (8, 10, 0.2),
        (10, 10, 0.0),
        (0, 0, 0.0),
        (-1, 0, None),
        (3, None, None),
        (-12, -10, 0.2),
        (-1, 5e-324, None),
    ],
)
def test_the_gap_is_relative_to_the_bound(objective, bound, gap):
    """0 where they are equal, null where the bound is 0, unknown, or so small that it is not."""
    assert gap_between(objective, bound) == gap

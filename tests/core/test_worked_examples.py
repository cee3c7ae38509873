"""The papers' worked examples, number by number."""

from __future__ import annotations

import numpy as np
import pytest

from grouping import evaluate, form
from tests import oracle

EXAMPLES = {
    "1": [[1, 4, 3], [2, 3, 5], [2, 5, 1], [2, 5, 1], [3, 1, 1], [1, 2, 5]],
    "2": [[3, 1, 4], [1, 4, 3], [2, 5, 1], [2, 5, 1], [1, 2, 3], [3, 2, 1]],
    "B.11": [[1, 4, 3], [2, 3, 5], [2, 5, 1], [2, 5, 1], [2, 4, 3], [1, 2, 5]],
}

# example, l, semantics, aggregation, k: the optimum over all partitions
OPTIMA = [
    ("1", 3, "lm", "max", 1, 12),
    ("1", 3, "lm", "min", 2, 7),
    ("1", 3, "lm", "sum", 2, 17),
    ("1", 3, "av", "max", 1, 27),
    ("1", 3, "av", "min", 2, 19),
    ("1", 3, "av", "sum", 2, 40),
    ("1", 2, "lm", "max", 1, 6),
    ("1", 2, "lm", "min", 2, 4),
    ("1", 2, "lm", "sum", 2, 10),
    ("1", 2, "av", "max", 1, 25),
    ("1", 2, "av", "sum", 2, 40),
    ("2", 2, "av", "min", 2, 16),
    ("2", 2, "av", "sum", 2, 36),
    ("2", 2, "lm", "max", 1, 6),
    ("2", 2, "lm", "min", 2, 4),
    ("2", 2, "lm", "sum", 2, 10),
    ("2", 2, "av", "max", 1, 23),
    ("2", 3, "lm", "max", 1, 11),
    ("2", 3, "lm", "min", 2, 7),
    ("2", 3, "lm", "sum", 2, 17),
    ("2", 3, "av", "max", 1, 24),
    ("2", 3, "av", "min", 2, 16),
    ("2", 3, "av", "sum", 2, 38),
    ("B.11", 3, "lm", "sum", 2, 21),
    ("B.11", 3, "lm", "max", 1, 14),
    ("B.11", 3, "lm", "min", 2, 7),
    ("B.11", 3, "av", "max", 1, 28),
    ("B.11", 3, "av", "min", 2, 19),
    ("B.11", 3, "av", "sum", 2, 43),
    ("B.11", 2, "lm", "max", 1, 9),
    ("B.11", 2, "lm", "sum", 2, 12),
]

# example, l, semantics, aggregation, k: GRD's groups as (users, items, item scores, satisfaction)
GREEDY = [
    (
        ("1", 3, "lm", "min", 1),
        [([1, 5], [2], [5], 5), ([2, 3], [1], [5], 5), ([0, 4], [0], [1], 1)],
    ),
    (
        ("1", 3, "lm", "min", 2),
        [([0], [1, 2], [4, 3], 3), ([1], [2, 1], [5, 3], 3), ([2, 3, 4, 5], [0, 1], [1, 1], 1)],
    ),
    (
        ("2", 2, "av", "min", 2),
        [([2, 3], [1, 0], [10, 4], 4), ([0, 1, 4, 5], [2, 1], [11, 9], 9)],
    ),
    (
        ("2", 2, "av", "sum", 2),
        [([2, 3], [1, 0], [10, 4], 14), ([0, 1, 4, 5], [2, 1], [11, 9], 20)],
    ),
]


def found(formation):
    return [
        (g.members.tolist(), g.items.tolist(), g.item_scores.tolist(), g.satisfaction)
        for g in formation.groups
    ]


@pytest.mark.parametrize(("asked", "groups"), GREEDY, ids=lambda value: str(value)[:24])
def test_grd_makes_the_groups_lists_and_scores_of_the_paper(asked, groups):
    name, limit, semantics, agg, k = asked
    formation = form(EXAMPLES[name], semantics, agg, limit, k)
    assert found(formation) == groups
    assert formation.objective == sum(group[3] for group in groups)
    assert formation.status == "feasible"


def test_the_bucket_of_example_1_has_the_key_of_the_paper():
    """Users u3 and u4 share (i2, i1, 2); the other four stand alone."""
    rows = EXAMPLES["1"]
    assert oracle.key(rows, 2, 2, "lm", "min") == oracle.key(rows, 3, 2, "lm", "min")
    assert oracle.key(rows, 2, 2, "lm", "min") == ((1, 0), 2)
    assert len(oracle.buckets(rows, 2, "lm", "min")) == 5


@pytest.mark.parametrize(("name", "limit", "semantics", "agg", "k", "best"), OPTIMA)
def test_enumeration_reproduces_the_optimum_listed(name, limit, semantics, agg, k, best):
    """And `evaluate` agrees about each partition that reaches it."""
    optimum, reaching = oracle.optimum(EXAMPLES[name], limit, k, semantics, agg)
    assert optimum == best
    for groups in reaching[:3]:
        labels = [g for u in range(6) for g, group in enumerate(groups) if u in group]
        assert evaluate(EXAMPLES[name], labels, semantics, agg, k).objective == best


@pytest.mark.parametrize(
    ("name", "semantics", "agg", "k", "groups", "total"),
    [
        ("1", "lm", "max", 1, [[0, 2, 3], [1, 5], [4]], 12),
        ("2", "av", "min", 2, [[0, 1, 2, 4], [3, 5]], 16),
        ("2", "av", "sum", 2, [[0, 1, 4], [2, 3, 5]], 36),
        ("B.11", "lm", "sum", 2, [[0, 4], [1, 5], [2, 3]], 21),
    ],
)
def test_the_optimal_partition_that_the_paper_names_reaches_the_optimum(
    name, semantics, agg, k, groups, total
):
    labels = np.empty(6, int)
    for g, group in enumerate(groups):
        labels[group] = g
    assert evaluate(EXAMPLES[name], labels, semantics, agg, k).objective == total


def test_grd_reaches_the_optimum_7_of_example_1_under_lm_min():
    assert form(EXAMPLES["1"], "lm", "min", 3, 2).objective == 7


def test_grd_lm_sum_is_suboptimal_in_example_b11():
    assert form(EXAMPLES["B.11"], "lm", "sum", 3, 2).objective < 21


def test_example_44_the_groups_second_item_is_not_the_members():
    """Both users have i2 as own second item at 4; the group's list is (i2, any), k-th score 1."""
    formation = evaluate([[5, 4, 1], [1, 4, 5]], [0, 0], "lm", "min", 2)
    (group,) = formation.groups
    assert group.items.tolist() == [1, 0]
    assert group.item_scores.tolist() == [4, 1]
    assert formation.objective == 1
    assert formation.groups[0].satisfaction < 4


@pytest.mark.parametrize("agg", ["min", "max", "sum"])
def test_the_counter_example_to_the_guarantee_is_plain_10_and_split_17(agg):
    """One item rated 2, 3, 5, 5, 5, four groups: more than r_max - r_min = 3 below the optimum."""
    rows = [[2], [3], [5], [5], [5]]
    plain = form(rows, "lm", agg, 4, 1)
    split = form(rows, "lm", agg, 4, 1, split_buckets=True, bound=True)
    assert plain.objective == 10
    assert split.objective == 17
    assert found(split) == [
        ([2], [0], [5], 5),
        ([4], [0], [5], 5),
        ([3], [0], [5], 5),
        ([0, 1], [0], [2], 2),
    ]
    assert oracle.optimum(rows, 4, 1, "lm", agg)[0] == 17
    assert split.bound == 17
    assert any("split" in advice for advice in plain.advice)


def test_under_av_min_own_kth_scores_are_no_bound_and_fewer_groups_can_be_better():
    """Users (5, 1) and (1, 5), k = 2: 6 together, 2 apart; GRD takes its two groups."""
    rows = [[5, 1], [1, 5]]
    assert evaluate(rows, [0, 0], "av", "min", 2).objective == 6
    assert evaluate(rows, [0, 1], "av", "min", 2).objective == 2
    formation = form(rows, "av", "min", 2, 2, bound=True)
    assert formation.objective == 2
    assert formation.bound == 6

"""How users count: weights multiply ratings under voting, and members under least misery."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import evaluate, form
from grouping.bounds import own_list_bound
from grouping.counting import Counting, user_weights
from grouping.errors import InputError
from grouping.exact.bounding import upper_bound
from grouping.ids import Ids
from grouping.local import coverage
from grouping.methods import METHODS, Budget
from grouping.objective import score
from grouping.problem import Problem
from grouping.ratings import Ratings
from grouping.reading.user_weights import read_user_weights
from tests import oracle
from tests.strategies import csr_of, instances, partitions_of

LISTS = ("min", "max", "sum", "wsum")
WEIGHTS = st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=7, max_size=7)


def by_members(instance, weights):
    """The problem in which groups count by their members' weights."""
    counting = Counting("members", np.array(weights[: len(instance.rows)]))
    return Problem.of(Ratings.of(instance.X), **instance.asked, counting=counting)


def counted(instance, groups, weights):
    """The objective by members, from the definition."""
    _, semantics, agg, position_weights = instance.objective
    return math.fsum(
        float(
            oracle.satisfaction(
                instance.rows, members, instance.k, semantics, agg, position_weights
            )
        )
        * sum(weights[user] for user in members)
        for members in groups
    )


@settings(max_examples=60, deadline=None)
@given(instances(semantics=("lm",)), WEIGHTS, st.data())
def test_a_group_counts_by_what_its_members_weigh(instance, weights, data):
    """The objective by members is the sum of satisfaction times weight over all members."""
    labels = data.draw(partitions_of(len(instance.rows)))
    groups = [
        [user for user, label in enumerate(labels) if label == group]
        for group in range(max(labels) + 1)
    ]
    weights = weights * (1 + len(labels) // 7)
    found = score(by_members(instance, weights), np.array(labels))
    assert found.objective == pytest.approx(counted(instance, groups, weights), rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(instances(semantics=("lm",), aggs=LISTS, users=5, items=4), WEIGHTS)
def test_by_members_nothing_exceeds_the_optimum_and_the_bounds_do(instance, weights):
    """Small instances: exact is the best partition; refine lies between it and GRD; bounds hold."""
    problem = by_members(instance, weights)
    users = len(instance.rows)
    best = max(
        counted(instance, groups, weights) for groups in oracle.partitions(users, instance.groups)
    )
    slack = 1e-9 * max(1.0, abs(best))
    found = {
        name: METHODS[name].run(problem, Budget(iterations=1))
        for name in ("greedy", "refine", "exact")
    }
    worth = {name: score(problem, each.labels).objective for name, each in found.items()}
    assert worth["exact"] == pytest.approx(best, abs=slack)
    assert worth["greedy"] <= worth["refine"] <= best + slack
    assert min(own_list_bound(problem), upper_bound(problem).value) >= best - slack
    assert upper_bound(problem.voting()).value >= best - slack


@settings(max_examples=60, deadline=None)
@given(instances(semantics=("av",), aggs=LISTS), WEIGHTS, st.data())
def test_under_voting_weights_multiply_ratings(instance, weights, data):
    """Groups, lists and scores are those of the ratings times the weights; CSR the same."""
    users = len(instance.rows)
    weights = (weights * (1 + users // 7))[:users]
    rows = [
        [weight * rating for rating in row]
        for weight, row in zip(weights, instance.rows, strict=True)
    ]
    labels = np.array(data.draw(partitions_of(users)))
    meant = dict(instance.asked)
    meant.pop("groups")
    plain = evaluate(np.array(rows, dtype=np.float64), labels, **meant)
    stored = np.array(instance.rows) != 0
    for X in (instance.X, csr_of(instance.rows, stored) if stored.any() else instance.X):
        found = evaluate(X, labels, **meant, user_weights=weights, missing=0.0)
        assert found.objective == pytest.approx(plain.objective, rel=1e-12, abs=1e-12)
    assert [
        g.item_ids for g in evaluate(instance.X, labels, **meant, user_weights=weights).groups
    ] == [g.item_ids for g in plain.groups]


def test_csr_with_another_fill_becomes_dense():
    """Unrated cells count the fill times the weight of whoever has not rated them."""
    dense = np.array([[5.0, 2.0, 2.0], [2.0, 4.0, 2.0]])
    sparse = csr_of(dense, dense != 2.0)
    weights = {"0": 2.0, "1": 0.25}
    asked = {"semantics": "av", "agg": "sum", "k": 2, "user_weights": weights}
    found = evaluate(sparse, [0, 0], **asked, missing=2.0)
    assert found.objective == evaluate(dense, [0, 0], **asked).objective == 10.5 + 5.0


def test_what_members_get_is_in_units_of_their_ratings():
    """A user who weighs ten times as much is not ten times as satisfied."""
    X = np.array([[5.0, 1.0], [2.0, 4.0]])
    formed = form(X, "av", "sum", 2, 1, "greedy", user_weights=[10.0, 1.0], per_user=True)
    assert formed.members.satisfaction.tolist() == [5.0, 4.0]
    assert formed.members.own_best.tolist() == [5.0, 4.0]
    assert formed.objective == 54.0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=1, max_size=6),
    WEIGHTS,
    st.integers(1, 4),
)
def test_greedy_coverage_is_near_the_best_coverage(rows, weights, groups):
    """K = 1: what l - 1 pairs of an item and a threshold cover, within 1 - 1/e of the best."""
    X = np.array(rows, dtype=np.float64)
    masses = np.array(weights[: len(rows)])
    low = float(X.min())
    labels = np.full(len(rows), groups - 1)
    covered = np.zeros(len(rows))
    left = np.arange(len(rows))
    for _ in range(groups - 1):
        if len(left) == 0:
            break
        item = coverage.best_list(X[left], masses[left], low, 1)[0]
        worth = {
            float(t): masses[left][X[left, item] >= t].sum() * (t - low) for t in X[left, item]
        }
        threshold = max(worth, key=worth.get)
        took = left[X[left, item] >= threshold]
        covered[took] = threshold - low
        left = np.setdiff1d(left, took)
    pairs = [(item, t) for item in range(3) for t in set(X[:, item].tolist())]
    best = max(
        sum(
            masses[user] * max([0.0, *(t - low for item, t in chosen if X[user, item] >= t)])
            for user in range(len(rows))
        )
        for chosen in itertools.combinations_with_replacement(pairs, groups - 1)
    )
    assert float(masses @ covered) >= (1 - 1 / math.e) * best - 1e-9
    problem = Problem.of(
        Ratings.of(X), "lm", "max", groups, 1, counting=Counting("members", masses)
    )
    labels = coverage.formation(problem, lambda: False)
    assert labels.shape == (len(rows),)
    assert set(labels.tolist()) <= set(range(groups))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"semantics": "av", "weigh": "members"}, "counts them already"),
        ({"user_weights": [1, 2]}, "weigh members"),
        ({"semantics": "av", "agg": "ndcg", "user_weights": [1, 2]}, "ndcg"),
        ({"weigh": "everyone"}, "groups or members"),
        ({"weigh": "members", "user_weights": [1e308, 1e308]}, "times the weights of users"),
        ({"weigh": "members", "method": "ip"}, "cannot weigh members"),
        ({"weigh": "members", "split_buckets": True}, "splitting buckets"),
        ({"semantics": "av", "user_weights": [1]}, "1 user weights for 2 users"),
        ({"semantics": "av", "user_weights": [1, 0]}, "above 0"),
        ({"semantics": "av", "user_weights": {"0": math.nan}}, "above 0"),
        ({"semantics": "av", "user_weights": {"ann": 1}}, "unknown user id 'ann'"),
    ],
)
def test_what_has_no_meaning_is_refused(asked, words):
    """Weights where they do not matter, or are none."""
    with pytest.raises(InputError, match=words):
        form(np.array([[1.0, 2.0], [3.0, 4.0]]), groups=2, k=1, **{"method": "greedy", **asked})


def test_exact_searches_locally_and_bounds_by_members_beyond_enumeration():
    """No proof, which the status and the gap say, unless the bound happens to be met."""
    X = np.random.default_rng(0).integers(1, 6, (14, 5))
    asked = {"groups": 3, "k": 2, "weigh": "members", "iterations": 1}
    found = form(X, method="exact", max_size=6, **asked)
    assert found.status == "feasible"
    assert found.gap > 0
    assert found.sizes.max() <= 6
    assert found.bound >= form(X, method="exact", **asked).objective >= found.objective
    assert found.objective >= form(X, method="refine", max_size=6, **asked).objective
    assert form(np.ones((11, 2)), method="exact", **asked).status == "optimal"
    with pytest.raises(InputError, match="exact solves ndcg for up to 10 users only"):
        form(X, method="exact", agg="ndcg", **asked)


def test_users_who_are_not_named_weigh_one():
    """A mapping says only what differs."""
    assert user_weights(Ids(["a", "b"], "user"), {"b": 3}).tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("user,weight\na,1\na,2\n", ":3: user a: has a weight already"),
        ("a,-1\n", ":1: user a: a weight is a finite number above 0, not -1"),
        ("a,much\n", "not much"),
        ("a,1,2\n", "3 fields where 2"),
        (",1\n", "user id is empty"),
        ("user,weight\n", "holds no weight"),
    ],
)
def test_a_bad_table_of_weights_is_refused_with_its_line(tmp_path, text, words):
    """Each message names the place."""
    path = tmp_path / "weights.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_user_weights(path)


def test_a_table_of_weights_is_read_by_its_header(tmp_path):
    """Columns may stand in any order, beside others."""
    path = tmp_path / "weights.csv"
    path.write_text("name;weight;user\nAnn;2;a\nBob;0.5;b\n")
    assert read_user_weights(path) == {"a": 2.0, "b": 0.5}

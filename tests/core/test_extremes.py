"""What is claimed of a formation holds for very small, very large and oddly stored ratings too."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

from grouping import evaluate, form
from grouping.bounds import own_list_bound
from grouping.counting import Counting
from grouping.exact.bounding import upper_bound
from grouping.exact.covers.groups import covered
from grouping.exclusions import Exclusions
from grouping.missing import complete, rounded
from grouping.problem import Problem
from grouping.ratings import Ratings


@pytest.mark.parametrize(
    ("rows", "agg", "groups", "k", "objective"),
    [
        ([[16777223, 16777222], [0, 0], [0, 16777223]], "min", 2, 2, 16777223),
        ([[16777216, 16777217], [0, 0], [0, 0]], "max", 1, 1, 16777217),
    ],
)
def test_votes_beyond_single_precision_are_added_up_as_they_are(rows, agg, groups, k, objective):
    """Sums in float32 are exact for small numbers alone, whatever type the ratings have."""
    for X in (np.array(rows), sp.csr_array(np.array(rows))):
        found = form(X, "av", agg, groups=groups, k=k, method="exact", missing=0.0)
        assert (found.status, found.objective) == ("optimal", objective)
        again = evaluate(np.array(rows, float), found.labels, "av", agg, k)
        assert again.objective == objective


def test_many_votes_are_added_up_as_they_are():
    """Ratings times users' weights, which leave single precision together."""
    rng = np.random.default_rng(0)
    X = rng.integers(1, 6, (40, 6)).astype(np.uint8)
    weights = rng.integers(1, 1 << 21, 40).astype(float)
    dense, sparse = (
        form(kind, "av", "sum", groups=3, k=2, method="greedy", user_weights=weights, missing=0.0)
        for kind in (X, sp.csr_array(X))
    )
    assert dense.objective == sparse.objective
    found = form(np.array([[2**40, 1]]), "av", "max", 1, 1, user_weights=[2.0**24], method="exact")
    assert found.objective == 2.0**64
    assert found.groups[0].items.tolist() == [0]


@pytest.mark.parametrize("method", ["exact", "ip", "auto"])
def test_small_ratings_have_the_groups_of_large_ones(method):
    """No tolerance takes them for nothing, and calls optimal what is not."""
    X = np.random.default_rng(1).integers(0, 6, (7, 4)).astype(float)
    for semantics, agg in (("av", "sum"), ("lm", "min"), ("lm", "sum")):
        asked = {"groups": 3, "k": 2, "method": method, "bound": True}
        plain = form(X, semantics, agg, **asked)
        small = form(X * 2.0**-40, semantics, agg, **asked)
        assert plain.status == small.status == "optimal"
        assert small.objective == plain.objective * 2.0**-40
        assert small.bound >= small.objective


@pytest.mark.parametrize(("semantics", "agg"), [("lm", "sum"), ("av", "min")])
def test_small_ratings_are_proven_as_large_ones_are(semantics, agg):
    """Beyond a few users too, by the same certificate, whoever asks: form, evaluate, progress."""
    X = np.random.default_rng(3).integers(1, 6, (26, 8)).astype(float)
    told = []
    plain, small = (
        form(Y, semantics, agg, 3, 2, "exact", time_limit=60, progress=told.append, missing="error")
        for Y in (X, X * 2.0**-40)
    )
    assert plain.status == small.status == "optimal"
    assert plain.labels.tolist() == small.labels.tolist()
    assert small.objective == plain.objective * 2.0**-40
    assert small.bound == pytest.approx(plain.bound * 2.0**-40, rel=1e-9)
    assert small.certificate.bound == small.bound
    assert told[-1]["objective"] == small.objective
    exclude = {"0": ["1"], "3": ["2"]}
    bounds = [
        evaluate(Y, plain.labels, semantics, agg, 2, bound=True, exclude=exclude).bound
        for Y in (X, X * 2.0**-40)
    ]
    assert bounds[1] == pytest.approx(bounds[0] * 2.0**-40, rel=1e-9)


def test_large_whole_ratings_are_not_proven_to_a_share_of_them():
    """Whole objectives differ by a whole number, however large they are."""
    X = 2_000_000_000 + np.array([[0, 1, 0], [2, 2, 2], [2, 2, 0], [0, 0, 2]])
    found = form(X, "av", "sum", groups=2, k=1, method="exact")
    assert (found.status, found.objective) == ("optimal", 8_000_000_007)


def test_the_bound_of_ndcg_is_one_where_items_are_excluded():
    """Allowing what a member excludes can make a list worse by ndcg, and is no relaxation."""
    X = np.array([[5, 1.9], [5, 1.9], [0, 1]])
    found = evaluate(X, [0, 0, 0], "av", "ndcg", 1, exclude={"2": ["0"]}, bound=True)
    assert found.bound >= found.objective


def test_no_other_group_serves_a_member_better_with_what_they_exclude():
    found = form(
        [[5, 1, 1], [5, 1, 1], [5, 3, 2]], "lm", "max", 2, 1,
        exclude={"2": ["0"]}, per_user=True, method="exact",
    )  # fmt: skip
    report = found.to_dict()["members_report"]
    assert [entry["user"] for entry in report] == ["0", "1", "2"]
    assert report[2]["better_group"] is None


def test_filling_and_rounding_leave_whole_ratings_as_they_are():
    """Beyond single precision too; and the mean of an item does not depend on how it is stored."""
    cells = (np.array([16777217, 3, 16777217]), ([0, 0, 1], [0, 1, 0]))
    X = Ratings.of(sp.csr_array(cells, shape=(2, 2)))
    assert complete(X, "mean").matrix[0, 0] == 16777217
    assert rounded(complete(X, 0.0), 0.5).matrix[[0], [0]][0] == 16777217
    holes = np.array([[1, 2, 0], [2, 0, 1], [2, 5, 1], [5, 3, 3]], dtype=np.uint8)
    dense = np.where(holes, holes, np.nan)
    found = [
        form(kind, "av", "sum", 1, 2, missing="mean").objective
        for kind in (dense, sp.csr_array(holes))
    ]
    assert found[0] == found[1]


def test_what_is_masked_is_unrated():
    """A masked array says which cells hold no rating, whatever lies under the mask."""
    X = np.ma.masked_array([[5.0, 1], [5, 1]], mask=[[1, 0], [0, 0]])
    assert Ratings.of(X).count() == 3
    with pytest.raises(ValueError, match="missing"):
        form(X, "lm", "max", 1, 1)


def test_sums_of_multiples_that_are_no_power_of_two_are_not_taken_for_exact_in_float32():
    """Ratings of whole 40s and 25 more have the grain 5, and float32 holds only every fourth whole
    number at this size: lists' values were rounded, and a formation 40 below the best was proven.
    """
    tastes = np.random.default_rng(5).integers(0, 5, (60, 14)).astype(np.float64)
    tastes[0, 0] = 0
    plain, large = (
        form(X, "av", "sum", groups=5, k=2, method="exact", time_limit=60)
        for X in (tastes, 40 * tastes + 35_000_025)
    )
    assert plain.status == large.status == "optimal"
    assert large.objective == 40 * plain.objective + 60 * 2 * 35_000_025


@pytest.mark.parametrize("k", [66, 70])
def test_lists_longer_than_the_favourites_that_are_looked_at_first(k):
    X = np.random.default_rng(0).integers(1, 6, (30, 70)).astype(np.float64)
    found = form(X, "av", "sum", 3, k, method="exact", time_limit=0.5)
    assert found.bound >= found.objective
    every = sum(-np.sort(-row)[:k].sum() for row in X)
    assert found.bound <= every


def test_the_largest_whole_number_is_refused_wherever_it_stands():
    """It has no successor that a later rating would have to reach."""
    X = np.ones((3, 600), np.int64)
    X[0, 0] = 2**63 - 1
    for k in (1, 2):
        with pytest.raises(ValueError, match="beyond 2"):
            form(X, "lm", "min", 2, k)


def test_large_single_precision_ratings_may_be_excluded():
    """What stands for excluded items lies beyond float32, and no rating is infinite."""
    X = (np.random.default_rng(0).random((20, 8)) * 1e36).astype(np.float32)
    asked = {"method": "refine", "iterations": 1, "exclude": {"0": ["1"]}}
    found = form(X, "lm", "min", 2, 2, **asked)
    assert "1" not in found.groups[found.labels[0]].items
    with pytest.raises(ValueError, match="too large to be added up: scale them down"):
        form(X.astype(np.float64) * 1e271, "lm", "min", 2, 2, **asked)


def test_covers_of_lists_longer_than_the_ties_that_are_tried():
    """Of 600 items that are all tied, as many are tried as a list has places."""
    weights = np.zeros(270)
    weights[-1] = 1.0
    value, cover = covered(
        np.full((12, 600), 5.0), np.array([0, 1]), np.ones(12, bool), weights, np.zeros(600)
    )
    assert (value, cover.all()) == (5.0, True)


def best_of_six(Y, allowed=lambda items, members: True):
    """The highest av-sum of six users in two groups with lists of two, by trying all."""
    found = -np.inf
    for half in range(32):
        labels = np.array([0] + [half >> user & 1 for user in range(5)])
        total = 0.0
        for group in set(labels.tolist()):
            members = np.flatnonzero(labels == group)
            pairs = [
                Y[np.ix_(members, pair)].sum()
                for pair in itertools.combinations(range(Y.shape[1]), 2)
                if allowed(pair, members)
            ]
            total += max(pairs, default=-np.inf)
        found = max(found, total)
    return found


def test_weights_of_users_are_not_counted_twice_when_a_proof_is_near_enough():
    """They are in the ratings already: whole objectives of 9e10 are proven to the unit."""
    X = np.random.default_rng(0).integers(1, 6, (6, 5))
    weights = np.array([1e10, 1, 1, 1, 1, 1])
    found = form(X, "av", "sum", 2, 2, method="exact", user_weights=weights)
    assert found.status == "optimal"
    assert found.objective == best_of_six(X * weights[:, None])


def test_an_exclusion_makes_no_proof_less_near():
    """What stands for an excluded item is no part of any objective."""
    X = 10**13 + np.random.default_rng(3).integers(0, 100, (6, 4))
    found = form(X, "av", "sum", 2, 2, method="exact", exclude={"0": ["3"]})
    assert found.status == "optimal"
    assert found.objective == best_of_six(X, lambda items, who: 3 not in items or 0 not in who)


@pytest.mark.parametrize(
    "small",
    [
        {"agg": "sum", "weigh": "members", "user_weights": [2.0**-40] * 6},
        {"agg": "wsum", "position_weights": [2.0**-40, 2.0**-40]},
    ],
)
def test_small_weights_prove_no_more_than_large_ones(small):
    """An objective of 1e-11 is not met by whatever lies 1e-9 above it."""
    X = np.random.default_rng(0).random((6, 4)) * 4 + 1
    found = form(X, "lm", groups=3, k=2, method="exact", **small)
    large = {name: [1.0] * len(value) for name, value in small.items() if "weights" in name}
    plain = form(X, "lm", groups=3, k=2, method="exact", **small | large)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(plain.objective * 2.0**-40, rel=1e-9)


@pytest.mark.parametrize("agg", ["sum", "max", "wsum"])
def test_ratings_beyond_single_precision_have_bounds(agg):
    X = np.random.default_rng(0).normal(size=(12, 4))
    bounds = [evaluate(Y, [0, 1] * 6, "av", agg, 2, bound=True).bound for Y in (X, X * 2.0**140)]
    assert bounds[1] == pytest.approx(bounds[0] * 2.0**140, rel=1e-9)


def test_an_ndcg_bound_of_nobody_is_no_failure():
    """Where every formation has a list that somebody excludes, the bound by own lists stays."""
    X = np.array([[5.0, 1, 1], [1, 5, 1]])
    excluded = Exclusions((), np.array([[0, 0], [1, 1]]))
    problem = Problem.of(Ratings.of(X), "av", "ndcg", 1, 2, exclusions=excluded)
    assert upper_bound(problem).value >= 0


def test_by_members_a_bound_of_products_is_rounded_outward():
    """A rating times a whole weight need not be a float, and the bound is never below the sum."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, weights = rng.random((3, 3)), rng.integers(1, 9, 3)
        problem = Problem.of(
            Ratings.of(X), "lm", "max", 3, 1, counting=Counting("members", weights * 1.0)
        )
        exact = sum(Fraction(float(row.max())) * int(w) for row, w in zip(X, weights, strict=True))
        assert Fraction(own_list_bound(problem)) >= exact

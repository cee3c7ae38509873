"""Least misery by the first item: trees over listed columns convince a checker, mutated ones not.

The checker reads nothing but the ratings.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping.exact.covers.groups import formation
from grouping.exact.covers.listed import (
    ListedCertificate,
    NotListedError,
    Weighing,
    columns_above,
)
from grouping.exact.covers.listed_tree import ListedTree
from grouping.exact.covers.listing import Listing
from grouping.exact.covers.solve import _Course
from grouping.exact.search import Search
from grouping.generate import generate
from grouping.methods import Budget, exact
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.core.checkers_listed import checked_bound
from tests.strategies import instances

KINDS = ("stars", "integers", "halves", "signed zeros", "tenths", "reals")
ROOM = 1 << 20


def problem_of(ratings, groups=5, agg="max", k=3):
    return Problem.of(ratings, "lm", agg, groups, k)


def listed(problem, stop_after=None):
    """The certificate of the tree over columns, from a poor formation, whatever it proves."""
    search = Search(problem, Budget())
    course = _Course(search)
    course._first_columns(course.root)
    course.improve(course.root, wanted=True)
    course.root.rule_out(course.covers.target(search.objective))
    if course.root.solution is None or course.root.prove_poor():
        return search, None
    prices = course.root.prices(course.root.solution)
    listing = Listing(course.covers, course.root, prices, search.objective, ROOM, lambda: False)
    tree = listing.tree(lambda: np.inf)

    def stop():
        return stop_after is not None and tree.linear_programs >= stop_after

    def offer(covers):
        asked = course.covers
        search.offer(
            formation(asked.ratings, covers, problem.groups, asked.weights, asked.personal)
        )

    tree.grow(lambda bound: bound <= search.objective + 1e-9, offer, stop)
    return search, listing.certificate(tree)


def weighing(of):
    return of.users, of.crowds, of.counts


def checked(problem, certificate):
    return checked_bound(
        np.asarray(problem.ratings.matrix, float),
        problem.groups,
        problem.aggregation.weights,
        certificate.floor,
        weighing(certificate.weighing),
        certificate.other_price,
        list(zip(certificate.items.tolist(), certificate.ratings.tolist(), strict=True)),
        certificate.crowds,
        [
            (*pair, rating)
            for pair, rating in zip(
                certificate.branchings.tolist(), certificate.branching_ratings, strict=True
            )
        ],
        [weighing(leaf) for leaf in certificate.leaves],
    )


def accepted(problem, certificate):
    """Whether the ratings prove the bound, up to rounding errors."""
    try:
        found = checked(problem, certificate)
    except ValueError:
        return False
    return found <= certificate.bound + 1e-11 * max(1.0, abs(found))


@settings(max_examples=40)
@given(instances(kinds=KINDS, semantics=("lm",), aggs=("max",), users=7, items=5))
def test_whatever_a_tree_claims_convinces_the_checker(instance):
    """Ties, negative ratings, users alike, l >= n: no bound is below the optimum."""
    problem = Problem.of(Ratings.of(instance.X), **instance.asked)
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    _, certificate = listed(problem)
    if certificate is not None:
        assert accepted(problem, certificate)
        assert certificate.bound >= float(best) - 1e-12 * max(1.0, abs(float(best)))
        assert checked(problem, certificate) >= float(best) - 1e-9


def hard(seed=1, groups=5):
    """Uniform reals, of which the linear program leaves a gap."""
    return problem_of(Ratings.of(np.random.default_rng(seed).random((30, 16))), groups)


@pytest.mark.parametrize("seed", [0, 2])
def test_gaps_of_the_linear_program_are_closed(seed):
    """And the certificate of what `exact` ends with is that of a tree over columns."""
    problem = hard(seed)
    found = exact.run(problem, Budget())
    assert found.status == "optimal"
    assert isinstance(found.certificate, ListedCertificate)
    assert len(found.certificate.leaves) > 1
    assert accepted(problem, found.certificate)


def test_one_happy_user_is_not_in_several_groups():
    """Of two who like the first items, a cover makes three groups; crowds tell that they are two.

    All others share a list that is worth 1.
    """
    rows = np.ones((12, 6))
    rows[:2, :3] = 5.0
    rows[2:, 3:] += np.random.default_rng(0).random((10, 3)) / 8
    rows[0] += 0.01
    problem = problem_of(Ratings.of(rows), 4)
    _, certificate = listed(problem)
    best = exact.run(problem, Budget())
    assert best.status == "optimal"
    assert accepted(problem, certificate)
    assert certificate.bound <= best.bound * (1 + 1e-9)


@pytest.fixture(scope="module")
def certified():
    problem = hard()
    certificate = listed(problem)[1]
    assert len(certificate.leaves) > 3
    return problem, certificate


@pytest.mark.parametrize("stop_after", [1, 30])
def test_an_unfinished_tree_is_a_proof_too(certified, stop_after):
    problem, whole = certified
    part = listed(problem, stop_after)[1]
    assert len(part.leaves) < len(whole.leaves)
    assert part.bound >= whole.bound
    assert accepted(problem, part)


def with_leaf(certificate, number, **changes):
    leaves = list(certificate.leaves)
    leaves[number] = replace(leaves[number], **changes)
    return replace(certificate, leaves=tuple(leaves))


def test_a_lower_bound_is_refused(certified):
    problem, certificate = certified
    found = checked(problem, certificate)
    assert accepted(problem, certificate)
    assert not accepted(problem, replace(certificate, bound=found * (1 - 1e-9)))


def test_columns_that_are_left_out_are_noticed(certified):
    """One that the best formation needs, or all of an item; or the price of others lowered."""
    problem, certificate = certified
    for gone in (certificate.items == certificate.items[0], certificate.ratings > 0.9):
        kept = {"items": certificate.items[~gone], "ratings": certificate.ratings[~gone]}
        assert not accepted(problem, replace(certificate, **kept))
    # what is said of the others is found out, not believed
    assert accepted(problem, replace(certificate, other_price=-np.inf))


def test_a_higher_floor_is_refused(certified):
    """Groups worth less would be looked at by nobody."""
    problem, certificate = certified
    assert not accepted(problem, replace(certificate, floor=certificate.floor + 0.2))


@pytest.mark.parametrize("part", ["users", "counts"])
@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0, -1.0])
def test_other_multipliers_are_refused(certified, part, factor):
    """In any leaf where there are some: its bound would be another, or they prove nothing."""
    problem, certificate = certified
    refused = []
    for number, leaf in enumerate(certificate.leaves):
        changed = getattr(leaf, part).copy()
        at = changed.argmax() if len(changed) else 0
        if len(changed) and changed[at] > 0:
            changed[at] *= factor
            refused.append(not accepted(problem, with_leaf(certificate, number, **{part: changed})))
    assert all(refused) if part == "users" and factor < 0 else any(refused)


def test_trees_that_lack_a_part_are_refused(certified):
    """A leaf left out or one too many, a branching that was not made, sides taken for another."""
    problem, certificate = certified
    leaves, branchings = certificate.leaves, certificate.branchings
    assert not accepted(problem, replace(certificate, leaves=leaves[:-1]))
    assert not accepted(problem, replace(certificate, leaves=(*leaves, leaves[-1])))
    one = {"branchings": branchings[-1:], "branching_ratings": np.zeros(1)}
    for leaf in leaves:
        assert not accepted(problem, replace(certificate, **one, leaves=(leaf,)))
    assert not accepted(problem, replace(certificate, leaves=leaves[::-1]))
    inner = branchings[:, 0] >= 0
    for change in (-1, 1):
        moved = branchings.copy()
        moved[inner, 1] += change
        assert not accepted(problem, replace(certificate, branchings=moved))


def test_a_crowd_that_is_larger_than_it_says_is_refused(certified):
    """A multiplier of a crowd counts for groups within it alone, and costs its users."""
    problem, certificate = certified
    n = len(certificate.weighing.users)
    crowds = np.arange(n)[None] < 3
    leaves = tuple(replace(leaf, crowds=np.array([5.0])) for leaf in certificate.leaves)
    assert not accepted(problem, replace(certificate, crowds=crowds, leaves=leaves))


def test_a_search_that_is_lied_to_does_not_convince_the_checker(monkeypatch):
    """Were columns overlooked, the checker would find more than is claimed."""
    problem = hard()

    def overlooking(*asked):
        highest, columns = columns_above(*asked)
        kept = columns.items % 2 == 0
        return highest, replace(
            columns,
            **{
                name: getattr(columns, name)[kept]
                for name in ("items", "ratings", "values", "worths")
            },
        )

    monkeypatch.setattr("grouping.exact.covers.listing.columns_above", overlooking)
    certificate = listed(problem)[1]
    assert not accepted(problem, certificate)


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_columns_are_those_of_looking_at_each(seed):
    """Ties make one column; crowds count for columns within them; the floor leaves out."""
    rng = np.random.default_rng(seed)
    ratings = rng.integers(0, 4, (6, 4)).astype(float)
    users, crowds = rng.integers(0, 3, 6).astype(float), rng.random((2, 6)) < 0.7
    given_ = Weighing(users, np.array([1.0, 0.5]), np.zeros(0))
    floor, price = float(rng.integers(-1, 3)), float(rng.integers(0, 6))
    asked = (2.0, floor, price, given_, crowds, ROOM, lambda: False)
    highest, found = columns_above(ratings, *asked)
    unsigned, of_unsigned = columns_above(ratings.astype(np.uint8), *asked)
    assert unsigned == highest
    assert of_unsigned.ratings.tolist() == found.ratings.tolist()
    expected = {}
    for item in range(4):
        for rating in np.unique(ratings[:, item]):
            cover = ratings[:, item] >= rating
            within = [not (cover & ~crowd).any() for crowd in crowds]
            worth = 2 * rating + users[cover].sum() - within @ given_.crowds
            if 2 * rating > floor:
                expected[item, float(rating)] = worth
    assert highest == max(expected.values(), default=-np.inf)
    listed_ = zip(found.items.tolist(), found.ratings.tolist(), found.worths, strict=True)
    assert {(item, rating): worth for item, rating, worth in listed_} == {
        column: worth for column, worth in expected.items() if worth > price
    }
    covers = found.covers(ratings)
    for cover, item, rating in zip(covers, found.items, found.ratings, strict=True):
        assert (cover == (ratings[:, item] >= rating)).all()


def test_columns_beyond_the_room_or_the_time_are_not_listed():
    """Nothing is proven of columns that were not looked at."""
    ratings = np.arange(20.0).reshape(5, 4)
    asked = (
        1.0,
        -1.0,
        0.0,
        Weighing(np.zeros(5), np.zeros(0), np.zeros(0)),
        np.zeros((0, 5), bool),
    )
    for room, stopped in ((3, False), (ROOM, True)):
        with pytest.raises(NotListedError):
            columns_above(ratings, *asked, room, lambda stopped=stopped: stopped)


def test_no_groups_at_all_leave_everybody_in_one():
    """A choice of the poor group alone is a formation, too."""
    ratings = -np.ones((4, 2))
    labels = formation(ratings, np.zeros((0, 4), bool), 2, np.ones(1), -np.ones(4))
    assert labels.shape == (4,)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_multipliers_that_are_no_numbers_are_refused(certified, wrong):
    """Comparisons with them are false, whichever way they are asked."""
    problem, certificate = certified
    users = certificate.weighing.users.copy()
    users[0] = wrong
    root = replace(certificate.weighing, users=users)
    leaves = (replace(certificate.leaves[0], users=users), *certificate.leaves[1:])
    assert not accepted(problem, replace(certificate, weighing=root))
    assert not accepted(problem, replace(certificate, leaves=leaves))
    assert not accepted(problem, replace(certificate, other_price=wrong, bound=np.inf))
    assert not accepted(problem, replace(certificate, floor=wrong, bound=np.inf))


def test_the_tree_ends_where_the_solver_fails(monkeypatch):
    """Leaves keep the multipliers of the node above."""
    problem, solve = hard(), ListedTree._improve
    calls = 0

    def fails(tree, node):
        nonlocal calls
        calls += 1
        return solve(tree, node) if calls < 6 else False

    monkeypatch.setattr(ListedTree, "_improve", fails)
    certificate = listed(problem)[1]
    assert accepted(problem, certificate)


def test_generated_ratings_are_certified():
    problem = problem_of(generate(60, 30, step=None, seed=9), 6)
    search, certificate = listed(problem)
    assert accepted(problem, certificate)
    assert search.objective <= certificate.bound

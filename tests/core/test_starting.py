"""Warm starts: nothing given is lost, by ids or by position, within constraints or repaired."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import Formation, Ratings, form
from grouping.constraints.meeting import meet
from grouping.errors import InputError
from grouping.exact.search import Search
from grouping.generate import generate
from grouping.local import lists
from grouping.methods import METHODS, Budget
from grouping.missing import complete
from grouping.objective import score
from grouping.problem import Problem
from grouping.stopping import tries
from tests.core.test_constraints import constraint_sets, satisfiable

OBJECTIVES = list(itertools.product(("lm", "av"), ("min", "max", "sum", "wsum")))
STARTED = [name for name, method in METHODS.items() if "start" in method.options]
RATINGS = complete(generate(40, 10, seed=3), "error")


def worth(labels, semantics="lm", agg="sum", groups=4, k=3):
    problem = Problem.of(RATINGS, semantics, agg, groups, k)
    return score(problem, np.unique(labels, return_inverse=True)[1]).objective


@pytest.mark.parametrize(("semantics", "agg"), OBJECTIVES)
def test_a_good_start_is_never_lost(semantics, agg):
    """One that a longer search found, given to a shorter one of another seed."""
    good = form(RATINGS, semantics, agg, 4, 3, "refine", iterations=3, seed=1)
    again = form(RATINGS, semantics, agg, 4, 3, "refine", iterations=1, seed=2, start=good)
    assert again.objective >= good.objective


@pytest.mark.parametrize("method", STARTED)
def test_methods_with_a_start_keep_it_where_no_time_is_left(method):
    """The best of all formations of eight users stays the best, proven or not."""
    ratings = complete(generate(8, 5, seed=1), "error")
    best = form(ratings, "av", "sum", 3, 2, "exact")
    again = form(ratings, "av", "sum", 3, 2, method, start=best, time_limit=1e-9)
    assert again.objective == best.objective


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 5), min_size=4, max_size=4), min_size=6, max_size=6),
    st.lists(st.integers(0, 2), min_size=6, max_size=6),
    constraint_sets(),
    st.sampled_from(OBJECTIVES),
    st.sampled_from(STARTED),
)
def test_the_result_is_never_below_the_start_or_its_repair(
    rows, labels, constraints, objective, method
):
    """Six users: a start that satisfies the constraints stays as it is, another is repaired."""
    if not satisfiable(constraints):
        return
    start = np.array(labels)
    problem = Problem.of(
        Ratings.of(np.array(rows) * 1.0), *objective, 3, 2, constraints=constraints
    )
    repaired = meet(constraints, start, 3)
    if constraints.satisfied(start, 3):
        assert repaired.tolist() == labels
    found = METHODS[method].run(problem, Budget(iterations=1), start=start)
    assert constraints.satisfied(found.labels, 3)
    least = score(problem, np.unique(repaired, return_inverse=True)[1]).objective
    assert score(problem, found.labels).objective >= least


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=6, max_size=6), constraint_sets())
def test_what_satisfies_the_constraints_is_not_changed(labels, constraints):
    """As the integer program would have it, which moves as few users as it can."""
    if constraints.satisfied(np.array(labels), 3):
        assert meet(constraints, np.array(labels), 3).tolist() == labels
        assert constraints.violated(np.array(labels), 3) == []


def test_users_go_by_id_and_labels_by_position():
    """A formation, a mapping and labels that say the same start the same search."""
    good = form(RATINGS, "lm", "sum", 4, 3, "refine", seed=1)
    ids = list(RATINGS.users)
    backwards = [
        (user, f"g{group}") for user, group in zip(ids, good.labels.tolist(), strict=True)
    ][::-1]
    starts = [good, dict(backwards), good.labels, good.labels.tolist()]
    found = [
        form(RATINGS, "lm", "sum", 4, 3, "refine", iterations=1, start=start).labels.tolist()
        for start in starts
    ]
    assert all(labels == found[0] for labels in found)


def test_groups_that_have_numbers_keep_the_starts():
    """Group g of the start is slot g, and users who are fixed elsewhere are moved there."""
    start = np.arange(40) % 4
    fixed = {RATINGS.users[0]: 3}
    formed = form(RATINGS, "lm", "sum", 4, 3, "refine", start=start, fixed=fixed, iterations=1)
    moved = start.copy()
    moved[0] = 3
    assert formed.labels[0] == 3
    assert formed.objective >= worth(moved)
    with pytest.raises(InputError, match=r"start: there is no group 7: .* from 0 to 3"):
        form(RATINGS, "lm", "sum", 4, 3, "refine", start=[*(start[:-1] % 3), 7], sizes=[40] * 4)


def test_a_saved_formation_goes_on_from_its_file(tmp_path):
    """Its seed and iterations made it; more of them make it better or leave it."""
    first = form(RATINGS, "lm", "sum", 4, 3, "refine", iterations=1)
    first.save(tmp_path / "f.json")
    loaded = Formation.load(tmp_path / "f.json")
    again = form(RATINGS, "lm", "sum", 4, 3, "refine", iterations=2, start=loaded)
    assert again.objective >= first.objective


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ([0] * 39, "start: 39 group labels for 40 users"),
        ({"0": 0}, "start: user 1 and 38 more has no group"),
        (dict.fromkeys([*map(str, range(40)), "zed"], 0), "start: unknown user id 'zed'"),
        (list(range(40)), "start: 40 groups to start from, and at most 4 to form"),
    ],
)
def test_starts_of_other_users_or_too_many_groups_are_refused(start, words):
    ratings = Ratings.of(np.ones((40, 10)))
    with pytest.raises(InputError, match=words):
        form(ratings, "lm", "sum", 4, 3, "refine", start=start)


def test_a_start_of_fewer_users_is_refused():
    """Newcomers have no group yet: say who, and that each user must be there once."""
    fewer = form(RATINGS, "lm", "sum", 4, 3, "refine", iterations=1)
    more = complete(generate(45, 10, seed=3), "error")
    with pytest.raises(InputError, match=r"4 more has no group.*each user of the ratings once"):
        form(more, "lm", "sum", 4, 3, "refine", start=fewer)


@pytest.mark.parametrize("method", sorted(set(METHODS) - set(STARTED)))
def test_methods_without_a_start_say_so(method):
    with pytest.raises(
        InputError, match=f"method {method} does not take start.* use auto, refine, exact"
    ):
        form(RATINGS, "lm", "min", 4, 3, method, start=np.zeros(40, int))


@pytest.mark.parametrize("agg", ["max", "sum"])
def test_lists_start_from_those_of_the_start(agg):
    """Where they are worth more than lists made anew, which without a shake reach less."""
    ratings = Ratings.of(np.random.default_rng(0).random((60, 40)))
    good = form(ratings, "av", agg, 6, 3, "refine", iterations=3)
    problem = Problem.of(ratings, "av", agg, 6, 3)
    reached = []
    for start in (None, good.labels):
        search = Search(problem, Budget())
        lists.improve(search, np.random.default_rng(0), tries(0), start)
        reached.append(search.objective)
    assert reached[0] < good.objective <= reached[1]

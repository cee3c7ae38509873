"""Constraints: what they allow, whether they can be met, and which ones conflict."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import form
from grouping.constraints import Constraints
from grouping.constraints.meeting import meet
from grouping.constraints.units import units_of
from grouping.errors import GroupingError, InfeasibleError, InputError, UndecidedError
from grouping.ids import Ids
from grouping.methods import METHODS, Budget
from grouping.objective import score
from grouping.problem import Problem
from grouping.ratings import Ratings

USERS = Ids([f"u{number}" for number in range(6)], "user")


@st.composite
def constraint_sets(draw, n=6, groups=3):
    ids = st.sampled_from(list(USERS)[:n])
    sets = st.lists(st.lists(ids, min_size=2, max_size=3, unique=True), max_size=2)
    asked = {"together": draw(sets), "apart": draw(sets)}
    asked["fixed"] = draw(st.dictionaries(ids, st.integers(0, groups - 1), max_size=2))
    if draw(st.booleans()):
        asked["min_size"] = draw(st.integers(1, 3))
    sized = draw(st.sampled_from(["none", "max", "each"]))
    if sized == "max":
        asked["max_size"] = draw(st.integers(1, 4))
    elif sized == "each":
        asked["sizes"] = draw(st.lists(st.integers(1, 4), min_size=groups, max_size=groups))
    return Constraints.of(USERS, groups, **asked)


def obeys(constraints, labels, groups=3):
    """The definition, rule by rule, in plain loops."""
    used = set(labels)
    if constraints.slotted and len(used) < groups:
        return False  # groups with numbers of their own are all there
    for rule in constraints.rules:
        its = [labels[user] for user in rule.users]
        counts = [labels.count(group) for group in range(groups)]
        if rule.kind == "min_size" and any(0 < c < rule.numbers[0] for c in counts):
            return False
        if rule.kind == "max_size" and max(counts) > rule.numbers[0]:
            return False
        if rule.kind == "sizes" and any(c > m for c, m in zip(counts, rule.numbers, strict=True)):
            return False
        if rule.kind == "together" and len(set(its)) > 1:
            return False
        if rule.kind == "apart" and len(set(its)) < len(its):
            return False
        if rule.kind == "fixed" and its[0] != rule.numbers[0]:
            return False
    return True


def satisfiable(constraints):
    return any(obeys(constraints, list(p)) for p in itertools.product(range(3), repeat=6))


@settings(max_examples=120, deadline=None)
@given(constraint_sets(), st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_constraints_are_met_where_they_can_be_and_a_conflict_is_irreducible(constraints, start):
    """By every labelling of six users: met, or no labelling meets them; leave one of the named
    rules out, and one does.
    """
    labels = np.array(start)
    try:
        met = meet(constraints, labels, 3)
    except InfeasibleError as error:
        assert not satisfiable(constraints)
        named = str(error).partition("satisfies ")[2].rpartition(": ")[0].split("; ")
        rules = list(constraints.rules)
        conflict = []
        for words in named:  # rules may have equal words
            rule = next(rule for rule in rules if rule.words == words)
            rules.remove(rule)
            conflict.append(rule)
        assert not satisfiable(Constraints(tuple(conflict)))
        for rule in conflict:
            fewer = Constraints(tuple(other for other in conflict if other is not rule))
            assert satisfiable(fewer) or not fewer
        return
    assert obeys(constraints, met.tolist())
    assert constraints.violated(met, 3) == []


@settings(max_examples=100)
@given(constraint_sets(), st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_violations_are_those_of_the_definition(constraints, labels):
    broken = constraints.violated(np.array(labels), 3)
    for rule in constraints.rules:
        alone = Constraints((rule,))
        obeyed = obeys(alone, labels) or (alone.slotted and len(set(labels)) < 3)
        if rule not in broken:
            assert obeyed
        elif not alone.slotted:
            assert not obeyed


def test_a_formation_that_meets_them_is_left_alone():
    labels = np.array([0, 0, 1, 1, 2, 2])
    constraints = Constraints.of(USERS, 3, max_size=2, together=[["u0", "u1"]])
    assert meet(constraints, labels, 3).tolist() == labels.tolist()


def test_few_users_are_moved():
    """Two of the four leave the group that may hold two."""
    met = meet(Constraints.of(USERS, 3, max_size=2), np.array([0, 0, 0, 0, 1, 1]), 3)
    assert met.tolist() == [0, 0, 2, 2, 1, 1]


def test_units_join_whoever_must_be_together():
    constraints = Constraints.of(
        USERS, 3, together=[["u0", "u2"], ["u2", "u4"]], fixed={"u4": 1}, apart=[["u0", "u1"]]
    )
    units = units_of(constraints, 6)
    assert units.of_user.tolist() == [0, 1, 0, 2, 0, 3]
    assert units.sizes.tolist() == [3, 1, 1, 1]
    assert units.slots.tolist() == [1, -1, -1, -1]
    assert np.argwhere(units.apart.toarray()).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"max_size": 0}, "max_size 0: a size must be at least 1"),
        ({"min_size": "two"}, "min_size two: 'two' is not a whole number"),
        ({"max_size": 3, "sizes": [2, 2, 2]}, "give one"),
        ({"sizes": [3, 3]}, "sizes 3,3: 2 sizes for 3 groups"),
        ({"together": [["u1", "u9"]]}, "together u1,u9: unknown user"),
        ({"apart": [["u1", "u1"]]}, "apart u1,u1: names a user twice"),
        ({"apart": [["u1"]]}, "apart u1: names fewer than two"),
        ({"fixed": {"u1": 3}}, "fixed u1=3: groups are numbered from 0 to 2"),
        ({"fixed": {"u1": "x"}}, "fixed u1=x: a group is a whole number"),
        ({"fixed": {"u9": 1}}, "fixed u9=1: unknown user"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_the_callers_words(asked, words):
    with pytest.raises(InputError, match=words):
        Constraints.of(USERS, 3, **asked)


def test_no_time_to_decide_is_said():
    """Exit code 4: neither met nor known to be impossible."""
    with pytest.raises(UndecidedError, match="--time-limit") as raised:
        meet(Constraints.of(USERS, 3, max_size=2), np.zeros(6, np.int64), 3, 0.0)
    assert isinstance(raised.value, GroupingError)
    assert raised.value.exit_code == 4


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 5), min_size=3, max_size=3), min_size=6, max_size=6),
    constraint_sets(),
    st.sampled_from([("lm", "min"), ("lm", "sum"), ("av", "max"), ("av", "min"), ("av", "wsum")]),
    st.sampled_from(["exact", "ip"]),
)
def test_exact_methods_find_the_best_within_constraints(rows, constraints, meant, method):
    """Of all labellings of six users that obey; else the conflict is said."""
    semantics, agg = meant
    problem = Problem.of(
        Ratings.of(np.array(rows) * 1.0), semantics, agg, 3, 2, constraints=constraints
    )
    run = METHODS[method].run
    if not satisfiable(constraints):
        with pytest.raises(InfeasibleError):
            run(problem, Budget())
        return
    found = run(problem, Budget())
    best = max(
        score(problem, np.unique(labels, return_inverse=True)[1]).objective
        for labels in itertools.product(range(3), repeat=6)
        if obeys(constraints, list(labels))
    )
    assert found.status == "optimal"
    assert constraints.violated(found.labels, 3) == []
    assert score(problem, found.labels).objective == pytest.approx(best)
    assert found.bound == pytest.approx(best)


def test_exact_says_up_to_where_it_keeps_constraints():
    X = np.random.default_rng(0).integers(1, 6, (12, 4)) * 1.0
    with pytest.raises(InputError, match="up to 10 users: use ip for some more, or refine"):
        form(X, "av", "sum", 3, 2, "exact", max_size=5)

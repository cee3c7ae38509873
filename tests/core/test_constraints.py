"""Constraints: what they allow, whether they can be met, and which ones conflict."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import Formation, evaluate, form, sweep
from grouping.constraints import Constraints, meeting
from grouping.constraints.meeting import meet
from grouping.constraints.units import units_of
from grouping.errors import GroupingError, InfeasibleError, InputError, UndecidedError
from grouping.ids import Ids
from grouping.methods import METHODS, Budget
from grouping.objective import score
from grouping.problem import Problem
from grouping.ratings import Ratings

USERS = Ids([f"u{number}" for number in range(6)], "user")
WHO = {"gender": ["F", "M", "F", "M", "F", "F"]}


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
    about = draw(st.sampled_from(["nothing", "shares", "the isolated", "one isolated", "both"]))
    if about != "nothing":
        values = draw(st.lists(st.sampled_from("FMX"), min_size=n, max_size=n))
        asked["profiles"] = {"gender": dict(zip(USERS, values, strict=True))}
        if about in ("shares", "both"):
            asked["balance"] = {"gender": draw(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7]))}
        if about in ("the isolated", "both"):
            asked["no_isolated"] = ["gender"]
        if about == "one isolated":
            asked["no_isolated"] = {"gender": draw(st.sampled_from(values))}
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
        if rule.attribute is not None and not has_its_share(rule, labels, counts):
            return False
    return True


def has_its_share(rule, labels, counts):
    """Of each value in each group, in exact fractions."""
    held = [rule.attribute.values[at] for at in rule.attribute.of_user.tolist()]
    for position, value in enumerate(rule.attribute.values):
        share = Fraction(held.count(value), len(held))
        for group, size in enumerate(counts):
            count = [own for own, label in zip(held, labels, strict=True) if label == group].count(
                value
            )
            if rule.kind == "balance":
                most = max(Fraction(1), Fraction(str(rule.tolerance)) * size)
                if abs(count - share * size) > most:
                    return False
            elif count == 1 and rule.numbers in ((), (position,)):
                return False
    return True


def satisfiable(constraints):
    return any(obeys(constraints, list(p)) for p in itertools.product(range(3), repeat=6))


@settings(max_examples=120, deadline=None)
@given(
    constraint_sets(),
    st.lists(st.integers(0, 2), min_size=6, max_size=6),
    st.sampled_from([0, meeting.MOST_TRAITS]),
)
def test_constraints_are_met_where_they_can_be_and_a_conflict_is_irreducible(
    constraints, start, most_traits
):
    """By every labelling of six users: met, or no labelling meets them; leave one of the named
    rules out, and one does. Also where shares are rounded first, as for many values.
    """
    labels = np.array(start)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(meeting, "MOST_TRAITS", most_traits)
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
        ({"balance": {"gender": 0.1}}, "balance gender:0.1: profiles says who has which gender"),
        ({"balance": {"age": 0.1}, "profiles": WHO}, "profiles has no age; it has gender"),
        ({"balance": {"gender": -1}, "profiles": WHO}, "the tolerance must be a number"),
        ({"balance": {"gender": "x"}, "profiles": WHO}, "the tolerance 'x' is not a number"),
        ({"no_isolated": "gender", "profiles": WHO}, "give a list"),
        ({"no_isolated": {"gender": "Z"}, "profiles": WHO}, "gender=Z: no user has that value"),
        ({"no_isolated": ["gender"], "profiles": {"gender": {"u1": "F"}}}, "u0 and 4 more has no"),
        ({"no_isolated": ["gender"], "profiles": {"gender": ["F"]}}, "1 values of gender for 6"),
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


@pytest.mark.parametrize("about", ["one attribute", "two attributes", "nobody alone"])
def test_many_values_are_balanced_by_rounding_shares(about, monkeypatch):
    """Without a program of everything, which would take minutes; and few have to move."""
    rng = np.random.default_rng(0)
    users = Ids(300, "user")
    who = {"age": rng.integers(18, 48, 300), "gender": rng.integers(2, size=300)}
    asked = {
        "one attribute": {"balance": {"age": 0.0}},
        "two attributes": {"balance": {"age": 0.1, "gender": 0.1}},
        "nobody alone": {"no_isolated": {"gender": 1}, "balance": {"age": 0.2}},
    }[about]
    constraints = Constraints.of(
        users, 20, max_size=20, together=[["3", "5"]], apart=[["1", "2"]], profiles=who, **asked
    )
    start = np.repeat(np.arange(20), 15)
    rng.shuffle(start)
    whole = meeting._Program.solve

    def solve(self, deadline):
        assert not len(self.traits.shares)
        return whole(self, deadline)

    monkeypatch.setattr(meeting._Program, "solve", solve)
    met = meet(constraints, start, 20)
    assert obeys(constraints, met.tolist(), 20)
    assert (met != start).sum() < 100


def test_many_users_are_balanced_by_moving_few():
    """Two hundred users of two attributes, sizes and a pair besides; a tenth has to move."""
    rng = np.random.default_rng(0)
    users = Ids(200, "user")
    who = {"gender": rng.choice(["F", "M"], 200, p=[0.3, 0.7]), "year": rng.integers(1, 5, 200)}
    constraints = Constraints.of(
        users,
        8,
        max_size=30,
        together=[["3", "5"]],
        balance={"gender": 0.05, "year": 0.1},
        no_isolated={"gender": "F"},
        profiles=who,
    )
    start = rng.integers(8, size=200)
    met = meet(constraints, start, 8)
    assert obeys(constraints, met.tolist(), 8)
    assert (met != start).sum() < 40


def test_who_has_which_value_may_be_told_in_frames_and_mappings():
    """The same attribute, in the order of the users, whoever else is told of."""
    frames = [
        pd.DataFrame({"id": ["u5", "u9", *list(USERS)[:5]], "gender": [1, 2, 2, 1, 2, 1, 2.0]}),
        {"gender": [2, 1, 2, 1, 2, 1]},
        {"gender": dict(zip(USERS, "212121", strict=True))},
    ]
    for profiles in frames:
        rule = Constraints.of(USERS, 2, balance={"gender": 0.1}, profiles=profiles).rules[0]
        assert rule.attribute.values == ("1", "2")
        assert rule.attribute.of_user.tolist() == [1, 0, 1, 0, 1, 0]
    twice = pd.DataFrame({"id": ["u1", "u1"], "gender": ["F", "M"]})
    with pytest.raises(InputError, match="user u1 is twice"):
        Constraints.of(USERS, 2, balance={"gender": 0.1}, profiles=twice)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        pytest.param({"sizes": [3, 2]}, "sizes 3,2: there is room for 5; change it", id="sizes"),
        pytest.param({"max_size": 2}, "max_size 2: there is room for 4; change it", id="size"),
        pytest.param({"apart": [["u1", "u2", "u3"]]}, "these are 3 users; change it", id="apart"),
    ],
)
def test_a_rule_that_cannot_be_met_by_itself_says_why(asked, why):
    """Of six users in two groups."""
    with pytest.raises(InfeasibleError, match=why):
        meet(Constraints.of(USERS, 2, **asked), np.zeros(6, np.int64), 2)


def test_the_only_one_of_their_kind_conflicts_alone():
    """One user with a value is isolated wherever they are: no other rule is named."""
    who = {"gender": ["F", "M", "M", "M", "M", "M"]}
    constraints = Constraints.of(USERS, 3, max_size=4, no_isolated=["gender"], profiles=who)
    with pytest.raises(InfeasibleError, match="satisfies no_isolated gender: change it"):
        meet(constraints, np.zeros(6, np.int64), 3)


def test_what_is_asked_of_attributes_stands_in_the_document():
    """With the population's shares, so that a reader can check them."""
    found = form(
        np.ones((6, 3)),
        groups=2,
        k=1,
        method="refine",
        balance={"gender": 0.2},
        no_isolated={"gender": "F"},
        profiles=WHO,
        iterations=1,
    )
    assert found.problem["constraints"] == {
        "balance": [{"attribute": "gender", "tolerance": 0.2, "shares": {"F": 4 / 6, "M": 2 / 6}}],
        "no_isolated": [{"attribute": "gender", "value": "F"}],
    }


BROKEN = {
    "min_size 3": "group a has 2 (and 2 more groups)",
    "max_size 1": "group a has 2 (and 2 more groups)",
    "sizes 2,1,9": "group b has 2",
    "together u1,u4": "they are in groups a, c",
    "apart u2,u5,u3": "u2 and u3 are in group b",
    "fixed u5=0": "u5 is in group c",
    "no_isolated gender=M": "group a of 2 has 1 with gender M",
}


def test_a_partition_is_told_what_it_breaks_and_where(tmp_path):
    """In sentences, each of which begins with the constraint; they are saved and loaded."""
    asked = {
        "together": [["u1", "u4"]],
        "apart": [["u2", "u5", "u3"], ["u0", "u5"]],
        "fixed": {"u5": 0},
        "no_isolated": {"gender": "M"},
        "profiles": {"gender": ["F", "M", "M", "M", "F", "F"]},
    }
    ratings = Ratings.of(np.ones((6, 3)), users=list(USERS))
    labels = list("aabbcc")
    found = evaluate(ratings, labels, k=1, min_size=3, max_size=1, **asked)
    sized = evaluate(ratings, labels, k=1, sizes=[2, 1, 9])
    told = dict(sentence.split(": ", 1) for sentence in [*found.broken, *sized.broken])
    assert told == BROKEN
    found.save(tmp_path / "f.json")
    assert Formation.load(tmp_path / "f.json").broken == found.broken
    assert evaluate(ratings, labels, k=1, max_size=2).broken == []
    assert evaluate(ratings, labels, k=1).broken is None
    who = {"gender": [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]}
    halves = evaluate(np.ones((10, 2)), [0, 1] * 5, k=1, balance={"gender": 0.1}, profiles=who)
    assert halves.broken == []
    parted = evaluate(np.ones((10, 2)), who["gender"], k=1, balance={"gender": 0.1}, profiles=who)
    assert parted.broken == [
        "balance gender:0.1: group 0 of 5 has 5 with gender 0, and its share is 2.5 (and 1 more "
        "group)"
    ]


@pytest.mark.parametrize("call", [form, evaluate, sweep], ids=lambda call: call.__name__)
def test_constraints_given_ready_made_and_by_arguments_are_refused_not_half_heard(call):
    ratings = np.arange(24.0).reshape(6, 4) % 5
    ready = Constraints.of(Ids([str(u) for u in range(6)], "user"), 2, max_size=4)
    asked = {
        form: {"groups": 2, "k": 1},
        evaluate: {"partition": [0, 0, 0, 1, 1, 1], "k": 1},
        sweep: {"groups": [2], "k": [1]},
    }[call]
    with pytest.raises(InputError, match=r"together 0,5: constraints are given ready made, too"):
        call(ratings, **asked, constraints=ready, together=[["0", "5"]])


@pytest.mark.parametrize("tolerance", [0.4999999, 0.49999999, 0.5])
def test_what_the_solver_tolerates_is_no_balance(tolerance):
    """Four of one sex are 2 off their half, and 4 x .4999999 is less: HiGHS forgives the rest."""
    labels = np.array([0] * 4 + [1] * 3 + [2] * 4 + [3] * 3)
    users = Ids([str(user) for user in range(14)], "user")
    sex = ["F"] * 7 + ["M"] * 7
    asked = Constraints.of(users, 4, balance={"sex": tolerance}, profiles={"sex": sex})
    found = meet(asked, labels, 4)
    assert asked.violated(found, 4) == []
    assert np.array_equal(found, labels) == (tolerance == 0.5)

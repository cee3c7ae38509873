"""Newcomers join groups: by the definition, in plain loops over all placements."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import OptimizeResult

from grouping import Formation, InfeasibleError, InputError, Ratings, assign, evaluate, form
from grouping.assigning import join
from grouping.capacities import place
from grouping.constraints import Constraints
from grouping.constraints.joining import join_within
from grouping.constraints.meeting import meet
from grouping.errors import UndecidedError
from grouping.exclusions import Exclusions
from grouping.ids import Ids
from grouping.joining import best_groups
from tests import oracle
from tests.strategies import instances, partitions_of

X = np.array([[5, 4, 1, 1], [5, 4, 1, 1], [1, 1, 5, 4], [1, 1, 5, 4], [2, 2, 2, 2.0]])
LABELS = [0, 0, 1, 1, 2]


def named(rows, users):
    return Ratings.of(np.array(rows, np.float64), users=users)


def own(instance, row, items):
    """What a list is worth to one user alone; for ndcg in the order of the list."""
    if instance.agg == "ndcg":
        return oracle.ndcg([row], 0, items, instance.k)
    ratings = sorted((row[item] for item in items), reverse=True)
    return oracle.aggregate(ratings, instance.agg, instance.weights)


def loss(instance, group, row):
    """How much a group falls under least misery when one newcomer joins."""
    if instance.agg == "ndcg":
        return group.satisfaction - min(
            group.satisfaction, own(instance, row, group.items.tolist())
        )
    before = group.item_scores.tolist()
    after = [min(score, row[item]) for score, item in zip(before, group.items, strict=True)]
    worth = [
        oracle.aggregate(sorted(scores, reverse=True), instance.agg, instance.weights)
        for scores in (before, after)
    ]
    return worth[0] - worth[1]


def costs_of(instance, formation, rows):
    """Costs of each newcomer in each group, the first before the second."""
    owned = np.array(
        [[own(instance, row, g.items.tolist()) for g in formation.groups] for row in rows]
    )
    if instance.semantics == "av":
        return [-owned]
    return [np.array([[loss(instance, g, row) for g in formation.groups] for row in rows]), -owned]


def worth(costs, labels):
    """Costs of a placement, in their order; then its numbers."""
    return [sum(cost[user, group] for user, group in enumerate(labels)) for cost in costs] + [
        sum(labels)
    ]


@settings(max_examples=120)
@given(instances(users=5, items=4), st.data())
def test_no_placement_within_the_capacities_is_better(instance, data):
    """Of all placements; and members stay, and groups are scored as the definition has it."""
    labels = data.draw(partitions_of(len(instance.rows)))
    formation = evaluate(instance.X, labels, **instance.evaluated)
    rows = data.draw(st.lists(st.sampled_from(instance.rows), min_size=1, max_size=4))
    groups = len(formation.groups)
    room = data.draw(st.lists(st.integers(0, 3), min_size=groups, max_size=groups))
    short = len(rows) - sum(room)
    room[0] += max(0, short)
    sizes = (formation.sizes + room).tolist()
    joined = assign(formation, np.array(rows), sizes=sizes)
    assert joined.labels[: len(labels)].tolist() == labels
    assert np.all(joined.sizes <= sizes)
    costs = costs_of(instance, formation, rows)
    best = min(
        worth(costs, placed)
        for placed in itertools.product(range(groups), repeat=len(rows))
        if np.all(np.bincount(placed, minlength=groups) <= room)
    )
    found = worth(costs, joined.labels[len(labels) :].tolist())
    # equal in one cost up to rounding, so that the next decides
    assert found == pytest.approx(best, abs=1e-9)
    everyone = [*instance.rows, *rows]
    for before, group in zip(formation.groups, joined.groups, strict=True):
        assert sorted(group.items) == sorted(before.items)
        members = group.members.tolist()
        scores = [
            oracle.item_score(everyone, members, item, instance.semantics)
            for item in group.items.tolist()
        ]
        assert group.item_scores.tolist() == pytest.approx(scores)
        if instance.agg != "ndcg":
            assert scores == sorted(scores, reverse=True)
            worth_now = oracle.aggregate(scores, instance.agg, instance.weights)
        else:
            each = [own(instance, everyone[user], before.items.tolist()) for user in members]
            worth_now = min(each) if instance.semantics == "lm" else sum(each)
        assert group.satisfaction == pytest.approx(worth_now)
    assert joined.objective == pytest.approx(sum(g.satisfaction for g in joined.groups))


@settings(max_examples=60)
@given(instances(users=6, items=4), st.data())
def test_the_order_of_rows_and_columns_changes_nothing(instance, data):
    """Even where room is short and newcomers are alike: ids decide, not places in a file."""
    labels = data.draw(partitions_of(len(instance.rows)))
    formation = evaluate(instance.X, labels, **instance.evaluated)
    rows = data.draw(st.lists(st.sampled_from(instance.rows), min_size=2, max_size=5))
    most = int(max(formation.sizes.max(), -(-(len(labels) + len(rows)) // formation.sizes.size)))
    users = [f"new {place}" for place in range(len(rows))]
    columns = data.draw(st.permutations(range(len(rows[0]))))
    shuffled = data.draw(st.permutations(range(len(rows))))
    expected = assign(formation, named(rows, users), max_size=most)
    again = assign(
        formation,
        Ratings.of(
            np.array(rows)[np.ix_(shuffled, columns)],
            users=[users[place] for place in shuffled],
            items=[str(column) for column in columns],
        ),
        max_size=most,
    )
    assert again == expected.__class__.from_dict(expected.to_dict() | {"seconds": again.seconds})


@st.composite
def formed_under(draw, members, groups):
    """What a formation may have been formed under, as its document says it, and profiles."""
    names = [str(user) for user in range(members)]
    document = {}
    if draw(st.booleans()):
        document["max_size"] = draw(st.integers(2, 5))
    if draw(st.booleans()):
        document["min_size"] = draw(st.integers(1, 3))
    if members > 1 and draw(st.booleans()):
        document[draw(st.sampled_from(["together", "apart"]))] = [names[:2]]
    who = draw(st.lists(st.sampled_from("FM"), min_size=members, max_size=members))
    if draw(st.booleans()):
        shares = {value: who.count(value) / members for value in sorted(set(who))}
        tolerance = draw(st.sampled_from([0.0, 0.2, 0.4]))
        document["balance"] = [{"attribute": "sex", "tolerance": tolerance, "shares": shares}]
    if draw(st.booleans()):
        value = draw(st.sampled_from([None, who[0]]))
        document["no_isolated"] = [{"attribute": "sex", "value": value}]
    return document, who


def keeps_to(document, asked, who, labels, members, groups, lenient):
    """The definition, in plain loops; of what the members broke before only sizes count."""
    sizes = [labels.count(group) for group in range(groups)]
    before = [labels[:members].count(group) for group in range(groups)]
    if any(
        size > max(now, document.get("max_size", 99))
        for size, now in zip(sizes, before, strict=True)
    ):
        return False
    if "min_size" not in lenient and min(sizes) < document.get("min_size", 1):
        return False
    for kind, users in asked:
        its = [labels[user] for user in users]
        if (kind == "together" and len(set(its)) > 1) or (kind == "apart" and len(set(its)) < 2):
            return False
    for rule in document.get("balance", ()) if "balance" not in lenient else ():
        for value in sorted(set(who)):
            share = Fraction(who[:members].count(value), members)
            for group, size in enumerate(sizes):
                count = sum(
                    own == value and label == group for own, label in zip(who, labels, strict=True)
                )
                most = max(Fraction(1), Fraction(str(rule["tolerance"])) * size)
                if abs(count - share * size) > most:
                    return False
    for rule in document.get("no_isolated", ()) if "no_isolated" not in lenient else ():
        for value in sorted(set(who)):
            for group in range(groups):
                count = sum(
                    own == value and label == group for own, label in zip(who, labels, strict=True)
                )
                if count == 1 and rule["value"] in (None, value):
                    return False
    return True


@settings(max_examples=25, deadline=None)
@given(instances(users=6, items=4, aggs=("min", "sum")), st.data())
def test_newcomers_keep_to_what_the_groups_were_formed_under(instance, data):
    """Of all placements that do, by the definition, none costs less; else a conflict is named."""
    labels = data.draw(partitions_of(len(instance.rows)))
    members, groups = len(labels), max(labels) + 1
    document, who = data.draw(formed_under(members, groups))
    formation = evaluate(instance.X, labels, **instance.evaluated)
    formation.problem["constraints"] = document
    rows = data.draw(st.lists(st.sampled_from(instance.rows), min_size=1, max_size=3))
    who += data.draw(st.lists(st.sampled_from(sorted(set(who))), min_size=3, max_size=3))
    who = who[: members + len(rows)]
    pair = data.draw(st.sampled_from([(0, members), (members, members + len(rows) - 1)]))
    kind = data.draw(st.sampled_from(["together", "apart", "nothing"]))
    asked = [(kind, pair)] if kind != "nothing" and pair[0] != pair[1] else []
    given_rules = {kind: [[str(user) for user in users]] for kind, users in asked}
    lenient = {
        kind
        for kind in ("min_size", "balance", "no_isolated")
        if not keeps_to(
            {kind: document.get(kind, ())} if kind != "min_size" else {kind: document.get(kind, 1)},
            [],
            who[:members],
            labels,
            members,
            groups,
            (),
        )
    }
    costs = costs_of(instance, formation, rows)
    may = [
        worth(costs, placed)
        for placed in itertools.product(range(groups), repeat=len(rows))
        if keeps_to(document, asked, who, [*labels, *placed], members, groups, lenient)
    ]
    profiles = {"sex": who}
    if not may:
        with pytest.raises(InfeasibleError):
            assign(formation, np.array(rows), profiles=profiles, **given_rules)
        return
    joined = assign(formation, np.array(rows), profiles=profiles, **given_rules)
    assert joined.labels[:members].tolist() == labels
    assert keeps_to(document, asked, who, joined.labels.tolist(), members, groups, lenient)
    found = worth(costs, joined.labels[members:].tolist())
    assert found == pytest.approx(min(may), abs=1e-5)
    for kind in document:
        assert kind in joined.problem["constraints"]


def test_constraints_of_a_formation_hold_until_others_are_given_or_they_are_dropped(tmp_path):
    """By name; who has which value must be told; what the groups broke before is said."""
    who = {"sex": ["F", "M", "F", "M", "F", "M"]}
    six = named([*X, X[0]], list("abcdef"))
    formation = form(
        six,
        "av",
        "sum",
        2,
        2,
        "refine",
        iterations=1,
        balance={"sex": 0.1},
        profiles=who,
        max_size=4,
    )
    formation.save(tmp_path / "f.json")
    formation = Formation.load(tmp_path / "f.json")
    new = named([X[0], X[0], X[0]], ["x", "y", "z"])
    with pytest.raises(InputError, match=r"balance sex:0.1 of the formation.*give the profiles"):
        assign(formation, new)
    with pytest.raises(InfeasibleError, match="3 newcomers and 2 free places"):
        assign(formation, new, drop=["balance"])
    with pytest.raises(
        InputError, match=r"drop size: choose one of min_size, .*, fixed, balance, no_isolated"
    ):
        assign(formation, new, drop=["size"])
    with pytest.raises(InputError, match=r"drop sizes: .* formed without it .*: max-size, balance"):
        assign(formation, new, drop=["sizes"])
    free = assign(formation, new, drop=["balance", "max-size"])
    assert "balance" not in free.problem["constraints"]
    everybody = {"sex": dict(zip("abcdefxyz", "FMFMFMFFM", strict=True))}
    with pytest.raises(InputError, match="nobody has the value M that members had"):
        assign(formation, new, profiles={"sex": dict.fromkeys("abcdefxyz", "F")})
    joined = assign(formation, new, profiles=everybody, drop=["max_size"])
    recorded = joined.problem["constraints"]["balance"]
    assert recorded == [{"attribute": "sex", "tolerance": 0.1, "shares": {"F": 0.5, "M": 0.5}}]
    for group in joined.groups:
        females = sum(everybody["sex"][user] == "F" for user in group.member_ids)
        assert abs(2 * females - group.size) <= max(2, 0.2 * group.size)
    again = assign(formation, new, profiles=everybody, drop=["max_size"], balance={"sex": 0.3})
    (recorded,) = again.problem["constraints"]["balance"]
    assert recorded["tolerance"] == 0.3
    assert recorded["shares"]["F"] == 5 / 9
    parted = evaluate(six, [0, 1, 0, 1, 0, 1], "av", "sum", 2, balance={"sex": 0.0}, profiles=who)
    assert parted.broken
    anywhere = assign(parted, new, profiles=everybody)
    assert anywhere.advice == [
        "the groups broke balance sex:0.0 of the formation before: who joins where does not look "
        "at it"
    ]


def test_newcomers_may_be_kept_together_apart_and_where_they_are_put():
    """Beside members, too, whose groups do not change; what cannot be is named."""
    formation = evaluate(named(X, list("abcde")), LABELS, "av", "sum", 2)
    new = named([X[0]] * 3, ["x", "y", "z"])
    joined = assign(formation, new, together=[["x", "c"]], apart=[["y", "a"]], fixed={"z": 2})
    assert joined.labels[5:].tolist() == [1, 2, 2]
    assert joined.problem["constraints"] == {
        "together": [["x", "c"]],
        "apart": [["y", "a"]],
        "fixed": {"z": 2},
    }
    held = assign(joined, named([X[0]], ["w"]), apart=[["w", "a"]])
    assert held.problem["constraints"]["fixed"] == {"z": 2}
    for asked, words in (
        ({"together": [["a", "x"], ["x", "c"]]}, "together a,x; together x,c are kept to"),
        ({"fixed": {"a": 1}}, "fixed a=1 is kept to"),
        ({"apart": [["x", "y", "z", "a"]]}, "apart x,y,z,a is kept to"),
        ({"together": [["x", "y"]], "sizes": [3, 3, 2]}, "sizes 3,3,2; together x,y are kept"),
    ):
        with pytest.raises(InfeasibleError, match=words):
            assign(formation, new, **asked)


def test_least_misery_spares_the_groups_and_voting_asks_the_user_alone():
    """Who likes s little costs groups 1 and 2 one point each, and likes 1 better; who likes
    nothing much costs group 2, at 2 already, nothing, though the equal list of 0 comes first.
    """
    least = evaluate(X, LABELS, "lm", "min", 2)
    voting = evaluate(X, LABELS, "av", "min", 2)
    lists = np.stack([group.items for group in voting.groups])
    for row, spared, liked in (([1, 1, 5, 3.0], 1, 1), ([2, 2, 1, 3.0], 2, 0)):
        assert assign(least, [row]).labels[-1] == spared
        assert assign(voting, [row]).labels[-1] == liked
        assert best_groups(Ratings.of([row]), lists, "min").tolist() == [liked]
    assert assign(least, [[2, 2, 1, 3.0]]).objective == least.objective


def test_those_who_would_lose_most_elsewhere_get_the_places():
    """One place in the group that both like best: who likes the other group less has it."""
    formation = evaluate(X, LABELS, "av", "sum", 2)
    rows = {"keen": [5, 5, 1, 1], "easy": [5, 5, 4, 4]}
    for order in (("keen", "easy"), ("easy", "keen")):
        joined = join(formation, named([rows[u] for u in order], order), sizes=[3, 3, 1])
        assert joined.newcomers == ["easy", "keen"]
        assert joined.groups.tolist() == [1, 0]
        assert joined.satisfaction.tolist() == [8, 10]


def test_members_among_the_ratings_stay_where_they_are():
    """Also where others' lists would serve them better by now."""
    users = ["a", "b", "c", "d", "e"]
    formation = evaluate(named(X, users), LABELS, "lm", "min", 2)
    joined = assign(formation, named([[1, 1, 5, 5], [1, 1, 5, 5]], ["a", "z"]))
    assert joined.users[:] == [*users, "z"]
    assert joined.labels.tolist() == [*LABELS, 1]
    assert assign(formation, named([[1, 1, 5, 5]], ["a"])) is formation


@pytest.mark.parametrize("agg", ["sum", "ndcg"])
@pytest.mark.parametrize("semantics", ["lm", "av"])
def test_new_lists_are_those_of_evaluate(semantics, agg):
    """With the ratings of all; the rows of a bare matrix begin with the members."""
    formation = evaluate(X, LABELS, semantics, agg, 2)
    everyone = np.concatenate([X, [[1, 5, 1, 1], [4, 4, 4, 5]]])
    joined = assign(formation, everyone, relist=True)
    again = evaluate(everyone, joined.labels, semantics, agg, 2)
    assert [group.items.tolist() for group in joined.groups] == [
        group.items.tolist() for group in again.groups
    ]
    assert joined.objective == again.objective
    assert assign(formation, everyone[5:]).labels.tolist() == joined.labels.tolist()
    with pytest.raises(InputError, match="user e has none"):
        assign(
            evaluate(named(X, list("abcde")), LABELS, semantics, agg, 2),
            named(everyone[:4], list("abcd")),
            relist=True,
        )


def test_where_groups_count_by_members_so_do_newcomers():
    """Group 2 would fall by less; but 1 counts three times when they have come, and 2 twice."""
    once = evaluate(X, LABELS, "lm", "min", 2)
    formation = evaluate(X, LABELS, "lm", "min", 2, weigh="members")
    row = [[1.2, 1.2, 2.9, 2.9]]
    assert assign(once, row).labels[-1] == 2
    assert assign(formation, row).labels[-1] == 1
    assert assign(formation, row).objective == pytest.approx(8 + 3 * 2.9 + 2)
    relisted = assign(formation, np.concatenate([X, row]), relist=True)
    assert relisted.objective == pytest.approx(
        sum(group.satisfaction * group.size for group in relisted.groups)
    )


def test_weights_of_members_and_newcomers_count_with_their_groups():
    """Under least misery by members: group 1 weighs 7 and would lose more than group 2 does."""
    formation = evaluate(X, LABELS, "lm", "min", 2, weigh="members", user_weights=range(1, 6))
    row = [[1.2, 1.2, 2.9, 2.9]]
    joined = assign(formation, row)
    assert joined.labels[-1] == 2
    assert joined.objective == pytest.approx(3 * 4 + 7 * 4 + 6 * 1.2)
    heavy = assign(formation, row, user_weights=[30])
    assert heavy.labels[-1] == 1  # where 37 times 2.9 is reached, not 35 times 1.2
    assert heavy.objective == pytest.approx(3 * 4 + 37 * 2.9 + 5 * 2)
    assert heavy.problem["user_weights"] == [1, 2, 3, 4, 5, 30]
    assert assign(heavy, row).problem["user_weights"][-2:] == [30, 1]
    with pytest.raises(InputError, match="do not matter where groups count once"):
        assign(evaluate(X, LABELS, "lm", "min", 2), row, user_weights=[2])


def test_under_voting_newcomers_weigh_what_they_are_said_to():
    """In the scores and in new lists; and who weighs more has the place that is left."""
    formation = evaluate(X, LABELS, "av", "sum", 2)
    rows = np.array([[5.0, 4.0, 1.0, 1.0]] * 2)
    joined = assign(formation, rows, user_weights={"5": 3}, sizes=[3, 9, 9])
    assert joined.labels[5] == 0
    assert joined.labels[6] != 0
    assert joined.groups[0].satisfaction == 5 * 9
    weighed = {"5": 3}
    again = assign(formation, np.concatenate([X, rows]), user_weights=weighed, relist=True)
    assert again.groups[0].satisfaction == 6 * 9


def test_newcomers_join_no_group_that_is_offered_what_they_exclude():
    """The best of the others, together with the room there is; nowhere to go is said."""
    formation = evaluate(named(X, list("abcde")), LABELS, "av", "sum", 2)
    row = named([[5, 4, 1, 1], [5, 4, 1, 2]], ["x", "y"])
    assert assign(formation, row).labels[5:].tolist() == [0, 0]
    joined = assign(formation, row, exclude={"x": ["1"]})
    assert joined.labels[5:].tolist() == [1, 0]
    kept = {"items": [], "pairs": 1, "of_single_users": ["1"]}
    assert joined.problem["constraints"]["exclude"] == kept
    with pytest.raises(InfeasibleError, match="newcomer y excludes an item on every group's list"):
        assign(formation, row, exclude={"y": ["0", "2"]})
    with pytest.raises(InfeasibleError, match=r"sizes 4,2,1; exclude are kept to"):
        assign(formation, row, exclude={"x": ["0"], "y": ["0"]}, sizes=[4, 2, 1])
    nobody = {"exclude": ["0"]}, {"exclude": Exclusions((0,), np.array([[0, 3]]))}
    for asked in nobody:
        with pytest.raises(InfeasibleError, match="exclude 0: it is on the list of group 0"):
            assign(formation, row, **asked)
    of_member = Exclusions((), np.array([[0, 0], [2, 2]]))
    everybody = named([*X, *row.matrix], list("abcdexy"))
    with pytest.raises(InfeasibleError, match="member a excludes 0, which is on the list of their"):
        assign(formation, everybody, exclude=of_member)


def test_what_is_excluded_is_counted_once():
    """For everybody it is on record; members' pairs that are given again are known already."""
    asked = {"exclude": {"0": ["0"], "1": ["2"]}, "iterations": 1}
    formation = form(X, "av", "max", 3, 1, "refine", **asked)
    everybody = named([*X, X[0]], list("012345"))
    given = {"exclude": {"0": ["0"], "1": ["2"], "5": ["3"]}}
    again = assign(formation, everybody, **given)
    kept = {"items": [], "pairs": 3, "of_single_users": ["0", "2", "3"]}
    assert again.problem["constraints"]["exclude"] == kept
    listed = {item for group in formation.groups for item in group.item_ids}
    free = next(item for item in "0123" if item not in listed)
    for more in ([free], Exclusions((int(free),))):
        noted = assign(formation, everybody, exclude=more)
        kept = {"items": [free], "pairs": 2, "of_single_users": ["0", "2"]}
        assert noted.problem["constraints"]["exclude"] == kept


def test_a_bare_matrix_joins_what_was_formed_without_some_items():
    """Its columns are those of the input, as the formation's positions are; and new lists go
    without them too.
    """
    formation = form(X, "av", "sum", 2, 2, "refine", exclude=["0"], iterations=1)
    assert formation.problem["items"] == 4
    for group in formation.groups:
        assert group.item_ids == [str(item) for item in group.items]
        sums = X[group.members][:, group.items].sum(axis=0)
        assert sums.tolist() == group.item_scores.tolist()
    row = np.array([[9.0, 4, 1, 1]])
    assert assign(formation, row).sizes.sum() == 6
    relisted = assign(formation, np.concatenate([X, row]), relist=True)
    assert all("0" not in group.item_ids for group in relisted.groups)


def test_new_lists_need_to_know_what_members_exclude():
    """A formation keeps how many, not which: given again, they are kept to."""
    asked = {"exclude": {"0": ["0"]}, "iterations": 1}
    formation = form(X, "av", "sum", 2, 2, "refine", max_size=4, **asked)
    both = np.concatenate([X, X[:1]])
    with pytest.raises(InputError, match="formed with 1 items that single users exclude"):
        assign(formation, both, relist=True)
    for of_others in (["3"], {"5": ["1"]}):  # for everybody, and of a newcomer
        with pytest.raises(InputError, match=r"give them again.*none of members is given"):
            assign(formation, both, relist=True, exclude=of_others)
    relisted = assign(formation, both, relist=True, exclude={"0": ["0"], "5": ["1"]})
    for group in relisted.groups:
        assert not (0 in group.members and "0" in group.item_ids)
        assert not (5 in group.members and "1" in group.item_ids)
    with pytest.raises(InfeasibleError, match="has fewer than 2 items"):
        assign(
            evaluate(X, LABELS, "av", "sum", 2),
            both,
            relist=True,
            exclude={"0": ["0", "1"], "1": ["2"]},
        )


def test_lists_of_before_keep_nobody_out_where_they_are_made_anew():
    """Here every list has what y excludes, and none of the new ones of y's group."""
    formation = evaluate(named(X, list("abcde")), LABELS, "av", "sum", 2)
    everybody = named([*X, [5, 4, 1, 2]], list("abcdey"))
    after = assign(formation, everybody, relist=True, exclude={"y": ["0", "2"]})
    assert sorted(after.groups[after.labels[-1]].item_ids) == ["1", "3"]


def test_what_a_member_excludes_may_be_rated_by_nobody_where_lists_are_new():
    """Else it could not be given again, and the groups would have to be formed anew."""
    once = Ratings.of(X, users=list("abcde"), items=list("pqrs"))
    seen = {user: ["s"] for user in "abcde"}
    formation = form(once, "av", "sum", 2, 2, "refine", iterations=1, exclude=seen)
    rows = np.concatenate([X[:, :3], [[1.0, 2.0, 3.0]]])
    now = Ratings.of(rows, users=list("abcdex"), items=list("pqr"))
    relisted = join(formation, now, relist=True, exclude={**seen, "x": ["p", "other"]})
    assert relisted.formation.problem["constraints"]["exclude"]["pairs"] == 7
    assert any("no list can have: 6" in advice for advice in relisted.formation.advice)
    with pytest.raises(InputError, match="formed with 5 items that single users exclude"):
        join(formation, now, relist=True, exclude={"a": ["s"], "x": ["s"]})
    with pytest.raises(InputError, match="member c excludes 'S', which nobody rated and nobody"):
        join(formation, now, relist=True, exclude={**seen, "c": ["S"]})
    exclude = relisted.formation.problem["constraints"]["exclude"]
    assert sorted(exclude["of_single_users"]) == ["other", "p", "s"]
    of_old = {"exclude": {"items": [], "pairs": 5}}
    old = replace(formation, problem={**formation.problem, "constraints": of_old})
    assert join(old, now, relist=True, exclude=seen).formation.labels.tolist()


def test_an_unknown_item_to_exclude_is_on_no_list():
    formation = evaluate(named(X, list("abcde")), LABELS, "av", "sum", 2)
    for exclude in (["t"], {"x": ["t"]}):
        with pytest.raises(InputError, match="'t': no newcomer rated it and it is on no list"):
            assign(formation, named(X[:1], ["x"]), exclude=exclude)


def test_ready_made_constraints_leave_no_others_unheard():
    formation = evaluate(named(X, list("abcde")), LABELS, "av", "sum", 2)
    ready = Constraints.of(Ids(list("abcdexy"), "user"), 3, max_size=4)
    new = named([X[0]] * 2, ["x", "y"])
    assert assign(formation, new, constraints=ready).sizes.max() == 4
    with pytest.raises(InputError, match="together x,c: constraints are given ready made, too"):
        assign(formation, new, constraints=ready, together=[["x", "c"]])


def answering(answers):
    """Let the solver end as is said: each answer a status, and whether there is a solution."""
    from scipy.optimize import milp

    left = iter(answers)

    def answer(*asked, **options):
        found = milp(*asked, **options)
        status, solved = next(left)
        return OptimizeResult(status=status, x=found.x if solved else None, message="as said")

    return answer


@pytest.mark.parametrize(
    ("answers", "proven"),
    [
        ([(0, True), (0, True)], True),
        ([(1, True), (0, True)], False),
        ([(0, True), (1, False)], False),
        ([(0, True), (2, False)], False),  # by its tolerances: there is a placement
    ],
)
def test_a_placement_that_is_not_proven_best_says_so(monkeypatch, answers, proven):
    """It is a placement all the same; groups 0 and 2 are equally good."""
    monkeypatch.setattr("scipy.optimize.milp", answering(answers))
    formation = evaluate(named(X, list("abcde")), LABELS, "av", "sum", 2)
    joined = assign(formation, named([X[0]] * 2, ["x", "y"]), together=[["x", "y"]])
    assert joined.labels[5:].tolist() in ([[0, 0]] if proven else [[0, 0], [2, 2]])
    assert any("not proven" in line for line in joined.advice) is not proven


def test_a_solver_that_fails_is_not_told_as_time_that_is_over(monkeypatch):
    """Of newcomers, and of groups that are formed; no time at all is said as such."""
    monkeypatch.setattr("scipy.optimize.milp", answering([(4, False)] * 9))
    formation = evaluate(named(X, list("abcde")), LABELS, "av", "sum", 2)
    asked = {"together": [["x", "y"]]}
    with pytest.raises(UndecidedError, match=r"failed \(as said\) before it was known whether new"):
        assign(formation, named([X[0]] * 2, ["x", "y"]), **asked)
    with pytest.raises(UndecidedError, match=r"failed \(as said\) .*: leave a constraint out"):
        meet(Constraints.of(Ids(5), 3, max_size=2), np.zeros(5, np.int64), 3)
    rules = Constraints.of(Ids(list("abcdexy"), "user"), 3, **asked)
    with pytest.raises(UndecidedError, match="the time was over before it was known whether new"):
        join_within(rules, np.array(LABELS), [], np.zeros((2, 3), bool), 0.0)


def test_under_voting_members_keep_their_weights_and_newcomers_weigh_one():
    """In the scores, in new lists and in the document."""
    formation = evaluate(X, LABELS, "av", "sum", 2, user_weights=[2, 1, 1, 1, 1])
    row = [[5.0, 4.0, 1.0, 1.0]]
    joined = assign(formation, row)
    assert joined.problem["user_weights"] == [2.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert joined.groups[0].satisfaction == 4 * 9
    assert assign(formation, np.concatenate([X, row]), relist=True).objective == joined.objective


def test_capacities_of_the_formation_hold_on_until_others_are_given(tmp_path):
    """Also of one that was saved; and the new ones are on record."""
    formation = form(X, "av", "sum", 2, 2, "refine", max_size=3, iterations=1)
    formation.save(tmp_path / "f.json")
    formation = Formation.load(tmp_path / "f.json")
    one = assign(formation, X[:1])
    assert one.sizes.tolist() == [3, 3]
    with pytest.raises(InfeasibleError, match="1 newcomer and 0 free places in 2 groups under max"):
        assign(one, X[:1])
    more = assign(one, X[:1], max_size=4)
    assert more.problem["constraints"] == {"max_size": 4}
    assert sorted(more.sizes.tolist()) == [3, 4]
    free = assign(more, X[:1], sizes=[9, 9])
    assert free.problem["constraints"] == {"sizes": [9, 9]}
    assert (free.method, free.bound, free.problem["users"]) == ("assign", None, 8)
    with pytest.raises(InputError, match="3 sizes for 2 groups"):
        assign(formation, X[:1], sizes=[3, 3, 3])


def test_what_newcomers_have_not_rated_counts_as_it_did_when_groups_were_formed():
    """Only items on lists matter; one that nobody rated is unrated too."""
    items = list("pqrs")
    formation = form(Ratings.of(X, items=items), "av", "sum", 2, 2, missing="min")
    some = Ratings.of(np.array([[np.nan, 5.0], [4.0, np.nan]]), users=["x", "y"], items=["p", "z"])
    joined = assign(formation, some)
    assert joined.problem["missing"] == "min"
    with pytest.raises(InputError, match="missing"):
        assign(formation, some, missing="error")
    sparse = Ratings.of(
        sp.csr_array(np.array([[0, 5.0], [4.0, 0]])), users=["x", "y"], items=["p", "z"]
    )
    for missing in ("min", "mean", 2.5):
        dense = assign(formation, some, missing=missing)
        assert assign(formation, sparse, missing=missing).labels.tolist() == dense.labels.tolist()
    both = sp.csr_array(np.array([[5.0, 0, 0, 0], [0, 4, 0, 0], [0, 0, 3, 0]]))
    formed = form(both, "av", "sum", 2, 2, missing="min", max_size=2, method="refine", iterations=1)
    grown = sp.vstack([both, both[:1]]).tocsr()
    relisted = assign(formed, grown, relist=True)
    assert (
        relisted.objective
        == evaluate(grown, relisted.labels, "av", "sum", 2, missing="min").objective
    )
    complete = Ratings.of(np.array([[1.0, 5, 1, 1, np.nan]]), users=["x"], items=[*items, "z"])
    assert assign(formation, complete, missing="error").objective > formation.objective


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.ones((1, 3)), "has 3 items without names, and the formation 4"),
        (Ratings.of(np.ones((1, 2)), items=["x", "y"]), "none of the items .*such as 0"),
        (np.full((1, 4), np.inf), "infinite"),
    ],
)
def test_ratings_of_other_items_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        assign(evaluate(X, LABELS, "lm", "min", 2), given)


def test_rows_without_names_are_not_taken_for_members():
    """Numbered on from the members; refused where the number is a member's."""
    joined = assign(evaluate(X, LABELS, "lm", "min", 2), X[:2])
    assert joined.users[-2:] == ["5", "6"]
    with pytest.raises(InputError, match="5, the next number, is a member's"):
        assign(evaluate(named(X, list("5abcd")), LABELS, "lm", "min", 2), X[:1])


@settings(max_examples=60)
@given(st.data())
def test_places_are_given_at_the_least_cost(data):
    """Of all placements, by the first costs, then the second, then the numbers."""
    users, groups = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    tables = st.lists(
        st.lists(st.integers(-2, 2).map(lambda v: v / 2), min_size=groups, max_size=groups),
        min_size=users,
        max_size=users,
    )
    costs = [np.array(data.draw(tables)) for _ in range(2)]
    room = np.array(data.draw(st.lists(st.integers(0, 4), min_size=groups, max_size=groups)))
    room[-1] += max(0, users - room.sum())
    closed = np.array(data.draw(st.lists(st.booleans(), min_size=users, max_size=users)))
    closed = np.stack([closed & (group == 0) for group in range(groups)], axis=1)
    closed[:, 0] &= groups > 1
    may = [
        worth(costs, labels)
        for labels in itertools.product(range(groups), repeat=users)
        if np.all(np.bincount(labels, minlength=groups) <= room)
        and not any(closed[user, group] for user, group in enumerate(labels))
    ]
    if not may:
        with pytest.raises(InfeasibleError, match="too little room"):
            place(costs, room, closed)
        return
    placed = place(costs, room, closed)
    assert np.all(np.bincount(placed, minlength=groups) <= room)
    assert worth(costs, placed.tolist()) == min(may)

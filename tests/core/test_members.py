"""What single members get: by the definition, in plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import Formation, form
from grouping.members import members_report
from grouping.objective import score
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.strategies import instances, partitions_of


def satisfaction(instance, user, items):
    """A member's own, of any list; for ndcg in the order of the list."""
    if instance.agg == "ndcg":
        return oracle.ndcg(instance.rows, user, items, instance.k)
    ratings = sorted((instance.rows[user][item] for item in items), reverse=True)
    return oracle.aggregate(ratings, instance.agg, instance.weights)


@settings(max_examples=80)
@given(instances(), st.data())
def test_satisfaction_best_and_envy_are_those_of_the_definition(instance, data):
    """Of every member with every group's list."""
    labels = data.draw(partitions_of(len(instance.rows)))
    problem = Problem.of(Ratings.of(instance.X), **instance.asked)
    lists = score(problem, np.array(labels)).lists
    report = members_report(problem, np.array(labels), lists)
    for user, group in enumerate(labels):
        gets = [satisfaction(instance, user, items) for items in lists.tolist()]
        assert report.satisfaction[user] == pytest.approx(gets[group])
        own, _ = oracle.group_list(instance.rows, [user], instance.k, "lm")
        assert report.own_best[user] == pytest.approx(satisfaction(instance, user, own))
        if report.better_group[user] >= 0:
            assert gets[report.better_group[user]] == pytest.approx(max(gets))
            assert max(gets) > gets[group]
        else:
            assert max(gets) == pytest.approx(gets[group])


def test_shares_and_jains_index_by_hand():
    """Two of three get all they could; (5 + 5 + 2)^2 / (3 * 54) = 8/9."""
    X = np.array([[5.0, 1.0], [5.0, 0.0], [2.0, 4.0]])
    problem = Problem.of(Ratings.of(X), "av", "max", 1, 1)
    report = members_report(problem, np.zeros(3, np.int64), np.array([[0]]))
    assert report.shares.tolist() == [1.0, 1.0, 0.5]
    assert report.jain == pytest.approx(8 / 9)
    nothing = Problem.of(Ratings.of(np.array([[0.0], [-1.0]])), "av", "max", 1, 1)
    empty = members_report(nothing, np.zeros(2, np.int64), np.array([[0]]))
    assert empty.jain is None
    assert all(math.isnan(share) for share in empty.shares)


def test_the_document_holds_an_entry_for_each_user(tmp_path):
    """Saved with the formation, which loads without it."""
    X = np.array([[5.0, 1.0], [4.0, 2.0], [1.0, 5.0], [4.0, 1.0]])
    formed = form(X, "lm", "min", 2, 1, per_user=True)
    entries = formed.to_dict()["members_report"]
    assert [entry["user"] for entry in entries] == ["0", "1", "2", "3"]
    assert all(entry["group"] == formed.labels[n] for n, entry in enumerate(entries))
    formed.save(tmp_path / "f.json")
    assert Formation.load(tmp_path / "f.json").labels.tolist() == formed.labels.tolist()
    assert "members_report" not in form(X, "lm", "min", 2, 1).to_dict()

"""Methods side by side: each row is what forming by that method gives."""

from __future__ import annotations

import numpy as np
import pytest

from grouping import InputError, form
from grouping.comparing import compare
from grouping.errors import UndecidedError
from grouping.generate import generate
from grouping.members import members_report
from grouping.missing import complete
from grouping.objective import score
from grouping.problem import Problem


def test_each_row_is_what_the_method_forms_and_the_bound_is_the_lowest_of_all():
    ratings = complete(generate(40, 8, seed=1), "error")
    table = compare(ratings, "av", "sum", 4, 2, ["greedy", "exact", "kmeans"], time_limit=2)
    assert table["method"].tolist() == ["greedy", "exact", "kmeans"]
    problem = Problem.of(ratings, "av", "sum", 4, 2)
    for row in table.to_dict("records"):
        formed = form(ratings, "av", "sum", 4, 2, row["method"], bound=True, time_limit=2)
        assert row["objective"] == formed.objective
        assert row["bound"] <= formed.bound
        assert row["gap"] == pytest.approx((row["bound"] - row["objective"]) / row["bound"])
        assert (row["smallest"], row["largest"]) == (formed.sizes.min(), formed.sizes.max())
        lists = score(problem, formed.labels).lists
        members = members_report(problem, formed.labels, lists)
        assert row["mean_satisfaction"] == pytest.approx(members.satisfaction.mean())
        assert row["worst_satisfaction"] == members.satisfaction.min()
        assert row["jain"] == pytest.approx(members.jain)
    assert table["bound"].nunique() == 1


def test_a_method_that_cannot_take_the_problem_is_left_out_with_the_reason():
    ratings = complete(generate(30, 6, seed=1), "error")
    table = compare(ratings, "lm", "ndcg", 3, 2, ["greedy", "refine"])
    assert table["note"].tolist()[0] == ""
    assert "order of lists" in table["note"].tolist()[1]
    assert np.isnan(table["objective"].tolist()[1])
    with pytest.raises(InputError, match="order of lists"):
        compare(ratings, "lm", "ndcg", 3, 2, ["refine"])
    with pytest.raises(InputError, match="unknown method 'best'"):
        compare(ratings, methods=["best"])


def test_a_method_that_ends_without_groups_is_left_out_with_the_reason():
    """Nothing found in time, or a package that is not there: the others' rows are not lost."""
    ratings = complete(generate(60, 12, seed=1), "error")
    table = compare(ratings, "lm", "min", 6, 3, ["greedy", "ip"], time_limit=1e-6)
    assert table["note"].tolist()[0] == ""
    assert "time" in table["note"].tolist()[1]
    with pytest.raises(UndecidedError):
        compare(ratings, "lm", "min", 6, 3, ["ip"], time_limit=1e-6)


def test_constraints_leave_those_out_that_cannot_keep_them():
    ratings = complete(generate(30, 6, seed=1), "error")
    table = compare(ratings, "av", "sum", 3, 2, ["greedy", "refine"], max_size=12, time_limit=1)
    assert "cannot keep" in table["note"].tolist()[0]
    assert table["largest"].tolist()[1] <= 12

"""What is measured of a formation, by hand and by definition."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from grouping import InputError, Ratings, form
from grouping.experiments import EXPERIMENTS, formations
from grouping.experiments.formations import MEASURED, Measurer, Panel, Setting, points_of
from grouping.experiments.kept import Kept
from grouping.experiments.pool import Pool
from grouping.experiments.study import Asked
from grouping.methods import Outcome
from tests import oracle

X = np.array([[5, 4, 1, 1], [5, 4, 1, 1], [1, 1, 5, 4], [1, 1, 5, 4], [1, 5, 1, 3], [2, 2, 2, 2]])
POOL = Pool(Ratings.of(X), 6, 4)


def point(method="greedy", semantics="lm", agg="min"):
    base = Setting(6, 4, 3, 2, semantics, agg, "given")
    (found,) = points_of([Panel("groups", "groups", (3,), base)], [method], [0])
    return found


@pytest.mark.parametrize(("semantics", "agg"), [("lm", "min"), ("av", "sum")])
@pytest.mark.parametrize("method", ["greedy", "exact", "baseline"])
def test_a_point_is_what_form_makes_of_its_sample(method, semantics, agg):
    """Objective, bound, status, sizes; and satisfaction from members' ratings one by one."""
    asked = point(method, semantics, agg)
    row = Measurer(POOL, 5.0, 1)(asked)
    assert tuple(row) == MEASURED
    sample = POOL.sample("given", 6, 4, 0, step=None, density=None, noise=0.5)
    found = form(sample, semantics, agg, 3, 2, method)
    assert (row["objective"], row["bound"]) == (found.objective, found.bound)
    assert (row["status"], row["formed"]) == (found.status, len(found.groups))
    assert row["size_min"] == min(found.sizes)
    assert row["size_median"] == np.median(found.sizes)
    assert row["size_max"] == max(found.sizes)
    own = [
        [sum(sample.matrix[user, item] for item in group.items) for user in group.members]
        for group in found.groups
    ]
    assert row["satisfaction"] == pytest.approx(np.mean([np.mean(group) for group in own]))
    assert row["member_satisfaction"] == pytest.approx(np.mean([u for group in own for u in group]))


def replaced(monkeypatch, run):
    monkeypatch.setattr(
        formations,
        "METHODS",
        {"greedy": SimpleNamespace(exact=True, blind=False, run=run, name="greedy")},
    )


def test_a_refusal_is_a_point_with_its_reason(monkeypatch):
    def run(problem, budget):
        raise InputError("no formulation for that")

    replaced(monkeypatch, run)
    row = Measurer(POOL, 1.0, 1)(point())
    assert (row["status"], row["note"]) == ("refused", "no formulation for that")
    assert row["objective"] is None


def test_an_interrupted_search_is_no_point(monkeypatch):
    """Exact keeps its best when it is interrupted; the experiment must end, not go on with it."""
    replaced(monkeypatch, lambda *of: Outcome(np.zeros(6, np.int64), status="interrupted"))
    with pytest.raises(KeyboardInterrupt):
        Measurer(POOL, 1.0, 1)(point())


def test_searches_get_the_time_limit_and_the_seed(monkeypatch):
    budgets = []

    def run(problem, budget):
        budgets.append(budget)
        return Outcome(np.zeros(6, np.int64))

    replaced(monkeypatch, run)
    Measurer(POOL, 1.5, 1)(point() | {"seed": 8})
    assert [(budget.time_limit, budget.seed) for budget in budgets] == [(1.5, 8)]


def test_where_times_matter_short_formations_are_repeated_after_a_warm_up(monkeypatch):
    calls = []

    def run(problem, budget):
        calls.append(problem)
        return Outcome(np.zeros(6, np.int64))

    replaced(monkeypatch, run)
    measure = Measurer(POOL, 1.0, 1, timed=True)
    measure(point())
    assert len(calls) == 1 + formations.REPEATS
    measure(point())
    assert len(calls) == 1 + 2 * formations.REPEATS  # warm by now


@pytest.mark.parametrize(("method", "expected"), [("blind", 1), ("seeing", 2)])
def test_long_clusterings_of_ratings_alone_are_made_once(monkeypatch, tmp_path, method, expected):
    """Other semantics and later runs share groups, seconds and advice; other numbers of groups,
    other settings, and what is only to warm up, do not; nor does a file that was cut off.
    """
    monkeypatch.setattr(formations, "SHORT", 0.0)
    calls = []

    def run(problem, budget):
        calls.append(problem)
        return Outcome(np.arange(6, dtype=np.int64) % problem.groups, advice=["so far off"])

    made = SimpleNamespace(exact=False, run=run, name=method, blind=method == "blind")
    monkeypatch.setattr(formations, "METHODS", {method: made})
    kept = Kept(tmp_path, "settings")
    measure = Measurer(POOL, 1.0, 1, timed=True, keep=kept)
    one, other = (measure(point(method, *of)) for of in (("lm", "min"), ("av", "sum")))
    warmed = 2
    assert len(calls) == warmed + expected
    assert (one["seconds_method"] == other["seconds_method"]) == (method == "blind")
    labels = np.arange(6) % 3
    groups = [np.flatnonzero(labels == group).tolist() for group in range(3)]
    rows = POOL.sample("given", 6, 4, 0, step=None, density=None, noise=0.5).matrix.tolist()
    for row, objective in ((one, (2, "lm", "min")), (other, (2, "av", "sum"))):
        assert row["note"] == "so far off"
        assert row["objective"] == float(oracle.objective(rows, groups, *objective))
    measure(point(method) | {"groups": 2})
    assert len(calls) == warmed + expected + 1
    if method == "seeing":
        return
    Measurer(POOL, 1.0, 1, keep=kept)(point(method))
    assert len(calls) == warmed + expected + 1
    Measurer(POOL, 1.0, 1, keep=Kept(tmp_path, "others"))(point(method))
    assert len(calls) == warmed + expected + 2
    for path in (tmp_path / "clusters").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    Measurer(POOL, 1.0, 1, keep=kept)(point(method))
    assert len(calls) == warmed + expected + 3


def test_clusterings_are_shared_by_figures_on_the_same_ratings_only(tmp_path):
    """Figures 4 and 6 draw from synthetic ratings of one extent, figure 5 from others."""
    asked = Asked(folder=tmp_path)
    kept = {name: EXPERIMENTS[name].study(asked).measure.kept for name in ("fig4", "fig5", "fig6")}
    assert kept["fig4"].settings == kept["fig6"].settings != kept["fig5"].settings

"""Samples of ratings: nested, by the seed, from what is given where it suffices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grouping import Ratings
from grouping.experiments.formations import (
    Panel,
    Setting,
    left_synthetic,
    on_given,
    points_of,
    pool_for,
)
from grouping.experiments.pool import Pool, take
from grouping.experiments.study import Asked
from tests.strategies import csr_of

GIVEN = Ratings.of(np.arange(60).reshape(10, 6) / 8)
BASE = Setting(8, 5, 2, 2)
PANEL = Panel("users", "users", (4, 10, 20), BASE)


@pytest.mark.parametrize("data", ["given", "synthetic"])
def test_samples_are_nested_and_of_the_seed(data):
    """Few users and items are part of more; another seed draws others."""
    pool = Pool(GIVEN, 10, 6)
    few, more, other = (
        pool.sample(data, users, items, seed).matrix
        for users, items, seed in ((4, 3, 0), (9, 6, 0), (4, 3, 1))
    )
    np.testing.assert_array_equal(few, more[:4, :3])
    assert not np.array_equal(few, other)


def test_given_ratings_are_rounded_and_synthetic_ones_put_on_the_step():
    pool = Pool(GIVEN, 10, 6)
    assert set(np.unique(pool.sample("given", 9, 6, 0, step=2.0).matrix % 2)) == {0}
    assert set(np.unique(pool.sample("synthetic", 9, 6, 0, step=0.5).matrix * 2 % 1)) == {0}
    assert (pool.sample("synthetic", 9, 6, 0, step=0.0).matrix % 1).any()


def test_sparse_ratings_count_their_gaps_as_the_lowest():
    sparse = Pool(None, 1, 1).sample("sparse", 30, 1000, 0)
    assert sparse.sparse
    assert sparse.fill == 1
    assert sparse.count() < 0.2 * 30 * 1000


def test_taking_cells_is_the_same_of_dense_and_sparse():
    X = np.arange(12).reshape(3, 4).astype(float)
    stored = X % 3 > 0
    sparse = replace(Ratings.of(csr_of(X, stored)), fill=2.5)
    users, items = np.array([2, 0]), np.array([1, 3])
    found = take(sparse, users, items)
    np.testing.assert_array_equal(found.matrix, np.where(stored, X, 2.5)[[2, 0]][:, [1, 3]])
    assert found.users[0] == "2"
    assert found.items[1] == "3"


def test_sizes_beyond_the_given_are_left_out_or_the_panel_is_synthetic():
    asked = Asked(ratings=GIVEN, step=0.5)
    (cut,) = on_given([PANEL], asked, beyond=False)
    assert (list(cut.values), cut.base.data, cut.base.step) == ([4, 10], "given", 0.5)
    sparse = replace(PANEL, name="gaps", base=replace(PANEL.base, data="sparse"))
    whole, gaps = on_given([PANEL, sparse], asked, beyond=True)
    assert (list(whole.values), whole.base.data, whole.base.step) == (
        [4, 10, 20],
        "synthetic",
        0.5,
    )
    assert gaps.base.step is None  # whole numbers whatever is asked
    (note,) = left_synthetic([whole, cut, gaps], asked)
    assert f'synthetic ones: "{PANEL.name}" and "gaps"' in note
    assert left_synthetic([cut], asked) == left_synthetic([whole], Asked()) == ()
    (fitting,) = on_given([replace(PANEL, values=(4, 10))], asked, beyond=True)
    assert fitting.base.data == "given"


def test_points_go_run_by_run_through_values_and_methods():
    points = points_of([PANEL], ["greedy", "baseline"], [5, 6])
    assert [(p["run"], p["seed"], p["users"], p["method"]) for p in points][:3] == [
        (0, 5, 4, "greedy"),
        (0, 5, 4, "baseline"),
        (0, 5, 10, "greedy"),
    ]
    assert len(points) == 12
    pool = pool_for([PANEL], None)
    assert (pool.users, pool.items) == (20, 5)

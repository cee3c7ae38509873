"""What the benchmark of real groups keeps, and how it puts tests of a group together."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.learners import dmtl_leave_one_out as benchmark
from learners.dmtl.groups import Groups
from learners.entries import Entries
from learners.group_benchmarks import GroupBenchmark, LeaveOneOut


@pytest.fixture
def data() -> GroupBenchmark:
    """Two groups of three users; item 0 is taken most."""
    train = Entries.of([0, 1, 2, 0], [0, 0, 0, 1], [1.0, 1.0, 1.0, 1.0])
    tests = LeaveOneOut(np.array([0, 1]), np.array([[0, 1], [2, 0]]))
    groups = Groups.of(2, [[0, 1], [2]])
    return GroupBenchmark(
        "Mafengwo", groups, 3, 3, train, train.where(train.rows < 2), tests, tests
    )


def test_kept_scores_are_taken_again_only_with_the_settings_they_come_from(
    data, tmp_path, monkeypatch
):
    """A second run computes nothing; after a setting has changed, the old scores are not taken."""
    asked = []

    def score(data, seed):
        asked.append(benchmark.OF_MEMBERS)
        return np.full((2, 3), benchmark.OF_MEMBERS)

    name = "members by regression, mean"
    method = benchmark.Method(score, benchmark.METHODS[name].by)
    monkeypatch.setitem(benchmark.METHODS, name, method)
    once = benchmark.scored(data, benchmark.PUBLISHED, 0, name, tmp_path)
    assert (benchmark.scored(data, benchmark.PUBLISHED, 0, name, tmp_path) == once).all()
    monkeypatch.setattr(benchmark, "OF_MEMBERS", 7.0)
    assert (benchmark.scored(data, benchmark.PUBLISHED, 0, name, tmp_path) == 7.0).all()
    assert asked == [300.0, 7.0]


def test_every_method_is_known_by_the_settings_it_uses(monkeypatch):
    """Of the network: all by DMTL and the mixture; of item regression: it, and the mixture."""
    names = [*benchmark.METHODS, benchmark.MIXED]
    before = {name: benchmark.digest("Mafengwo", name) for name in names}
    changed = replace(benchmark.SETTINGS["Mafengwo"], dropout=0.25)
    monkeypatch.setitem(benchmark.SETTINGS, "Mafengwo", changed)
    other = {name for name in names if benchmark.digest("Mafengwo", name) != before[name]}
    assert other == {name for name in names if "DMTL" in name}
    monkeypatch.setattr(benchmark, "REGULARIZATIONS", (1.0,))
    moved = {name for name in names if benchmark.digest("Mafengwo", name) != before[name]}
    assert moved - other == {"item regression"}


def test_tests_of_a_group_go_together():
    """Sums by group, of the mean that all tests have, however many a group has."""
    values = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
    found = benchmark.by_group(values, np.array([4, 2, 4, 4, 9]))
    np.testing.assert_allclose(found, np.array([0.0, 3.0, 0.0]) * 3 / 5)
    assert found.mean() == pytest.approx(values.mean())

"""Tables of quality: what their cells say of measured rows, and which rows count as measured."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.peers.formations import nearest
from benchmarks.quality import __main__ as quality
from benchmarks.quality import tables
from benchmarks.quality.cases import Case
from benchmarks.quality.measure import MEASURED

CASE = Case("generated", "integer", 200, 100, 0, "lm", "max", 10, 5, 60.0, "soon")


def measured(case, objective, bound, seconds=1.0, grd="", split="", status="optimal"):
    figures = (objective, bound, "", status, seconds, 9, grd, split, 3.0)
    return case.key | dict(zip(MEASURED, map(str, figures), strict=True))


def cells(table):
    head, _, *lines = (line.strip("| ").split(" | ") for line in table.splitlines())
    return [dict(zip(head, line, strict=False)) for line in lines]


def test_errors_of_grd_as_written_are_not_hidden_by_those_with_split_buckets():
    """GRD as written may be off by more than the theorem says where split buckets are not."""
    rows = {tables.row_key(CASE): measured(CASE, 17.0, 17.0, grd=10.0, split=17.0)}
    line = tables.problems([CASE], rows).splitlines()[2].strip("| ").split(" | ")
    assert line[-5:] == ["41.2 %", "0 %", "7", "0", "3.0"]


def test_gaps_are_of_the_bound_and_medians_and_worst_are_over_seeds():
    other, third = replace(CASE, seed=1), replace(CASE, seed=2)
    rows = {
        tables.row_key(CASE): measured(CASE, 9.0, 10.0, 1.0, 8.0, 8.0, "time_limit"),
        tables.row_key(other): measured(other, 10.0, 10.0, 3.0, 9.0, 9.0),
        tables.row_key(third): measured(third, 8.0, 10.0, 2.0, 8.0, 8.0, "time_limit"),
    }
    (line,) = cells(tables.problems([CASE, other, third], rows))
    assert (line["seeds"], line["optimal"]) == ("3", "1")
    assert (line["gap median"], line["gap worst"]) == ("10 %", "20 %")
    assert (line["seconds median"], line["worst"]) == ("2.00", "3.00")


@pytest.mark.parametrize("change", [{"limit": 10.0}, {"threads": 1}, {"seed": 3}, {"k": 4}])
def test_rows_of_other_limits_and_threads_are_not_taken_for_measured(tmp_path, change):
    path = tmp_path / "quality.csv"
    quality._save(path, measured(CASE, 1.0, 2.0))
    kept = quality._saved(path)
    assert tables.row_key(CASE) in kept
    assert tables.row_key(replace(CASE, **change)) not in kept


def test_a_file_without_limits_and_threads_is_refused(tmp_path):
    path = tmp_path / "quality.csv"
    row = measured(CASE, 1.0, 2.0)
    del row["threads"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    with pytest.raises(SystemExit, match="other columns"):
        quality._saved(path)


def test_peers_groups_keep_to_the_largest_size_at_the_least_distance():
    points = np.array([[0.0], [0.1], [0.2], [9.0]])
    labels = nearest(points, np.array([[0.0], [10.0]]), 2)
    assert labels.tolist() == [0, 0, 1, 1]

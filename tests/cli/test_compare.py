"""`grouping compare`: a table, a document, a file."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.cli.running import THREE, Run


def test_methods_stand_side_by_side(run: Run, table: str, tmp_path: Path) -> None:
    """The same in the table, in the document and in the file; exact has gap 0."""
    asked = ("compare", table, *THREE, "--methods", "greedy,exact", "-q")
    shown = run(*asked).out
    assert "greedy" in shown
    assert "0 %" in shown
    made = run(*asked, "--json", "-o", "c.csv")
    document = made.document
    assert [entry["method"] for entry in document["methods"]] == ["greedy", "exact"]
    assert document["methods"][1]["gap"] == 0
    with (tmp_path / "c.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["objective"]) for row in rows] == [
        entry["objective"] for entry in document["methods"]
    ]


def test_an_unknown_method_is_refused(run: Run, table: str) -> None:
    run("compare", table, "--methods", "best").refused("unknown method 'best'")


def test_methods_that_cannot_keep_constraints_are_left_out(run: Run, table: str) -> None:
    """With the reason; the others keep them."""
    asked = ("--methods", "greedy,refine,exact", "--max-size", "2", "--time-limit", "2")
    entries = run("compare", table, *THREE, *asked, "--json", "-q").document["methods"]
    assert "cannot keep to --max-size 2" in entries[0]["note"]
    assert [entry["largest"] for entry in entries[1:]] == [2, 2]
    shown = run("compare", table, *THREE, *asked, "-q").out
    assert "greedy is left out: the method greedy cannot keep to --max-size 2" in shown
    assert " 3.0 " not in shown

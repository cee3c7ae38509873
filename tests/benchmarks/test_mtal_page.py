"""The page of the paper's tables, made of lines as a run writes them."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from benchmarks.learners.mtal_cells import Cell, Outcome
from benchmarks.learners.mtal_page import plot, tables
from benchmarks.learners.mtal_tables import cells, done, results

COLUMN = ("explicit", "user", "uniform:8")


def outcome(base, best, *, refitted=float("nan"), chosen=-1, curve="1.02 0.95 0.96"):
    return Outcome(
        base, best, 2, best + 0.1, chosen, refitted, refitted, base, best, 2, 1.0, curve, curve
    )


@pytest.fixture
def lines(tmp_path):
    kept = results(tmp_path, "ml-100k")
    for split, (base, best) in enumerate([(1.0, 0.92), (1.1, 1.034)]):
        for row, score in (("joint base", base), ("mtal aae eta=.3", best)):
            cell = Cell("ml-100k", split, row, *COLUMN)
            kept.add(astuple(cell), astuple(outcome(base, score)))
    return kept


def test_a_table_has_ratios_beside_the_papers_and_names_what_is_missing(lines):
    """Mean and spread over splits of ratios on the same split; what is far off is bold."""
    first = tables(lines, "ml-100k")[0]
    assert "| mtal aae eta=.3 | 2 | 0.9300 ± 0.0141 | 0.9196 | +0.0104 | - |" in first
    lines.add(astuple(Cell("ml-100k", 2, "mtal aae eta=.3", *COLUMN)), astuple(outcome(1.0, 0.96)))
    first, genre, *_ = tables(lines, "ml-100k")
    assert "**+0.0204**" in first
    assert "Not measured: joint aae, alone aae," in first
    assert "| joint base | 2 | 1.0000 ± 0.0000 | 1.0000 | +0.0000 | - | - |" in genre
    assert "mtal aae eta=.3 |" not in genre


def test_by_genres_a_ratio_is_beside_that_to_the_papers_base_of_that_column_too(tmp_path):
    """The paper's Base is 1.011 there, 1.020 in its Joint rows."""
    kept = results(tmp_path, "ml-100k")
    cell = Cell("ml-100k", 0, "mtal aae eta=.3", "explicit", "user", "genre")
    kept.add(astuple(cell), astuple(outcome(1.0, 0.94)))
    _, genre, *_ = tables(kept, "ml-100k")
    assert "| off by | of its own |" in genre
    assert "| mtal aae eta=.3 | 1 | 0.9400 | 0.9304 | +0.0096 | +0.0013 |" in genre


def test_what_rows_are_off_by_on_the_whole_is_told_apart(tmp_path):
    """A shift of all rows, which a draw of splits can make, and those that are off beside it."""
    kept = results(tmp_path, "ml-100k")
    paper = {"joint aae": 0.9088, "mtal aae eta=.3": 0.9196, "mtal aae eta=.1": 0.9206}
    for (row, theirs), beside in zip(paper.items(), (0.02, 0.02, 0.04), strict=True):
        kept.add(astuple(Cell("ml-100k", 0, row, *COLUMN)), astuple(outcome(1.0, theirs + beside)))
    first = tables(kept, "ml-100k")[0]
    assert "Of 3 rows but Base, 0 are as near as asked." in first
    assert "The median difference is +0.0200; 2 are as near to that." in first


def test_a_cell_without_validation_is_run_again_where_that_is_wanted(lines, tmp_path):
    """And the later line is the one that counts, in a file read again too."""
    cell = Cell("ml-100k", 0, "mtal aae eta=.3", *COLUMN)
    assert done(lines, cell, validated=False)
    assert not done(lines, cell, validated=True)
    lines.add(astuple(cell), astuple(outcome(1.0, 0.91, refitted=0.92, chosen=1)))
    again = results(tmp_path, "ml-100k")
    assert done(again, cell, validated=True)
    assert again.rows == lines.rows
    assert len(again.rows) == 4


def test_pictures_are_drawn_of_what_is_there(lines, tmp_path):
    """Explicit feedback has a curve, implicit none."""
    pytest.importorskip("matplotlib")
    assert plot(lines, "ml-100k", tmp_path) == ["rounds-ml-100k-explicit.png"]
    assert (tmp_path / "rounds-ml-100k-explicit.png").stat().st_size > 1000


def test_every_cell_of_the_paper_is_run_once_and_the_headline_first():
    """A joint model is not run again for genres, since it knows no partition."""
    found = cells("ml-100k", 5, 2)
    assert len(set(found)) == len(found)
    assert {cell.split for cell in found[:26]} == {0}
    assert not [c for c in found if c.row.startswith("joint") and c.partition == "genre"]
    assert {cell.split for cell in found if cell.row == "alone aae"} == set(range(5))
    assert {cell.split for cell in found if cell.row == "alone mlp_s"} == {0, 1}

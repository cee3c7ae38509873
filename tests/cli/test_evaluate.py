"""`grouping evaluate` and `grouping bound`: what form wrote scores the same again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import THREE, Run


@pytest.mark.parametrize("suffix", ["json", "csv", "parquet"])
def test_what_form_writes_evaluates_to_the_same(run: Run, table: str, suffix: str) -> None:
    """Objective, groups, lists and scores survive the way through each kind of file."""
    formed = run("form", table, *THREE, "--json", "-o", f"f.{suffix}").document
    scored = run("evaluate", table, "--groups", f"f.{suffix}", "-k", "2", "--json").document
    assert scored["method"] == "given"
    assert scored["objective"] == formed["objective"] == 10
    assert scored["groups"] == formed["groups"]
    assert scored["layout"] == formed["layout"]


def test_a_partition_by_hand_keeps_its_names(run: Run, table: str, tmp_path: Path) -> None:
    """Semicolons, a byte order mark, aliases in the header, and names that look like markup."""
    rows = "".join(f"{user};{'[red]' if user < 'c' else 'west'}\n" for user in "fedcba")
    (tmp_path / "g.csv").write_text("\ufeffMember ID;Cluster\n" + rows)
    shown = run("evaluate", table, "--groups", "g.csv", "-k", "2", "--bound", "-o", "e.json")
    assert (shown.code, shown.out) == (0, "")
    assert "objective 5, bound 5, gap 0 %" in shown.err
    again = run("evaluate", table, "--groups", "e.json", "-k", "2")
    assert again.code == 0
    assert "[red]" in again.out
    assert "west" in again.out
    run("evaluate", table, "--groups", "g.csv", "-k", "2", "-o", "e.csv")
    assert '"c","west"' in (tmp_path / "e.csv").read_text().splitlines()


@pytest.mark.parametrize(
    ("partition", "words"),
    [
        ("user,group\na,1\n", ("g.csv: ", "user b and 4 more has no group")),
        ("user,group\nz,1\n", ("g.csv: ", "'z'")),
        ("user,group\na,1\na,2\n", ("g.csv:3: ", "user a is in group 1 and in group 2")),
        ("user,group\na,1,2\n", ("g.csv:2: ", "3 fields where 2 are expected")),
        ("user,group\na,\n", ("g.csv:2: ", "empty")),
        ("", ("g.csv: is empty",)),
        ("user,group\n", ("g.csv: holds no user",)),
        ('{"groups": [', ("g.csv: is not a formation, or is cut short",)),
    ],
)
def test_a_bad_partition_is_refused_by_name_and_line(
    run: Run, table: str, tmp_path: Path, partition: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "g.csv").write_text(partition)
    run("evaluate", table, "--groups", "g.csv", "-k", "2").refused(*words)


def test_a_partition_that_is_not_there_is_refused(run: Run, table: str) -> None:
    run("evaluate", table, "--groups", "none.csv").refused("none.csv: cannot be read")


def test_bound_is_a_number_on_stdout(run: Run, table: str) -> None:
    """So few users give the optimum itself (and so in the document)."""
    assert run("bound", table, *THREE).out == "10.0\n"
    document = run("bound", table, *THREE, "--json", "--agg", "max").document
    assert document["bound"] == 12


def test_constraints_that_groups_break_are_told(run: Run, table: str, tmp_path: Path) -> None:
    """On standard error and in the document; none broken is an empty list."""
    (tmp_path / "g.csv").write_text("user,group\na,0\nb,0\nc,0\nd,0\ne,1\nf,1\n")
    asked = ("evaluate", table, "--groups", "g.csv", "-k", "2", "--json")
    made = run(*asked, "--max-size", "3", "--together", "a,b", "--fix", "e=0")
    assert made.code == 0
    assert made.document["broken"] == [
        "--max-size 3: group 0 has 4",
        "--fix e=0: e is in group 1",
    ]
    assert "broken: --max-size 3: group 0 has 4" in made.err
    assert run(*asked, "--max-size", "4").document["broken"] == []
    assert "broken" not in run(*asked).document


def test_bound_knows_sizes(run: Run, table: str) -> None:
    """Three groups of exactly two: lower than without sizes, and not below what can be had."""
    free = run("bound", table, *THREE, "--json").document["bound"]
    sized = run("bound", table, *THREE, "--min-size", "2", "--json").document["bound"]
    best = run("form", table, *THREE, "--min-size", "2", "--method", "exact", "--json").document
    assert best["objective"] <= sized <= free

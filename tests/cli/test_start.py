"""`grouping form --start`: from a saved formation on, with manual edits, or a clear refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import THREE, Run

REFINE = (*THREE, "--method", "refine", "--semantics", "av", "--agg", "sum", "--iterations", "1")


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_what_form_wrote_can_be_gone_on_from(
    run: Run, table: str, tmp_path: Path, ending: str
) -> None:
    """With manual edits kept: a user whom a file puts elsewhere is there."""
    run("form", table, *REFINE, "-o", f"first.{ending}")
    (tmp_path / "edits.csv").write_text("user,group\nf,0\n")
    again = run(
        "form", table, *REFINE, "--start", f"first.{ending}", "--fix-file", "edits.csv", "--json"
    ).document
    assert "f" in again["groups"][0]["members"]


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (None, ("start.csv: cannot be read",)),
        ("", ("start.csv: is empty",)),
        ("a,0\nb,0\n", ("--start start.csv: user c and 3 more has no group",)),
        ("a,0\nb,0\nc,1\nd,1\ne,2\nf,2\nzed,0\n", ("--start start.csv: unknown user id 'zed'",)),
        ("a,0\nb,1\nc,2\nd,3\ne,2\nf,2\n", ("4 groups to start from, and at most 3",)),
        ("a,0\na,1\n", ("start.csv:2: user a is in group 0 and in group 1",)),
    ],
)
def test_starts_that_do_not_fit_are_refused_by_name(
    run: Run, table: str, tmp_path: Path, start: str | None, words: tuple[str, ...]
) -> None:
    if start is not None:
        (tmp_path / "start.csv").write_text(start)
    run("form", table, *REFINE, "--start", "start.csv").refused(*words)


def test_a_file_that_is_cut_is_refused(run: Run, table: str, tmp_path: Path) -> None:
    run("form", table, *REFINE, "-o", "first.json")
    text = (tmp_path / "first.json").read_text()
    json.loads(text)
    (tmp_path / "first.json").write_text(text[: len(text) // 2])
    run("form", table, *REFINE, "--start", "first.json").refused("first.json: ", "cut short")


def test_groups_without_numbers_cannot_be_slots(run: Run, table: str, tmp_path: Path) -> None:
    (tmp_path / "start.csv").write_text("a,x\nb,x\nc,y\nd,y\ne,z\nf,z\n")
    run("form", table, *REFINE, "--start", "start.csv", "--sizes", "2,2,2").refused(
        "--start start.csv: there is no group x", "from 0 to 2"
    )
    assert run("form", table, *REFINE, "--start", "start.csv").code == 0


def test_methods_without_a_start_refuse_it(run: Run, table: str, tmp_path: Path) -> None:
    (tmp_path / "start.csv").write_text("a,0\nb,0\nc,1\nd,1\ne,2\nf,2\n")
    for method in ("greedy", "ip", "baseline", "kmeans"):
        run("form", table, *THREE, "--method", method, "--start", "start.csv").refused(
            f"--start: --method {method} does not take it"
        )

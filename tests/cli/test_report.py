"""`grouping report`: a page from what form wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import THREE, Run


def test_a_formation_becomes_a_page(run: Run, table: str, tmp_path: Path) -> None:
    """In a file and on standard output the same, with the titles that form was given."""
    (tmp_path / "names.csv").write_text("item,title\np,Prater\nq,Quartier\n")
    written = run("form", table, *THREE, "--item-names", "names.csv", "--per-user", "-o", "f.json")
    assert written.code == 0
    made = run("report", "f.json", "-o", "f.html")
    assert (made.code, made.out) == (0, "")
    assert "f.html" in made.err
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert "Prater" in page
    assert "objective<b>" in page
    shown = run("report", "f.json")
    assert (shown.code, shown.out, shown.err) == (0, page, "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"groups": [', ("f.json: is not JSON, or is cut short",)),
        ("[1]", ("f.json: is not a formation",)),
        (None, ("f.json: cannot be read",)),
    ],
)
def test_what_is_no_formation_is_refused(
    run: Run, tmp_path: Path, text: str | None, words: tuple[str, ...]
) -> None:
    if text is not None:
        (tmp_path / "f.json").write_text(text)
    run("report", "f.json", "-o", "f.html").refused(*words)
    assert not (tmp_path / "f.html").exists()


def test_a_page_has_the_ending_of_one(run: Run) -> None:
    run("report", "f.json", "-o", "f.pdf").refused("-o f.pdf", ".html")

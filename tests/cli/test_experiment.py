"""`grouping experiment` from outside: what it writes where, what it refuses."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.cli.running import Run, long_table


def test_claims_go_to_standard_output_and_files_to_the_folder(run: Run, tmp_path: Path) -> None:
    ended = run("experiment", "guarantee", "--runs", "1", "--out", "made/here")
    assert ended.code == 0, ended.err
    assert "not confirmed" in ended.out or "confirmed" in ended.out
    assert "9 of 9 points" in ended.err
    made = {path.name for path in (tmp_path / "made/here").iterdir()}
    assert made == {f"guarantee.{ending}" for ending in ("csv", "json", "md", "png", "svg")}
    summary = (tmp_path / "made/here/guarantee.md").read_text()
    assert "`grouping experiment guarantee --runs 1 --out made/here`" in summary
    assert "Ratings: 1 to 5 at random, nine users an instance." in summary


def test_given_ratings_are_completed_and_sampled(run: Run, tmp_path: Path, holes: str) -> None:
    """Sizes beyond them are left out; the predictor speaks on standard error."""
    asked = ("experiment", "fig2", holes, "--runs", "1", "--methods", "greedy", "--round", "1")
    ended = run(*asked, "--out", "made")
    assert ended.code == 0, ended.err
    assert "predicted" in ended.err
    with (tmp_path / "made" / "fig2.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["data"], row["users"], row["items"], row["step"]) for row in rows} == {
        ("given", "6", "4", "1.0")
    }
    assert {row["k"] for row in rows} == {"1", "3"}
    run(*asked, "--time-limit", "5", "--out", "made").refused("time_limit was None, now 5.0")


def test_visits_are_made_preferences_of(run: Run, tmp_path: Path) -> None:
    rows = ["user,poi,time,sequence"]
    rows += [f"{u},{p},0,{u * p % 5}" for u in range(1, 31) for p in range(1, 12) if u % p or p < 6]
    (tmp_path / "visits.csv").write_text("\n".join(rows))
    ended = run("experiment", "fig7", "visits.csv", "--visits", "--runs", "1", "--out", "made")
    assert ended.code == 0, ended.err
    assert len(list((tmp_path / "made" / "questionnaire").iterdir())) == 6


def test_refusals_name_the_place(run: Run, tmp_path: Path) -> None:
    run("experiment", "fig9", "--out", "x").refused("fig9", "guarantee")
    run("experiment", "fig1", "--answers", "a.csv", "--out", "x").refused("--answers", "fig7")
    run("experiment", "fig7", "--visits", "--out", "x").refused("--visits")
    run("experiment", "fig7", "--answers", "a.csv", "--out", "x").refused("a.csv")
    (tmp_path / "file").write_text(long_table())
    run("experiment", "guarantee", "file", "--out", "x").refused("guarantee", "its own ratings")
    run("experiment", "guarantee", "--out", "file").refused("file", code=1)
    assert not (tmp_path / "x").exists()

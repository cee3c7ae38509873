"""`grouping sweep`: ranges in, a table, a document, a CSV and a picture out."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grouping.cli.sweep import parse_range
from grouping.errors import InputError
from tests.cli.running import Run, command, environment

ASKED = ("-l", "2:3", "-k", "1,2", "-q")


def test_ranges_are_read_with_both_ends_steps_and_commas() -> None:
    assert parse_range("-l", "2:5") == [2, 3, 4, 5]
    assert parse_range("-l", "7") == [7]
    assert parse_range("-l", "1:6:2, 10,3") == [1, 3, 5, 10]
    for wrong in ("", "a", "0:3", "3:1", "1:2:0", "1:2:3:4", "1.5", "2,,3"):
        with pytest.raises(InputError, match="give numbers from 1 such as"):
            parse_range("-l", wrong)


def test_the_table_the_document_and_the_file_have_the_same_points(
    run: Run, table: str, tmp_path: Path
) -> None:
    """Objectives are those of form; the second run takes them from the file."""
    shown = run("sweep", table, *ASKED, "-o", "s.csv").out
    points = [line.split()[:3] for line in shown.splitlines() if line[:3].strip().isdigit()]
    document = run("sweep", table, *ASKED, "-o", "s.csv", "--json").document
    with (tmp_path / "s.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(int(r["l"]), int(r["k"])) for r in rows] == [(2, 1), (3, 1), (2, 2), (3, 2)]
    assert [p["objective"] for p in document["points"]] == [float(r["objective"]) for r in rows]
    assert [float(point[2]) for point in points] == [float(r["objective"]) for r in rows]
    formed = run("form", table, "-l", "3", "-k", "2", "-q", "--json").document
    assert document["points"][-1]["objective"] == formed["objective"] == 10
    other = run("sweep", table, "-l", "2:4", "-k", "1,2", "-o", "s.csv")
    other.refused("s.csv: holds points of another run")


def test_constraints_are_those_of_form_but_for_given_groups(
    run: Run, table: str, tmp_path: Path
) -> None:
    """Points that nothing can keep to say so; --sizes and --fix are refused with the reason."""
    (tmp_path / "who.csv").write_text("user,sex\n" + "".join(f"{u},{u < 'd'}\n" for u in "abcdef"))
    asked = ("--method", "refine", "--iterations", "1", "--max-size", "4", "--apart", "a,b,c")
    asked += ("--profiles", "who.csv", "--balance", "sex:0.4", "--exclude", "p")
    document = run("sweep", table, "-l", "2:3", "-k", "1", "-q", "--json", *asked).document
    assert [p["status"] for p in document["points"]] == ["infeasible", "feasible"]
    for option, value in (("--sizes", "3,3"), ("--fix", "a=0"), ("--fix-file", "who.csv")):
        run("sweep", table, option, value).refused(f"{option}: is about groups of given numbers")


def test_curves_are_drawn(run: Run, table: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run("sweep", table, *ASKED, "--plot", "s.png").code == 0
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    run("sweep", table, *ASKED, "--plot", "s.txt").refused("--plot s.txt: name a file that ends in")


def test_without_matplotlib_nothing_is_measured_in_vain(table: str, tmp_path: Path) -> None:
    """One sentence that says what to install."""
    asked = ["grouping", "sweep", table, "--plot", "s.png", "-o", "s.csv"]
    probe = (
        "import sys\nsys.modules['matplotlib'] = None\nsys.modules['matplotlib.figure'] = None\n"
        f"from grouping.cli import main\nsys.argv = {asked!r}\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, env=environment(), capture_output=True
    )
    assert done.returncode == 1
    assert b"pip install 'grouping[plot]'" in done.stderr
    assert not (tmp_path / "s.csv").exists()


def test_ratings_that_are_missing_are_predicted_once(run: Run, holes: str) -> None:
    done = run("sweep", holes, "-l", "2:3", "-k", "1", "-o", "s.csv")
    assert done.code == 0
    assert done.err.count("predicted by") == 1


def test_interrupted_it_keeps_its_points_and_goes_on(tmp_path: Path) -> None:
    """Exit code 130; the same command measures only the rest."""
    asked = ("sweep", "-l", "2:12", "-k", "3", "-o", "s.csv", "--method", "refine")
    asked += ("--time-limit", "0.5", "--no-bound")
    process = subprocess.Popen(
        command(*asked), cwd=tmp_path, env=environment(), stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 120
    path = tmp_path / "s.csv"
    while not (path.exists() and path.read_text().count("\n") >= 2):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 130, err
    assert "s.csv: keeps what was measured; the same command goes on from there" in err
    before = path.read_text()
    assert before.endswith("\n")
    again = subprocess.run(
        command(*asked, "-q"), cwd=tmp_path, env=environment(), capture_output=True
    )
    assert again.returncode == 0, again.stderr
    assert path.read_text().startswith(before)
    assert path.read_text().count("\n") == 12

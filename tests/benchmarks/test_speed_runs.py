"""Every family of speed benchmarks runs at toy size and finds its results right."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = {"dense", "sparse", "growth", "figures", "rivals", "commands", "kernels", "kendall"}
# no spinning beside other tests, and nothing of a test run that this one is a part of
_ALONE = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
_ALONE["OMP_WAIT_POLICY"] = "passive"


@pytest.mark.parametrize(
    "asked", [("kendall", "rivals"), pytest.param((), marks=pytest.mark.slow, id="all")]
)
def test_families_run(tmp_path, asked):
    """All of them compile for minutes: two do to see that measuring, checking and writing work."""
    families = [part for name in asked for part in ("--only", name)]
    saved, table = tmp_path / "speed.json", tmp_path / "speed.csv"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.speed",
            "--toy",
            *families,
            "--json",
            saved,
            "--csv",
            table,
        ],
        cwd=ROOT,
        env=_ALONE,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(saved.read_text())["benchmarks"]
    assert {Path(b["fullname"].partition("::")[0]).stem for b in measured} == (
        set(asked) or FAMILIES
    )
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["case"] for row in rows} == {b["extra_info"]["case"] for b in measured}
    assert all(float(row["median s"]) > 0 for row in rows)
    for row in rows:
        assert f"| {row['case']} | {row['median s']} |" in done.stdout

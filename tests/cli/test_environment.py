"""What the machine and its environment variables change, and what `grouping doctor` says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import LABELS, RATINGS, THREE, Run


@pytest.mark.parametrize(
    ("arguments", "limit", "way_out"),
    [
        (("form", "ratings.csv", *THREE), "100", "convert it"),
        (("form",), "100", "convert it"),
        (("form", "ratings.npy", *THREE), "500", "take a smaller k"),
        (("bound", "ratings.npy", *THREE), "500", "take a smaller k"),
        (("bound", "ratings.csv", "-k", "2"), "100", "convert it"),
        (("evaluate", "ratings.csv", "--groups", "g.csv", "-k", "2"), "100", "fewer users"),
        (("evaluate", "ratings.csv", "--groups", "g.json", "-k", "2"), "1000", "fewer users"),
        (("form", "holes.csv", *THREE), "5000", "--missing min"),
        (("predict", "holes.csv", "-o", "full.npy"), "5000", "--missing min"),
        (("generate", "-n", "1000", "-m", "1000", "-o", "g.csv"), "5e6", "--density"),
    ],
)
def test_what_does_not_fit_in_memory_is_refused_with_a_way_out(
    run: Run,
    table: str,
    holes: str,
    tmp_path: Path,
    arguments: tuple[str, ...],
    limit: str,
    way_out: str,
) -> None:
    """Exit 1, before anything is written, in a sentence that says how to need less."""
    (tmp_path / "g.csv").write_text("".join(f"{user},0\n" for user in "abcdef"))
    np.save(tmp_path / "ratings.npy", np.array(RATINGS, np.float32))
    members = ", ".join(f'"{user}"' for user in "abcdef")
    (tmp_path / "g.json").write_text(f'{{"groups": [{{"group": 0, "members": [{members}]}}]}}')
    before = set(tmp_path.iterdir())
    run(*arguments, GROUPING_MEMORY_LIMIT=limit).refused("of memory", way_out, code=1)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("GROUPING_MEMORY_LIMIT", "plenty"), ("NUMBA_NUM_THREADS", "0"), ("NUMBA_NUM_THREADS", "two")],
)
def test_a_broken_environment_variable_is_named(run: Run, name: str, value: str) -> None:
    run("form", **{name: value}).refused(f"{name}={value}: give a number")


def test_without_compilation_the_groups_are_the_same(run: Run, table: str) -> None:
    document = run("form", table, *THREE, "--json", NUMBA_DISABLE_JIT="1").document
    assert document["layout"] == {"labels": LABELS, "item_positions": [[0, 1], [2, 3], [1, 3]]}
    assert document["groups"] == run("form", table, *THREE, "--json").document["groups"]


@pytest.mark.parametrize("folder", ["under a file", "/proc/none"])
def test_a_cache_folder_that_cannot_be_written_is_survived(
    run: Run, table: str, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "file").write_text("")
    unusable = str(tmp_path / "file" / "cache") if folder == "under a file" else folder
    made = run("form", table, *THREE, "--json", NUMBA_CACHE_DIR=unusable)
    assert made.document["objective"] == 10
    assert made.err == ""


def test_doctor_tells_versions_threads_and_caches(run: Run, tmp_path: Path) -> None:
    found = run("doctor", "--json", NUMBA_NUM_THREADS="1", NUMBA_CACHE_DIR=str(tmp_path)).document
    assert found["problems"] == []
    assert found["machine"]["threads"] == 1
    assert found["machine"]["kernel cache"] == str(tmp_path)
    for name in ("grouping", "python", "numpy", "numba", "highspy"):
        assert found["versions"][name][0].isdigit()
    assert found["solvers"]["HiGHS"][0].isdigit()


def test_doctor_names_what_is_wrong(run: Run) -> None:
    shown = run("doctor", NUMBA_DISABLE_JIT="1", NUMBA_CACHE_DIR="/proc/none")
    assert (shown.code, shown.err) == (0, "")
    assert "NUMBA_DISABLE_JIT is set" in shown.out
    assert "NUMBA_CACHE_DIR=/proc/none cannot be written" in shown.out
    assert "nothing is missing" not in shown.out

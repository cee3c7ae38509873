"""Kernels mean the same as plain Python: their tests and those of GRD run without the compiler."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SELECTED = [
    "test_worked_examples.py",
    "test_kernels.py::test_the_heap_chooses_what_sorting_would",
    "test_kernels.py::test_best_columns_are_those_of_a_stable_sort",
    "test_kernels.py::test_equal_hashes_never_merge_different_keys",
    "test_kernels.py::test_the_last_groups_columns_are_those_of_its_members",
    "test_greedy.py::test_form_is_the_naive_grd_for_integers_and_halves",
    "test_greedy.py::test_form_is_the_naive_grd_with_split_buckets",
    "test_greedy.py::test_csr_filled_in_the_middle_of_the_range_is_the_naive_grd",
    "test_greedy.py::test_a_stored_negative_zero_is_zero_in_the_key",
]


needs_compiler = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="the kernels are not compiled here"
)


def run_without_the_compiler(*arguments):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", *arguments],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]


@needs_compiler
def test_without_the_compiler_the_same_tests_pass():
    here = Path(__file__).parent
    run_without_the_compiler(*(str(here / name) for name in SELECTED))


@needs_compiler
def test_without_the_compiler_every_line_of_the_kernels_is_reached():
    """By the tests aimed at them: see `tests/lines.py`, which fails the run otherwise."""
    run_without_the_compiler("-p", "tests.lines", "tests/kernels")

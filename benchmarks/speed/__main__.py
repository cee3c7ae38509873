"""Run the speed benchmarks and print their tables: python -m benchmarks.speed."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

import pytest

from benchmarks.speed import tables

FAMILIES = ("dense", "sparse", "growth", "figures", "rivals", "commands", "kernels", "kendall")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_true", help="full sizes: about 10 GB of memory")
    size.add_argument("--toy", action="store_true", help="tiny sizes, to see that all runs")
    parser.add_argument("--only", metavar="NAME", choices=FAMILIES, action="append")
    parser.add_argument("--threads", metavar="T", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", type=Path, help="pytest-benchmark's JSON")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="the tables' rows")
    options = parser.parse_args()
    size = "full" if options.full else "toy" if options.toy else "default"
    # read when numba and the OpenMP libraries are loaded, which is later
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "benchmarks.json"
        here = Path(__file__).parent
        arguments = [str(here / f"{family}.py") for family in options.only or FAMILIES]
        arguments += ["-o", "python_functions=bench", "-W", "default", "--size", size]
        arguments += ["--benchmark-quiet", "--benchmark-json", str(saved)]
        with contextlib.redirect_stdout(sys.stderr):
            code = int(pytest.main(arguments))
        if not saved.exists():  # nothing was measured
            return code
        text = saved.read_text()
    document = json.loads(text)
    print(tables.heading(document, size, options.threads))
    rows = tables.rows(document)
    print(tables.markdown(rows))
    if options.json:
        options.json.write_text(text)
    if options.csv:
        tables.write_csv(rows, options.csv)
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Measure how good formations are: python -m benchmarks.quality."""

from __future__ import annotations

import argparse
import csv
import os
import platform
import sys
from dataclasses import replace
from pathlib import Path

FAMILIES = ("generated", "uniform", "ml-100k", "ml-1m", "refine", "program", "symmetry", "sizes")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--only", metavar="FAMILY", choices=FAMILIES, action="append")
    parser.add_argument("--problem", metavar="lm-min", action="append", help="repeatable")
    parser.add_argument("--kind", choices=("integer", "half-star", "real"), action="append")
    parser.add_argument("--groups", type=int, action="append")
    parser.add_argument("--k", type=int, action="append")
    parser.add_argument("--seeds", type=int, default=10, help="of random instances")
    parser.add_argument("--threads", metavar="T", type=int, default=2)
    parser.add_argument("--csv", type=Path, default=Path("quality.csv"), help="every point")
    parser.add_argument("--plot", type=Path, help="picture of the family `program`")
    options = parser.parse_args()
    # read when numba and the OpenMP libraries are loaded, which is later
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(options.threads)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from benchmarks.quality.cases import cases

    rows = _saved(options.csv)
    print(f"{options.threads} threads, {os.cpu_count()} cores, {platform.machine()}; seconds")
    print("without compilation; `error` is the largest distance of GRD from the bound, as written")
    print("and with split buckets.")
    if rows:
        print(f"{options.csv}: {len(rows)} rows of before, not measured again", file=sys.stderr)
    for family in options.only or FAMILIES:
        wanted = [
            replace(case, threads=options.threads)
            for case in cases(family)
            if case.seed < options.seeds
            and (not options.problem or f"{case.semantics}-{case.agg}" in options.problem)
            and (not options.kind or case.kind in options.kind)
            and (not options.groups or case.groups in options.groups)
            and (not options.k or case.k in options.k)
        ]
        _measure_all(wanted, rows, options.csv)
        _print(family, wanted, rows, options.plot)
    return 0


def _measure_all(wanted, rows, path):
    from benchmarks.quality.measure import measure, ratings_of, warm_up
    from benchmarks.quality.tables import row_key

    warm = set()
    held = None, None
    # cases on the same ratings one after the other
    for case in sorted(wanted, key=lambda case: (case.kind, case.seed)):
        if row_key(case) in rows:
            continue
        name = case.kind, case.users, case.items, case.data, case.seed if case.users else 0
        if held[0] != name:
            held = name, ratings_of(case)
        if held[1] is None:
            print(f"{case.family}: no data; set GROUPING_DATA", file=sys.stderr)
            return
        problem = (case.semantics, case.agg, case.kind, case.method)
        if problem not in warm:
            warm_up(case)
            warm.add(problem)
        row = measure(case, held[1])
        rows[row_key(case)] = row
        _save(path, row)
        print(*row.values(), file=sys.stderr, flush=True)


def _saved(path):
    from benchmarks.quality.cases import cases

    names = list(next(cases("program")).key)
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if not {*names} <= {*(reader.fieldnames or names)}:
            raise SystemExit(f"{path}: holds other columns; name another file with --csv")
        return {tuple(row[name] for name in names): row for row in reader}


def _save(path, row):
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row.keys())
        if new:
            writer.writeheader()
        writer.writerow(row)


def _print(family, wanted, rows, plot):
    from benchmarks.quality import tables

    print(f"\n### {family}\n")
    if family == "program":
        print(tables.side_by_side(wanted, rows, "exact", "ip"))
        if plot is not None:
            from benchmarks.quality.picture import draw

            draw(wanted, rows, plot)
    elif family == "symmetry":
        print(tables.side_by_side(wanted, rows, "ip", "ip without symmetry"))
    else:
        print(tables.problems(wanted, rows))


if __name__ == "__main__":
    sys.exit(main())

"""How far beyond a time limit searches go on: python -m benchmarks.quality.limits.

Asked: nothing goes on for more than a tenth of the limit and a second after it. Ratings are made
by `grouping generate`; `sized` ones are formed into groups of at most a fifth more users than if
all groups were equal. Seconds are those of `form` alone, without compilation: what is late is run
again, and the second run counts. A second table sums the first up.

On a machine that does other things too, seconds measure these as well; ``--clock processor`` makes
the processor's seconds the clock that searches look at, on one thread, so that only the limits that
HiGHS keeps are those of the wall clock.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

SHAPES = {
    "200x100": (200, 100, False),
    "943x1682": (943, 1682, False),
    "2000x500": (2000, 500, False),
    "200x100 sized": (200, 100, True),
    "2000x500 sized": (2000, 500, True),
}
METHODS = ("exact", "refine", "ip", "bound")
ALLOWED_SHARE, ALLOWED_SECONDS = 0.1, 1.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.limits")
    parser.add_argument("--method", choices=METHODS, action="append")
    parser.add_argument("--shape", choices=SHAPES, action="append")
    parser.add_argument("--problem", metavar="lm-min", action="append", help="repeatable")
    parser.add_argument("--limit", metavar="SECONDS", type=float, action="append")
    parser.add_argument("--kind", choices=("integer", "half-star", "real"), default="real")
    parser.add_argument("--groups", metavar="L", type=int, default=10)
    parser.add_argument("--threads", metavar="T", type=int, default=2)
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall")
    options = parser.parse_args()
    if options.clock == "processor":
        options.threads = 1
        time.perf_counter = time.process_time
    # read when numba and the OpenMP libraries are loaded, which is later
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(options.threads)
    print("| method | ratings | problem | limit | seconds | over | result |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    ends: dict[tuple[str, str], list[tuple[float, bool]]] = {}
    for row, over, beyond in _rows(options):
        ends.setdefault((row[0], row[3]), []).append((over, beyond))
        print(f"| {' | '.join(row)} |", flush=True)
    print("\n| method | limit | cases | latest | beyond a tenth of the limit and a second |")
    print("| --- | --- | --- | --- | --- |")
    for (method, limit), some in sorted(
        ends.items(), key=lambda end: (end[0][0], float(end[0][1]))
    ):
        latest, late = max(over for over, _ in some), sum(beyond for _, beyond in some)
        print(f"| {method} | {limit} | {len(some)} | {latest:.2f} | {late} |")
    return 0


def _rows(options: Any) -> Iterator[tuple[list[str], float, bool]]:
    from benchmarks.quality.instances import generated

    problems = [
        (semantics, agg)
        for semantics in ("lm", "av")
        for agg in ("min", "max", "sum", "wsum")
        if not options.problem or f"{semantics}-{agg}" in options.problem
    ]
    small = generated(40, 20, options.kind, 1)
    warm = set()
    for shape in options.shape or SHAPES:
        users, items, sized = SHAPES[shape]
        ratings = generated(users, items, options.kind, 0)
        most = -(-6 * users // (5 * options.groups)) if sized else None
        for method in options.method or METHODS:
            for semantics, agg in problems:
                if (method, semantics, agg, sized) not in warm:
                    _ended(method, small, semantics, agg, 3, 5.0, 16 if sized else None)
                    warm.add((method, semantics, agg, sized))
                for limit in options.limit or (0.1, 1.0, 3.0, 10.0):
                    asked = (method, ratings, semantics, agg, options.groups, limit, most)
                    seconds, found = _timed(*asked)
                    if _late(seconds, limit):  # by code that was compiled, or loaded, for it?
                        seconds, found = _timed(*asked)
                    beyond = _late(seconds, limit)
                    over = max(0.0, seconds - limit)
                    shown = f"{over:.2f}{' LATE' if beyond else ''}"
                    figures = [f"{limit:g}", f"{seconds:.2f}", shown, found]
                    yield [method, shape, f"{semantics}-{agg}", *figures], over, beyond


def _late(seconds: float, limit: float) -> bool:
    return seconds > limit * (1 + ALLOWED_SHARE) + ALLOWED_SECONDS


def _timed(*asked: Any) -> tuple[float, str]:
    started = time.perf_counter()
    found = _ended(*asked)
    return time.perf_counter() - started, found


def _ended(
    method: str,
    ratings: Any,
    semantics: str,
    agg: str,
    groups: int,
    limit: float,
    most: int | None,
) -> str:
    """What came of it: a status and a gap, or why there is neither."""
    from grouping import form
    from grouping.constraints import Constraints
    from grouping.errors import GroupingError
    from grouping.exact.bounding import upper_bound
    from grouping.methods import Budget
    from grouping.problem import Problem

    try:
        if method == "bound":
            constraints = Constraints.of(ratings.users, groups, max_size=most)
            problem = Problem.of(ratings, semantics, agg, groups, 5, constraints=constraints)
            return upper_bound(problem, Budget(time_limit=limit)).argument
        asked = (semantics, agg, groups, 5, method)
        found = form(ratings, *asked, time_limit=limit, max_size=most)
    except GroupingError as error:
        return f"{type(error).__name__}: {error}"[:90]
    gap = "" if found.gap is None else f", gap {100 * found.gap:.3g} %"
    return f"{found.status}{gap}"


if __name__ == "__main__":
    sys.exit(main())

"""Solve a case in this process, and say what came out, beside GRD and the theorems' bound."""

from __future__ import annotations

import resource
import time

from benchmarks.quality.cases import Case
from benchmarks.quality.instances import completed, generated, uniform
from grouping import Ratings, form
from grouping.errors import UndecidedError

MEASURED = (
    *("objective", "bound", "gap", "status", "seconds", "peak MB"),
    *("grd", "grd split", "theorem"),
)


def ratings_of(case: Case) -> Ratings | None:
    """Make or read the ratings of a case; None where the data is absent."""
    if case.users:
        make = uniform if case.family == "uniform" else generated
        return make(case.users, case.items, case.kind, case.seed)
    return completed(case.data, case.kind)


def warm_up(case: Case) -> None:
    """Compile what the case will need, on an instance of the same kind, out of the time."""
    small = generated(40, 20, case.kind, 1)
    most = None if case.max_size is None else 16
    form(small, case.semantics, case.agg, 3, 3, case.solver, time_limit=5, max_size=most)


_bounds: dict[tuple[object, ...], float] = {}


def _proven(ratings: Ratings, *asked: object) -> float:
    """The bound of a minute's exact search, looked for once for each problem."""
    key = id(ratings), *asked
    if key not in _bounds:
        _bounds[key] = form(ratings, *asked, "exact", time_limit=60).bound
    return _bounds[key]


def measure(case: Case, ratings: Ratings) -> dict[str, str]:
    """Solve the case.

    Returns
    -------
    row : dict
        The case's key and what was measured, as text.
    """
    asked = (case.semantics, case.agg, case.groups, case.k)
    plain = form(ratings, *asked).objective
    split = form(ratings, *asked, split_buckets=True).objective if asked[0] == "lm" else None
    if case.max_size is not None:  # GRD knows no sizes
        plain = split = None
    low, high = ratings.observed_range()
    allowed = None
    if case.semantics == "lm":  # theorems 4.6 and 4.8
        allowed = (high - low) * (case.k if case.agg == "sum" else 1)
    started = time.perf_counter()
    try:
        seed = case.seed if case.method == "refine" else 0
        found = form(
            ratings,
            *asked,
            case.solver,
            symmetry_breaking=case.solver != case.method,
            time_limit=case.limit,
            seed=seed,
            max_size=case.max_size,
        )
    except UndecidedError:
        figures = ("", "", "", "nothing found", time.perf_counter() - started)
    else:
        spent = time.perf_counter() - started
        bound = found.bound
        if case.method == "refine":
            bound = min(bound, _proven(ratings, *asked))
        gap = (bound - found.objective) / abs(bound)
        figures = (found.objective, bound, gap, found.status, spent)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    values = (*figures, round(peak), plain, split, allowed)
    named = zip(MEASURED, values, strict=True)
    return case.key | {name: "" if value is None else str(value) for name, value in named}

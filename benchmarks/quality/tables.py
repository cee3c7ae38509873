"""Markdown from the rows measured: one line for each problem, over its seeds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from benchmarks.quality.cases import Case

Row = dict[str, str]


def problems(cases: Sequence[Case], rows: dict[tuple[str, ...], Row]) -> str:
    """Table of what `exact` reached, and of how far GRD stays behind it."""
    head = (
        *("ratings", "problem", "seeds", "optimal", "gap median", "gap worst"),
        *("seconds median", "worst", "asked", "GRD's gap", "with splits"),
        *("error", "with splits", "theorem"),
    )
    lines = []
    for same in _by_problem(cases):
        found = [rows[row_key(case)] for case in same if row_key(case) in rows]
        if not found:
            continue
        case = same[0]
        gaps = [_gap(row["objective"], row["bound"]) for row in found]
        seconds = [float(row["seconds"]) for row in found]
        lines.append(
            (
                _ratings(case),
                f"{case.semantics}-{case.agg}, l = {case.groups}, k = {case.k}",
                len(found),
                f"{sum(row['status'] == 'optimal' for row in found)}",
                _percent(statistics.median(gaps)),
                _percent(max(gaps)),
                f"{statistics.median(seconds):.2f}",
                f"{max(seconds):.2f}",
                case.asked,
                _percent(statistics.median(_gap(row["grd"], row["bound"]) for row in found))
                if found[0]["grd"]
                else "",
                _percent(statistics.median(_gap(row["grd split"], row["bound"]) for row in found))
                if found[0]["grd split"]
                else "",
                *(_error(found, name) for name in ("grd", "grd split")),
                found[0]["theorem"],
            )
        )
    return _markdown(head, lines)


def _error(rows: Sequence[Row], name: str) -> str:
    """Largest distance from the bound; nothing where it was never measured."""
    errors = [float(row["bound"]) - float(row[name]) for row in rows if row["bound"] and row[name]]
    return f"{max(errors):.3g}" if errors else ""


TITLES = {
    "exact": "exact",
    "ip": "paper's program",
    "ip without symmetry": "groups numbered by first members",
}


def side_by_side(
    cases: Sequence[Case], rows: dict[tuple[str, ...], Row], one: str, other: str
) -> str:
    """Table of two methods on the same instances, the paper's program one of them."""
    head = ["users x items, l, k", "problem"]
    for method in (one, other):
        head += [f"{TITLES[method]} s", "gap"]
    lines = []
    for case in cases:
        if case.method != one:
            continue
        key = row_key(case)
        ours, theirs = rows.get(key), rows.get((*key[:-1], other))
        if ours is None or theirs is None:
            continue
        line = [f"{case.users} x {case.items}, {case.groups}, {case.k}"]
        line.append(f"{case.semantics}-{case.agg}")
        for row in (ours, theirs):
            gap = _percent(_gap(row["objective"], row["bound"])) if row["bound"] else "-"
            line += [f"{float(row['seconds']):.2f}", gap]
        lines.append(tuple(line))
    return _markdown(head, lines)


def row_key(case: Case) -> tuple[str, ...]:
    """Return what rows are kept by."""
    return tuple(case.key.values())


def _by_problem(cases: Iterable[Case]) -> list[list[Case]]:
    found: dict[tuple[str, ...], list[Case]] = {}
    for case in cases:
        key = {**case.key, "seed": ""}
        found.setdefault(tuple(key.values()), []).append(case)
    return list(found.values())


def _ratings(case: Case) -> str:
    size = f"{case.users} x {case.items} " if case.users else f"{case.family} "
    return size + case.kind


def _gap(objective: str, bound: str) -> float:
    if not bound or not objective:
        return float("inf")
    return (float(bound) - float(objective)) / abs(float(bound))


def _percent(gap: float) -> str:
    return "-" if gap == float("inf") else f"{100 * gap:.3g} %"


def _markdown(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    rule = ["---"] * len(head)
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in [head, rule, *lines])

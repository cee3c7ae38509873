"""Rows, Markdown and CSV of what was measured."""

from __future__ import annotations

import csv
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

COLUMNS = (
    *("case", "median s", "min s", "spread"),
    *("against", "its median s", "ratio", "ratio of minima", "asked"),
)
PACKAGES = ("grouping", "numba", "numpy", "scipy", "pandas", "scikit-learn")


def heading(document: dict[str, Any], size: str, threads: int) -> str:
    """Say on what the figures were measured."""
    policy = os.environ.get("OMP_WAIT_POLICY")
    waiting = f" (OMP_WAIT_POLICY={policy})" if policy else ""
    cpu = document["machine_info"]["cpu"]
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return (
        f"Size {size}, {threads} threads{waiting}; {cpu.get('brand_raw', 'processor unknown')}, "
        f"{cpu.get('count', '?')} cores, {platform.system()}; "
        f"Python {platform.python_version()}, {versions}.\n"
    )


def rows(document: dict[str, Any]) -> list[dict[str, str]]:
    """One row for each case and yardstick; spread is the interquartile range over the median."""
    found = []
    for benchmark in document["benchmarks"]:
        stats, info = benchmark["stats"], benchmark["extra_info"]
        own = {
            "table": benchmark["group"],
            "case": info["case"],
            "median s": _seconds(stats["median"]),
            "min s": _seconds(stats["min"]),
            "spread": f"{stats['iqr'] / stats['median']:.0%}",
        }
        asked = info["asked"]
        for other in info["against"]:
            found.append(
                {
                    **own,
                    "against": other["name"],
                    "its median s": _seconds(other["median"]),
                    "ratio": _ratio(other["ratio"]),
                    "ratio of minima": _ratio(other["ratio of minima"]),
                    "asked": other.get("asked", asked),
                }
            )
            asked = ""
    return found


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if value < 1000 else f"{value:.0f}"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 1 else f"{value:.2g}"


def markdown(found: list[dict[str, str]]) -> str:
    """A table under each title."""
    lines = []
    for title in dict.fromkeys(row["table"] for row in found):
        lines += [f"### {title}", ""]
        lines += ["| " + " | ".join(COLUMNS) + " |", "| --- " * len(COLUMNS) + "|"]
        lines += [
            "| " + " | ".join(row[column] for column in COLUMNS) + " |"
            for row in found
            if row["table"] == title
        ]
        lines.append("")
    return "\n".join(lines)


def write_csv(found: list[dict[str, str]], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ("table", *COLUMNS))
        writer.writeheader()
        writer.writerows(found)

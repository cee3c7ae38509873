"""Picture of where the paper's program stops, and where ours does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from benchmarks.quality.cases import Case
from benchmarks.quality.tables import Row, row_key


def draw(cases: Sequence[Case], rows: dict[tuple[str, ...], Row], path: Path) -> None:
    """Draw seconds and remaining gap against the size, for each problem."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 7), sharex=True)
    problems = sorted({(case.semantics, case.agg) for case in cases})
    for number, (semantics, agg) in enumerate(problems):
        for method, style in (("exact", "-"), ("ip", ":")):
            points = [
                (case, rows[row_key(case)])
                for case in cases
                if (case.semantics, case.agg, case.method) == (semantics, agg, method)
                and row_key(case) in rows
            ]
            sizes = [f"{case.users} x {case.items}" for case, _ in points]
            label = f"{semantics}-{agg}, {'exact' if method == 'exact' else 'the program'}"
            seconds = [max(float(row["seconds"]), 1e-3) for _, row in points]
            gaps = [
                100 * (float(row["bound"]) / float(row["objective"]) - 1) if row["bound"] else None
                for _, row in points
            ]
            look = {"linestyle": style, "marker": "o", "color": f"C{number}", "label": label}
            above.plot(sizes, seconds, **look)
            below.plot(sizes, [float("nan") if gap is None else gap for gap in gaps], **look)
    above.set_yscale("log")
    above.set_ylabel("seconds (limit 60)")
    below.set_yscale("symlog", linthresh=0.01)
    below.set_ylabel("(bound / objective - 1) in %")
    below.set_xlabel("users x items")
    below.set_ylim(bottom=-0.002)
    figure.legend(*above.get_legend_handles_labels(), fontsize=7, ncol=6, loc="upper center")
    figure.tight_layout(rect=(0, 0, 1, 0.94))
    figure.savefig(path, dpi=130)

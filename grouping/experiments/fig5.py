"""Figure 5: running time against the list length, LM and AV, min and sum (section 7.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grouping.experiments.claims import exponent, never_below
from grouping.experiments.formations import Panel, Setting
from grouping.experiments.study import Asked, Claim, Study
from grouping.experiments.times import time_study

if TYPE_CHECKING:
    import pandas as pd


def study(asked: Asked) -> Study:
    """Lay out figure 5: 100,000 users, 10,000 items, 10 groups."""
    users, items = (100_000, 10_000) if asked.full else (500, 80)
    lengths = (1, 5, 10, 25) if asked.full else (1, 5, 10)
    panels = [
        Panel(
            f"{semantics.upper()}-{agg}",
            "k",
            lengths,
            Setting(users, items, 10, 5, semantics, agg),
        )
        for semantics in ("lm", "av")
        for agg in ("min", "sum")
    ]
    title = "Figure 5: running time against the list length"
    return time_study("fig5", title, asked, panels, claims)


def claims(frame: pd.DataFrame) -> list[Claim]:
    """Hold section 7.2 against the points."""
    found = [
        never_below(
            frame, "greedy", "baseline", "seconds", "GRD is faster than the baseline", lower=True
        )
    ]
    for panel in ("LM-min", "LM-sum"):
        text = f"{panel}: GRD's time hardly depends on k"
        found.append(exponent(frame, panel, "k", "greedy", "seconds", -0.2, 0.2, text))
    return found

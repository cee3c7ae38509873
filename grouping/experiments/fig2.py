"""Figure 2: the objective against the list length, LM-min and LM-sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grouping.experiments.claims import above, near_optimum, trend
from grouping.experiments.formations import Panel, Setting
from grouping.experiments.quality import METHODS_COMPARED, quality_study
from grouping.experiments.study import Asked, Claim, Study

if TYPE_CHECKING:
    import pandas as pd


def study(asked: Asked) -> Study:
    """Lay out figure 2: 200 users, 100 items, 10 groups."""
    if asked.full:
        base, lengths = Setting(200, 100, 10, 5), [1, 5, 10, 15, 20, 25]
    else:
        base, lengths = Setting(30, 15, 4, 3), [1, 3, 6]
    panels = [
        Panel("LM-min", "k", lengths, Setting(**vars(base) | {"agg": "min"})),
        Panel("LM-sum", "k", lengths, Setting(**vars(base) | {"agg": "sum"})),
    ]
    title = "Figure 2: objective against the list length"
    return quality_study("fig2", title, asked, panels, METHODS_COMPARED, claims)


def claims(frame: pd.DataFrame) -> list[Claim]:
    """Hold section 7.1.1 against the points."""
    return [
        above(frame, "greedy", "baseline", "objective", "GRD is above the baseline"),
        near_optimum(frame, "greedy", "GRD is comparable to the optimum"),
        near_optimum(frame, "refine", "(ours) refine is comparable to the optimum"),
        trend(
            frame, "LM-min", "k", "greedy", "objective", False, "min: the objective falls with k"
        ),
        trend(frame, "LM-sum", "k", "greedy", "objective", True, "sum: the objective rises with k"),
    ]

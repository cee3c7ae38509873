"""Figure 1: the objective against users, items and groups, LM-max."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grouping.experiments.claims import above, near_optimum, trend
from grouping.experiments.formations import Panel, Setting
from grouping.experiments.quality import METHODS_COMPARED, quality_study
from grouping.experiments.study import Asked, Claim, Study

if TYPE_CHECKING:
    import pandas as pd


def study(asked: Asked) -> Study:
    """Lay out figure 1: 200 users, 100 items, 10 groups, k = 5 but where varied."""
    if asked.full:
        base = Setting(200, 100, 10, 5, "lm", "max")
        users, items, groups = (
            [100, 200, 400, 600, 900, 2_000, 6_000],
            [50, 100, 200, 400, 800, 1_600, 3_200],
            [5, 10, 20, 30, 50, 100],
        )
    else:
        base = Setting(30, 15, 4, 3, "lm", "max")
        users, items, groups = [15, 30, 60], [8, 15, 30], [2, 4, 8]
    panels = [
        Panel("users", "users", users, base),
        Panel("items", "items", items, base),
        Panel("groups", "groups", groups, base),
    ]
    title = "Figure 1: objective under LM-max"
    return quality_study("fig1", title, asked, panels, METHODS_COMPARED, claims)


def claims(frame: pd.DataFrame) -> list[Claim]:
    """Hold section 7.1.1 against the points."""
    return [
        above(frame, "greedy", "baseline", "objective", "GRD is above the baseline"),
        near_optimum(frame, "greedy", "GRD is comparable to the optimum"),
        near_optimum(frame, "refine", "(ours) refine is comparable to the optimum"),
        trend(
            frame,
            "users",
            "users",
            "greedy",
            "objective",
            False,
            "GRD's objective falls with users",
        ),
        trend(
            frame, "items", "items", "greedy", "objective", True, "GRD's objective rises with items"
        ),
        trend(
            frame,
            "groups",
            "groups",
            "greedy",
            "objective",
            True,
            "GRD's objective rises with groups",
        ),
    ]

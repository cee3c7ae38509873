"""Figure 3: average satisfaction over the list, AV-min, against users, items, groups and k."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grouping.experiments.claims import above, near_optimum, trend
from grouping.experiments.formations import Panel, Setting
from grouping.experiments.quality import METHODS_COMPARED, quality_study
from grouping.experiments.study import Asked, Claim, Study

if TYPE_CHECKING:
    import pandas as pd

Y, LABEL = "satisfaction", "average over the list"


def study(asked: Asked) -> Study:
    """Lay out figure 3: 200 users, 100 items, 10 groups, k = 5 but where varied."""
    if asked.full:
        base = Setting(200, 100, 10, 5, "av", "min")
        users, items = (
            [100, 200, 400, 600, 900, 2_000, 6_000],
            [50, 100, 200, 400, 800, 1_600, 3_200],
        )
        groups, lengths = [5, 10, 20, 30, 50, 100], [1, 5, 10, 15, 20, 25]
    else:
        base = Setting(30, 15, 4, 3, "av", "min")
        users, items, groups, lengths = [15, 30, 60], [8, 15, 30], [2, 4, 8], [1, 3, 6]
    panels = [
        Panel("users", "users", users, base, Y, LABEL),
        Panel("items", "items", items, base, Y, LABEL),
        Panel("groups", "groups", groups, base, Y, LABEL),
        Panel("list length", "k", lengths, base, Y, LABEL),
    ]
    title = "Figure 3: average satisfaction over the list under AV-min"
    made = quality_study("fig3", title, asked, panels, METHODS_COMPARED, claims)
    note = (
        "The paper's measure averages over groups, so that a group of one counts as much as one of "
        "a hundred; the column member_satisfaction averages over members."
    )
    return Study(**vars(made) | {"notes": (*made.notes, note)})


def claims(frame: pd.DataFrame) -> list[Claim]:
    """Hold section 7.1.2 against the points."""
    found = [
        near_optimum(frame, "greedy", "GRD's objective is comparable to the optimum"),
        near_optimum(frame, "refine", "(ours) refine's objective is comparable to the optimum"),
        above(
            frame,
            "greedy",
            "baseline",
            "objective",
            "(ours) GRD's objective is above the baseline's",
        ),
        above(frame, "refine", "baseline", "objective", "(ours) refine's objective is so too"),
        above(frame, "greedy", "baseline", Y, "GRD is above the baseline"),
        above(
            frame,
            "greedy",
            "baseline",
            "member_satisfaction",
            "(ours) so it is where members count, not groups",
        ),
    ]
    for panel, vary, text in (
        ("items", "items", "satisfaction rises with items"),
        ("groups", "groups", "satisfaction rises with groups"),
        ("list length", "k", "satisfaction over the list rises with k"),
    ):
        found.append(trend(frame, panel, vary, "greedy", Y, True, text))
    return found

"""Figure 6: running time against users, items and groups, AV-min (section 7.2.2)."""

from __future__ import annotations

from grouping.experiments.study import Asked, Study
from grouping.experiments.times import size_claims, size_panels, time_study


def study(asked: Asked) -> Study:
    """Lay out figure 6: 100,000 users, 10,000 items, 10 groups, k = 5 but where varied."""
    title = "Figure 6: running time under AV-min"
    return time_study("fig6", title, asked, size_panels(asked, "av"), size_claims)

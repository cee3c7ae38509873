"""Figure 4: running time against users, items and groups, LM-min (section 7.2.1)."""

from __future__ import annotations

from grouping.experiments.study import Asked, Study
from grouping.experiments.times import size_claims, size_panels, time_study


def study(asked: Asked) -> Study:
    """Lay out figure 4: 100,000 users, 10,000 items, 10 groups, k = 5 but where varied."""
    title = "Figure 4: running time under LM-min"
    return time_study("fig4", title, asked, size_panels(asked, "lm"), size_claims)

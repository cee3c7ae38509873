"""Figure 5: running time against the list length, LM and AV, min and sum (section 7.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grouping.experiments.claims import above, exponent
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
        above(frame, "greedy", "baseline", "seconds", "GRD is faster than the baseline", lower=True)
    ]
    for panel in ("LM-min", "LM-sum"):
        text = f"{panel}: GRD's time hardly depends on k"
        found.append(exponent(frame, panel, "k", "greedy", "seconds", -0.2, 0.2, text))
    found.append(_av_is_slower(frame))
    return found


def _av_is_slower(frame: pd.DataFrame) -> Claim:
    """GRD takes longer under AV than under LM, of the averages at every list length."""
    text = "GRD takes longer under AV than under LM"
    greedy = frame[frame["method"] == "greedy"]
    mean = greedy.pivot_table(index=["agg", "k"], columns="semantics", values="seconds")
    if not {"lm", "av"} <= set(mean.columns):
        return Claim(text, None, "")
    ratio = mean["av"] / mean["lm"]
    return Claim(
        text,
        bool((ratio > 1).all()),
        f"at {int((ratio > 1).sum())} of {len(ratio)} averages; ratio {ratio.min():.3g} to "
        f"{ratio.max():.3g}, median {ratio.median():.3g}",
    )

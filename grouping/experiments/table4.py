"""Table 4: sizes of groups, LM and AV, max and sum."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from grouping.experiments.figures import STYLES, in_thousands, legend_below
from grouping.experiments.formations import (
    COLUMNS,
    Measurer,
    Panel,
    Setting,
    averages,
    on_given,
    points_of,
    pool_for,
)
from grouping.experiments.study import Asked, Claim, Study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

METHODS_COMPARED = ("greedy", "refine")
SIZES = ("size_min", "size_q1", "size_median", "size_q3", "size_max")
SAMPLES = 10
BALANCED = 2.0
"""Sizes count as balanced while the largest group is at most so many times the mean size."""

SQUARES = tuple((semantics, agg) for semantics in ("lm", "av") for agg in ("max", "sum"))


def study(asked: Asked) -> Study:
    """Lay out table 4: 200 users, 100 items, 10 groups, k = 5."""
    base = Setting(200, 100, 10, 5) if asked.full else Setting(40, 15, 4, 3)
    panels = on_given(_squares(base), asked, beyond=False)
    runs = SAMPLES if asked.full else 3
    return Study(
        "table4",
        "Table 4: sizes of groups",
        COLUMNS,
        points_of(panels, asked.chosen(METHODS_COMPARED), asked.seeds(runs)),
        Measurer(pool_for(panels, asked.ratings), 1.0, asked.threads),
        lambda frame, figure: draw(frame, panels, figure),
        claims,
        lambda frame: five_numbers(frame, panels),
        notes=(
            "Boxes are drawn from averages of the samples' five numbers (minimum, quartiles, "
            "maximum); the CSV has the five numbers of every sample. What sizes depend on is "
            "tried by the experiment balance.",
        ),
    )


def _squares(base: Setting) -> list[Panel]:
    return [
        Panel(
            f"{semantics.upper()}-{agg}",
            "groups",
            (base.groups,),
            replace(base, semantics=semantics, agg=agg),
        )
        for semantics, agg in SQUARES
    ]


def draw(frame: pd.DataFrame, panels: list[Panel], figure: Figure) -> None:
    """Draw the five numbers as boxes, a panel an objective.

    Parameters
    ----------
    frame : pandas.DataFrame
        All points.
    panels : list of Panel
    figure : matplotlib Figure
        Empty.
    """
    from matplotlib.ticker import LogLocator, NullLocator

    table = five_numbers(frame, panels)
    figure.set_size_inches(2.8 * len(panels), 3.4)
    places = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for place, panel in zip(places, panels, strict=True):
        part = table[table["panel"] == panel.name]
        boxes = [
            dict(zip(("whislo", "q1", "med", "q3", "whishi"), row, strict=True)) | {"fliers": []}
            for row in part[list(SIZES)].to_numpy().tolist()
        ]
        names = [STYLES.get(method, (method,))[0] for method in part["method"]]
        place.bxp(boxes, widths=0.5, medianprops={"color": "C3", "linewidth": 2})
        place.set_xticks(range(1, len(names) + 1), names)
        even = panel.base.users / panel.base.groups
        place.axhline(even, color="k", linestyle=":", label="groups of one size")
        place.set(title=panel.name, yscale="log")
    places[0].set(ylabel="users in a group")
    places[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    places[0].yaxis.set_minor_locator(NullLocator())
    places[0].yaxis.set_major_formatter(in_thousands)
    legend_below(figure)


def five_numbers(frame: pd.DataFrame, panels: list[Panel]) -> pd.DataFrame:
    """Average each of the five numbers over the samples.

    Returns
    -------
    table : pandas.DataFrame
        Columns panel, x, method, runs and the five numbers.
    """
    table = averages(frame, [replace(panel, y="size_max") for panel in panels])
    table = table.drop(columns=["mean", "least", "most", "proven"])
    for size in SIZES:
        table[size] = averages(frame, [replace(panel, y=size) for panel in panels])["mean"]
    return table


def claims(frame: pd.DataFrame) -> list[Claim]:
    """Hold section 7.1.3 against the points."""
    greedy = frame[frame["method"] == "greedy"]
    names = [f"{semantics.upper()}-{agg}" for semantics, agg in SQUARES]
    largest = greedy.groupby("panel")["size_max"].mean()
    spread = {name: float(largest[name] / _part(greedy, name)["users"].mean()) for name in names}
    return [
        Claim(
            "GRD's groups are balanced",
            all(
                spread[name] * float(_part(greedy, name)["groups"].mean()) <= BALANCED
                for name in names
            ),
            "the largest group holds "
            + ", ".join(f"{100 * spread[name]:.3g} % ({name})" for name in names),
        ),
        Claim(
            "LM: max gives more uniform groups than sum",
            spread["LM-max"] < spread["LM-sum"],
            f"largest group {100 * spread['LM-max']:.3g} % against {100 * spread['LM-sum']:.3g} %",
        ),
        Claim(
            "sizes vary less under AV than under LM",
            spread["AV-max"] < spread["LM-max"] and spread["AV-sum"] < spread["LM-sum"],
            f"max: {100 * spread['AV-max']:.3g} % against {100 * spread['LM-max']:.3g} %, sum: "
            f"{100 * spread['AV-sum']:.3g} % against {100 * spread['LM-sum']:.3g} %",
        ),
    ]


def _part(frame: pd.DataFrame, panel: str) -> pd.DataFrame:
    return frame[frame["panel"] == panel]

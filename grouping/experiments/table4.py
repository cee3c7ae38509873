"""Table 4: sizes of groups, LM and AV, max and sum; and what balances them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from grouping.experiments.figures import draw_panels
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

METHODS_COMPARED = ("greedy", "refine")
SIZES = ("size_min", "size_q1", "size_median", "size_q3", "size_max")
SAMPLES = 10
BALANCED = 2.0
"""Sizes count as balanced while the largest group is at most so many times the mean size."""

DECIDING = ("panel", "step", "k", "items", "noise", "density")

SQUARES = tuple((semantics, agg) for semantics in ("lm", "av") for agg in ("max", "sum"))


def study(asked: Asked) -> Study:
    """Lay out table 4 (200 users, 100 items, 10 groups, k = 5), and what sizes depend on."""
    base = Setting(200, 100, 10, 5) if asked.full else Setting(40, 15, 4, 3)
    panels = on_given(_of_the_paper(base), asked, beyond=False) + _varied(base, asked)
    shown = [panel for panel in panels if len(panel.values) > 1]
    runs = SAMPLES if asked.full else 3
    return Study(
        "table4",
        "Table 4: sizes of groups",
        COLUMNS,
        points_of(panels, asked.chosen(METHODS_COMPARED), asked.seeds(runs)),
        Measurer(pool_for(panels, asked.ratings), 1.0, asked.threads),
        lambda frame, figure: draw_panels(frame, shown, figure),
        claims,
        lambda frame: five_numbers(frame, panels),
        notes=("The largest group is drawn; the CSV has all five numbers of every sample.",),
    )


def _of_the_paper(base: Setting) -> list[Panel]:
    return [
        Panel(
            f"{semantics.upper()}-{agg}",
            "groups",
            (base.groups,),
            replace(base, semantics=semantics, agg=agg),
        )
        for semantics, agg in SQUARES
    ]


def _varied(base: Setting, asked: Asked) -> list[Panel]:
    """Panels that vary one setting at a time under LM-sum.

    The step that ratings are rounded to (0: not rounded), the list length and the items (both of
    whole ratings); the noise of users' tastes, and the density of ratings whose gaps count as
    the lowest (both synthetic, whatever is given).
    """
    whole = replace(base, agg="sum", step=1.0)
    lengths = (1, 2, 3, 5, 10) if asked.full else (1, 3)
    items = (5, 10, 25, 100) if asked.full else (4, 15)
    noises = (0.0, 0.05, 0.1, 0.25, 0.5)
    densities = (0.02, 0.05, 0.2, 0.5, 1.0)
    y, label = "size_max", "largest group"
    of_any = [
        Panel("step", "step", (0.0, 0.5, 1.0, 2.0), whole, y, label),
        Panel("list length", "k", lengths, whole, y, label),
        Panel("items", "items", items, replace(whole, k=3), y, label),
    ]
    given = on_given(of_any, replace(asked, step=1.0), beyond=False)
    return [
        *given,
        Panel("noise", "noise", noises, whole, y, label),
        Panel("density", "density", densities, replace(whole, data="sparse"), y, label),
    ]


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
    found = [
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
    rest = greedy[~greedy["panel"].isin(names)]
    share = rest["size_max"] * rest["formed"] / rest["users"]
    mean = share.groupby([rest[column].fillna(-1) for column in DECIDING]).mean()
    settings = mean.index.to_frame(index=False)
    most = settings.iloc[int(mean.to_numpy().argmin())]
    count = int((mean <= BALANCED).sum())
    found.append(
        Claim(
            "(ours) there are ratings on which GRD's groups are balanced",
            bool(count),
            f"in {count} of {len(mean)} settings; most in panel {most['panel']}, step "
            f"{most['step']:g}, k = {most['k']}, {most['items']} items, noise {most['noise']:g}: "
            f"largest {mean.min():.3g} times the mean",
        )
    )
    return found


def _part(frame: pd.DataFrame, panel: str) -> pd.DataFrame:
    return frame[frame["panel"] == panel]

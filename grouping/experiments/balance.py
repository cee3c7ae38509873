"""Where GRD's groups are balanced, if anywhere: by rounding, list length, items, noise, density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from grouping.experiments.figures import AXES
from grouping.experiments.formations import (
    COLUMNS,
    Measurer,
    Panel,
    Setting,
    on_given,
    points_of,
    pool_for,
)
from grouping.experiments.study import Asked, Claim, Study
from grouping.experiments.table4 import BALANCED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METHODS_COMPARED = ("greedy",)
SAMPLES = 10

AT_THE_SIDE = {
    "step": "rounded to multiples of (0: not)",
    "items": "items",
    "noise": "noise of tastes",
    "density": "share of ratings given",
}
ACROSS = 4


@dataclass(frozen=True)
class Map:
    """A table of settings: list lengths across, another setting down.

    Attributes
    ----------
    name : str
    down : str
        Field of `Setting`.
    rows : sequence of float
        Its values.
    base : Setting
    synthetic : bool
        Whether it is about what only synthetic ratings have.
    """

    name: str
    down: str
    rows: Sequence[float]
    base: Setting
    synthetic: bool = False

    def panels(self, asked: Asked, lengths: Sequence[int]) -> list[Panel]:
        """One panel a row."""
        found: list[Panel] = []
        for row in self.rows:
            base = replace(self.base, **{self.down: row})  # type: ignore[arg-type]
            fitting = [k for k in lengths if k <= base.items]
            panels = [Panel(f"{self.name}: {row:g}", "k", fitting, base)]
            if not self.synthetic:
                panels = on_given(panels, replace(asked, step=base.step), beyond=False)
            found += panels
        return found


def maps_of(full: bool) -> list[Map]:
    """Maps of the paper's size (200 users, 100 items, 10 groups), or of a small one.

    Ratings are whole numbers unless their rounding varies. Rounding is mapped for three
    objectives (under AV, buckets are the same whatever the aggregation); the rest under LM-sum.

    Parameters
    ----------
    full : bool

    Returns
    -------
    maps : list of Map
    """
    base = Setting(200, 100, 10, 5, step=1.0) if full else Setting(40, 15, 4, 3, step=1.0)
    items = (5, 10, 25, 100) if full else (4, 15)
    summed = replace(base, agg="sum")
    sparse = replace(summed, data="sparse", step=None)
    steps, noises = (0.0, 0.5, 1.0, 2.0, 4.0), (0.0, 0.05, 0.1, 0.25, 0.5)
    densities = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    few = items[1] if full else items[0]
    return [
        Map("LM-max, rounding", "step", steps, base),
        Map("LM-sum, rounding", "step", steps, summed),
        Map("AV, rounding", "step", steps, replace(summed, semantics="av")),
        Map("LM-sum, items", "items", items, summed),
        Map("LM-sum, noise", "noise", noises, summed, synthetic=True),
        Map("LM-sum, density", "density", densities, sparse, synthetic=True),
        Map(
            f"LM-sum, density, {few} items",
            "density",
            densities,
            replace(sparse, items=few),
            synthetic=True,
        ),
    ]


def study(asked: Asked) -> Study:
    """Lay out the maps; a point is a sample's formation in one cell of one of them."""
    maps = maps_of(asked.full)
    lengths = (1, 2, 3, 5, 10) if asked.full else (1, 3)
    panels = [panel for each in maps for panel in each.panels(asked, lengths)]
    runs = SAMPLES if asked.full else 3
    return Study(
        "balance",
        "Where GRD's groups are balanced",
        COLUMNS,
        points_of(panels, asked.chosen(METHODS_COMPARED), asked.seeds(runs)),
        Measurer(pool_for(panels, asked.ratings), 1.0, asked.threads),
        lambda frame, figure: draw(frame, maps, figure),
        claims,
        lambda frame: table(frame),
        notes=(
            "The largest group, in units of users / groups asked for: 1 would be balance, and as "
            f"many as there are groups one group of everybody. Up to {BALANCED:g} counts as "
            "balanced. Noise and density are of synthetic ratings, whatever ratings are given; "
            "where they have gaps, these count as the lowest rating.",
        ),
    )


def table(frame: pd.DataFrame) -> pd.DataFrame:
    """Average the samples of each setting.

    Parameters
    ----------
    frame : pandas.DataFrame

    Returns
    -------
    table : pandas.DataFrame
        Columns panel, k, method, runs, mean, least, most (of the largest group, in units of the
        mean size) and formed (groups).
    """
    units = frame.assign(share=frame["size_max"] * frame["groups"] / frame["users"])
    grouped = units.groupby(["panel", "k", "method"], sort=False)
    found: pd.DataFrame = grouped.agg(
        runs=("share", "count"),
        mean=("share", "mean"),
        least=("share", "min"),
        most=("share", "max"),
        formed=("formed", "mean"),
    ).reset_index()
    return found


def draw(frame: pd.DataFrame, maps: Sequence[Map], figure: Figure) -> None:
    """Draw each map: the average over the samples in every cell, framed where it is balanced.

    Parameters
    ----------
    frame : pandas.DataFrame
        All points; of several methods the first is drawn.
    maps : sequence of Map
    figure : matplotlib Figure
        Empty.
    """
    means = table(frame[frame["method"] == frame["method"].iloc[0]])
    down = -(-len(maps) // ACROSS)
    figure.set_size_inches(3.3 * ACROSS, 2.8 * down)
    figure.suptitle("largest group, in units of users / groups asked for (framed: balanced)")
    places = figure.subplots(down, ACROSS, squeeze=False).ravel()
    for place, each in zip(places, maps, strict=False):
        rows = [row for row in each.rows if (means["panel"] == f"{each.name}: {row:g}").any()]
        _draw_map(means, each, rows, place)
    for place in places[len(maps) :]:
        place.set_visible(False)


def _draw_map(means: pd.DataFrame, each: Map, rows: Sequence[float], place: Axes) -> None:
    from matplotlib.colors import LogNorm

    cells = means[means["panel"].isin([f"{each.name}: {row:g}" for row in rows])]
    grid = cells.pivot_table(index="panel", columns="k", values="mean", sort=False)
    grid = grid[sorted(grid.columns)]
    values = grid.to_numpy()
    place.imshow(values, cmap="Blues", norm=LogNorm(1, each.base.groups), aspect="auto")
    for (row, column), value in _cells(values):
        balanced = value <= BALANCED
        place.text(
            column,
            row,
            f"{value:.1f}",
            ha="center",
            va="center",
            color="white" if value > each.base.groups / 2 else "black",
            weight="bold" if balanced else "normal",
            bbox={"facecolor": "none", "edgecolor": "C3", "linewidth": 1.5} if balanced else None,
        )
    place.set(title=each.name, xlabel=AXES["k"], ylabel=AT_THE_SIDE[each.down])
    place.set_xticks(range(len(grid.columns)), [str(k) for k in grid.columns])
    place.set_yticks(range(len(rows)), [f"{row:g}" for row in rows])


def _cells(values: object) -> list[tuple[tuple[int, int], float]]:
    """Cells that were measured, with where they are."""
    import numpy as np

    return [
        ((row, column), float(value))
        for (row, column), value in np.ndenumerate(np.asarray(values, float))
        if value == value
    ]


def claims(frame: pd.DataFrame) -> list[Claim]:
    """Say in which settings the groups of GRD are balanced."""
    means = table(frame[frame["method"] == "greedy"])
    if len(means) == 0:
        return [Claim("(ours) there are ratings on which GRD's groups are balanced", None, "")]
    balanced = means[means["mean"] <= BALANCED].sort_values("mean", kind="stable")
    best = means.iloc[int(means["mean"].to_numpy().argmin())]
    found = [f"in {len(balanced)} of {len(means)} settings"]
    found += [
        f"{row.panel}, k = {row.k}: {row.mean:.2f}"
        for row in balanced.head(8).itertuples(index=False)
    ]
    if len(balanced) == 0:
        found.append(f"nearest {best['panel']}, k = {best['k']}: {best['mean']:.2f}")
    return [
        Claim(
            "(ours) there are ratings on which GRD's groups are balanced",
            len(balanced) > 0,
            "; ".join(found),
        )
    ]

"""Drawing of panels: a line a method through the averages, the spread of the runs around it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grouping.experiments.formations import Panel
from grouping.pictures import save_picture

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = {
    "greedy": ("GRD", "C0", "o"),
    "split": ("GRD, split buckets", "C2", "s"),
    "refine": ("refine", "C2", "s"),
    "baseline": ("baseline", "C3", "^"),
    "exact": ("optimum, proven", "k", "*"),
    "kmeans": ("K-means", "C4", "v"),
    "fasterpam": ("FasterPAM", "C5", "D"),
    "ip": ("integer program", "C6", "P"),
}
WIDE = 20
"""An axis whose largest value is this many times the smallest is logarithmic."""

AXES = {"k": "items on the list, k"}
"""What is written at an axis, where it is not the name of the setting."""

ACROSS = 4
"""Panels side by side, at most."""


def legend_below(figure: Figure) -> None:
    """Put one legend for all panels below them.

    Parameters
    ----------
    figure : matplotlib Figure
    """
    names: dict[str, Any] = {}
    for place in figure.axes:
        handles, labels = place.get_legend_handles_labels()
        names |= dict(zip(labels, handles, strict=True))
    figure.legend(
        names.values(), names.keys(), loc="outside lower center", ncols=max(1, len(names))
    )


def in_thousands(value: float, place: object = None) -> str:
    """Write a number at an axis: 500, 2.5k, 200k.

    Parameters
    ----------
    value : float
    place : object
        Ignored; matplotlib gives it.

    Returns
    -------
    text : str
    """
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:.10g}"


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as PNG and SVG, which depend on nothing but the figure.

    Parameters
    ----------
    figure : matplotlib Figure
    folder : Path
    name : str
        Of the files, without ending.
    """
    for ending in ("png", "svg"):
        save_picture(figure, folder / f"{name}.{ending}")


def draw_panels(frame: pd.DataFrame, panels: Sequence[Panel], figure: Figure) -> None:
    """Draw panels side by side.

    Parameters
    ----------
    frame : pandas.DataFrame
        All points.
    panels : sequence of Panel
    figure : matplotlib Figure
        Empty.
    """
    down = -(-len(panels) // ACROSS)
    across = -(-len(panels) // down)
    figure.set_size_inches(3.4 * across, 3.0 * down)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for place, panel in zip(axes, panels, strict=False):
        _draw(frame[frame["panel"] == panel.name], panel, place)
    for place in axes[len(panels) :]:
        place.set_visible(False)
    legend_below(figure)


def _draw(part: pd.DataFrame, panel: Panel, place: Axes) -> None:
    place.set(title=panel.name, xlabel=AXES.get(panel.vary, panel.vary), ylabel=panel.label)
    for method, points in part.groupby("method", sort=False):
        label, colour, marker = STYLES.get(str(method), (str(method), "C7", "."))
        proven = points
        if method == "exact":
            # an average over some of the runs would not compare with the others
            proven = points.groupby(panel.vary).filter(lambda x: (x["status"] == "optimal").all())
            if len(proven) < len(points):
                _draw_unproven(points, panel, place)
        runs = proven.dropna(subset=[panel.y]).groupby(panel.vary)[panel.y]
        table = runs.agg(["mean", "min", "max"])
        if len(table):
            # where nothing is drawn, the line must not lead across
            table = table.reindex(sorted(points[panel.vary].dropna().unique()))
            x = table.index
            place.plot(x, table["mean"], color=colour, marker=marker, markersize=4, label=label)
            place.fill_between(x, table["min"], table["max"], color=colour, alpha=0.2)
    _scale(panel, place)


def _draw_unproven(points: pd.DataFrame, panel: Panel, place: Axes) -> None:
    """Draw the upper bound of the objective, or what the best formations found have else."""
    column, label = ("bound", "upper bound") if panel.y == "objective" else (panel.y, "best found")
    mean = points.dropna(subset=[column]).groupby(panel.vary)[column].mean()
    place.plot(mean.index, mean, "k:", linewidth=1, label=label)


def _scale(panel: Panel, place: Axes) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    values = [value for value in panel.values if value]
    if values and len(values) == len(panel.values) and max(values) >= WIDE * min(values):
        place.set_xscale("log")
        place.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        place.xaxis.set_minor_locator(NullLocator())
    else:
        place.xaxis.set_major_locator(MaxNLocator(5))
    place.xaxis.set_major_formatter(in_thousands)
    if panel.y.startswith("seconds") and place.lines:
        low, high = place.dataLim.intervaly
        if high >= WIDE * low:
            place.set_yscale("log")
            place.yaxis.set_major_formatter(in_thousands)
        else:
            place.set_ylim(0, 1.05 * high)

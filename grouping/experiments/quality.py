"""What figures 1 to 3 share: formations compared by worth, against proven optima."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from grouping.experiments.figures import draw_panels
from grouping.experiments.formations import (
    COLUMNS,
    Measurer,
    Panel,
    averages,
    on_given,
    points_of,
    pool_for,
)
from grouping.experiments.study import Asked, Claim, Study

if TYPE_CHECKING:
    import pandas as pd

METHODS_COMPARED = ("greedy", "refine", "baseline", "exact")
RUNS = 3
SECONDS_FULL, SECONDS_SMALL = 10.0, 1.0
"""For each search for an optimum."""


def quality_study(
    name: str,
    title: str,
    asked: Asked,
    panels: Sequence[Panel],
    methods: Sequence[str],
    claims: Callable[[pd.DataFrame], list[Claim]],
    runs: int = RUNS,
) -> Study:
    """Lay out a study that compares what formations are worth.

    Parameters
    ----------
    name, title : str
    asked : Asked
    panels : sequence of Panel
    methods : sequence of str
        Those that are registered are compared.
    claims : callable
    runs : int

    Returns
    -------
    study : Study
    """
    panels = on_given(panels, asked, beyond=False)
    limit = asked.time_limit or (SECONDS_FULL if asked.full else SECONDS_SMALL)
    return Study(
        name,
        title,
        COLUMNS,
        points_of(panels, asked.chosen(methods), asked.seeds(runs)),
        Measurer(pool_for(panels, asked.ratings), limit, asked.threads),
        lambda frame, figure: draw_panels(frame, panels, figure),
        claims,
        lambda frame: averages(frame, panels),
        notes=(
            f"The search for an optimum had {limit:g} s a point. Its status says whether it was "
            "proven; where not, the upper bound is drawn. refine had one annealing, which depends "
            "on the seed alone; with more time it finds more.",
        ),
    )

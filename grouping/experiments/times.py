"""What figures 4 to 6 share: running times of GRD and the baseline, on one thread."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from grouping import __version__
from grouping.experiments.claims import above, exponent, trend
from grouping.experiments.figures import draw_panels
from grouping.experiments.formations import (
    COLUMNS,
    Measurer,
    Panel,
    Setting,
    averages,
    left_synthetic,
    on_given,
    points_of,
    pool_for,
)
from grouping.experiments.kept import Kept
from grouping.experiments.study import Asked, Claim, Study
from grouping.points import described

if TYPE_CHECKING:
    import pandas as pd

METHODS_COMPARED = ("greedy", "baseline")
RUNS = 3
SECONDS = 60.0
"""For methods that search for an optimum, should one be asked for."""

MUSIC_ITEMS = 136_736
"""Items of the paper's larger data set."""


def time_study(
    name: str,
    title: str,
    asked: Asked,
    panels: Sequence[Panel],
    claims: Callable[[pd.DataFrame], list[Claim]],
) -> Study:
    """Lay out a study of running times.

    Parameters
    ----------
    name, title : str
    asked : Asked
    panels : sequence of Panel
    claims : callable

    Returns
    -------
    study : Study
    """
    panels = [
        replace(panel, y="seconds", label="seconds")
        for panel in on_given(panels, asked, beyond=True)
    ]
    threads = asked.threads or 1
    pool = pool_for(panels, asked.ratings)
    keep = None
    if asked.folder is not None:  # synthetic ratings depend on the extent of all of them
        given = [described(asked.ratings), pool.users, pool.items]
        keep = Kept(asked.folder, [__version__, threads, *given])
    return Study(
        name,
        title,
        COLUMNS,
        points_of(panels, asked.chosen(METHODS_COMPARED), asked.seeds(RUNS)),
        Measurer(pool, SECONDS, threads, timed=True, keep=keep),
        lambda frame, figure: draw_panels(frame, panels, figure),
        claims,
        lambda frame: averages(frame, panels),
        notes=(
            f"Both methods ran on {threads} thread(s); the baseline's K-means always has one, for "
            "results that depend on the seed alone. Times are of whole formations from ratings in "
            "memory: finding each user's best items (seconds_lists), forming (seconds_method), "
            "scoring (seconds_score). What is done in less than a second is done three times, and "
            "the shortest counts. The baseline's clusters, which depend on neither semantics, "
            "aggregation nor k, are formed once a sample and number of groups if that takes a "
            "second or more, and their time counts at every such point; fig4 and fig6 share them "
            "in one folder.",
            *left_synthetic(panels, asked),
        ),
    )


def size_panels(asked: Asked, semantics: str) -> list[Panel]:
    """Panels of figures 4 and 6: users, items, groups, and items of sparse ratings.

    Parameters
    ----------
    asked : Asked
    semantics : {"lm", "av"}

    Returns
    -------
    panels : list of Panel
    """
    if asked.full:
        base = Setting(100_000, 10_000, 10, 5, semantics, "min")
        users, items = [10_000, 50_000, 100_000, 200_000], [1_000, 2_500, 5_000, 10_000]
        groups, many = [10, 25, 50], [100, 1_000, 10_000]
        sparse = [10_000, 50_000, MUSIC_ITEMS]
    else:
        base = Setting(500, 80, 10, 5, semantics, "min")
        users, items = [250, 500, 1_000], [20, 40, 80]
        groups, many, sparse = [5, 10, 20], [20, 40], [200, 400]
    return [
        Panel("users", "users", users, base),
        Panel("items", "items", items, base),
        Panel("groups", "groups", groups, base),
        # K-means into thousands of clusters takes hours
        Panel("many groups", "groups", many, base, methods=tuple(asked.methods or ("greedy",))),
        Panel("sparse: items", "items", sparse, replace(base, data="sparse")),
    ]


def size_claims(frame: pd.DataFrame) -> list[Claim]:
    """Hold section 7.2 against the points: growth with users, items and groups."""
    return [
        above(
            frame, "greedy", "baseline", "seconds", "GRD is faster than the baseline", lower=True
        ),
        exponent(
            frame, "users", "users", "greedy", "seconds", 0.8, 1.2, "GRD's time is linear in users"
        ),
        exponent(
            frame,
            "items",
            "items",
            "greedy",
            "seconds_method",
            -0.2,
            0.2,
            "GRD's time is flat in items once the best are known",
        ),
        exponent(
            frame,
            "items",
            "items",
            "greedy",
            "seconds",
            -0.2,
            0.2,
            "(ours) so it is with finding them",
        ),
        exponent(
            frame,
            "many groups",
            "groups",
            "greedy",
            "seconds_method",
            0.8,
            1.2,
            "GRD's time is linear in groups",
        ),
        exponent(
            frame,
            "users",
            "users",
            "baseline",
            "seconds",
            1.2,
            math.inf,
            "the baseline's time grows faster than the users",
        ),
        trend(
            frame,
            "items",
            "items",
            "baseline",
            "seconds",
            True,
            "the baseline's time rises with items",
        ),
        trend(
            frame,
            "groups",
            "groups",
            "baseline",
            "seconds",
            True,
            "the baseline's time rises with groups",
        ),
    ]

"""What an experiment is asked, and what it is: points to measure and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.methods import METHODS
from grouping.points import Row as Row
from grouping.ratings import Ratings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Asked:
    """How an experiment shall be run.

    Attributes
    ----------
    ratings : Ratings or None
        Complete ratings to draw users and items from; None: synthetic ones.
    popular : int64 array or None
        Their items, those that most users rated first.
    full : bool
        The paper's sizes, not small ones.
    runs : int or None
        Repetitions, each with a seed of its own; None: as many as the experiment has by itself.
    seed : int
        Of the first run; the next ones follow.
    methods : tuple of str or None
        Instead of the experiment's own.
    step : float or None
        Round ratings to multiples of this.
    time_limit : float or None
        Seconds for each search for an optimum.
    threads : int or None
    folder : Path or None
        Where what takes long may be kept for a later run.
    """

    ratings: Ratings | None = None
    popular: NDArray[np.int64] | None = None
    full: bool = False
    runs: int | None = None
    seed: int = 0
    methods: tuple[str, ...] | None = None
    step: float | None = None
    time_limit: float | None = None
    threads: int | None = None
    folder: Path | None = None

    def seeds(self, runs: int) -> list[int]:
        """Seeds of the runs, of which there are `runs` unless asked otherwise."""
        return [self.seed + run for run in range(self.runs or runs)]

    def chosen(self, wanted: Sequence[str]) -> list[str]:
        """Methods to compare: those wanted that there are, or those asked for.

        Raises
        ------
        InputError
            If there is none of a name asked for.
        """
        for name in self.methods or ():
            if name not in METHODS:
                raise InputError(f"unknown method {name!r}: choose among {', '.join(METHODS)}")
        return [name for name in self.methods or wanted if name in METHODS]


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper, and what was found.

    Attributes
    ----------
    text : str
    holds : bool or None
        None: not measured, or undecided by what was found.
    found : str
        The figure.
    """

    text: str
    holds: bool | None
    found: str

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        if self.holds is None:
            return "undecided" if self.found else "not measured"
        return "confirmed" if self.holds else "not confirmed"


@dataclass(frozen=True, eq=False)
class Study:
    """An experiment laid out.

    Attributes
    ----------
    name, title : str
    columns : tuple of str
        Of the CSV: what sets a point apart, its seed among it, then what is measured.
    points : list of dict
        What sets each apart, in the order of the work.
    measure : callable
        ``measure(point)``: a dict of what was measured.
    draw : callable
        ``draw(frame, figure)``: draw all points on an empty matplotlib figure.
    claims : callable
        ``claims(frame)``: the paper's claims with what the points say.
    table : callable
        ``table(frame)``: averages with their spread, for the summary.
    notes : tuple of str
        What a reader of the results must know.
    also : callable or None
        ``also(frame, folder)``: write more files; returns sentences for the summary.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    points: list[Row]
    measure: Callable[[Row], Row]
    draw: Callable[[pd.DataFrame, Figure], None]
    claims: Callable[[pd.DataFrame], list[Claim]]
    table: Callable[[pd.DataFrame], pd.DataFrame]
    notes: tuple[str, ...] = field(default=())
    also: Callable[[pd.DataFrame, Path], list[str]] | None = None

"""Progress of long work, on standard error, where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grouping.methods import Progress


@contextmanager
def shown_progress(quiet: bool = False) -> Iterator[Progress | None]:
    """Show the figures that a method reports, in one line that is gone when it ends.

    Yields
    ------
    progress : callable or None
        To be called with a dict of figures; None where nobody would see them.
    """
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("forming groups") as status:
        yield lambda figures: status.update(in_words(figures))


def in_words(figures: dict[str, Any]) -> str:
    """Say where a search stands.

    Parameters
    ----------
    figures : dict
        ``objective``, ``bound``, ``seconds`` and whatever else the method counts.

    Returns
    -------
    line : str
    """
    from grouping.bounds import gap_between
    from grouping.report import number

    words = []
    for name, value in figures.items():
        if name != "seconds" and value is not None:
            words.append(f"{name} {number(value) if isinstance(value, float) else value}")
    objective, bound = figures.get("objective"), figures.get("bound")
    gap = None if objective is None else gap_between(objective, bound)
    if gap is not None:
        words.append(f"gap {100 * gap:.3g} %")
    if "seconds" in figures:
        words.append(f"{figures['seconds']:.0f} s")
    return ", ".join(words)

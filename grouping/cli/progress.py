"""Progress of long work, on standard error, where that is a terminal."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grouping.methods import Progress

SECONDS_BETWEEN_LINES = 10.0


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
    from grouping.bounds import gap_between, gap_text
    from grouping.report import number

    words = []
    for name, value in figures.items():
        if name != "seconds" and value is not None:
            words.append(f"{name} {number(value) if isinstance(value, float) else value}")
    objective, bound = figures.get("objective"), figures.get("bound")
    gap = None if objective is None else gap_between(objective, bound)
    if gap is not None:
        words.append(f"gap {gap_text(gap)}")
    if "seconds" in figures:
        words.append(f"{figures['seconds']:.0f} s")
    return ", ".join(words)


@contextmanager
def shown_steps(
    what: str, quiet: bool = False
) -> Iterator[Callable[[int, int, dict[str, Any]], None]]:
    """Show how many of many steps are done: a bar on a terminal, else a line now and then.

    Yields
    ------
    tell : callable
        ``tell(done, all, step)``; `step` says what is at work.
    """
    from grouping.cli.streams import say

    if quiet or sys.stderr is None or not sys.stderr.isatty():
        last = -math.inf

        def tell_in_lines(done: int, of: int, step: dict[str, Any]) -> None:
            nonlocal last
            now = time.monotonic()
            if done == of or now - last >= SECONDS_BETWEEN_LINES:
                last = now
                say(f"{what}: {done} of {of} points", quiet)

        yield tell_in_lines
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    shown = ("[progress.description]{task.description}",)
    columns = (TextColumn(*shown), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def tell(done: int, of: int, step: dict[str, Any]) -> None:
            named = [str(step[name]) for name in ("panel", "method") if name in step]
            sized = [f"{name} = {step[name]}" for name in ("l", "k") if name in step]
            at = " ".join(named or sized)
            bar.update(task, completed=done, total=of, description=f"{what} {at}")

        yield tell

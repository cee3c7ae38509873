"""Standard output carries the result, standard error all that is said about it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from grouping.errors import GroupingError

if TYPE_CHECKING:
    from rich.console import RenderableType


def emit(text: str) -> None:
    """Write a result to standard output; a reader who has gone away is no failure.

    Raises
    ------
    GroupingError
        If it cannot be written, for example because the disk behind it is full.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
        sys.exit(0)
    except OSError as error:
        _silence()
        raise GroupingError(f"standard output could not be written ({error.strerror})") from error


def emit_table(table: RenderableType) -> None:
    """Write a table to standard output, in colour only where a terminal shows it."""
    import io

    from rich.console import Console

    screen = Console(highlight=False)
    page = io.StringIO()
    Console(
        file=page,
        width=screen.width if screen.is_terminal else 100,
        color_system=screen.color_system,
        force_terminal=screen.is_terminal,
        no_color=screen.no_color,
        highlight=False,
    ).print(table)
    emit(page.getvalue())


def say(text: str, quiet: bool = False) -> None:
    """Write a line to standard error."""
    if not quiet and text:
        print(f"grouping: {text}", file=sys.stderr, flush=True)


def _silence() -> None:
    """Point standard output to nowhere, so that no later flush fails again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())

"""Standard output carries the result, standard error all that is said about it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

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
    if sys.stdout is None:
        raise GroupingError("standard output is closed: give it a place, or write a file with -o")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        silence()
        sys.exit(0)
    except OSError as error:
        silence()
        raise GroupingError(f"standard output could not be written ({error.strerror})") from error


def emit_json(text: str) -> None:
    """Write a document to standard output, in UTF-8 whatever the terminal's encoding."""
    _encode(encoding="utf-8")
    emit(text)


def emit_table(table: RenderableType) -> None:
    """Write a table to standard output, in colour only where a terminal shows it."""
    import io

    from rich.console import Console

    _encode(errors="replace")
    screen = Console(highlight=False)
    page = io.StringIO()
    Console(
        file=page,
        width=screen.width if screen.is_terminal else 100,
        color_system=cast("Any", screen.color_system),
        force_terminal=screen.is_terminal,
        no_color=screen.no_color,
        highlight=False,
    ).print(table, crop=False)
    emit("\n".join(line.rstrip() for line in page.getvalue().split("\n")))


def say(text: str, quiet: bool = False) -> None:
    """Write a line to standard error, if there is one that takes it."""
    if text and not quiet and sys.stderr is not None:
        with suppress(OSError):
            print(f"grouping: {text}", file=sys.stderr, flush=True)


def silence() -> None:
    """Point standard output to nowhere, so that no later flush fails again."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def _encode(encoding: str | None = None, errors: str = "strict") -> None:
    """Set how standard output writes what its own encoding has no letters for."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding=encoding, errors=errors)

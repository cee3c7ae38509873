"""A formation goes out: as a table, as JSON, into a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grouping.cli.streams import emit_json, emit_table, say
from grouping.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from grouping.cli.inputs import Input
    from grouping.formation import Formation


TABLES = (
    "ratings", "profiles", "user_weights", "exclude_file", "together_file", "apart_file",
    "item_names", "user_names",
)  # fmt: skip
"""Arguments and options that name tables to be read. Files of groups may be brought up to date."""


@dataclass(frozen=True)
class Titles:
    """Titles to put beside ids, None where no table was given."""

    items: Mapping[str, str] | None
    users: Mapping[str, str] | None


def read_titles(item_names: str | None, user_names: str | None) -> Titles:
    """Read the tables of titles that were named.

    Raises
    ------
    InputError
        If one cannot be read.
    """
    from grouping.reading import read_names

    return Titles(
        None if item_names is None else read_names(item_names),
        None if user_names is None else read_names(user_names),
    )


def check_output(
    output: str | None,
    suffixes: tuple[str, ...] = (".json", ".csv", ".parquet"),
    option: str = "-o",
    given: Mapping[str, Any] | None = None,
) -> None:
    """Refuse an output file that could not be written, or is read, before any work is done.

    Parameters
    ----------
    output : str or None
    suffixes : tuple of str
    option : str
        What it was given by.
    given : mapping, optional
        The command's arguments and options, to tell its tables from.

    Raises
    ------
    InputError
        If its name has another ending, its folder is not there, or it is one of the tables that
        the command was given.
    """
    if output is None:
        return
    path = Path(output)
    for table in ((given or {}).get(name) for name in TABLES):
        if table and path.exists() and os.path.exists(table) and path.samefile(table):
            raise InputError(
                f"{option} {output}: would take the place of a table that is read; name another "
                "file"
            )
    name = path.name.lower()
    if not any(name.endswith(suffix) and name != suffix for suffix in suffixes):
        raise InputError(f"{option} {output}: name a file that ends in {', '.join(suffixes)}")
    if path.is_dir():
        raise InputError(f"{option} {output}: is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"{option} {output}: there is no folder {path.parent}")
    # a file is replaced, for which its folder must be writable; a device is written to
    places = [path, path.resolve().parent] if path.is_file() else [path.resolve().parent]
    if path.exists() and not path.is_file():
        places = [path]
    if not all(os.access(place, os.W_OK) for place in places):
        raise InputError(f"{option} {output}: no permission to write there")


def deliver(
    formation: Formation,
    given: Input,
    titles: Titles,
    *,
    as_json: bool,
    output: str | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Write a formation where the options say: a table unless JSON or a file is asked for.

    Raises
    ------
    KeyboardInterrupt
        After all is written, if Ctrl-C had ended the search for the formation.
    """
    write_out(
        stamped(formation, given),
        titles,
        as_json=as_json,
        output=output,
        quiet=quiet,
        verbose=verbose,
    )


def stamped(formation: Formation, given: Input) -> Formation:
    """Put on record what was read and predicted for a formation.

    Parameters
    ----------
    formation : Formation
    given : Input

    Returns
    -------
    formation : Formation
    """
    spent = formation.seconds
    return replace(
        formation,
        problem=formation.problem | given.settings,
        seconds={
            "read": given.seconds["read"],
            "predict": given.seconds["predict"] + spent["predict"],
            "form": spent["form"],
        },
        seed=given.seed,
    )


def write_out(
    formation: Formation,
    titles: Titles,
    *,
    as_json: bool,
    output: str | None,
    quiet: bool,
    verbose: bool,
    table: Callable[[], RenderableType] | None = None,
) -> None:
    """Write a formation that is complete with its record.

    Parameters
    ----------
    formation : Formation
    titles : Titles
    as_json, output, quiet, verbose
        As given on the command line.
    table : callable, optional
        Makes the table to show, by default that of all groups.

    Raises
    ------
    KeyboardInterrupt
        After all is written, if Ctrl-C had ended the search for the formation.
    """
    from grouping.report import as_table, headline

    for line in [*formation.advice, _imbalance(formation)]:
        say(line, quiet)
    if output is not None:
        formation.save(output, item_names=titles.items, user_names=titles.users)
        say(f"{output}: {headline(formation)}", quiet)
    if as_json:
        from grouping.formation import as_json as as_text

        emit_json(as_text(formation.to_dict(titles.items, titles.users)))
    elif output is None:
        emit_table(table() if table else as_table(formation, titles.items, titles.users))
    if verbose:
        parts = (f"{part} {seconds:.3f} s" for part, seconds in formation.seconds.items())
        say(", ".join(parts), quiet)
    if formation.status == "interrupted":
        raise KeyboardInterrupt


def _imbalance(formation: Formation) -> str:
    """Warn of a group with more than half of the users, where more than one was asked for."""
    n = len(formation.labels)
    largest = int(formation.sizes.argmax())
    if formation.problem["groups"] == 1 or 2 * formation.sizes[largest] <= n:
        return ""
    held = f"warning: group {largest} holds {formation.sizes[largest]} of {n} users; "
    if formation.method in ("refine", "exact"):
        return (
            f"{held}the objective alone does not balance groups: --max-size does (with --method "
            "auto or refine)"
        )
    return f"{held}balanced groups are what --method refine and --max-size are for"

"""How the commands of `grouping learn dmtl` deliver: documents, or tables for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def deliver(
    document: dict[str, Any], as_json: bool, output: str | None, quiet: bool, table: Any
) -> None:
    """Write the document to a file, as JSON, or as the table that `table` makes of it."""
    from grouping.cli.streams import emit_json, emit_table, say
    from grouping.files import replacing
    from grouping.formation import as_json as as_text
    from grouping.report import counted

    if output is not None:
        with replacing(output) as file:
            file.write(as_text(document).encode())
        say(f"{output}: {counted(len(document['groups']), 'group')}", quiet)
    if as_json:
        emit_json(as_text(document))
    elif output is None:
        emit_table(table(document))


def table_of(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    """Lay rows out as a table; a column in which nothing stands is left out."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    told = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    for place in told:
        number = columns[place] in ("size", "users")
        table.add_column(columns[place], justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[place]) for place in told))
    return table


def name_of(entry: dict[str, Any]) -> str:
    """Return an item's title, else its id."""
    return str(entry.get("title") or entry["item"])

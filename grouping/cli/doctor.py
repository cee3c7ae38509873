"""`grouping doctor`: versions, threads, solvers, and what is missing."""

from __future__ import annotations

from grouping.cli import options as o


def doctor(json: o.Json = False) -> None:
    """Show what is installed, on what it runs, what is missing."""
    from grouping.cli.streams import emit_json, emit_table
    from grouping.doctor import as_table, examine
    from grouping.formation import as_json

    found = examine()
    if json:
        emit_json(as_json(found))
    else:
        emit_table(as_table(found))

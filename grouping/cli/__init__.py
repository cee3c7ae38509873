"""The command line. Each command lives in a module of its own name."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line: failures become one sentence on stderr and an exit code."""
    try:
        from grouping.cli.app import app
        from grouping.errors import GroupingError

        try:
            app(prog_name="grouping")
        except GroupingError as error:
            print(f"grouping: {error}", file=sys.stderr)
            sys.exit(error.exit_code)
        except MemoryError:
            print(
                "grouping: memory ran out: take fewer users or items, or --missing min, which "
                "keeps sparse ratings sparse",
                file=sys.stderr,
            )
            sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

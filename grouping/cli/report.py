"""`grouping report`: a formation as a page."""

from __future__ import annotations

from typing import Annotated

import typer

from grouping.cli import options as o


def report(
    formation: Annotated[str, typer.Argument(metavar="FORMATION.json", help="What form -o wrote.")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write the page, an .html file; standard output by default.",
        ),
    ] = None,
    item_names: o.ItemNames = None,
    user_names: o.UserNames = None,
    quiet: o.Quiet = False,
) -> None:
    """Lay a formation out as a page, in one HTML file.

    A browser shows and prints it. It holds sizes, lists and members; with what form --per-user
    wrote, also how well members are served.
    """
    from grouping.cli.results import check_output, read_titles
    from grouping.cli.streams import emit_json, say
    from grouping.files import replacing
    from grouping.formation import read_document
    from grouping.page import as_page

    check_output(output, (".html", ".htm"))
    titles = read_titles(item_names, user_names)
    page = as_page(read_document(formation), titles.items, titles.users, formation)
    if output is None:
        emit_json(page)
        return
    with replacing(output) as file:
        file.write(page.encode())
    say(f"{output}: written", quiet)

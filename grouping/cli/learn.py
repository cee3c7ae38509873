"""`grouping learn`: models that learn together. What trains is imported when it runs."""

from __future__ import annotations

import typer

from grouping.cli.learn_dmtl import dmtl
from grouping.cli.learn_mtal import mtal

learn = typer.Typer(
    help="Train models that learn together, and apply them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
learn.add_typer(mtal, name="mtal")
learn.add_typer(dmtl, name="dmtl")

"""`grouping learn dmtl`: what groups are like and what they will like, learned together."""

from __future__ import annotations

import typer

from grouping.cli.learn_dmtl.evaluate import evaluate
from grouping.cli.learn_dmtl.fit import fit
from grouping.cli.learn_dmtl.profile import profile
from grouping.cli.learn_dmtl.recommend import recommend

dmtl = typer.Typer(
    help="Learn what groups are like, and what they will like, together.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
for command in (fit, evaluate, recommend, profile):
    dmtl.command()(command)

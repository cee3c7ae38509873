"""The application: its commands, and the options of the program itself."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from grouping import __version__
from grouping.cli.assign import assign
from grouping.cli.bound import bound
from grouping.cli.compare import compare
from grouping.cli.doctor import doctor
from grouping.cli.evaluate import evaluate
from grouping.cli.experiment import experiment
from grouping.cli.form import form
from grouping.cli.generate import generate
from grouping.cli.learn import learn
from grouping.cli.predict import predict
from grouping.cli.report import report
from grouping.cli.sweep import sweep
from grouping.cli.usage import OneSentence
from grouping.errors import InputError

app = typer.Typer(
    cls=OneSentence,
    help="Form groups of people so that each group's recommendations satisfy its members.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"grouping {__version__}")
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Form groups of people so that each group's recommendations satisfy its members."""
    _check_environment()


def _check_environment() -> None:
    """Refuse environment variables that would fail where they are first looked at."""
    from grouping.memory import available

    available()
    threads = os.environ.get("NUMBA_NUM_THREADS") or "1"
    if not threads.isdecimal() or int(threads) == 0:
        raise InputError(f"NUMBA_NUM_THREADS={threads}: give a number of threads from 1")


COMMANDS = (
    form,
    assign,
    evaluate,
    bound,
    compare,
    sweep,
    predict,
    report,
    generate,
    experiment,
    doctor,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(learn, name="learn")

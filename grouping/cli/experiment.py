"""`grouping experiment`: the paper's figures and tables, by one command each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from grouping.cli import options as o
from grouping.errors import InputError
from grouping.experiments import EXPERIMENTS

if TYPE_CHECKING:
    from grouping.experiments.study import Asked

HELP = "; ".join(f"{each.name}: {each.summary}" for each in EXPERIMENTS.values()) + "."


def experiment(
    name: Annotated[str, typer.Argument(metavar="NAME", help=HELP, show_default=False)],
    out: Annotated[
        str,
        typer.Option("--out", metavar="DIR", help="Folder for figures, points and summary."),
    ],
    ratings: Annotated[
        str | None,
        typer.Argument(
            metavar="RATINGS",
            help="A file of ratings to draw users and items from; nothing: synthetic ones.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        Literal["small", "full"],
        typer.Option("--scale", help="Small sizes, done in a minute, or the paper's."),
    ] = "small",
    runs: Annotated[
        int | None,
        typer.Option(
            "--runs", metavar="N", help="Repetitions; the experiment's own number.", min=1
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods", metavar="M1,M2,...", help="Methods to compare; the experiment's own."
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit",
            metavar="SECONDS",
            help="For each search for an optimum.",
            callback=lambda seconds: o.above_zero("--time-limit", seconds),
        ),
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option(
            "--answers",
            metavar="FILE",
            help="fig7: answers to its questionnaires (in DIR), to be analysed.",
        ),
    ] = None,
    visits: Annotated[
        bool,
        typer.Option(
            "--visits",
            help="fig7: RATINGS are visits (columns user, poi, sequence), not ratings.",
        ),
    ] = False,
    step: o.Round = None,
    missing: o.MissingPolicy = "auto",
    seed: o.Seed = 0,
    threads: o.Threads = None,
    format: o.Format = None,
    columns: o.Columns = None,
    on_bad_row: o.OnBadRow = "error",
    duplicates: o.Duplicates = "error",
    quiet: o.Quiet = False,
) -> None:
    """Reproduce a figure or table of the paper.

    DIR gets NAME.csv (every point with its seed), NAME.png and NAME.svg, and NAME.md: the command,
    averages, the paper's claims with verdicts, versions and machine. Interrupted, the same command
    goes on where it was.
    """
    from pathlib import Path

    from grouping.experiments import experiment_named

    experiment = experiment_named(name)
    if ratings is not None and experiment.draws:
        raise InputError(f"{name} draws its own ratings ({experiment.draws}): leave RATINGS out")
    if (answers or visits) and name != "fig7":
        raise InputError(f"--{'answers' if answers else 'visits'}: goes with fig7 only")
    if answers:
        _analyse(answers, Path(out))
        return
    from grouping.experiments.study import Asked

    asked = Asked(
        full=size == "full",
        runs=runs,
        seed=seed,
        methods=None if methods is None else tuple(methods.split(",")),
        step=step,
        time_limit=time_limit,
        threads=threads,
    )
    if visits:
        asked = _with_visits(asked, ratings)
    elif ratings is not None:
        reading = {
            "format": format,
            "columns": columns,
            "on_bad_row": on_bad_row,
            "duplicates": duplicates,
            "missing": missing,
        }
        asked = _with_ratings(asked, ratings, reading, quiet)
    _run(name, asked, Path(out), quiet)


def _with_ratings(asked: Asked, path: str, reading: dict[str, Any], quiet: bool) -> Asked:
    """Read ratings and complete them, by the predictor unless told otherwise."""
    from dataclasses import replace

    import numpy as np

    from grouping.cli.inputs import read_input
    from grouping.missing import complete

    given = read_input(
        path, scale=None, seed=asked.seed, threads=asked.threads, quiet=quiet, **reading
    )
    raw = given.ratings
    stored = raw.matrix if isinstance(raw.matrix, np.ndarray) else None
    if stored is None:
        counts = np.bincount(raw.matrix.indices, minlength=raw.shape[1])  # type: ignore[union-attr]
    else:
        counts = (~np.isnan(stored.astype(float))).sum(axis=0)
    popular = np.argsort(-counts, kind="stable")
    if given.missing in ("auto", "predict"):
        completed = given.predicted()
    else:
        completed = complete(raw, given.missing)
    return replace(asked, ratings=completed, popular=popular)


def _with_visits(asked: Asked, path: str | None) -> Asked:
    from dataclasses import replace

    from grouping.experiments.visits import preferences

    if path is None:
        raise InputError("--visits: name a file of visits")
    return replace(asked, ratings=preferences(path))


def _run(name: str, asked: Asked, folder: Any, quiet: bool) -> None:
    import sys

    from grouping.cli.progress import shown_steps
    from grouping.cli.streams import emit_table, say
    from grouping.experiments.running import run_experiment
    from grouping.experiments.summary import as_table

    command = " ".join(["grouping", *sys.argv[1:]])
    with shown_steps(name, quiet) as tell:
        claims = run_experiment(name, asked, folder, command=command, tell=tell)
    emit_table(as_table(claims))
    say(f"{folder}: {name}.csv, {name}.png, {name}.svg, {name}.md", quiet)


def _analyse(answers: str, folder: Any) -> None:
    from grouping.cli.streams import emit_table
    from grouping.experiments.answers import analyse
    from grouping.experiments.summary import frame_table

    emit_table(frame_table(analyse(answers, folder)))

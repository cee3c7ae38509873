"""`grouping predict`: complete the ratings."""

from __future__ import annotations

from typing import Annotated

import typer

from grouping.cli import options as o


def predict(
    context: typer.Context,
    ratings: o.GivenRatings,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write a .csv, .csv.gz, .parquet or .npy file."
        ),
    ],
    scale: o.Scale = None,
    step: o.Round = None,
    seed: o.Seed = 0,
    threads: o.Threads = None,
    format: o.Format = None,
    columns: o.Columns = None,
    on_bad_row: o.OnBadRow = "error",
    duplicates: o.Duplicates = "error",
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Predict the missing ratings, and write all of them.

    What was rated keeps its rating; the rest is predicted by biased matrix factorisation.
    """
    from grouping.cli.inputs import read_asked
    from grouping.cli.results import check_output
    from grouping.cli.streams import say
    from grouping.missing import rounded
    from grouping.writing import write_ratings

    check_output(output, (".csv", ".csv.gz", ".parquet", ".npy"), given=context.params)
    given = read_asked(context, missing="predict")
    complete = given.predicted()
    complete.observed_range()  # what is infinite is refused, also where nothing was missing
    if step is not None:
        complete = rounded(complete, step)
    write_ratings(complete, output)
    say(f"{output}: {complete.shape[0]} users x {complete.shape[1]} items", quiet)

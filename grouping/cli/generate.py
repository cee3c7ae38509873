"""`grouping generate`: synthetic ratings."""

from __future__ import annotations

from typing import Annotated

import typer

from grouping.cli import options as o
from grouping.errors import InputError


def generate(
    users: Annotated[
        int, typer.Option("--users", "-n", metavar="USERS", help="Number of users.", min=1)
    ],
    items: Annotated[
        int, typer.Option("--items", "-m", metavar="ITEMS", help="Number of items.", min=1)
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write a .csv, .csv.gz, .parquet, .npy or .npz file.",
        ),
    ],
    density: Annotated[
        float,
        typer.Option(
            "--density", metavar="SHARE", help="Share of the items that a user has rated."
        ),
    ] = 1.0,
    scale: Annotated[
        str, typer.Option("--scale", metavar="MIN:MAX", help="Lowest and highest rating.")
    ] = "1:5",
    step: Annotated[
        float,
        typer.Option(
            "--step",
            metavar="STEP",
            help="Ratings are MIN plus multiples of this; 0: any real number.",
            min=0,
        ),
    ] = 1.0,
    clusters: Annotated[
        int, typer.Option("--clusters", metavar="C", help="Number of tastes.", min=1)
    ] = 10,
    noise: Annotated[
        float,
        typer.Option(
            "--noise", metavar="D", help="Noise, in standard deviations of the opinions.", min=0
        ),
    ] = 0.5,
    seed: o.Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Make synthetic ratings of users who share some tastes."""
    from grouping.cli.results import check_output
    from grouping.cli.streams import say
    from grouping.generate import generate as make
    from grouping.memory import require
    from grouping.writing import write_ratings

    check_output(output, (".csv", ".csv.gz", ".parquet", ".npy", ".npz"))
    require(
        int(users * items * min(1.0, max(0.0, density)) * 8),
        f"generating ratings of {users} users for {items} items",
        "generate fewer, or with a lower --density",
    )
    low_high = o.parse_scale(scale) or (1.0, 5.0)
    try:
        ratings = make(
            users,
            items,
            density=density,
            scale=low_high,
            step=step or None,
            clusters=clusters,
            noise=noise,
            seed=seed,
        )
    except InputError as error:
        raise InputError(f"--{error}") from error  # it begins with the name of the argument
    write_ratings(ratings, output)
    say(f"{output}: {users} users x {items} items, {ratings.count()} ratings", quiet)

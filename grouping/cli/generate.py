"""`grouping generate`: synthetic ratings."""

from __future__ import annotations

from typing import Annotated

import typer

from grouping.cli import options as o


def generate(
    users: Annotated[int, typer.Option("-n", "--users", help="Number of users.")],
    items: Annotated[int, typer.Option("-m", "--items", help="Number of items.")],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write a .csv, .csv.gz, .parquet, .npy or .npz file.",
        ),
    ],
    density: Annotated[
        float, typer.Option("--density", help="Share of the cells that are rated.")
    ] = 1.0,
    scale: o.Scale = "1:5",
    step: Annotated[
        float, typer.Option("--step", help="Ratings are multiples of this; 0: any real number.")
    ] = 1.0,
    clusters: Annotated[int, typer.Option("--clusters", help="Number of tastes.")] = 10,
    noise: Annotated[
        float, typer.Option("--noise", help="Noise, in standard deviations of the opinions.")
    ] = 0.5,
    seed: o.Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Write synthetic ratings of users who share a few tastes."""
    from grouping.cli.results import check_output
    from grouping.cli.streams import say
    from grouping.generate import generate as make
    from grouping.memory import require
    from grouping.writing import write_ratings

    check_output(output, (".csv", ".csv.gz", ".parquet", ".npy", ".npz"))
    require(
        int(max(0, users) * max(0, items) * min(1.0, max(0.0, density)) * 8),
        f"generating ratings of {users} users for {items} items",
        "generate fewer, or with a lower --density",
    )
    ratings = make(
        users,
        items,
        density=density,
        scale=o.parse_scale(scale) or (1.0, 5.0),
        step=step or None,
        clusters=clusters,
        noise=noise,
        seed=seed,
    )
    write_ratings(ratings, output)
    say(f"{output}: {users} users x {items} items, {ratings.count()} ratings", quiet)

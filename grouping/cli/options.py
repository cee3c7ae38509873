"""Options that several commands share, each defined once, and the parsing of their values."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

from grouping.errors import InputError

READING = "Reading"
PROBLEM = "Problem"
OUTPUT = "Output"

RatingsFile: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="[RATINGS]",
        help="Ratings: a file, - for standard input, or nothing for the embedded sample.",
        show_default=False,
    ),
]
Semantics: TypeAlias = Annotated[
    Literal["lm", "av"],
    typer.Option("--semantics", help="Least misery or aggregate voting."),
]
Agg: TypeAlias = Annotated[
    Literal["min", "max", "sum", "wsum", "ndcg"],
    typer.Option("--agg", help="How a list's scores become satisfaction."),
]
Groups: TypeAlias = Annotated[
    int, typer.Option("--groups", "-l", help="At most so many groups.", metavar="L")
]
ListLength: TypeAlias = Annotated[
    int, typer.Option("--list-length", "-k", help="Items on each group's list.", metavar="K")
]
PositionWeights: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--position-weights",
        metavar="inverse|log|W1,W2,...",
        help="Weights of --agg wsum: 1/j (default), 1/log2(j+1), or your own.",
    ),
]
MissingPolicy: TypeAlias = Annotated[
    str,
    typer.Option(
        "--missing",
        metavar="auto|error|min|mean|predict|NUMBER",
        help="What unrated cells count as; auto predicts them where there are any.",
    ),
]
Scale: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--scale", metavar="MIN:MAX", help="Lowest and highest rating [default: as observed]."
    ),
]
Round: TypeAlias = Annotated[
    float | None,
    typer.Option("--round", metavar="STEP", help="Round ratings to multiples of STEP."),
]
Format: TypeAlias = Annotated[
    Literal["long", "wide", "movielens", "parquet", "npy", "npz"] | None,
    typer.Option("--format", help="Format of RATINGS [default: recognised]."),
]
Columns: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="user=..,item=..,rating=..",
        help="Columns of a long table, by name or number (from 1).",
    ),
]
OnBadRow: TypeAlias = Annotated[
    Literal["error", "skip"],
    typer.Option("--on-bad-row", help="Refuse a row that cannot be read, or skip and count it."),
]
Duplicates: TypeAlias = Annotated[
    Literal["error", "last", "mean"],
    typer.Option("--duplicates", help="What a cell that is rated twice means."),
]
Seed: TypeAlias = Annotated[int, typer.Option("--seed", help="Seed of what is drawn at random.")]
Threads: TypeAlias = Annotated[
    int | None, typer.Option("--threads", help="Threads [default: all].", metavar="T")
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write one JSON document to standard output.")
]
Output: TypeAlias = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write a .json, .csv or .parquet file."),
]
ItemNames: TypeAlias = Annotated[
    str | None,
    typer.Option("--item-names", metavar="FILE", help="Table of item ids and titles to show."),
]
UserNames: TypeAlias = Annotated[
    str | None,
    typer.Option("--user-names", metavar="FILE", help="Table of user ids and names to show."),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Nothing on standard error but errors.")
]
Verbose: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say on standard error what was done, and how long.")
]


def parse_scale(text: str | None) -> tuple[float, float] | None:
    """Read MIN:MAX.

    Raises
    ------
    InputError
        If it is not two numbers with a colon between them.
    """
    if text is None:
        return None
    low, colon, high = text.partition(":")
    try:
        if not colon:
            raise ValueError
        return float(low), float(high)
    except ValueError as error:
        raise InputError(f"--scale {text}: give MIN:MAX, for example --scale 1:5") from error


def parse_weights(text: str | None) -> str | list[float] | None:
    """Read position weights: a name, or numbers with commas between them.

    Raises
    ------
    InputError
        If it is neither.
    """
    if text is None or text in ("inverse", "log"):
        return text
    try:
        return [float(weight) for weight in text.split(",")]
    except ValueError as error:
        raise InputError(
            f"--position-weights {text}: give inverse, log, or numbers such as 3,2,1"
        ) from error

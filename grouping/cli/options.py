"""Options that several commands share, each defined once, and the parsing of their values."""

from __future__ import annotations

import math
from typing import Annotated, Literal, TypeAlias

import typer

from grouping.errors import InputError

RatingsFile: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="RATINGS",
        help="A file of ratings, - for standard input, or nothing for the embedded sample.",
        show_default=False,
    ),
]
GivenRatings: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="RATINGS", help="A file of ratings, or - for standard input."),
]
Semantics: TypeAlias = Annotated[
    Literal["lm", "av"],
    typer.Option(
        "--semantics", help="A group's score of an item: its lowest rating (lm) or the sum (av)."
    ),
]
Agg: TypeAlias = Annotated[
    Literal["min", "max", "sum", "wsum", "ndcg"],
    typer.Option("--agg", help="What a group's satisfaction is, of the scores on its list."),
]
Groups: TypeAlias = Annotated[
    int, typer.Option("--groups", "-l", help="Form at most so many groups.", metavar="L", min=1)
]
ListLength: TypeAlias = Annotated[
    int,
    typer.Option("--list-length", "-k", help="Items on each group's list.", metavar="K", min=1),
]
PositionWeights: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--position-weights",
        metavar="inverse|log|W1,W2,...",
        help="Weights of --agg wsum: 1/j (the default), 1/log2(j+1), or K of your own.",
    ),
]
MissingPolicy: TypeAlias = Annotated[
    str,
    typer.Option(
        "--missing",
        metavar="auto|error|min|mean|predict|NUMBER",
        help="What an item that a user has not rated counts as; auto predicts it.",
    ),
]
Scale: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--scale", metavar="MIN:MAX", help="Lowest and highest rating; as observed by default."
    ),
]
Round: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--round",
        metavar="STEP",
        help="Round all ratings, predicted ones too, to multiples of STEP.",
        callback=lambda step: above_zero("--round", step),
    ),
]
TimeLimit: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        help="How long a search that improves step by step may take.",
        callback=lambda seconds: above_zero("--time-limit", seconds),
    ),
]
Weigh: TypeAlias = Annotated[
    Literal["groups", "members"],
    typer.Option(
        "--weigh", help="With lm: each group counts once, or once for each of its members."
    ),
]
UserWeights: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--user-weights",
        metavar="FILE",
        help="How much users count, from a table user,weight; 1 for others.",
    ),
]
Exclude: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="ITEM", help="Recommend it to nobody; repeatable."),
]
ExcludeFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--exclude-file",
        metavar="FILE",
        help="Table user,item: what users have seen already is on no list of their groups.",
    ),
]
MinSize: TypeAlias = Annotated[
    int | None,
    typer.Option("--min-size", metavar="N", help="Fewest users of every group.", min=1),
]
MaxSize: TypeAlias = Annotated[
    int | None,
    typer.Option("--max-size", metavar="N", help="Most users of every group.", min=1),
]
Sizes: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--sizes",
        metavar="N1,N2,...",
        help="Most users of group 0, 1, ...; groups then keep these numbers.",
    ),
]
Together: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--together", metavar="A,B,...", help="Users to be in one group; repeatable."),
]
Apart: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--apart", metavar="A,B,...", help="Users of whom no two share a group."),
]
TogetherFile: TypeAlias = Annotated[
    str | None,
    typer.Option("--together-file", metavar="FILE", help="The same from a CSV, a set a line."),
]
ApartFile: TypeAlias = Annotated[
    str | None,
    typer.Option("--apart-file", metavar="FILE", help="The same from a CSV, a set a line."),
]
Fix: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--fix", metavar="USER=GROUP", help="Put a user into a group; groups keep their numbers."
    ),
]
FixFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--fix-file", metavar="FILE", help="The same from a table user,group, or a formation."
    ),
]
Balance: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--balance",
        metavar="ATTRIBUTE:TOLERANCE",
        help="Each value of ATTRIBUTE, a column of --profiles, has in every group the share that "
        "it has among all users, up to 1 user or TOLERANCE times the group's size, whichever is "
        "more; repeatable.",
    ),
]
NoIsolated: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--no-isolated",
        metavar="ATTRIBUTE[=VALUE]",
        help="Nobody is the only one in a group with a value, or with VALUE; repeatable.",
    ),
]
Profiles: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--profiles",
        metavar="FILE",
        help="Table of users for --balance and --no-isolated: ids in the first column, a header.",
    ),
]
Format: TypeAlias = Annotated[
    Literal["long", "wide", "movielens", "parquet", "npy", "npz"] | None,
    typer.Option("--format", help="Format of RATINGS; recognised by content by default."),
]
Columns: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="user=U,item=I,rating=R",
        help="Columns of a long table to read, by name, or by number from 1.",
    ),
]
OnBadRow: TypeAlias = Annotated[
    Literal["error", "skip"],
    typer.Option("--on-bad-row", help="Refuse a row that cannot be read, or skip and count it."),
]
Duplicates: TypeAlias = Annotated[
    Literal["error", "last", "mean"],
    typer.Option(
        "--duplicates",
        help="Refuse a second rating of an item, or take the last, or the mean.",
    ),
]
Seed: TypeAlias = Annotated[
    int, typer.Option("--seed", metavar="S", help="Seed of all that is drawn at random.", min=0)
]
Threads: TypeAlias = Annotated[
    int | None,
    typer.Option("--threads", help="Threads to run on; all by default.", metavar="T", min=1),
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write one JSON document to standard output, not a table.")
]
Output: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write a file: .json (all), or .csv or .parquet (columns user and group).",
    ),
]
ItemNames: TypeAlias = Annotated[
    str | None,
    typer.Option("--item-names", metavar="FILE", help="Table of ids and titles: show the titles."),
]
UserNames: TypeAlias = Annotated[
    str | None,
    typer.Option("--user-names", metavar="FILE", help="Table of ids and names: show the names."),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing on standard error but errors.")
]
Verbose: TypeAlias = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Say what was read, and how long each step took."),
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
        scale = float(low), float(high)
        if not colon or not -math.inf < scale[0] < scale[1] < math.inf:
            raise ValueError
    except ValueError as error:
        raise InputError(
            f"--scale {text}: give MIN:MAX, the lower one first, for example --scale 1:5"
        ) from error
    return scale


def parse_weights(text: str | None, agg: str, k: int) -> str | list[float] | None:
    """Read position weights: a name, or `k` numbers with commas between them.

    Raises
    ------
    InputError
        If they are neither, or do not go with the aggregation.
    """
    if text is None:
        return None
    from grouping.aggregation import aggregation

    weights: str | list[float] = text
    if text not in ("inverse", "log"):
        try:
            weights = [float(weight) for weight in text.split(",")]
        except ValueError as error:
            raise InputError(
                f"--position-weights {text}: give inverse, log, or numbers such as 3,2,1"
            ) from error
    try:
        aggregation(agg, k, weights)
    except InputError as error:
        raise InputError(f"--position-weights {text}: {error}") from error
    return weights


def above_zero(option: str, number: float | None) -> float | None:
    """Refuse a number that must be positive and is not.

    Raises
    ------
    InputError
        If it is 0, negative, infinite or NaN.
    """
    if number is not None and not 0 < number < math.inf:
        raise InputError(f"{option} {number:g}: give a number above 0")
    return number

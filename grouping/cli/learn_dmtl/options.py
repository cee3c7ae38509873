"""Options that several commands of `grouping learn dmtl` share."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

ModelFolder: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="DIR", help="A model that fit saved; without one, RATINGS are learned."
    ),
]
GroupsFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--groups",
        metavar="FILE",
        help="Groups: what form -o wrote, or a table of users and groups.",
    ),
]
AskedGroups: TypeAlias = Annotated[
    str,
    typer.Option(
        "--groups",
        metavar="FILE",
        help="Groups: what form -o wrote, or a table of users and groups.",
    ),
]
GroupRatings: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--group-ratings",
        metavar="FILE",
        help="What groups rated together: a table of group, item and rating.",
    ),
]
Profiles: TypeAlias = Annotated[
    str | None, typer.Option("--profiles", metavar="FILE", help="Table of users.")
]
Attributes: TypeAlias = Annotated[
    str | None, typer.Option("--attributes", metavar="FILE", help="Table of items.")
]
ProfileKinds: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--profile-kinds",
        metavar="COLUMN=KIND,...",
        help="How columns of --profiles are encoded, as age=classes:18:35,zip=ignore.",
    ),
]
AttributeKinds: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--attribute-kinds",
        metavar="COLUMN=KIND,...",
        help="How columns of --attributes are encoded.",
    ),
]
LabelSource: TypeAlias = Annotated[
    str,
    typer.Option(
        "--labels",
        metavar="kmeans|groups|FILE",
        help="Classes of users: clusters, the groups, or a table of users and labels.",
    ),
]
Classes: TypeAlias = Annotated[
    int | None, typer.Option("--classes", metavar="C", help="Clusters of KMeans.", min=1)
]
LabelsFrom: TypeAlias = Annotated[
    Literal["all", "ratings", "profiles"] | None,
    typer.Option("--labels-from", help="What KMeans clusters users by."),
]
Unknown: TypeAlias = Annotated[
    Literal["error", "skip"],
    typer.Option(
        "--unknown",
        help="Refuse members, groups and items that the ratings do not know, or leave them out.",
    ),
]
Device: TypeAlias = Annotated[
    Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Where to train.")
]
Epochs: TypeAlias = Annotated[
    int | None, typer.Option("--epochs", metavar="N", help="Epochs at most.", min=1)
]
Lambda: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--profile-weight",
        metavar="LAMBDA",
        help="Weight of the profiling task against recommending; 0: without it.",
        min=0,
    ),
]
Network: TypeAlias = Annotated[
    Literal["group", "paper"],
    typer.Option("--network", help="The one made for groups, or the paper's as written."),
]
Aggregation: TypeAlias = Annotated[
    Literal["mean", "attention", "min"] | None,
    typer.Option("--aggregation", help="How members make a group."),
]
Loss: TypeAlias = Annotated[
    Literal["squared", "ranking"] | None,
    typer.Option("--loss", help="Of ratings, or of which items were taken at all."),
]
InputBlocks: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--inputs",
        metavar="BLOCK,...",
        help="What goes in: id, history, seen, profile, attributes.",
    ),
]

"""`grouping learn dmtl profile`: what each group is like."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from grouping.cli import options as o
from grouping.cli.learn_dmtl import options as d
from grouping.cli.learn_dmtl.models import asked_of, make_settings
from grouping.cli.learn_dmtl.tables import deliver, name_of, table_of
from grouping.errors import InputError

_WORTH_NAMING = 0.005  # a probability that is not shown as 0 %


def profile(
    groups: d.AskedGroups,
    ratings: o.RatingsFile = None,
    model: d.ModelFolder = None,
    group_ratings: d.GroupRatings = None,
    profiles: d.Profiles = None,
    attributes: d.Attributes = None,
    profile_kinds: d.ProfileKinds = None,
    attribute_kinds: d.AttributeKinds = None,
    labels: d.LabelSource = "kmeans",
    classes: d.Classes = None,
    labels_from: d.LabelsFrom = None,
    unknown: d.Unknown = "error",
    top: Annotated[
        int, typer.Option("--top", metavar="N", help="Classes, items and traits to name.", min=1)
    ] = 3,
    bars: Annotated[
        str | None,
        typer.Option(
            "--bars", metavar="FILE", help="Picture of the groups' classes (.png, .svg, .pdf)."
        ),
    ] = None,
    item_names: o.ItemNames = None,
    profile_weight: d.Lambda = 1.0,
    epochs: d.Epochs = None,
    device: d.Device = "auto",
    seed: o.Seed = 0,
    threads: o.Threads = None,
    scale: o.Scale = None,
    format: o.Format = None,
    columns: o.Columns = None,
    on_bad_row: o.OnBadRow = "error",
    duplicates: o.Duplicates = "error",
    json: o.Json = False,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write a .json file.")
    ] = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Tell what each group is like: its classes, what it likes more than others, its traits."""
    from grouping.cli.results import check_output, read_titles
    from learners.dmtl.asking import Sources, profiles_document
    from learners.dmtl.pictures import SUFFIXES, check_pictures, save_bars

    check_output(output, (".json",))
    check_output(bars, SUFFIXES, "--bars")
    check_pictures(bars)
    if bars is not None and model is None and not profile_weight:
        raise InputError("--bars: shows classes, and --profile-weight 0 learns none")
    titles = read_titles(item_names, None).items
    sources = Sources(
        groups,
        group_ratings,
        profiles,
        attributes,
        profile_kinds,
        attribute_kinds,
        labels,
        unknown,
    )
    reading = (scale, format, columns, on_bad_row, duplicates, quiet, verbose)
    asked, found = asked_of(
        ratings,
        model,
        sources,
        make_settings(
            seed=seed,
            profile_weight=profile_weight,
            classes=classes,
            labels_from=labels_from,
            epochs=epochs,
        ),
        device,
        threads,
        reading,
    )
    document = profiles_document(found, asked, top, titles)
    if bars is not None:
        save_bars(found, asked, bars, titles=titles)
    deliver(document, json, output, quiet, profiles_table)


def profiles_table(document: dict[str, Any]) -> Any:
    """Return the groups, and below them the classes that were named."""
    from rich.console import Group

    rows, named = [], set()
    for entry in document["groups"]:
        told = [one for one in entry["classes"] or () if one["probability"] >= _WORTH_NAMING]
        named |= {one["name"] for one in told}
        classes = ", ".join(f"{one['name']} ({100 * one['probability']:.0f} %)" for one in told)
        rows.append((entry["group"], str(entry["size"]), classes, *_told_of(entry)))
    likes = ("likes more than others", "stands out by")
    groups = table_of(("group", "size", "classes", *likes), rows)
    if document["classes"] is None:
        return groups
    described = [
        (entry["name"], f"{entry['users']:g}", *_told_of(entry))
        for entry in document["classes"]
        if entry["name"] in named
    ]
    return Group(groups, table_of(("class", "users", *likes), described))


def _told_of(entry: dict[str, Any]) -> tuple[str, str]:
    """What a group or a class likes more than others, and what it stands out by."""
    likes = ", ".join(f"{name_of(one)} ({one['score']:+.2f})" for one in entry["distinctive"])
    traits = ", ".join(
        f"{one['name']} {one['here']:.2f} (all: {one['everywhere']:.2f})" for one in entry["traits"]
    )
    return likes, traits

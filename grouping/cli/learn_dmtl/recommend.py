"""`grouping learn dmtl recommend`: a list for each group, beside those of other semantics."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from grouping.cli import options as o
from grouping.cli.learn_dmtl import options as d
from grouping.cli.learn_dmtl.models import asked_of, make_settings
from grouping.cli.learn_dmtl.tables import deliver, name_of, table_of


def recommend(
    groups: d.AskedGroups,
    ratings: o.RatingsFile = None,
    model: d.ModelFolder = None,
    group_ratings: d.GroupRatings = None,
    profiles: d.Profiles = None,
    attributes: d.Attributes = None,
    profile_kinds: d.ProfileKinds = None,
    attribute_kinds: d.AttributeKinds = None,
    unknown: d.Unknown = "error",
    k: Annotated[
        int, typer.Option("--list-length", "-k", metavar="K", help="Length of lists.", min=1)
    ] = 5,
    exclude: Annotated[
        Literal["none", "any", "all"],
        typer.Option("--exclude", help="Leave out items that any, or that all members rated."),
    ] = "none",
    item_names: o.ItemNames = None,
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
    """Recommend a list to each group, beside those of least misery and aggregate voting."""
    from grouping.cli.results import check_output, read_titles
    from learners.dmtl.asking import Sources, lists_document

    check_output(output, (".json",))
    titles = read_titles(item_names, None).items
    sources = Sources(
        groups, group_ratings, profiles, attributes, profile_kinds, attribute_kinds, unknown=unknown
    )
    reading = (scale, format, columns, on_bad_row, duplicates, quiet, verbose)
    asked, found = asked_of(
        ratings,
        model,
        sources,
        make_settings(seed=seed, profile_weight=0.0, epochs=epochs),
        device,
        threads,
        reading,
        k,
    )
    document = lists_document(found, asked, k, exclude, titles)
    deliver(document, json, output, quiet, lists_table)


def lists_table(document: dict[str, Any]) -> Any:
    """Return a group a row, its lists beside each other."""
    rows = []
    for entry in document["groups"]:
        lists = (
            ", ".join(f"{name_of(one)} ({one['score']:.2f})" for one in entry[method])
            or "no item is left"
            for method in ("dmtl", "lm", "av")
        )
        rows.append((entry["group"], str(entry["size"]), *lists))
    return table_of(("group", "size", "DMTL", "least misery", "aggregate voting"), rows)

"""`grouping learn dmtl evaluate`: how well a model predicts."""

from __future__ import annotations

from typing import Annotated

import typer

from grouping.cli import options as o
from grouping.cli.learn_dmtl import options as d
from grouping.cli.learn_dmtl.models import (
    fitted,
    loaded,
    make_settings,
    read_ratings,
    refuse_with_model,
    tell,
)
from grouping.errors import InputError


def evaluate(
    ratings: o.RatingsFile = None,
    model: d.ModelFolder = None,
    groups: d.GroupsFile = None,
    group_ratings: d.GroupRatings = None,
    profiles: d.Profiles = None,
    attributes: d.Attributes = None,
    profile_kinds: d.ProfileKinds = None,
    attribute_kinds: d.AttributeKinds = None,
    labels: d.LabelSource = "kmeans",
    classes: d.Classes = None,
    labels_from: d.LabelsFrom = None,
    unknown: d.Unknown = "error",
    test: Annotated[
        float,
        typer.Option(
            "--test", metavar="SHARE", help="Share of ratings, and of users' labels, to test on."
        ),
    ] = 0.2,
    relevant: Annotated[
        float | None,
        typer.Option(
            "--relevant",
            metavar="RATING",
            help="A recommended item is right from here on; 3/4 up the scale by default.",
        ),
    ] = None,
    k: Annotated[
        int, typer.Option("--list-length", "-k", metavar="K", help="Length of lists.", min=1)
    ] = 10,
    network: d.Network = "group",
    aggregation: d.Aggregation = None,
    loss: d.Loss = None,
    inputs: d.InputBlocks = None,
    profile_weight: d.Lambda = None,
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
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Say how well a model predicts: a saved one on RATINGS, or one learned from a part of them.

    With --model, RATINGS (and --group-ratings) are what it is tested on. Without, a share of them
    is held out, the rest is learned from, and profiling is tested on users whose labels were
    hidden.
    """
    from grouping.cli.streams import emit, emit_json, say
    from grouping.formation import as_json
    from learners.dmtl.asking import Sources, read_to_test
    from learners.dmtl.evaluating import as_lines, evaluate_model, evaluate_split, known_already

    if not 0 < test < 1:
        raise InputError(f"--test {test:g}: give a share of the ratings between 0 and 1")
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
    if model is not None:
        refuse_with_model(sources, tested=True)
    given = read_ratings(ratings, scale, format, columns, on_bad_row, duplicates, quiet, verbose)
    if model is not None:
        asked = loaded(model, given)
        tested = read_to_test(asked, given, sources)
        for sentence in tested.left_out:
            say(sentence, quiet)
        found = evaluate_model(asked, tested, k, relevant)
        say(known_already(found), quiet)
    else:
        settings = make_settings(
            network,
            inputs,
            aggregation=aggregation,
            loss=loss,
            profile_weight=profile_weight,
            classes=classes,
            labels_from=labels_from,
            epochs=epochs,
            seed=seed,
        )
        found = evaluate_split(
            tell(given, sources, quiet),
            settings,
            test,
            k,
            relevant,
            fit=lambda told: fitted(
                told, settings, device=device, threads=threads, quiet=quiet, verbose=verbose
            ),
        )
    if json:
        emit_json(as_json(found))
    else:
        emit("\n".join(as_lines(found)) + "\n")

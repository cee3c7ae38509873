"""`grouping learn dmtl fit`: train a model and save it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from grouping.cli import options as o
from grouping.cli.learn_dmtl import options as d
from grouping.cli.learn_dmtl.models import fitted, make_settings, read_ratings, tell
from grouping.errors import InputError


def fit(
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="Folder for the model.")
    ],
    ratings: o.RatingsFile = None,
    groups: d.GroupsFile = None,
    group_ratings: d.GroupRatings = None,
    profiles: d.Profiles = None,
    attributes: d.Attributes = None,
    profile_kinds: d.ProfileKinds = None,
    attribute_kinds: d.AttributeKinds = None,
    labels: d.LabelSource = "kmeans",
    unknown: d.Unknown = "error",
    network: d.Network = "group",
    aggregation: d.Aggregation = None,
    loss: d.Loss = None,
    inputs: d.InputBlocks = None,
    size: Annotated[
        int | None, typer.Option("--size", metavar="D", help="Components of embeddings.", min=1)
    ] = None,
    profile_size: Annotated[
        int | None,
        typer.Option("--profile-size", metavar="H", help="Components of a profile.", min=1),
    ] = None,
    softmax: Annotated[
        Literal["components", "items"] | None,
        typer.Option("--softmax", help="Axis of the paper's attention."),
    ] = None,
    profile_weight: d.Lambda = None,
    group_weight: Annotated[
        float | None,
        typer.Option(
            "--group-weight", metavar="W", help="Weight of groups' against users' ratings.", min=0
        ),
    ] = None,
    classes: d.Classes = None,
    labels_from: d.LabelsFrom = None,
    negatives: Annotated[
        int | None,
        typer.Option("--negatives", metavar="N", help="Items drawn for each taken one.", min=1),
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option("--dropout", metavar="SHARE", help="Share of components dropped."),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", metavar="RATE", help="Of AdamW.")
    ] = None,
    weight_decay: Annotated[
        float | None, typer.Option("--weight-decay", metavar="DECAY", help="Of AdamW.")
    ] = None,
    averaging: Annotated[
        float | None,
        typer.Option(
            "--averaging", metavar="DECAY", help="Decay of the mean of parameters; 0: none."
        ),
    ] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", metavar="N", help="Ratings a step.", min=1)
    ] = None,
    epochs: d.Epochs = None,
    patience: Annotated[
        int | None,
        typer.Option(
            "--patience", metavar="N", help="Stop after N epochs without a gain; 0: never.", min=0
        ),
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option("--validation", metavar="SHARE", help="Share of ratings to stop on; 0: none."),
    ] = None,
    no_refit: Annotated[
        bool,
        typer.Option(
            "--no-refit",
            help="Keep what was learned without the validation part: do not train anew on all.",
        ),
    ] = False,
    no_finish: Annotated[
        bool,
        typer.Option(
            "--no-finish",
            help="Leave the profiling head as the epochs left it: do not learn it to the end.",
        ),
    ] = False,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", metavar="DIR", help="Folder to write after every epoch."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from --checkpoint, if there is one.")
    ] = False,
    curve: Annotated[
        str | None,
        typer.Option(
            "--curve",
            metavar="FILE",
            help="Losses by epoch: .csv, or a picture (.png, .svg, .pdf).",
        ),
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(
            "--map", metavar="FILE", help="Picture of the users by class (.png, .svg, .pdf)."
        ),
    ] = None,
    device: d.Device = "auto",
    seed: o.Seed = 0,
    threads: o.Threads = None,
    scale: o.Scale = None,
    format: o.Format = None,
    columns: o.Columns = None,
    on_bad_row: o.OnBadRow = "error",
    duplicates: o.Duplicates = "error",
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Train a model on ratings of users, and of groups where there are some, and save it."""
    from grouping.cli.results import check_output
    from grouping.cli.streams import say
    from grouping.report import counted
    from learners.dmtl.asking import Sources
    from learners.dmtl.pictures import (
        CURVE_SUFFIXES,
        SUFFIXES,
        check_pictures,
        save_curve,
        save_map,
    )
    from learners.dmtl.storing import KIND
    from learners.training.saving import check_folder

    check_folder(output, KIND)
    check_output(curve, CURVE_SUFFIXES, "--curve")
    check_output(picture, SUFFIXES, "--map")
    check_pictures(curve, picture)
    if checkpoint is not None:
        _check_checkpoint(checkpoint, output)
    elif resume:
        raise InputError("--resume: from which checkpoint? give --checkpoint DIR")
    settings = make_settings(
        network,
        inputs,
        aggregation=aggregation,
        loss=loss,
        size=size,
        profile_size=profile_size,
        softmax=softmax,
        profile_weight=profile_weight,
        group_weight=group_weight,
        classes=classes,
        labels_from=labels_from,
        negatives=negatives,
        dropout=dropout,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        averaging=averaging,
        batch=batch,
        epochs=epochs,
        patience=patience,
        validation=validation,
        refit=not no_refit,
        finish=not no_finish,
        seed=seed,
    )
    if picture is not None and not settings.profile_weight:
        raise InputError("--map: colours users by class, and --profile-weight 0 learns no classes")
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
    given = read_ratings(ratings, scale, format, columns, on_bad_row, duplicates, quiet, verbose)
    model = fitted(
        tell(given, sources, quiet),
        settings,
        device=device,
        threads=threads,
        checkpoint=checkpoint,
        resume=resume,
        quiet=quiet,
        verbose=True,
    )
    model.save(output)
    if curve is not None:
        save_curve(model, curve)
    if picture is not None:
        save_map(model, picture, seed=seed)
    classes_told = "no classes"
    if model.labels is not None:
        count = len(model.labels.names)
        classes_told = f"{count} class{'' if count == 1 else 'es'}"
    say(
        f"{output}: {counted(len(model.users), 'user')}, "
        f"{counted(len(model.rated_groups), 'group')} with ratings, "
        f"{counted(len(model.items), 'item')}, {classes_told}, "
        f"trained for {counted(model.epochs, 'epoch')}",
        quiet,
    )


def _check_checkpoint(checkpoint: str, output: str) -> None:
    """Refuse a checkpoint that the model would replace, or that would be in the model's way."""
    from learners.dmtl.checkpoint import KIND
    from learners.training.saving import check_folder

    check_folder(checkpoint, KIND)
    place, model = Path(checkpoint).resolve(), Path(output).resolve()
    if place == model or model in place.parents:
        raise InputError(
            f"--checkpoint {checkpoint}: is in the folder of the model, {output}; name another"
        )

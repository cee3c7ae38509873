"""`grouping learn dmtl`: what groups are like and what they will like, learned together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from grouping.cli import options as o
from grouping.errors import InputError

if TYPE_CHECKING:
    from grouping.ratings import Ratings
    from learners.dmtl.asking import Read, Sources
    from learners.dmtl.model import DMTL

dmtl = typer.Typer(
    help="Learn what groups are like, and what they will like, together.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

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


@dmtl.command()
def fit(
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="Folder for the model.")
    ],
    ratings: o.RatingsFile = None,
    groups: GroupsFile = None,
    group_ratings: GroupRatings = None,
    profiles: Profiles = None,
    attributes: Attributes = None,
    profile_kinds: ProfileKinds = None,
    attribute_kinds: AttributeKinds = None,
    labels: LabelSource = "kmeans",
    unknown: Unknown = "error",
    network: Network = "group",
    aggregation: Aggregation = None,
    loss: Loss = None,
    inputs: InputBlocks = None,
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
    profile_weight: Lambda = None,
    group_weight: Annotated[
        float | None,
        typer.Option(
            "--group-weight", metavar="W", help="Weight of groups' against users' ratings.", min=0
        ),
    ] = None,
    classes: Annotated[
        int | None, typer.Option("--classes", metavar="C", help="Clusters of KMeans.", min=1)
    ] = None,
    labels_from: Annotated[
        Literal["all", "ratings", "profiles"] | None,
        typer.Option("--labels-from", help="What KMeans clusters users by."),
    ] = None,
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
    epochs: Epochs = None,
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
    device: Device = "auto",
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
    from learners.dmtl.asking import Sources
    from learners.dmtl.pictures import CURVE_SUFFIXES, SUFFIXES, save_curve, save_map
    from learners.training.saving import check_folder

    check_folder(output)
    check_output(curve, CURVE_SUFFIXES, "--curve")
    check_output(picture, SUFFIXES, "--map")
    if checkpoint is not None:
        check_folder(checkpoint)
    elif resume:
        raise InputError("--resume: from which checkpoint? give --checkpoint DIR")
    settings = _settings(
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
        seed=seed,
    )
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
    given = _ratings(ratings, scale, format, columns, on_bad_row, duplicates, quiet, verbose)
    model = _fitted(
        _told(given, sources, quiet),
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
    classes_told = "no classes" if model.labels is None else f"{len(model.labels.names)} classes"
    say(
        f"{output}: {len(model.users)} users, {len(model.rated_groups)} groups with ratings, "
        f"{len(model.items)} items, {classes_told}, trained for {model.epochs} epochs",
        quiet,
    )


@dmtl.command()
def evaluate(
    ratings: o.RatingsFile = None,
    model: ModelFolder = None,
    groups: GroupsFile = None,
    group_ratings: GroupRatings = None,
    profiles: Profiles = None,
    attributes: Attributes = None,
    profile_kinds: ProfileKinds = None,
    attribute_kinds: AttributeKinds = None,
    labels: LabelSource = "kmeans",
    unknown: Unknown = "error",
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
    network: Network = "group",
    aggregation: Aggregation = None,
    loss: Loss = None,
    inputs: InputBlocks = None,
    profile_weight: Lambda = None,
    epochs: Epochs = None,
    device: Device = "auto",
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
    from learners.dmtl.asking import Sources
    from learners.dmtl.evaluating import as_lines, evaluate_model, evaluate_split, known_already

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
    given = _ratings(ratings, scale, format, columns, on_bad_row, duplicates, quiet, verbose)
    if model is not None:
        found = evaluate_model(_loaded(model, given), _told(given, sources, quiet), k, relevant)
        say(known_already(found), quiet)
    else:
        settings = _settings(
            network,
            inputs,
            aggregation=aggregation,
            loss=loss,
            profile_weight=profile_weight,
            epochs=epochs,
            seed=seed,
        )
        found = evaluate_split(
            _told(given, sources, quiet),
            settings,
            test,
            k,
            relevant,
            fit=lambda told: _fitted(
                told, settings, device=device, threads=threads, quiet=quiet, verbose=verbose
            ),
        )
    if json:
        emit_json(as_json(found))
    else:
        emit("\n".join(as_lines(found)) + "\n")


@dmtl.command()
def recommend(
    groups: AskedGroups,
    ratings: o.RatingsFile = None,
    model: ModelFolder = None,
    group_ratings: GroupRatings = None,
    profiles: Profiles = None,
    attributes: Attributes = None,
    profile_kinds: ProfileKinds = None,
    attribute_kinds: AttributeKinds = None,
    unknown: Unknown = "error",
    k: Annotated[
        int, typer.Option("--list-length", "-k", metavar="K", help="Length of lists.", min=1)
    ] = 5,
    exclude: Annotated[
        Literal["none", "any", "all"],
        typer.Option("--exclude", help="Leave out items that any, or that all members rated."),
    ] = "none",
    item_names: o.ItemNames = None,
    epochs: Epochs = None,
    device: Device = "auto",
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
    asked, found = _asked(
        ratings,
        model,
        sources,
        _settings(seed=seed, profile_weight=0.0, epochs=epochs),
        device,
        threads,
        reading,
    )
    document = lists_document(found, asked, k, exclude, titles)
    _deliver(document, json, output, quiet, _lists_table)


@dmtl.command()
def profile(
    groups: AskedGroups,
    ratings: o.RatingsFile = None,
    model: ModelFolder = None,
    group_ratings: GroupRatings = None,
    profiles: Profiles = None,
    attributes: Attributes = None,
    profile_kinds: ProfileKinds = None,
    attribute_kinds: AttributeKinds = None,
    labels: LabelSource = "kmeans",
    unknown: Unknown = "error",
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
    profile_weight: Lambda = 1.0,
    epochs: Epochs = None,
    device: Device = "auto",
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
    from learners.dmtl.pictures import SUFFIXES, save_bars

    check_output(output, (".json",))
    check_output(bars, SUFFIXES, "--bars")
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
    asked, found = _asked(
        ratings,
        model,
        sources,
        _settings(seed=seed, profile_weight=profile_weight, epochs=epochs),
        device,
        threads,
        reading,
    )
    document = profiles_document(found, asked, top, titles)
    if bars is not None:
        save_bars(found, asked, bars)
    _deliver(document, json, output, quiet, _profiles_table)


def _ratings(
    path: str | None,
    scale: str | None,
    format: str | None,
    columns: str | None,
    on_bad_row: str,
    duplicates: str,
    quiet: bool,
    verbose: bool,
) -> Ratings:
    from grouping.cli.inputs import read_input

    given = read_input(
        path,
        format=format,
        columns=columns,
        on_bad_row=on_bad_row,
        duplicates=duplicates,
        scale=scale,
        missing="auto",
        quiet=quiet,
        verbose=verbose,
    )
    return given.ratings


def _told(ratings: Ratings, sources: Sources, quiet: bool) -> Read:
    from grouping.cli.streams import say
    from learners.dmtl.asking import read_told

    read = read_told(ratings, sources)
    for sentence in read.left_out:
        say(sentence, quiet)
    return read


def _settings(network: str = "group", inputs: str | None = None, **asked: Any) -> Any:
    """Settings of a network; what is None is as that network has it."""
    from learners.dmtl.settings import AS_WRITTEN, Settings

    given = {name: value for name, value in asked.items() if value is not None}
    if inputs is not None:
        given["inputs"] = tuple(part.strip() for part in inputs.split(","))
    return replace(AS_WRITTEN if network == "paper" else Settings(), **given)


def _fitted(
    read: Read,
    settings: Any,
    *,
    device: str,
    threads: int | None,
    checkpoint: str | None = None,
    resume: bool = False,
    quiet: bool,
    verbose: bool,
) -> DMTL:
    import time

    from grouping.cli.streams import say
    from learners.dmtl.model import DMTL

    def progress(line: dict[str, Any]) -> None:
        checked = line["validation"]
        said = "" if checked is None else f", validation {checked:.4f} (best: {line['best']})"
        say(
            f"epoch {line['epoch']} of {line['epochs']}: recommending "
            f"{line['recommendation']:.4f}, profiling {line['profiling']:.4f}{said}, "
            f"{line['seconds']:.1f} s",
            quiet or not verbose,
        )

    started = time.perf_counter()
    model = DMTL(settings).fit(
        read.told,
        device=device,
        threads=threads,
        progress=progress,
        checkpoint=checkpoint,
        resume=resume,
    )
    say(f"learned in {time.perf_counter() - started:.1f} s, {model.epochs} epochs", quiet)
    return model


def _loaded(folder: str, ratings: Ratings | None) -> DMTL:
    from learners.dmtl.asking import check_fits
    from learners.dmtl.model import DMTL

    model = DMTL.load(folder)
    if ratings is not None:
        check_fits(model, ratings, folder)
    return model


def _asked(
    path: str | None,
    folder: str | None,
    sources: Sources,
    settings: Any,
    device: str,
    threads: int | None,
    reading: tuple[Any, ...],
) -> tuple[Any, DMTL]:
    """Groups that are asked about, and a model: saved, or learned now from the ratings."""
    from grouping.cli.streams import say
    from learners.dmtl.groups import read_groups

    assert sources.groups is not None
    quiet = reading[-2]
    if folder is None:
        read = _told(_ratings(path, *reading), sources, quiet)
        model = _fitted(
            read, settings, device=device, threads=threads, quiet=quiet, verbose=reading[-1]
        )
        return read.groups, model
    _refuse_with_model(sources)
    model = _loaded(folder, None if path is None else _ratings(path, *reading))
    found = read_groups(sources.groups, model.users, unknown=sources.unknown)
    for sentence in found.left_out(sources.groups):
        say(sentence, quiet)
    return found.groups, model


def _refuse_with_model(sources: Sources) -> None:
    """Refuse what a saved model has learned already and would not look at."""
    for name, given in (
        ("--group-ratings", sources.group_ratings),
        ("--profiles", sources.profiles),
        ("--attributes", sources.attributes),
    ):
        if given is not None:
            raise InputError(f"{name}: a saved model has learned; give it to fit, or leave --model")
    if sources.labels != "kmeans":
        raise InputError("--labels: a saved model has its classes; give them to fit")


def _deliver(
    document: dict[str, Any], as_json: bool, output: str | None, quiet: bool, table: Any
) -> None:
    from grouping.cli.streams import emit_json, emit_table, say
    from grouping.files import replacing
    from grouping.formation import as_json as as_text

    if output is not None:
        with replacing(output) as file:
            file.write(as_text(document).encode())
        say(f"{output}: {len(document['groups'])} groups", quiet)
    if as_json:
        emit_json(as_text(document))
    elif output is None:
        emit_table(table(document))


def _lists_table(document: dict[str, Any]) -> Any:
    table = _table("group", "size", "DMTL", "least misery", "aggregate voting")
    for entry in document["groups"]:
        lists = (
            ", ".join(f"{_name(one)} ({one['score']:.2f})" for one in entry[method])
            or "no item is left"
            for method in ("dmtl", "lm", "av")
        )
        _row(table, entry["group"], str(entry["size"]), *lists)
    return table


def _profiles_table(document: dict[str, Any]) -> Any:
    """Return the groups, and below them the classes that were named."""
    from rich.console import Group

    table = _table("group", "size", "classes", "likes more than others", "stands out by")
    for entry in document["groups"]:
        classes = ", ".join(
            f"{one['name']} ({100 * one['probability']:.0f} %)" for one in entry["classes"] or ()
        )
        _row(table, entry["group"], str(entry["size"]), classes, *_told_of(entry))
    if document["classes"] is None:
        return table
    named = {one["name"] for entry in document["groups"] for one in entry["classes"]}
    of_classes = _table("class", "users", "likes more than others", "stands out by")
    for entry in document["classes"]:
        if entry["name"] in named:
            _row(of_classes, entry["name"], f"{entry['users']:g}", *_told_of(entry))
    return Group(table, of_classes)


def _told_of(entry: dict[str, Any]) -> tuple[str, str]:
    """What a group or a class likes more than others, and what it stands out by."""
    likes = ", ".join(f"{_name(one)} ({one['score']:+.2f})" for one in entry["distinctive"])
    traits = ", ".join(
        f"{one['name']} {one['here']:.2f} (all: {one['everywhere']:.2f})" for one in entry["traits"]
    )
    return likes, traits


def _table(*columns: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(
            name, justify="right" if name in ("size", "users") else "left", overflow="fold"
        )
    return table


def _row(table: Any, *cells: str) -> None:
    from rich.text import Text

    table.add_row(*(Text(cell) for cell in cells))


def _name(entry: dict[str, Any]) -> str:
    return str(entry.get("title") or entry["item"])

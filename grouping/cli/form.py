"""`grouping form`: the main job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from grouping.cli import options as o
from grouping.cli.rules import RuleOptions, exclusions
from grouping.errors import InputError
from grouping.methods import METHODS


def form(
    context: typer.Context,
    ratings: o.RatingsFile = None,
    semantics: o.Semantics = "lm",
    agg: o.Agg = "min",
    groups: o.Groups = 10,
    k: o.ListLength = 5,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="|".join(METHODS),
            help="; ".join(f"{method.name}: {method.summary}" for method in METHODS.values()) + ".",
        ),
    ] = "auto",
    split_buckets: Annotated[
        bool,
        typer.Option(
            "--split-buckets",
            help="Let GRD split users of equal lists, which gives its guarantee (with lm).",
        ),
    ] = False,
    symmetry_breaking: Annotated[
        bool,
        typer.Option(
            "--symmetry-breaking",
            help="Number the groups of --method ip by their first members: fewer equal solutions.",
        ),
    ] = False,
    write_model: Annotated[
        str | None,
        typer.Option(
            "--write-model",
            metavar="FILE",
            help="Also write the program of --method ip, as .lp or .mps.",
        ),
    ] = None,
    min_size: o.MinSize = None,
    max_size: o.MaxSize = None,
    sizes: o.Sizes = None,
    together: o.Together = None,
    apart: o.Apart = None,
    together_file: o.TogetherFile = None,
    apart_file: o.ApartFile = None,
    fix: o.Fix = None,
    fix_file: o.FixFile = None,
    balance: o.Balance = None,
    no_isolated: o.NoIsolated = None,
    profiles: o.Profiles = None,
    exclude: o.Exclude = None,
    exclude_file: o.ExcludeFile = None,
    position_weights: o.PositionWeights = None,
    weigh: o.Weigh = "groups",
    user_weights: o.UserWeights = None,
    missing: o.MissingPolicy = "auto",
    scale: o.Scale = None,
    step: o.Round = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            metavar="FILE",
            help="Groups to start from: what form -o wrote, or a table user,group.",
        ),
    ] = None,
    bound: Annotated[
        bool,
        typer.Option("--bound", help="Also give an upper bound, and the gap to it."),
    ] = False,
    time_limit: o.TimeLimit = None,
    iterations: Annotated[
        int | None,
        typer.Option(
            "--iterations",
            metavar="N",
            help="How many steps it may take: equal results on every machine.",
            min=1,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            "--patience",
            metavar="N",
            help="Stop local search after so many steps in a row that led to nothing better.",
            min=1,
        ),
    ] = None,
    gap: Annotated[
        float | None,
        typer.Option(
            "--gap", metavar="G", help="The gap to the bound at which it may stop.", min=0
        ),
    ] = None,
    per_user: Annotated[
        bool,
        typer.Option(
            "--per-user", help="Also report what each member gets, in JSON (members_report)."
        ),
    ] = False,
    seed: o.Seed = 0,
    threads: o.Threads = None,
    format: o.Format = None,
    columns: o.Columns = None,
    on_bad_row: o.OnBadRow = "error",
    duplicates: o.Duplicates = "error",
    item_names: o.ItemNames = None,
    user_names: o.UserNames = None,
    json: o.Json = False,
    output: o.Output = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Form groups, each with its list of items.

    The result is a table on standard output: the groups, their lists, best item first, and how
    satisfied each group is.
    """
    from grouping.cli.inputs import read_asked
    from grouping.cli.progress import shown_progress
    from grouping.cli.results import check_output, deliver, read_titles
    from grouping.forming import form as form_groups
    from grouping.reading.partition import read_partition
    from grouping.reading.user_weights import read_user_weights
    from grouping.starting import start_labels

    check_output(output, given=context.params)
    if per_user and not (json or (output or "").lower().endswith(".json")):
        raise InputError("--per-user: is part of the JSON document; add --json or -o FILE.json")
    weights = o.parse_weights(position_weights, agg, k)
    counts = None if user_weights is None else read_user_weights(user_weights)
    check_output(write_model, (".lp", ".mps"), "--write-model")
    _check_method(
        method,
        {
            "--split-buckets": split_buckets,
            "--write-model": write_model,
            "--symmetry-breaking": symmetry_breaking,
            "--start": start,
        },
    )
    if patience is not None and not METHODS[method].patient:
        raise InputError(f"--patience: --method {method} does not take it; leave it out")
    if split_buckets and semantics == "av":
        raise InputError(
            "--split-buckets: has no effect with --semantics av, where scores add up; leave it out"
        )
    rules = RuleOptions.asked(context)
    partition = None if start is None else read_partition(start)
    titles = read_titles(item_names, user_names)
    given = read_asked(context)
    with shown_progress(quiet) as progress:
        formation = given.use(
            lambda complete, policy: form_groups(
                complete,
                semantics,
                agg,
                groups,
                k,
                method,
                missing=policy,
                round=step,
                position_weights=weights,
                weigh=weigh,
                user_weights=counts,
                exclude=exclusions(complete, exclude, exclude_file),
                split_buckets=split_buckets,
                write_model=write_model,
                symmetry_breaking=symmetry_breaking,
                constraints=rules.constraints(complete.users, groups),
                start=None
                if partition is None
                else start_labels(complete, partition, groups, rules.slotted, f"--start {start}"),
                time_limit=time_limit,
                iterations=iterations,
                patience=patience,
                gap=gap,
                bound=bound,
                per_user=per_user,
                seed=seed,
                threads=threads,
                progress=progress,
            )
        )
    deliver(formation, given, titles, as_json=json, output=output, quiet=quiet, verbose=verbose)


def _check_method(name: str, options: Mapping[str, object]) -> None:
    """Refuse a method that there is not, and options that it does not take."""
    if name not in METHODS:
        raise InputError(f"--method {name}: there is {', '.join(METHODS)}")
    for option, value in options.items():
        if value and option.removeprefix("--").replace("-", "_") not in METHODS[name].options:
            raise InputError(f"{option}: --method {name} does not take it; leave it out")

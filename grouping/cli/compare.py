"""`grouping compare`: several methods side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from grouping.cli import options as o

if TYPE_CHECKING:
    import pandas as pd


def compare(
    context: typer.Context,
    ratings: o.RatingsFile = None,
    semantics: o.Semantics = "lm",
    agg: o.Agg = "min",
    groups: o.Groups = 10,
    k: o.ListLength = 5,
    methods: Annotated[
        str,
        typer.Option("--methods", metavar="NAME,NAME,...", help="Which; see form --method."),
    ] = "greedy,refine,exact,baseline,kmeans",
    time_limit: o.TimeLimit = None,
    position_weights: o.PositionWeights = None,
    weigh: o.Weigh = "groups",
    user_weights: o.UserWeights = None,
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
    missing: o.MissingPolicy = "auto",
    scale: o.Scale = None,
    step: o.Round = None,
    seed: o.Seed = 0,
    threads: o.Threads = None,
    format: o.Format = None,
    columns: o.Columns = None,
    on_bad_row: o.OnBadRow = "error",
    duplicates: o.Duplicates = "error",
    json: o.Json = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the table as .csv."),
    ] = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Form groups by several methods and compare them.

    For each: objective, the best bound of all and the gap to it, sizes of groups, what members
    get, and how evenly. Methods that improve as long as they may get 10 seconds each, or
    --time-limit.
    """
    from grouping.cli.inputs import read_asked
    from grouping.cli.progress import shown_progress
    from grouping.cli.results import check_output
    from grouping.cli.rules import RuleOptions, exclusions
    from grouping.cli.streams import emit_json, emit_table, say
    from grouping.comparing import compare as side_by_side
    from grouping.files import replacing
    from grouping.formation import as_json
    from grouping.reading.user_weights import read_user_weights

    check_output(output, (".csv",), given=context.params)
    weights = o.parse_weights(position_weights, agg, k)
    counts = None if user_weights is None else read_user_weights(user_weights)
    rules = RuleOptions.asked(context)
    given = read_asked(context)
    with shown_progress(quiet) as progress:
        table = given.use(
            lambda complete, policy: side_by_side(
                complete,
                semantics,
                agg,
                groups,
                k,
                [name.strip() for name in methods.split(",")],
                missing=policy,
                round=step,
                position_weights=weights,
                weigh=weigh,
                user_weights=counts,
                exclude=exclusions(complete, exclude, exclude_file),
                constraints=rules.constraints(complete.users, groups),
                time_limit=time_limit,
                seed=seed,
                threads=threads,
                progress=progress,
            )
        )
    if output is not None:
        with replacing(output) as file:
            file.write(table.to_csv(index=False).encode())
        say(f"{output}: {len(table)} methods", quiet)
    if json:
        entries = table.astype(object).where(table.notna(), None).to_dict("records")
        asked = {"semantics": semantics, "agg": agg, "groups": groups, "k": k}
        emit_json(as_json({"schema_version": 1, **asked, "methods": entries}))
    elif output is None:
        emit_table(_shown(table))


def _shown(table: pd.DataFrame) -> Any:
    """The table as a person reads it: a column a method would be too wide for many."""
    from rich import box
    from rich.console import Group as Lines
    from rich.table import Table
    from rich.text import Text

    from grouping.bounds import gap_text
    from grouping.report import number

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    heads = ("method", "objective", "bound", "gap", "groups", "sizes", "mean", "worst", "Jain", "s")
    for head in heads:
        shown.add_column(head, justify="left" if head == "method" else "right")
    notes = []
    for row in table.to_dict("records"):
        if row["note"]:
            notes.append(Text(f"{row['method']} is left out: {row['note']}"))
            continue
        sizes = ("smallest", "lower_quartile", "median", "upper_quartile", "largest")
        gap = row["gap"]
        shown.add_row(
            row["method"],
            number(row["objective"]),
            number(row["bound"]),
            "" if gap is None or gap != gap else gap_text(gap),
            str(row["groups"]),
            " ".join(f"{row[size]:g}" for size in sizes),
            f"{row['mean_satisfaction']:.4g}",
            f"{row['worst_satisfaction']:.4g}",
            "" if row["jain"] is None or row["jain"] != row["jain"] else f"{row['jain']:.3f}",
            f"{row['seconds']:.2g}",
        )
    return Lines(shown, *notes)

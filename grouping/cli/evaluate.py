"""`grouping evaluate`: score a given partition."""

from __future__ import annotations

from typing import Annotated

import typer

from grouping.cli import options as o
from grouping.errors import InputError


def evaluate(
    context: typer.Context,
    ratings: o.GivenRatings,
    groups: Annotated[
        str,
        typer.Option(
            "--groups",
            metavar="FILE",
            help="The groups: what form -o wrote, or a table of users and groups.",
        ),
    ],
    semantics: o.Semantics = "lm",
    agg: o.Agg = "min",
    k: o.ListLength = 5,
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
    bound: Annotated[
        bool,
        typer.Option("--bound", help="Also give an upper bound, and the gap to it."),
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
    """Give the groups of a file their best lists, and score them.

    With constraints, it says which of them the groups break, and where.
    """
    from grouping.cli.inputs import read_asked
    from grouping.cli.results import check_output, deliver, read_titles
    from grouping.cli.rules import RuleOptions, exclusions
    from grouping.cli.streams import say
    from grouping.evaluating import evaluate as evaluate_partition
    from grouping.evaluating import group_numbers
    from grouping.reading.partition import read_partition
    from grouping.reading.user_weights import read_user_weights

    check_output(output, given=context.params)
    weights = o.parse_weights(position_weights, agg, k)
    counts = None if user_weights is None else read_user_weights(user_weights)
    rules = RuleOptions.asked(context)
    titles = read_titles(item_names, user_names)
    partition = read_partition(groups)
    given = read_asked(context)
    try:
        _, names = group_numbers(given.ratings, partition)
    except InputError as error:
        raise InputError(f"{groups}: {error}") from error
    formation = given.use(
        lambda complete, policy: evaluate_partition(
            complete,
            partition,
            semantics,
            agg,
            k,
            missing=policy,
            round=step,
            position_weights=weights,
            weigh=weigh,
            user_weights=counts,
            exclude=exclusions(complete, exclude, exclude_file),
            constraints=rules.constraints(complete.users, len(names)),
            bound=bound,
            threads=threads,
        )
    )
    for sentence in formation.broken or ():
        say(f"broken: {sentence}", quiet)
    deliver(formation, given, titles, as_json=json, output=output, quiet=quiet, verbose=verbose)

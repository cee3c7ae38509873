"""`grouping bound`: an upper bound alone."""

from __future__ import annotations

import typer

from grouping.cli import options as o


def bound(
    context: typer.Context,
    ratings: o.RatingsFile = None,
    semantics: o.Semantics = "lm",
    agg: o.Agg = "min",
    groups: o.Groups = 10,
    k: o.ListLength = 5,
    min_size: o.MinSize = None,
    max_size: o.MaxSize = None,
    sizes: o.Sizes = None,
    position_weights: o.PositionWeights = None,
    weigh: o.Weigh = "groups",
    user_weights: o.UserWeights = None,
    exclude: o.Exclude = None,
    exclude_file: o.ExcludeFile = None,
    missing: o.MissingPolicy = "auto",
    scale: o.Scale = None,
    step: o.Round = None,
    time_limit: o.TimeLimit = None,
    seed: o.Seed = 0,
    threads: o.Threads = None,
    format: o.Format = None,
    columns: o.Columns = None,
    on_bad_row: o.OnBadRow = "error",
    duplicates: o.Duplicates = "error",
    json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Give an upper bound on the objective of any groups.

    Without --time-limit, one that is quick at any size.
    """
    from grouping.cli.inputs import read_asked
    from grouping.cli.progress import shown_progress
    from grouping.cli.rules import RuleOptions, exclusions
    from grouping.cli.streams import emit, emit_json
    from grouping.counting import Counting
    from grouping.counting import user_weights as weights_of
    from grouping.exact.bounding import upper_bound
    from grouping.formation import as_json
    from grouping.kernels.jit import threads as on_threads
    from grouping.methods import Budget
    from grouping.missing import complete as completed
    from grouping.problem import Problem
    from grouping.reading.user_weights import read_user_weights

    weights = o.parse_weights(position_weights, agg, k)
    counts = None if user_weights is None else read_user_weights(user_weights)
    rules = RuleOptions.asked(context)
    given = read_asked(context)
    with on_threads(threads), shown_progress(quiet) as progress:
        found = given.use(
            lambda complete, policy: upper_bound(
                Problem.of(
                    completed(complete, policy, step),
                    semantics,
                    agg,
                    groups,
                    k,
                    position_weights=weights,
                    constraints=rules.constraints(complete.users, groups),
                    counting=Counting(weigh, weights_of(complete.users, counts)),
                    exclusions=exclusions(complete, exclude, exclude_file),
                ),
                Budget(time_limit=time_limit, seed=seed, progress=progress),
            )
        )
    if json:
        emit_json(
            as_json(
                {
                    "schema_version": 1,
                    "semantics": semantics,
                    "agg": agg,
                    "groups": groups,
                    "k": k,
                    "weigh": weigh,
                    "bound": found.value,
                    "argument": found.argument,
                }
            )
        )
    else:
        emit(f"{found.value!r}\n")

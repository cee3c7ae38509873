"""`grouping sweep`: groups over ranges of their number and of the lists' length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from grouping.cli import options as o
from grouping.cli.rules import RuleOptions, exclusions
from grouping.errors import InputError
from grouping.methods import METHODS

if TYPE_CHECKING:
    import pandas as pd

PICTURES = (".png", ".svg", ".pdf")

REFUSED = "Refused: it is about groups of given numbers, and a sweep changes how many there are."


def sweep(
    context: typer.Context,
    ratings: o.RatingsFile = None,
    groups: Annotated[
        str,
        typer.Option(
            "--groups",
            "-l",
            metavar="RANGE",
            help="Numbers of groups: A:B (both included), A:B:STEP, or several with commas.",
        ),
    ] = "2:40",
    k: Annotated[
        str,
        typer.Option("--list-length", "-k", metavar="RANGE", help="Items on each list, likewise."),
    ] = "5",
    semantics: o.Semantics = "lm",
    agg: o.Agg = "min",
    method: Annotated[
        str, typer.Option("--method", metavar="|".join(METHODS), help="As for form.")
    ] = "greedy",
    min_size: o.MinSize = None,
    max_size: o.MaxSize = None,
    together: o.Together = None,
    apart: o.Apart = None,
    together_file: o.TogetherFile = None,
    apart_file: o.ApartFile = None,
    balance: o.Balance = None,
    no_isolated: o.NoIsolated = None,
    profiles: o.Profiles = None,
    exclude: o.Exclude = None,
    exclude_file: o.ExcludeFile = None,
    sizes: Annotated[
        str | None, typer.Option("--sizes", metavar="N1,N2,...", help=REFUSED, hidden=True)
    ] = None,
    fix: Annotated[
        list[str] | None, typer.Option("--fix", metavar="USER=GROUP", help=REFUSED, hidden=True)
    ] = None,
    fix_file: Annotated[
        str | None, typer.Option("--fix-file", metavar="FILE", help=REFUSED, hidden=True)
    ] = None,
    position_weights: o.PositionWeights = None,
    weigh: o.Weigh = "groups",
    user_weights: o.UserWeights = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit",
            metavar="SECONDS",
            help="For each point, of a method that improves step by step.",
            callback=lambda seconds: o.above_zero("--time-limit", seconds),
        ),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option("--iterations", metavar="N", help="Steps for each point, likewise.", min=1),
    ] = None,
    no_bound: Annotated[
        bool,
        typer.Option("--no-bound", help="Leave out upper bounds, which may take most of the time."),
    ] = False,
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
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write each point as .csv when it is measured; goes on with what is there.",
        ),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option("--plot", metavar="FILE", help="Draw the curves: .png, .svg or .pdf."),
    ] = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Form groups for each number of groups and length of lists.

    For each: objective, upper bound and the gap to it, how large groups are, seconds. Interrupted,
    it shows what was measured; with -o, the same command goes on from there.
    """
    from grouping.cli.inputs import read_asked
    from grouping.cli.progress import shown_steps
    from grouping.cli.results import check_output
    from grouping.reading.user_weights import read_user_weights
    from grouping.sweeping import sweep as over_ranges

    for option, value in (("--sizes", sizes), ("--fix", fix), ("--fix-file", fix_file)):
        if value:
            raise InputError(
                f"{option}: is about groups of given numbers, and a sweep changes how many there "
                "are: use --max-size, --together and --apart"
            )
    check_output(output, (".csv",))
    check_output(plot, PICTURES, "--plot")
    numbers, lengths = parse_range("-l", groups), parse_range("-k", k)
    weights = o.parse_weights(position_weights, agg, max(lengths))
    figure = _blank(plot)
    options: dict[str, Any] = {
        "time_limit": time_limit,
        "iterations": iterations,
        "weigh": None if weigh == "groups" else weigh,
        "user_weights": None if user_weights is None else read_user_weights(user_weights),
    }
    rules = RuleOptions.asked(context)
    given = read_asked(context)
    rows: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"semantics": semantics, "agg": agg, "method": method}
    try:
        with shown_steps("sweep", quiet) as tell:
            table = given.use(
                lambda complete, policy: over_ranges(
                    complete,
                    numbers,
                    lengths,
                    **asked,
                    missing=policy,
                    round=step,
                    position_weights=weights,
                    constraints=rules.constraints(complete.users, 1),
                    exclude=exclusions(complete, exclude, exclude_file),
                    bound=not no_bound,
                    file=output,
                    tell=tell,
                    measured=rows.append,
                    seed=seed,
                    threads=threads,
                    **{name: value for name, value in options.items() if value is not None},
                )
            )
    except KeyboardInterrupt:
        _keep(rows, output, asked, json, quiet)
        raise
    _deliver(table, output, asked, json, quiet)
    if figure is not None:
        from grouping.cli.streams import say
        from grouping.pictures import save_picture
        from grouping.sweeping import draw

        draw(table, figure, f"{semantics}-{agg}, by {method}")
        save_picture(figure, plot or "")
        say(f"{plot}: {len(table)} points", quiet)


def parse_range(option: str, text: str) -> list[int]:
    """Read numbers: A:B with both ends, A:B:STEP, single ones; several with commas.

    Raises
    ------
    InputError
        If it is none of these, or a number is below 1.
    """
    numbers: list[int] = []
    for part in text.split(","):
        try:
            ends = [int(number) for number in part.split(":")]
            first, last, step = (*ends, *(ends if len(ends) == 1 else ()), 1)[:3]
            if len(ends) > 3 or step < 1 or not 1 <= first <= last:
                raise ValueError
        except ValueError as error:
            raise InputError(
                f"{option} {text}: give numbers from 1 such as 2:40, 2:40:2, or 2,5,10:20"
            ) from error
        numbers.extend(range(first, last + 1, step))
    return list(dict.fromkeys(numbers))


def _blank(plot: str | None) -> Any:
    """An empty figure, first of all: without matplotlib nothing is measured in vain."""
    if plot is None:
        return None
    from grouping.pictures import blank

    return blank(12, 4)


def _keep(
    rows: list[dict[str, Any]], output: str | None, asked: dict[str, Any], json: bool, quiet: bool
) -> None:
    """Say what of an interrupted sweep is left."""
    from grouping.cli.streams import say

    if output is not None:
        say(f"{output}: keeps what was measured; the same command goes on from there", quiet)
    elif rows:
        import pandas as pd

        _deliver(pd.DataFrame(rows), None, asked, json, quiet)


def _deliver(
    table: pd.DataFrame, output: str | None, asked: dict[str, Any], json: bool, quiet: bool
) -> None:
    from grouping.cli.streams import emit_json, emit_table, say
    from grouping.formation import as_json

    if output is not None:
        say(f"{output}: {len(table)} points", quiet)
    if json:
        entries = table.astype(object).where(table.notna(), None).to_dict("records")
        emit_json(as_json({"schema_version": 1, **asked, "points": entries}))
    else:
        emit_table(_shown(table))


def _shown(table: pd.DataFrame) -> Any:
    from rich import box
    from rich.table import Table

    from grouping.bounds import gap_text
    from grouping.comparing import SIZES
    from grouping.report import number

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("l", "k", "objective", "bound", "gap", "groups", "sizes", "s"):
        shown.add_column(head, justify="right")
    for row in table.astype(object).where(table.notna(), None).to_dict("records"):
        if row["objective"] is None:
            shown.add_row(str(row["l"]), str(row["k"]), row["status"])
            continue
        shown.add_row(
            str(row["l"]),
            str(row["k"]),
            number(row["objective"]),
            "" if row["bound"] is None else number(row["bound"]),
            "" if row["gap"] is None else gap_text(row["gap"]),
            str(int(row["groups"])),
            " ".join(f"{row[size]:g}" for size in SIZES),
            f"{row['seconds']:.2g}",
        )
    return shown

"""`grouping assign`: newcomers join the groups of a formation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from grouping.cli import options as o
from grouping.cli.rules import RuleOptions, exclusions

if TYPE_CHECKING:
    from grouping.assigning import Joining
    from grouping.cli.inputs import Input
    from grouping.cli.results import Titles
    from grouping.formation import Formation

SHOWN_NEWCOMERS = 50


def assign(
    context: typer.Context,
    formation: Annotated[
        str,
        typer.Argument(metavar="FORMATION", help="The groups: the .json file of form or assign."),
    ],
    ratings: Annotated[
        str,
        typer.Argument(
            metavar="RATINGS",
            help="A file of the newcomers' ratings, or - for standard input. Members' ratings may "
            "be in it too.",
        ),
    ],
    max_size: Annotated[
        int | None,
        typer.Option(
            "--max-size",
            metavar="N",
            help="Most users of every group, with its members; by default as FORMATION was formed.",
            min=1,
        ),
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option(
            "--sizes",
            metavar="N1,N2,...",
            help="Most users of group 0, 1, ...; by default as FORMATION was formed.",
        ),
    ] = None,
    together: o.Together = None,
    apart: o.Apart = None,
    together_file: o.TogetherFile = None,
    apart_file: o.ApartFile = None,
    fix: o.Fix = None,
    fix_file: o.FixFile = None,
    balance: o.Balance = None,
    no_isolated: o.NoIsolated = None,
    profiles: o.Profiles = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            "--drop",
            metavar="min-size|max-size|sizes|together|apart|fix|balance|no-isolated",
            help="A constraint of FORMATION that no longer holds; repeatable.",
        ),
    ] = None,
    user_weights: Annotated[
        str | None,
        typer.Option(
            "--user-weights",
            metavar="FILE",
            help="How much newcomers count, from a table user,weight; 1 for others.",
        ),
    ] = None,
    exclude: o.Exclude = None,
    exclude_file: Annotated[
        str | None,
        typer.Option(
            "--exclude-file",
            metavar="FILE",
            help="Table user,item: nobody joins a group whose list has an item of theirs.",
        ),
    ] = None,
    relist: Annotated[
        bool,
        typer.Option(
            "--relist",
            help="Make the lists anew when all have joined (RATINGS must have the members' too); "
            "by default they stay.",
        ),
    ] = False,
    missing: Annotated[
        str | None,
        typer.Option(
            "--missing",
            metavar="auto|error|min|mean|predict|NUMBER",
            help="What an item that a newcomer has not rated counts as; by default what it counted "
            "as when FORMATION was formed.",
        ),
    ] = None,
    scale: o.Scale = None,
    step: Annotated[
        float | None,
        typer.Option(
            "--round",
            metavar="STEP",
            help="Round ratings to multiples of STEP; by default as FORMATION was formed.",
            callback=lambda step: o.above_zero("--round", step),
        ),
    ] = None,
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
    """Let newcomers join the groups of a formation.

    Members stay where they are, and lists as they are. Each newcomer joins the group whose list
    serves them best, within capacities and the constraints that FORMATION was formed under. The
    result is the new formation.
    """
    from grouping.assigning import UNRATED, alongside, everyone, join, kinds_to_drop
    from grouping.cli.inputs import read_asked
    from grouping.cli.results import check_output, read_titles, stamped, write_out
    from grouping.formation import Formation
    from grouping.reading.user_weights import read_user_weights

    check_output(output, given=context.params)
    kinds_to_drop(drop or (), as_option=True)
    rules = RuleOptions.asked(context)
    titles = read_titles(item_names, user_names)
    counts = None if user_weights is None else read_user_weights(user_weights)
    before = Formation.load(formation)
    given = read_asked(context, missing=_policy(before) if missing is None else missing)
    given.ratings = alongside(before, given.ratings, relist=relist)
    asked = rules.constraints(everyone(before, given.ratings), len(before.groups))
    known = rules.known()
    joining = given.use(
        lambda complete, policy: join(
            before,
            complete,
            missing=policy,
            round=step,
            constraints=asked,
            profiles=known,
            drop=drop or (),
            user_weights=counts,
            exclude=exclusions(complete, exclude, exclude_file, UNRATED, beyond=relist),
            relist=relist,
            threads=threads,
        )
    )
    _say_what_was_filled(given, before, joining, inherited=missing is None)
    after = joining.formation
    write_out(
        stamped(after, given) if joining.newcomers else after,
        titles,
        as_json=json,
        output=output,
        quiet=quiet,
        verbose=verbose,
        table=lambda: _shown(before, joining, titles),
    )


def _policy(before: Formation) -> str:
    """The policy by which unrated items counted before; where that is not known, auto."""
    from grouping.assigning import formed_with

    policy = formed_with(before)
    return "auto" if policy == "error" else str(policy)


def _say_what_was_filled(
    given: Input, before: Formation, joining: Joining, *, inherited: bool
) -> None:
    from grouping.cli.streams import say
    from grouping.report import counted

    if not joining.newcomers:
        users = counted(given.ratings.shape[0], "user")
        say(f"nobody is new: {users} of RATINGS, all members already", given.quiet)
        return
    n, m = given.ratings.shape
    if given.ratings.count() == n * m:
        return
    if given.completed is not None:
        if n == len(joining.newcomers):
            say(
                "predicted from the newcomers' ratings alone; with the members' in RATINGS "
                "predictions are better",
                given.quiet,
            )
    elif given.missing != "auto":
        of = " of RATINGS" if given.missing in ("min", "mean") else ""
        source = ", by the policy that the groups were formed with" if inherited else ""
        say(f"unrated items count as {given.missing}{of}{source}", given.quiet)


def _shown(before: Formation, joining: Joining, titles: Titles) -> Any:
    """Who went where, and what became of the groups."""
    from rich import box
    from rich.console import Group as Lines
    from rich.table import Table
    from rich.text import Text

    from grouping.report import counted, number, titled

    after = joining.formation
    names = [str(g.number) if g.name is None else g.name for g in after.groups]
    came = [int((joining.groups == g.number).sum()) for g in after.groups]
    headline = (
        f"{counted(len(joining.newcomers), 'newcomer')} joined {sum(map(bool, came))} of "
        f"{counted(len(after.groups), 'group')}: {counted(len(after.labels), 'user')}, "
        f"{after.problem['semantics']}-{after.problem['agg']}, k = {after.problem['k']}, "
        f"objective {number(before.objective)} before, {number(after.objective)} now"
    )
    people = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    people.add_column("newcomer")
    people.add_column("group", justify="right")
    people.add_column("own satisfaction", justify="right")
    for user, group, satisfaction in zip(
        joining.newcomers[:SHOWN_NEWCOMERS],
        joining.groups.tolist(),
        joining.satisfaction.tolist(),
        strict=False,
    ):
        people.add_row(Text(titled(user, titles.users)), Text(names[group]), number(satisfaction))
    groups = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("group", "came", "size", "satisfaction", "before"):
        groups.add_column(head, justify="right")
    groups.add_column(f"list of {after.problem['k']} (score)", overflow="fold")
    for old, new in zip(before.groups, after.groups, strict=True):
        if came[new.number]:
            items = (
                f"{titled(item, titles.items)} ({number(score)})"
                for item, score in zip(new.item_ids, new.item_scores.tolist(), strict=True)
            )
            groups.add_row(
                Text(names[new.number]),
                str(came[new.number]),
                str(new.size),
                number(new.satisfaction),
                number(old.satisfaction),
                Text(", ".join(items)),
            )
    lines: list[Any] = [Text(headline, no_wrap=True, overflow="ignore")]
    if joining.newcomers:
        lines.append(people)
        hidden = len(joining.newcomers) - SHOWN_NEWCOMERS
        if hidden > 0:
            lines.append(Text(f"… and {counted(hidden, 'more newcomer')} (-o FILE.csv has all)"))
        lines.append(groups)
    return Lines(*lines)

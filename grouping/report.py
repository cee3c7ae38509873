"""A formation as a table that a person can read (as a page: `grouping.page`)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from grouping.bounds import gap_text
from grouping.formation import Formation

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN_GROUPS = 50
SHOWN_MEMBERS = 4


def as_table(
    formation: Formation,
    item_names: Mapping[str, str] | None = None,
    user_names: Mapping[str, str] | None = None,
) -> RenderableType:
    """Build the table of groups, under a line that says what was formed.

    Parameters
    ----------
    formation : Formation
    item_names, user_names : mapping of id to title, optional

    Returns
    -------
    table : rich renderable
    """
    from rich import box
    from rich.console import Group as Lines
    from rich.table import Table
    from rich.text import Text

    asked = formation.problem
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("group", justify="right")
    table.add_column("size", justify="right")
    table.add_column("satisfaction", justify="right")
    table.add_column(f"list of {asked['k']} (score)", overflow="fold")
    table.add_column("members", overflow="fold")
    for group in formation.groups[:SHOWN_GROUPS]:
        items = (
            f"{titled(item, item_names)} ({number(score)})"
            for item, score in zip(group.item_ids, group.item_scores.tolist(), strict=True)
        )
        first = group.members[:SHOWN_MEMBERS].tolist()
        members = [group.users_by_position[u] for u in first]
        members = [titled(member, user_names) for member in members]
        if group.size > len(members):
            members.append("…")
        table.add_row(
            Text(group.name if group.name is not None else str(group.number)),
            str(group.size),
            number(group.satisfaction),
            Text(", ".join(items)),
            Text(", ".join(members)),
        )
    hidden = len(formation.groups) - SHOWN_GROUPS
    # one line, however narrow the page: `head -1` shall see all of it
    lines: list[RenderableType] = [
        Text(headline(formation), no_wrap=True, overflow="ignore"),
        table,
    ]
    if hidden > 0:
        lines.append(Text(f"… and {counted(hidden, 'more group')} (--json or -o writes all)"))
    return Lines(*lines)


def titled(name: str, titles: Mapping[str, str] | None) -> str:
    """Put the title beside an id.

    Parameters
    ----------
    name : str
    titles : mapping of id to title, optional

    Returns
    -------
    text : str
    """
    title = None if titles is None else titles.get(name)
    return name if title is None else f"{name} {title}"


def headline(formation: Formation) -> str:
    """Say in one line what was formed and what it is worth.

    Parameters
    ----------
    formation : Formation

    Returns
    -------
    line : str
    """
    asked = formation.problem
    words = (
        f"{counted(len(formation.groups), 'group')} of {counted(asked['users'], 'user')} over "
        f"{counted(asked['items'], 'item')}, "
        f"{asked['semantics']}-{asked['agg']}, k = {asked['k']}, by {maker(formation)}: "
        f"objective {number(formation.objective)}"
    )
    if formation.bound is not None:
        words += f", bound {number(formation.bound)}"
        words += "" if formation.gap is None else f", gap {gap_text(formation.gap)}"
    return f"{words} ({formation.status})"


def maker(formation: Formation) -> str:
    """Name the method that made a formation, and in brackets the one asked for if that chose it.

    Parameters
    ----------
    formation : Formation

    Returns
    -------
    words : str
    """
    chooser = "" if formation.chosen_by is None else f" ({formation.chosen_by})"
    return f"{formation.method}{chooser}"


def counted(count: int, what: str) -> str:
    """Write a number of things, "1 group" or "2 groups".

    Parameters
    ----------
    count : int
    what : str
        One of them.

    Returns
    -------
    text : str
    """
    return f"{count} {what}{'' if count == 1 else 's'}"


def number(value: float) -> str:
    """Write a number for a table: whole ones without a point, others to six digits.

    Parameters
    ----------
    value : float

    Returns
    -------
    text : str
    """
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"


def as_text(formation: Formation, width: int = 100) -> str:
    """Render the table as plain text.

    Parameters
    ----------
    formation : Formation
    width : int
        Columns of the page.

    Returns
    -------
    text : str
    """
    from rich.console import Console

    page = io.StringIO()
    console = Console(file=page, width=width, color_system=None, highlight=False)
    console.print(as_table(formation), crop=False)
    return page.getvalue().rstrip("\n")

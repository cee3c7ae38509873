"""A formation as a page: one HTML file that a browser shows and prints, with nothing beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np

from grouping.bounds import gap_text
from grouping.errors import InputError
from grouping.formation import Formation
from grouping.report import counted, headline, maker, number

STEPS = 10
"""Bars of the histogram of members' shares."""

_SEMANTICS = {
    "lm": "A group likes an item as much as its least happy member does (least misery).",
    "av": "A group likes an item as much as its members do together (aggregate voting).",
}

_AGGREGATIONS = {
    "min": "It is as satisfied as with the last item of its list.",
    "max": "It is as satisfied as with the first item of its list.",
    "sum": "Its satisfaction is the sum over its list.",
    "wsum": "Its satisfaction is the weighted sum over its list.",
    "ndcg": "Its satisfaction is its members' NDCG of the list.",
}


def as_page(
    document: Mapping[str, Any],
    item_names: Mapping[str, str] | None = None,
    user_names: Mapping[str, str] | None = None,
    source: str = "formation",
) -> str:
    """Lay a formation out as HTML.

    Parameters
    ----------
    document : mapping
        The JSON document (schema version 1), as `Formation.to_dict` gives it.
    item_names, user_names : mapping of id to title, optional
        Titles to show in place of those that the document holds.
    source : str
        What to call the document in messages.

    Returns
    -------
    html : str

    Raises
    ------
    InputError
        If the document is not a formation of a known schema version.
    """
    formation = Formation.from_dict(document, source)
    try:
        return _page(formation, document, item_names, user_names)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{source}: is not a whole formation ({error!r})") from error


def _page(
    formation: Formation,
    document: Mapping[str, Any],
    item_names: Mapping[str, str] | None,
    user_names: Mapping[str, str] | None,
) -> str:
    groups = document["groups"]
    title = (
        f"{counted(len(formation.groups), 'group')} of "
        f"{counted(formation.problem['users'], 'user')}"
    )
    template = Template(files("grouping").joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        words=escape(_words(formation)),
        facts="".join(
            f"<li>{escape(name)}<b>{escape(value)}</b></li>" for name, value in _facts(formation)
        ),
        sizes="\n".join(_sizes(formation)),
        members=_members(document.get("members_report"), groups, user_names),
        groups="\n".join(_group(entry, item_names, user_names) for entry in groups),
        record=_record(formation),
    )


def _words(formation: Formation) -> str:
    asked = formation.problem
    words = [
        _SEMANTICS.get(asked["semantics"], ""),
        _AGGREGATIONS.get(asked["agg"], ""),
        f"At most {counted(asked['groups'], 'group')} of {counted(asked['users'], 'user')} were "
        f"asked for, each with a list of {asked['k']} of {counted(asked['items'], 'item')}.",
    ]
    return " ".join(word for word in words if word)


def _facts(formation: Formation) -> Iterable[tuple[str, str]]:
    yield "objective", number(formation.objective)
    if formation.bound is not None:
        yield "at most possible", number(formation.bound)
    if formation.gap is not None:
        yield "gap", gap_text(formation.gap)
    yield "found by", maker(formation)
    yield "status", formation.status
    low, middle, high = np.percentile(formation.sizes, (0, 50, 100))
    yield "members of a group", f"{low:g} to {high:g}, median {middle:g}"


def _sizes(formation: Formation) -> Iterable[str]:
    largest = int(formation.sizes.max())
    for group in formation.groups:
        name = group.name if group.name is not None else str(group.number)
        yield (
            f'<tr><td class="number"><a href="#group-{group.number}">{escape(name)}</a></td>'
            f'<td class="number">{group.size}</td><td>{_bar(group.size / largest)}</td>'
            f'<td class="number">{number(group.satisfaction)}</td></tr>'
        )


def _bar(share: float) -> str:
    return f'<span class="bar" style="width: {100 * share:.1f}%"></span>' if share > 0 else ""


def _group(
    entry: Mapping[str, Any],
    item_names: Mapping[str, str] | None,
    user_names: Mapping[str, str] | None,
) -> str:
    items = "".join(
        f"<li>{_called(item['item'], item.get('title'), item_names)} "
        f'<span class="score">({number(item["score"])})</span></li>'
        for item in entry["items"]
    )
    named = entry.get("member_names") or [None] * len(entry["members"])
    members = ", ".join(
        _called(member, name, user_names)
        for member, name in zip(entry["members"], named, strict=True)
    )
    name = entry.get("name")
    head = f"Group {entry['group']}" if name is None else f"Group {name}"
    return (
        f'<section class="group" id="group-{entry["group"]}"><h3>{escape(head)}: '
        f"{counted(entry['size'], 'member')}, satisfaction {number(entry['satisfaction'])}</h3>"
        f'<ol class="list">{items}</ol>'
        f"<details><summary>{counted(entry['size'], 'member')}</summary><p>{members}</p></details>"
        "</section>"
    )


def _called(name: str, held: str | None, titles: Mapping[str, str] | None) -> str:
    """An id, and the title beside it where there is one."""
    title = held if titles is None else titles.get(name, held)
    return escape(name) if title is None else f"{escape(title)} <small>({escape(name)})</small>"


def _members(
    report: Sequence[Mapping[str, Any]] | None,
    groups: Sequence[Mapping[str, Any]],
    user_names: Mapping[str, str] | None,
) -> str:
    """How well single members are served: the part that a report by members adds."""
    if not report:
        return ""
    held = {
        member: name
        for entry in groups
        for member, name in zip(entry["members"], entry.get("member_names") or (), strict=False)
    }
    shares = np.array([e["share_of_best"] for e in report if e["share_of_best"] is not None])
    rows = []
    if len(shares):
        # what lies between the steps by rounding belongs to the lower one
        counts = np.bincount(
            np.clip(np.ceil(shares * STEPS - 1e-9).astype(int) - 1, 0, STEPS - 1), minlength=STEPS
        )
        rows = [
            f'<tr><td class="number">{100 * step // STEPS} to {100 * (step + 1) // STEPS} %</td>'
            f'<td class="number">{count}</td><td class="wide">{_bar(count / counts.max())}</td>'
            "</tr>"
            for step, count in reversed(list(enumerate(counts.tolist())))
        ]
    elsewhere = [entry for entry in report if entry["better_group"] is not None]
    envious = "".join(
        f"<tr><td>{_called(e['user'], held.get(e['user']), user_names)}</td>"
        f'<td class="number">{e["group"]}</td><td class="number">{number(e["satisfaction"])}</td>'
        f'<td class="number">{e["better_group"]}</td>'
        f'<td class="number">{number(e["better_satisfaction"])}</td></tr>'
        for e in elsewhere
    )
    histogram = (
        "<p>What the group's list gives a member, as a share of what the member's own best list "
        f'would:</p><table><tr><th class="number">share</th><th class="number">members</th>'
        f"<th></th></tr>{''.join(rows)}</table>"
        if rows
        else ""
    )
    others = (
        f"<details><summary>{counted(len(elsewhere), 'member')} of {len(report)} would get more "
        'from the list of another group</summary><table><tr><th>member</th><th class="number">'
        'group</th><th class="number">gets</th><th class="number">other group</th>'
        f'<th class="number">would get</th></tr>{envious}</table></details>'
        if elsewhere
        else "<p>Nobody would get more from the list of another group.</p>"
    )
    return f"<h2>Members</h2>{histogram}{others}"


def _record(formation: Formation) -> str:
    """What made the result, for whoever wants to repeat it."""
    asked = {
        name: value
        for name, value in formation.problem.items()
        if value not in (None, {}, []) and name not in ("user_weights", "users", "items")
    }
    parts = [
        headline(formation),
        ", ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in asked.items()),
        f"seed {formation.seed}; "
        + ", ".join(f"{name} {version}" for name, version in formation.versions.items()),
    ]
    return "<br>".join(escape(part) for part in parts)


def _plain(value: Any) -> str:
    """A setting in words, not as a program writes it."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name.replace('_', ' ')} {_plain(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value)
    return str(value)

"""Questionnaires: a page a sample, on which people compare two methods that are not named."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import numpy as np

from grouping.experiments.study import Row
from grouping.files import replacing
from grouping.ratings import Ratings

if TYPE_CHECKING:
    from grouping.formation import Formation

KEY = "fig7-key.csv"
KEY_COLUMNS = ("sample", "kind", "agg", "method_1", "method_2")
ANSWER_COLUMNS = ("sample", "person", "satisfaction_1", "satisfaction_2", "preferred")
FOLDER = "questionnaire"

Page = tuple[str, Row, Ratings, "tuple[Formation, Formation]"]


def write_questionnaires(pages: Sequence[Page], folder: Path) -> list[str]:
    """Write the pages, and the key that says which method is which.

    Parameters
    ----------
    pages : sequence of (name, point, ratings, (one, other))
    folder : Path
        Gets a folder of pages that can be handed out, and beside it the key, which cannot.

    Returns
    -------
    sentences : list of str
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    rows: list[Sequence[str]] = [KEY_COLUMNS]
    for number, (name, point, ratings, formations) in enumerate(pages):
        # which comes first is drawn, so that its place says nothing
        swapped = bool(np.random.default_rng([point["seed"], number]).integers(2))
        order = (1, 0) if swapped else (0, 1)
        methods = [(point["one"], point["other"])[which] for which in order]
        rows.append((name, point["kind"], point["agg"], *methods))
        page = page_of(name, ratings, [formations[which] for which in order])
        with replacing(folder / FOLDER / f"{name}.html") as file:
            file.write(page.encode())
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    with replacing(folder / KEY) as file:
        file.write(text.getvalue().encode())
    return [
        f"Questionnaires of the first run's samples, methods unnamed: `{FOLDER}/`; which method is "
        f"which: `{KEY}`, not to be handed out. Each page saves its answers as CSV; put together, "
        "they are analysed by `grouping experiment fig7 --out DIR --answers FILE`."
    ]


def page_of(name: str, ratings: Ratings, formations: Sequence[Formation]) -> str:
    """Make a page: everybody's ratings, the groups of both methods, three questions.

    Parameters
    ----------
    name : str
        Of the sample.
    ratings : Ratings
    formations : sequence of two Formation
        In the order to show.

    Returns
    -------
    html : str
        Needs nothing else; its answers are saved by the browser.
    """
    template = Template(
        files("grouping.experiments").joinpath("questionnaire.html").read_text(encoding="utf-8")
    )
    return template.substitute(
        name=escape(name),
        columns=",".join(ANSWER_COLUMNS),
        ratings=_ratings_table(ratings),
        groups_1=_groups(formations[0]),
        groups_2=_groups(formations[1]),
    )


def _ratings_table(ratings: Ratings) -> str:
    n, m = ratings.shape
    head = "".join(f"<th>{escape(ratings.items[item])}</th>" for item in range(m))
    rows = [
        f"<tr><th>{_person(user)}</th>"
        + "".join(f"<td>{value:.3g}</td>" for value in ratings.row(user))
        + "</tr>"
        for user in range(n)
    ]
    return f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table>"


def _groups(formation: Formation) -> str:
    """Members and list of each group: no score, no name of a method."""
    parts = [
        "<li>Members: "
        + ", ".join(_person(user) for user in group.members.tolist())
        + ". Recommended: "
        + ", ".join(escape(item) for item in group.item_ids)
        + ".</li>"
        for group in sorted(formation.groups, key=lambda group: int(group.members[0]))
    ]
    return f"<ol>{''.join(parts)}</ol>"


def _person(user: int) -> str:
    return f"Person {user + 1}"

"""Organisations from tables of their own, read by nobody else."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from grouping.errors import InputError
from grouping.ids import Ids
from learners.features import Features, read_features
from learners.kinds import parse_kinds
from learners.mtal.domain import Align, Domain
from learners.splits import three_parts


@dataclass(frozen=True)
class TableSource:
    """An organisation's ratings in a file, with tables of side information beside it.

    Attributes
    ----------
    name : str
    path : str
        Anything that `grouping.read_ratings` reads.
    align : {"user", "item"}
    validation, test : float
        Shares held out; see `learners.splits.three_parts`.
    seed : int
        Of the split.
    profiles, attributes : str or None
        Tables of users and of items.
    profile_kinds, attribute_kinds : str or None
        How their columns are encoded; see `learners.kinds.parse_kinds`. Users and items that a
        table does not list are counted on standard error.
    columns : str or None
    on_bad_row, duplicates : str
        How the ratings are read; see `grouping.reading.read`. Rows left out are counted on
        standard error.
    """

    name: str
    path: str
    align: Align = "user"
    validation: float = 0.1
    test: float = 0.0
    seed: int = 0
    profiles: str | None = None
    attributes: str | None = None
    profile_kinds: str | None = None
    attribute_kinds: str | None = None
    columns: str | None = None
    on_bad_row: str = "error"
    duplicates: str = "error"

    def load(self) -> Domain:
        """Read the tables.

        Returns
        -------
        domain : Domain

        Raises
        ------
        InputError
            If one of them cannot be read.
        """
        from grouping.reading import read

        ratings, report = read(
            self.path,
            columns=self.columns,
            on_bad_row=self.on_bad_row,
            duplicates=self.duplicates,
        )
        if report.summary():
            self._note(report.summary())
        if ratings.fill is None and ratings.count() == 0:
            raise InputError(f"organisation {self.name!r} has no rating to learn from")
        parts = three_parts(ratings, validation=self.validation, test=self.test, seed=self.seed)
        three = (parts.train, parts.validation, parts.test)
        users, items = ratings.users, ratings.items
        of_users = self._features(self.profiles, users, self.profile_kinds)
        of_items = self._features(self.attributes, items, self.attribute_kinds)
        sides, known = (users, items), (of_users, of_items)
        if self.align == "item":
            sides, known = (items, users), (of_items, of_users)
            three = (three[0].transposed(), three[1].transposed(), three[2].transposed())
        of_rows, of_columns = (None if one is None else one.matrix for one in known)
        row_names, column_names = (() if one is None else one.described() for one in known)
        return Domain(
            self.name, self.align, *sides, *three, of_rows, of_columns, row_names, column_names
        )

    def _features(self, table: str | None, ids: Ids, kinds: str | None) -> Features | None:
        """Side information in an order that does not depend on the table's."""
        if table is None:
            return None
        features = read_features(table, ids, None if kinds is None else parse_kinds(kinds))
        lacking = features.lacking(ids, table)
        if lacking:
            self._note(lacking)
        return features.in_order()

    def _note(self, sentence: str) -> None:
        print(f"organisation {self.name}: {sentence}", file=sys.stderr, flush=True)


RUN, ROUNDS = "run.json", "rounds.csv"
"""Files that a run keeps beside the organisations' folders and what they complete."""


def named(orgs: list[str]) -> dict[str, str]:
    """Names and paths of organisations.

    Parameters
    ----------
    orgs : list of str
        ``PATH``, named by its stem, or ``NAME=PATH``.

    Returns
    -------
    paths : dict of str to str

    Raises
    ------
    InputError
        If there are fewer than two, a name occurs twice or is taken, or a file is not there.
    """
    paths: dict[str, str] = {}
    for org in orgs:
        name, equals, path = org.partition("=")
        if not equals or "/" in name:
            path, name = org, re.sub(r"(\.\w+)?\.\w+$", "", Path(org).name)
        name = safe(name)
        if name in paths:
            raise InputError(
                f"two organisations are called {name!r}: say NAME=PATH for one of them"
            )
        if name in (RUN, ROUNDS, Path(ROUNDS).stem):
            raise InputError(
                f"no organisation can be called {name!r}, as the run keeps a file of that name: "
                f"say NAME={path}"
            )
        paths[name] = absolute(path)
    if len(paths) < 2:
        raise InputError("learning together takes two organisations or more")
    return paths


def absolute(path: str) -> str:
    """Path that means the same from any working folder.

    Raises
    ------
    InputError
        If there is nothing.
    """
    if not Path(path).exists():
        raise InputError(f"{path}: there is no such file")
    return str(Path(path).resolve())


def safe(name: str) -> str:
    """Name that can be a folder's."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "organisation"

"""ITM-Rec: students rating project topics, alone and in their own project groups (Zheng, 2023)."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids, canonical_order
from grouping.reading.side_table import Table
from learners.archives import read_files
from learners.features import Features, encode

_RATING = "Rating"


@dataclass(frozen=True, eq=False)
class Rows:
    """Ratings row by row, in the order of their file, repeats among them.

    Attributes
    ----------
    who, item : int64 arrays, shape (rows,)
        Positions of the rater (a user or a group) and of the item.
    value : float64 array, shape (rows,)
    """

    who: NDArray[np.int64]
    item: NDArray[np.int64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.value)


@dataclass(frozen=True, eq=False)
class ItmRec:
    """The data set.

    Attributes
    ----------
    users : Ids
        All that occur anywhere, in ascending order.
    items, groups : Ids
    ratings : Rows
        Of single users.
    group_ratings : Rows
        Of groups, given together.
    members : list of int64 arrays
        Users of each group, ascending, each once (the file has repeats).
    profiles : Features
        Of the users: gender, class of age, married.
    """

    users: Ids
    items: Ids
    groups: Ids
    ratings: Rows
    group_ratings: Rows
    members: list[NDArray[np.int64]]
    profiles: Features


def read_itm_rec(path: str | os.PathLike[str]) -> ItmRec:
    """Read the folder ``ITM-Rec`` or its archive.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    data : ItmRec

    Raises
    ------
    InputError
        If it is not there, a file or a column is missing, or a row cannot be read.
    """
    files = read_files(path)
    alone = _columns(files, "ratings.csv", ("UserID", "Item", _RATING), path)
    joint = _columns(files, "group_ratings.csv", ("GroupID", "Item", _RATING), path)
    belongs = _columns(files, "group.csv", ("GroupID", "UserID"), path)
    known = _columns(files, "users.csv", ("UserID", "Gender", "Age", "Married"), path)
    (listed,) = _columns(files, "items.csv", ("Item",), path)
    users = _ids([*known[0], *alone[0], *belongs[1]], "user")
    items = _ids([*listed, *alone[1], *joint[1]], "item")
    groups = _ids([*belongs[0], *joint[0]], "group")
    members: list[set[int]] = [set() for _ in groups]
    for group, user in zip(*belongs, strict=True):
        members[groups.position(group)].add(users.position(user))
    for position, held in enumerate(members):
        if not held:
            raise InputError(f"{path}: group {groups[position]} has ratings but no member")
    table = Table(f"{path} users.csv", known[0], {
        "gender": known[1], "age": known[2], "married": known[3],
    })  # fmt: skip
    return ItmRec(
        users,
        items,
        groups,
        _rows(alone, users, items, f"{path} ratings.csv"),
        _rows(joint, groups, items, f"{path} group_ratings.csv"),
        [np.array(sorted(held), dtype=np.int64) for held in members],
        encode(table, users),
    )


def _columns(
    files: dict[str, bytes], name: str, wanted: Sequence[str], path: str | os.PathLike[str]
) -> list[list[str]]:
    if name not in files:
        raise InputError(f"{os.fspath(path)}: {name} is not there")
    try:
        text = files[name].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{os.fspath(path)}: {name} is not UTF-8 ({error.reason})") from error
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [field.strip() for field in next(reader, [])]
    for column in wanted:
        if column not in header:
            raise InputError(f"{os.fspath(path)}: {name} has no column {column!r}")
    places = [header.index(column) for column in wanted]
    kept: list[list[str]] = [[] for _ in wanted]
    for fields in reader:
        if not fields:
            continue
        if len(fields) <= max(places):
            raise InputError(f"{Path(path) / name}:{reader.line_num}: the row is too short")
        for cells, place in zip(kept, places, strict=True):
            cells.append(fields[place].strip())
    return kept


def _ids(names: Iterable[str], what: str) -> Ids:
    distinct = list(dict.fromkeys(names))
    return Ids([distinct[i] for i in canonical_order(distinct)], what)


def _rows(columns: Sequence[Sequence[str]], who: Ids, items: Ids, source: str) -> Rows:
    try:
        values = np.array([float(text) for text in columns[2]])
    except ValueError as error:
        raise InputError(f"{source}: a rating is no number ({error})") from error
    if not np.isfinite(values).all():
        raise InputError(f"{source}: a rating is not finite")
    return Rows(
        np.array([who.position(name) for name in columns[0]], dtype=np.int64),
        np.array([items.position(name) for name in columns[1]], dtype=np.int64),
        values,
    )

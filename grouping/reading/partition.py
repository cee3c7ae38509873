"""Reading a partition: a formation's JSON, or a table with columns user and group."""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from grouping.errors import InputError
from grouping.ids import id_text
from grouping.memory import require
from grouping.reading.layout import plain_name

_USER = ("user", "userid", "uid", "member", "memberid", "id")
_GROUP = ("group", "groupid", "label", "cluster")


def read_partition(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read the group of each user.

    Parameters
    ----------
    path : path-like
        A formation as JSON; a Parquet table; or text with two columns, a comma, semicolon or
        tab between them, with or without a header that names them user and group.

    Returns
    -------
    partition : dict
        From user id to the group's name.

    Raises
    ------
    InputError
        If the file cannot be read, holds no user, or gives a user two groups; the message names
        the line.
    GroupingError
        If memory does not suffice.
    """
    name = os.fspath(path)
    partition: dict[str, str] = {}
    for place, user, group in read_memberships(path):
        if partition.setdefault(user, group) != group:
            raise InputError(
                f"{name}:{place}: user {user} is in group {partition[user]} and in group {group}; "
                "a partition has each user once"
            )
    return partition


def read_memberships(path: str | os.PathLike[str]) -> Iterator[tuple[Any, str, str]]:
    """Read which users are in which groups; a user may be in several.

    Parameters
    ----------
    path : path-like
        As for `read_partition`.

    Yields
    ------
    place, user, group : int or str, str, str
        In the order of the file; the place (a line, a row, a group) is for messages.

    Raises
    ------
    InputError
        If the file cannot be read, holds no user, or an id is empty; the message names the line.
    GroupingError
        If memory does not suffice.
    """
    name = os.fspath(path)
    try:
        _require_memory(os.stat(path).st_size, 0, name)
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from error
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        raise InputError(f"{name}: is empty; a partition has a row a user: user,group")
    if data.lstrip()[:1] == b"{":
        rows = _of_formation(data, name)
    elif data[:4] == b"PAR1":
        rows = _of_parquet(data, name)
    else:
        rows = _of_text(data, name)
    one_of: dict[str, str] = {}  # one string for all members of a group
    for place, user, group in rows:
        if not user or not group:
            raise InputError(f"{name}:{place}: a user or group id is empty; give user,group")
        yield place, user, one_of.setdefault(group, group)
    if not one_of:
        raise InputError(f"{name}: holds no user; a partition has a row a user: user,group")


def _require_memory(size: int, users: int, name: str) -> None:
    """Refuse what would not fit: copies of the text, and for each user two strings in a dict."""
    require(5 * size + 140 * users, f"reading {name}", "take the groups of fewer users")


def _of_formation(data: bytes, name: str) -> Iterable[tuple[Any, str, str]]:
    _require_memory(len(data), data.count(b'"') // 2, name)
    try:
        for entry in json.loads(data)["groups"]:
            place, group = f"group {entry['group']}", str(entry.get("name", entry["group"]))
            for user in entry["members"]:
                yield place, str(user), group
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{name}: is not a formation, or is cut short ({error}); give the JSON of form"
        ) from error


def _of_parquet(data: bytes, name: str) -> Iterable[tuple[Any, str, str]]:
    from pyarrow import ArrowInvalid, parquet

    try:
        _require_memory(len(data), parquet.read_metadata(io.BytesIO(data)).num_rows, name)
        table = parquet.read_table(io.BytesIO(data))
    except (ArrowInvalid, OSError) as error:
        raise InputError(f"{name}: is not a whole Parquet file ({error})") from error
    columns = [_column(table.column_names, aliases) for aliases in (_USER, _GROUP)]
    if None in columns:
        raise InputError(f"{name}: needs columns named user and group")
    users, groups = (table.column(column).to_pylist() for column in columns)
    for row, (user, group) in enumerate(zip(users, groups, strict=True), start=1):
        yield f"row {row}", id_text(user, "user"), id_text(group, "group")


def _of_text(data: bytes, name: str) -> Iterable[tuple[Any, str, str]]:
    _require_memory(len(data), data.count(b"\n"), name)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: is not UTF-8 text ({error})") from error
    first_line = text.strip().partition("\n")[0]
    separator = next((mark for mark in "\t;," if mark in first_line), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    user_at, group_at, width = 0, 1, 2
    first = True
    for fields in _rows(reader, name):
        if not fields:
            continue
        found = [_column(fields, aliases) for aliases in (_USER, _GROUP)] if first else [None]
        first = False
        if None not in found:
            user_at, group_at = (fields.index(column) for column in found if column is not None)
            width = len(fields)
            continue
        if len(fields) != width:
            raise InputError(
                f"{name}:{reader.line_num}: {len(fields)} fields where {width} are expected: "
                "give user,group"
            )
        yield reader.line_num, fields[user_at].strip(), fields[group_at].strip()


def _rows(reader: Any, name: str) -> Iterable[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise InputError(
            f"{name}:{reader.line_num}: cannot be read as a table ({error})"
        ) from error


def _column(names: Iterable[str], aliases: Iterable[str]) -> str | None:
    wanted = set(aliases)
    return next((name for name in names if plain_name(name) in wanted), None)

"""Reading a partition: a formation's JSON, or a table with columns user and group."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

from grouping.errors import InputError
from grouping.reading.pairs import PairTable, file_bytes, require_memory

GROUPS = PairTable("group", ("group", "groupid", "label", "cluster"))


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
    data = file_bytes(path)
    if not data.strip():
        raise InputError(f"{name}: is empty; a partition has a row a user: user,group")
    if data.lstrip()[:1] == b"{":
        rows: Iterable[tuple[Any, str, str]] = _of_formation(data, name)
    else:
        rows = GROUPS.of_bytes(data, name)
    one_of: dict[str, str] = {}  # one string for all members of a group
    for place, user, group in rows:
        if not user or not group:
            raise InputError(f"{name}:{place}: a user or group id is empty; give user,group")
        yield place, user, one_of.setdefault(group, group)
    if not one_of:
        raise InputError(f"{name}: holds no user; a partition has a row a user: user,group")


def groups_without_members(path: str | os.PathLike[str]) -> list[str]:
    """Say which groups of a formation nobody is in; a table can hold none.

    Parameters
    ----------
    path : path-like
        A file that `read_memberships` has read.

    Returns
    -------
    groups : list of str
    """
    data = file_bytes(path)
    if data.lstrip()[:1] != b"{":
        return []
    entries = json.loads(data)["groups"]
    return [str(entry.get("name", entry["group"])) for entry in entries if not entry["members"]]


def _of_formation(data: bytes, name: str) -> Iterable[tuple[Any, str, str]]:
    require_memory(len(data), data.count(b'"') // 2, name)
    try:
        for entry in json.loads(data)["groups"]:
            place, group = f"group {entry['group']}", str(entry.get("name", entry["group"]))
            for user in entry["members"]:
                yield place, str(user), group
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{name}: is not a formation, or is cut short ({error}); give the JSON of form"
        ) from error

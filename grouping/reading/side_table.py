"""Tables of side information: what is known of users or items, an id and columns of text."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grouping.errors import InputError

SEPARATORS = ("::", "\t", ";", ",", "|")


@dataclass(frozen=True, eq=False)
class Table:
    """A table of text cells by column, and the ids of its rows.

    Attributes
    ----------
    name : str
        Of its source, for messages.
    ids : list of str
    columns : dict of str to list of str
    """

    name: str
    ids: list[str]
    columns: Mapping[str, Sequence[str]]


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a text table with a header, the ids in its first column.

    Parameters
    ----------
    path : path-like
        Separated by comma, tab, ``;``, ``|`` or ``::``; UTF-8, or Latin-1 where it is not UTF-8.
        MovieLens' own tables of users (``u.user``, ``users.dat``) have no header; they are known
        by their first line, and have the columns age, gender, occupation and zip.

    Returns
    -------
    table : Table

    Raises
    ------
    InputError
        If it cannot be read, has no second column, or an id is empty or occurs twice.
    """
    import pandas as pd

    from grouping.reading.source import open_source
    from grouping.reading.text import choose_separator

    opened = open_source(path)
    if opened.kind != "text" or opened.data is None:
        raise InputError(f"{opened.name}: side information is read from a text table")
    text = decoded(opened.data)
    sample = [line for line in text.splitlines()[:100] if line.strip()]
    separator = choose_separator(sample, SEPARATORS) if sample else None
    if separator is None:
        raise InputError(f"{opened.name}: side information needs an id and one more column")
    names = _movielens_users(sample[0].strip().split(separator))
    try:
        frame = pd.read_csv(
            io.StringIO(text.replace("::", "\x1f") if separator == "::" else text),
            sep="\x1f" if separator == "::" else separator,
            dtype=str,
            header=0 if names is None else None,
            names=names,
            keep_default_na=False,
            skipinitialspace=True,
            index_col=False,
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(f"{opened.name}: cannot be read as a table ({error})") from error
    columns = {str(name).strip(): [str(v).strip() for v in frame[name]] for name in frame}
    (_, ids), *others = columns.items()
    _check_ids(ids, opened.name)
    return Table(opened.name, ids, dict(others))


def decoded(data: bytes) -> str:
    """Text of a file, UTF-8 or else Latin-1."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _movielens_users(first: Sequence[str]) -> list[str] | None:
    """Columns of MovieLens' own tables of users, known by their first line."""
    if len(first) != 5:
        return None
    user, second, third, fourth, _ = first
    if user.isdigit() and second.isdigit() and third in ("M", "F"):
        return ["user", "age", "gender", "occupation", "zip"]
    if user.isdigit() and second in ("M", "F") and third.isdigit() and fourth.isdigit():
        return ["user", "gender", "age", "occupation", "zip"]
    return None


def _check_ids(ids: Sequence[str], source: str) -> None:
    seen: set[str] = set()
    for identity in ids:
        if not identity:
            raise InputError(f"{source}: a row has no id")
        if identity in seen:
            raise InputError(f"{source}: id {identity!r} occurs twice")
        seen.add(identity)

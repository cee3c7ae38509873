"""Tables of two columns: user and group, user and weight, user and item."""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grouping.errors import InputError
from grouping.ids import id_text
from grouping.memory import require
from grouping.reading.layout import plain_name

USER = ("user", "userid", "uid", "member", "memberid", "id")


@dataclass(frozen=True)
class PairTable:
    """What a table holds beside the users.

    Attributes
    ----------
    what : str
        Name of the second column.
    aliases : tuple of str
        Names by which it is recognised.
    wider : bool
        Whether a table without a header may have further columns.
    """

    what: str
    aliases: tuple[str, ...]
    wider: bool = False

    def read(self, path: str | os.PathLike[str]) -> Iterator[tuple[Any, str, str]]:
        """Read a file: Parquet, or text.

        Yields
        ------
        place : int or str
            A line, or a row, for messages.
        user, other : str

        Raises
        ------
        InputError
            If it cannot be read; the message names the line.
        GroupingError
            If memory does not suffice.
        """
        yield from self.of_bytes(file_bytes(path), os.fspath(path))

    def of_bytes(self, data: bytes, name: str) -> Iterator[tuple[Any, str, str]]:
        """Read what a file holds; see `read`."""
        yield from (self.of_parquet if data[:4] == b"PAR1" else self.of_text)(data, name)

    def of_text(self, data: bytes, name: str) -> Iterator[tuple[int, str, str]]:
        """Read text: a comma, semicolon or tab between fields, with or without a header.

        Yields
        ------
        line : int
        user, other : str
            Without outer whitespace.

        Raises
        ------
        InputError
            If it cannot be read; the message names the line.
        GroupingError
            If memory does not suffice.
        """
        require_memory(len(data), data.count(b"\n"), name)
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{name}: is not UTF-8 text ({error})") from error
        first_line = text.strip().partition("\n")[0]
        separator = next((mark for mark in "\t;," if mark in first_line), ",")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        user_at, other_at, width = 0, 1, 2
        first = True
        for fields in _rows(reader, name):
            if not fields:
                continue
            if first:
                first = False
                found = [_column(fields, aliases) for aliases in (USER, self.aliases)]
                if self.wider or None not in found:
                    width = max(2, len(fields))
                if None not in found:
                    user_at, other_at = (fields.index(column) for column in found if column)
                    continue
            if len(fields) != width:
                raise InputError(
                    f"{name}:{reader.line_num}: {len(fields)} fields where {width} are expected: "
                    f"give user,{self.what}"
                )
            yield reader.line_num, fields[user_at].strip(), fields[other_at].strip()

    def of_parquet(self, data: bytes, name: str) -> Iterator[tuple[str, str, str]]:
        """Read a Parquet table by the names of its columns.

        Yields
        ------
        row, user, other : str

        Raises
        ------
        InputError
            If it cannot be read.
        GroupingError
            If memory does not suffice.
        """
        from pyarrow import ArrowInvalid, parquet

        try:
            require_memory(len(data), parquet.read_metadata(io.BytesIO(data)).num_rows, name)
            table = parquet.read_table(io.BytesIO(data))
        except (ArrowInvalid, OSError) as error:
            raise InputError(f"{name}: is not a whole Parquet file ({error})") from error
        columns = [_column(table.column_names, aliases) for aliases in (USER, self.aliases)]
        if None in columns:
            raise InputError(f"{name}: needs columns named user and {self.what}")
        users, others = (table.column(column).to_pylist() for column in columns)
        for row, (user, other) in enumerate(zip(users, others, strict=True), start=1):
            yield f"row {row}", id_text(user, "user"), id_text(other, self.what)


def file_bytes(path: str | os.PathLike[str]) -> bytes:
    """Contents of a file, without a byte order mark.

    Raises
    ------
    InputError
        If it cannot be read.
    GroupingError
        If memory does not suffice.
    """
    name = os.fspath(path)
    try:
        require_memory(os.stat(path).st_size, 0, name)
        return Path(path).read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from error


def require_memory(size: int, users: int, name: str) -> None:
    """Refuse what would not fit: copies of the text, and for each user two strings in a dict.

    Raises
    ------
    GroupingError
        If memory does not suffice.
    """
    require(5 * size + 140 * users, f"reading {name}", "take fewer users")


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

"""What single users exclude, from a table: items already seen, for example."""

from __future__ import annotations

import os
from collections.abc import Iterator

from grouping.errors import InputError
from grouping.reading.pairs import PairTable

EXCLUDED = PairTable("item", ("item", "itemid", "iid", "movie", "movieid", "product"), wider=True)


def read_excluded(path: str | os.PathLike[str]) -> Iterator[tuple[int | str, str, str]]:
    """Read which items users exclude.

    Parameters
    ----------
    path : path-like
        Text, a comma, semicolon or tab between columns, with or without a header that names
        user and item (further columns are not looked at, so that a table of ratings will do); or
        Parquet.

    Yields
    ------
    place : int or str
        A line, or a row, for messages.
    user, item : str

    Raises
    ------
    InputError
        If the file cannot be read or holds nothing, or an id is empty; the message names the line.
    GroupingError
        If memory does not suffice.
    """
    name = os.fspath(path)
    empty = True
    for place, user, item in EXCLUDED.read(path):
        if not user or not item:
            raise InputError(f"{name}:{place}: a user or item id is empty; give user,item")
        empty = False
        yield place, user, item
    if empty:
        raise InputError(f"{name}: holds nothing; give user,item, an exclusion a line")

"""Sets of users from a file: one set a line, ids between commas."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from grouping.errors import InputError


def read_user_sets(path: str | os.PathLike[str]) -> Iterator[tuple[int, list[str]]]:
    """Read sets of users.

    Parameters
    ----------
    path : path-like
        CSV without a header; empty lines are passed over. Ids with commas stand in quotes.

    Yields
    ------
    line : int
    ids : list of str

    Raises
    ------
    InputError
        If the file cannot be read or holds nothing, or a line names an empty id.
    """
    name = os.fspath(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: is not UTF-8 text ({error})") from error
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    nothing = True
    try:
        for fields in reader:
            ids = [field.strip() for field in fields]
            if not any(ids):
                continue
            if not all(ids):
                raise InputError(f"{name}:{reader.line_num}: an id is empty; give a,b,c")
            nothing = False
            yield reader.line_num, ids
    except csv.Error as error:
        raise InputError(f"{name}:{reader.line_num}: cannot be read ({error})") from error
    if nothing:
        raise InputError(f"{name}: holds nothing; give a,b,c, a set of users a line")

"""Titles of items and names of users, read from a table beside the ratings."""

from __future__ import annotations

import csv
import io
import os

from grouping.errors import InputError
from grouping.reading.source import open_source

_SEPARATORS = ("::", "|", "\t", ";", ",")
_TITLE_WORDS = """
    title movietitle itemtitle name itemname username fullname label poiname description"""
_ID_WORDS = "id userid user uid itemid item iid movieid movie productid poiid poi"
_TITLES, _IDS = _TITLE_WORDS.split(), _ID_WORDS.split()


def read_names(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read what to call users or items from a table of ids and titles.

    The first column holds the ids. The titles stand in the column that the header calls title,
    name or alike, else in the second one. The text is UTF-8, or Latin-1 where it is not UTF-8
    (MovieLens ``u.item``, ``movies.dat``). Where an id occurs twice, its last row counts.

    Parameters
    ----------
    path : path-like
        CSV, TSV, or separated by ``;``, ``|`` or ``::``; may be ``.gz``.

    Returns
    -------
    names : dict of str to str
        By id; ids with an empty title are left out.

    Raises
    ------
    InputError
        If the file cannot be read, is no table of at least two columns, or a row is too short.
    """
    from grouping.reading.text import choose_separator, shorten

    opened = open_source(path)
    if opened.kind != "text" or opened.data is None or b"\0" in opened.data[:4096]:
        raise InputError(f"{opened.name}: names are read from a text table of ids and titles")
    text = _decoded(opened.data)
    sample = [line for line in text.splitlines()[:100] if line.strip()]
    separator = choose_separator(sample, _SEPARATORS) if sample else None
    if separator is None:
        raise InputError(f"{opened.name}: names need two columns: an id and a title")
    names: dict[str, str] = {}
    title = None
    for line, row in _rows(text, separator, opened.name):
        fields = [field.strip() for field in row]
        if not any(fields):
            continue
        if title is None:
            plain = [_plain(field) for field in fields]
            known = [name for name in _TITLES if name in plain[1:]]
            title = plain.index(known[0], 1) if known else 1
            if known or plain[0] in _IDS:
                continue
        if len(fields) <= title or not fields[0]:
            shown = shorten(separator.join(fields))
            raise InputError(f"{opened.name}:{line}: a row without an id or a title ({shown})")
        if fields[title]:
            names[fields[0]] = fields[title]
    return names


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _rows(text: str, separator: str, source: str) -> list[tuple[int, list[str]]]:
    """Rows with the number of the line each ends on; ``|`` and ``::`` know no quotes."""
    if separator in ("|", "::"):
        lines = text.replace("\r\n", "\n").split("\n")
        return [(number, line.split(separator)) for number, line in enumerate(lines, 1)]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InputError(f"{source}:{reader.line_num}: {error}") from error


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())

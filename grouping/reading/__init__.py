"""Reading ratings, from every format, into one `Ratings`."""

from __future__ import annotations

import warnings
from types import MappingProxyType
from typing import TYPE_CHECKING

from grouping.errors import InputError
from grouping.reading.bad_rows import BadRows
from grouping.reading.layout import FORMATS, Columns, choose_layout
from grouping.reading.names import read_names
from grouping.reading.report import ReadReport
from grouping.reading.source import Given, Source, open_source

if TYPE_CHECKING:
    from pathlib import Path

    from grouping.ratings import Ratings
    from grouping.reading.long_table import LongTable
    from grouping.reading.wide_table import WideTable

__all__ = ["ReadReport", "read", "read_names", "read_ratings"]

_TEXT_FORMATS = ("long", "wide", "movielens")
_MOVIELENS = ("u.data", "ratings.dat", "ratings.csv")


def read_ratings(
    source: Given,
    *,
    format: str | None = None,
    columns: Columns | None = None,
    on_bad_row: str = "error",
    duplicates: str = "error",
    scale: tuple[float, float] | None = None,
) -> Ratings:
    """Read ratings; see `read` for the parameters and errors.

    Rows left out under ``on_bad_row="skip"`` draw one ``UserWarning`` with their counts.

    Returns
    -------
    ratings : Ratings
    """
    ratings, report = read(
        source,
        format=format,
        columns=columns,
        on_bad_row=on_bad_row,
        duplicates=duplicates,
        scale=scale,
    )
    if report.skipped:
        warnings.warn(report.summary(), UserWarning, stacklevel=2)
    return ratings


def read(
    source: Given,
    *,
    format: str | None = None,
    columns: Columns | None = None,
    on_bad_row: str = "error",
    duplicates: str = "error",
    scale: tuple[float, float] | None = None,
) -> tuple[Ratings, ReadReport]:
    """Read ratings and say what was done.

    Parameters
    ----------
    source : path, ``"-"``, binary file or None
        ``"-"`` is standard input, None the embedded sample.
    format : {"long", "wide", "movielens", "parquet", "npy", "npz"}, optional
        By default recognised by content. ``long`` and ``wide`` may also be said of Parquet.
    columns : mapping or str, optional
        Where a long table holds what: ``{"user": "who", "item": "what", "rating": 3}`` or
        ``"user=who,item=what,rating=3"``; names of the header, or numbers from 1.
    on_bad_row : {"error", "skip"}
        Whether a row that cannot be read is an error that names it, or is left out and counted.
    duplicates : {"error", "last", "mean"}
        What a cell that is rated twice means.
    scale : (float, float), optional
        The declared lowest and highest rating. In text a rating outside makes a bad row,
        elsewhere it is an error.

    Returns
    -------
    ratings : Ratings
    report : ReadReport

    Raises
    ------
    InputError
        If the input cannot be read, is damaged or empty, its format or columns cannot be told,
        it holds a bad row (and none may be skipped, or no other row is left), a duplicate (and
        none may be merged) or an infinite rating, or an option has no such value.
    """
    _check_option("format", format, (None, *FORMATS))
    _check_option("on_bad_row", on_bad_row, ("error", "skip"))
    _check_option("duplicates", duplicates, ("error", "last", "mean"))
    opened = open_source(source)
    _check_kind(opened, format)
    if columns is not None and opened.kind in ("npy", "npz"):
        raise InputError(f"{opened.name}: is a matrix; --columns is for tables")
    if opened.kind in ("npy", "npz"):
        ratings = _read_matrix(opened, scale)
        rows = ratings.shape[0]
        return ratings, ReadReport(opened.name, opened.kind, rows, _digest=opened.digest)
    bad = BadRows(opened.name, on_bad_row == "skip")
    if opened.kind == "parquet":
        from grouping.reading.parquet import read_parquet

        bad.unit = "row "
        table = read_parquet(_content(opened), opened.name, bad, format=format, columns=columns)
        recognised = "parquet"
    else:
        table, recognised = _read_text(opened, bad, format, columns, scale)
    ratings, merged = table.to_ratings(duplicates, scale)
    if opened.kind == "parquet" and scale is not None:
        from grouping.reading.matrix_file import check_scale

        check_scale(ratings)
    report = ReadReport(
        source=opened.name,
        format=recognised,
        rows=table.rows,
        skipped=MappingProxyType(dict(bad.reasons)),
        merged=merged,
        embedded=opened.embedded,
        _digest=opened.digest,
    )
    return ratings, report


def _read_text(
    opened: Source,
    bad: BadRows,
    format: str | None,
    columns: Columns | None,
    scale: tuple[float, float] | None,
) -> tuple[LongTable | WideTable, str]:
    from grouping.reading.long_text import read_long_text
    from grouping.reading.text import prepare
    from grouping.reading.wide_text import read_wide_text

    text = prepare(opened.data or b"", opened.name, format=format, columns=columns)
    layout = choose_layout(
        text.header, text.numeric, format=format, columns=columns, source=opened.name
    )
    if layout.kind == "wide":
        return read_wide_text(text, layout, bad, scale), "wide"
    movielens = format == "movielens" or (
        opened.name.replace("\\", "/").rpartition("/")[2].removesuffix(".gz") in _MOVIELENS
        and (text.header is None or "movieId" in text.header)
    )
    return read_long_text(text, layout, bad, scale), "movielens" if movielens else "long"


def _read_matrix(opened: Source, scale: tuple[float, float] | None) -> Ratings:
    from grouping.reading.matrix_file import read_npy, read_npz

    reader = read_npy if opened.kind == "npy" else read_npz
    return reader(_content(opened), opened.name, scale)


def _content(opened: Source) -> Path | bytes:
    content = opened.path if opened.data is None else opened.data
    assert content is not None
    return content


def _check_kind(opened: Source, format: str | None) -> None:
    """Check that the bytes are what the user says they are."""
    if format is None or format == opened.kind:
        return
    if format in _TEXT_FORMATS and opened.kind == "text":
        return
    if format in ("long", "wide") and opened.kind == "parquet":
        return
    found = "text" if opened.kind == "text" else f"a .{opened.kind} file"
    raise InputError(f"{opened.name}: is {found}, not {format}; leave --format out, or correct it")


def _check_option(name: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
    if value not in allowed:
        choice = ", ".join(repr(other) for other in allowed if other is not None)
        raise InputError(f"{name} {value!r}: there is {choice}")

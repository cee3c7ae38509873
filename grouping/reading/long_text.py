"""Long tables in text: the whole file at once where all is well, line by line where it is not."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.reading.arrow import categories, numbers, release
from grouping.reading.bad_rows import BadRows
from grouping.reading.layout import Layout, is_number
from grouping.reading.long_table import LongTable, Names
from grouping.reading.needs import ID, LINE, LINE_READ, require_to_read
from grouping.reading.text import ARROW_BLOCK, Text, shorten

_BLOCK = 1 << 24
_CLOSER_LOOK = 1 << 18


@dataclass(frozen=True)
class _Rows:
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    ratings: NDArray[np.float64]


def read_long_text(
    text: Text, layout: Layout, bad: BadRows, scale: tuple[float, float] | None
) -> LongTable:
    """Read a long table.

    Each block of the file is parsed at once. Where that finds anything amiss, the block is cut
    into small ones, and the small ones that still are amiss are read line by line: only these
    pay for naming and skipping lines.

    Parameters
    ----------
    text : Text
    layout : Layout
    bad : BadRows
        Collects rows that cannot be read.
    scale : (float, float), optional
        A rating outside makes its row a bad one.

    Returns
    -------
    table : LongTable

    Raises
    ------
    InputError
        For a bad row that is not to be skipped, and for an infinite rating.
    GroupingError
        If memory does not suffice.
    """
    lines = text.data.count(b"\n", text.start) + 1
    users, items = Names(text.restored), Names(text.restored)
    parts: list[_Rows] = []
    for start, stop in text.blocks(text.start, len(text.data), _BLOCK):
        held = LINE_READ * sum(len(part.ratings) for part in parts)
        require_to_read(LINE * lines - held + ID * (len(users) + len(items)), text.name)
        whole = _at_once(text, layout, start, stop, scale, users, items)
        release()
        if whole is not None:
            parts.append(whole)
            continue
        for low, high in text.blocks(start, stop, _CLOSER_LOOK):
            part = _at_once(text, layout, low, high, scale, users, items)
            if part is None:
                part = _by_line(text, layout, low, high, scale, users, items, bad)
            parts.append(part)
    if not any(len(part.ratings) for part in parts):
        raise bad.none_left()
    return LongTable(
        text.name,
        users,
        items,
        np.concatenate([part.users for part in parts]),
        np.concatenate([part.items for part in parts]),
        np.concatenate([part.ratings for part in parts]),
        lambda rows: text.places(rows, bad.lines),
    )


def _at_once(
    text: Text,
    layout: Layout,
    start: int,
    stop: int,
    scale: tuple[float, float] | None,
    users: Names,
    items: Names,
) -> _Rows | None:
    """Rows of a block, or None if any of them may be bad."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    if not text.well_quoted(start, stop):
        return None
    user, item, rating = str(layout.user), str(layout.item), str(layout.rating)
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(text.data).slice(start, stop - start)),
            read_options=arrow_csv.ReadOptions(
                column_names=[str(j) for j in range(layout.width)],
                block_size=ARROW_BLOCK,
                use_threads=stop - start > ARROW_BLOCK,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=text.separator, quote_char='"' if text.quoted else False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={user: pa.string(), item: pa.string(), rating: pa.float64()},
                include_columns=[user, item, rating],
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    ratings = numbers(table[rating])
    if len(ratings) and not _all_within(ratings, scale):
        return None
    user_ids, user_positions = categories(table[user])
    item_ids, item_positions = categories(table[item])
    user_texts, item_texts = users.texts(user_ids), items.texts(item_ids)
    if user_texts is None or item_texts is None:
        return None
    return _Rows(
        users.codes(user_texts, user_positions), items.codes(item_texts, item_positions), ratings
    )


def _all_within(ratings: NDArray[np.float64], scale: tuple[float, float] | None) -> bool:
    """Whether all are finite (NaN makes both ends NaN) and on the scale."""
    low, high = float(ratings.min()), float(ratings.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        return False
    return scale is None or (scale[0] <= low and high <= scale[1])


def _by_line(
    text: Text,
    layout: Layout,
    start: int,
    stop: int,
    scale: tuple[float, float] | None,
    users: Names,
    items: Names,
    bad: BadRows,
) -> _Rows:
    """Rows of a block, the bad ones counted or raised with their line number."""
    ids = {"user": layout.user, "item": layout.item}
    column = layout.column(layout.rating)
    user_codes, item_codes, ratings = array("i"), array("i"), array("d")
    for number, line in text.lines(start, stop):
        try:
            fields = text.fields(line)
        except csv.Error as error:
            bad.add(number, "with bad quoting", f"bad quoting ({shorten(line)}: {error})")
            continue
        problem = text_problem(fields, layout, ids) or number_problem(
            fields[layout.rating].strip(), column, scale, f"{text.name}:{number}", optional=False
        )
        if problem is not None:
            bad.add(number, *problem)
            continue
        user_codes.append(users.code(fields[layout.user]))
        item_codes.append(items.code(fields[layout.item]))
        ratings.append(float(fields[layout.rating]))
    return _Rows(np.array(user_codes, np.int32), np.array(item_codes, np.int32), np.array(ratings))


def text_problem(
    fields: Sequence[str], layout: Layout, ids: Mapping[str, int]
) -> tuple[str, str] | None:
    """Why a row's fields or ids make it bad.

    Parameters
    ----------
    fields : sequence of str
    layout : Layout
    ids : mapping of str to int
        What is named in which column.

    Returns
    -------
    problem : (str, str) or None
        The reason to count the row under, and the detail; None for a good row.
    """
    if len(fields) != layout.width:
        return (
            "with a wrong number of fields",
            f"{len(fields)} fields where {layout.width} are expected ({shorten(','.join(fields))})",
        )
    for what, index in ids.items():
        if not fields[index].strip():
            return f"with an empty {what} id", f"the {what} id is empty"
        try:
            fields[index].encode()
        except UnicodeEncodeError:
            shown = repr(fields[index].encode(errors="surrogateescape"))[1:]
            return "not in UTF-8", f"the {what} id is not in UTF-8 ({shown:.60})"
    return None


def number_problem(
    written: str, column: str, scale: tuple[float, float] | None, place: str, *, optional: bool
) -> tuple[str, str] | None:
    """Why a field is no rating.

    Parameters
    ----------
    written : str
        The field without outer whitespace.
    column : str
        The column, for messages.
    scale : (float, float), optional
    place : str
        Input and line.
    optional : bool
        Whether empty and NaN stand for an unrated cell (in a wide table).

    Returns
    -------
    problem : (str, str) or None
        The reason to count the row under, and the detail.

    Raises
    ------
    InputError
        If the number is infinite.
    """
    if not written:
        return None if optional else ("without a rating", f"the rating in column {column} is empty")
    if not is_number(written):
        return (
            "with a rating that is not a number",
            f"the rating in column {column} is not a number ({shorten(written)})",
        )
    value = float(written)
    if math.isnan(value):
        return None if optional else ("without a rating", f"the rating is {shorten(written)}")
    if math.isinf(value):
        raise InputError(f"{place}: the rating is infinite ({shorten(written)}); correct the row")
    if scale is not None and not scale[0] <= value <= scale[1]:
        return (
            "outside the scale",
            f"the rating {written} is outside the scale {scale[0]:g}:{scale[1]:g}",
        )
    return None

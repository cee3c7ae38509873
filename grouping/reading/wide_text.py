"""Wide tables in text: a row a user, a column an item, an empty cell unrated."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grouping.reading.arrow import numbers, release
from grouping.reading.bad_rows import BadRows
from grouping.reading.layout import Layout
from grouping.reading.long_text import number_problem, text_problem
from grouping.reading.needs import BLOCK_CELL, COLUMN
from grouping.reading.text import ARROW_BLOCK, Text, shorten
from grouping.reading.wide_table import Slabs, WideTable, item_ids

_BLOCK = 1 << 22
_CLOSER_LOOK = 1 << 18


def read_wide_text(
    text: Text, layout: Layout, bad: BadRows, scale: tuple[float, float] | None
) -> WideTable:
    """Read a wide table, block by block; a block with a bad row line by line.

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
    table : WideTable

    Raises
    ------
    InputError
        For a header without names or with a name twice, for a bad row that is not to be
        skipped, and for an infinite rating.
    GroupingError
        If memory does not suffice.
    """
    items = item_ids((layout.names or [])[1:], text.name)
    lines = text.data.count(b"\n", text.start) + 1
    share = min(1.0, _BLOCK / (len(text.data) - text.start))
    parsing = int(BLOCK_CELL * lines * len(items) * share) + COLUMN * len(items)
    slabs = Slabs(lines, len(items), parsing, text.name)
    users: list[str] = []
    for start, stop in text.blocks(text.start, len(text.data), _BLOCK):
        whole = _at_once(text, layout, start, stop, scale)
        release()
        if whole is not None:
            users += whole[0]
            slabs.add(whole[1])
            continue
        for low, high in text.blocks(start, stop, _CLOSER_LOOK):
            part = _at_once(text, layout, low, high, scale)
            if part is None:
                part = _by_line(text, layout, low, high, scale, bad)
            users += part[0]
            slabs.add(part[1])
    if not users:
        raise bad.none_left()
    return WideTable(
        text.name, users, items, slabs.matrix(), lambda rows: text.places(rows, bad.lines)
    )


def _at_once(
    text: Text, layout: Layout, start: int, stop: int, scale: tuple[float, float] | None
) -> tuple[list[str], NDArray[np.float64]] | None:
    """Users and ratings of a block, or None if any of its rows may be bad."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    if not text.well_quoted(start, stop):
        return None
    names = [str(j) for j in range(layout.width)]
    types = dict.fromkeys(names, pa.float64())
    types["0"] = pa.string()
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(text.data).slice(start, stop - start)),
            read_options=arrow_csv.ReadOptions(
                column_names=names,
                block_size=max(ARROW_BLOCK, 64 * layout.width),
                use_threads=stop - start > ARROW_BLOCK,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=text.separator, quote_char='"' if text.quoted else False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types, null_values=[""], strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    users = [text.restored(name).strip() for name in table["0"].to_pylist()]
    if not all(users):
        return None
    values = np.empty((len(users), layout.width - 1))
    for j in range(1, layout.width):
        values[:, j - 1] = numbers(table[names[j]])
    if len(values) and not _all_within(values, scale):
        return None
    return users, values


def _all_within(values: NDArray[np.float64], scale: tuple[float, float] | None) -> bool:
    """Whether all that are not NaN are finite and on the scale."""
    low = float(np.fmin.reduce(values, axis=None))
    high = float(np.fmax.reduce(values, axis=None))
    if math.isnan(low):
        return True
    if not (math.isfinite(low) and math.isfinite(high)):
        return False
    return scale is None or (scale[0] <= low and high <= scale[1])


def _by_line(
    text: Text,
    layout: Layout,
    start: int,
    stop: int,
    scale: tuple[float, float] | None,
    bad: BadRows,
) -> tuple[list[str], NDArray[np.float64]]:
    """Users and ratings of a block, the bad rows counted or raised with their line number."""
    users: list[str] = []
    rows: list[NDArray[np.float64]] = []
    for number, line in text.lines(start, stop):
        try:
            fields = text.fields(line)
        except csv.Error as error:
            bad.add(number, "with bad quoting", f"bad quoting ({shorten(line)}: {error})")
            continue
        problem = text_problem(fields, layout, {"user": 0}) or _cells_problem(
            fields, layout, scale, f"{text.name}:{number}"
        )
        if problem is not None:
            bad.add(number, *problem)
            continue
        users.append(fields[0].strip())
        rows.append(np.array([float(cell) if cell.strip() else math.nan for cell in fields[1:]]))
    values = np.array(rows) if rows else np.empty((0, layout.width - 1))
    return users, values


def _cells_problem(
    fields: Sequence[str], layout: Layout, scale: tuple[float, float] | None, place: str
) -> tuple[str, str] | None:
    for j in range(1, layout.width):
        problem = number_problem(fields[j].strip(), layout.column(j), scale, place, optional=True)
        if problem is not None:
            return problem
    return None

"""Parquet files, long or wide."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import id_text
from grouping.reading.arrow import categories, numbers, release
from grouping.reading.bad_rows import BadRows
from grouping.reading.layout import Columns, Layout, choose_layout
from grouping.reading.long_table import LongTable, Names
from grouping.reading.needs import (
    BLOCK_CELL,
    COLUMN,
    ID,
    LINE,
    LINE_READ,
    PAGES,
    require_to_read,
)
from grouping.reading.wide_table import Slabs, WideTable, item_ids

_CELLS = 4_000_000
_ROWS = 1 << 19


def read_parquet(
    given: Path | bytes,
    source: str,
    bad: BadRows,
    *,
    format: str | None,
    columns: Columns | None,
) -> LongTable | WideTable:
    """Read a Parquet file; of a long one only the columns that are needed.

    Parameters
    ----------
    given : Path or bytes
        A file, or its content.
    source : str
        The input's name.
    bad : BadRows
        Collects rows that cannot be read; they are called by their number from 1.
    format : str, optional
        ``long`` or ``wide`` if the user said so.
    columns : mapping or str, optional
        Where the user says that users, items and ratings stand.

    Returns
    -------
    table : LongTable or WideTable

    Raises
    ------
    InputError
        If the file is damaged, its columns cannot be told or have types that are neither ids
        nor ratings, a row is bad and not to be skipped, or a rating is infinite.
    GroupingError
        If memory does not suffice.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        reader = pa.BufferReader(given) if isinstance(given, bytes) else given
        with parquet.ParquetFile(reader) as file:
            if file.metadata.num_rows == 0:
                raise InputError(f"{source}: has a header but no rows")
            schema = file.schema_arrow
            names = _user_column_first(schema, source)
            layout = choose_layout(
                names,
                [_is_numeric(schema.field(name).type) for name in names],
                format=format if format in ("long", "wide") else None,
                columns=columns,
                source=source,
            )
            if layout.kind == "long":
                return _long(file, names, layout, source, bad)
            return _wide(file, names, source, bad)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{source}: is damaged or cut short, or no Parquet file ({_first_line(error)})"
        ) from error


def _user_column_first(schema: Any, source: str) -> list[str]:
    """Names of the columns; pandas stores a named index last, though it holds the users."""
    names = list(schema.names)
    if len(set(names)) < len(names):
        raise InputError(f"{source}: two columns have one name")
    about = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    index = [name for name in about.get("index_columns", ()) if isinstance(name, str)]
    if len(index) == 1 and index[0] in names:
        names.remove(index[0])
        names.insert(0, index[0])
    return names


def _long(file: Any, names: list[str], layout: Layout, source: str, bad: BadRows) -> LongTable:
    columns = [names[j] for j in (layout.user, layout.item, layout.rating)]
    for name in columns[:2]:
        _check_id_type(file.schema_arrow.field(name), source)
    rows, pages = file.metadata.num_rows, _pages(file, columns)
    users, items = Names(), Names()
    parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
    read = start = 0
    for batch in file.iter_batches(batch_size=_ROWS, columns=columns):
        ids = len(users) + len(items)
        require_to_read(pages + LINE * rows - LINE_READ * read + ID * ids, source)
        part = _rows_of(batch, columns, start, source, bad, (users, items))
        parts.append(part)
        read += len(part[2])
        start += len(batch)
        release()
    if not read:
        raise bad.none_left()
    user_codes, item_codes, ratings = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return LongTable(
        source,
        users,
        items,
        user_codes,
        item_codes,
        ratings,
        lambda wanted: _places(wanted, bad),
    )


def _rows_of(
    batch: Any,
    columns: list[str],
    start: int,
    source: str,
    bad: BadRows,
    all_names: tuple[Names, Names],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Codes of users and items, and ratings, of the good rows of a batch."""
    import pyarrow as pa

    table = pa.Table.from_batches([batch])
    rating = columns[2]
    ratings = numbers(_as_float64(table[rating], rating, source))
    keep = np.ones(len(ratings), bool)
    coded = []
    for what, name in zip(("user", "item"), columns, strict=False):
        ids, codes = categories(_plain(table[name]))
        empty = np.array([_text(value) == "" for value in ids], bool)[codes]
        _note(
            bad, start + np.flatnonzero(empty & keep), f"with an empty {what} id", f"the {what} id"
        )
        keep &= ~empty
        coded.append((ids, codes))
    unrated = np.isnan(ratings) & keep
    _note(bad, start + np.flatnonzero(unrated), "without a rating", "the rating")
    keep &= ~unrated
    infinite = np.flatnonzero(np.isinf(ratings))
    if len(infinite):
        raise InputError(f"{source}: row {start + infinite[0] + 1}: the rating is infinite")
    good = []
    for (ids, codes), names in zip(coded, all_names, strict=True):
        # ids of rows left out must not become users or items
        used = np.bincount(codes[keep], minlength=len(ids)) > 0
        position = (np.cumsum(used) - 1).astype(np.int32)
        texts = names.texts([ids[j] for j in np.flatnonzero(used).tolist()]) or []
        good.append(names.codes(texts, position[codes[keep]]))
    return good[0], good[1], ratings[keep]


def _pages(file: Any, columns: Collection[str] | None = None) -> int:
    """Bytes that reading takes for the pages of the largest row group; by default all columns."""
    largest = 0
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        size = group.total_byte_size
        if columns is not None:
            parts = (group.column(j) for j in range(group.num_columns))
            size = sum(c.total_uncompressed_size for c in parts if c.path_in_schema in columns)
        largest = max(largest, size)
    return PAGES * largest


def _places(wanted: Sequence[int], bad: BadRows) -> list[str]:
    """Places of rows that were read, which the bad ones among them push down."""
    lost = np.array(sorted(bad.lines), np.int64) - 1
    before = np.searchsorted(lost - np.arange(len(lost)), wanted, side="right")
    return [f"row {row}" for row in (np.asarray(wanted) + before + 1).tolist()]


def _wide(file: Any, names: list[str], source: str, bad: BadRows) -> WideTable:
    import pyarrow as pa

    items = item_ids(names[1:], source)
    schema = file.schema_arrow
    _check_id_type(schema.field(names[0]), source)
    most = file.metadata.num_rows
    parsing = BLOCK_CELL * min(_CELLS, most * len(items)) + COLUMN * len(items)
    slabs = Slabs(most, len(items), parsing + _pages(file), source)
    users: list[str] = []
    start = 0
    for batch in file.iter_batches(batch_size=max(1, _CELLS // len(names)), columns=names):
        table = pa.Table.from_batches([batch])
        values = np.empty((len(table), len(items)))
        for j, name in enumerate(names[1:]):
            values[:, j] = numbers(_as_float64(table[name], name, source))
        ids = [_text(value) for value in table[names[0]].to_pylist()]
        infinite = np.argwhere(np.isinf(values))
        if len(infinite):
            row, column = infinite[0]
            raise InputError(
                f"{source}: row {start + row + 1}: the rating for item {items[column]!r} "
                "is infinite"
            )
        keep = np.array([text != "" for text in ids], bool)
        _note(bad, start + np.flatnonzero(~keep), "with an empty user id", "the user id")
        slabs.add(values[keep])
        users += [text for text in ids if text]
        start += len(table)
        release()
    if not users:
        raise bad.none_left()
    return WideTable(source, users, items, slabs.matrix(), lambda wanted: _places(wanted, bad))


def _note(bad: BadRows, rows: NDArray[np.int64], reason: str, what: str) -> None:
    for row in rows.tolist():
        bad.add(row + 1, reason, f"{what} is missing")


def _text(value: Any) -> str:
    """Text of an id; empty if it is missing."""
    return "" if value is None or value != value else id_text(value)


def _plain(column: Any) -> Any:
    from pyarrow import types

    return column.cast(column.type.value_type) if types.is_dictionary(column.type) else column


def _is_numeric(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _check_id_type(field: Any, source: str) -> None:
    from pyarrow import types

    kind = field.type.value_type if types.is_dictionary(field.type) else field.type
    if not (
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
    ):
        raise InputError(
            f"{source}: column {field.name!r} holds {kind}; ids must be text or numbers"
        )


def _as_float64(column: Any, name: str, source: str) -> Any:
    import pyarrow as pa
    from pyarrow import types

    if not (_is_numeric(column.type) or types.is_boolean(column.type)):
        raise InputError(f"{source}: column {name!r} holds {column.type}; ratings must be numbers")
    return column.cast(pa.float64(), safe=False)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

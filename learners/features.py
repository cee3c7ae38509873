"""Side information: tables of what is known of users or items, encoded as numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids
from grouping.reading.side_table import Table, read_table
from learners.kinds import Kind, is_number

_AS_IT_IS = (0.0, 1.0)  # level and unit of what is not standardised
_MOST_CATEGORIES = 60  # a text column with more distinct values is rather a name than a kind


@dataclass(frozen=True, eq=False)
class Features:
    """What is known of users or items, a row each.

    Attributes
    ----------
    names : tuple of str
        Of the columns: ``age:18..25`` (from 18, under 25), ``genres:Drama``, ``price``.
    matrix : float32 array, shape (rows, len(names))
        Finite. Rows of users or items that the table does not list are zero.
    scales : tuple of (float, float)
        By column, the level and the unit that tell a cell in the table's own terms:
        ``level + unit * cell``. (0, 1) but for numbers.
    listed : bool array, shape (rows,), or None
        Whether the table lists the user or item of a row; None if it lists all.
    """

    names: tuple[str, ...]
    matrix: NDArray[np.float32]
    scales: tuple[tuple[float, float], ...] = ()
    listed: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if not self.scales:
            object.__setattr__(self, "scales", (_AS_IT_IS,) * len(self.names))

    def described(self) -> tuple[str, ...]:
        """Names of the columns with what a number stands for, so that equal ones mean the same."""
        return tuple(
            name if scale == _AS_IT_IS else f"{name} ({scale[0]!r} + {scale[1]!r} * cell)"
            for name, scale in zip(self.names, self.scales, strict=True)
        )

    def in_order(self) -> Features:
        """Return the features with columns in ascending order of `described`."""
        described = self.described()
        order = sorted(range(len(described)), key=described.__getitem__)
        return Features(
            tuple(self.names[column] for column in order),
            np.ascontiguousarray(self.matrix[:, order]),
            tuple(self.scales[column] for column in order),
            self.listed,
        )

    def lacking(self, ids: Ids, source: str) -> str:
        """Sentence on those whom the table does not list; empty if it lists all.

        Parameters
        ----------
        ids : Ids
            Of the rows.
        source : str
            What the table is called.
        """
        if self.listed is None:
            return ""
        count, first = int(self.listed.sum()), ids[int(np.argmin(self.listed))]
        if not count:
            return (
                f"{source} lists none of the {len(ids)} {ids.what}s, of whom the first is "
                f"{first!r}: see whether ids are written alike, for 01 is not 1"
            )
        return (
            f"{source} lists {count} of {len(ids)} {ids.what}s: nothing is known of the others, "
            f"of whom the first is {first!r}"
        )

    def take(self, positions: NDArray[np.int64]) -> Features:
        """Return the features of some rows."""
        listed = None if self.listed is None else self.listed[positions]
        return Features(self.names, self.matrix[positions], self.scales, listed)


def read_features(
    path: str | os.PathLike[str], ids: Iterable[str], kinds: Mapping[str, Kind] | None = None
) -> Features:
    """Read a table of side information and encode it for the given users or items.

    Parameters
    ----------
    path : path-like
        A text table with a header; its first column holds the ids.
    ids : iterable of str
        The users or items, in the order wanted.
    kinds : mapping of column name to Kind, optional
        By default each column's kind is inferred; see `encode`.

    Returns
    -------
    features : Features

    Raises
    ------
    InputError
        If the table cannot be read or a column cannot be encoded.
    """
    return encode(read_table(path), ids, kinds)


def encode(table: Table, ids: Iterable[str], kinds: Mapping[str, Kind] | None = None) -> Features:
    """Encode a table's columns as numbers.

    ===========  ==================================================================================
    number       (value - level) / unit, by default mean and standard deviation over the table; an
                 empty cell is 0
    flag         1 or 0; an empty cell is 0
    category     one column for each value, 1 where the row has it
    set          values separated by ``|``: one column for each, 1 where it is there
    classes      one column for each class between the edges, 1 where the number lies in it
    ignore       left out
    ===========  ==================================================================================

    Values are those that the table holds, in ascending order, unless the kind names them. Where the
    kinds of all columns are given, with values and scales, columns do not depend on the rows.

    A column whose kind is not given is a ``flag`` if it holds 0 and 1 only, a ``number`` if it
    holds numbers only, a ``set`` if a cell holds ``|``, else a ``category``.

    Parameters
    ----------
    table : Table
    ids : iterable of str
        The users or items, in the order wanted; those that the table lacks get zeros.
    kinds : mapping of column name to Kind, optional

    Returns
    -------
    features : Features

    Raises
    ------
    InputError
        If the table has no rows, a kind is given for a column that is not there, a cell that
        should be a number or a flag is none, a cell holds a value that its kind does not name, a
        text column has too many distinct values for a category, or no column is left.
    """
    kinds = dict(kinds or {})
    if not table.ids:
        raise InputError(f"{table.name}: side information has a header but no rows")
    for name in kinds:
        if name not in table.columns:
            raise InputError(
                f"{table.name}: there is no column {name!r}; its columns are "
                f"{', '.join(table.columns)}"
            )
    names: list[str] = []
    blocks: list[NDArray[np.float32]] = []
    scales: list[tuple[float, float]] = []
    for name, cells in table.columns.items():
        kind = kinds.get(name) or _inferred(cells, f"{table.name}: column {name!r}")
        if kind.name == "number" and kind.scale is None:
            kind = replace(kind, scale=_level_and_unit(_numbers(name, cells, table.name)))
        of_column, block = _ENCODERS[kind.name](name, cells, kind, table.name)
        names += of_column
        blocks.append(block)
        scales += [kind.scale or _AS_IT_IS] * len(of_column)
    if not names:
        raise InputError(f"{table.name}: no column of side information is left")
    place = {identity: row for row, identity in enumerate(table.ids)}
    rows = np.array([place.get(identity, -1) for identity in ids], dtype=np.int64)
    matrix = np.hstack(blocks)[rows]
    matrix[rows < 0] = 0.0
    listed = None if (rows >= 0).all() else rows >= 0
    return Features(tuple(names), np.ascontiguousarray(matrix), tuple(scales), listed)


def _inferred(cells: Sequence[str], where: str) -> Kind:
    filled = {cell for cell in cells if cell}
    if filled <= {"0", "1"}:
        return Kind("flag")
    if all(is_number(cell) for cell in filled):
        return Kind("number")
    if any("|" in cell for cell in filled):
        return Kind("set")
    if len(filled) > _MOST_CATEGORIES:
        raise InputError(
            f"{where} has {len(filled)} distinct values: say how to encode it, or ignore it"
        )
    return Kind("category")


Encoded = tuple[list[str], NDArray[np.float32]]


def _number(name: str, cells: Sequence[str], kind: Kind, source: str) -> Encoded:
    values = _numbers(name, cells, source)
    level, unit = kind.scale or _AS_IT_IS
    with np.errstate(over="ignore", invalid="ignore"):
        block = ((values - level) / unit).astype(np.float32)
    known = ~np.isnan(values)
    if not np.isfinite([level, unit, *block[known]]).all():
        raise InputError(f"{source}: column {name!r} holds a number that is too large to encode")
    block[~known] = 0.0
    return [name], block[:, None]


def _level_and_unit(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of the numbers that are known."""
    known = values[~np.isnan(values)]
    if not known.size:
        return _AS_IT_IS
    with np.errstate(over="ignore", invalid="ignore"):
        if known.min() == known.max():  # their mean may be off by a rounding
            return float(known[0]), 1.0
        return float(known.mean()), float(known.std()) or 1.0


def _flag(name: str, cells: Sequence[str], kind: Kind, source: str) -> Encoded:
    for cell in cells:
        if cell and not (is_number(cell) and float(cell) in (0.0, 1.0)):
            raise InputError(
                f"{source}: column {name!r} holds {cell!r}, and a flag is 0 or 1: mend the cell, "
                "or take the column for a category"
            )
    block = np.array([bool(cell) and float(cell) == 1.0 for cell in cells], dtype=np.float32)
    return [name], block[:, None]


def _category(name: str, cells: Sequence[str], kind: Kind, source: str) -> Encoded:
    return _indicators(name, [[cell] if cell else [] for cell in cells], kind, source)


def _set(name: str, cells: Sequence[str], kind: Kind, source: str) -> Encoded:
    rows = [[v for v in map(str.strip, cell.split("|")) if v] for cell in cells]
    return _indicators(name, rows, kind, source)


def _classes(name: str, cells: Sequence[str], kind: Kind, source: str) -> Encoded:
    values = _numbers(name, cells, source)
    edges = [repr(float(edge)).removesuffix(".0") for edge in kind.edges]
    between = [f"{low}..{high}" for low, high in pairwise(edges)]
    names = [f"{name}:{label}" for label in (f"<{edges[0]}", *between, f">={edges[-1]}")]
    block = np.zeros((len(cells), len(names)), dtype=np.float32)
    known = np.flatnonzero(~np.isnan(values))
    block[known, np.searchsorted(kind.edges, values[known], side="right")] = 1.0
    return names, block


def _ignore(name: str, cells: Sequence[str], kind: Kind, source: str) -> Encoded:
    return [], np.empty((len(cells), 0), dtype=np.float32)


_ENCODERS = {
    "number": _number,
    "flag": _flag,
    "category": _category,
    "set": _set,
    "classes": _classes,
    "ignore": _ignore,
}


def _indicators(name: str, rows: Sequence[Sequence[str]], kind: Kind, source: str) -> Encoded:
    values = kind.values or tuple(sorted({value for row in rows for value in row}))
    place = {value: column for column, value in enumerate(values)}
    block = np.zeros((len(rows), len(values)), dtype=np.float32)
    for number, row in enumerate(rows):
        for value in row:
            if value not in place:
                raise InputError(
                    f"{source}: column {name!r} holds {value!r}, which is not among the values "
                    "that its kind names: name it too, or mend or empty the cell"
                )
            block[number, place[value]] = 1.0
    return [f"{name}:{value}" for value in values], block


def _numbers(name: str, cells: Sequence[str], source: str) -> NDArray[np.float64]:
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if cell:
            if not is_number(cell):
                raise InputError(f"{source}: column {name!r} holds {cell!r}, which is no number")
            values[row] = float(cell)
    return values

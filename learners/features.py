"""Side information: tables of what is known of users or items, encoded as numbers."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.reading.side_table import Table, read_table

KINDS = ("number", "flag", "category", "set", "classes", "ignore")
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
        ``level + unit * cell``. (0, 1) but for numbers, which are standardised.
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

    def take(self, positions: NDArray[np.int64]) -> Features:
        """Return the features of some rows."""
        listed = None if self.listed is None else self.listed[positions]
        return Features(self.names, self.matrix[positions], self.scales, listed)


@dataclass(frozen=True)
class Kind:
    """How a column is encoded; see `encode`.

    Attributes
    ----------
    name : str
        One of `KINDS`.
    edges : tuple of float
        Of ``classes``: the lowest value of every class but the first, ascending.
    """

    name: str
    edges: tuple[float, ...] = ()


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
    number       (value - mean) / standard deviation over the table; an empty cell is 0
    flag         1, or 0 where the cell is 0 or empty
    category     one column for each distinct value, 1 where the row has it
    set          values separated by ``|``: one column for each distinct one, 1 where it is there
    classes      one column for each class between the edges, 1 where the number lies in it
    ignore       left out
    ===========  ==================================================================================

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
        If a kind is given for a column that is not there, a cell that should be a number is none,
        a text column has too many distinct values for a category, or no column is left.
    """
    kinds = dict(kinds or {})
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
        of_column, block = _ENCODERS[kind.name](name, cells, kind, table.name)
        names += of_column
        blocks.append(block)
        standardised = kind.name == "number"
        scale = _level_and_unit(_numbers(name, cells, table.name)) if standardised else _AS_IT_IS
        scales += [scale] * len(of_column)
    if not names:
        raise InputError(f"{table.name}: no column of side information is left")
    place = {identity: row for row, identity in enumerate(table.ids)}
    rows = np.array([place.get(identity, -1) for identity in ids], dtype=np.int64)
    matrix = np.hstack(blocks)[rows]
    matrix[rows < 0] = 0.0
    listed = None if (rows >= 0).all() else rows >= 0
    return Features(tuple(names), np.ascontiguousarray(matrix), tuple(scales), listed)


def parse_kinds(text: str) -> dict[str, Kind]:
    """Read kinds written as ``age=classes:18:25:35,genres=set,zip=ignore``.

    Parameters
    ----------
    text : str

    Returns
    -------
    kinds : dict of str to Kind

    Raises
    ------
    InputError
        If it is not so written, or a kind is unknown.
    """
    kinds: dict[str, Kind] = {}
    for part in text.split(","):
        column, equals, said = part.strip().partition("=")
        name, *edges = said.split(":")
        if not equals or not column or name not in KINDS:
            raise InputError(
                f"{part.strip()!r}: give column=kind, the kind one of {', '.join(KINDS)}"
            )
        try:
            numbers = tuple(float(edge) for edge in edges)
        except ValueError as error:
            raise InputError(f"{part.strip()!r}: edges of classes are numbers") from error
        if (name == "classes") != bool(numbers) or list(numbers) != sorted(set(numbers)):
            raise InputError(
                f"{part.strip()!r}: classes need ascending edges, as in age=classes:18:25"
            )
        kinds[column] = Kind(name, numbers)
    return kinds


def _inferred(cells: Sequence[str], where: str) -> Kind:
    filled = {cell for cell in cells if cell}
    if filled <= {"0", "1"}:
        return Kind("flag")
    if all(_is_number(cell) for cell in filled):
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
    level, unit = _level_and_unit(values)
    scaled = np.where(np.isnan(values), 0.0, (values - level) / unit)
    return [name], scaled.astype(np.float32)[:, None]


def _level_and_unit(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of the numbers that are known."""
    known = values[~np.isnan(values)]
    if not known.size:
        return _AS_IT_IS
    return float(known.mean()), float(known.std()) or 1.0


def _flag(name: str, cells: Sequence[str], kind: Kind, source: str) -> Encoded:
    block = np.array([cell not in ("", "0") for cell in cells], dtype=np.float32)
    return [name], block[:, None]


def _category(name: str, cells: Sequence[str], kind: Kind, source: str) -> Encoded:
    return _indicators(name, [[cell] if cell else [] for cell in cells])


def _set(name: str, cells: Sequence[str], kind: Kind, source: str) -> Encoded:
    return _indicators(name, [[v for v in cell.split("|") if v] for cell in cells])


def _classes(name: str, cells: Sequence[str], kind: Kind, source: str) -> Encoded:
    values = _numbers(name, cells, source)
    edges = [f"{edge:g}" for edge in kind.edges]
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


def _indicators(name: str, rows: Sequence[Sequence[str]]) -> Encoded:
    distinct = sorted({value for row in rows for value in row})
    place = {value: column for column, value in enumerate(distinct)}
    block = np.zeros((len(rows), len(distinct)), dtype=np.float32)
    for number, row in enumerate(rows):
        for value in row:
            block[number, place[value]] = 1.0
    return [f"{name}:{value}" for value in distinct], block


def _numbers(name: str, cells: Sequence[str], source: str) -> NDArray[np.float64]:
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if cell:
            if not _is_number(cell):
                raise InputError(f"{source}: column {name!r} holds {cell!r}, which is no number")
            values[row] = float(cell)
    return values


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False

"""How columns of side information are encoded, by kind, and how kinds are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grouping.errors import InputError

KINDS = ("number", "flag", "category", "set", "classes", "ignore")


@dataclass(frozen=True)
class Kind:
    """How a column is encoded; see `learners.features.encode`.

    Attributes
    ----------
    name : str
        One of `KINDS`.
    edges : tuple of float
        Of ``classes``: the lowest value of every class but the first, ascending.
    values : tuple of str
        Of ``category`` and ``set``: those that may occur, in the order of their columns. If there
        are none, those that the table holds.
    scale : (float, float) or None
        Of ``number``: level and unit. If None, mean and standard deviation over the table.
    """

    name: str
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    scale: tuple[float, float] | None = None


def parse_kinds(text: str) -> dict[str, Kind]:
    """Read kinds written as ``age=classes:18:25:35,genres=set,zip=ignore``.

    What an encoding rests on may be named: ``age=number:36:12`` is level and unit,
    ``job=category:nurse:clerk`` and ``genres=set:Drama:War`` are the values that may occur. Values
    that hold a comma or a colon cannot be named so.

    Parameters
    ----------
    text : str

    Returns
    -------
    kinds : dict of str to Kind

    Raises
    ------
    InputError
        If it is not so written, a kind is unknown, or a column or a value is given twice.
    """
    kinds: dict[str, Kind] = {}
    for part in (part.strip() for part in text.split(",")):
        column, equals, said = (word.strip() for word in part.partition("="))
        name, *named = (word.strip() for word in said.split(":"))
        if not equals or not column or name not in KINDS:
            raise InputError(f"{part!r}: give column=kind, the kind one of {', '.join(KINDS)}")
        if column in kinds:
            raise InputError(f"{part!r}: a kind of {column} is given already")
        kinds[column] = _declared(name, named, part)
    return kinds


def is_number(cell: str) -> bool:
    """Whether a cell holds a finite number."""
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _declared(name: str, named: Sequence[str], part: str) -> Kind:
    """Kind with what is named of it."""
    if name in ("category", "set"):
        return Kind(name, values=_values(name, named, part))
    if name == "classes":
        edges = _finite(named, part)
        if not edges or list(edges) != sorted(set(edges)):
            raise InputError(f"{part!r}: classes need ascending edges, as in age=classes:18:25")
        return Kind(name, edges)
    if name == "number" and named:
        scale = _finite(named, part)
        if len(scale) != 2 or scale[1] <= 0:
            raise InputError(
                f"{part!r}: a number has a level and a unit above 0, as in age=number:36:12"
            )
        return Kind(name, scale=(scale[0], scale[1]))
    if named:
        raise InputError(f"{part!r}: a column of kind {name} has nothing to be named")
    return Kind(name)


def _values(name: str, named: Sequence[str], part: str) -> tuple[str, ...]:
    for place, value in enumerate(named):
        if not value:
            raise InputError(f"{part!r}: a value is empty; empty cells need no name")
        if value in named[:place]:
            raise InputError(f"{part!r}: value {value!r} is named twice")
        if name == "set" and "|" in value:
            raise InputError(f"{part!r}: no value of a set holds '|', which parts values in cells")
    return tuple(named)


def _finite(named: Sequence[str], part: str) -> tuple[float, ...]:
    for word in named:
        if not is_number(word):
            raise InputError(f"{part!r}: {word!r} is no finite number")
    return tuple(map(float, named))

"""External names of users and items: text as the input wrote them, in matrix order."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError

_CANONICAL_INTEGER = re.compile(r"0|-?[1-9][0-9]*")


class Ids(Sequence[str]):
    """The ids of users or items, position by position.

    Ids of a bare matrix are its row or column numbers; they are made when asked for, so a
    million users without names cost nothing.

    Parameters
    ----------
    names : iterable of str, or int
        The ids in matrix order, or how many positional ids ``"0", "1", ...`` to stand for.
    what : str
        ``"user"`` or ``"item"``, for messages.

    Raises
    ------
    InputError
        If an id is empty or occurs twice.
    """

    __slots__ = ("_names", "_positions", "_size", "what")

    def __init__(self, names: Iterable[Any] | int, what: str = "user") -> None:
        self.what = what
        self._positions: dict[str, int] | None = None
        self._names: list[str] | None
        if isinstance(names, int):
            self._names = None
            self._size = names
            return
        self._names = [id_text(name, what) for name in names]
        self._size = len(self._names)
        if len(set(self._names)) != self._size:
            seen: set[str] = set()
            for name in self._names:
                if name in seen:
                    raise InputError(f"{what} id {name!r} occurs twice; ids must be distinct")
                seen.add(name)
        if "" in self._index():
            raise InputError(f"a {what} id is empty")

    @property
    def positional(self) -> bool:
        """Whether the ids are just row or column numbers."""
        return self._names is None

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            if self._names is None:
                return [str(i) for i in range(*index.indices(self._size))]
            return self._names[index]
        if self._names is not None:
            return self._names[index]
        return str(range(self._size)[index])

    def take(self, indices: Iterable[int]) -> list[str]:
        """Names at the given positions.

        Parameters
        ----------
        indices : iterable of int

        Returns
        -------
        names : list of str
        """
        positions = indices.tolist() if isinstance(indices, np.ndarray) else indices
        if self._names is None:
            return [str(int(i)) for i in positions]
        names = self._names
        return [names[i] for i in positions]

    def position(self, name: str) -> int:
        """Position of an id.

        Parameters
        ----------
        name : str

        Returns
        -------
        position : int

        Raises
        ------
        InputError
            If there is no such id.
        """
        if self._names is None:
            if _CANONICAL_INTEGER.fullmatch(name) and 0 <= int(name) < self._size:
                return int(name)
        else:
            found = self._index().get(name)
            if found is not None:
                return found
        raise InputError(f"unknown {self.what} id {name!r}")

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if self._names is None:
            return bool(_CANONICAL_INTEGER.fullmatch(name)) and 0 <= int(name) < self._size
        return name in self._index()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ids):
            return NotImplemented
        if self._names is None and other._names is None:
            return self._size == other._size
        return len(self) == len(other) and self[:] == other[:]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(self[: min(3, self._size)])
        return f"Ids({self._size} {self.what}s: {shown}{', ...' if self._size > 3 else ''})"

    def _index(self) -> dict[str, int]:
        if self._positions is None:
            self._positions = {name: i for i, name in enumerate(self._names or ())}
        return self._positions


def several(given: Any, words: str, what: str) -> list[Any]:
    """What a caller gave as several, in a list; one text is not the list of its letters.

    Parameters
    ----------
    given : iterable
    words : str
        What the caller wrote, for messages.
    what : str
        Of what there are several.

    Returns
    -------
    given : list

    Raises
    ------
    InputError
        If it is a text, or no iterable.
    """
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        shown = [[given]] if what.startswith("lists") else [given]
        raise InputError(f"{words}: give a list of {what}, for example {shown!r}")
    return list(given)


def id_text(value: Any, what: str = "id") -> str:
    """Text of an id: a string as written but for outer whitespace, a float 1.0 as ``"1"``.

    Parameters
    ----------
    value : str, int, float or other
        The id as a file or a frame holds it.
    what : str
        ``"user"`` or ``"item"``, for messages.

    Returns
    -------
    text : str

    Raises
    ------
    InputError
        If the value is missing (None, NaN) or infinite.
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").strip()
    if value is None:
        raise InputError(f"a {what} id is missing")
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if not math.isfinite(number):
            raise InputError(f"a {what} id is missing or infinite ({number})")
        return str(int(number)) if number.is_integer() else repr(number)
    if isinstance(value, np.generic):
        return str(value.item())
    return str(value)


def canonical_order(names: Sequence[str]) -> NDArray[np.int64]:
    """Order of the ids of a long table, which decides ties whatever the order of its rows.

    Numeric ascending if every id is a canonical integer (no leading zero, no plus sign), else by
    code point.

    Parameters
    ----------
    names : sequence of str
        Distinct ids.

    Returns
    -------
    order : int64 array, shape (len(names),)
        ``names[order[0]]`` comes first.
    """
    if all(_CANONICAL_INTEGER.fullmatch(name) for name in names):
        keys: list[Any] = [int(name) for name in names]
    else:
        keys = list(names)
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)

"""All that one organisation ever tells another: five kinds of messages, and their checks.

Rows are the side in common (users if user-aligned), columns the sender's or the receiver's own
(items then). Rows appear as positions in the list of common rows, columns as positions in an order
that their owner keeps to itself. No message carries an id, a rating, a model or a loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from grouping.errors import GroupingError, InputError

VERSION = 3
"""Of the messages; organisations of different versions do not talk."""

DIGEST = 32
"""Bytes of a row's keyed hash."""


class ProtocolError(GroupingError):
    """A message that must not be acted upon; says whose it is and what is wrong with it."""


class DisagreementError(ProtocolError, InputError):
    """Organisations were given what does not go together, as their messages tell."""


@dataclass(frozen=True, eq=False)
class Message:
    """What every message says of itself.

    Attributes
    ----------
    session : str
        Of the run; hashes and messages of one session mean nothing in another.
    sender, receiver : str
        Names of organisations.
    round : int
        0 before the first round.
    version : int
    """

    KIND: ClassVar[str] = "message"
    ARRAYS: ClassVar[dict[str, str]] = {}
    WORDS: ClassVar[tuple[str, ...]] = ()

    session: str
    sender: str
    receiver: str
    round: int
    version: int

    def __post_init__(self) -> None:
        for name, dtype in self.ARRAYS.items():
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or array.dtype != np.dtype(dtype):
                raise self.refused(f"{name} are not an array of {dtype}")
            array = np.ascontiguousarray(array)
            if array.flags.writeable:
                array = array.view()
                array.flags.writeable = False
            object.__setattr__(self, name, array)
        self.check()

    def check(self) -> None:
        """Check what can be checked without knowing what was expected.

        Raises
        ------
        ProtocolError
            If the message contradicts itself or holds a number that is not finite.
        """

    def refused(self, why: str, kind: type[ProtocolError] = ProtocolError) -> ProtocolError:
        """Make the error that refuses this message."""
        return kind(
            f"{self.KIND} of organisation {self.sender!r} to {self.receiver!r}, round "
            f"{self.round}: {why}"
        )

    def finite(self, values: NDArray[Any], what: str) -> None:
        """Refuse numbers that are not finite."""
        if not np.isfinite(values).all():
            kind = "NaN" if np.isnan(values).any() else "an infinite number"
            raise self.refused(f"{what} hold {kind}")


@dataclass(frozen=True, eq=False)
class Offer(Message):
    """Alignment offer: which rows the sender has, as keyed hashes, and how many columns.

    Attributes
    ----------
    digests : uint8 array, shape (rows, 32)
        In ascending order, so their order tells nothing.
    columns : int
    align : str
        ``user`` or ``item``.
    method : str
        By which the sender means to learn, with the choices that all must make alike.
    features : str
        How much is known of users and of items, and a keyed hash of what it is called, where all
        must know the same; else empty.
    public : uint8 array
        Public half of the sender's secret, if the method masks what is sent; else empty.
    """

    KIND: ClassVar[str] = "alignment offer"
    ARRAYS: ClassVar[dict[str, str]] = {"digests": "uint8", "public": "uint8"}
    WORDS: ClassVar[tuple[str, ...]] = ("columns", "align", "method", "features")

    digests: NDArray[np.uint8]
    columns: int
    align: str
    method: str
    features: str
    public: NDArray[np.uint8]

    def check(self) -> None:
        """See `Message.check`."""
        if self.digests.ndim != 2 or self.digests.shape[1] != DIGEST:
            raise self.refused(f"digests have shape {self.digests.shape}, not (rows, {DIGEST})")
        if self.columns < 1:
            raise self.refused(f"{self.columns} columns")
        names = [bytes(digest) for digest in self.digests]
        if any(one >= other for one, other in pairwise(names)):
            raise self.refused("digests are not distinct and in ascending order")


@dataclass(frozen=True, eq=False)
class Knowledge(Message):
    """Whether two know the same of the rows in common, when learning by factors.

    Attributes
    ----------
    rows : str
        Fingerprint of the list of common rows.
    mark : str
        Keyed hash of what the sender knows of all of them together.
    """

    KIND: ClassVar[str] = "knowledge of rows"
    WORDS: ClassVar[tuple[str, ...]] = ("rows", "mark")

    rows: str
    mark: str


@dataclass(frozen=True, eq=False)
class Residuals(Message):
    """Residuals of the sender's ratings on the common rows: where there is a rating, and no more.

    Attributes
    ----------
    rows : str
        Fingerprint of the list of common rows.
    starts : int64 array, shape (common rows + 1,)
    columns : int32 array, shape (entries,)
        Of the sender; ascending within a row.
    values : float32 array, shape (entries,)
    width : int
        Number of the sender's columns.
    """

    KIND: ClassVar[str] = "residuals"
    ARRAYS: ClassVar[dict[str, str]] = {"starts": "int64", "columns": "int32", "values": "float32"}
    WORDS: ClassVar[tuple[str, ...]] = ("rows", "width")

    rows: str
    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]
    width: int

    def check(self) -> None:
        """See `Message.check`."""
        starts, columns = self.starts, self.columns
        if starts.ndim != 1 or columns.ndim != 1 or columns.shape != self.values.shape:
            raise self.refused("sizes of starts, columns and values do not go together")
        if not len(starts) or starts[0] != 0 or (np.diff(starts) < 0).any():
            raise self.refused("starts of rows do not ascend from 0")
        if starts[-1] != len(columns):
            raise self.refused(f"{len(columns)} entries where the rows have {starts[-1]}")
        if len(columns) and not (columns.min() >= 0 and columns.max() < self.width):
            raise self.refused(f"a column lies outside of 0..{self.width - 1}")
        rising = np.diff(columns.astype(np.int64)) > 0
        rising[starts[(starts > 0) & (starts < len(columns))] - 1] = True
        if not rising.all():
            raise self.refused("columns do not ascend within a row")
        self.finite(self.values, "values")


@dataclass(frozen=True, eq=False)
class Predictions(Message):
    """What the sender's model of a round says of the receiver's columns on the common rows.

    Attributes
    ----------
    rows : str
        Fingerprint of the list of common rows.
    values : float32 array, shape (common rows, receiver's columns)
        For every entry, so that the receiver need not tell which ones it wants to know.
    """

    KIND: ClassVar[str] = "predictions"
    ARRAYS: ClassVar[dict[str, str]] = {"values": "float32"}
    WORDS: ClassVar[tuple[str, ...]] = ("rows",)

    rows: str
    values: NDArray[np.float32]

    def check(self) -> None:
        """See `Message.check`."""
        if self.values.ndim != 2:
            raise self.refused(f"values have {self.values.ndim} dimensions, not 2")
        self.finite(self.values, "values")


@dataclass(frozen=True, eq=False)
class Contribution(Message):
    """What the sender's columns add to sums over everyone's columns, when learning by factors.

    Attributes
    ----------
    rows : str
        Fingerprint of the list of common rows.
    exchange : int
        Which one of the round's, from 1.
    values : uint64 array, shape (common rows, width)
        For each common row, sums over the sender's columns rated in it, masked (see
        `learners.mtal.masking`); a width of 0 is possible.
    totals : uint64 array, shape (any,)
        Sums over all of the sender's columns, or over the rows that it counts, masked.
    """

    KIND: ClassVar[str] = "contribution"
    ARRAYS: ClassVar[dict[str, str]] = {"values": "uint64", "totals": "uint64"}
    WORDS: ClassVar[tuple[str, ...]] = ("rows", "exchange")

    rows: str
    exchange: int
    values: NDArray[np.uint64]
    totals: NDArray[np.uint64]

    def check(self) -> None:
        """See `Message.check`."""
        if self.values.ndim != 2 or self.totals.ndim != 1:
            raise self.refused("values and totals have other dimensions than 2 and 1")


_ALL: tuple[type[Message], ...] = (Offer, Knowledge, Residuals, Predictions, Contribution)
KINDS: dict[str, type[Message]] = {kind.KIND: kind for kind in _ALL}
"""The kinds of messages by name; there are no others."""

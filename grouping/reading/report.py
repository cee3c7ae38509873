"""What reading an input did: the format found, rows left out, duplicates merged, its checksum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType


@dataclass(frozen=True)
class ReadReport:
    """What `grouping.reading.read` did with one input.

    Attributes
    ----------
    source : str
        Name of the input, as messages call it.
    format : str
        ``long``, ``wide``, ``movielens``, ``parquet``, ``npy`` or ``npz``.
    rows : int
        Ratings taken from a long table, rows taken from a wide table or a matrix.
    skipped : mapping of str to int
        Rows left out under ``on_bad_row="skip"``, counted by reason.
    merged : int
        Ratings that ``duplicates="last"`` or ``"mean"`` merged into another one.
    embedded : bool
        Whether the input is the sample that comes with the package.
    """

    source: str
    format: str
    rows: int
    skipped: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    merged: int = 0
    embedded: bool = False
    _digest: Callable[[], str] = field(default=str, repr=False, compare=False)

    @property
    def skipped_rows(self) -> int:
        """Number of rows left out, whatever the reason."""
        return sum(self.skipped.values())

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the input's bytes, in hexadecimal (of a ``.gz``: as compressed).

        Of inputs read through memory it is computed beside the parsing. Files that stay on disk
        (``.npy``, ``.npz``, Parquet) are read once more when this is first asked for.
        """
        return self._digest()

    def summary(self) -> str:
        """One sentence about rows left out and merged; empty if there were none.

        Returns
        -------
        text : str
        """
        parts = []
        if self.skipped:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.skipped.items())
            parts.append(f"{self.skipped_rows} bad rows skipped ({reasons})")
        if self.merged:
            parts.append(f"{self.merged} duplicate ratings merged")
        return f"{self.source}: {'; '.join(parts)}" if parts else ""

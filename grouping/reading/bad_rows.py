"""What happens to a row that cannot be read: an error that names it, or a count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from grouping.errors import InputError


@dataclass
class BadRows:
    """The bad rows of one input.

    Parameters
    ----------
    source : str
        The input's name.
    skip : bool
        Whether they are counted and left out; else the first is an error.
    unit : str
        What the numbers count where it is not lines.
    """

    source: str
    skip: bool
    unit: str = ""
    reasons: Counter[str] = field(default_factory=Counter)
    lines: set[int] = field(default_factory=set)

    def add(self, line: int, reason: str, detail: str) -> None:
        """Note one bad row.

        Parameters
        ----------
        line : int
            Its line or row number.
        reason : str
            Under which it is counted.
        detail : str
            What is wrong with this one.

        Raises
        ------
        InputError
            Unless bad rows are to be skipped.
        """
        if not self.skip:
            raise InputError(
                f"{self.source}:{self.unit}{line}: {detail}; correct the row, or "
                "leave bad rows out with --on-bad-row skip"
            )
        self.reasons[reason] += 1
        self.lines.add(line)

    def none_left(self) -> InputError:
        """Return the error for an input none of whose rows could be read."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.reasons.items())
        return InputError(f"{self.source}: no row could be read ({reasons or 'there is none'})")

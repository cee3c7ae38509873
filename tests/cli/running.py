"""The command line is tested from outside: real processes, on a table small enough to do by hand.

Six users rate four items. With k = 2 under lm-min, a and b share the list p, q with second score
4, c and d share r, s with 4, e likes q, s with 3, f gives everything 2. Three groups by GRD:
{a, b} 4, {c, d} 4, and the rest {e, f} 2: objective 10.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

USERS = "abcdef"
ITEMS = "pqrs"
RATINGS = (
    (5, 4, 1, 1),
    (5, 4, 1, 1),
    (1, 1, 5, 4),
    (1, 1, 5, 4),
    (1, 5, 1, 3),
    (2, 2, 2, 2),
)
LABELS = [0, 0, 1, 1, 2, 2]
THREE = ("-l", "3", "-k", "2")
GRD = ("--method", "greedy")


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    def refused(self, *words: str, code: int = 2) -> str:
        """Check that it failed in one sentence that has these words, and return the sentence."""
        assert self.code == code, self
        assert self.out == ""
        assert "Traceback" not in self.err
        assert "Usage:" not in self.err
        sentence = self.err.splitlines()[-1]
        for word in words:
            assert word in sentence
        return sentence


Run = Callable[..., Ended]


def environment(**more: str) -> dict[str, str]:
    """The environment of a user who has set nothing; any warning in the process is a failure."""
    ours = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "GROUPING_MEMORY_LIMIT")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"PYTHONWARNINGS": "error"} | more


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "grouping", *map(str, arguments)]


def long_table(separator: str = ",", header: bool = True, left_out: str = "") -> str:
    """Text of the ratings as a long table, without the cells named in `left_out` ("fq fr")."""
    rows = [
        separator.join((user, item, str(rating)))
        for user, row in zip(USERS, RATINGS, strict=True)
        for item, rating in zip(ITEMS, row, strict=True)
        if f"{user}{item}" not in left_out.split()
    ]
    head = [separator.join(("user", "item", "rating"))] if header else []
    return "\n".join([*head, *rows, ""])

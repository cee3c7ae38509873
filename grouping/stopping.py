"""When a search stops: small criteria, each a question about where the search stands.

Criteria keep no state of their own, so that one can be asked anywhere, as often as need be, and
any number put together: a search stops as soon as one of them is met. Time alone depends on the
clock; with the others equal input and seed end a search at the same place on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from grouping.bounds import gap_between

CLOSE = 1e-9
"""A bound this near to the objective, relative to it, proves it: sums of reals are no nearer."""


@dataclass(frozen=True)
class Standing:
    """Where a search stands, as far as it is known.

    Attributes
    ----------
    objective : float
        Of the best so far.
    bound : float
        Least upper bound so far.
    seconds : float
        Time since the search began.
    iterations : int
        Tries made.
    quiet : int
        Tries in a row, the last ones, that led to nothing better.
    looks : int
        Times that it was asked whether the search is over.
    near : float or None
        How near to the objective a bound has to be to prove it; None: 1e-9 of the objective, and
        of 1 where that is more.
    """

    objective: float = -math.inf
    bound: float = math.inf
    seconds: float = 0.0
    iterations: int = 0
    quiet: int = 0
    looks: int = 0
    near: float | None = None


class Criterion(Protocol):
    """Whether a search may stop where it stands."""

    def __call__(self, standing: Standing) -> bool:
        """Answer for one standing."""
        ...


@dataclass(frozen=True)
class Proven:
    """The bound meets the objective: nothing is better."""

    def __call__(self, standing: Standing) -> bool:
        """Answer for one standing."""
        worth, near = standing.objective, standing.near
        return standing.bound <= worth + (CLOSE * max(1.0, abs(worth)) if near is None else near)


@dataclass(frozen=True)
class Gap:
    """The gap to the bound is at most so much."""

    most: float

    def __call__(self, standing: Standing) -> bool:
        """Answer for one standing."""
        if not (math.isfinite(standing.objective) and math.isfinite(standing.bound)):
            return False
        gap = gap_between(standing.objective, standing.bound)
        return gap is not None and gap <= self.most


@dataclass(frozen=True)
class Time:
    """So many seconds have passed."""

    seconds: float

    def __call__(self, standing: Standing) -> bool:
        """Answer for one standing."""
        return standing.seconds >= self.seconds


@dataclass(frozen=True)
class Iterations:
    """So many tries have been made."""

    most: int

    def __call__(self, standing: Standing) -> bool:
        """Answer for one standing."""
        return standing.iterations >= self.most


@dataclass(frozen=True)
class NoImprovement:
    """So many tries in a row have led to nothing better."""

    iterations: int

    def __call__(self, standing: Standing) -> bool:
        """Answer for one standing."""
        return standing.quiet >= self.iterations


@dataclass(frozen=True)
class Looks:
    """So often it was asked whether the search is over: an effort that no clock measures."""

    most: int

    def __call__(self, standing: Standing) -> bool:
        """Answer for one standing."""
        return standing.looks >= self.most


@dataclass(frozen=True)
class AnyOf:
    """One of several criteria is met; never, where there is none."""

    criteria: tuple[Criterion, ...] = ()

    def __call__(self, standing: Standing) -> bool:
        """Answer for one standing."""
        return any(criterion(standing) for criterion in self.criteria)


def ending(
    time_limit: float | None = None, gap: float | None = None, looks: int | None = None
) -> Criterion:
    """Criterion that ends a whole search: a proof, the time, the gap, the effort.

    Parameters
    ----------
    time_limit : float, optional
        Seconds.
    gap : float, optional
    looks : int, optional
        Times that it may be asked.

    Returns
    -------
    criterion : Criterion
    """
    asked: list[Criterion] = [Proven()]
    if time_limit is not None:
        asked.append(Time(time_limit))
    if gap is not None:
        asked.append(Gap(gap))
    if looks is not None:
        asked.append(Looks(looks))
    return AnyOf(tuple(asked))


def tries(iterations: int | None = None, patience: int | None = None) -> Criterion:
    """Criterion that ends a row of tries: their number, or too many that gain nothing.

    Parameters
    ----------
    iterations : int, optional
        Tries in all.
    patience : int, optional
        Tries in a row that lead to nothing better.

    Returns
    -------
    criterion : Criterion
        Never met where neither is given.
    """
    asked: list[Criterion] = []
    if iterations is not None:
        asked.append(Iterations(iterations))
    if patience is not None:
        asked.append(NoImprovement(patience))
    return AnyOf(tuple(asked))

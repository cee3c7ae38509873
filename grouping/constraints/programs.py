"""What the integer programs of constraints share: how long they are tried, and rows of balance."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

OPTIMAL, TIME_OVER, INFEASIBLE = 0, 1, 2
"""What `scipy.optimize.milp` calls them; all else is a failure, or that nodes were spent."""

TOLERANCE = 1e-6
"""HiGHS takes rows for kept to, and variables for whole, that are off by so much."""

NODES = 500
"""Nodes of branch and bound where no time is given: the answer must not depend on the machine."""

LONGEST = 60.0
"""Seconds of a program where no time is given: of programs whose first node takes as long, nobody
would see the end."""


def deadline_of(seconds: float | None) -> float | None:
    """Tell by the clock of `time.perf_counter` when seconds from now are over; None: never."""
    return None if seconds is None else time.perf_counter() + seconds


def over(deadline: float | None) -> bool:
    """Whether the time has passed."""
    return deadline is not None and time.perf_counter() >= deadline


def effort(deadline: float | None, **others: float) -> Any:
    """Options of `scipy.optimize.milp` that say when to give up.

    Parameters
    ----------
    deadline : float or None
        None where no time is given: then nodes are counted, and a minute is the most.
    **others
        Further options.

    Returns
    -------
    options : dict
    """
    if deadline is None:
        return others | {"node_limit": NODES, "time_limit": LONGEST}
    return others | {"time_limit": max(0.01, deadline - time.perf_counter())}


def milp(cost: Any, **program: Any) -> Any:
    """Solve an integer program by `scipy.optimize.milp`, so that Ctrl-C is heard meanwhile.

    Parameters
    ----------
    cost : array
    **program
        As that function takes it.

    Returns
    -------
    found : scipy.optimize.OptimizeResult

    Raises
    ------
    KeyboardInterrupt
        At once. The solver's thread ends by itself when its limit is reached.
    """
    from scipy import optimize

    answers: list[Any] = []

    def solve() -> None:
        try:
            answers.append(optimize.milp(cost, **program))
        except Exception as error:
            answers.append(error)

    thread = threading.Thread(target=solve, daemon=True)
    thread.start()
    thread.join()
    (answer,) = answers
    if isinstance(answer, Exception):
        raise answer
    return answer


def why_undecided(found: Any = None) -> str:
    """Say why a program has no answer.

    Parameters
    ----------
    found : scipy.optimize.OptimizeResult, optional
        None where the time was over before it began.

    Returns
    -------
    words : str
    """
    if found is None or found.status == TIME_OVER:
        return "the time was over"
    if spent(found):
        return f"{NODES} branches of an integer program were tried"
    return f"the solver of integer programs failed ({found.message})"


def spent(found: Any) -> bool:
    """Whether a solver gave up because the nodes allowed were spent."""
    return "Solution limit reached" in str(found.message)


class Row(NamedTuple):
    """One inequality about one trait in one group.

    ``held * c + size * s + flag * b <= most``, where c members of s have the trait and b is 0 or 1.
    """

    held: float
    size: float
    flag: float
    most: float


def balanced(share: float, tolerance: float, largest: float) -> Iterator[Row]:
    """Keep a trait's count near its share of the group: |c - share s| <= max(1, tolerance s).

    Parameters
    ----------
    share : float
    tolerance : float
        Below 1.
    largest : float
        No group has more members.

    Yields
    ------
    row : Row
        The flag says that the second bound is the wider one; without it the first holds.
    """
    for sign in (1.0, -1.0):
        yield Row(sign, -sign * share, -tolerance * largest, 1.0)
        yield Row(sign, -sign * share - tolerance, 1.0, 1.0)


def not_alone(most: float) -> Iterator[Row]:
    """Keep a trait's count off 1.

    Parameters
    ----------
    most : float
        No group has more members with the trait.

    Yields
    ------
    row : Row
        The flag says that somebody has it.
    """
    yield Row(-1.0, 0.0, 2.0, 0.0)
    yield Row(1.0, 0.0, -most, 0.0)

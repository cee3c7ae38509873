"""Local search for columns that serve users: greedy, best exchanges, and shaking.

Columns are items or lists; each user is served by the best of at most l chosen ones (aggregate
voting, max: the l-median problem). The sum is monotone and submodular, so greedy reaches at least
(1 - 1/e) of the best (Nemhauser, Wolsey and Fisher 1978), measured from the lowest value. Then the
best exchange of one chosen column for another is made until there is none (Teitz and Bart 1968;
with the best and the second best column of each user, as in Whitaker 1983). Shaking exchanges a
few at random and climbs again (Hansen and Mladenovic 1997).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from grouping.kernels import medians as kernels


def greedy(
    values: NDArray[np.floating], limit: int, lowest: float, stop: Callable[[], bool]
) -> NDArray[np.int64]:
    """Choose columns one by one, each time the one that adds the most.

    Parameters
    ----------
    values : float array, shape (columns, users)
    limit : int
    lowest : float
        No value is lower.
    stop : callable
        Asked after each column; the first is always chosen.

    Returns
    -------
    chosen : int64 array
    """
    served = np.full(values.shape[1], lowest)
    found = np.empty(len(values))
    chosen: list[int] = []
    while len(chosen) < min(limit, len(values)) and not (chosen and stop()):
        kernels.totals_with(values, served, found)
        found[chosen] = -1.0
        chosen.append(int(found.argmax()))
        np.maximum(served, values[chosen[-1]], out=served)
    return np.array(chosen)


def exchange(
    values: NDArray[np.floating], chosen: NDArray[np.int64], stop: Callable[[], bool]
) -> tuple[NDArray[np.int64], float]:
    """Exchange one column at a time, the best exchange first, until none helps.

    Parameters
    ----------
    values : float array, shape (columns, users)
    chosen : int64 array
    stop : callable

    Returns
    -------
    chosen : int64 array
    total : float
        What users get.
    """
    chosen = chosen.copy()
    gains, positions = np.empty(len(values)), np.empty(len(values), np.int64)
    users = np.arange(values.shape[1])
    while True:
        offered = values[chosen].astype(np.float64)
        first = offered.argmax(axis=0)
        best = offered[first, users]
        total = float(best.sum())
        if stop():
            return chosen, total
        offered[first, users] = -np.inf
        second = offered.max(axis=0) if len(chosen) > 1 else np.full(len(users), -np.inf)
        kernels.swap_gains(values, first, best, second, len(chosen), gains, positions)
        gains[chosen] = -np.inf
        column = int(gains.argmax())
        if not gains[column] > 1e-12 * max(1.0, abs(total)):
            return chosen, total
        chosen[positions[column]] = column


def shake(
    values: NDArray[np.floating],
    chosen: NDArray[np.int64],
    rng: np.random.Generator,
    rounds: int,
    stop: Callable[[], bool],
) -> tuple[NDArray[np.int64], float]:
    """Exchange a few columns at random and climb again; keep what is not worse.

    Parameters
    ----------
    values : float array, shape (columns, users)
    chosen : int64 array
        A local optimum.
    rng : numpy.random.Generator
    rounds : int
    stop : callable

    Returns
    -------
    chosen : int64 array
    total : float
    """
    chosen, total = exchange(values, chosen, stop)
    others = len(values) - len(chosen)
    if others == 0:
        return chosen, total
    few = 1
    for _ in range(rounds):
        if stop():
            break
        shaken = chosen.copy()
        count = min(few, len(chosen), others)
        outside = np.setdiff1d(np.arange(len(values)), chosen)
        places = rng.choice(len(chosen), count, replace=False)
        shaken[places] = rng.choice(outside, count, replace=False)
        shaken, found = exchange(values, shaken, stop)
        few = 1 if found > total else few % 4 + 1
        if found >= total:
            chosen, total = shaken, found
    return chosen, total

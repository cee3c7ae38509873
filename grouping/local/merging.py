"""Merge and split: two groups become one, and one is split, so that their number stays.

A search that moves users one by one hardly ever gives a group up to found another, for all on the
way is worse. Here both are done at once: of all pairs the one whose joining loses least, and of
all groups the one that gains most from being split in two around two of its members; or a pair is
joined and split anew. What comes out is where a search by moves goes on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.kernels import moves as kernels

MOST_CELLS = 1 << 24
"""Scores of units beyond which this takes too long beside single moves."""

ROUNDS = 4
"""Alternations of a split's two lists and their units, at most."""

LOOK = 64
"""Pairs of groups between two looks at the clock."""

PAIRS = 12
"""Pairs of groups that are joined and split anew in one try."""


@dataclass(frozen=True, eq=False)
class _Halves:
    """A set of units in two parts, and what both are worth."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    worth: float


def merge_and_split(
    instance: kernels.Instance,
    labels: NDArray[np.int64],
    rng: np.random.Generator,
    stop: Callable[[], bool],
) -> NDArray[np.int64] | None:
    """Propose another formation of as many groups.

    Parameters
    ----------
    instance : Instance
        Scores as they are, not softened.
    labels : int64 array, shape (units,)
        Sizes are as they may be.
    rng : numpy.random.Generator
    stop : callable
        Asked now and then whether to end here.

    Returns
    -------
    labels : int64 array, shape (units,), or None
        The best of those looked at, which may be worse than what was given; sizes are as they
        may be, other constraints are not looked at. None where there is none.
    """
    here = np.flatnonzero(np.bincount(labels, minlength=len(instance.high)))
    members = {int(group): np.flatnonzero(labels == group) for group in here}
    worths = {group: _worth(instance, some) for group, some in members.items()}
    halves = {
        group: _split(instance, some, group, None, rng)
        for group, some in members.items()
        if len(some) > 1
    }
    split = {group: parts for group, parts in halves.items() if parts is not None}
    sizes = np.array([int(instance.sizes[parts.second].sum()) for parts in split.values()])
    gains = np.array([parts.worth - worths[group] for group, parts in split.items()])
    splits = np.array(list(split), np.int64)
    pairs = [(a, b) for a in members for b in members if a < b]
    best: NDArray[np.int64] | None = None
    best_gain = -math.inf
    for number, (a, b) in enumerate(pairs):
        if number % LOOK == LOOK - 1 and stop():
            break
        together = np.concatenate([members[a], members[b]])
        if instance.sizes[together].sum() > instance.high[a]:
            continue
        loss = worths[a] + worths[b] - _worth(instance, together)
        may = (splits != a) & (splits != b)
        may &= (instance.fewest <= sizes) & (sizes <= instance.high[b])
        if not may.any():
            continue
        gain = np.where(may, gains - loss, -np.inf)
        c = int(gain.argmax())
        if gain[c] > best_gain:
            best_gain = float(gain[c])
            best = labels.copy()
            best[members[b]] = a
            best[split[int(splits[c])].second] = b
    for at in rng.permutation(len(pairs))[:PAIRS].tolist():
        a, b = pairs[at]
        anew = _split(instance, np.concatenate([members[a], members[b]]), a, b, rng)
        if anew is None:
            continue
        gained = anew.worth - worths[a] - worths[b]
        if gained > best_gain and not _same(anew, members[a], members[b]):
            best_gain = gained
            best = labels.copy()
            best[anew.first], best[anew.second] = a, b
    return best


def _same(parts: _Halves, a: NDArray[np.int64], b: NDArray[np.int64]) -> bool:
    return any(np.array_equal(np.sort(parts.first), some) for some in (a, b))


def _scores(instance: kernels.Instance, units: NDArray[np.int64]) -> NDArray[np.float64]:
    rows = instance.rows[units]
    scores: NDArray[np.float64] = (
        rows.min(axis=0).astype(np.float64)
        if instance.least_misery
        else rows.sum(axis=0, dtype=np.float64)
    )
    return scores


def _worth(instance: kernels.Instance, units: NDArray[np.int64]) -> float:
    scores = _scores(instance, units)
    top = np.sort(np.partition(scores, -len(instance.weights))[-len(instance.weights) :])[::-1]
    worth = float(top @ instance.weights)
    return worth * float(instance.masses[units].sum()) if instance.by_members else worth


def _split(
    instance: kernels.Instance,
    units: NDArray[np.int64],
    a: int,
    b: int | None,
    rng: np.random.Generator,
) -> _Halves | None:
    """Split units around two of them: the first drawn, the other the one with whom it goes worst.

    Each goes to the list that serves it better, the clearest cases first, as sizes allow.
    """
    if len(units) < 2:
        return None
    count = len(instance.weights)
    first = instance.rows[rng.choice(units)]
    if instance.least_misery:
        together = np.partition(np.minimum(instance.rows[units], first), -count, axis=1)
        second = instance.rows[units[together[:, -count:].sum(axis=1).argmin()]]
    else:
        liked = np.argsort(-first, kind="stable")[:count]
        second = instance.rows[units[instance.rows[units][:, liked].sum(axis=1).argmin()]]
    lists = [np.argsort(-row, kind="stable")[:count] for row in (first, second)]
    best = None
    sizes = instance.sizes[units]
    for _ in range(ROUNDS):
        liking = [
            instance.rows[units][:, items].min(axis=1)
            if instance.least_misery
            else instance.rows[units][:, items].sum(axis=1)
            for items in lists
        ]
        lead = np.asarray(liking[0], np.float64) - liking[1]
        order = np.argsort(-lead, kind="stable")
        cut = _cut(instance, sizes[order], int((lead > 0).sum()), a, b)
        if cut is None:
            return best
        halves = units[order[:cut]], units[order[cut:]]
        worth = sum(_worth(instance, half) for half in halves)
        if best is not None and worth <= best.worth:
            return best
        best = _Halves(*halves, worth)
        lists = [np.argsort(-_scores(instance, half), kind="stable")[:count] for half in halves]
    return best


def _cut(
    instance: kernels.Instance,
    sizes: NDArray[np.int64],
    wanted: int,
    a: int,
    b: int | None,
) -> int | None:
    """Units of the first part: as many as are wanted, or the next number that sizes allow."""
    before = np.cumsum(sizes)[:-1]
    after = int(sizes.sum()) - before
    high_b = instance.high.max() if b is None else instance.high[b]
    may = (before >= instance.fewest) & (after >= instance.fewest)
    may &= (before <= instance.high[a]) & (after <= high_b)
    cuts = np.flatnonzero(may) + 1
    if len(cuts) == 0:
        return None
    return int(cuts[np.abs(cuts - wanted).argmin()])

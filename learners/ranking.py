"""How good a ranking is: precision and recall of own items, hits among drawn negatives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def precision_recall(
    rows: ArrayLike,
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    k: int = 10,
    relevant: float = 4.0,
) -> tuple[Floats, Floats]:
    """Precision and recall at k of each user's own test items (DMTL paper, equations 14, 15).

    A user's test items are ranked by score, of equals the one given first comes first. Precision
    is hits / k even where a user has fewer than k items; recall is 0 where none is relevant.

    Parameters
    ----------
    rows : array-like of int
        The user of each test rating.
    truth : array-like
        The ratings; an item is relevant from `relevant` on.
    scores : array-like
        What to rank by, highest first; finite.
    k : int
    relevant : float

    Returns
    -------
    precision, recall : float64 arrays
        By user with a test rating, ascending.

    Raises
    ------
    ValueError
        If the lengths differ, nothing is given, or a score is not finite.
    """
    row = np.asarray(rows, dtype=np.int64)
    positive = np.asarray(truth, dtype=np.float64) >= relevant
    score = np.asarray(scores, dtype=np.float64)
    if not row.shape == positive.shape == score.shape or not row.size:
        raise ValueError(f"cannot rank {row.shape}, {positive.shape} and {score.shape}")
    if not np.isfinite(score).all():
        raise ValueError("cannot rank scores that are not finite")
    order = np.lexsort((np.arange(len(row)), -score, row))
    row, positive = row[order], positive[order]
    starts = np.flatnonzero(np.concatenate(([True], row[1:] != row[:-1])))
    user = np.repeat(np.arange(len(starts)), np.diff([*starts, len(row)]))
    place = np.arange(len(row)) - starts[user]
    hits = np.bincount(user, weights=positive & (place < k)).astype(np.float64)
    relevant_ones = np.bincount(user, weights=positive)
    recall = np.divide(hits, relevant_ones, out=np.zeros(len(starts)), where=relevant_ones > 0)
    return hits / k, recall


def hits_and_gains(scores: ArrayLike, k: int) -> tuple[Floats, Floats]:
    """Hit and NDCG at k of one positive among negatives (leave-one-out).

    Where negatives score the same as the positive, the mean over all orders of the equal ones is
    taken: a model that scores everything alike gets what chance gets, not a perfect hit.

    Parameters
    ----------
    scores : array-like, shape (tests, 1 + negatives)
        The positive's score first.
    k : int

    Returns
    -------
    hits, gains : float64 arrays, shape (tests,)
        The gain at place j (from 1) is 1 / log2(j + 1), 0 beyond k.

    Raises
    ------
    ValueError
        If a score is not finite.
    """
    score = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(score).all():
        raise ValueError("cannot rank scores that are not finite")
    better = (score[:, 1:] > score[:, :1]).sum(axis=1)
    equal = (score[:, 1:] == score[:, :1]).sum(axis=1)
    places = np.arange(score.shape[1])
    hit = (places < k).astype(np.float64)
    gain = hit / np.log2(places + 2.0)
    until_hit, until_gain = (np.concatenate(([0.0], np.cumsum(v))) for v in (hit, gain))
    last = better + equal + 1
    chance = 1.0 / (equal + 1)
    return (
        (until_hit[last] - until_hit[better]) * chance,
        (until_gain[last] - until_gain[better]) * chance,
    )

"""Groups as columns of the linear program, and formations made of some of them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import maximum_bipartite_matching

from grouping.kernels.pricing import value_of

MOST_TIED = 256
"""Items tied for a place on a list that are told apart by how many users they would cover."""

MOST_PLACED = 2000
"""Users left over are placed one by one up to so many; beyond, all in the largest group."""


def used_weights(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out the last positions of a list where they weigh nothing.

    Parameters
    ----------
    weights : float64 array, shape (k,)

    Returns
    -------
    weights : float64 array
        At least one.
    """
    last = np.flatnonzero(weights)
    return np.ascontiguousarray(weights[: last[-1] + 1 if len(last) else 1])


def values_of(minima: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Value of each row's list of its highest entries.

    Parameters
    ----------
    minima : float64 array, shape (rows, m)
    weights : float64 array, shape (k,)

    Returns
    -------
    values : float64 array, shape (rows,)
    """
    k = len(weights)
    best = -np.sort(-np.partition(minima, minima.shape[1] - k, axis=1)[:, -k:], axis=1)
    totals = np.zeros(len(best))
    for position in np.flatnonzero(weights):
        totals += weights[position] * best[:, position]
    return totals


def covered(
    ratings: NDArray[np.floating],
    members: NDArray[np.int64],
    allowed: NDArray[np.bool_],
    weights: NDArray[np.float64],
    popular: NDArray[np.float64],
) -> tuple[float, NDArray[np.bool_]]:
    """Find everyone who can join some users without lowering what their group is worth.

    Parameters
    ----------
    ratings : array, shape (n, m)
    members : int64 array
        At least one.
    allowed : bool array, shape (n,)
        Who may join.
    weights : float64 array, shape (k,)
    popular : float64 array, shape (m,)
        Items to be tried first among many that are tied.

    Returns
    -------
    value : float
        Of the members' list; among equal lists one that many can join.
    cover : bool array, shape (n,)
    """
    k = len(weights)
    minima = ratings[members].min(axis=0).astype(np.float64)
    best = -np.sort(-np.partition(minima, len(minima) - k)[-k:])
    value = float(value_of(best, weights, np.empty(k)))
    threshold = best[-1]
    only_last = weights[0] == 0
    sure = np.flatnonzero(minima > threshold)[: 0 if only_last else k]
    inside = np.flatnonzero(allowed)
    if len(sure):
        inside = inside[(ratings[np.ix_(inside, sure)] >= minima[sure]).all(axis=1)]
    tied = np.flatnonzero(minima >= threshold if only_last else minima == threshold)
    open_places = k - len(sure)
    if len(tied) > (most := max(MOST_TIED, open_places)):
        tied = tied[np.argsort(-popular[tied], kind="stable")[:most]]
    holds = ratings[np.ix_(inside, tied)] >= threshold
    for _ in range(open_places):
        item = int(holds.sum(axis=0).argmax())
        kept = holds[:, item]
        inside, holds = inside[kept], np.delete(holds[kept], item, axis=1)
    cover = np.zeros(len(ratings), np.bool_)
    cover[inside] = True
    return value, cover


def formation(
    ratings: NDArray[np.floating],
    covers: NDArray[np.bool_],
    groups: int,
    weights: NDArray[np.float64],
    personal: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Make a partition of groups that overlap and may leave users out.

    Parameters
    ----------
    ratings : array, shape (n, m)
    covers : bool array, shape (chosen, n)
        At most `groups`.
    groups : int
    weights : float64 array, shape (k,)
    personal : float64 array, shape (n,)
        What each user would be worth alone.

    Returns
    -------
    labels : int64 array, shape (n,)
        Each group has a user of its own; where there are fewer than `groups`, users who are worth
        something alone are taken out of them.
    """
    if not len(covers):
        return _split(np.zeros(len(ratings), np.int64), groups, personal)
    owner = maximum_bipartite_matching(sp.csr_array(covers), perm_type="column")
    covers, owner = covers[owner >= 0], owner[owner >= 0]
    labels = np.where(covers.any(axis=0), covers.argmax(axis=0), -1)
    labels[owner] = np.arange(len(owner))
    _place(ratings, labels, len(owner), weights)
    return _split(labels, groups, personal)


def _place(
    ratings: NDArray[np.floating],
    labels: NDArray[np.int64],
    count: int,
    weights: NDArray[np.float64],
) -> None:
    """Put users without a group where they lower the value least."""
    left = np.flatnonzero(labels < 0)
    if not len(left):
        return
    if len(left) > MOST_PLACED or count == 0:
        labels[left] = np.bincount(labels[labels >= 0], minlength=1).argmax()
        return
    minima = np.stack([ratings[labels == g].min(axis=0) for g in range(count)]).astype(np.float64)
    values = values_of(minima, weights)
    for user in left:
        joined = np.minimum(minima, ratings[user])
        lowered = values_of(joined, weights)
        group = int((lowered - values).argmax())
        labels[user], minima[group], values[group] = group, joined[group], lowered[group]


def _split(
    labels: NDArray[np.int64], groups: int, personal: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Let users who are worth something alone leave groups of several."""
    _, labels = np.unique(labels, return_inverse=True)
    labels = labels.astype(np.int64)
    sizes = np.bincount(labels)
    count = len(sizes)
    for user in np.argsort(-personal, kind="stable"):
        if count >= groups or personal[user] <= 0:
            break
        if sizes[labels[user]] > 1:
            sizes[labels[user]] -= 1
            labels[user] = count
            count += 1
    return labels

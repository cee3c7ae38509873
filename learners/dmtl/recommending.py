"""Lists for groups: DMTL's, beside least misery's and aggregate voting's of members' ratings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from learners.dmtl.groups import Groups
from learners.dmtl.model import DMTL

EXCLUDE = ("none", "any", "all")
METHODS = ("dmtl", "lm", "av")

_CELLS = 20_000_000  # member times item, computed together

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class List:
    """A group's list.

    Attributes
    ----------
    items : int64 array
        Best first, equal scores by ascending column; fewer than asked where too few are left.
    scores : float64 array
    """

    items: NDArray[np.int64]
    scores: Floats


def recommend(
    model: DMTL, groups: Groups, k: int = 10, *, exclude: str = "none"
) -> list[dict[str, List]]:
    """Recommend k items to each group.

    Parameters
    ----------
    model : DMTL
    groups : Groups
    k : int
    exclude : {"none", "any", "all"}
        Whether items are left out that any member, or that all members have rated.

    Returns
    -------
    lists : list of dict
        By group: ``dmtl``, the group's predicted ratings; ``lm`` and ``av``, the lowest and the
        sum of the members' ratings, predicted by the same model where they have not rated.

    Raises
    ------
    InputError
        If k or exclude is not valid.
    """
    check_length(k, model.known.items)
    if exclude not in EXCLUDE:
        raise InputError(f"exclude {exclude!r}: give one of {', '.join(EXCLUDE)}")
    groups.require_users(model.known.users)
    found: list[dict[str, List]] = []
    for part in _parts(groups, model.known.items):
        of_groups = model.predict_groups(part, clip=False)
        ratings, rated = member_ratings(model, part)
        starts = part.starts[:-1]
        scores = {
            "dmtl": of_groups,
            "lm": np.minimum.reduceat(ratings, starts, axis=0),
            "av": np.add.reduceat(ratings, starts, axis=0),
        }
        left_out = None
        if exclude == "any":
            left_out = np.logical_or.reduceat(rated, starts, axis=0)
        elif exclude == "all":
            left_out = np.logical_and.reduceat(rated, starts, axis=0)
        for g in range(len(part)):
            hidden = None if left_out is None else left_out[g]
            found.append({name: best(scores[name][g], k, hidden) for name in METHODS})
    low, high = model.known.scale.low, model.known.scale.high
    if model.settings.loss == "squared":  # ranked as they are, shown on the scale
        for lists in found:
            lists["dmtl"] = List(lists["dmtl"].items, np.clip(lists["dmtl"].scores, low, high))
    return found


def check_length(k: int, items: int) -> None:
    """Refuse lists of none of the items, or of more than there are."""
    if not 1 <= k <= items:
        raise InputError(f"k must lie between 1 and the {items} items, not {k}")


def member_ratings(model: DMTL, groups: Groups) -> tuple[Floats, NDArray[np.bool_]]:
    """Ratings of members, one after the other: their own where they rated, else predicted.

    Parameters
    ----------
    model : DMTL
    groups : Groups

    Returns
    -------
    ratings : float64 array, shape (memberships, items)
    rated : bool array, shape (memberships, items)
    """
    known = model.known
    distinct, place = np.unique(groups.members, return_inverse=True)
    alone = Groups.of(len(distinct), [[u] for u in distinct.tolist()])
    squared = model.settings.loss == "squared"
    ratings = model.predict_groups(alone, clip=squared, own=False, mixed=False)
    rated = np.zeros(ratings.shape, dtype=bool)
    row = np.full(known.raters, -1, dtype=np.int64)
    row[distinct] = np.arange(len(distinct))
    row = row[known.ratings.rows]
    here = row >= 0
    rated[row[here], known.ratings.columns[here]] = True
    if squared:
        ratings[row[here], known.ratings.columns[here]] = known.ratings.values[here]
    return ratings[place], rated[place]


def best(scores: Floats, k: int, left_out: NDArray[np.bool_] | None = None) -> List:
    """The k best items, equal ones by ascending column.

    Parameters
    ----------
    scores : float64 array, shape (items,)
    k : int
    left_out : bool array, shape (items,), optional

    Returns
    -------
    list : List
    """
    order = np.argsort(-scores, kind="stable")
    if left_out is not None:
        order = order[~left_out[order]]
    top = order[:k].astype(np.int64)
    return List(top, scores[top])


def _parts(groups: Groups, items: int) -> list[Groups]:
    """Runs of groups with a bounded number of members."""
    most = max(1, _CELLS // items)
    cut, first, found = 0, 0, []
    while first < len(groups):
        cut = int(np.searchsorted(groups.starts, groups.starts[first] + most, "right")) - 1
        cut = min(max(cut, first + 1), len(groups))
        found.append(groups.take(np.arange(first, cut)))
        first = cut
    return found

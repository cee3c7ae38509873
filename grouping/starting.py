"""A formation to start from: the user's own, or an earlier result with manual edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.evaluating import group_numbers
from grouping.formation import Formation
from grouping.ratings import Ratings

Start: TypeAlias = Formation | Mapping[Any, Any] | Sequence[Any] | NDArray[Any]


def start_labels(
    ratings: Ratings,
    start: Start,
    groups: int,
    slotted: bool,
    words: str = "start",
) -> NDArray[np.int64]:
    """Read a formation to start from, user by user.

    Parameters
    ----------
    ratings : Ratings
        Their users.
    start : Formation, mapping of user id to group, or n group labels
        A formation's users and a mapping's go by id, labels by position.
    groups : int
        At most so many groups.
    slotted : bool
        Whether groups have numbers of their own: then the start's groups are those numbers.
    words : str
        What the user wrote, for messages.

    Returns
    -------
    labels : int64 array, shape (n,)
        Numbers from 0 to groups - 1. Constraints need not be satisfied.

    Raises
    ------
    InputError
        If users are missing or unknown, there are too many groups, or a group is none of those
        that have numbers.
    """
    try:
        labels, names = group_numbers(ratings, start)
    except InputError as error:
        raise InputError(
            f"{words}: {error}; a start has each user of the ratings once, and nobody else"
        ) from error
    if len(names) > groups:
        raise InputError(
            f"{words}: {len(names)} groups to start from, and at most {groups} to form: allow more "
            "(-l), or join some"
        )
    if not slotted:
        return labels
    numbers = {str(number): number for number in range(groups)}
    for name in names:
        if name not in numbers:
            raise InputError(
                f"{words}: there is no group {name}: where groups keep their numbers (sizes, "
                f"fix), they go from 0 to {groups - 1}"
            )
    return np.array([numbers[name] for name in names], np.int64)[labels]

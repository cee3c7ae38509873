"""How users count: groups once or by their members, and members by weights of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids, id_text
from grouping.memory import require

if TYPE_CHECKING:
    from grouping.aggregation import Aggregation
    from grouping.ratings import Ratings

WEIGHED = ("groups", "members")


@dataclass(frozen=True, eq=False)
class Counting:
    """What a group's satisfaction counts in the objective, and a member's rating in its group.

    Attributes
    ----------
    weigh : {"groups", "members"}
        Least misery: whether a group counts once or once for each member.
    weights : float64 array, shape (n,), or None
        Of users, all above 0; None: each weighs 1. Aggregate voting adds up ratings times
        weights; least misery by members counts each member so often.
    """

    weigh: str = "groups"
    weights: NDArray[np.float64] | None = None

    def check(self, semantics: str, aggregation: Aggregation) -> None:
        """Refuse what has no meaning.

        Raises
        ------
        InputError
            If members are to be weighed under aggregate voting, which counts them already, or
            users have weights where these do not matter.
        """
        if self.weigh not in WEIGHED:
            raise InputError(f"unknown weigh {self.weigh!r}: choose groups or members")
        if self.weigh == "members" and semantics == "av":
            raise InputError(
                "weigh members goes with the semantics lm: aggregate voting (av) adds up its "
                "members' ratings, and so counts them already; leave it out"
            )
        if self.weights is None:
            return
        if semantics == "lm" and self.weigh != "members":
            raise InputError(
                "user weights do not matter where groups count once: under lm a group is as "
                "satisfied as its least satisfied member, whatever that one weighs; with lm weigh "
                "members, or choose av"
            )
        if semantics == "av" and aggregation.per_member:
            raise InputError("user weights do not go with ndcg under av: leave one of them out")

    def masses(self, users: int) -> NDArray[np.float64]:
        """What each user weighs: float64, shape (users,)."""
        return np.ones(users) if self.weights is None else self.weights

    def of_groups(
        self, satisfaction: NDArray[np.float64], labels: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What each group's satisfaction adds to the objective.

        Parameters
        ----------
        satisfaction : float64 array, shape (groups,)
        labels : int64 array, shape (n,)

        Returns
        -------
        counted : float64 array, shape (groups,)
        """
        if self.weigh == "groups":
            return satisfaction
        return satisfaction * np.bincount(labels, self.weights, minlength=len(satisfaction))

    def rated(self, ratings: Ratings, semantics: str) -> Ratings:
        """Ratings as a group's scores add them up: times the users' weights where these matter.

        Parameters
        ----------
        ratings : Ratings
            Complete.
        semantics : {"lm", "av"}

        Returns
        -------
        ratings : Ratings
            Whole where ratings and weights are; else float64.

        Raises
        ------
        GroupingError
            If a copy does not fit, or CSR ratings whose fill is not 0 as a dense matrix.
        """
        weights = self.weights
        if weights is None or semantics == "lm":
            return ratings
        whole = ratings.dtype.kind in "iu" and bool(np.all(weights == np.rint(weights)))
        if whole:
            lowest, highest = ratings.observed_range() if ratings.count() else (0.0, 0.0)
            if weights.max() * max(abs(lowest), abs(highest)) <= 2.0**53:
                weights = weights.astype(np.int64)
        matrix = ratings.matrix
        cells = matrix.size if isinstance(matrix, np.ndarray) else matrix.nnz
        require(
            8 * cells, f"a copy of {ratings.source} times the users' weights", "take fewer users"
        )
        if isinstance(matrix, np.ndarray):
            return replace(ratings, matrix=matrix * weights[:, None], scale=None)
        if ratings.fill:
            from grouping.rows.users import user_rows

            rows = user_rows(ratings) * weights[:, None].astype(np.float64)
            return replace(ratings, matrix=rows, scale=None, fill=None)
        repeated = np.repeat(weights, np.diff(matrix.indptr))
        weighted = sp.csr_array(
            (matrix.data * repeated, matrix.indices, matrix.indptr), shape=matrix.shape
        )
        return replace(ratings, matrix=weighted, scale=None)


def user_weights(
    users: Ids, given: Mapping[Any, float] | Iterable[float] | None
) -> NDArray[np.float64] | None:
    """Read users' weights as a caller gives them.

    Parameters
    ----------
    users : Ids
    given : mapping of user id to weight, or n numbers, or None
        Users whom a mapping does not name weigh 1.

    Returns
    -------
    weights : float64 array, shape (n,), or None

    Raises
    ------
    InputError
        If a user is unknown, a weight is not a finite number above 0, or there are not n.
    """
    if given is None:
        return None
    weights = np.ones(len(users))
    if isinstance(given, Mapping) or hasattr(given, "items"):
        for user, weight in given.items():
            try:
                position = users.position(id_text(user, "user"))
            except InputError as error:
                raise InputError(f"user weights: {error}; name users of the ratings") from error
            weights[position] = one_weight(weight, f"user weights: user {user}")
        return weights
    numbers = list(given)
    if len(numbers) != len(users):
        raise InputError(f"{len(numbers)} user weights for {len(users)} users: give one for each")
    for position, weight in enumerate(numbers):
        weights[position] = one_weight(weight, f"user weights: user {users[position]}")
    return weights


def one_weight(weight: Any, whose: str) -> float:
    """Check one weight.

    Raises
    ------
    InputError
        If it is not a finite number above 0.
    """
    try:
        number = float(weight)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise InputError(f"{whose}: a weight is a finite number above 0, not {weight}")
    return number

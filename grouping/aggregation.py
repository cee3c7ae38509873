"""Aggregations: how the scores of a group's k items become its satisfaction (paper, 2.3 and 6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError

NAMES = ("min", "max", "sum", "wsum", "ndcg")


@dataclass(frozen=True)
class Aggregation:
    """One aggregation at one list length.

    Attributes
    ----------
    name : str
        ``min``, ``max``, ``sum``, ``wsum`` or ``ndcg``.
    weights : float64 array, shape (k,)
        Weight of each position: satisfaction is the sum of weight x score over positions 1..k.
        Min weighs position k alone, max position 1 alone. For ndcg: the discounts 1/log2(j+1),
        by which a member's satisfaction is computed before the members' are aggregated.
    key : (int, int)
        The scores at positions first <= p < last (from 0) belong to GRD's key under least
        misery; under aggregate voting none does.
    """

    name: str
    weights: NDArray[np.float64]
    key: tuple[int, int]

    @property
    def per_member(self) -> bool:
        """Whether satisfaction is a member's before it is the group's (ndcg)."""
        return self.name == "ndcg"

    def of_scores(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Aggregate rows of k scores, positions in order.

        Parameters
        ----------
        scores : float64 array, shape (rows, k)

        Returns
        -------
        totals : float64 array, shape (rows,)
        """
        totals = np.zeros(len(scores))
        for position in np.flatnonzero(self.weights):
            totals += self.weights[position] * scores[:, position]
        return totals


def aggregation(
    name: str, k: int, position_weights: str | Sequence[float] | None = None
) -> Aggregation:
    """Make an aggregation by name.

    Parameters
    ----------
    name : {"min", "max", "sum", "wsum", "ndcg"}
    k : int
        List length, at least 1.
    position_weights : {"inverse", "log"} or k numbers, optional
        For ``wsum``: 1/j (the default), 1/log2(j+1), or weights of your own, not negative and
        not increasing (a later item must not weigh more, or the list's order would make no
        sense).

    Returns
    -------
    aggregation : Aggregation

    Raises
    ------
    InputError
        If the name is unknown, or the weights do not fit.
    """
    if name not in NAMES:
        raise InputError(f"unknown aggregation {name!r}: choose one of {', '.join(NAMES)}")
    if position_weights is not None and name != "wsum":
        raise InputError(f"position weights go with the aggregation wsum, not with {name}")
    positions = np.arange(1, k + 1, dtype=np.float64)
    log = 1.0 / np.log2(positions + 1.0)
    if name == "min":
        return Aggregation(name, (positions == k).astype(np.float64), (k - 1, k))
    if name == "max":
        return Aggregation(name, (positions == 1).astype(np.float64), (0, 1))
    if name == "sum":
        return Aggregation(name, np.ones(k), (0, k))
    if name == "ndcg":
        return Aggregation(name, log, (0, 0))
    if position_weights is None or isinstance(position_weights, str):
        named = {None: 1.0 / positions, "inverse": 1.0 / positions, "log": log}
        if position_weights not in named:
            raise InputError(
                f"unknown position weights {position_weights!r}: give inverse, log, or {k} numbers"
            )
        return Aggregation(name, named[position_weights], (0, k))
    try:
        weights = np.array([float(w) for w in position_weights])
    except (TypeError, ValueError) as error:
        raise InputError(
            f"position weights {position_weights!r}: give inverse, log, or {k} numbers"
        ) from error
    if len(weights) != k:
        raise InputError(f"{len(weights)} position weights for lists of {k} items: give {k}")
    if not all(math.isfinite(w) and w >= 0 for w in weights) or np.any(np.diff(weights) > 0):
        raise InputError(
            "position weights must be finite, not negative and not increasing, for example 3,2,1"
        )
    return Aggregation(name, weights, (0, k))

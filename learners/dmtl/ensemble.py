"""DMTL with other models beside it, weighted by what held-out ratings say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners.splits import split

Floats = NDArray[np.float64]


class Part(Protocol):
    """A model of an ensemble, once fitted."""

    def predict(
        self, user_positions: NDArray[np.int64], item_positions: NDArray[np.int64], *, clip: bool
    ) -> Floats:
        """Predicted ratings of pairs."""


@dataclass(eq=False)
class Ensemble:
    """A weighted sum of models' predictions, the weights 0 or more.

    The weights and an offset are those of the least squared error on ratings held out from what
    may be learned from; then every model is fitted to all of these. Nothing else is looked at.

    Parameters
    ----------
    parts : mapping of name to callable
        Each fits a model to ratings and returns it.
    share : float
        Held out to find the weights.
    seed : int
        Of what is held out.

    Attributes
    ----------
    weights_ : dict of str to float
    offset_ : float
    """

    parts: dict[str, Callable[[Ratings], Part]]
    share: float = 0.1
    seed: int = 0
    fitted_: list[Part] = field(default_factory=list, repr=False)

    def fit(self, ratings: Ratings) -> Ensemble:
        """Find the weights, then fit all parts to all ratings.

        Parameters
        ----------
        ratings : Ratings

        Returns
        -------
        self : Ensemble
        """
        if not self.parts:
            raise InputError("an ensemble needs a part")
        inner = split(ratings, fraction=self.share, seed=self.seed)
        columns = [
            make(inner.train).predict(inner.users, inner.items, clip=False)
            for make in self.parts.values()
        ]
        weights, self.offset_ = blend(columns, inner.values)
        self.weights_ = dict(zip(self.parts, weights.tolist(), strict=True))
        self.fitted_ = [make(ratings) for make in self.parts.values()]
        return self

    def predict(
        self, user_positions: NDArray[np.int64], item_positions: NDArray[np.int64]
    ) -> Floats:
        """Unclipped predicted ratings of pairs.

        Parameters
        ----------
        user_positions, item_positions : int arrays of equal length

        Returns
        -------
        predictions : float64 array
        """
        total = np.full(len(user_positions), self.offset_)
        for weight, part in zip(self.weights_.values(), self.fitted_, strict=True):
            if weight:
                total += weight * part.predict(user_positions, item_positions, clip=False)
        return total


def mixture(first: Floats, second: Floats, score: Callable[[Floats], float]) -> float:
    """How much of the second model to mix into the first: the best share of 0, .05, ... 1.

    Parameters
    ----------
    first, second : float64 arrays, shape (tests, candidates)
        Made alike by `standardised`.
    score : callable
        Says how good scores are.

    Returns
    -------
    share : float
        Of equally good ones the lowest.
    """
    shares = np.linspace(0.0, 1.0, 21)
    found = [score((1.0 - share) * first + share * second) for share in shares]
    return float(shares[int(np.argmax(found))])


def standardised(scores: Floats) -> Floats:
    """Scores of each row less their mean, over their standard deviation (0 where all are equal)."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    spread = scores.std(axis=1, keepdims=True)
    made: Floats = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    return made


def blend(columns: Sequence[Floats], truth: NDArray[np.floating]) -> tuple[Floats, float]:
    """Weights of 0 or more, and an offset, with the least squared error.

    Parameters
    ----------
    columns : sequence of float arrays, shape (count,)
        Predictions of each model.
    truth : array, shape (count,)

    Returns
    -------
    weights : float64 array, shape (models,)
    offset : float
    """
    from scipy.optimize import nnls

    matrix = np.column_stack(columns).astype(np.float64)
    centre, level = matrix.mean(axis=0), float(np.mean(truth))
    weights: Floats = nnls(matrix - centre, np.asarray(truth, dtype=np.float64) - level)[0]
    return weights, level - float(centre @ weights)

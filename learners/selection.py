"""Choice of hyper-parameters by the error on an inner split of the training ratings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners.metrics import rmse
from learners.splits import split


class Model(Protocol):
    """What can be fitted to ratings and predict pairs."""

    def fit(self, ratings: Ratings) -> Any:
        """Fit to ratings."""

    def predict(self, user_positions: Any, item_positions: Any) -> NDArray[Any]:
        """Predicted ratings of pairs."""


@dataclass(frozen=True)
class Choice:
    """The parameters chosen, and how all candidates did.

    Attributes
    ----------
    parameters : dict
        The candidate with the lowest error; the first of equals.
    errors : tuple of float
        RMSE on the inner split, candidate by candidate.
    """

    parameters: dict[str, Any]
    errors: tuple[float, ...]


def choose(
    make: Callable[..., Model],
    candidates: Sequence[dict[str, Any]],
    train: Ratings,
    *,
    fraction: float = 0.1,
    seed: int = 0,
) -> Choice:
    """Choose among parameters by the RMSE on a split of the training ratings.

    Parameters
    ----------
    make : callable
        Makes a model from the parameters, given by keyword.
    candidates : sequence of dict
    train : Ratings
        What may be learned from; it is split again.
    fraction : float
        Share of `train` held out to choose on.
    seed : int
        Seed of the inner split.

    Returns
    -------
    choice : Choice

    Raises
    ------
    InputError
        If there is no candidate, or none that predicts finite ratings.
    """
    if not candidates:
        raise InputError("there is no candidate to choose from")
    inner = split(train, fraction=fraction, seed=seed)
    errors = []
    for parameters in candidates:
        model = make(**parameters)
        model.fit(inner.train)
        errors.append(rmse(inner.values, model.predict(inner.users, inner.items)))
    known = np.where(np.isnan(errors), np.inf, errors)
    best = int(known.argmin())
    if not np.isfinite(known[best]):
        raise InputError("no candidate predicts finite ratings")
    return Choice(dict(candidates[best]), tuple(errors))

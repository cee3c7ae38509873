"""Bootstrap intervals of paired differences: whether one method is better than another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grouping.errors import InputError

_AT_ONCE = 500  # resamples drawn together


@dataclass(frozen=True)
class Interval:
    """A mean with its interval.

    Attributes
    ----------
    mean, low, high : float
    """

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def bootstrap(
    differences: ArrayLike, *, resamples: int = 10_000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Percentile interval of the mean of paired differences, units drawn with replacement.

    Parameters
    ----------
    differences : array-like, shape (units,) or (units, splits)
        Of the one method's score less the other's, for a user or a group in a row. With several
        splits a unit is drawn with all of them, the mean is the mean over splits of the means
        over units, and NaN means that the unit has no score in that split.
    resamples : int
    level : float
    seed : int

    Returns
    -------
    interval : Interval

    Raises
    ------
    InputError
        If there are fewer than 2 units with a score, or a split has none.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    known = ~np.isnan(values)
    if known.any(axis=1).sum() < 2 or not known.any(axis=0).all():
        raise InputError("an interval needs 2 units with a score, and a score in every split")
    values, known = values[known.any(axis=1)], known[known.any(axis=1)]
    filled, present = np.where(known, values, 0.0), known.astype(np.float64)
    rng = np.random.default_rng(seed)
    even = np.full(len(values), 1.0 / len(values))
    means: list[NDArray[np.float64]] = []
    for start in range(0, resamples, _AT_ONCE):
        count = min(_AT_ONCE, resamples - start)
        drawn = rng.multinomial(len(values), even, size=count).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append(np.nanmean((drawn @ filled) / (drawn @ present), axis=1))
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(np.concatenate(means), [tail, 100.0 - tail])
    return Interval(float((filled.sum(0) / present.sum(0)).mean()), float(low), float(high))

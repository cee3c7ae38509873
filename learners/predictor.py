"""The built-in predictor of missing ratings, ready to use."""

from __future__ import annotations

from collections.abc import Callable

from grouping.memory import require
from grouping.ratings import Ratings
from learners.als import BiasedALS
from learners.completion import completed_bytes


def default_predictor(seed: int = 0, threads: int | None = None) -> Callable[[Ratings], Ratings]:
    """Make the predictor that fills missing ratings unless another is given.

    It is `learners.als.BiasedALS` with its fixed default parameters; nothing is tuned when
    it runs.

    Parameters
    ----------
    seed : int
        Seed of the starting point. The result depends on it, and on nothing else but the ratings.
    threads : int, optional
        By default all.

    Returns
    -------
    predictor : callable
        Takes ratings and returns complete ones. Ratings that miss nothing come back as they are.
    """

    def predict_missing(ratings: Ratings) -> Ratings:
        n, m = ratings.shape
        if ratings.fill is not None or ratings.count() == n * m:
            return ratings
        require(
            completed_bytes(ratings) + 24 * ratings.count(),  # and the ratings, sorted both ways
            "predicting the missing ratings",
            "fill them by --missing min, or take fewer users or items",
        )
        return BiasedALS(seed=seed, threads=threads).fit(ratings).complete(ratings)

    return predict_missing

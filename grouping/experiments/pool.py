"""Where experiments take ratings from: the user's, or synthetic ones of any size."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grouping.generate import generate
from grouping.memory import require
from grouping.missing import complete, rounded
from grouping.ratings import Ratings

RATED_BY_USER = 100
"""Ratings of each user, on average, where synthetic ratings are sparse."""


class Pool:
    """Ratings to draw users and items from.

    Samples of one seed are nested: a larger one holds the users and items of a smaller one, so
    that what changes with size is not blurred by what changes with the sample.

    Parameters
    ----------
    given : Ratings or None
        Complete ratings.
    users, items : int
        Extent of the synthetic ratings.
    """

    def __init__(self, given: Ratings | None, users: int, items: int) -> None:
        self.given, self.users, self.items = given, users, items
        self._synthetic = lru_cache(maxsize=1)(self._generated)
        self.sample = lru_cache(maxsize=1)(self._sample)

    def _sample(
        self,
        data: str,
        users: int,
        items: int,
        seed: int,
        step: float | None = None,
        density: float | None = None,
        noise: float = 0.5,
    ) -> Ratings:
        """Draw a sample (called as `sample`, which keeps the last one).

        Parameters
        ----------
        data : {"given", "synthetic", "sparse"}
            "sparse": synthetic, with gaps that count as the lowest rating.
        users, items : int
        seed : int
        step : float or None
            Round given ratings to multiples of this. Synthetic ones are multiples of it, whole
            numbers by default; 0: real numbers.
        density : float or None
            Share of the cells that are rated in sparse ratings; None: `RATED_BY_USER` a user.
        noise : float
            Of synthetic ratings.

        Returns
        -------
        ratings : Ratings
        """
        if data == "sparse":
            density = density or min(1.0, RATED_BY_USER / items)
            return complete(generate(users, items, density=density, noise=noise, seed=seed), "min")
        if data == "synthetic":
            matrix = self._synthetic(seed, step, noise).matrix
            assert isinstance(matrix, np.ndarray)
            return Ratings.of(matrix[:users, :items], source="synthetic ratings")
        assert self.given is not None
        n, m = self.given.shape
        rng = np.random.default_rng(seed)
        some = rng.permutation(n)[:users], rng.permutation(m)[:items]
        taken = take(self.given, *some)
        return rounded(taken, step) if step else taken

    def _generated(self, seed: int, step: float | None, noise: float) -> Ratings:
        step = 1.0 if step is None else step
        size = 1 if step == 1 else 4
        require(
            self.users * self.items * size,
            f"synthetic ratings of {self.users} users for {self.items} items",
            "run the experiment at --scale small",
        )
        return generate(
            self.users, self.items, step=step or None, noise=noise, seed=seed, compact=True
        )


def take(ratings: Ratings, users: NDArray[np.int64], items: NDArray[np.int64]) -> Ratings:
    """Some users' ratings for some items.

    Parameters
    ----------
    ratings : Ratings
        Complete.
    users, items : int64 array

    Returns
    -------
    ratings : Ratings
        Dense.
    """
    matrix = ratings.matrix
    if isinstance(matrix, np.ndarray):
        cells = matrix[np.ix_(users, items)]
    else:
        cells = np.stack([ratings.row(int(user))[items] for user in users])
    return Ratings.of(
        cells,
        users=[ratings.users[int(user)] for user in users],
        items=[ratings.items[int(item)] for item in items],
        scale=ratings.scale,
        source=ratings.source,
    )

"""The bias-only predictor: how generous a user is, how well an item is liked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grouping.errors import InputError
from grouping.kernels.jit import threads as using_threads
from grouping.ratings import Ratings
from learners.completion import BiasedFactors
from learners.kernels.als import update_rows
from learners.observed import both_sides, mean_and_spread, observed_csr


@dataclass(eq=False)
class BiasModel(BiasedFactors):
    """Predict ``mean + b_u + b_i``.

    Minimises, over the observed ratings,
    ``sum (r_ui - mean - b_u - b_i)^2 + regularization * (sum b_u^2 + sum b_i^2)``
    by setting all b_u, then all b_i, to their exact minimisers, `iterations` times. The mean is
    that of the observed ratings.

    Parameters
    ----------
    regularization : float
        How many ratings at the mean each user and item is given on top of its own.
    iterations : int
    threads : int, optional
        By default all.

    Attributes
    ----------
    global_mean_ : float
    user_bias_, item_bias_ : float64 arrays, shapes (n,), (m,)
    range_ : (float, float)
        Predictions are clipped to it.
    """

    regularization: float = 3.0
    iterations: int = 15
    threads: int | None = None

    def fit(self, ratings: Ratings) -> BiasModel:
        """Fit the biases.

        Parameters
        ----------
        ratings : Ratings

        Returns
        -------
        self : BiasModel

        Raises
        ------
        InputError
            If a parameter is out of range, or there is no rating.
        """
        if not 0 < self.regularization < np.inf:
            raise InputError(f"regularization must be positive, not {self.regularization}")
        if self.iterations < 1:
            raise InputError(f"iterations must be 1 or more, not {self.iterations}")
        observed = ratings.observed_range()  # which says so if there is no rating
        self.range_ = ratings.scale or observed
        csr = observed_csr(ratings)
        mean, spread = mean_and_spread(csr.data)
        users, items = both_sides(csr, mean, spread)
        n, m = ratings.shape
        of_users, of_items = np.zeros((n, 1)), np.zeros((m, 1))
        to_zero = [(np.zeros((size, 1)), np.ones(size)) for size in (n, m)]
        penalty = np.array([self.regularization])
        with using_threads(self.threads):
            for _ in range(self.iterations):
                update_rows(
                    users.starts, users.partners, users.values,
                    of_items, *to_zero[0], penalty, of_users,
                )  # fmt: skip
                update_rows(
                    items.starts, items.partners, items.values,
                    of_users, *to_zero[1], penalty, of_items,
                )  # fmt: skip
        self.global_mean_ = mean
        self.user_bias_ = spread * of_users[:, 0]
        self.item_bias_ = spread * of_items[:, 0]
        self.user_factors_, self.item_factors_ = np.empty((n, 0)), np.empty((m, 0))
        return self

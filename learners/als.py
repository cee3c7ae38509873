"""Biased matrix factorisation by alternating least squares, drawn to who rated what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.kernels.jit import threads as using_threads
from grouping.ratings import Ratings
from learners.completion import BiasedFactors
from learners.feature_prior import FeaturePrior, levelled
from learners.kernels.als import squared_errors, update_rows
from learners.observed import Side, both_sides, mean_and_spread, observed_csr
from learners.prior import PartnerPrior

_START = 0.1  # spread of the item factors to start from


@dataclass(eq=False)
class BiasedALS(BiasedFactors):
    """Predict ``mean + b_u + b_i + p_u . q_i``.

    Ratings are standardised first (``mean`` and spread of the observed ones), so a prediction
    follows when all ratings are moved or stretched. With x_u = (b_u, p_u), y_i = (b_i, q_i), e_ui
    the error of the standardised rating, n_u the number of a user's ratings, R(u) the items that
    user u rated and N(b, p) = bias_regularization * b^2 + regularization * p.p, `fit` lowers::

        sum e_ui^2
          + sum_u sqrt(n_u) N(x_u - sum_{j in R(u)} w_j / sqrt(n_u) - f_u A)
          + c sum_j N(w_j) + d sum_l N(A_l)
          + the same three terms for the items, drawn to v_u of the users who rated them and to
            g_i B

    with c = `implicit_regularization`; without it, w and v are zero. f_u and g_i are features of
    users and items, what is known of them besides ratings, each divided by the root of how many
    are not zero; d is `user_feature_regularization`, for items `item_feature_regularization`;
    without features, A and B are zero. With neither it is plain biased matrix factorisation.

    Each sweep updates, in this order, all users (exact minimiser, row by row), w (a few steps of
    conjugate gradients from where it stands), A (exact minimiser), all items, v, B. No step raises
    the objective. The item factors start from small normal numbers of the given seed.

    A user or an item without ratings or features has zero bias and factors. Results do not depend
    on the number of threads.

    Parameters
    ----------
    factors : int
        Length k of p_u and q_i; 0 leaves the biases.
    regularization : float
        Of the factors.
    bias_regularization : float
        Of the biases.
    implicit_regularization : float or None
        How strongly the profiles w and v, which say what it means to have rated an item or to be
        rated by a user, are held at zero. None: they are zero.
    user_feature_regularization, item_feature_regularization : float
        How strongly what features tell of users and of items is held at zero.
    iterations : int
        Sweeps.
    seed : int
    threads : int, optional
        By default all.

    Attributes
    ----------
    global_mean_ : float
    user_bias_, item_bias_ : float64 arrays, shapes (n,), (m,)
    user_factors_, item_factors_ : float64 arrays, shapes (n, k), (m, k)
    range_ : (float, float)
        Predictions are clipped to it.
    objective_ : float64 array, shape (iterations + 1,)
        The objective at the start and after each sweep.
    """

    factors: int = 20
    regularization: float = 1.8
    bias_regularization: float = 1.2
    implicit_regularization: float | None = 20.0
    user_feature_regularization: float = 300.0
    item_feature_regularization: float = 50.0
    iterations: int = 20
    seed: int = 0
    threads: int | None = None

    def fit(
        self,
        ratings: Ratings,
        user_features: NDArray[Any] | sp.csr_array | None = None,
        item_features: NDArray[Any] | sp.csr_array | None = None,
    ) -> BiasedALS:
        """Fit biases and factors to the observed ratings.

        Parameters
        ----------
        ratings : Ratings
            Sparse, or dense with NaN where unrated.
        user_features, item_features : array or csr_array, shapes (n, p), (m, q), optional
            Numbers, or flags; see `learners.features`.

        Returns
        -------
        self : BiasedALS

        Raises
        ------
        InputError
            If a parameter is out of range, there is no rating, features do not fit, or the
            factors do not come out finite.
        """
        self._check()
        observed = ratings.observed_range()  # which says so if there is no rating
        self.range_ = ratings.scale or observed
        csr = observed_csr(ratings)
        mean, spread = mean_and_spread(csr.data)
        by_user, by_item = both_sides(csr, mean, spread)
        penalty = np.full(self.factors + 1, self.regularization, dtype=np.float64)
        penalty[0] = self.bias_regularization
        n, m = ratings.shape
        x, y = np.zeros((n, self.factors + 1)), np.zeros((m, self.factors + 1))
        start = np.random.default_rng(self.seed).standard_normal((m, self.factors))
        y[:, 1:] = _START * start
        of_users = None if user_features is None else levelled(user_features, n, "users")
        of_items = None if item_features is None else levelled(item_features, m, "items")
        with using_threads(self.threads):
            users = _Half(
                by_user, by_item, x, penalty, self.implicit_regularization,
                of_users, self.user_feature_regularization,
            )  # fmt: skip
            items = _Half(
                by_item, by_user, y, penalty, self.implicit_regularization,
                of_items, self.item_feature_regularization,
            )  # fmt: skip
            history = [users.errors(y) + users.penalties() + items.penalties()]
            for _ in range(self.iterations):
                users.update(y)
                items.update(x)
                history.append(users.errors(y) + users.penalties() + items.penalties())
        if not np.isfinite(history[-1]):
            raise InputError(
                f"{ratings.source}: the factors do not come out finite: take a larger "
                "regularization, or scale the ratings down"
            )
        self.objective_ = np.array(history)
        self.global_mean_ = mean
        self.user_bias_, self.item_bias_ = spread * x[:, 0], spread * y[:, 0]
        self.user_factors_ = np.sqrt(spread) * x[:, 1:]
        self.item_factors_ = np.sqrt(spread) * y[:, 1:]
        return self

    def _check(self) -> None:
        if self.factors < 0:
            raise InputError(f"factors must be 0 or more, not {self.factors}")
        if self.iterations < 1:
            raise InputError(f"iterations must be 1 or more, not {self.iterations}")
        for name in (
            "regularization", "bias_regularization", "implicit_regularization",
            "user_feature_regularization", "item_feature_regularization",
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                raise InputError(f"{name} must be positive, not {value}")


class _Half:
    """One side's rows, and what they are drawn to."""

    def __init__(
        self,
        side: Side,
        other_side: Side,
        rows: NDArray[np.float64],
        penalty: NDArray[np.float64],
        implicit: float | None,
        features: sp.csr_array | None = None,
        feature_strength: float = 1.0,
    ) -> None:
        self.side = side
        self.rows = rows
        self.penalty = penalty
        self.weight = np.sqrt(np.maximum(side.counts, 1))
        self.centre = np.zeros_like(rows)
        columns = rows.shape[1]
        self.partners = (
            None if implicit is None else PartnerPrior(side, other_side, columns, implicit)
        )
        self.features = (
            None
            if features is None
            else FeaturePrior(features, self.weight, columns, feature_strength)
        )

    def update(self, other_rows: NDArray[np.float64]) -> None:
        side = self.side
        update_rows(
            side.starts, side.partners, side.values,
            other_rows, self.centre, self.weight, self.penalty, self.rows,
        )  # fmt: skip
        partners, features = self.partners, self.features
        if partners is not None:
            partners.refit(self.rows if features is None else self.rows - features.centre())
            partners.centre(self.centre)
        if features is not None:
            by_partners = self.centre if partners is not None else np.zeros_like(self.centre)
            features.refit(self.rows - by_partners)
            np.add(by_partners, features.centre(), out=self.centre)

    def errors(self, other_rows: NDArray[np.float64]) -> float:
        side = self.side
        errors = np.empty(len(self.rows))
        squared_errors(side.starts, side.partners, side.values, self.rows, other_rows, errors)
        return float(errors.sum())

    def penalties(self) -> float:
        away = (self.rows - self.centre) ** 2 * self.weight[:, None]
        total = away.sum(axis=0)
        if self.partners is not None:
            total += self.partners.strength * (self.partners.profiles**2).sum(axis=0)
        if self.features is not None:
            total += self.features.penalties()
        return float((total * self.penalty).sum())

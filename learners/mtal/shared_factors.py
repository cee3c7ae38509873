"""Matrix factorisation by many who each hold some columns: sums over rows, and no ratings.

What `learners.als.BiasedALS` does to a whole matrix is done here by organisations that each hold
some of its columns, with the same result. The factors of the rows are known to all who hold the
row; those of a column to its owner alone. Every step in which columns of different owners meet is
a sum over the columns, row by row or in all; so each adds up its own, and tells that.

Nothing is sent from here: a sweep is a generator that yields what its owner adds to the sums over
all, and is sent the sums.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from learners.entries import Entries
from learners.feature_prior import levelled, packed_products, solved
from learners.kernels.shared_rows import normal_equations, solve_rows
from learners.observed import mean_and_spread

Matrix: TypeAlias = NDArray[np.float64]

_START = 0.1  # spread of the factors of columns to start from
_STEPS = 3  # of conjugate gradients, each time, from where the last refit ended

EXCHANGES = 1 + 2 * _STEPS + 1 + 2 * _STEPS
"""How often a sweep adds up over all organisations; with implicit terms or without."""


@dataclass(frozen=True)
class Factors:
    """What all organisations must choose alike; see `learners.als.BiasedALS`.

    Attributes
    ----------
    count : int
        Factors of a row; 0 leaves the biases.
    regularization, bias_regularization : float
    implicit_regularization : float
        How strongly the profiles, which say what it means to have rated, are held at zero.
    user_feature_regularization, item_feature_regularization : float
        How strongly what features tell of users and of items is held at zero.
    """

    count: int = 20
    regularization: float = 1.8
    bias_regularization: float = 1.2
    implicit_regularization: float = 20.0
    user_feature_regularization: float = 300.0
    item_feature_regularization: float = 50.0

    def checked(self) -> Factors:
        """Return the choices if they can be.

        Raises
        ------
        InputError
            Naming what is out of range.
        """
        if self.count < 0:
            raise InputError(f"factors must be 0 or more, not {self.count}")
        for name in (
            "regularization", "bias_regularization", "implicit_regularization",
            "user_feature_regularization", "item_feature_regularization",
        ):  # fmt: skip
            if not 0 < getattr(self, name) < np.inf:
                raise InputError(f"{name} must be positive, not {getattr(self, name)}")
        return self

    def feature_regularizations(self, align: str) -> tuple[float, float]:
        """Of the features of rows and of columns, where users are aligned or items."""
        of_users, of_items = self.user_feature_regularization, self.item_feature_regularization
        return (of_users, of_items) if align == "user" else (of_items, of_users)


@dataclass(frozen=True, eq=False)
class Sums:
    """What one organisation adds to sums over all, or what all add up to.

    Attributes
    ----------
    rows : float64 array, shape (rows, width)
        Over columns, for each row.
    totals : float64 array, shape (any,)
        Over all columns and rows.
    """

    rows: Matrix
    totals: Matrix


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of one side beside the ratings.

    Attributes
    ----------
    features : csr_array, float64, shape (rows or own columns, any)
        See `learners.feature_prior.levelled`. All owners have the same features, and of a row that
        several hold the same numbers.
    strength : float
        How strongly what they tell is held at zero.
    """

    features: sp.csr_array
    strength: float

    @classmethod
    def of(
        cls, features: NDArray[np.float32] | None, count: int, what: str, strength: float
    ) -> Known:
        """Known of so many: these features, or nothing.

        Raises
        ------
        InputError
            If the features do not fit.
        """
        found = np.zeros((count, 0)) if features is None else features
        return cls(levelled(found, count, what), strength)


Sweep: TypeAlias = Generator[Sums, Sums, None]


class SharedFactors:
    """One owner's part of a factorisation of everyone's ratings.

    Parameters
    ----------
    train : Entries
        Own ratings. They are standardised by their own mean and spread, so nobody else need know
        these.
    shape : (int, int)
        Rows, and own columns.
    factors : Factors
    seed : int
        Of the column factors to start from.
    counted : bool array, shape (rows,)
        Rows that this owner counts in totals over rows: each row has one such owner.
    of_rows, of_columns : Known, optional

    Attributes
    ----------
    rows, columns : float64 arrays, shapes (rows, K), (own columns, K)
        ``(bias, factors)`` of each.
    mean, spread : float
        A rating is ``mean + spread * (b_row + b_column + p_row . q_column)``.
    """

    def __init__(
        self,
        train: Entries,
        shape: tuple[int, int],
        factors: Factors,
        seed: int,
        counted: NDArray[np.bool_],
        of_rows: Known | None = None,
        of_columns: Known | None = None,
    ) -> None:
        self.mean, self.spread = mean_and_spread(train.values.astype(np.float64))
        ratings = train.csr(shape).astype(np.float64)
        ratings.data = (ratings.data - self.mean) / self.spread
        width = factors.count + 1
        self._by_row, self._by_column = ratings, ratings.T.tocsr()
        rated = ratings.copy()
        rated.data = np.ones(ratings.nnz)
        self._of_rows, self._of_columns = rated, rated.T.tocsr()
        self._counted = counted
        self._penalty = np.full(width, factors.regularization)
        self._penalty[0] = factors.bias_regularization
        self._strength = factors.implicit_regularization
        self._column_counts = np.diff(self._of_columns.indptr).astype(np.float64)
        self._column_share = (1.0 / np.sqrt(np.maximum(self._column_counts, 1)))[:, None]
        self.rows = np.zeros((shape[0], width))
        self.columns = np.zeros((shape[1], width))
        start = np.random.default_rng(seed).standard_normal((shape[1], factors.count))
        self.columns[:, 1:] = _START * start
        self._of_having_rated = np.zeros_like(self.columns)  # profiles of columns
        self._of_being_rated = np.zeros_like(self.rows)  # profiles of rows
        self._drawn = np.zeros_like(self.rows)  # sums of the columns' profiles over all owners
        self._known_rows = of_rows or Known.of(None, shape[0], "rows", 1.0)
        self._known_columns = of_columns or Known.of(None, shape[1], "columns", 1.0)
        weighted = self._known_columns.features.multiply(1.0 / self._column_share).T.tocsr()
        self._weighted_columns = weighted
        self._column_products = packed_products(weighted, self._known_columns.features)
        self._row_map = np.zeros((self._known_rows.features.shape[1], width))
        # the columns' map is fitted to what the last sweep left, when the next one begins
        self._owed = np.zeros((self._known_columns.features.shape[1], width))
        self._column_map = np.zeros_like(self._owed)

    def scores(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Matrix:
        """Predicted ratings of cells, not clipped."""
        x, y = self.rows[rows], self.columns[columns]
        products = np.einsum("ij,ij->i", x[:, 1:], y[:, 1:])
        found: Matrix = self.mean + self.spread * (x[:, 0] + y[:, 0] + products)
        return found

    def state(self) -> dict[str, Matrix]:
        """All that changes from sweep to sweep."""
        return {
            "rows": self.rows.copy(),
            "columns": self.columns.copy(),
            "having_rated": self._of_having_rated.copy(),
            "being_rated": self._of_being_rated.copy(),
            "drawn": self._drawn.copy(),
            "row_map": self._row_map.copy(),
            "owed": self._owed.copy(),
        }

    def restore(self, state: dict[str, Matrix]) -> None:
        """Go back to a state.

        Raises
        ------
        ValueError, KeyError
            If it is none of this factorisation.
        """
        now = self.state()
        for name, part in now.items():
            if state[name].shape != part.shape or state[name].dtype != part.dtype:
                raise ValueError(f"{name} have another shape")
        (
            self.rows, self.columns, self._of_having_rated, self._of_being_rated, self._drawn,
            self._row_map, self._owed,
        ) = (state[name].copy() for name in now)  # fmt: skip

    def sweep(self) -> Sweep:
        """Update the rows, what they are drawn to, the columns, what they are drawn to.

        Yields
        ------
        own : Sums
            What to add to the sums over all owners. What is sent in return are these sums.
        """
        size = len(self._penalty)
        packed = np.empty((len(self.rows), size * (size + 1) // 2 + size))
        _equations(self._by_row, self.columns, packed)
        shares = self._of_rows @ self._column_share
        of_features = np.concatenate([self._column_products, self._owed.ravel()])
        whole = yield Sums(np.hstack([packed, shares]), of_features)
        self._column_map = _fitted(whole.totals, self._owed.shape, self._known_columns.strength)
        counts = whole.rows[:, :1]  # of the row's ratings: the first feature is 1
        weight = np.sqrt(np.maximum(counts, 1))
        solve_rows(
            np.ascontiguousarray(whole.rows[:, :-1]), weight[:, 0], self._penalty,
            self._drawn / weight + self._told_of_rows(), self.rows,
        )  # fmt: skip
        yield from self._refit_having_rated(1.0 / weight)
        self._update_columns()
        yield from self._refit_being_rated(whole.rows[:, -1:], self._row_sums(weight))
        left = self.columns - self._by_partners()
        self._owed = np.ascontiguousarray(self._weighted_columns @ left)

    def _row_sums(self, weight: Matrix) -> Matrix:
        """What the map of the rows' features is fitted to, over the rows that are counted."""
        features = self._known_rows.features
        weighted = features.multiply(weight * self._counted[:, None]).T.tocsr()
        sides = weighted @ (self.rows - self._drawn / weight)
        return np.concatenate([packed_products(weighted, features), sides.ravel()])

    def _told_of_rows(self) -> Matrix:
        told: Matrix = self._known_rows.features @ self._row_map
        return told

    def _update_columns(self) -> None:
        size = len(self._penalty)
        packed = np.empty((len(self.columns), size * (size + 1) // 2 + size))
        _equations(self._by_column, self.rows, packed)
        solve_rows(
            packed, np.sqrt(np.maximum(self._column_counts, 1)), self._penalty,
            self._centres_of_columns(), self.columns,
        )  # fmt: skip

    def _by_partners(self) -> Matrix:
        drawn: Matrix = self._column_share * (self._of_columns @ self._of_being_rated)
        return drawn

    def _centres_of_columns(self) -> Matrix:
        centres: Matrix = self._by_partners() + self._known_columns.features @ self._column_map
        return centres

    def _refit_having_rated(self, share: Matrix) -> Sweep:
        """Draw profiles of columns to the rows: see `learners.prior.PartnerPrior`.

        A profile is its owner's own; the sums of profiles over a row's columns are everyone's.
        """
        profiles, strength = self._of_having_rated, self._strength
        diagonal = self._of_columns @ share + strength
        left = self.rows - share * self._drawn - self._told_of_rows()
        residual = self._of_columns @ left - strength * profiles
        direction, along = np.zeros_like(profiles), np.zeros_like(self.rows)
        before = np.ones(profiles.shape[1])
        for step in range(_STEPS):
            scaled = residual / diagonal
            whole = yield Sums(self._of_rows @ scaled, (residual * scaled).sum(axis=0))
            power = whole.totals
            back = _ratio(power, before) if step else np.zeros_like(power)
            direction, along = scaled + back * direction, whole.rows + back * along
            image = self._of_columns @ (share * along) + strength * direction
            whole = yield Sums(_nothing(self.rows), (direction * image).sum(axis=0))
            length = _ratio(power, whole.totals)
            profiles += length * direction
            self._drawn += length * along
            residual -= length * image
            before = power

    def _refit_being_rated(self, diagonal: Matrix, row_sums: Matrix) -> Sweep:
        """Draw profiles of rows to the columns. All who hold a row have the same profile of it.

        The first exchange has room for the totals that the map of the rows' features takes.
        """
        profiles, strength = self._of_being_rated, self._strength
        diagonal = diagonal + strength
        left = self.columns - self._centres_of_columns()
        whole = yield Sums(self._of_rows @ left, row_sums)
        self._row_map = _fitted(whole.totals, self._row_map.shape, self._known_rows.strength)
        residual = whole.rows - strength * profiles
        direction, image = np.zeros_like(profiles), np.zeros_like(profiles)
        before = np.ones(profiles.shape[1])
        for step in range(_STEPS):
            scaled = residual / diagonal
            through = self._of_rows @ (self._column_share * (self._of_columns @ scaled))
            whole = yield Sums(through, self._over_counted(residual * scaled))
            power = whole.totals
            back = _ratio(power, before) if step else np.zeros_like(power)
            direction = scaled + back * direction
            image = whole.rows + strength * scaled + back * image
            whole = yield Sums(_nothing(self.rows), self._over_counted(direction * image))
            length = _ratio(power, whole.totals)
            profiles += length * direction
            residual -= length * image
            before = power

    def _over_counted(self, terms: Matrix) -> Matrix:
        total: Matrix = terms[self._counted].sum(axis=0)
        return total


def _fitted(totals: Matrix, shape: tuple[int, ...], strength: float) -> Matrix:
    """Map from features, from their products and right sides over all owners."""
    triangle = shape[0] * (shape[0] + 1) // 2
    return solved(totals[:triangle], totals[triangle:].reshape(shape), strength)


def _nothing(rows: Matrix) -> Matrix:
    return np.empty((len(rows), 0))


def _equations(ratings: sp.csr_array, other: Matrix, packed: Matrix) -> None:
    normal_equations(ratings.indptr, ratings.indices, ratings.data, other, packed)


def _ratio(above: Matrix, below: Matrix) -> Matrix:
    """Quotients, 0 where a column has nothing left to gain."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)

"""A factorisation whose errors boosted trees correct, by what it leaves out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from grouping.ratings import Ratings
from learners.als import BiasedALS
from learners.entries import Entries
from learners.item_regression import ItemRegression
from learners.observed import observed_csr

FOLDS = 5
FACTORS, OF_FOLDS = 64, 20
"""Of the factorisation that is corrected, and of those that the errors are learned from."""
TREES = {
    "max_iter": 120, "learning_rate": 0.06, "max_leaf_nodes": 10, "min_samples_leaf": 150,
    "l2_regularization": 50.0, "early_stopping": False, "random_state": 0,
}  # fmt: skip
TAKEN = 300.0  # regularization of the regressions on what was rated at all
OF_ERRORS = 400.0  # and on the factorisation's errors
SHARED = 30.0  # ratings in common that halve a likeness
FEW = 5.0  # ratings with error 0 that every mean has beside its own
THREADS = 1


def constants() -> dict[str, object]:
    """What corrected estimates depend on, but for data, seed and code."""
    return {name: value for name, value in globals().items() if name.isupper()}


def boosted() -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(**TREES)


@dataclass(eq=False)
class Corrected:
    """A factorisation with 64 factors, plus the error that trees expect of a pair.

    The errors to learn from are those of factorisations with 20 factors, fitted to four fifths of
    the ratings and tested on the fifth left, five times; what describes a rating (`describe`) is
    likewise taken from the other four fifths alone. So every rating is described as one to be
    predicted is, and none is seen in its own description.

    Parameters
    ----------
    of_users, of_items : float array, shapes (n, .), (m, .)
        What is known of users (profiles) and items (attributes, 0 or more).
    seed : int
        Of the folds.
    learner : callable
        Makes what learns the errors, with ``fit(table, errors)`` and ``predict(table)``.
    """

    of_users: np.ndarray
    of_items: np.ndarray
    seed: int = 0
    learner: Callable[[], Any] = boosted

    def fit(self, ratings: Ratings) -> Corrected:
        kept = Entries.stored(observed_csr(ratings))
        fold = np.random.default_rng([self.seed, 4]).permutation(len(kept)) % FOLDS
        described, errors = [], []
        for number in range(FOLDS):
            asked = kept.where(fold == number)
            guess, table = self._described(kept.where(fold != number), ratings, asked)
            described.append(table)
            errors.append(asked.values - guess)
        self._trees = self.learner().fit(np.vstack(described), np.concatenate(errors))
        self._kept, self._ratings = kept, ratings
        self._factors = BiasedALS(factors=FACTORS, threads=THREADS).fit(ratings)
        return self

    def predict(self, users: np.ndarray, items: np.ndarray, *, clip: bool = True) -> np.ndarray:
        asked = Entries(users, items, np.zeros(len(users), dtype=np.float32))  # in their order
        _, table = self._described(self._kept, self._ratings, asked)
        found = self._factors.predict(users, items, clip=False) + self._trees.predict(table)
        return np.clip(found, *self._factors.range_) if clip else found

    def _described(
        self, kept: Entries, whole: Ratings, asked: Entries
    ) -> tuple[np.ndarray, np.ndarray]:
        """A factorisation's predictions of what is asked, and its description."""
        ratings = whole.with_matrix(kept.csr(whole.shape))
        factors = BiasedALS(factors=OF_FOLDS, threads=THREADS).fit(ratings)
        errors = kept.values - factors.predict(kept.rows, kept.columns, clip=False)
        guess = factors.predict(asked.rows, asked.columns, clip=False)
        told = describe(kept, errors, whole.shape, self.of_users, self.of_items, asked)
        sides = [self.of_users[asked.rows], self.of_items[asked.columns]]
        return guess, np.column_stack([guess, *told.values(), *sides])


def describe(
    kept: Entries,
    errors: np.ndarray,
    shape: tuple[int, int],
    of_users: np.ndarray,
    of_items: np.ndarray,
    asked: Entries,
) -> dict[str, np.ndarray]:
    """What ratings, and a factorisation's errors on them, say of other pairs.

    Parameters
    ----------
    kept : Entries
        The ratings.
    errors : float64 array, shape (ratings,)
    shape : (n, m)
    of_users, of_items : float arrays, shapes (n, .), (m, .)
    asked : Entries
        Pairs; their values are not looked at.

    Returns
    -------
    told : dict of str to float array, shape (pairs,)
    """
    u, i = asked.rows, asked.columns
    level = kept.values.mean()

    def table(values: np.ndarray) -> np.ndarray:
        made = np.zeros(shape, dtype=np.float32)
        made[kept.rows, kept.columns] = values
        return made

    seen, wrong, above = table(np.ones(len(kept))), table(errors), table(kept.values - level)
    spread = wrong * wrong - seen * np.float32(errors.var())
    by_user, by_item = seen.sum(axis=1), seen.sum(axis=0)
    told = {
        "ratings of the user": np.log1p(by_user)[u],
        "ratings of the item": np.log1p(by_item)[i],
        "the user's mean": (above.sum(axis=1) / (by_user + FEW))[u],
        "the item's mean": (above.sum(axis=0) / (by_item + FEW))[i],
        "how wrong for the user": (spread.sum(axis=1) / (by_user + FEW))[u],
        "how wrong for the item": (spread.sum(axis=0) / (by_item + FEW))[i],
        "taken, by items": _taken(seen)[u, i],
        "taken, by users": _taken(seen.T)[i, u],
        "errors at like items": _near(wrong, above, seen)[u, i],
        "errors of like users": _near(wrong.T, above.T, seen.T)[i, u],
        "errors regressed on items": _regressed(wrong)[u, i],
        "errors regressed on users": _regressed(wrong.T)[i, u],
    }
    kinds, classes = np.maximum(of_items, 0.0), np.clip(of_users, 0.0, 1.0)
    having = kinds.sum(axis=1) + 1e-9
    in_class = classes.sum(axis=1) + 1e-9
    mine = (wrong @ kinds) / (seen @ kinds + FEW)
    liked = (above @ kinds) / (seen @ kinds + FEW)
    liked = liked - (above.sum(axis=1) / (by_user + FEW))[:, None]
    theirs = (wrong.T @ classes) / (seen.T @ classes + FEW)
    both = (classes.T @ wrong @ kinds) / (classes.T @ seen @ kinds + 10 * FEW)
    told["errors of the user at such items"] = (mine[u] * kinds[i]).sum(axis=1) / having[i]
    told["the user's mean at such items"] = (liked[u] * kinds[i]).sum(axis=1) / having[i]
    told["errors of such users at the item"] = (theirs[i] * classes[u]).sum(axis=1) / in_class[u]
    told["errors of such users at such items"] = ((classes @ both)[u] * kinds[i]).sum(
        axis=1
    ) / having[i]
    return told


def _taken(seen: np.ndarray) -> np.ndarray:
    """How likely each column is to be rated at all by each row, without that cell itself."""
    marks = sp.csr_array(seen)
    return ItemRegression(TAKEN).fit(marks).score(marks)


def _near(wrong: np.ndarray, above: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Weighted mean of a row's errors at other columns, by squared correlation where above 0."""
    counts = seen.sum(axis=0)
    centred = above - (above.sum(axis=0) / (counts + 3)) * seen
    length = np.sqrt((centred * centred).sum(axis=0) + 1e-6)
    shared = seen.T @ seen
    like = (centred.T @ centred) / length / length[:, None] * shared / (shared + SHARED)
    like = np.maximum(like, 0) ** 2
    np.fill_diagonal(like, 0)
    return (wrong @ like) / (seen @ like + 50 * like.mean())


def _regressed(wrong: np.ndarray) -> np.ndarray:
    """Errors at a column by ridge regression on those at the others."""
    products = (wrong.T @ wrong).astype(np.float64)
    products[np.diag_indices(len(products))] += OF_ERRORS
    inverse = np.linalg.inv(products)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return wrong @ weights.astype(np.float32)

"""The base that the network for groups corrects: a matrix factorisation of the same ratings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.ratings import Ratings
from learners.als import BiasedALS
from learners.dmtl.inputs import Known
from learners.entries import Entries

FOLDS = 5
EXTRA = 2
"""Columns of the factors beside those of the factorisation: for the biases."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Base:
    """Standardised ratings ``raters[a] . items[i]``, users and groups alike as raters.

    Attributes
    ----------
    raters : float32 array, shape (raters, factors + 2)
        Rows are (mean + bias, 1, factors); a rater without ratings has (mean, 1, 0...).
    items : float32 array, shape (items, factors + 2)
        Rows are (1, bias, factors).
    held_out : float32 array, shape (ratings,)
        Of each rating that is learned from, what a factorisation without it predicts: the
        network must learn to correct predictions, not ratings that the base has seen.
    """

    raters: Floats
    items: Floats
    held_out: Floats


def fit_base(known: Known, factors: int, seed: int) -> Base:
    """Fit the base to all ratings, and to four fifths of them five times.

    Parameters
    ----------
    known : Known
    factors : int
    seed : int

    Returns
    -------
    base : Base
    """
    ratings = known.ratings
    fold = np.random.default_rng([seed, 4]).permutation(len(ratings)) % FOLDS
    held_out = np.zeros(len(ratings), dtype=np.float32)
    for number in range(FOLDS):
        out = fold == number
        if out.any() and not out.all():
            raters, items = _factors(known, ratings.where(~out), factors, seed)
            rows, columns = ratings.rows[out], ratings.columns[out]
            held_out[out] = (raters[rows] * items[columns]).sum(axis=1)
    return Base(*_factors(known, ratings, factors, seed), held_out)


def _factors(known: Known, kept: Entries, factors: int, seed: int) -> tuple[Floats, Floats]:
    shape = (known.raters, known.items)
    standard = kept.with_values(known.scale.standard(kept.values)).csr(shape)
    # one thread: fits are small, and equal on any number of them
    model = BiasedALS(factors=factors, seed=seed, threads=1).fit(Ratings.of(standard))
    ones = [np.ones(size) for size in shape]
    raters = [model.global_mean_ + model.user_bias_, ones[0], *model.user_factors_.T]
    items = [ones[1], model.item_bias_, *model.item_factors_.T]
    return np.column_stack(raters).astype(np.float32), np.column_stack(items).astype(np.float32)

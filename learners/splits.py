"""Seeded random splits of the observed ratings: to learn from, to choose on, to test on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners.entries import Entries
from learners.observed import observed_csr


@dataclass(frozen=True)
class Split:
    """Ratings to learn from, and those held out.

    Attributes
    ----------
    train : Ratings
        Sparse, over all users and items.
    users, items : int64 arrays
        Positions of the ratings held out.
    values : array
        The ratings held out.
    """

    train: Ratings
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    values: NDArray[Any]


def split(ratings: Ratings, *, fraction: float = 0.1, seed: int = 0) -> Split:
    """Hold out a random share of the observed ratings.

    Parameters
    ----------
    ratings : Ratings
    fraction : float
        Share held out; at least one rating is held out and one kept.
    seed : int

    Returns
    -------
    split : Split

    Raises
    ------
    InputError
        If there are fewer than two ratings, or the fraction is not between 0 and 1.
    """
    if not 0 < fraction < 1:
        raise InputError(f"fraction must lie between 0 and 1, not {fraction}")
    csr = observed_csr(ratings)
    count = csr.nnz
    if count < 2:
        raise InputError(f"{ratings.source}: holds {count} rating(s), too few to split")
    size = min(count - 1, max(1, round(fraction * count)))
    held = np.zeros(count, dtype=bool)
    held[np.random.default_rng(seed).permutation(count)[:size]] = True
    users = np.repeat(np.arange(csr.shape[0], dtype=np.int64), np.diff(csr.indptr))
    kept_before = np.concatenate(([0], np.cumsum(~held)))
    train = sp.csr_array(
        (csr.data[~held], csr.indices[~held], kept_before[csr.indptr]), shape=csr.shape
    )
    return Split(
        ratings.with_matrix(train),
        users[held],
        csr.indices[held].astype(np.int64),
        csr.data[held],
    )


@dataclass(frozen=True, eq=False)
class Parts:
    """Ratings to learn from, to choose on and to test on.

    Attributes
    ----------
    ratings : Ratings
        All of them.
    train, validation, test : Entries
        Rows are users, columns items.
    """

    ratings: Ratings
    train: Entries
    validation: Entries
    test: Entries


def three_parts(
    ratings: Ratings, *, validation: float = 0.1, test: float = 0.1, seed: int = 0
) -> Parts:
    """Split off a part to test on, then from the rest a part to choose on.

    The test part depends on `test` and `seed` alone, so results with and without a validation
    part compare on the same ratings.

    Parameters
    ----------
    ratings : Ratings
    validation : float
        Share of what is not tested on; 0: no such part.
    test : float
        Share of the ratings; 0: no such part.
    seed : int

    Returns
    -------
    parts : Parts

    Raises
    ------
    InputError
        If a share does not lie between 0 and 1, or there are too few ratings.
    """
    tested = chosen = Entries.none()
    rest = ratings
    if test:
        outer = split(rest, fraction=test, seed=seed)
        rest, tested = outer.train, Entries.of(outer.users, outer.items, outer.values)
    if validation:
        # another stream than the outer split's, whose leading numbers are alike
        inner = split(rest, fraction=validation, seed=seed + 1_000_003)
        rest, chosen = inner.train, Entries.of(inner.users, inner.items, inner.values)
    return Parts(ratings, Entries.stored(observed_csr(rest)), chosen, tested)

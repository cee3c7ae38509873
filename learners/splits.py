"""Seeded random splits of the observed ratings into a part to learn from and a part to test on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ratings import Ratings
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

"""Small made data for organisations: tastes of low rank, kinds of users, genres of items."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from grouping.ratings import Ratings
from learners.features import Features


def ratings(users=60, items=40, density=0.4, seed=0):
    """Whole ratings from 1 to 5 that a few tastes explain; ids are text."""
    rng = np.random.default_rng(seed)
    scores = 3.2 + rng.normal(size=(users, 2)) @ rng.normal(size=(2, items))
    scores = np.clip(np.round(scores + 0.3 * rng.normal(size=scores.shape)), 1, 5)
    rows, columns = np.nonzero(rng.random(scores.shape) < density)
    matrix = sp.csr_array((scores[rows, columns].astype("f4"), (rows, columns)), scores.shape)
    names = [f"u{u}" for u in range(users)], [f"i{i}" for i in range(items)]
    return Ratings.of(matrix, users=names[0], items=names[1])


def profiles(users=60, seed=1):
    rng = np.random.default_rng(seed)
    return Features(("old", "tall"), rng.integers(0, 2, (users, 2)).astype(np.float32))


def genres(items=40, seed=2):
    """Three genres; item 0 has none."""
    flags = (np.random.default_rng(seed).random((items, 3)) < 0.5).astype(np.float32)
    flags[0] = 0
    return Features(("crime", "drama", "war"), flags)

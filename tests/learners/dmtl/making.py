"""Small made users, items and groups, with tables of both."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from grouping.ratings import Ratings
from learners.dmtl.groups import Groups
from learners.dmtl.settings import Settings
from learners.dmtl.told import Told
from learners.features import Features

USERS, ITEMS = 14, 9


def matrix(rows, columns, density, seed):
    """Ratings 1..5 that follow two tastes, as sparse."""
    rng = np.random.default_rng(seed)
    level = 3 + 1.5 * np.outer(
        np.where(np.arange(rows) % 2, 1, -1), np.where(np.arange(columns) % 3, 1, -1)
    )
    dense = np.clip(np.round(level + 0.3 * rng.normal(size=(rows, columns))), 1, 5)
    kept = rng.random((rows, columns)) < density
    kept[0, 0] = True
    row, column = np.nonzero(kept)
    return sp.csr_array((dense[kept].astype(np.float32), (row, column)), shape=(rows, columns))


def ratings(density=0.6, seed=0):
    csr = matrix(USERS, ITEMS, density, seed)
    return Ratings.of(
        csr, users=[f"u{u}" for u in range(USERS)], items=[f"i{i}" for i in range(ITEMS)]
    )


def groups():
    """Four groups of 1 to 4 members; user 2 is in two, users 12 and 13 in none."""
    return Groups.of(["a", "b", "c", "d"], [[0, 2, 4], [1, 3], [2, 5, 6, 7], [9]])


def group_ratings(seed=3):
    csr = matrix(4, ITEMS, 0.7, seed)
    return Ratings.of(csr, users=["a", "b", "c", "d"], items=[f"i{i}" for i in range(ITEMS)])


def told(**changed):
    """Everything a model can be told."""
    rng = np.random.default_rng(5)
    sexes = (np.arange(USERS) % 2).astype(np.float32)
    kinds = (np.arange(ITEMS)[:, None] % 3 == np.arange(3)).astype(np.float32)
    given = {
        "ratings": ratings(),
        "groups": groups(),
        "group_ratings": group_ratings(),
        "profiles": Features(
            ("sex", "age"), np.column_stack([sexes, rng.normal(size=USERS)]).astype(np.float32)
        ),
        "attributes": Features(("red", "green", "blue"), kinds),
    }
    return Told(**(given | changed))


def standard_ratings(known):
    """Users' standardised ratings, NaN where there is none."""
    own = np.full((known.users, known.items), np.nan)
    of_users = known.of_users()
    own[of_users.rows, of_users.columns] = known.scale.standard(of_users.values)
    return own


def settings(**changed):
    """A small network, trained shortly."""
    small = {
        "size": 6,
        "classes": 3,
        "epochs": 4,
        "batch": 40,
        "dropout": 0.2,
        "validation": 0.2,
        "profile_weight": 0.1,
    }
    return Settings(**(small | changed))

"""The two data sets of the DMTL paper, as its protocol takes them: raw rows, then a split."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from grouping.ids import Ids
from grouping.ratings import Ratings
from learners import movielens
from learners.archives import read_files
from learners.dmtl.protocol import SCALE, paper_split
from learners.features import Features
from learners.itm_rec import ItmRec, Rows, read_itm_rec

SHARES = {"ml-100k": 0.2, "itm-rec": 0.5}


@dataclass(frozen=True, eq=False)
class Data:
    """A data set with what is known of its users and items.

    `rows` stand in the order of the file, ITM-Rec's repeats among them.
    """

    name: str
    users: Ids
    items: Ids
    rows: Rows
    profiles: Features
    attributes: Features | None
    itm: ItmRec | None = None

    def split(self, seed: int = 42) -> Parts:
        train, test = paper_split(len(self.rows), SHARES[self.name], seed)
        return Parts(self, take(self.rows, train), take(self.rows, test), seed)


@dataclass(frozen=True, eq=False)
class Parts:
    data: Data
    train: Rows
    test: Rows
    seed: int

    @property
    def ratings(self) -> Ratings:
        """Train ratings as a matrix; where a user rated an item more than once, the mean."""
        return matrix(self.data, self.train)


def take(rows: Rows, chosen: np.ndarray) -> Rows:
    return Rows(rows.who[chosen], rows.item[chosen], rows.value[chosen])


def matrix(data: Data, rows: Rows) -> Ratings:
    shape = (len(data.users), len(data.items))
    cells, place = np.unique(rows.who * shape[1] + rows.item, return_inverse=True)
    means = np.bincount(place, weights=rows.value) / np.bincount(place)
    csr = sp.csr_array((means.astype(np.float32), np.divmod(cells, shape[1])), shape=shape)
    return Ratings.of(csr, users=data.users, items=data.items, scale=SCALE, source=data.name)


def read(name: str, path: Path | None = None) -> Data:
    """Read a data set; without a path it is looked for as `learners.movielens.find` does."""
    path = path or find(name)
    if path is None:
        print(f"{name} is not here: set GROUPING_DATA to the folder that holds it", file=sys.stderr)
        raise SystemExit(2)
    if name == "itm-rec":
        itm = read_itm_rec(path)
        return Data(name, itm.users, itm.items, itm.ratings, itm.profiles, None, itm)
    whole = movielens.read_movielens(path)
    text = read_files(path)["u.data"].decode()
    fields = [line.split("\t") for line in text.splitlines() if line]
    ratings = whole.ratings
    rows = Rows(
        np.array([ratings.users.position(f[0]) for f in fields], dtype=np.int64),
        np.array([ratings.items.position(f[1]) for f in fields], dtype=np.int64),
        np.array([float(f[2]) for f in fields]),
    )
    return Data(name, ratings.users, ratings.items, rows, whole.profiles, whole.genres)


def find(name: str) -> Path | None:
    import os

    folders = [os.environ.get("GROUPING_DATA"), ".", "data", "../shared/data"]
    for folder in (Path(f) for f in folders if f is not None):
        for candidate in (folder / name, folder / f"{name}.zip"):
            if candidate.exists():
                return candidate
    return None

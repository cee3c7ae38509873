"""Where the MovieLens ratings are, and how they are read without unpacking or copying them."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from grouping.ratings import Ratings

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = {"ml-100k": "ml-100k/u.data", "ml-1m": "ml-1m/ratings.dat"}


def find(name: str = "ml-100k") -> Path | None:
    """Find the ratings file or archive of a data set: in $GROUPING_DATA, else in ../shared/data."""
    folders = [os.environ.get("GROUPING_DATA"), ROOT.parent / "shared" / "data"]
    for folder in folders:
        if folder is None:
            continue
        if Path(folder).is_file():
            return Path(folder)
        for candidate in (Path(folder) / MEMBERS[name], Path(folder) / f"{name}.zip"):
            if candidate.is_file():
                return candidate
    return None


def read(path: Path) -> Ratings:
    """Ratings of a u.data or ratings.dat, plain or in its archive."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            inside = set(archive.namelist())
            member = next(m for m in MEMBERS.values() if m in inside)
            text = archive.read(member)
    else:
        text = path.read_bytes()
    table = np.loadtxt(io.BytesIO(text.replace(b"::", b"\t")), dtype=np.int64, usecols=(0, 1, 2))
    users, row = np.unique(table[:, 0], return_inverse=True)
    items, column = np.unique(table[:, 1], return_inverse=True)
    matrix = sp.csr_array(
        (table[:, 2].astype(np.float32), (row, column)), shape=(len(users), len(items))
    )
    return Ratings.of(matrix, users=users, items=items, source=path.name)

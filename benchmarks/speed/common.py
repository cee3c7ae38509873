"""What the families share: ratings to measure on, names, and the check that results are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.speed.yardsticks import plain_grd
from grouping import Formation, Ratings, form
from grouping.kernels.jit import kernel

SETTINGS = (("lm", "min"), ("av", "sum"))
SLAB = 1 << 24

_held: dict[Any, Any] = {}


def named(semantics: str, agg: str) -> str:
    return f"{semantics.upper()}-{agg}"


def held(key: Any, make: Callable[[], Any]) -> Any:
    """What `make` makes, kept until another key is asked for: the large matrices, one at a time."""
    if key not in _held:
        _held.clear()
        _held[key] = make()
    return _held[key]


def dense(users: int, items: int, values: str) -> Ratings:
    """Independent uniform ratings: "real" or "integer" (float32), or "uint8", in 1..5."""
    return held((users, items, values), lambda: _dense(users, items, values))


def _dense(users: int, items: int, values: str) -> Ratings:
    rng = np.random.default_rng(0)
    matrix = np.empty((users, items), np.uint8 if values == "uint8" else np.float32)
    rows = max(1, SLAB // items)
    for start in range(0, users, rows):
        slab = matrix[start : start + rows]
        if values == "real":
            rng.random(out=slab, dtype=np.float32)
            slab *= 4
            slab += 1
        else:
            slab[:] = rng.integers(1, 6, slab.shape, dtype=np.uint8)
    return Ratings.of(matrix)


def sparse(users: int, items: int, popularity: str, values: str) -> Ratings:
    """CSR ratings, about 100 a user: columns "uniform", or "Zipf" (the r-th drawn as 1/r)."""
    return held(
        (users, items, popularity, values), lambda: _sparse(users, items, popularity, values)
    )


def _sparse(users: int, items: int, popularity: str, values: str) -> Ratings:
    rng = np.random.default_rng(0)
    counts = np.minimum(rng.poisson(100, users), items // 2)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    weights = np.ones(items) if popularity == "uniform" else 1 / (rng.permutation(items) + 1)
    columns = np.empty(indptr[-1], np.int32)
    _draw_columns(indptr, np.cumsum(weights / weights.sum()), columns)
    data = rng.random(len(columns), dtype=np.float32) * 4 + 1
    if values == "integer":
        data = np.rint(data)
    return Ratings.of(sp.csr_array((data, columns, indptr), shape=(users, items)))


@kernel()
def _draw_columns(indptr, cumulative, columns):
    """Fill each row with distinct columns, ascending."""
    np.random.seed(0)  # noqa: NPY002 (what numba has)
    m = cumulative.shape[0]
    drawn_by = np.full(m, -1, np.int64)
    for u in range(indptr.shape[0] - 1):
        row = columns[indptr[u] : indptr[u + 1]]
        filled = 0
        while filled < row.shape[0]:
            column = min(m - 1, np.searchsorted(cumulative, np.random.random()))  # noqa: NPY002
            if drawn_by[column] != u:
                drawn_by[column] = u
                row[filled] = column
                filled += 1
        row.sort()


def checker(
    ratings: Ratings, semantics: str, agg: str, groups: int, k: int, missing: str = "error"
) -> Callable[[Formation], None]:
    """Return the check of a formation by plain NumPy (for min and sum).

    Groups and lists must be worth what the formation says, by the definition; and on as many of
    the first users as fit in a slab, the objective must be that of the plain implementation.
    """

    def check(formation: Formation) -> None:
        worth = 0.0
        for group in formation.groups:
            rows = _filled(ratings, group.members, group.items)
            scores = rows.min(axis=0) if semantics == "lm" else rows.sum(axis=0)
            assert (np.diff(scores) <= 1e-9 * np.abs(scores[1:])).all()
            worth += scores[-1] if agg == "min" else scores.sum()
        assert np.isclose(formation.objective, worth, rtol=1e-9)
        few = np.arange(min(ratings.shape[0], max(2, SLAB // ratings.shape[1])))
        part = Ratings.of(ratings.matrix[few], scale=ratings.observed_range())
        cells = _filled(ratings, few, np.arange(ratings.shape[1])).astype(np.float32)
        ours = form(part, semantics, agg, groups, k, missing=missing).objective
        assert np.isclose(ours, plain_grd(cells, semantics, agg, groups, k), rtol=1e-9)

    return check


def _filled(ratings: Ratings, users: Any, items: Any) -> np.ndarray:
    """Some cells as float64; those that are not stored as the lowest rating."""
    if not ratings.sparse:
        return ratings.matrix[np.ix_(users, items)].astype(np.float64)
    part = ratings.matrix[users][:, items].tocoo()
    cells = np.full(part.shape, ratings.observed_range()[0])
    cells[part.row, part.col] = part.data
    return cells

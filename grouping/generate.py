"""Synthetic ratings with a planted structure of tastes, for trials, tests and benchmarks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ratings import Ratings

_SLAB = 1 << 22


def generate(
    users: int,
    items: int,
    *,
    density: float = 1.0,
    scale: tuple[float, float] = (1.0, 5.0),
    step: float | None = 1.0,
    clusters: int = 10,
    noise: float = 0.5,
    seed: int = 0,
    compact: bool = False,
) -> Ratings:
    """Ratings of users who share a few tastes.

    Every user belongs to one of the clusters. A cluster's opinion of an item is the item's
    general appeal plus the product of a few hidden traits of both, so the matrix of opinions has
    a low rank. A rating is the opinion plus noise, put on the scale.

    The result depends on nothing but the arguments. Work proceeds in slabs of rows: beyond the
    result itself memory stays bounded, and a sparse result takes time by its ratings, not by its
    cells.

    Parameters
    ----------
    users, items : int
        How many; their ids are positions.
    density : float
        Share of the cells that are rated, at random. Below 1 the result is CSR, and every user
        and every item has at least one rating.
    scale : (float, float)
        Lowest and highest rating.
    step : float or None
        Ratings are the scale's lower end plus multiples of this; None: any real number (float32).
    clusters : int
        Number of tastes.
    noise : float
        Standard deviation of the noise, in standard deviations of the opinions; 0: users of one
        cluster agree on everything.
    seed : int
    compact : bool
        Keep whole ratings within 0..255 in one byte each.

    Returns
    -------
    ratings : Ratings
        float32, or float64 where float32 does not hold the steps exactly; uint8 if `compact`.

    Raises
    ------
    InputError
        If an argument is out of its range.
    """
    low, high = float(scale[0]), float(scale[1])
    _check(users, items, density, (low, high), step, clusters, noise, seed)
    rng = np.random.default_rng(seed)
    opinions = _opinions(clusters, items, rng)
    taste = rng.integers(0, clusters, users, dtype=np.int32)
    grid = None if step is None else _grid(low, high, step)
    if compact and grid is not None and (grid.astype(np.uint8) == grid).all():
        grid = grid.astype(np.uint8)
    dtype = np.dtype(np.float32 if grid is None else grid.dtype)
    if density == 1:
        matrix = np.empty((users, items), dtype)
        rows = max(1, _SLAB // items)
        for start in range(0, users, rows):
            slab = opinions[taste[start : start + rows]]
            slab += np.float32(noise) * rng.standard_normal(slab.shape, np.float32)
            matrix[start : start + rows] = _rated(slab, low, high, grid)
        return Ratings.of(matrix, scale=(low, high), source="synthetic ratings")
    cells = _rated_cells(users, items, density, rng)
    values = np.empty(len(cells), dtype)
    for start in range(0, len(cells), _SLAB):
        user, item = np.divmod(cells[start : start + _SLAB], items)
        some = opinions[taste[user], item]
        some += np.float32(noise) * rng.standard_normal(some.shape, np.float32)
        values[start : start + _SLAB] = _rated(some, low, high, grid)
    # cells are in order and distinct: they are CSR but for the row pointers
    ends = np.searchsorted(cells, np.arange(users + 1, dtype=np.int64) * items)
    index = np.int32 if max(len(cells), users, items) <= np.iinfo(np.int32).max else np.int64
    np.remainder(cells, items, out=cells)
    csr = sp.csr_array((values, cells.astype(index), ends.astype(index)), shape=(users, items))
    return Ratings.of(csr, scale=(low, high), source="synthetic ratings")


def _opinions(clusters: int, items: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw what each cluster thinks of each item, with standard deviation 1 and of low rank."""
    traits = min(8, clusters)
    appeal = rng.standard_normal(items)
    wants = rng.standard_normal((clusters, traits))
    has = rng.standard_normal((traits, items))
    opinions = np.tile(0.6 * appeal, (clusters, 1))
    for trait in range(traits):  # not a matrix product, whose last bits depend on the machine
        opinions += 0.8 / math.sqrt(traits) * wants[:, trait, None] * has[trait]
    return opinions.astype(np.float32)


def _grid(low: float, high: float, step: float) -> NDArray[Any]:
    """Ratings that there are, without the noise of adding up a decimal step."""
    count = math.floor((high - low) / step + 1e-9) + 1
    grid = np.round(low + step * np.arange(count), 9)
    narrow = grid.astype(np.float32)
    return narrow if (narrow == grid).all() else grid


def _rated(
    opinion: NDArray[np.float32], low: float, high: float, grid: NDArray[Any] | None
) -> NDArray[Any]:
    """Opinions (about -2 to 2) on the scale; overwrites them."""
    if grid is None:
        opinion *= np.float32((high - low) / 4)
        opinion += np.float32((high + low) / 2)
        return np.clip(opinion, np.float32(low), np.float32(high), out=opinion)
    opinion *= np.float32((len(grid) - 1) / 4)
    opinion += np.float32((len(grid) - 1) / 2)
    np.rint(opinion, out=opinion)
    np.clip(opinion, 0, len(grid) - 1, out=opinion)
    return grid[opinion.astype(np.int32)]


def _rated_cells(
    users: int, items: int, density: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Positions (row by row) of the rated cells, ascending, each row and column hit at least once.

    The gaps between hits of independent trials are geometric, so only the hits are drawn.
    """
    parts: list[NDArray[np.int64]] = []
    last = -1
    while last < users * items:
        gaps = rng.geometric(density, _SLAB if users * items * density > _SLAB else 1 << 14)
        part = last + np.cumsum(gaps)
        last = int(part[-1])
        parts.append(part)
    cells = np.concatenate(parts)
    cells = cells[: np.searchsorted(cells, users * items)]
    seen = np.zeros(users, bool)
    seen[cells // items] = True
    silent = np.flatnonzero(~seen)
    more = silent * items + rng.integers(0, items, len(silent))
    seen = np.zeros(items, bool)
    seen[cells % items] = True
    seen[more % items] = True
    unrated = np.flatnonzero(~seen)
    again = rng.integers(0, users, len(unrated)) * items + unrated
    if len(more) or len(again):
        cells = np.sort(np.concatenate([cells, more, again]))
    return cells


def _check(
    users: int,
    items: int,
    density: float,
    scale: tuple[float, float],
    step: float | None,
    clusters: int,
    noise: float,
    seed: int,
) -> None:
    for name, value in (("users", users), ("items", items), ("clusters", clusters)):
        if value < 1:
            raise InputError(f"{name} {value}: generate at least one")
    if not 0 < density <= 1:
        raise InputError(f"density {density:g}: give a share above 0 and up to 1")
    if not (math.isfinite(scale[0]) and math.isfinite(scale[1]) and scale[0] < scale[1]):
        raise InputError(f"scale {scale[0]:g}:{scale[1]:g}: give two numbers, the lower one first")
    if step is not None and not 0 < step <= scale[1] - scale[0]:
        raise InputError(f"step {step:g}: give one above 0 and no longer than the scale")
    if not (math.isfinite(noise) and noise >= 0):
        raise InputError(f"noise {noise:g}: give a number from 0")
    if seed < 0:
        raise InputError(f"seed {seed}: give a number from 0")

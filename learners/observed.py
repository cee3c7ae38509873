"""The observed ratings in the two orders that alternating updates walk through."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ratings import Ratings

_EQUAL = 1e-14  # of the largest rating: deviations no larger are roundings of equal ratings
_SLAB = 4_000_000  # cells looked at together


@dataclass(frozen=True)
class Side:
    """The observed ratings row by row, for the users or for the items.

    Attributes
    ----------
    starts : int64 array, shape (rows + 1,)
    partners : int32 array
        Items of a user, or users of an item, ascending.
    values : float64 array
    """

    starts: NDArray[np.int64]
    partners: NDArray[np.int32]
    values: NDArray[np.float64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Ratings of each row."""
        return np.diff(self.starts)


def observed_csr(ratings: Ratings) -> sp.csr_array:
    """Gather the observed ratings in a CSR matrix of their own dtype.

    Parameters
    ----------
    ratings : Ratings
        Sparse, or dense with NaN where unrated.

    Returns
    -------
    csr : csr_array
        Shares the arrays of a sparse input.

    Raises
    ------
    InputError
        If cells that are not stored count as a number: nothing is missing then.
    """
    if ratings.fill is not None:
        raise InputError(
            f"{ratings.source}: cells that are not stored count as {ratings.fill:g}, so no rating "
            "is missing and there is nothing to predict"
        )
    matrix = ratings.matrix
    if not isinstance(matrix, np.ndarray):
        return matrix
    n, m = matrix.shape
    counts = np.zeros(n + 1, dtype=np.int64)
    columns: list[NDArray[Any]] = []
    data: list[NDArray[Any]] = []
    for start, end in row_blocks(n, m):
        slab = matrix[start:end]
        rated = ~np.isnan(slab) if slab.dtype.kind == "f" else np.ones(slab.shape, dtype=bool)
        counts[start + 1 : end + 1] = rated.sum(axis=1)
        columns.append(np.nonzero(rated)[1].astype(np.int32))
        data.append(slab[rated])
    starts = np.cumsum(counts)
    return sp.csr_array((np.concatenate(data), np.concatenate(columns), starts), shape=(n, m))


def both_sides(csr: sp.csr_array, centre: float, spread: float) -> tuple[Side, Side]:
    """Users' and items' views of the ratings, standardised.

    Parameters
    ----------
    csr : csr_array
    centre, spread : float
        A rating r is held as ``(r - centre) / spread``.

    Returns
    -------
    users, items : Side
    """
    values = (csr.data.astype(np.float64) - centre) / spread
    by_user = sp.csr_array((values, csr.indices, csr.indptr), shape=csr.shape)
    return _side(by_user), _side(by_user.tocsc())


def mean_and_spread(values: NDArray[Any]) -> tuple[float, float]:
    """Mean and standard deviation of the ratings; the latter is 1 where they are all equal.

    Parameters
    ----------
    values : array

    Returns
    -------
    mean, spread : float
        The same of equal ratings, in whatever type they are held.
    """
    exact = values.astype(np.float64, copy=False)
    # a power of two changes no digit, and no sum of what is at most 1 is too large
    unit = math.ldexp(1.0, math.frexp(float(np.abs(exact).max()))[1] - 1)
    exact = exact / unit
    mean = float(exact.mean())
    deviations = exact - mean
    widest = float(np.abs(deviations).max())
    if widest <= _EQUAL:
        return mean * unit, 1.0
    deviations /= widest
    return mean * unit, widest * float(np.sqrt(np.mean(deviations * deviations))) * unit


def row_blocks(n: int, m: int) -> list[tuple[int, int]]:
    """Bounds of row blocks of at most a few million cells.

    Parameters
    ----------
    n, m : int
        Shape of the matrix.

    Returns
    -------
    blocks : list of (start, end)
    """
    rows = max(1, _SLAB // m)
    return [(start, min(n, start + rows)) for start in range(0, n, rows)]


def _side(matrix: Any) -> Side:
    arrays = (
        matrix.indptr.astype(np.int64, copy=False).view(),
        matrix.indices.astype(np.int32, copy=False).view(),
        matrix.data.view(),
    )
    for array in arrays:  # one kind of array, so that the kernels compile once
        array.flags.writeable = False
    return Side(*arrays)

"""What the rows of one side are drawn to by what is known of them: a linear map of features."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from learners.kernels.shared_rows import solve_alike

Matrix = NDArray[np.float64]


class FeaturePrior:
    """A map W from features f_u to rows, fitted so that rows x_u are near ``f_u W``.

    `refit` finds the minimiser of::

        sum_u weight_u (x_u - f_u W)^2 + strength * sum W^2

    in each column by itself. All columns have the same normal equations but for their right sides;
    no step here depends on a number of threads.

    Parameters
    ----------
    features : csr_array, float64, shape (rows, q)
        See `levelled`.
    weight : float64 array, shape (rows,)
    columns : int
    strength : float

    Attributes
    ----------
    map : float64 array, shape (q, columns)
        W. Zero at first.
    """

    def __init__(self, features: sp.csr_array, weight: Matrix, columns: int, strength: float):
        self.strength = strength
        self.map = np.zeros((features.shape[1], columns))
        self._features = features
        self._weighted = (features.multiply(weight[:, None])).T.tocsr()
        self._products = packed_products(self._weighted, features)

    def centre(self) -> Matrix:
        """What each row is drawn to, shape (rows, columns)."""
        centre: Matrix = self._features @ self.map
        return centre

    def refit(self, rows: Matrix) -> None:
        """Fit the map to rows.

        Parameters
        ----------
        rows : float64 array, shape (rows, columns)
        """
        self.map = solved(self._products, self._weighted @ rows, self.strength)

    def penalties(self) -> Matrix:
        """What the map costs in each column."""
        costs: Matrix = self.strength * (self.map**2).sum(axis=0)
        return costs


def levelled(features: NDArray[Any] | sp.csr_array, rows: int, what: str) -> sp.csr_array:
    """Features as a prior reads them: each row divided by the root of how many are not zero.

    So a film of six genres is moved about as far as one of a single genre.

    Parameters
    ----------
    features : array or csr_array, shape (rows, q)
    rows : int
        How many there must be.
    what : str
        Whose features, in words for an error.

    Returns
    -------
    features : csr_array, float64

    Raises
    ------
    InputError
        If there is not one row for each, or they are not finite numbers.
    """
    if features.ndim != 2 or features.dtype.kind not in "fiub":
        raise InputError(
            f"features of {what} are not a table of numbers but have {features.ndim} dimensions "
            f"and the type {features.dtype}"
        )
    matrix = sp.csr_array(features).astype(np.float64)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if matrix.shape[0] != rows:
        raise InputError(f"{what} have {matrix.shape[0]} rows of features, and there are {rows}")
    if not np.isfinite(matrix.data).all():
        raise InputError(f"features of {what} hold a number that is not finite")
    counts = np.diff(matrix.indptr)
    matrix.data = matrix.data / np.repeat(np.sqrt(np.maximum(counts, 1)), counts)
    return matrix


def packed_products(weighted: sp.csr_array, features: sp.csr_array) -> Matrix:
    """Lower triangle of the normal equations, row by row; a sum over rows.

    Parameters
    ----------
    weighted : csr_array, shape (q, rows)
        Weighted features, transposed.
    features : csr_array, shape (rows, q)

    Returns
    -------
    packed : float64 array, shape (q (q + 1) / 2,)
    """
    products = (weighted @ features).toarray()
    return np.ascontiguousarray(products[np.tril_indices(len(products))])


def solved(products: Matrix, sides: Matrix, strength: float) -> Matrix:
    """Map that solves the normal equations.

    Parameters
    ----------
    products : float64 array, shape (q (q + 1) / 2,)
        See `packed_products`.
    sides : float64 array, shape (q, columns)
        Weighted sums of features times rows.
    strength : float

    Returns
    -------
    map : float64 array, shape (q, columns)
    """
    found = np.array(sides.T, order="C")
    solve_alike(products, strength, found)
    return np.ascontiguousarray(found.T)

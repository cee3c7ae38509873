"""Ratings: one immutable matrix, dense or CSR, with the external ids of its users and items."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids
from grouping.memory import require

Matrix: TypeAlias = NDArray[Any] | sp.csr_array

_COO_CELL = 65
"""Bytes a cell that looking for duplicates in COO and converting it takes, as measured."""


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings of n users for m items.

    Build one with `of` (arrays, frames) or `grouping.read_ratings` (files).

    Attributes
    ----------
    matrix : ndarray of shape (n, m), C order, or canonical scipy.sparse.csr_array
        A read-only view of what was given, in its own dtype (float32, float64 or an integer
        type). NaN in a dense matrix and a cell that is not stored in a sparse one mean unrated;
        a stored zero is a rating.
    users, items : Ids
        External ids, in matrix order.
    scale : (float, float) or None
        The declared lowest and highest rating; None: the observed range.
    fill : float or None
        What every cell that is not stored counts as. None in a sparse matrix: unrated.
    source : str
        Where the ratings come from, for messages.
    """

    matrix: Matrix
    users: Ids
    items: Ids
    scale: tuple[float, float] | None = None
    fill: float | None = None
    source: str = "ratings"

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", _read_only(self.matrix, self.source))

    def __setstate__(self, state: dict[str, Any]) -> None:
        # arrays come out of a pickle or a deep copy as ones that can be written to
        self.__dict__.update(state)
        self.__post_init__()

    @classmethod
    def of(
        cls,
        X: Any,
        *,
        users: Ids | Iterable[Any] | None = None,
        items: Ids | Iterable[Any] | None = None,
        scale: tuple[float, float] | None = None,
        source: str = "ratings",
    ) -> Ratings:
        """Ratings from an array, a sparse matrix or a wide frame.

        Parameters
        ----------
        X : array-like of shape (n, m), scipy sparse, pandas or polars frame, or Ratings
            Frames are wide: a row a user (pandas: the index holds the user ids; polars: the
            first column does), a column an item. NaN and null mean unrated.
        users, items : iterable of ids, optional
            Names in matrix order; by default those of the frame, or the positions.
        scale : (float, float), optional
            The declared lowest and highest rating.
        source : str
            What to call the input in messages.

        Returns
        -------
        ratings : Ratings

        Raises
        ------
        InputError
            If `X` is not two-dimensional, has no row or column, is not numeric, or stores a
            cell twice; if ids are not distinct or not as many as rows or columns.
        """
        if isinstance(X, Ratings):
            return X if scale is None else replace(X, scale=_checked_scale(scale))
        X, frame_users, frame_items = _frame_parts(X)
        users = frame_users if users is None else users
        items = frame_items if items is None else items
        matrix: Matrix = _canonical_csr(X, source) if sp.issparse(X) else _plain_dense(X, source)
        n, m = matrix.shape
        if n == 0 or m == 0:
            raise InputError(
                f"{source}: {n} users and {m} items: there is nothing to form groups from "
                f"(found array with {n} sample(s) and {m} feature(s) while a minimum of 1 is "
                "required)"
            )
        return cls(
            matrix,
            _checked_ids(users, n, "user", source),
            _checked_ids(items, m, "item", source),
            None if scale is None else _checked_scale(scale),
            source=source,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of users and of items."""
        n, m = self.matrix.shape
        return int(n), int(m)

    @property
    def sparse(self) -> bool:
        """Whether the matrix is CSR."""
        return bool(sp.issparse(self.matrix))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored ratings."""
        return np.dtype(self.matrix.dtype)

    def count(self) -> int:
        """Count the cells that hold a rating (for dense floats this reads the whole matrix)."""
        if isinstance(self.matrix, np.ndarray):
            if self.matrix.dtype.kind != "f":
                return int(self.matrix.size)
            return int(self.matrix.size - sum(int(np.isnan(r).sum()) for r in _slabs(self.matrix)))
        return int(self.matrix.nnz)

    def density(self) -> float:
        """Share of the cells that hold a rating."""
        n, m = self.shape
        return self.count() / (n * m)

    def observed_range(self) -> tuple[float, float]:
        """Lowest and highest rating present.

        Raises
        ------
        InputError
            If there is no rating at all, or one is infinite.
        """
        from numba import get_num_threads

        from grouping.kernels.scan import key_range

        stored = self.matrix if isinstance(self.matrix, np.ndarray) else self.matrix.data
        if stored.size == 0:
            raise InputError(f"{self.source}: holds no rating")
        keys, limit = ordered_keys(stored.reshape(-1))
        low_key, high_key = key_range(keys, get_num_threads())
        if limit == 0 or (low_key >= 0 and high_key < limit):
            return value_of_key(low_key, self.dtype), value_of_key(high_key, self.dtype)
        low, high = math.inf, -math.inf
        for slab in _slabs(stored):
            rated = slab[~np.isnan(slab)]
            if rated.size:
                low, high = min(low, float(rated.min())), max(high, float(rated.max()))
        if low > high:
            raise InputError(f"{self.source}: holds no rating")
        if math.isinf(low) or math.isinf(high):
            raise self.infinite(
                next(u for u in range(self.shape[0]) if np.isinf(self.row(u)).any())
            )
        return low, high

    def check_scale(self, low: float, high: float) -> None:
        """Refuse ratings outside the declared scale.

        Parameters
        ----------
        low, high : float
            Lowest and highest rating present.

        Raises
        ------
        InputError
            Naming the first such rating.
        """
        if self.scale is None or (low >= self.scale[0] and high <= self.scale[1]):
            return
        for user in range(self.shape[0]):
            row = self.row(user)
            out = np.flatnonzero((row < self.scale[0]) | (row > self.scale[1]))
            if len(out):
                raise InputError(
                    f"{self.source}: the rating {row[out[0]]:g} of user {self.users[user]} for "
                    f"item {self.items[int(out[0])]} lies outside the scale "
                    f"{self.scale[0]:g}:{self.scale[1]:g}"
                )

    def infinite(self, user: int) -> InputError:
        """Make the error that names a user's first infinite rating.

        Parameters
        ----------
        user : int
            Who has one.

        Returns
        -------
        error : InputError
        """
        item = int(np.flatnonzero(np.isinf(self.row(user)))[0])
        return InputError(
            f"{self.source}: the rating of user {self.users[user]} for item {self.items[item]} "
            "is infinite: ratings must be finite"
        )

    def row(self, user: int) -> NDArray[Any]:
        """One user's ratings over all items, unrated as NaN or as `fill`.

        Parameters
        ----------
        user : int

        Returns
        -------
        row : float64 array, shape (m,)
        """
        if isinstance(self.matrix, np.ndarray):
            whole: NDArray[np.float64] = self.matrix[user].astype(np.float64)
            return whole
        row = np.full(self.shape[1], np.nan if self.fill is None else self.fill)
        start, end = self.matrix.indptr[user], self.matrix.indptr[user + 1]
        row[self.matrix.indices[start:end]] = self.matrix.data[start:end]
        return row

    def with_matrix(self, matrix: Matrix, *, fill: float | None = None) -> Ratings:
        """Return the same users and items with other values (made read-only).

        Parameters
        ----------
        matrix : ndarray or csr_array of shape (n, m)
        fill : float, optional
            What cells that are not stored count as.

        Returns
        -------
        ratings : Ratings

        Raises
        ------
        InputError
            If the matrix is sparse and stores a cell twice.
        """
        return replace(self, matrix=matrix, fill=fill)


def ordered_keys(values: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Integers in the order of the ratings, which vector code compares faster than floats.

    Parameters
    ----------
    values : array
        Ratings of a type that `Ratings` holds.

    Returns
    -------
    keys : integer array of the same shape
        Integer ratings themselves; of floats a view of their bits, whose order is theirs only
        among keys from 0 up to `limit`: numbers that are neither negative nor -0.0.
    limit : int
        Keys of `limit` or more are infinite or NaN. 0: no key needs a check.
    """
    if values.dtype == np.float32:
        return values.view(np.int32), 0x7F800000
    if values.dtype == np.float64:
        return values.view(np.int64), 0x7FF0000000000000
    return values, 0


def value_of_key(key: int, dtype: np.dtype[Any]) -> float:
    """Rating that a key of `ordered_keys` stands for.

    Parameters
    ----------
    key : int
    dtype : dtype
        Of the ratings.

    Returns
    -------
    value : float
    """
    if dtype.kind != "f":
        return float(key)
    return float(np.array(key, f"i{dtype.itemsize}").view(dtype))


def _slabs(array: NDArray[Any]) -> Iterable[NDArray[Any]]:
    """Pieces of bounded size, so that a scan needs no temporary as large as the input."""
    rows = max(1, 4_000_000 // max(1, array[:1].size))
    for start in range(0, len(array), rows):
        yield array[start : start + rows]


def _frame_parts(X: Any) -> tuple[Any, Any, Any]:
    """Values, user ids and item ids of a pandas or polars frame; anything else as it is."""
    kind = type(X).__module__.partition(".")[0]
    if kind in ("pandas", "polars") and hasattr(X, "columns"):
        _refuse_long(list(X.columns))
    if kind == "pandas" and hasattr(X, "columns"):
        if any(dtype.kind not in "iuf" for dtype in (c.dtype for _, c in X.items())):
            X = _numeric_frame(X)
        dtypes = {c.dtype for _, c in X.items()}
        masked = any(not isinstance(d, np.dtype) for d in dtypes)
        values = X.to_numpy(dtype=np.float64, na_value=np.nan) if masked else X.to_numpy()
        return values, list(X.index), list(X.columns)
    if kind == "polars" and hasattr(X, "columns"):
        if X.width < 2:
            raise InputError("a wide polars frame has the user ids first, then a column an item")
        values = X[:, 1:].to_numpy()
        if values.dtype.kind == "O":
            raise InputError("a wide frame's item columns must be numeric")
        return values, X[:, 0].to_list(), X.columns[1:]
    return X, None, None


def _refuse_long(columns: list[Any]) -> None:
    """Refuse a table of user, item and rating, which would be read as three items."""
    from grouping.reading.layout import names_all_roles

    if all(isinstance(name, str) for name in columns) and names_all_roles(columns):
        raise InputError(
            f"the columns {', '.join(columns)} look like a row a rating, and a frame has a row a "
            "user and a column an item: pivot it, or write it to a file for read_ratings"
        )


def _numeric_frame(X: Any) -> Any:
    try:
        return X.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"a wide frame's columns must be numeric: {error}") from error


def _plain_dense(X: Any, source: str) -> NDArray[Any]:
    if np.ma.isMaskedArray(X):  # what is masked is unrated
        X = np.ma.filled(X.astype(np.float64), np.nan)
    if isinstance(X, (str, os.PathLike)):
        raise InputError(f"{X}: is a path: read the file by read_ratings, and give what it returns")
    try:
        array = np.asarray(X)
    except ValueError as error:  # rows of different lengths
        raise InputError(f"{source}: is no matrix of users x items: {error}") from error
    if array.ndim != 2:
        raise InputError(
            f"{source}: expected 2D array (users x items), got {array.ndim}D array instead. "
            "Reshape your data."
        )
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"{source}: ratings must be numeric: {error}") from error
    array = _kernel_dtype(array, source)
    if not array.flags.c_contiguous:
        require(array.nbytes, f"copying {source} row by row", "give or save them in C order")
    return np.ascontiguousarray(array)


def _canonical_csr(X: Any, source: str) -> sp.csr_array:
    """CSR with sorted columns and no cell stored twice, sharing the input's arrays if it can."""
    if X.ndim != 2:
        raise InputError(f"{source}: expected 2D array (users x items), got {X.ndim}D")
    if X.format != "csr":
        cell_bytes = _COO_CELL if X.format == "coo" else X.dtype.itemsize + 8
        require(cell_bytes * X.nnz, f"converting {source} to CSR", "give or save them as CSR")
    if X.format == "coo":
        # conversion would add duplicates up, so they are looked for first
        row, column = X.coords
        cell = row.astype(np.int64) * X.shape[1] + column
        if len(np.unique(cell)) < len(cell):
            raise InputError(f"{source}: a (user, item) cell is stored twice")
    csr = sp.csr_array(X)
    fresh = _in_order(sp.csr_array((csr.data, csr.indices, csr.indptr), shape=csr.shape), source)
    if fresh.data.dtype.kind == "f" and np.isnan(fresh.data).any():
        raise InputError(
            f"{source}: NaN is stored as a rating; leave unrated cells out of a sparse matrix"
        )
    data = _kernel_dtype(fresh.data, source)
    csr = sp.csr_array((data, fresh.indices, fresh.indptr), shape=fresh.shape)
    csr.has_canonical_format = True  # so that it is not looked at again
    return csr


def _in_order(csr: sp.csr_array, source: str) -> sp.csr_array:
    """CSR with sorted columns, a copy if they were not; refused if a cell is stored twice."""
    if not csr.has_sorted_indices:
        needed = csr.data.nbytes + csr.indices.nbytes + csr.indptr.nbytes
        require(needed, f"sorting the columns of {source}", "give or save them sorted")
        csr = csr.copy()
        csr.sort_indices()
    if not csr.has_canonical_format:
        raise InputError(f"{source}: a (user, item) cell is stored twice")
    return csr


def _kernel_dtype(array: NDArray[Any], source: str) -> NDArray[Any]:
    """The array in a type that the kernels read: floats of 4 or 8 bytes, native integers."""
    dtype = array.dtype
    if dtype.kind == "c":
        raise InputError(f"{source}: Complex data not supported: ratings are real numbers")
    if dtype.kind == "b":
        return array.view(np.uint8)
    if dtype.kind == "f":
        wanted = np.dtype(np.float32 if dtype.itemsize <= 4 else np.float64)
    elif dtype.kind in "iu":
        wanted = np.dtype(f"{dtype.kind}{dtype.itemsize}")
        if dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
            raise InputError(f"{source}: ratings of 2**63 or more are not supported")
        wanted = np.dtype(np.int64) if dtype == np.uint64 else wanted
    else:
        raise InputError(f"{source}: ratings must be numeric, not of dtype {dtype}")
    if wanted != dtype:
        needed = array.size * wanted.itemsize
        require(needed, f"converting {source} to {wanted}", f"give or save them as {wanted}")
    return array.astype(wanted, copy=False)


def _read_only(matrix: Any, source: str) -> Any:
    """Return a view that cannot be written through: kernels compile for one kind of array."""
    if isinstance(matrix, np.ndarray):
        return _frozen(matrix)
    matrix = _in_order(matrix, source)
    view = sp.csr_array(
        (_frozen(matrix.data), _frozen(matrix.indices), _frozen(matrix.indptr)),
        shape=matrix.shape,
    )
    view.has_canonical_format = True
    return view


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def _checked_ids(ids: Any, expected: int, what: str, source: str) -> Ids:
    if ids is None:
        return Ids(expected, what)
    checked = ids if isinstance(ids, Ids) else Ids(ids, what)
    if len(checked) != expected:
        raise InputError(f"{source}: {len(checked)} {what} ids for {expected} {what}s")
    return checked


def _checked_scale(scale: tuple[float, float]) -> tuple[float, float]:
    low, high = float(scale[0]), float(scale[1])
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"scale {low:g}:{high:g}: give two finite numbers, the lower one first")
    return low, high

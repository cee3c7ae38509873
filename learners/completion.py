"""Complete ratings: predictions where there is no rating, the ratings themselves where there is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.kernels.jit import threads as using_threads
from grouping.ratings import Ratings
from learners.kernels.scores import score_pairs, score_rows
from learners.observed import observed_csr, row_blocks


class BiasedFactors:
    """What a fitted model of the form ``mean + b_u + b_i + p_u . q_i`` predicts.

    Base of the models that are fitted in this form; in itself it fits nothing.

    Attributes
    ----------
    global_mean_ : float
    user_bias_, item_bias_ : float64 arrays, shapes (n,), (m,)
    user_factors_, item_factors_ : float64 arrays, shapes (n, k), (m, k)
    range_ : (float, float)
        The declared scale of the fitted ratings, else their observed range: predictions are
        clipped to it.
    """

    threads: int | None
    global_mean_: float
    user_bias_: NDArray[np.float64]
    item_bias_: NDArray[np.float64]
    user_factors_: NDArray[np.float64]
    item_factors_: NDArray[np.float64]
    range_: tuple[float, float]

    def predict(
        self, user_positions: Any, item_positions: Any, *, clip: bool = True
    ) -> NDArray[np.float64]:
        """Predicted ratings of pairs.

        Parameters
        ----------
        user_positions, item_positions : array-like of int, of equal length
            Row and column numbers.
        clip : bool
            Whether to clip to the scale of the ratings.

        Returns
        -------
        predictions : float64 array

        Raises
        ------
        InputError
            If the lengths differ or a position lies outside of the fitted matrix.
        """
        self._require_fit()
        users = _positions(user_positions, len(self.user_bias_), "user")
        items = _positions(item_positions, len(self.item_bias_), "item")
        if len(users) != len(items):
            raise InputError(f"{len(users)} user positions for {len(items)} item positions")
        scores = np.empty(len(users))
        score_pairs(
            users,
            items,
            self.global_mean_,
            self.user_bias_,
            self.item_bias_,
            self.user_factors_,
            self.item_factors_,
            scores,
        )
        return np.clip(scores, *self.range_, out=scores) if clip else scores

    def complete(self, ratings: Ratings) -> Ratings:
        """Fill the unrated cells with predictions; what is rated stays as it is.

        The one large array made is the result: see `completed_dtype`.

        Parameters
        ----------
        ratings : Ratings of shape (n, m)
            With the users and items that the model was fitted to.

        Returns
        -------
        complete : Ratings
            Dense, without NaN.

        Raises
        ------
        InputError
            If the shape is not that of the fitted ratings.
        """
        self._require_fit()
        n, m = len(self.user_bias_), len(self.item_bias_)
        if ratings.shape != (n, m):
            raise InputError(
                f"{ratings.source}: {ratings.shape[0]} users and {ratings.shape[1]} items, but the "
                f"predictor was fitted to {n} users and {m} items"
            )
        dense = ratings.matrix if isinstance(ratings.matrix, np.ndarray) else None
        csr = observed_csr(ratings) if dense is None else None
        complete = np.empty((n, m), dtype=completed_dtype(ratings))
        by_factor = np.ascontiguousarray(self.item_factors_.T)
        with using_threads(self.threads):
            for start, end in row_blocks(n, m):
                block = complete[start:end]
                score_rows(
                    start,
                    self.global_mean_,
                    self.user_bias_,
                    self.item_bias_,
                    self.user_factors_,
                    by_factor,
                    *self.range_,
                    block,
                )
                if dense is not None:
                    rated = dense[start:end]
                    np.copyto(block, rated, where=~np.isnan(rated), casting="unsafe")
                if csr is not None:
                    span = slice(csr.indptr[start], csr.indptr[end])
                    rows = np.repeat(np.arange(end - start), np.diff(csr.indptr[start : end + 1]))
                    block[rows, csr.indices[span]] = csr.data[span]
        return ratings.with_matrix(complete)

    def _require_fit(self) -> None:
        if not hasattr(self, "global_mean_"):
            raise InputError(f"{type(self).__name__} is not fitted yet: call fit first")


def completed_dtype(ratings: Ratings) -> np.dtype[Any]:
    """Type of the completed matrix: float32, unless that would change a rating: float64 then.

    An end of a declared scale that float32 would move past calls for float64 too.

    Parameters
    ----------
    ratings : Ratings

    Returns
    -------
    dtype : dtype

    Raises
    ------
    InputError
        If float64 would change a rating too.
    """
    single, double = np.dtype(np.float32), np.dtype(np.float64)
    stored = ratings.matrix if isinstance(ratings.matrix, np.ndarray) else ratings.matrix.data
    if _changed(np.array(ratings.scale or ()), single):
        return double
    if stored.dtype == single or (stored.dtype.kind in "iu" and stored.dtype.itemsize <= 2):
        return single
    blocks = row_blocks(len(stored), max(1, stored[:1].size))
    if not any(_changed(stored[start:end], single) for start, end in blocks):
        return single
    if any(_changed(stored[start:end], double) for start, end in blocks):
        raise InputError(
            f"{ratings.source}: whole ratings beyond 2**53 cannot be completed: scale them down"
        )
    return double


def completed_bytes(ratings: Ratings) -> int:
    """Memory that the completed matrix takes.

    Parameters
    ----------
    ratings : Ratings

    Returns
    -------
    size : int
        In bytes.
    """
    n, m = ratings.shape
    return n * m * completed_dtype(ratings).itemsize


def _positions(positions: Any, size: int, what: str) -> NDArray[np.int64]:
    array = np.asarray(positions)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InputError(f"{what} positions must be a one-dimensional array of whole numbers")
    if array.size and not (array.min() >= 0 and array.max() < size):
        raise InputError(f"{what} positions must lie between 0 and {size - 1}")
    return np.ascontiguousarray(array, dtype=np.int64)


def _changed(values: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        there = values.astype(dtype)
        if values.dtype.kind != "f":  # numpy would compare whole numbers as floats
            return bool((there.astype(values.dtype) != values).any())
        changed = (there != values) & ~np.isnan(values)
    return bool(changed.any())

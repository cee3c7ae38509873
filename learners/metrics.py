"""How far predictions are from ratings, and how well they rank them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rmse(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Root of the mean squared error.

    Parameters
    ----------
    truth, predicted : array-like of equal, non-empty shape

    Returns
    -------
    error : float
    """
    errors = _errors(truth, predicted)
    return float(np.sqrt(np.mean(errors * errors)))


def mae(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error.

    Parameters
    ----------
    truth, predicted : array-like of equal, non-empty shape

    Returns
    -------
    error : float
    """
    return float(np.mean(np.abs(_errors(truth, predicted))))


def _errors(truth: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    true = np.asarray(truth, dtype=np.float64)
    guess = np.asarray(predicted, dtype=np.float64)
    if true.shape != guess.shape or not true.size:
        raise ValueError(f"cannot compare shapes {true.shape} and {guess.shape}")
    errors: NDArray[np.float64] = true - guess
    return errors


def average_precisions(
    rows: ArrayLike, truth: ArrayLike, scores: ArrayLike, *, k: int = 10
) -> NDArray[np.float64]:
    """Average precision at k of each row that has entries.

    A row's entries are ranked by their scores (of equals, the first given comes first) and cut
    after k. Precision at the places of the positives is averaged over the positives among these
    k; a row without one counts 0. Unrated items are never ranked.

    Parameters
    ----------
    rows : array-like of int
        The row of each entry.
    truth : array-like
        Whether it is a positive: above 0.5.
    scores : array-like
        What to rank by, highest first.
    k : int

    Returns
    -------
    precisions : float64 array
        By row, ascending; their mean is MAP@k.

    Raises
    ------
    ValueError
        If the lengths differ, nothing is given, or a score is NaN.
    """
    row = np.asarray(rows, dtype=np.int64)
    positive = np.asarray(truth, dtype=np.float64) > 0.5
    score = np.asarray(scores, dtype=np.float64)
    if not row.shape == positive.shape == score.shape or not row.size:
        raise ValueError(f"cannot rank {row.shape}, {positive.shape} and {score.shape}")
    if np.isnan(score).any():
        raise ValueError("a score is not a number, so that nothing can be ranked by it")
    order = np.lexsort((np.arange(len(row)), -score, row))
    row, positive = row[order], positive[order]
    starts = np.flatnonzero(np.concatenate(([True], row[1:] != row[:-1])))
    group = np.repeat(np.arange(len(starts)), np.diff([*starts, len(row)]))
    place = np.arange(len(row)) - starts[group]
    hit = positive & (place < k)
    hits: NDArray[np.int64] = np.cumsum(hit)
    before = (hits - hit)[starts]
    precision = np.where(hit, (hits - before[group]) / (place + 1), 0.0)
    total = np.bincount(group, weights=precision)
    count = np.bincount(group, weights=hit)
    return np.divide(total, count, out=np.zeros(len(starts)), where=count > 0)

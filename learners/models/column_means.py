"""The base model: what a column's ratings are on average."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.entries import Entries


def column_means(train: Entries, columns: int) -> NDArray[np.float64]:
    """Mean rating of each column; a column without ratings gets the mean of the other means.

    Parameters
    ----------
    train : Entries
        At least one.
    columns : int

    Returns
    -------
    means : float64 array, shape (columns,)
    """
    counts = np.bincount(train.columns, minlength=columns)
    sums = np.bincount(train.columns, weights=train.values, minlength=columns)
    means = np.divide(sums, counts, out=np.zeros(columns), where=counts > 0)
    means[counts == 0] = means[counts > 0].mean()
    return means


def popularity(train: Entries, columns: int) -> NDArray[np.float64]:
    """Share of the active rows that like each column; a row with any rating is active.

    Parameters
    ----------
    train : Entries
        At least one; values 0 and 1.
    columns : int

    Returns
    -------
    shares : float64 array, shape (columns,)
    """
    active = len(np.unique(train.rows))
    likes = np.bincount(train.columns, weights=train.values, minlength=columns)
    shares: NDArray[np.float64] = likes / active
    return shares

"""How far predictions are from ratings."""

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

"""Where an organisation starts from: F0, made from its own ratings alone."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners.bias import BiasModel
from learners.entries import Entries
from learners.models.column_means import column_means, popularity
from learners.mtal.overarching import Overarching, Vector

BASES = ("mean", "bias")


class Base(Protocol):
    """Scores before the first round."""

    def at(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Vector:
        """Scores of entries."""

    def block(self, rows: int, columns: int) -> NDArray[np.float64]:
        """Scores of all entries."""


class ColumnBase:
    """The same score for a column whatever the row: mean rating, or popularity as the logit."""

    def __init__(self, train: Entries, columns: int, loss: Overarching) -> None:
        self._scores = (column_means if loss == "squared" else popularity)(train, columns)

    def at(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Vector:
        """Scores of entries."""
        return self._scores[columns]

    def block(self, rows: int, columns: int) -> NDArray[np.float64]:
        """Scores of all entries."""
        return np.tile(self._scores, (rows, 1))


class BiasBase:
    """Mean, bias of the row and bias of the column: `learners.bias.BiasModel` on own ratings."""

    def __init__(self, train: Entries, shape: tuple[int, int]) -> None:
        matrix = train.csr(shape)
        model = BiasModel().fit(Ratings.of(sp.csr_array(matrix)))
        self._of_rows = model.global_mean_ + model.user_bias_
        self._of_columns = model.item_bias_

    def at(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Vector:
        """Scores of entries."""
        scores: Vector = self._of_rows[rows] + self._of_columns[columns]
        return scores

    def block(self, rows: int, columns: int) -> NDArray[np.float64]:
        """Scores of all entries."""
        scores: Vector = self._of_rows[:, None] + self._of_columns
        return scores


def make_base(name: str, train: Entries, shape: tuple[int, int], loss: Overarching) -> Base:
    """Make F0.

    Parameters
    ----------
    name : {"mean", "bias"}
        ``mean`` is the paper's. ``bias`` is for the squared error.
    train : Entries
    shape : (int, int)
    loss : str

    Returns
    -------
    base : Base

    Raises
    ------
    InputError
        If there is no such base, or it does not go with the loss.
    """
    if name == "mean":
        return ColumnBase(train, shape[1], loss)
    if name != "bias":
        raise InputError(f"base {name!r}: give one of {', '.join(BASES)}")
    if loss != "squared":
        raise InputError("the bias base is for explicit feedback")
    return BiasBase(train, shape)

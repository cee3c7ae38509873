"""What models read: rows of ratings with their side information, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.models.sparse_layers import SparseRows

SLAB = 512
"""Rows scored together where nothing is learned."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """All rows that a model is given.

    Attributes
    ----------
    ratings : csr_array of float32, shape (rows, columns)
        What each row reads; what is not stored reads as zero.
    row_features : float32 array, shape (rows, p), or None
    column_features : float32 array, shape (columns, q), or None
    """

    ratings: sp.csr_array
    row_features: NDArray[np.float32] | None = None
    column_features: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        rows, columns = self.ratings.shape
        for features, count in ((self.row_features, rows), (self.column_features, columns)):
            if features is not None and len(features) != count:
                raise ValueError(f"{len(features)} rows of side information for {count}")

    def rated_features(self) -> NDArray[np.float32] | None:
        """Sum of the features of the columns that each row rated, whatever the ratings are."""
        if self.column_features is None:
            return None
        rated = sp.csr_array(
            (np.ones_like(self.ratings.data), self.ratings.indices, self.ratings.indptr),
            shape=self.ratings.shape,
        )
        sums: NDArray[np.float32] = rated @ self.column_features
        return sums


@dataclass(frozen=True, eq=False)
class Batch:
    """Some of the rows.

    Attributes
    ----------
    rows : int64 tensor, shape (batch,)
        Their positions.
    ratings : SparseRows
    row_features, rated_features : float32 tensors with a row each, or None
    """

    rows: Tensor
    ratings: SparseRows
    row_features: Tensor | None
    rated_features: Tensor | None


class Batches:
    """Deals out rows with their targets.

    Parameters
    ----------
    inputs : Inputs
    device : torch.device
    """

    def __init__(self, inputs: Inputs, device: torch.device) -> None:
        self.count = int(inputs.ratings.shape[0])
        self.device = device
        self._ratings = SparseRows.of(inputs.ratings)
        self._features = _tensor(inputs.row_features, device)
        self._rated = _tensor(inputs.rated_features(), device)

    def drawn(
        self, targets: SparseRows, size: int, generator: torch.Generator
    ) -> Iterator[tuple[Batch, SparseRows]]:
        """Deal out once, in random order, the rows that have targets.

        Parameters
        ----------
        targets : SparseRows
            In the memory of the CPU.
        size : int
            Rows a batch.
        generator : torch.Generator
            Of the order.

        Yields
        ------
        batch : Batch
        targets : SparseRows
        """
        active = np.flatnonzero(np.diff(targets.bounds))
        order = active[torch.randperm(len(active), generator=generator).numpy()]
        yield from self._dealt(order, targets.taken(order, self.device), size)

    def given(self, wanted: sp.csr_array | None = None) -> Iterator[tuple[Batch, SparseRows]]:
        """Deal out all rows in their order.

        Parameters
        ----------
        wanted : csr_array, optional
            Entries asked for, a row each.

        Yields
        ------
        batch : Batch
        wanted : SparseRows
        """
        nothing = sp.csr_array((np.empty(0, np.float32), ([], [])), shape=(self.count, 1))
        asked = SparseRows.of(nothing if wanted is None else wanted, self.device)
        yield from self._dealt(np.arange(self.count), asked, SLAB)

    def _dealt(
        self, order: NDArray[np.int64], goals: SparseRows, size: int
    ) -> Iterator[tuple[Batch, SparseRows]]:
        ratings = self._ratings.taken(order, self.device)
        rows = torch.tensor(order, device=self.device)
        for first in range(0, len(order), size):
            last = min(first + size, len(order))
            chosen = rows[first:last]
            batch = Batch(
                chosen,
                ratings.part(first, last),
                None if self._features is None else self._features[chosen],
                None if self._rated is None else self._rated[chosen],
            )
            yield batch, goals.part(first, last)


def _tensor(array: NDArray[np.float32] | None, device: torch.device) -> Tensor | None:
    return None if array is None else torch.tensor(array, device=device)

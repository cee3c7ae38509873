"""What every network here can be asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from learners.models.batches import Batch
from learners.models.losses import Loss, mean_loss
from learners.models.sparse_layers import SparseRows


@dataclass(frozen=True)
class Sizes:
    """How large a network's data are.

    Attributes
    ----------
    rows, columns, outputs : int
        Rows and columns that it reads, columns that it scores.
    row_features, column_features : int
        Columns of side information; 0: there is none.
    """

    rows: int
    columns: int
    outputs: int
    row_features: int = 0
    column_features: int = 0


class Network(nn.Module, ABC):
    """Base of the networks: scores of some entries of a batch's rows."""

    @abstractmethod
    def scores(
        self, batch: Batch, wanted: SparseRows, generator: torch.Generator | None = None
    ) -> Tensor:
        """Scores of the wanted entries.

        Parameters
        ----------
        batch : Batch
        wanted : SparseRows
            With a row for each of the batch; values are not looked at.
        generator : torch.Generator, optional
            Of what is random while training; none: nothing is.

        Returns
        -------
        scores : tensor, shape (entries,)
        """

    def add_gradients(
        self, loss: Loss, batch: Batch, wanted: SparseRows, generator: torch.Generator | None = None
    ) -> None:
        """Add the gradient of the mean loss to that of each parameter.

        Parameters
        ----------
        loss : str
            One of `learners.models.losses.LOSSES`.
        batch : Batch
        wanted : SparseRows
            With a row for each of the batch; values are what is to be scored.
        generator : torch.Generator, optional
            As for `scores`.
        """
        mean_loss(loss, self.scores(batch, wanted, generator), wanted.values).backward()  # type: ignore[no-untyped-call]


class RowNetwork(Network):
    """A network that makes something of a row before it is asked for any column."""

    @abstractmethod
    def codes(self, batch: Batch) -> Tensor:
        """What the rows are scored by.

        Parameters
        ----------
        batch : Batch

        Returns
        -------
        codes : tensor, shape (batch, width)
        """

    @abstractmethod
    def scores_of(self, codes: Tensor, columns: slice) -> Tensor:
        """Scores of a stretch of columns.

        Parameters
        ----------
        codes : tensor, shape (rows, width)
        columns : slice

        Returns
        -------
        scores : tensor, shape (rows, columns)
        """


def new_generator(seed: int) -> torch.Generator:
    """Make a generator of random numbers on the CPU."""
    return torch.Generator().manual_seed(seed)

"""From sparse inputs to embeddings: equations 1 and 2, with a rating left out of its own inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from learners.dmtl.inputs import Inputs

_SPREAD = 0.05  # of the weights to start from: sums over rows of length about 1 stay small


@dataclass(frozen=True, eq=False)
class Tables:
    """Inputs as tensors on the device; see `Inputs` for what they mean."""

    raters: Tensor
    items: Tensor
    history: Tensor
    seen: Tensor
    item_history: int
    item_seen: int
    rater_scale: Tensor
    item_scale: Tensor
    cells: Tensor
    values: Tensor

    @classmethod
    def of(cls, inputs: Inputs, device: torch.device) -> Tables:
        """Copy inputs to a device."""

        def tensor(array: NDArray[np.generic]) -> Tensor:
            return torch.tensor(np.ascontiguousarray(array), device=device)

        return cls(
            _sparse(inputs.raters, device),
            _sparse(inputs.items, device),
            tensor(inputs.history),
            tensor(inputs.seen),
            inputs.item_history,
            inputs.item_seen,
            tensor(inputs.rater_scale),
            tensor(inputs.item_scale),
            tensor(inputs.cells),
            tensor(inputs.values),
        )

    def ratings_of(self, raters: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised ratings that were given, and where there are some.

        Parameters
        ----------
        raters : int64 tensor, shape (batch,)
        items : int64 tensor, shape (batch, candidates)

        Returns
        -------
        values : tensor, shape (batch, candidates)
            0 where there is none.
        given : bool tensor, shape (batch, candidates)
        """
        asked = raters[:, None] * self.items.shape[0] + items
        place = torch.searchsorted(self.cells, asked).clamp(max=len(self.cells) - 1)
        given = self.cells[place] == asked
        return torch.where(given, self.values[place], 0.0), given


class Encoder(nn.Module):
    """h = ReLU(W x + b) for all rows x of a sparse table, and a linear term beside it.

    Equation 1 for raters, equation 2 for items. Linear terms c = w . x (of a rater: how generous;
    of an item: how well liked, and how differently by groups) are the last columns of ``weight``
    and start at zero; the paper's network does without them.

    Parameters
    ----------
    width : int
        Columns of x.
    size : int
        Components of h.
    linear : int
        How many linear terms there are.
    """

    def __init__(self, width: int, size: int, *, linear: int) -> None:
        super().__init__()
        self.size = size
        start = torch.cat([_SPREAD * torch.randn(width, size), torch.zeros(width, linear)], dim=1)
        self.weight = nn.Parameter(start)
        self.shift = nn.Parameter(torch.zeros(size))

    def forward(self, table: Tensor) -> Tensor:
        """W x of all rows, the linear terms last; shape (rows, size + linear)."""
        made: Tensor = torch.sparse.mm(table, self.weight)
        return made

    def without(
        self, before: Tensor, cells: tuple[Tensor, Tensor], value: Tensor, scale: Tensor
    ) -> Tensor:
        """Take one rating out of each row.

        Parameters
        ----------
        before : tensor, shape (batch, size + linear)
            Rows of what `forward` gave.
        cells : int64 tensors, shape (batch,)
            The columns of the rating's value and of its mark; below 0: none.
        value : tensor, shape (batch,)
            The standardised rating.
        scale : tensor, shape (batch,)
            What its value and mark were multiplied with.

        Returns
        -------
        rows : tensor, shape (batch, size + linear)
        """
        for column, held in zip(cells, (value * scale, scale), strict=True):
            held = torch.where(column >= 0, held, 0.0)
            before = before - held[:, None] * self.weight[column.clamp(min=0)]
        return before

    def activated(self, before: Tensor, dropout: float = 0.0) -> tuple[Tensor, Tensor]:
        """H, and the linear terms.

        Parameters
        ----------
        before : tensor, shape (..., size + linear)
        dropout : float

        Returns
        -------
        h : tensor, shape (..., size)
        linear : tensor, shape (..., linear)
        """
        h = torch.relu(before[..., : self.size] + self.shift)
        if dropout and self.training:
            h = torch.dropout(h, dropout, True)
        return h, before[..., self.size :]


def rater_cells(tables: Tables, raters: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
    """Columns of the raters' rows in which their ratings of the items stand; -1: none."""
    starts = tables.history[raters], tables.seen[raters]
    history, seen = (torch.where(start >= 0, start + items, -1) for start in starts)
    return history, seen


def item_cells(tables: Tables, raters: Tensor) -> tuple[Tensor, Tensor]:
    """Columns of the items' rows in which the raters' ratings stand; -1: none."""
    starts = tables.item_history, tables.item_seen
    history, seen = (raters + s if s >= 0 else torch.full_like(raters, -1) for s in starts)
    return history, seen


def _sparse(csr: sp.csr_array, device: torch.device) -> Tensor:
    rows = np.repeat(np.arange(csr.shape[0], dtype=np.int64), np.diff(csr.indptr))
    cells = np.stack([rows, csr.indices.astype(np.int64)])
    made: Tensor = torch.sparse_coo_tensor(
        torch.tensor(cells), torch.tensor(csr.data), csr.shape, check_invariants=True
    )
    return made.coalesce().to(device)

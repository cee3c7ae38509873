"""From sparse inputs to embeddings: equations 1 and 2, with a rating left out of its own inputs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from learners.dmtl.inputs import Inputs

_SPREAD = 0.05  # of the weights to start from: sums over rows of length about 1 stay small


@dataclass(frozen=True, eq=False)
class Table:
    """A sparse table on the device.

    Attributes
    ----------
    rows : compressed sparse float32 tensor, shape (rows, columns)
    columns : compressed sparse float32 tensor, shape (columns, rows)
        The same turned, for the gradient: turning it anew in each step takes longer than all else.
    """

    rows: Tensor
    columns: Tensor

    @classmethod
    def of(cls, csr: sp.csr_array, device: torch.device) -> Table:
        """Copy a table to a device."""
        return cls(_compressed(csr, device), _compressed(csr.T.tocsr(), device))

    def __len__(self) -> int:
        return self.rows.shape[0]

    def times(self, weight: Tensor) -> Tensor:
        """The table times a dense matrix, shape (rows, columns of the matrix)."""
        made: Tensor = _Product.apply(self, weight)  # type: ignore[no-untyped-call]
        return made


class _Product(torch.autograd.Function):
    """Of a fixed sparse table and a dense matrix that is learned."""

    @staticmethod
    def forward(ctx: Any, table: Table, weight: Tensor) -> Tensor:
        ctx.table = table
        return table.rows @ weight

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, ctx.table.columns @ gradient


@dataclass(frozen=True, eq=False)
class Tables:
    """Inputs as tensors on the device; see `Inputs` for what they mean."""

    raters: Table
    items: Table
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
            Table.of(inputs.raters, device),
            Table.of(inputs.items, device),
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
        asked = raters[:, None] * len(self.items) + items
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

    def forward(self, table: Table) -> Tensor:
        """W x of all rows, the linear terms last; shape (rows, size + linear)."""
        return table.times(self.weight)

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


def _compressed(csr: sp.csr_array, device: torch.device) -> Tensor:
    whole = csr.copy()
    whole.sum_duplicates()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse .* tensor support is in beta", UserWarning)
        made = torch.sparse_csr_tensor(
            torch.tensor(whole.indptr.astype(np.int64)),
            torch.tensor(whole.indices.astype(np.int64)),
            torch.tensor(whole.data),
            whole.shape,
            check_invariants=True,
        )
        return made.to(device)

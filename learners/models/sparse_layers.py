"""The two sparse ends of a network: rows of few entries go in, few entries are asked for.

On a CPU this is done by kernels of our own, and neither a dense row of ratings nor a dense row of
scores is made on the way. Elsewhere a batch of rows is made dense: there many small operations take
longer than a few large ones, and those that add up entries one by one do it in no fixed order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from learners.kernels.sparse_rows import (
    add_outer,
    dot_products,
    learn_entries,
    take_rows,
    weighted_sums,
)
from learners.models.losses import LOSSES, Loss, loss_gradient


@dataclass(frozen=True, eq=False)
class SparseRows:
    """A batch of sparse rows.

    Attributes
    ----------
    starts : int64 tensor, shape (rows + 1,)
    columns : int64 tensor, shape (entries,)
    values : float32 tensor, shape (entries,)
    bounds : int64 array, shape (rows + 1,)
        The starts again, in the memory of the CPU: asking another device for them would be waiting
        for it.
    """

    starts: Tensor
    columns: Tensor
    values: Tensor
    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, csr: sp.csr_array, device: torch.device | None = None) -> SparseRows:
        """Copy the rows of a sparse matrix.

        Parameters
        ----------
        csr : csr_array of float32
        device : torch.device, optional

        Returns
        -------
        rows : SparseRows
        """
        return cls(
            torch.tensor(csr.indptr, dtype=torch.int64, device=device),
            torch.tensor(csr.indices, dtype=torch.int64, device=device),
            torch.tensor(csr.data, dtype=torch.float32, device=device),
            csr.indptr.astype(np.int64),
        )

    def taken(self, order: NDArray[np.int64], device: torch.device) -> SparseRows:
        """Copy rows, which lie in the memory of the CPU, in the order given.

        Parameters
        ----------
        order : int64 array, shape (taken,)
        device : torch.device
            Where to.

        Returns
        -------
        rows : SparseRows
        """
        of_columns, of_values = arrays(self.columns, self.values)
        firsts = self.bounds[:-1][order]
        starts = np.zeros(len(order) + 1, dtype=np.int64)
        np.cumsum(np.diff(self.bounds)[order], out=starts[1:])
        columns = np.empty(starts[-1], dtype=np.int64)
        values = np.empty(starts[-1], dtype=np.float32)
        take_rows(firsts, of_columns, of_values, starts, columns, values)
        there = [torch.from_numpy(part).to(device) for part in (starts, columns, values)]
        return SparseRows(there[0], there[1], there[2], starts)

    def part(self, first: int, last: int) -> SparseRows:
        """Rows from `first` up to `last`, sharing memory."""
        low, high = self.bounds[first], self.bounds[last]
        return SparseRows(
            self.starts[first : last + 1] - low,
            self.columns[low:high],
            self.values[low:high],
            self.bounds[first : last + 1] - low,
        )

    def row_of_entries(self) -> Tensor:
        """Row number of each entry."""
        return torch.repeat_interleave(
            torch.arange(len(self.starts) - 1, device=self.starts.device),
            self.starts.diff(),
            output_size=len(self.columns),
        )

    def dense(self, width: int, values: Tensor | None = None) -> Tensor:
        """The rows with all `width` columns, shape (rows, width), zero where there is no entry.

        With other values than the own where some are given.
        """
        rows = torch.zeros(len(self.starts) - 1, width, device=self.values.device)
        rows[self.row_of_entries(), self.columns] = self.values if values is None else values
        return rows


def by_kernels(tensor: Tensor) -> bool:
    """Whether kernels of our own can read a tensor."""
    return tensor.device.type == "cpu"


def arrays(*tensors: Tensor) -> list[Any]:
    """Arrays of numpy over the memory of tensors, for kernels."""
    return [tensor.detach().contiguous().numpy() for tensor in tensors]


class _WeightedSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, starts: Tensor, columns: Tensor, values: Tensor) -> Tensor:
        ctx.save_for_backward(starts, columns, values)
        ctx.size = table.shape
        sums = torch.empty(len(starts) - 1, table.shape[1])
        weighted_sums(*arrays(starts, columns, values, table, sums))
        return sums

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        table_gradient = torch.zeros(ctx.size)
        add_outer(*arrays(*ctx.saved_tensors, grad_outputs[0], table_gradient))
        return table_gradient, None, None, None


class _DotProducts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, table: Tensor, starts: Tensor, columns: Tensor) -> Tensor:
        ctx.save_for_backward(rows, table, starts, columns)
        products = torch.empty(len(columns))
        dot_products(*arrays(starts, columns, rows, table, products))
        return products

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        rows, table, starts, columns = arrays(*ctx.saved_tensors)
        (gradient,) = arrays(grad_outputs[0])
        row_gradient, table_gradient = torch.empty(rows.shape), torch.zeros(table.shape)
        weighted_sums(starts, columns, gradient, table, row_gradient.numpy())
        add_outer(starts, columns, gradient, rows, table_gradient.numpy())
        return row_gradient, table_gradient, None, None


class _Taken(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, positions: Tensor) -> Tensor:
        ctx.save_for_backward(positions)
        ctx.size = len(values)
        return values[positions]

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        (positions,) = ctx.saved_tensors
        (gradient,) = grad_outputs
        summed = torch.zeros(ctx.size, dtype=gradient.dtype, device=gradient.device)
        return summed.index_add_(0, positions, gradient), None


def sum_of_rows(table: Tensor, given: SparseRows) -> Tensor:
    """Sum the table's rows of each sparse row's columns, weighted by its values.

    Parameters
    ----------
    table : tensor, shape (columns, width)
    given : SparseRows

    Returns
    -------
    sums : tensor, shape (rows, width)
    """
    if by_kernels(table):
        return _WeightedSums.apply(table, given.starts, given.columns, given.values)  # type: ignore[no-any-return, no-untyped-call]
    return given.dense(len(table)) @ table


def products_at(rows: Tensor, table: Tensor, wanted: SparseRows) -> Tensor:
    """Dot products of rows with the table's rows of the wanted columns.

    Parameters
    ----------
    rows : tensor, shape (rows, width)
    table : tensor, shape (columns, width)
    wanted : SparseRows
        Values are not looked at.

    Returns
    -------
    products : tensor, shape (entries,)
    """
    if by_kernels(table):
        return _DotProducts.apply(rows, table, wanted.starts, wanted.columns)  # type: ignore[no-any-return, no-untyped-call]
    return (rows @ table.T)[wanted.row_of_entries(), wanted.columns]


def taken(values: Tensor, positions: Tensor) -> Tensor:
    """Elements of a vector; the gradients of elements taken more than once add up in order."""
    if by_kernels(values):
        return _Taken.apply(values, positions)  # type: ignore[no-any-return, no-untyped-call]
    return values[positions]


class SampledOutput(nn.Module):
    """A linear layer asked for some of its outputs.

    Parameters
    ----------
    width, columns : int
    generator : torch.Generator
    """

    def __init__(self, width: int, columns: int, generator: torch.Generator) -> None:
        super().__init__()
        self.table = xavier((columns, width), generator)
        self.bias = nn.Parameter(torch.zeros(columns))

    def at(self, rows: Tensor, wanted: SparseRows) -> Tensor:
        """Outputs at the wanted entries, shape (entries,)."""
        return products_at(rows, self.table, wanted) + taken(self.bias, wanted.columns)

    def all(self, rows: Tensor, columns: slice) -> Tensor:
        """Outputs of a stretch of columns, shape (rows, columns)."""
        return functional.linear(rows, self.table[columns], self.bias[columns])

    def add_gradients(self, loss: Loss, rows: Tensor, wanted: SparseRows) -> Tensor:
        """Take in the gradient of the mean loss, and return that by the rows.

        The wanted entries' values are what is to be scored.
        """
        if not by_kernels(rows):
            return self._add_dense_gradients(loss, rows, wanted)
        starts, columns, targets = arrays(wanted.starts, wanted.columns, wanted.values)
        by_rows = torch.zeros(rows.shape)
        learn_entries(
            starts, columns, targets, LOSSES.index(loss),
            *arrays(rows, self.table, self.bias, by_rows),
            *arrays(own_gradient(self.table), own_gradient(self.bias)),
        )  # fmt: skip
        return by_rows

    def _add_dense_gradients(self, loss: Loss, rows: Tensor, wanted: SparseRows) -> Tensor:
        scores = functional.linear(rows, self.table, self.bias)
        asked = scores[wanted.row_of_entries(), wanted.columns]
        gradient = wanted.dense(len(self.bias), loss_gradient(loss, asked, wanted.values))
        own_gradient(self.table).addmm_(gradient.T, rows)
        own_gradient(self.bias).add_(gradient.sum(dim=0))
        return gradient @ self.table


class Dense(nn.Module):
    """A linear layer whose weights come from a generator of its own; biases are zero.

    Parameters
    ----------
    width, out : int
    generator : torch.Generator
    start : callable
        Draws the weights: `xavier` or `by_width`.
    """

    def __init__(
        self,
        width: int,
        out: int,
        generator: torch.Generator,
        start: Callable[[tuple[int, int], torch.Generator], nn.Parameter] | None = None,
    ) -> None:
        super().__init__()
        self.weight = (start or xavier)((out, width), generator)
        self.bias = nn.Parameter(torch.zeros(out))

    def forward(self, given: Tensor) -> Tensor:
        """Map a tensor of shape (rows, width) to one of shape (rows, out)."""
        return functional.linear(given, self.weight, self.bias)


def own_gradient(parameter: nn.Parameter) -> Tensor:
    """Gradient of a parameter, to be added to."""
    assert parameter.grad is not None
    return parameter.grad


def xavier(shape: tuple[int, int], generator: torch.Generator) -> nn.Parameter:
    """Weights drawn uniformly after Xavier."""
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(shape), generator=generator))


def by_width(shape: tuple[int, int], generator: torch.Generator) -> nn.Parameter:
    """Weights drawn uniformly from ± 1 / sqrt(width of the input)."""
    bound = shape[1] ** -0.5
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))

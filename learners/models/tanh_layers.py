"""Layers with the hyperbolic tangent behind them, and their gradients made by hand.

On a CPU by kernels of our own, a call each; elsewhere, and where torch is to differentiate, by its
operations.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from learners.kernels import tanh_layers
from learners.models.sparse_layers import (
    Dense,
    SparseRows,
    arrays,
    by_kernels,
    own_gradient,
    sum_of_rows,
    xavier,
)


class SparseTanh(nn.Module):
    """A layer that reads sparse rows.

    Parameters
    ----------
    columns, width : int
    generator : torch.Generator
        Draws the weights, uniform after Xavier; biases are zero.
    """

    def __init__(self, columns: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.table = xavier((columns, width), generator)
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, given: SparseRows) -> Tensor:
        """Map sparse rows to a tensor of shape (rows, width)."""
        if torch.is_grad_enabled() or not by_kernels(self.table):
            return torch.tanh(sum_of_rows(self.table, given) + self.bias)
        outputs = torch.empty(len(given.starts) - 1, len(self.bias))
        tanh_layers.sparse_layer(
            *arrays(given.starts, given.columns, given.values, self.table, self.bias, outputs)
        )
        return outputs

    def learn(self, given: SparseRows, outputs: Tensor, by_outputs: Tensor) -> None:
        """Take in the gradient by the outputs, which may be overwritten."""
        table, bias = own_gradient(self.table), own_gradient(self.bias)
        if by_kernels(table):
            tanh_layers.learn_sparse_layer(
                *arrays(given.starts, given.columns, given.values, outputs, by_outputs, table, bias)
            )
            return
        gradient = _before_tanh(outputs, by_outputs)
        table.addmm_(given.dense(len(table)).T, gradient)
        bias.add_(gradient.sum(dim=0))


class DenseTanh(Dense):
    """A layer whose weights come from a generator of its own; see `Dense`."""

    def forward(self, given: Tensor) -> Tensor:
        """Map a tensor of shape (rows, width) to one of shape (rows, out)."""
        if torch.is_grad_enabled() or not by_kernels(given):
            return torch.tanh(super().forward(given))
        outputs = torch.empty(len(given), len(self.bias))
        tanh_layers.dense_layer(*arrays(given, self.weight, self.bias, outputs))
        return outputs

    def learn(self, given: Tensor, outputs: Tensor, by_outputs: Tensor) -> Tensor:
        """Take in the gradient by the outputs, which may change; return that by what was given."""
        weight, bias = own_gradient(self.weight), own_gradient(self.bias)
        if by_kernels(given):
            by_given = torch.zeros(given.shape)
            tanh_layers.learn_dense_layer(
                *arrays(given, outputs, by_outputs, self.weight, weight, bias, by_given)
            )
            return by_given
        gradient = _before_tanh(outputs, by_outputs)
        weight.addmm_(gradient.T, given)
        bias.add_(gradient.sum(dim=0))
        return gradient @ self.weight


def _before_tanh(outputs: Tensor, by_outputs: Tensor) -> Tensor:
    """Gradient by what tanh was given, from that by its outputs."""
    return torch.addcmul(by_outputs, by_outputs * outputs, outputs, value=-1.0)

import numpy as np
import pytest
import torch

from learners.models import sparse_layers, tanh_layers
from learners.models.losses import LOSSES
from learners.models.sparse_layers import (
    SampledOutput,
    SparseRows,
    products_at,
    sum_of_rows,
    taken,
)
from learners.models.tanh_layers import DenseTanh, SparseTanh
from tests.learners.models.cases import sparse


def dense_sums(table, csr):
    return torch.tensor(csr.toarray()) @ table


def dense_products(rows, table, csr):
    at = torch.tensor(np.array(csr.nonzero()))
    return (rows @ table.T)[at[0], at[1]]


def values_and_gradients(compute, *tensors):
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    out = compute(*leaves)
    (out * torch.linspace(-1, 2, out.numel()).reshape(out.shape)).sum().backward()
    return [out.detach(), *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize("width", [1, 7, 64])
def test_the_kernels_mean_what_dense_matrices_do(width):
    """Sums and products at the sparse ends, forwards and backwards, empty rows included."""
    csr = sparse(13, 11)
    given = SparseRows.of(csr)
    generator = torch.Generator().manual_seed(width)
    table = torch.randn(11, width, generator=generator)
    rows = torch.randn(13, width, generator=generator)
    pairs = [
        (
            values_and_gradients(lambda t: sum_of_rows(t, given), table),
            values_and_gradients(lambda t: dense_sums(t, csr), table),
        ),
        (
            values_and_gradients(lambda r, t: products_at(r, t, given), rows, table),
            values_and_gradients(lambda r, t: dense_products(r, t, csr), rows, table),
        ),
        (
            values_and_gradients(lambda t: taken(t[:, 0], given.columns), table),
            values_and_gradients(lambda t: t[:, 0][given.columns], table),
        ),
    ]
    for ours, plain in pairs:
        for one, other in zip(ours, plain, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("loss", LOSSES)
def test_what_other_devices_compute_is_the_same(loss, monkeypatch):
    """The operations used off the CPU give the kernels' results, and the same gradients."""
    csr = sparse(13, 11)
    given = SparseRows.of(csr)
    wanted = SparseRows.of(abs(csr) / abs(csr).max()) if loss == "cross-entropy" else given

    def computed():
        generator = torch.Generator().manual_seed(3)
        first, middle = SparseTanh(11, 6, generator), DenseTanh(6, 5, generator)
        last = SampledOutput(5, 11, generator)
        own = [*first.parameters(), *middle.parameters(), *last.parameters()]
        for parameter in own:
            parameter.grad = torch.full_like(parameter, 0.5)
        with torch.no_grad():
            hidden = first(given)
            rows = middle(hidden)
            by_rows = last.add_gradients(loss, rows, wanted)
            by_hidden = middle.learn(hidden, rows, by_rows.clone())
            first.learn(given, hidden, by_hidden.clone())
        scores = last.at(rows, wanted)
        return [hidden, rows, scores, by_rows, by_hidden, *(parameter.grad for parameter in own)]

    kernels = computed()
    for module in (sparse_layers, tanh_layers):
        monkeypatch.setattr(module, "by_kernels", lambda _: False)
    for ours, plain in zip(kernels, computed(), strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-5)


def test_parts_of_rows_are_the_rows():
    """A batch cut out of sparse rows holds just its rows."""
    csr = sparse(13, 11)
    part = SparseRows.of(csr).part(3, 8)
    rebuilt = torch.zeros(5, 11)
    rebuilt[part.row_of_entries(), part.columns] = part.values
    np.testing.assert_array_equal(rebuilt.numpy(), csr.toarray()[3:8])

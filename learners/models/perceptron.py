"""Networks that score a pair from the vectors of its row and its column: MLP and NCF."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from learners.models.batches import Batch, Inputs
from learners.models.factorisation import WIDTH, Embedding, Products, both_embeddings
from learners.models.network import Network, Sizes
from learners.models.sparse_layers import Dense, SparseRows, by_width

WIDTHS = (64, 32, 16)


class _Tower(nn.Module):
    """Layers of 64, 32 and 16, ReLU after each, over all vectors side by side.

    The vectors are the row's and the column's, and those of their side information. The first
    layer is split in what it makes of the row and what it makes of the column: each is computed
    once a row and once a column, and not once an entry.
    """

    def __init__(self, sizes: Sizes, inputs: Inputs, generator: torch.Generator) -> None:
        super().__init__()
        self.rows, self.columns = both_embeddings(sizes, inputs, generator)
        parts = 2 + (inputs.row_features is not None) + (inputs.column_features is not None)
        first, second, third = WIDTHS
        self.first = Dense(parts * WIDTH, first, generator, by_width)
        self.second = Dense(first, second, generator, by_width)
        self.third = Dense(second, third, generator, by_width)

    def at(self, batch: Batch, wanted: SparseRows) -> Tensor:
        """The last layer for the wanted entries, shape (entries, 16)."""
        of_rows, of_columns = self._halves(batch)
        hidden = functional.embedding(wanted.row_of_entries(), of_rows)
        return self._rest(hidden + functional.embedding(wanted.columns, of_columns))

    def _halves(self, batch: Batch) -> tuple[Tensor, Tensor]:
        of_rows = _side_by_side(self.rows, batch.rows)
        of_columns = _side_by_side(self.columns, slice(None))
        cut = of_rows.shape[1]
        return (
            functional.linear(of_rows, self.first.weight[:, :cut], self.first.bias),
            functional.linear(of_columns, self.first.weight[:, cut:]),
        )

    def _rest(self, hidden: Tensor) -> Tensor:
        return torch.relu(self.third(torch.relu(self.second(torch.relu(hidden)))))


def _side_by_side(embedding: Embedding, positions: Tensor | slice) -> Tensor:
    side = embedding.side(positions)
    own = embedding.own(positions)
    return own if side is None else torch.cat([own, side], dim=1)


class Perceptron(Network):
    """MLP of widths 256, 64, 32, 16, 1; the first is larger with side information.

    Parameters
    ----------
    sizes : Sizes
        With as many outputs as columns.
    inputs : Inputs
        For the side information.
    generator : torch.Generator
    """

    def __init__(self, sizes: Sizes, inputs: Inputs, generator: torch.Generator) -> None:
        super().__init__()
        self.tower = _Tower(sizes, inputs, generator)
        self.last = Dense(WIDTHS[-1], 1, generator, by_width)

    def scores(
        self, batch: Batch, wanted: SparseRows, generator: torch.Generator | None = None
    ) -> Tensor:
        """Scores of the wanted entries; see `Network.scores`."""
        return self.last(self.tower.at(batch, wanted)).squeeze(-1)  # type: ignore[no-any-return]


class NeuralFiltering(Network):
    """NCF: products of 128 factors and the last 16 of an MLP, weighed together.

    Parameters
    ----------
    sizes : Sizes
        With as many outputs as columns.
    inputs : Inputs
        For the side information.
    generator : torch.Generator
    """

    def __init__(self, sizes: Sizes, inputs: Inputs, generator: torch.Generator) -> None:
        super().__init__()
        self.tower = _Tower(sizes, inputs, generator)
        self.last = Dense(WIDTHS[-1], 1, generator, by_width)
        start = by_width((1, WIDTH + WIDTHS[-1]), generator)[0, :WIDTH]
        self.products = Products(sizes, inputs, generator, nn.Parameter(start.detach().clone()))

    def scores(
        self, batch: Batch, wanted: SparseRows, generator: torch.Generator | None = None
    ) -> Tensor:
        """Scores of the wanted entries; see `Network.scores`."""
        weighed = self.last(self.tower.at(batch, wanted)).squeeze(-1)
        return self.products.at(batch, wanted) + weighed  # type: ignore[no-any-return]

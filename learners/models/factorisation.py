"""Matrix factorisation: an entry's score is a product of two vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from learners.models.batches import Batch, Inputs
from learners.models.network import Network, Sizes
from learners.models.sparse_layers import Dense, SparseRows, by_width, products_at, taken

WIDTH = 128
_SPREAD = 1e-2  # of the vectors to start from


class Embedding(nn.Module):
    """A vector for each row, or each column, and another one from its side information.

    A shift common to all components of a vector is a parameter of its own: it is what learns
    first, and acts as the bias of the row or column.

    Parameters
    ----------
    count, width : int
    features : float32 tensor, shape (count, d), or None
    generator : torch.Generator
    """

    features: Tensor | None

    def __init__(
        self, count: int, width: int, features: Tensor | None, generator: torch.Generator
    ) -> None:
        super().__init__()
        start = torch.empty(count, width).normal_(0.0, _SPREAD, generator=generator)
        self.table = nn.Parameter(start)
        self.shift = nn.Parameter(torch.zeros(count, 1))
        self.register_buffer("features", features, persistent=False)
        self.of_features = None
        if features is not None:
            self.of_features = Dense(features.shape[1], width, generator, by_width)
            # not zero, so that all vectors have a direction in common from the start: without it,
            # learning stays for a hundred epochs or more at what the shifts alone can tell
            bound = features.shape[1] ** -0.5
            nn.init.uniform_(self.of_features.bias, -bound, bound, generator)

    def own(self, positions: Tensor | slice) -> Tensor:
        """Vectors of some positions, shape (positions, width)."""
        return self.table[positions] + self.shift[positions]

    def side(self, positions: Tensor | slice) -> Tensor | None:
        """Vectors from their side information, if there is any."""
        if self.of_features is None or self.features is None:
            return None
        return self.of_features(self.features[positions])  # type: ignore[no-any-return]


def both_embeddings(
    sizes: Sizes, inputs: Inputs, generator: torch.Generator
) -> tuple[Embedding, Embedding]:
    """Embeddings of rows and of columns, with the side information that there is."""
    of_rows, of_columns = (
        None if features is None else torch.tensor(features)
        for features in (inputs.row_features, inputs.column_features)
    )
    return (
        Embedding(sizes.rows, WIDTH, of_rows, generator),
        Embedding(sizes.outputs, WIDTH, of_columns, generator),
    )


class Products(nn.Module):
    """Products of row and column vectors, and of each with its own side information.

    The score of row u and column v is the sum over the components of
    ``w (x_u y_v + x_u P s_u + y_v Q s_v)``, where s is side information.

    Parameters
    ----------
    sizes : Sizes
    inputs : Inputs
    generator : torch.Generator
    weights : Parameter of shape (width,), optional
        The w; by default 1.
    """

    def __init__(
        self,
        sizes: Sizes,
        inputs: Inputs,
        generator: torch.Generator,
        weights: nn.Parameter | None = None,
    ) -> None:
        super().__init__()
        self.rows, self.columns = both_embeddings(sizes, inputs, generator)
        self.weights = weights

    def at(self, batch: Batch, wanted: SparseRows) -> Tensor:
        """Scores of the wanted entries."""
        rows, columns = self._weighed(batch), self.columns.own(slice(None))
        scores = products_at(rows, columns, wanted)
        of_rows, of_columns = self._with_side(batch)
        if of_rows is not None:
            scores = scores + taken(of_rows, wanted.row_of_entries())
        if of_columns is not None:
            scores = scores + taken(of_columns, wanted.columns)
        return scores

    def _weighed(self, batch: Batch) -> Tensor:
        rows = self.rows.own(batch.rows)
        return rows if self.weights is None else rows * self.weights

    def _with_side(self, batch: Batch) -> tuple[Tensor | None, Tensor | None]:
        """Each row's product with its side information, and each column's."""
        of_rows, of_columns = self.rows.side(batch.rows), self.columns.side(slice(None))
        if of_rows is not None:
            of_rows = (self._weighed(batch) * of_rows).sum(dim=1)
        if of_columns is not None:
            of_columns = self.columns.own(slice(None)) * of_columns
            if self.weights is not None:
                of_columns = of_columns * self.weights
            of_columns = of_columns.sum(dim=1)
        return of_rows, of_columns


class Factorisation(Network):
    """Matrix factorisation of 128 factors.

    Parameters
    ----------
    sizes : Sizes
        With as many outputs as columns.
    inputs : Inputs
        For the side information: of the row and of the column, each to its own vector.
    generator : torch.Generator
    """

    def __init__(self, sizes: Sizes, inputs: Inputs, generator: torch.Generator) -> None:
        super().__init__()
        self.products = Products(sizes, inputs, generator)
        self.bias = nn.Parameter(torch.zeros(()))

    def scores(
        self, batch: Batch, wanted: SparseRows, generator: torch.Generator | None = None
    ) -> Tensor:
        """Scores of the wanted entries; see `Network.scores`."""
        return self.products.at(batch, wanted) + self.bias

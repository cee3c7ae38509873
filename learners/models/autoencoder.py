"""Assisted autoencoders: they read a row of their own columns and score the columns of all."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from learners.models.batches import Batch
from learners.models.losses import Loss
from learners.models.network import RowNetwork, Sizes
from learners.models.sparse_layers import SampledOutput, SparseRows
from learners.models.tanh_layers import DenseTanh, SparseTanh

HIDDEN, CODE = 256, 128


class Autoencoder(RowNetwork):
    """An autoencoder whose output may be wider than its input.

    Encoder: columns, 256 tanh, 128 tanh. Side information has encoders of the same widths, one
    for the row's own features and one for the sum of the features of the columns it rated; the
    codes are summed. Dropout of one half on the code. Decoder: 256 tanh, outputs (Diao, Tarokh,
    Ding, section 4.1 and table 5).

    Parameters
    ----------
    sizes : Sizes
    generator : torch.Generator
        Draws the weights.
    """

    def __init__(self, sizes: Sizes, generator: torch.Generator) -> None:
        super().__init__()
        self.of_ratings = SparseTanh(sizes.columns, HIDDEN, generator)
        self.to_code = DenseTanh(HIDDEN, CODE, generator)
        self.of_row = _SideEncoder(sizes.row_features, generator) if sizes.row_features else None
        self.of_rated = (
            _SideEncoder(sizes.column_features, generator) if sizes.column_features else None
        )
        self.from_code = DenseTanh(CODE, HIDDEN, generator)
        self.output = SampledOutput(HIDDEN, sizes.outputs, generator)

    def scores(
        self, batch: Batch, wanted: SparseRows, generator: torch.Generator | None = None
    ) -> Tensor:
        """Scores of the wanted entries; see `Network.scores`."""
        return self.output.at(self._decoded(batch, generator), wanted)

    def codes(self, batch: Batch) -> Tensor:
        """The decoder's hidden layer; see `RowNetwork.codes`."""
        return self._decoded(batch, None)

    def scores_of(self, codes: Tensor, columns: slice) -> Tensor:
        """Scores of a stretch of columns; see `RowNetwork.scores_of`."""
        return self.output.all(codes, columns)

    def add_gradients(
        self, loss: Loss, batch: Batch, wanted: SparseRows, generator: torch.Generator | None = None
    ) -> None:
        """Add gradients; see `Network.add_gradients`.

        By hand, layer by layer: on so few rows torch's automatic differentiation takes longer to
        keep its books than to compute.
        """
        with torch.no_grad():
            self._add_gradients(loss, batch, wanted, generator)

    def _add_gradients(
        self, loss: Loss, batch: Batch, wanted: SparseRows, generator: torch.Generator | None
    ) -> None:
        sides = [
            (encoder, features, *encoder.layers(features))
            for encoder, features in self._sides(batch)
        ]
        hidden = self.of_ratings(batch.ratings)
        own = self.to_code(hidden)
        code = own
        for *_, side in sides:
            code = code + side
        kept = None if generator is None else _twice_or_not(len(code), generator, code.device)
        code = code if kept is None else code * kept
        decoded = self.from_code(code)

        by_decoded = self.output.add_gradients(loss, decoded, wanted)
        by_code = self.from_code.learn(code, decoded, by_decoded)
        if kept is not None:
            by_code.mul_(kept)
        for encoder, features, first, second in sides:
            encoder.learn(features, first, second, by_code.clone())
        by_hidden = self.to_code.learn(hidden, own, by_code)
        self.of_ratings.learn(batch.ratings, hidden, by_hidden)

    def _sides(self, batch: Batch) -> list[tuple[_SideEncoder, Tensor]]:
        pairs = ((self.of_row, batch.row_features), (self.of_rated, batch.rated_features))
        return [(one, given) for one, given in pairs if one is not None and given is not None]

    def _decoded(self, batch: Batch, generator: torch.Generator | None) -> Tensor:
        code = self.to_code(self.of_ratings(batch.ratings))
        for encoder, features in self._sides(batch):
            code = code + encoder.layers(features)[1]
        if generator is not None:
            code = code * _twice_or_not(len(code), generator, code.device)
        decoded: Tensor = self.from_code(code)
        return decoded


def _twice_or_not(rows: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Dropout of one half: each element of the code doubled or dropped, by one random bit.

    Drawn on the CPU from a generator of our own: the same on any device and in any thread.
    """
    drawn = torch.randint(0, 256, (rows, CODE // 8), dtype=torch.uint8, generator=generator)
    kept = np.take(_TWICE, drawn.numpy(), axis=0).reshape(rows, CODE)
    return torch.from_numpy(kept).to(device)


_TWICE = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32)
"""Of each byte, its bits doubled."""


class _SideEncoder(nn.Module):
    def __init__(self, features: int, generator: torch.Generator) -> None:
        super().__init__()
        self.first = DenseTanh(features, HIDDEN, generator)
        self.second = DenseTanh(HIDDEN, CODE, generator)

    def layers(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden layer and the code."""
        hidden = self.first(features)
        return hidden, self.second(hidden)

    def learn(self, features: Tensor, hidden: Tensor, code: Tensor, by_code: Tensor) -> None:
        """Take in the gradient by the code, which is overwritten."""
        self.first.learn(features, hidden, self.second.learn(hidden, code, by_code))

"""Assisted autoencoders: they read a row of their own columns and score the columns of all."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from learners.models.batches import Batch
from learners.models.losses import Loss
from learners.models.network import Network, Sizes
from learners.models.sparse_layers import Dense, SampledOutput, SparseInput, SparseRows

HIDDEN, CODE = 256, 128


class Autoencoder(Network):
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
        self.of_ratings = SparseInput(sizes.columns, HIDDEN, generator)
        self.to_code = Dense(HIDDEN, CODE, generator)
        self.of_row = _SideEncoder(sizes.row_features, generator) if sizes.row_features else None
        self.of_rated = (
            _SideEncoder(sizes.column_features, generator) if sizes.column_features else None
        )
        self.from_code = Dense(CODE, HIDDEN, generator)
        self.output = SampledOutput(HIDDEN, sizes.outputs, generator)

    def scores(
        self, batch: Batch, wanted: SparseRows, generator: torch.Generator | None = None
    ) -> Tensor:
        """Scores of the wanted entries; see `Network.scores`."""
        return self.output.at(self._decoded(batch, generator), wanted)

    def all_scores(self, batch: Batch, columns: slice) -> Tensor:
        """Scores of a stretch of columns; see `Network.all_scores`."""
        return self.output.all(self._decoded(batch, None), columns)

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
        hidden = torch.tanh(self.of_ratings(batch.ratings))
        own = torch.tanh(self.to_code(hidden))
        code = sum((side for *_, side in sides), start=own)
        kept = None if generator is None else _twice_or_not(len(code), generator, code.device)
        code = code if kept is None else code * kept
        decoded = torch.tanh(self.from_code(code))

        gradient = through_tanh(self.output.add_gradients(loss, decoded, wanted), decoded)
        self.from_code.add_gradients(code, gradient)
        by_code = self.from_code.back(gradient)
        if kept is not None:
            by_code.mul_(kept)
        for encoder, features, first, second in sides:
            encoder.add_gradients(features, first, second, by_code)
        gradient = through_tanh(by_code, own)
        self.to_code.add_gradients(hidden, gradient)
        gradient = through_tanh(self.to_code.back(gradient), hidden)
        self.of_ratings.add_gradients(batch.ratings, gradient)

    def _sides(self, batch: Batch) -> list[tuple[_SideEncoder, Tensor]]:
        pairs = ((self.of_row, batch.row_features), (self.of_rated, batch.rated_features))
        return [(one, given) for one, given in pairs if one is not None and given is not None]

    def _decoded(self, batch: Batch, generator: torch.Generator | None) -> Tensor:
        code = torch.tanh(self.to_code(torch.tanh(self.of_ratings(batch.ratings))))
        for encoder, features in self._sides(batch):
            code = code + encoder.layers(features)[1]
        if generator is not None:
            code = code * _twice_or_not(len(code), generator, code.device)
        return torch.tanh(self.from_code(code))


def _twice_or_not(rows: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Dropout of one half: each element of the code doubled or dropped, by one random bit.

    Drawn on the CPU from a generator of our own: the same on any device and in any thread.
    """
    drawn = torch.randint(0, 256, (rows, CODE // 8), dtype=torch.uint8, generator=generator)
    kept = torch.from_numpy(np.unpackbits(drawn.numpy(), axis=1))
    return kept.to(device).float() * 2.0


def through_tanh(gradient: Tensor, output: Tensor) -> Tensor:
    """Gradient by what tanh was given, from that by its output."""
    return torch.addcmul(gradient, gradient * output, output, value=-1.0)


class _SideEncoder(nn.Module):
    def __init__(self, features: int, generator: torch.Generator) -> None:
        super().__init__()
        self.first = Dense(features, HIDDEN, generator)
        self.second = Dense(HIDDEN, CODE, generator)

    def layers(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden layer and the code."""
        hidden = torch.tanh(self.first(features))
        return hidden, torch.tanh(self.second(hidden))

    def add_gradients(
        self, features: Tensor, hidden: Tensor, code: Tensor, by_code: Tensor
    ) -> None:
        """Take in the gradient by the code."""
        gradient = through_tanh(by_code, code)
        self.second.add_gradients(hidden, gradient)
        self.first.add_gradients(features, through_tanh(self.second.back(gradient), hidden))

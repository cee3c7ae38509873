"""The networks by name."""

from __future__ import annotations

from collections.abc import Callable

import torch

from grouping.errors import InputError
from learners.models.autoencoder import Autoencoder
from learners.models.batches import Inputs
from learners.models.factorisation import Factorisation
from learners.models.network import Network, Sizes
from learners.models.perceptron import NeuralFiltering, Perceptron

ROW_MODELS = ("aae",)
"""Those that score a row from what it reads, and so may score columns that they do not hold."""

PAIR_MODELS = ("mf", "mlp", "ncf")
"""Those that know rows and columns by number."""

_PAIRS: dict[str, Callable[[Sizes, Inputs, torch.Generator], Network]] = {
    "mf": Factorisation,
    "mlp": Perceptron,
    "ncf": NeuralFiltering,
}


def build(
    name: str, inputs: Inputs, generator: torch.Generator, outputs: int | None = None
) -> Network:
    """Make an untrained network.

    Parameters
    ----------
    name : {"aae", "mf", "mlp", "ncf"}
    inputs : Inputs
        What it will read: decides its sizes and whether it takes side information.
    generator : torch.Generator
        Draws the weights.
    outputs : int, optional
        Columns that it scores; by default those that it reads.

    Returns
    -------
    network : Network

    Raises
    ------
    InputError
        If there is no such network, or it cannot score columns that it does not read.
    """
    rows, columns = (int(size) for size in inputs.ratings.shape)
    of_rows, of_columns = (
        0 if features is None else features.shape[1]
        for features in (inputs.row_features, inputs.column_features)
    )
    sizes = Sizes(rows, columns, columns if outputs is None else outputs, of_rows, of_columns)
    if name == "aae":
        return Autoencoder(sizes, generator)
    if name not in _PAIRS:
        raise InputError(f"model {name!r}: give one of {', '.join(ROW_MODELS + PAIR_MODELS)}")
    if sizes.outputs != columns:
        raise InputError(f"{name} scores only the columns that it holds")
    return _PAIRS[name](sizes, inputs, generator)

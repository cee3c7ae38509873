"""The networks by name."""

from __future__ import annotations

from collections.abc import Callable

import torch

from grouping.errors import InputError
from learners.models.autoencoder import Autoencoder
from learners.models.batches import Inputs
from learners.models.factorisation import Factorisation
from learners.models.network import Network, RowNetwork, Sizes
from learners.models.perceptron import NeuralFiltering, Perceptron

_ROWS: dict[str, Callable[[Sizes, torch.Generator], RowNetwork]] = {"aae": Autoencoder}
_PAIRS: dict[str, Callable[[Sizes, Inputs, torch.Generator], Network]] = {
    "mf": Factorisation,
    "mlp": Perceptron,
    "ncf": NeuralFiltering,
}

ROW_MODELS = tuple(_ROWS)
"""Those that score a row from what it reads, and so may score columns that they do not hold."""

PAIR_MODELS = tuple(_PAIRS)
"""Those that know rows and columns by number."""


def build(name: str, inputs: Inputs, generator: torch.Generator) -> Network:
    """Make an untrained network.

    Parameters
    ----------
    name : {"aae", "mf", "mlp", "ncf"}
    inputs : Inputs
        What it will read: decides its sizes and whether it takes side information.
    generator : torch.Generator
        Draws the weights.

    Returns
    -------
    network : Network

    Raises
    ------
    InputError
        If there is no such network.
    """
    if name in _ROWS:
        return build_for_rows(name, inputs, generator, int(inputs.ratings.shape[1]))
    if name not in _PAIRS:
        raise InputError(f"model {name!r}: give one of {', '.join(ROW_MODELS + PAIR_MODELS)}")
    return _PAIRS[name](_sizes(inputs, int(inputs.ratings.shape[1])), inputs, generator)


def build_for_rows(
    name: str, inputs: Inputs, generator: torch.Generator, outputs: int
) -> RowNetwork:
    """Make an untrained network that scores other columns than it reads.

    Parameters
    ----------
    name : str
        One of `ROW_MODELS`.
    inputs, generator :
        See `build`.
    outputs : int
        Columns that it scores.

    Returns
    -------
    network : RowNetwork

    Raises
    ------
    InputError
        If there is no such network, or it cannot score columns that it does not read.
    """
    if name not in _ROWS:
        raise InputError(f"model {name!r} does not fit rows: give one of {', '.join(ROW_MODELS)}")
    return _ROWS[name](_sizes(inputs, outputs), generator)


def _sizes(inputs: Inputs, outputs: int) -> Sizes:
    rows, columns = (int(size) for size in inputs.ratings.shape)
    of_rows, of_columns = (
        0 if features is None else features.shape[1]
        for features in (inputs.row_features, inputs.column_features)
    )
    return Sizes(rows, columns, outputs, of_rows, of_columns)

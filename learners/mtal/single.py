"""One model on one organisation's own data: alone, or joint where it holds everything."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from learners.models.batches import Batches, Inputs
from learners.models.fitting import epochs, one_thread, scores_at
from learners.models.network import new_generator
from learners.models.registry import build
from learners.models.schedule import Fitting
from learners.mtal.base import make_base
from learners.mtal.domain import Domain
from learners.mtal.overarching import Overarching
from learners.training.devices import choose_device

Scores = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Of the validation and of the test ratings, in the order of the domain's entries."""

_NOTHING = np.empty(0, dtype=np.float32)


def train_single(
    model: str,
    domain: Domain,
    loss: Overarching,
    fitting: Fitting,
    *,
    seed: int = 0,
    device: str = "cpu",
) -> Iterator[Scores]:
    """Train a model on the ratings themselves, with nobody's help, epoch by epoch.

    Parameters
    ----------
    model : str
        ``base``, or one of `learners.models.registry`.
    domain : Domain
        Its side information is used where it has any.
    loss : str
    fitting : Fitting
        The paper takes 200 epochs.
    seed : int
    device : str

    Yields
    ------
    validation, test : float32 arrays, shape (ratings,)
        Scores of held-out ratings after each epoch; logits under cross-entropy. ``base`` has one.

    Raises
    ------
    InputError
        If there is no such model or device.
    """
    held_out = (domain.validation, domain.test)
    if model == "base":
        base = make_base("mean", domain.train, domain.shape, loss)
        known = [base.at(part.rows, part.columns).astype(np.float32) for part in held_out]
        yield known[0], known[1]
        return
    inputs = Inputs(domain.ratings(), domain.row_features, domain.column_features)
    batches = Batches(inputs, choose_device(device))
    generator = new_generator(seed)
    network = build(model, inputs, generator)
    course = epochs(network, batches, inputs.ratings, loss, fitting, generator)
    while True:
        with one_thread():  # not while others are at work in between
            if next(course, None) is None:
                return
            network.eval()
            found = [
                scores_at(network, batches, part) if len(part) else _NOTHING for part in held_out
            ]
            network.train()
        yield found[0], found[1]

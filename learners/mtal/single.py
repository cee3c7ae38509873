"""One model on one organisation's own data: alone, or joint where it holds everything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learners.models.batches import Batches, Inputs
from learners.models.fitting import fit, one_thread, scores_at
from learners.models.network import new_generator
from learners.models.registry import build
from learners.models.schedule import Fitting
from learners.mtal.base import make_base
from learners.mtal.domain import Domain
from learners.mtal.overarching import Overarching
from learners.training.devices import choose_device


@dataclass(frozen=True, eq=False)
class Course:
    """Scores of held-out ratings, epoch by epoch.

    Attributes
    ----------
    validation, test : float32 arrays, shape (epochs, ratings)
        In the order of the domain's entries; logits under cross-entropy.
    """

    validation: NDArray[np.float32]
    test: NDArray[np.float32]


def train_single(
    model: str,
    domain: Domain,
    loss: Overarching,
    fitting: Fitting,
    *,
    seed: int = 0,
    device: str = "cpu",
) -> Course:
    """Train a model on the ratings themselves, with nobody's help.

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

    Returns
    -------
    course : Course
        Of one epoch for ``base``.

    Raises
    ------
    InputError
        If there is no such model or device.
    """
    held_out = (domain.validation, domain.test)
    if model == "base":
        base = make_base("mean", domain.train, domain.shape, loss)
        parts = [base.at(part.rows, part.columns)[None].astype(np.float32) for part in held_out]
        return Course(*parts)
    inputs = Inputs(domain.ratings(), domain.row_features, domain.column_features)
    batches = Batches(inputs, choose_device(device))
    generator = new_generator(seed)
    network = build(model, inputs, generator)
    courses: tuple[list[NDArray[np.float32]], ...] = ([], [])

    def note(epoch: int) -> None:
        network.eval()
        for course, part in zip(courses, held_out, strict=True):
            course.append(scores_at(network, batches, part) if len(part) else _NOTHING)
        network.train()

    with one_thread():
        fit(network, batches, inputs.ratings, loss, fitting, generator, note)
    return Course(*(np.array(course) for course in courses))


_NOTHING = np.empty(0, dtype=np.float32)

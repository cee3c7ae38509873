"""The model that an organisation fits in a round: from its own rows to everyone's residuals."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from learners.entries import Entries
from learners.models.batches import Batches, Inputs
from learners.models.fitting import blocks_of_scores, fit, one_thread, scores_at
from learners.models.network import RowNetwork, new_generator
from learners.models.registry import build_for_rows
from learners.mtal.domain import Domain
from learners.mtal.settings import LOCAL_LOSSES, Settings
from learners.training.devices import choose_device

State = dict[str, NDArray[np.float32]]


class Learner:
    """Fits a fresh model in each round and keeps none.

    Parameters
    ----------
    domain : Domain
    settings : Settings
    centred : Entries or None
        The ratings as what they exceed the base by, for ``inputs = centred``.
    outputs : int
        Columns of all organisations.
    """

    def __init__(
        self, domain: Domain, settings: Settings, centred: Entries | None, outputs: int
    ) -> None:
        self.settings = settings
        self.outputs = outputs
        self._inputs = _read(domain, centred)
        self._batches = Batches(self._inputs, choose_device(settings.device))

    def fit(self, targets: sp.csr_array, round_: int) -> RowNetwork:
        """Fit a model to targets.

        Parameters
        ----------
        targets : csr_array of float32, shape (rows, outputs)
        round_ : int
            With the seed it decides all that is random.

        Returns
        -------
        network : Network
        """
        seed = np.random.SeedSequence([self.settings.seed, round_]).generate_state(1, np.uint64)
        generator = new_generator(int(seed[0] >> np.uint64(1)))
        network = build_for_rows(self.settings.model, self._inputs, generator, self.outputs)
        loss = LOCAL_LOSSES[self.settings.local_loss]
        with one_thread():
            fit(network, self._batches, targets, loss, self.settings.fitting, generator)
        return network.eval()

    def at(self, network: RowNetwork, wanted: Entries) -> NDArray[np.float32]:
        """Scores of entries."""
        with one_thread():
            return scores_at(network, self._batches, wanted)

    def blocks(
        self, network: RowNetwork, wanted: Iterable[tuple[slice, NDArray[np.int64] | None]]
    ) -> list[NDArray[np.float32]]:
        """Scores of stretches of columns, each for some rows or, with none, for all."""
        with one_thread():
            return blocks_of_scores(network, self._batches, wanted)

    def state(self, network: RowNetwork) -> State:
        """Weights of a model."""
        return {name: value.cpu().numpy() for name, value in network.state_dict().items()}

    def restored(self, state: State) -> RowNetwork:
        """Model from its weights.

        Raises
        ------
        ValueError
            If they are not those of a model of this shape.
        """
        import torch

        network = build_for_rows(self.settings.model, self._inputs, new_generator(0), self.outputs)
        expected = network.state_dict()
        for name, value in expected.items():
            if name not in state or tuple(state[name].shape) != tuple(value.shape):
                raise ValueError(f"the model's {name} is missing or of another shape")
        if len(state) != len(expected):
            raise ValueError("the model has other parts than expected")
        network.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
        return network.to(self._batches.device).eval()


def _read(domain: Domain, centred: Entries | None) -> Inputs:
    """What the model reads: ratings as they are, or centred ones and beside them a mask."""
    rows, columns = domain.shape
    if centred is None:
        return Inputs(domain.ratings(), domain.row_features, domain.column_features)
    mask = Entries(centred.rows, centred.columns + columns, np.ones_like(centred.values))
    features = domain.column_features
    if features is not None:  # a rated column counts once, by its mask
        features = np.vstack([np.zeros_like(features), features])
    return Inputs((centred + mask).csr((rows, 2 * columns)), domain.row_features, features)

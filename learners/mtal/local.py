"""The model that an organisation fits in a round: from its own rows to everyone's residuals."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from learners.entries import Entries
from learners.models.batches import Batches, Inputs
from learners.models.fitting import all_scores, fit, one_thread, scores_at
from learners.models.network import Network, new_generator
from learners.models.registry import ROW_MODELS, build
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

    Raises
    ------
    InputError
        If the model is none that fits rows.
    """

    def __init__(
        self, domain: Domain, settings: Settings, centred: Entries | None, outputs: int
    ) -> None:
        if settings.model not in ROW_MODELS:
            raise InputError(
                f"model {settings.model!r} does not fit rows: give one of {', '.join(ROW_MODELS)}"
            )
        self.settings = settings
        self.outputs = outputs
        self._inputs = _read(domain, centred)
        self._batches = Batches(self._inputs, choose_device(settings.device))

    def fit(self, targets: sp.csr_array, round_: int) -> Network:
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
        network = build(self.settings.model, self._inputs, generator, self.outputs)
        loss = LOCAL_LOSSES[self.settings.local_loss]
        with one_thread():
            fit(network, self._batches, targets, loss, self.settings.fitting, generator)
        return network.eval()

    def at(self, network: Network, wanted: Entries) -> NDArray[np.float32]:
        """Scores of entries."""
        with one_thread():
            return scores_at(network, self._batches, wanted)

    def block(
        self, network: Network, columns: slice, rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Scores of a stretch of columns for some rows, by default for all."""
        with one_thread():
            return all_scores(network, self._batches, columns, rows)

    def state(self, network: Network) -> State:
        """Weights of a model."""
        return {name: value.cpu().numpy() for name, value in network.state_dict().items()}

    def restored(self, state: State) -> Network:
        """Model from its weights.

        Raises
        ------
        ValueError
            If they are not those of a model of this shape.
        """
        import torch

        network = build(self.settings.model, self._inputs, new_generator(0), self.outputs)
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

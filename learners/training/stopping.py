"""When to stop: the loss on the validation part has not fallen for some rounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass
class EarlyStop:
    """Keeps the best round, and says when it lies too far back.

    Parameters
    ----------
    patience : int
        Rounds without a new best after which to stop; 0: never.

    Attributes
    ----------
    best : float
        The lowest loss so far.
    best_round : int
        Its round, from 0; -1 before the first.
    round : int
        The last round told, from 0; -1 before the first.
    """

    patience: int
    best: float = math.inf
    best_round: int = -1
    round: int = -1

    def is_best(self, loss: float) -> bool:
        """Take the loss of the next round; whether it is a new best (NaN never is)."""
        self.round += 1
        if not loss < self.best:
            return False
        self.best, self.best_round = float(loss), self.round
        return True

    @property
    def due(self) -> bool:
        """Whether to stop now."""
        return 0 < self.patience <= self.round - max(self.best_round, 0)

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs, as JSON can hold it."""
        best = None if math.isinf(self.best) else self.best
        return {"best": best, "best_round": self.best_round, "round": self.round}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from the state of a checkpoint."""
        self.best = math.inf if state["best"] is None else float(state["best"])
        self.best_round, self.round = int(state["best_round"]), int(state["round"])

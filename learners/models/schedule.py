"""How long and how fast a network is fitted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fitting:
    """How a network is fitted (Diao, Tarokh, Ding, table 6).

    Attributes
    ----------
    epochs : int
    batch : int
        Rows a batch.
    rate : float
        Of Adam.
    decay : float
        Weight decay.
    clip : float
        Largest norm of a gradient.
    """

    epochs: int = 20
    batch: int = 100
    rate: float = 1e-3
    decay: float = 5e-4
    clip: float = 1.0

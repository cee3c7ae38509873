"""What a model is fitted by, and what its scores then mean."""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor
from torch.nn import functional

LOSSES = ("squared", "absolute", "cross-entropy")
Loss: TypeAlias = str
"""One of `LOSSES`; scores are logits under ``cross-entropy``."""


def mean_loss(loss: Loss, scores: Tensor, targets: Tensor) -> Tensor:
    """Mean loss over entries.

    Parameters
    ----------
    loss : str
        One of `LOSSES`.
    scores, targets : tensors of shape (entries,)

    Returns
    -------
    loss : scalar tensor
    """
    if loss == "squared":
        return functional.mse_loss(scores, targets)
    if loss == "absolute":
        return functional.l1_loss(scores, targets)
    if loss == "cross-entropy":
        return functional.binary_cross_entropy_with_logits(scores, targets)
    raise ValueError(f"loss must be one of {', '.join(LOSSES)}, not {loss!r}")

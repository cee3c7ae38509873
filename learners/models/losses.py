"""What a model is fitted by, and what its scores then mean."""

from __future__ import annotations

from typing import TypeAlias

import torch
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


def loss_gradient(loss: Loss, scores: Tensor, targets: Tensor) -> Tensor:
    """Gradient of `mean_loss` by the scores.

    Parameters
    ----------
    loss : str
    scores, targets : tensors of shape (entries,)

    Returns
    -------
    gradient : tensor, shape (entries,)
    """
    if loss == "squared":
        by_score = 2.0 * (scores - targets)
    elif loss == "absolute":
        by_score = torch.sign(scores - targets)
    elif loss == "cross-entropy":
        by_score = torch.sigmoid(scores) - targets
    else:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, not {loss!r}")
    return by_score / max(len(scores), 1)

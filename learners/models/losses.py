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


def device_of(name: str) -> torch.device:
    """Device by name: ``auto`` is CUDA where there is one.

    Raises
    ------
    InputError
        If CUDA is asked for and not there.
    """
    from grouping.errors import InputError

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise InputError(f"device {name!r}: give auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: PyTorch sees none here; give cpu or auto")
    return torch.device(name)

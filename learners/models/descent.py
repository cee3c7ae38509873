"""Adam on all parameters of a network at once, gradients clipped."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import nn

from learners.kernels.descent import adam_step, sum_of_squares
from learners.models.schedule import Fitting

KEEP_MEAN, KEEP_SQUARE, TINY = 0.9, 0.999, 1e-8
_TINY_NORM = 1e-6  # as torch's clipping adds it


class Descent(Protocol):
    """Steps down the gradient that a network's parameters hold."""

    def step(self) -> None:
        """Clip the gradient, step, and set it to zero."""


def descent(network: nn.Module, fitting: Fitting, device: torch.device) -> Descent:
    """Make ready to train a network.

    Its parameters, and their gradients, come to lie in one vector each, so that a step is one
    operation instead of one a parameter.

    Parameters
    ----------
    network : Module
        On the device already.
    fitting : Fitting
        Rate, weight decay and largest norm.
    device : torch.device

    Returns
    -------
    descent : Descent
    """
    parameters = _in_one(network)
    if device.type == "cpu":
        return _OwnAdam(parameters, fitting)
    return _TorchAdam(parameters, fitting)


class _OwnAdam:
    """By kernels of our own, which go over the parameters twice where torch's go five times."""

    def __init__(self, parameters: nn.Parameter, fitting: Fitting) -> None:
        assert parameters.grad is not None
        self.fitting = fitting
        self.parameters = parameters.detach().numpy()
        self.gradient = parameters.grad.numpy()
        self.means, self.squares = (np.zeros_like(self.parameters) for _ in range(2))
        self.steps = 0

    def step(self) -> None:
        """See `Descent.step`."""
        self.steps += 1
        norm = sum_of_squares(self.gradient) ** 0.5
        adam_step(
            self.parameters, self.gradient, self.means, self.squares,
            min(1.0, self.fitting.clip / (norm + _TINY_NORM)), self.fitting.decay,
            self.fitting.rate, KEEP_MEAN, KEEP_SQUARE, TINY, self.steps,
        )  # fmt: skip


class _TorchAdam:
    def __init__(self, parameters: nn.Parameter, fitting: Fitting) -> None:
        self.parameters, self.clip = parameters, fitting.clip
        self.optimiser = torch.optim.Adam(
            [parameters],
            lr=fitting.rate,
            betas=(KEEP_MEAN, KEEP_SQUARE),
            eps=TINY,
            weight_decay=fitting.decay,
            fused=True,
        )

    def step(self) -> None:
        """See `Descent.step`."""
        torch.nn.utils.clip_grad_norm_([self.parameters], self.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=False)


def _in_one(network: nn.Module) -> nn.Parameter:
    own = list(network.parameters())
    whole = nn.Parameter(torch.cat([p.detach().reshape(-1) for p in own]))
    whole.grad = torch.zeros_like(whole)
    first = 0
    for parameter in own:
        stretch = slice(first, first + parameter.numel())
        parameter.data = whole.data[stretch].view(parameter.shape)
        parameter.grad = whole.grad[stretch].view(parameter.shape)
        first = stretch.stop
    return whole

"""A step of Adam in two passes over all parameters: the gradient's norm, then everything else."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.kernels.jit import kernel

Array = NDArray[Any]

_BLOCK = 4096


@kernel(nogil=True, fastmath=True, error_model="numpy")
def sum_of_squares(values: Array) -> float:
    """Sum of squares of a float32 vector: in float32 within blocks, in float64 over blocks."""
    total = 0.0
    for first in range(0, len(values), _BLOCK):
        part = np.float32(0.0)
        for i in range(first, min(first + _BLOCK, len(values))):
            part += values[i] * values[i]
        total += part
    return total


@kernel(nogil=True, fastmath=True, error_model="numpy")
def adam_step(
    parameters: Array,
    gradient: Array,
    means: Array,
    squares: Array,
    shrink: float,
    decay: float,
    rate: float,
    keep_mean: float,
    keep_square: float,
    tiny: float,
    steps: int,
) -> None:
    """Step down a gradient, multiplied by `shrink`, and set the gradient to zero.

    ``means`` and ``squares`` are the running means of the gradient, with ``decay * parameters``
    added, and of its square (Kingma, Ba, algorithm 1); ``steps`` counts this step too.
    """
    length = np.float32(rate / (1.0 - keep_mean**steps))
    spread = np.float32(1.0 / np.sqrt(1.0 - keep_square**steps))
    shrink_, decay_, tiny_ = np.float32(shrink), np.float32(decay), np.float32(tiny)
    keep_mean_, take_mean = np.float32(keep_mean), np.float32(1.0 - keep_mean)
    keep_square_, take_square = np.float32(keep_square), np.float32(1.0 - keep_square)
    for i in range(len(parameters)):
        slope = shrink_ * gradient[i] + decay_ * parameters[i]
        mean = keep_mean_ * means[i] + take_mean * slope
        square = keep_square_ * squares[i] + take_square * slope * slope
        means[i] = mean
        squares[i] = square
        parameters[i] -= length * mean / (np.sqrt(square) * spread + tiny_)
        gradient[i] = np.float32(0.0)

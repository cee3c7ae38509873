"""Overarching losses: what an organisation wants small, known to itself alone."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from learners.metrics import average_precisions

Overarching: TypeAlias = Literal["squared", "cross-entropy"]
Vector: TypeAlias = NDArray[np.float64]


def of_feedback(feedback: str) -> Overarching:
    """Loss of explicit or implicit feedback."""
    return "squared" if feedback == "explicit" else "cross-entropy"


def residuals(loss: Overarching, scores: Vector, truth: Vector) -> Vector:
    """Negative gradient of the summed loss by the scores.

    ``2 (truth - scores)`` for the squared error, ``truth - sigmoid(scores)`` for cross-entropy.
    """
    if loss == "squared":
        return 2.0 * (truth - scores)
    return truth - sigmoid(scores)


def mean_loss(loss: Overarching, scores: Vector, truth: Vector) -> float:
    """Mean loss over entries; scores are logits under cross-entropy."""
    if loss == "squared":
        errors = truth - scores
        return float(np.mean(errors * errors))
    return float(np.mean(-log_expit(-scores) - truth * scores))


def quality(
    loss: Overarching, rows: NDArray[np.int64], scores: Vector, truth: Vector
) -> tuple[float, int]:
    """What the scores of held-out ratings are worth, as a sum and what it is to be divided by.

    Squared errors over ratings (to be low), or average precisions at 10 over rows (to be high).
    """
    if not len(truth):
        return 0.0, 0
    if loss == "squared":
        errors = truth - scores
        return float(np.sum(errors * errors)), len(errors)
    precisions = average_precisions(rows, truth, scores)
    return float(precisions.sum()), len(precisions)


def sigmoid(scores: Vector) -> Vector:
    """Logistic function, without overflow."""
    chances: Vector = expit(scores)
    return chances

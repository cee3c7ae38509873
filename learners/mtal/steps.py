"""How far a round goes: the weights of the organisations' outputs, and the rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from grouping.errors import InputError
from learners.mtal.overarching import Overarching, Vector, mean_loss, residuals

Objective: TypeAlias = Callable[[Vector], tuple[float, Vector]]
How: TypeAlias = Literal["constant", "train", "validation"]
_CHOSEN_WITHIN = (0.0, 2.0)  # rates that a choice on validation may take


@dataclass(frozen=True)
class Step:
    """How an organisation steps from round to round.

    ``train`` fits to the overarching loss on the ratings learned from, as the paper does: ten
    steps of L-BFGS at rate 1 without line search. The rate arrives at its unbounded optimum,
    whence the paper's explosions. The weights stop early, near equal ones, and that is to their
    good: the optimum trusts one's own, overfitted output most. ``validation`` goes to the optimum
    on ratings held out, with a rate between 0 and 2.

    Attributes
    ----------
    rate : {"constant", "train", "validation"}
    eta : float
        The constant, and where fitting starts.
    weights : {"constant", "train", "validation"}
        Constant ones are equal; others are a softmax.
    """

    rate: How = "constant"
    eta: float = 0.3
    weights: How = "constant"

    def checked(self, has_validation: bool) -> Step:
        """Return the step if it is possible.

        Raises
        ------
        InputError
            If a choice has no such value, or there is no validation part to choose on.
        """
        for what, how in (("rate", self.rate), ("weights", self.weights)):
            if how not in ("constant", "train", "validation"):
                raise InputError(f"{what} {how!r}: give constant, train or validation")
            if how == "validation" and not has_validation:
                raise InputError(f"{what} cannot be chosen on validation: no rating is held out")
        if not 0 < self.eta < np.inf:
            raise InputError(f"the rate eta must be positive and finite, not {self.eta:g}")
        return self


@dataclass(frozen=True, eq=False)
class Part:
    """Entries to fit a step on.

    Attributes
    ----------
    scores, truth : float64 arrays, shape (entries,)
    outputs : float64 array, shape (organisations, entries)
        NaN where an organisation does not know the row.
    """

    scores: Vector
    truth: Vector
    outputs: NDArray[np.float64]


def combined(outputs: NDArray[np.float64], weights: Vector) -> Vector:
    """Weighted mean of the outputs that there are, entry by entry.

    Parameters
    ----------
    outputs : float64 array, shape (organisations, entries)
        NaN where an organisation does not know the row; at least one does.
    weights : float64 array, shape (organisations,)

    Returns
    -------
    mean : float64 array, shape (entries,)
    """
    known = ~np.isnan(outputs)
    share = np.where(known, weights[:, None], 0.0)
    total: Vector = (share * np.where(known, outputs, 0.0)).sum(axis=0) / share.sum(axis=0)
    return total


def chosen_step(
    step: Step, loss: Overarching, train: Part, validation: Part
) -> tuple[float, Vector]:
    """Rate and weights of a round: the weights first, then the rate.

    Parameters
    ----------
    step : Step
    loss : str
    train, validation : Part

    Returns
    -------
    eta : float
    weights : float64 array, shape (organisations,)
        On the simplex.
    """
    eta = np.array([step.eta])
    logits = np.zeros(len(train.outputs))
    if step.weights != "constant":
        part = train if step.weights == "train" else validation
        of_weights = _of_weights(part, loss, step.eta)
        logits = (_ten_steps if step.weights == "train" else _optimum)(of_weights, logits)
    if step.rate == "train":
        eta = _ten_steps(_of_rate(train, loss, _softmax(logits)), eta)
    elif step.rate == "validation":
        eta = _optimum(_of_rate(validation, loss, _softmax(logits)), eta, _CHOSEN_WITHIN)
    return float(eta[0]), _softmax(logits)


def _of_rate(part: Part, loss: Overarching, weights: Vector) -> Objective:
    """Mean loss and its slope as functions of the rate."""
    mean = combined(part.outputs, weights)

    def objective(eta: Vector) -> tuple[float, Vector]:
        scores = part.scores + eta[0] * mean
        slope = -residuals(loss, scores, part.truth) / len(scores)
        return mean_loss(loss, scores, part.truth), np.array([float(slope @ mean)])

    return objective


def _of_weights(part: Part, loss: Overarching, eta: float) -> Objective:
    """Mean loss and its gradient as functions of the weights' logits."""
    there = ~np.isnan(part.outputs)
    outputs, known = np.where(there, part.outputs, 0.0), there.astype(np.float64)

    def objective(logits: Vector) -> tuple[float, Vector]:
        weights = _softmax(logits)
        total = weights @ known
        mean = (weights @ outputs) / total
        scores = part.scores + eta * mean
        slope = -eta * residuals(loss, scores, part.truth) / (len(scores) * total)
        gradient: Vector = weights * (outputs @ slope - known @ (slope * mean))
        return mean_loss(loss, scores, part.truth), gradient

    return objective


def _ten_steps(objective: Objective, start: Vector) -> Vector:
    """The paper's fit: ten steps of L-BFGS of up to twenty iterations, rate 1, no line search."""
    import torch

    unknown = torch.tensor(start, requires_grad=True)
    optimiser = torch.optim.LBFGS([unknown], lr=1.0)

    def closure() -> float:
        loss, gradient = objective(unknown.detach().numpy())
        unknown.grad = torch.tensor(gradient)
        return loss

    for _ in range(10):
        optimiser.step(closure)  # type: ignore[no-untyped-call]
    return np.asarray(unknown.detach().numpy(), dtype=np.float64)


def _optimum(
    objective: Objective, start: Vector, bounds: tuple[float, float] | None = None
) -> Vector:
    limits = None if bounds is None else [bounds] * len(start)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=limits)
    return np.asarray(found.x, dtype=np.float64)


def _softmax(logits: Vector) -> Vector:
    powers = np.exp(logits - logits.max())
    shares: Vector = powers / powers.sum()
    return shares

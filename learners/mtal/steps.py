"""How far a round goes: the weights of the organisations' outputs, and the rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from grouping.errors import InputError
from learners.mtal.overarching import Overarching, Vector, mean_loss, residuals

How: TypeAlias = Literal["constant", "train", "validation"]
_CHOSEN_WITHIN = (0.0, 2.0)  # rates that a choice on validation may take


@dataclass(frozen=True)
class Step:
    """How an organisation steps from round to round.

    Attributes
    ----------
    rate : {"constant", "train", "validation"}
        Whether eta stays at `eta`, or is fitted in each round to the overarching loss on the
        ratings learned from (unbounded, as in the paper, whence its explosions), or chosen on
        validation (between 0 and 2).
    eta : float
        The constant, and where fitting starts.
    by_column : bool
        Whether each of the columns has a rate of its own (``train`` only).
    weights : {"constant", "train", "validation"}
        Whether all outputs weigh the same, or softmax weights are fitted likewise.
    """

    rate: How = "constant"
    eta: float = 0.3
    by_column: bool = False
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
        if not np.isfinite(self.eta):
            raise InputError(f"the rate eta must be finite, not {self.eta}")
        if self.by_column and self.rate != "train":
            raise InputError("a rate for each column goes with fitting it on train only")
        return self


@dataclass(frozen=True, eq=False)
class Part:
    """Entries to fit a step on.

    Attributes
    ----------
    scores, truth : float64 arrays, shape (entries,)
    outputs : float64 array, shape (organisations, entries)
        NaN where an organisation does not know the row.
    columns : int64 array, shape (entries,)
    """

    scores: Vector
    truth: Vector
    outputs: NDArray[np.float64]
    columns: NDArray[np.int64]


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
    step: Step, loss: Overarching, train: Part, validation: Part, columns: int
) -> tuple[Vector, Vector]:
    """Rate and weights of a round.

    Parameters
    ----------
    step : Step
    loss : str
    train, validation : Part
    columns : int
        How many there are.

    Returns
    -------
    eta : float64 array, shape (1,) or (columns,)
    weights : float64 array, shape (organisations,)
        On the simplex.
    """
    organisations = len(train.outputs)
    logits = np.zeros(organisations)
    eta = np.full(columns if step.by_column else 1, step.eta)
    if step.weights != "constant":
        part = train if step.weights == "train" else validation
        logits = _fitted(part, loss, eta, logits, fit_eta=False, bounds=None)[1]
    if step.rate == "train":
        eta = _fitted(train, loss, eta, logits, fit_eta=True, bounds=None)[0]
    elif step.rate == "validation":
        eta = _fitted(validation, loss, eta, logits, fit_eta=True, bounds=_CHOSEN_WITHIN)[0]
    return eta, _softmax(logits)


def _fitted(
    part: Part,
    loss: Overarching,
    eta: Vector,
    logits: Vector,
    *,
    fit_eta: bool,
    bounds: tuple[float, float] | None,
) -> tuple[Vector, Vector]:
    """Fit the rates or the weights, the others held, to the mean loss by L-BFGS."""
    column = part.columns if len(eta) > 1 else np.zeros(len(part.columns), dtype=np.int64)
    known = ~np.isnan(part.outputs)
    outputs = np.where(known, part.outputs, 0.0)
    count = len(part.truth)

    def loss_and_gradient(unknown: Vector) -> tuple[float, Vector]:
        rates, raw = (unknown, logits) if fit_eta else (eta, unknown)
        share = np.where(known, _softmax(raw)[:, None], 0.0)
        share /= share.sum(axis=0)
        mean = (share * outputs).sum(axis=0)
        scores = part.scores + rates[column] * mean
        slope = -residuals(loss, scores, part.truth) / count
        gradient = np.zeros(len(unknown))
        if fit_eta:
            np.add.at(gradient, column, slope * mean)
        else:
            gradient += (slope * rates[column] * share * (outputs - mean)).sum(axis=1)
        return mean_loss(loss, scores, part.truth), gradient

    start = eta if fit_eta else logits
    limits = None if bounds is None else [bounds] * len(start)
    found = minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B", bounds=limits)
    fitted = np.asarray(found.x, dtype=np.float64)
    return (fitted, logits) if fit_eta else (eta, fitted)


def _softmax(logits: Vector) -> Vector:
    powers = np.exp(logits - logits.max())
    shares: Vector = powers / powers.sum()
    return shares

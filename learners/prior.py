"""What the rows of one side are drawn to: profiles of the partners that they have ratings with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.als import sum_partners
from learners.observed import Side

_STEPS = 3  # of conjugate gradients, each time, from where the last refit ended


class PartnerPrior:
    """Profiles w_j of partners, fitted so that rows x_u are near their partners' profiles.

    With n_u the number of partners of row u and R(u) the set of them, `refit` lowers::

        sum_u sqrt(n_u) (x_u - sum_{j in R(u)} w_j / sqrt(n_u))^2 + strength * sum_j w_j^2

    in each column by itself, which is a linear system in w; it takes a fixed number of steps of
    conjugate gradients with a diagonal preconditioner, none of which raises the sum.

    Parameters
    ----------
    side, other_side : Side
        The same ratings by row and by partner.
    columns : int
    strength : float

    Attributes
    ----------
    profiles : float64 array, shape (partners, columns)
        Zero at first.
    """

    def __init__(self, side: Side, other_side: Side, columns: int, strength: float) -> None:
        rows, partners = len(side.starts) - 1, len(other_side.starts) - 1
        self.strength = strength
        self.profiles = np.zeros((partners, columns))
        self._side, self._other = side, other_side
        self._share = 1.0 / np.sqrt(np.maximum(side.counts, 1))
        self._ones = np.ones(partners)
        self._sums = np.empty((rows, columns))
        diagonal = np.empty((partners, 1))
        sum_partners(
            other_side.starts, other_side.partners, self._ones, self._share[:, None], diagonal
        )
        self._diagonal = diagonal + strength

    def centre(self, out: NDArray[np.float64]) -> None:
        """Write the point that each row is drawn to.

        Parameters
        ----------
        out : float64 array, shape (rows, columns)
            Overwritten.
        """
        sum_partners(self._side.starts, self._side.partners, self._share, self.profiles, out)

    def refit(self, rows: NDArray[np.float64]) -> None:
        """Fit the profiles to the rows.

        Parameters
        ----------
        rows : float64 array, shape (rows, columns)
        """
        residual = self._to_partners(rows) - self._apply(self.profiles)
        scaled = residual / self._diagonal
        direction = scaled.copy()
        power = (residual * scaled).sum(axis=0)
        for _ in range(_STEPS):
            image = self._apply(direction)
            step = _ratio(power, (direction * image).sum(axis=0))
            self.profiles += step * direction
            residual -= step * image
            scaled = residual / self._diagonal
            before, power = power, (residual * scaled).sum(axis=0)
            direction = scaled + _ratio(power, before) * direction

    def _apply(self, profiles: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply by the matrix of the linear system."""
        sum_partners(self._side.starts, self._side.partners, self._share, profiles, self._sums)
        image = self._to_partners(self._sums)
        image += self.strength * profiles
        return image

    def _to_partners(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.empty_like(self.profiles)
        sum_partners(self._other.starts, self._other.partners, self._ones, rows, sums)
        return sums


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quotients, 0 where a column has nothing left to gain."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)

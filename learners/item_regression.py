"""Item regression: an item's score from the other items taken, in closed form (Steck, 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.memory import require


@dataclass(eq=False)
class ItemRegression:
    """Scores X B with B of zero diagonal that minimises ``|X - X B|^2 + regularization |B|^2``.

    For implicit ratings: X holds 1 where a rater took an item (EASE, "Embarrassingly shallow
    autoencoders", WWW 2019).

    Parameters
    ----------
    regularization : float

    Attributes
    ----------
    weights_ : float32 array, shape (items, items)
    """

    regularization: float = 100.0

    def fit(self, taken: sp.csr_array) -> ItemRegression:
        """Fit.

        Parameters
        ----------
        taken : csr_array, shape (raters, items)
            What is stored counts as taken, whatever its value.

        Returns
        -------
        self : ItemRegression

        Raises
        ------
        InputError
            If the regularization is not positive.
        """
        if not 0 < self.regularization < np.inf:
            raise InputError(f"regularization must be positive, not {self.regularization}")
        m = taken.shape[1]
        require(20 * m * m, f"regression of {m} items", "take fewer items")
        marks = _marks(taken)
        together = (marks.T @ marks).toarray().astype(np.float64)
        together[np.diag_indices(m)] += self.regularization
        inverse = np.linalg.inv(together)
        inverse /= -np.diag(inverse)
        inverse[np.diag_indices(m)] = 0.0
        self.weights_: NDArray[np.float32] = inverse.astype(np.float32)
        return self

    def score(self, taken: sp.csr_array) -> NDArray[np.float32]:
        """Scores of all items for raters, also ones that were not learned from.

        Parameters
        ----------
        taken : csr_array, shape (raters, items)

        Returns
        -------
        scores : float32 array, shape (raters, items)
        """
        made: NDArray[np.float32] = _marks(taken) @ self.weights_
        return made


def _marks(taken: sp.csr_array) -> sp.csr_array:
    ones = np.ones(taken.nnz, dtype=np.float32)
    return sp.csr_array((ones, taken.indices, taken.indptr), shape=taken.shape)

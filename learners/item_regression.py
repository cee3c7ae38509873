"""Item regression: an item's score from the other items taken, in closed form (Steck, 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.memory import require

Floats = NDArray[np.float64]


@dataclass(eq=False)
class ItemRegression:
    """Scores T B of rows T, with B of zero diagonal that minimises ``|X - X B|^2 + r |B|^2``.

    For implicit ratings: X holds 1 where a rater took an item (EASE, "Embarrassingly shallow
    autoencoders", WWW 2019). With ``P = (X'X + r I)^-1``, ``B_ij = -P_ij / P_jj`` off the diagonal,
    so ``T B = T - T P / diag P``. Where raters are fewer than items, ``X X' + r I`` is inverted in
    place of the larger matrix: ``P = (I - X' (X X' + r I)^-1 X) / r``.

    Parameters
    ----------
    regularization : float
        r.
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
        n, m = taken.shape
        require(20 * min(n, m) * m, f"regression of {m} items", "take fewer items")
        self._marks = marks = _marks(taken)
        if n < m:
            inverse = _inverse(marks @ marks.T, self.regularization)
            self._projected: Floats = inverse @ marks
            inside = np.asarray(marks.multiply(self._projected).sum(axis=0), dtype=np.float64)
            self._diagonal: Floats = (1.0 - inside) / self.regularization
        else:
            self._projected = _inverse(marks.T @ marks, self.regularization)
            self._diagonal = np.diag(self._projected).astype(np.float64)
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
        asked, marks = _marks(taken), self._marks
        if marks.shape[0] < marks.shape[1]:
            of_inverse = asked.toarray() - (asked @ marks.T) @ self._projected
            of_inverse /= self.regularization
        else:
            of_inverse = asked @ self._projected
        made: NDArray[np.float32] = (asked.toarray() - of_inverse / self._diagonal).astype("f4")
        return made


def _marks(taken: sp.csr_array) -> sp.csr_array:
    ones = np.ones(taken.nnz, dtype=np.float64)
    return sp.csr_array((ones, taken.indices, taken.indptr), shape=taken.shape)


def _inverse(products: sp.csr_array, regularization: float) -> Floats:
    dense: Floats = products.toarray()
    dense[np.diag_indices(len(dense))] += regularization
    return np.linalg.inv(dense).astype(np.float64)

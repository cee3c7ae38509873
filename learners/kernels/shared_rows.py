"""Rows of factors solved from sums: what several hold parts of, added up, gives the whole.

The normal equations of a row are a sum over its ratings. So whoever holds some of the ratings can
compute a part of them, and the parts of all add up to those of the row. They are packed: the lower
triangle row by row, then the right side. As in `learners.kernels.als`, a row of parameters is
``x = (bias, factors)`` and a rating is modelled as ``x_u[0] + x_i[0] + sum_f x_u[f] x_i[f]``.

Everything runs on one thread and lets others run beside it: organisations learn side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.kernels.jit import kernel
from learners.kernels.als import factorise_in_place, solve_factorised, solve_in_place

Array = NDArray[Any]


@kernel(nogil=True)
def normal_equations(
    starts: Array, partners: Array, values: Array, other: Array, packed: Array
) -> None:
    """Set each row's normal equations from its ratings.

    Parameters
    ----------
    starts, partners, values : arrays
        The ratings of row u: partners and values at ``starts[u] : starts[u + 1]``.
    other : float64 array, shape (partners, K)
        Parameters of the other side, held fixed.
    packed : float64 array, shape (rows, K (K + 1) / 2 + K)
        Overwritten.
    """
    size = other.shape[1]
    corner = size * (size + 1) // 2
    x = np.empty(size)
    x[0] = 1.0
    for u in range(len(starts) - 1):
        for t in range(packed.shape[1]):
            packed[u, t] = 0.0
        for position in range(starts[u], starts[u + 1]):
            partner = partners[position]
            for f in range(1, size):
                x[f] = other[partner, f]
            target = values[position] - other[partner, 0]
            place = 0
            for a in range(size):
                factor = x[a]
                for c in range(a + 1):
                    packed[u, place + c] += factor * x[c]
                place += a + 1
                packed[u, corner + a] += target * factor


@kernel(nogil=True)
def solve_rows(packed: Array, weight: Array, penalty: Array, centre: Array, rows: Array) -> None:
    """Set every row to the minimiser of its squared errors plus its penalty.

    The penalty of row u is ``weight[u] * sum_f penalty[f] * (rows[u, f] - centre[u, f]) ** 2``.

    Parameters
    ----------
    packed : float64 array, shape (rows, K (K + 1) / 2 + K)
        See `normal_equations`.
    weight : float64 array, shape (rows,)
    penalty : float64 array, shape (K,)
    centre : float64 array, shape (rows, K)
    rows : float64 array, shape (rows, K)
        Overwritten.
    """
    count, size = rows.shape
    corner = size * (size + 1) // 2
    A = np.empty((size, size))
    b = np.empty(size)
    for u in range(count):
        place = 0
        for a in range(size):
            for c in range(a + 1):
                A[a, c] = packed[u, place + c]
            place += a + 1
            strength = weight[u] * penalty[a]
            A[a, a] += strength
            b[a] = packed[u, corner + a] + strength * centre[u, a]
        solve_in_place(A, b)
        for f in range(size):
            rows[u, f] = b[f]


@kernel(nogil=True)
def solve_alike(packed: Array, strength: float, sides: Array) -> None:
    """Solve normal equations that many columns have alike but for their right sides.

    Parameters
    ----------
    packed : float64 array, shape (q (q + 1) / 2,)
        Lower triangle row by row.
    strength : float
        Added to the diagonal.
    sides : float64 array, shape (columns, q)
        Right sides, overwritten by the solutions.
    """
    columns, size = sides.shape
    A = np.empty((size, size))
    place = 0
    for a in range(size):
        for c in range(a + 1):
            A[a, c] = packed[place + c]
        place += a + 1
        A[a, a] += strength
    factorise_in_place(A)
    for column in range(columns):
        solve_factorised(A, sides[column])

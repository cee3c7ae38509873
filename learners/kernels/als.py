"""Alternating least squares: the exact update of one side, given the other.

A row of parameters is ``x = (bias, factors)``; a rating is modelled as
``x_u[0] + x_i[0] + sum_f x_u[f] x_i[f]``. Each row is computed by one thread from start to end,
so results do not depend on the number of threads. Rows are dealt out to tasks one by one, which
spreads the popular ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from grouping.kernels.jit import kernel

Array = NDArray[Any]

TASKS = 64  # how many shares the rows are dealt into; a constant, whatever the thread count


@kernel()
def solve_in_place(A: Array, b: Array) -> None:
    """Solve ``A x = b`` for a symmetric positive definite `A` by Cholesky; x replaces `b`.

    Only the lower triangle of `A` is read; it is overwritten by the factor.
    """
    factorise_in_place(A)
    solve_factorised(A, b)


@kernel()
def factorise_in_place(A: Array) -> None:
    """Cholesky factor of a symmetric positive definite matrix, in its lower triangle."""
    size = len(A)
    for j in range(size):
        pivot = A[j, j]
        for t in range(j):
            pivot -= A[j, t] * A[j, t]
        pivot = np.sqrt(pivot)
        A[j, j] = pivot
        for a in range(j + 1, size):
            rest = A[a, j]
            for t in range(j):
                rest -= A[a, t] * A[j, t]
            A[a, j] = rest / pivot


@kernel()
def solve_factorised(A: Array, b: Array) -> None:
    """Solve with a matrix that was factorised; x replaces `b`."""
    size = len(b)
    for j in range(size):
        rest = b[j]
        for t in range(j):
            rest -= A[j, t] * b[t]
        b[j] = rest / A[j, j]
    for j in range(size - 1, -1, -1):
        rest = b[j]
        for t in range(j + 1, size):
            rest -= A[t, j] * b[t]
        b[j] = rest / A[j, j]


@kernel(parallel=True)
def update_rows(
    starts: Array,
    partners: Array,
    values: Array,
    other: Array,
    centre: Array,
    weight: Array,
    penalty: Array,
    rows: Array,
) -> None:
    """Set every row to the minimiser of its squared errors plus its penalty.

    The penalty of row u is ``weight[u] * sum_f penalty[f] * (rows[u, f] - centre[u, f]) ** 2``.

    Parameters
    ----------
    starts, partners, values : arrays
        The ratings of row u: partners and values at ``starts[u] : starts[u + 1]``.
    other : float64 array, shape (partners, K)
        Parameters of the other side, held fixed.
    centre : float64 array, shape (rows, K)
        What the rows are drawn to.
    weight : float64 array, shape (rows,)
    penalty : float64 array, shape (K,)
    rows : float64 array, shape (rows, K)
        Overwritten.
    """
    count, size = rows.shape
    for task in prange(TASKS):
        A = np.empty((size, size))
        b = np.empty(size)
        x = np.empty(size)
        for u in range(task, count, TASKS):
            A[:, :] = 0.0
            b[:] = 0.0
            x[0] = 1.0
            for position in range(starts[u], starts[u + 1]):
                partner = partners[position]
                for f in range(1, size):
                    x[f] = other[partner, f]
                target = values[position] - other[partner, 0]
                for a in range(size):
                    factor = x[a]
                    for c in range(a + 1):
                        A[a, c] += factor * x[c]
                    b[a] += target * factor
            for f in range(size):
                strength = weight[u] * penalty[f]
                A[f, f] += strength
                b[f] += strength * centre[u, f]
            solve_in_place(A, b)
            for f in range(size):
                rows[u, f] = b[f]


@kernel(parallel=True)
def sum_partners(starts: Array, partners: Array, weight: Array, other: Array, sums: Array) -> None:
    """Set ``sums[u]`` to ``weight[u]`` times the sum of ``other[i]`` over the partners i of u."""
    count, size = sums.shape
    for task in prange(TASKS):
        total = np.empty(size)
        for u in range(task, count, TASKS):
            total[:] = 0.0
            for position in range(starts[u], starts[u + 1]):
                partner = partners[position]
                for f in range(size):
                    total[f] += other[partner, f]
            for f in range(size):
                sums[u, f] = weight[u] * total[f]


@kernel(parallel=True)
def squared_errors(
    starts: Array, partners: Array, values: Array, rows: Array, other: Array, errors: Array
) -> None:
    """Set ``errors[u]`` to the sum of squared errors over the ratings of row u."""
    count, size = rows.shape
    for task in prange(TASKS):
        for u in range(task, count, TASKS):
            total = 0.0
            for position in range(starts[u], starts[u + 1]):
                partner = partners[position]
                error = values[position] - rows[u, 0] - other[partner, 0]
                for f in range(1, size):
                    error -= rows[u, f] * other[partner, f]
                total += error * error
            errors[u] = total

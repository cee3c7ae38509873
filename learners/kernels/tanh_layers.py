"""Layers whose outputs go through the hyperbolic tangent, forwards and backwards.

They are float32, and take one call where an operation for each step would take ten, which on so few
rows is what takes the time. What is learned is added to gradients that are there already. Products
of matrices are written out: a BLAS is a quarter faster at them, but computes a row differently by
where it stands among others, and the score of an entry must not depend, to the bit, on which others
are asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.kernels.jit import kernel
from learners.kernels.sparse_rows import add_outer, weighted_sums

Array = NDArray[Any]

DEPTH = 13
"""Where the continued fraction ends: in float64 it is within 5e-9 up to `LIMIT`."""

LIMIT = np.float32(9.0)
"""From here on float32 knows no difference from one."""


def _fraction() -> tuple[list[float], list[float]]:
    """Coefficients of ``tanh x = x p(x^2) / q(x^2)``, the lowest first.

    Lambert's ``x / (1 + x^2 / (3 + x^2 / (5 + ...)))``, from its end outwards. All are positive, so
    that nothing cancels.
    """
    p, q = [1.0], [2.0 * DEPTH + 1.0]  # a tail is q / p
    for odd in range(2 * DEPTH - 1, 0, -2):
        longer = [odd * c for c in q] + [0.0] * (len(p) + 1 - len(q))
        for power, c in enumerate(p):
            longer[power + 1] += c
        p, q = q, longer
    return [c / q[0] for c in p], [c / q[0] for c in q]


_P, _Q = (tuple(np.float32(c) for c in part) for part in _fraction())
_P0, _P1, _P2, _P3, _P4, _P5, _P6 = _P
_Q0, _Q1, _Q2, _Q3, _Q4, _Q5, _Q6, _Q7 = _Q


@kernel(nogil=True, fastmath={"reassoc", "contract", "arcp", "nsz"}, error_model="numpy")
def to_tanh(outputs: Array, bias: Array) -> None:
    """Replace each element by the hyperbolic tangent of it and its column's bias.

    By multiplications and one division, so that it runs on many elements at once. What is no number
    stays none, so that it is found out.
    """
    for r in range(len(outputs)):
        for f in range(len(bias)):
            x = outputs[r, f] + bias[f]
            x = LIMIT if x > LIMIT else x
            x = -LIMIT if x < -LIMIT else x
            y = x * x
            p = (((((_P6 * y + _P5) * y + _P4) * y + _P3) * y + _P2) * y + _P1) * y + _P0
            q = _Q7 * y + _Q6
            q = (((((q * y + _Q5) * y + _Q4) * y + _Q3) * y + _Q2) * y + _Q1) * y + _Q0
            outputs[r, f] = x * p / q


@kernel(nogil=True, fastmath=True, error_model="numpy")
def before_tanh(outputs: Array, by_outputs: Array, by_bias: Array) -> None:
    """Make of the gradient by the outputs that by what tanh was given; add it up for the bias."""
    for r in range(len(outputs)):
        for f in range(len(by_bias)):
            slope = by_outputs[r, f] * (np.float32(1.0) - outputs[r, f] * outputs[r, f])
            by_outputs[r, f] = slope
            by_bias[f] += slope


@kernel(nogil=True, fastmath=True, error_model="numpy")
def dense_layer(given: Array, weight: Array, bias: Array, outputs: Array) -> None:
    """Set ``outputs`` to ``tanh(given @ weight.T + bias)``.

    Two rows by four outputs at a time. Where one row is left over it is computed again beside the
    one before it, or beside itself: so every row goes the same way.
    """
    count, width = weight.shape
    whole, rows = count - count % 4, len(given)
    for first in range(0, rows, 2):
        r = max(min(first, rows - 2), 0)
        q = min(r + 1, rows - 1)
        for o in range(0, whole, 4):
            s0 = s1 = s2 = s3 = np.float32(0.0)
            t0 = t1 = t2 = t3 = np.float32(0.0)
            for f in range(width):
                x, y = given[r, f], given[q, f]
                w0, w1, w2, w3 = weight[o, f], weight[o + 1, f], weight[o + 2, f], weight[o + 3, f]
                s0 += x * w0
                s1 += x * w1
                s2 += x * w2
                s3 += x * w3
                t0 += y * w0
                t1 += y * w1
                t2 += y * w2
                t3 += y * w3
            outputs[r, o], outputs[r, o + 1], outputs[r, o + 2], outputs[r, o + 3] = s0, s1, s2, s3
            outputs[q, o], outputs[q, o + 1], outputs[q, o + 2], outputs[q, o + 3] = t0, t1, t2, t3
    for r in range(rows):
        for o in range(whole, count):
            s = np.float32(0.0)
            for f in range(width):
                s += given[r, f] * weight[o, f]
            outputs[r, o] = s
    to_tanh(outputs, bias)


@kernel(nogil=True, fastmath=True, error_model="numpy")
def add_product(a: Array, b: Array, total: Array) -> None:
    """Add ``a @ b``, four rows by four of what is summed over at a time."""
    count, length = a.shape
    width = b.shape[1]
    rows, steps = count - count % 4, length - length % 4
    for i in range(0, rows, 4):
        for p in range(0, steps, 4):
            a0, a1, a2, a3 = a[i, p], a[i, p + 1], a[i, p + 2], a[i, p + 3]
            b0, b1, b2, b3 = a[i + 1, p], a[i + 1, p + 1], a[i + 1, p + 2], a[i + 1, p + 3]
            c0, c1, c2, c3 = a[i + 2, p], a[i + 2, p + 1], a[i + 2, p + 2], a[i + 2, p + 3]
            d0, d1, d2, d3 = a[i + 3, p], a[i + 3, p + 1], a[i + 3, p + 2], a[i + 3, p + 3]
            for f in range(width):
                x0, x1, x2, x3 = b[p, f], b[p + 1, f], b[p + 2, f], b[p + 3, f]
                total[i, f] += (a0 * x0 + a1 * x1) + (a2 * x2 + a3 * x3)
                total[i + 1, f] += (b0 * x0 + b1 * x1) + (b2 * x2 + b3 * x3)
                total[i + 2, f] += (c0 * x0 + c1 * x1) + (c2 * x2 + c3 * x3)
                total[i + 3, f] += (d0 * x0 + d1 * x1) + (d2 * x2 + d3 * x3)
        for p in range(steps, length):
            for j in range(i, i + 4):
                for f in range(width):
                    total[j, f] += a[j, p] * b[p, f]
    for i in range(rows, count):
        for p in range(length):
            for f in range(width):
                total[i, f] += a[i, p] * b[p, f]


@kernel(nogil=True, fastmath=True, error_model="numpy")
def learn_dense_layer(
    given: Array,
    outputs: Array,
    by_outputs: Array,
    weight: Array,
    by_weight: Array,
    by_bias: Array,
    by_given: Array,
) -> None:
    """Add the gradients by weight and bias, and that by what was given.

    ``by_outputs``, the gradient by the outputs, is overwritten.
    """
    before_tanh(outputs, by_outputs, by_bias)
    add_product(by_outputs.T, given, by_weight)
    add_product(by_outputs, weight, by_given)


@kernel(nogil=True, fastmath=True, error_model="numpy")
def sparse_layer(
    starts: Array, columns: Array, values: Array, table: Array, bias: Array, outputs: Array
) -> None:
    """As `dense_layer`, of sparse rows: ``weight.T`` is the table."""
    weighted_sums(starts, columns, values, table, outputs)
    to_tanh(outputs, bias)


@kernel(nogil=True, fastmath=True, error_model="numpy")
def learn_sparse_layer(
    starts: Array,
    columns: Array,
    values: Array,
    outputs: Array,
    by_outputs: Array,
    by_table: Array,
    by_bias: Array,
) -> None:
    """As `learn_dense_layer`, of sparse rows, and without the gradient by what was given."""
    before_tanh(outputs, by_outputs, by_bias)
    add_outer(starts, columns, values, by_outputs, by_table)

"""Products of dense tables with sparse rows: what a network needs at its two sparse ends.

A batch of sparse rows is held as in CSR: the entries of row r lie at ``starts[r] : starts[r + 1]``
of ``columns`` and ``values``. A table has one dense row for each column. Everything runs on one
thread and lets others run beside it: organisations train side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.kernels.jit import kernel

Array = NDArray[Any]


@kernel(nogil=True)
def take_rows(
    firsts: Array,
    columns: Array,
    values: Array,
    taken_starts: Array,
    taken_columns: Array,
    taken_values: Array,
) -> None:
    """Copy rows that begin at ``firsts``; they are as long as ``taken_starts`` says."""
    for r in range(len(firsts)):
        first = firsts[r]
        at = taken_starts[r]
        for e in range(taken_starts[r + 1] - at):
            taken_columns[at + e] = columns[first + e]
            taken_values[at + e] = values[first + e]


@kernel(nogil=True, fastmath=True)
def weighted_sums(starts: Array, columns: Array, values: Array, table: Array, sums: Array) -> None:
    """Set ``sums[r]`` to the sum of ``values[e] * table[columns[e]]`` over the entries of row r."""
    width = table.shape[1]
    for r in range(len(starts) - 1):
        for f in range(width):
            sums[r, f] = 0.0
        for e in range(starts[r], starts[r + 1]):
            value = values[e]
            column = columns[e]
            for f in range(width):
                sums[r, f] += value * table[column, f]


@kernel(nogil=True, fastmath=True)
def add_outer(starts: Array, columns: Array, values: Array, rows: Array, table: Array) -> None:
    """Add ``values[e] * rows[r]`` to ``table[columns[e]]`` for every entry e of every row r."""
    width = table.shape[1]
    for r in range(len(starts) - 1):
        for e in range(starts[r], starts[r + 1]):
            value = values[e]
            column = columns[e]
            for f in range(width):
                table[column, f] += value * rows[r, f]


@kernel(nogil=True, fastmath=True)
def dot_products(starts: Array, columns: Array, rows: Array, table: Array, products: Array) -> None:
    """Set ``products[e]`` to the dot product of ``rows[r]`` and ``table[columns[e]]``."""
    width = table.shape[1]
    for r in range(len(starts) - 1):
        for e in range(starts[r], starts[r + 1]):
            column = columns[e]
            total = table[column, 0] * rows[r, 0]
            for f in range(1, width):
                total += table[column, f] * rows[r, f]
            products[e] = total


@kernel(nogil=True)
def by_columns(starts: Array, columns: Array, firsts: Array, order: Array, rows: Array) -> None:
    """List the entries column by column, in each column by row.

    ``firsts``, one longer than there are columns and zero to begin with, becomes where each column
    begins among ``order``, the entries, and ``rows``, their rows.
    """
    for e in range(len(columns)):
        firsts[columns[e] + 1] += 1
    for column in range(len(firsts) - 1):
        firsts[column + 1] += firsts[column]
    for r in range(len(starts) - 1):
        for e in range(starts[r], starts[r + 1]):
            at = firsts[columns[e]]
            order[at] = e
            rows[at] = r
            firsts[columns[e]] = at + 1
    for column in range(len(firsts) - 1, 0, -1):
        firsts[column] = firsts[column - 1]
    firsts[0] = 0


SQUARED, ABSOLUTE = 0, 1
"""Losses by number; any other is cross-entropy. In the order of `learners.models.losses.LOSSES`."""


@kernel(nogil=True, fastmath=True, error_model="numpy")
def learn_products(
    firsts: Array,
    order: Array,
    row_of: Array,
    targets: Array,
    loss: int,
    rows: Array,
    table: Array,
    bias: Array,
    by_rows: Array,
    by_table: Array,
    by_bias: Array,
) -> None:
    """Add the gradient of the mean loss of ``rows[r] . table[c] + bias[c]`` over some entries.

    Entries come column by column, as `by_columns` lists them: so each row of the table, of which
    there are many, is fetched once, and only those of the batch, which are few, again and again.
    """
    width = table.shape[1]
    share = np.float32(1.0 / len(order))
    for column in range(len(firsts) - 1):
        for at in range(firsts[column], firsts[column + 1]):
            r = row_of[at]
            score = bias[column]
            for f in range(width):
                score += table[column, f] * rows[r, f]
            target = targets[order[at]]
            if loss == SQUARED:
                slope = np.float32(2.0) * (score - target)
            elif loss == ABSOLUTE:
                slope = np.sign(score - target)
            else:
                slope = np.float32(1.0) / (np.float32(1.0) + np.exp(-score)) - target
            slope *= share
            by_bias[column] += slope
            for f in range(width):
                by_table[column, f] += slope * rows[r, f]
            for f in range(width):
                by_rows[r, f] += slope * table[column, f]


@kernel(nogil=True)
def learn_entries(
    starts: Array,
    columns: Array,
    targets: Array,
    loss: int,
    rows: Array,
    table: Array,
    bias: Array,
    by_rows: Array,
    by_table: Array,
    by_bias: Array,
) -> None:
    """As `learn_products`, of the entries of a batch of sparse rows as they come."""
    firsts = np.zeros(len(bias) + 1, dtype=np.int32)
    order = np.empty(len(columns), dtype=np.int32)
    row_of = np.empty(len(columns), dtype=np.int32)
    by_columns(starts, columns, firsts, order, row_of)
    learn_products(
        firsts, order, row_of, targets, loss, rows, table, bias, by_rows, by_table, by_bias
    )

"""Products of dense tables with sparse rows: what a network needs at its two sparse ends.

A batch of sparse rows is held as in CSR: the entries of row r lie at ``starts[r] : starts[r + 1]``
of ``columns`` and ``values``. A table has one dense row for each column. Everything runs on one
thread and lets others run beside it: organisations train side by side.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from grouping.kernels.jit import kernel

Array = NDArray[Any]


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

"""Copying into an array, as a loop: an assignment to a slice takes seconds to compile.

Numba gives each such assignment a message about unequal shapes, with all that it takes to put
numbers into words. Here nothing is checked, and a source that is too small is read beyond its end:
callers are kernels that made both arrays, or cut one to the other's length.
"""

from __future__ import annotations

from grouping.kernels.jit import kernel


@kernel()
def copy_to(target, source):
    """Fill `target`, shape (n,), with the first n entries of `source`, which has as many."""
    for i in range(target.shape[0]):
        target[i] = source[i]


@kernel()
def copy_rows_to(target, source):
    """Fill `target`, shape (n, m), with the first m entries of the first n rows of `source`."""
    for i in range(target.shape[0]):
        for j in range(target.shape[1]):
            target[i, j] = source[i, j]

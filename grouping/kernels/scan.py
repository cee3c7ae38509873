"""One look at all ratings: their range."""

from __future__ import annotations

import numpy as np
from numba import prange

from grouping.kernels.jit import kernel

BLOCK = 1024


@kernel(parallel=True)
def key_range(keys, pieces):
    """Smallest and largest of an array of integers, which vector code finds at memory speed.

    Parameters
    ----------
    keys : integer array, shape (count,)
        Not empty.
    pieces : int
        Cut into so many to be scanned side by side.

    Returns
    -------
    smallest, largest : int
    """
    length = (keys.shape[0] + pieces - 1) // pieces
    lows = np.full(pieces, keys[0])
    highs = np.full(pieces, keys[0])
    for piece in prange(pieces):
        low = keys[0]
        high = keys[0]
        at = piece * length
        end = min(keys.shape[0], at + length)
        while at + BLOCK <= end:
            for j in range(BLOCK):  # a loop of known length becomes straight vector code
                key = keys[np.uint64(at) + np.uint64(j)]
                low = min(low, key)
                high = max(high, key)
            at += BLOCK
        for p in range(at, end):
            low = min(low, keys[p])
            high = max(high, keys[p])
        lows[piece] = low
        highs[piece] = high
    return lows.min(), highs.max()

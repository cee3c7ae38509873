"""The range of all ratings in one look."""

from __future__ import annotations

import numpy as np
import pytest

from grouping.kernels.scan import BLOCK, key_range


@pytest.mark.parametrize("count", [1, 3, BLOCK, 2 * BLOCK + 5])
@pytest.mark.parametrize("pieces", [1, 2, 5])
def test_the_range_is_found_wherever_it_lies(count, pieces):
    """In whole blocks and in what is left; some pieces are empty."""
    keys = np.random.default_rng(0).integers(-50, 50, count)
    for at in {0, count // 2, count - 1}:
        keys[at], keys[count - 1 - at] = 90, -90
        frozen = keys.copy()
        frozen.flags.writeable = False
        assert key_range(frozen, pieces) == (keys.min(), keys.max())

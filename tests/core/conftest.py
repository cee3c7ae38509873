from __future__ import annotations

import pytest

from grouping.kernels.jit import threads


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Tests of threads ask for two; for the many tiny instances, waking threads is all the cost."""
    with threads(1):
        yield

"""Tests that reach every line of the kernels: `tests/core/test_unjitted.py` checks that."""

from __future__ import annotations

import pytest

from grouping.kernels.jit import threads


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    with threads(1):
        yield

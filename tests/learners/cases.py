"""Small incomplete ratings to learn from."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st


def incomplete(n=30, m=20, density=0.4, seed=0):
    """Ratings of low rank plus noise, with unrated cells as NaN."""
    rng = np.random.default_rng(seed)
    X = 3 + rng.normal(size=(n, 2)) @ rng.normal(size=(2, m)) + 0.3 * rng.normal(size=(n, m))
    X = np.clip(np.round(2 * X) / 2, 1, 5)
    X[rng.random((n, m)) > density] = np.nan
    X[0, 0] = 3.0
    return X


@st.composite
def matrices(draw):
    """Any small matrix with at least one rating: rows and columns may hold none."""
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    cell = st.one_of(st.just(np.nan), st.integers(-4, 10).map(lambda v: v / 2))
    X = np.array([[draw(cell) for _ in range(m)] for _ in range(n)])
    if np.isnan(X).all():
        X[draw(st.integers(0, n - 1)), draw(st.integers(0, m - 1))] = 3.0
    return X

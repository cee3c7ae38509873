"""Hypothesis strategies that the tests share: small instances in which ties are everywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st

AGGREGATIONS = ("min", "max", "sum", "wsum", "ndcg")


@dataclass(frozen=True)
class Instance:
    """Ratings as rows of floats, and what is asked of them."""

    rows: list[list[float]]
    groups: int
    k: int
    semantics: str
    agg: str
    weights: list[float] | None = None

    @property
    def X(self):  # noqa: N802 (what the papers call it)
        return np.array(self.rows, dtype=np.float64)

    @property
    def asked(self):
        """Keyword arguments of `form`."""
        return self.evaluated | {"groups": self.groups}

    @property
    def evaluated(self):
        """Keyword arguments of `evaluate`."""
        return {
            "semantics": self.semantics,
            "agg": self.agg,
            "k": self.k,
            "position_weights": self.weights,
        }

    @property
    def objective(self):
        """Trailing arguments of the oracle's functions: k, semantics, agg, weights."""
        return self.k, self.semantics, self.agg, self.weights

    def with_rows(self, rows):
        return replace(self, rows=np.asarray(rows, dtype=np.float64).tolist())


def values(kind):
    """Ratings: integers and halves (some negative), stars (1..5), reals with many equal sums."""
    return {
        "stars": st.integers(1, 5).map(float),
        "integers": st.integers(-3, 4).map(float),
        "halves": st.integers(-3, 6).map(lambda v: v / 2),
        "gains": st.integers(0, 6).map(lambda v: v / 2),
        "signed zeros": st.sampled_from([-0.0, 0.0, 1.0, -1.0]),
        "tenths": st.integers(-5, 30).map(lambda v: v / 10),
        "reals": st.floats(-8, 8, width=32).map(lambda v: round(v, 3)),
    }[kind]


@st.composite
def instances(
    draw,
    kinds=("stars", "integers", "halves", "signed zeros"),
    semantics=("lm", "av"),
    aggs=AGGREGATIONS,
    users=9,
    items=6,
):
    """Draw an instance; rows come from a small pool, so that buckets hold several users."""
    m = draw(st.integers(1, items))
    k = draw(st.integers(1, m))
    meant, agg = draw(st.sampled_from(semantics)), draw(st.sampled_from(aggs))
    kind = draw(st.sampled_from(kinds))
    if agg == "ndcg" and kind not in ("stars", "gains"):
        kind = "gains"
    pool = draw(
        st.lists(
            st.lists(values(kind), min_size=m, max_size=m),
            min_size=1,
            max_size=users,
        )
    )
    n = draw(st.integers(1, users))
    rows = [draw(st.sampled_from(pool)) for _ in range(n)]
    weights = None
    if agg == "wsum":
        weights = draw(st.sampled_from(["inverse", "flat", "quarters", "tail of zeros"]))
        weights = {
            "inverse": [1 / j for j in range(1, k + 1)],
            "flat": [2.0] * k,
            "quarters": [(k - j) / 4 for j in range(k)],
            "tail of zeros": [1.0] + [0.0] * (k - 1),
        }[weights]
    return Instance(rows, draw(st.integers(1, n + 2)), k, meant, agg, weights)


@st.composite
def partitions_of(draw, n):
    """Labels 0..g-1 of n users, each number at least once."""
    drawn = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    numbers = {label: g for g, label in enumerate(dict.fromkeys(drawn))}
    return [numbers[label] for label in drawn]


def csr_of(rows, stored):
    """CSR with exactly the cells named in `stored`, stored zeros included."""
    X, stored = np.asarray(rows), np.asarray(stored, dtype=bool)
    indptr = np.concatenate([[0], np.cumsum(stored.sum(axis=1))]).astype(np.int32)
    indices = np.nonzero(stored)[1].astype(np.int32)
    return sp.csr_array((X[stored], indices, indptr), shape=X.shape)

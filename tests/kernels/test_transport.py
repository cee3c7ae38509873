"""Users divided within sizes: as good as the assignment problem's best, and within the sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from grouping.kernels.transport import divide


@st.composite
def divisions(draw):
    groups = draw(st.integers(1, 4))
    high = np.array(draw(st.lists(st.integers(1, 5), min_size=groups, max_size=groups)))
    low = np.array([draw(st.integers(0, int(most))) for most in high])
    users = draw(st.integers(max(1, int(low.sum())), int(high.sum())))
    seed = draw(st.integers(0, 2**32 - 1))
    whole = draw(st.booleans())
    values = np.random.default_rng(seed).normal(size=(users, groups))
    return (np.rint(2 * values) if whole else values), low, high


def best_by_assignment(values, low, high):
    """Slots that must be filled are worth more than all values together."""
    most = 1.0 + 2.0 * np.abs(values).sum()
    columns = [
        values[:, group] + (most if place < low[group] else 0.0)
        for group in range(values.shape[1])
        for place in range(high[group])
    ]
    users, slots = linear_sum_assignment(-np.stack(columns, axis=1))
    group_of_slot = np.repeat(np.arange(values.shape[1]), high)
    return values[users, group_of_slot[slots]].sum()


@given(divisions())
def test_no_division_within_the_sizes_is_worth_more(case):
    values, low, high = case
    labels = divide(values, low.astype(np.int64), high.astype(np.int64))
    counts = np.bincount(labels, minlength=values.shape[1])
    assert np.all(counts <= high)
    assert np.all(counts >= low)
    reached = values[np.arange(len(values)), labels].sum()
    assert reached == pytest.approx(best_by_assignment(values, low, high), abs=1e-7)


def test_without_limits_everybody_is_where_they_are_worth_most():
    values = np.random.default_rng(0).normal(size=(30, 4))
    labels = divide(values, np.zeros(4, np.int64), np.full(4, 30))
    assert labels.tolist() == values.argmax(axis=1).tolist()

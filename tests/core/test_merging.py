"""Merge and split: what is proposed has as many groups, and sizes as they may be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping.kernels import moves as kernels
from grouping.local.merging import merge_and_split

TASTES = np.array([[5, 5, 1, 1, 1, 1], [1, 1, 5, 5, 1, 1], [1, 1, 1, 1, 5, 5.0]])


def instance_of(rows, groups, least_misery=True, **limits):
    free = kernels.unconstrained(rows, np.array([1.0, 1.0]), least_misery, groups)
    return free._replace(**limits)


@pytest.mark.parametrize("least_misery", [True, False])
def test_a_taste_in_two_groups_and_two_in_one_are_put_right(least_misery):
    """No single move gets there without a loss on the way."""
    rows = TASTES[[0, 0, 0, 0, 1, 1, 2, 2]]
    labels = np.array([0, 0, 1, 1, 2, 2, 2, 2])
    instance = instance_of(rows, 3, least_misery)
    proposed = merge_and_split(instance, labels, np.random.default_rng(0), lambda: False)
    assert len(set(proposed[:4])) == len(set(proposed[4:6])) == len(set(proposed[6:])) == 1
    assert len(set(proposed)) == 3


@settings(max_examples=80)
@given(st.data())
def test_sizes_are_kept_and_groups_are_as_many(data):
    """Of units of one to three users; or nothing is proposed."""
    count, groups = data.draw(st.integers(2, 9)), data.draw(st.integers(1, 4))
    rows = np.array(
        data.draw(
            st.lists(
                st.lists(st.integers(1, 5), min_size=4, max_size=4),
                min_size=count,
                max_size=count,
            )
        ),
        np.float32,
    )
    sizes = np.array(data.draw(st.lists(st.integers(1, 3), min_size=count, max_size=count)))
    labels = np.array(
        data.draw(st.lists(st.integers(0, groups - 1), min_size=count, max_size=count))
    )
    used = np.bincount(labels, sizes, minlength=groups)
    instance = instance_of(
        rows,
        groups,
        data.draw(st.booleans()),
        by_members=data.draw(st.booleans()),
        sizes=sizes,
        fewest=int(used[used > 0].min()),
        high=np.full(groups, int(used.max())),
    )
    proposed = merge_and_split(
        instance, labels, np.random.default_rng(data.draw(st.integers(0, 9))), lambda: False
    )
    if proposed is None:
        return
    after = np.bincount(proposed, sizes, minlength=groups)
    assert (after > 0).sum() == (used > 0).sum()
    assert after.max() <= used.max()
    assert after[after > 0].min() >= instance.fewest


def test_one_user_in_each_group_leaves_nothing_to_split():
    instance = instance_of(TASTES, 3, high=np.ones(3, np.int64))
    assert merge_and_split(instance, np.arange(3), np.random.default_rng(0), lambda: False) is None


def test_of_many_groups_it_ends_when_told():
    """Pairs grow with the square of the groups: it asks on the way, and ends when it is time."""
    rows = np.random.default_rng(0).integers(1, 6, (96, 6)).astype(np.float32)
    labels = np.arange(96) % 24
    asked = []

    def stop():
        asked.append(len(asked))
        return len(asked) == 2

    merge_and_split(instance_of(rows, 24), labels, np.random.default_rng(0), stop)
    assert asked == [0, 1]  # 276 pairs would let it ask four times

"""Sets of a few users, against the definition and every partition."""

from __future__ import annotations

import numpy as np
import pytest

from grouping.kernels import user_sets as kernels
from tests import oracle

ROWS = np.random.default_rng(2).integers(-2, 4, (5, 6)).astype(float)
WEIGHTS = np.array([1.0, 0.5, 0.25])


def worth(members):
    return oracle.satisfaction(ROWS.tolist(), members, 3, "lm", "wsum", WEIGHTS.tolist())


def members_of(number):
    return [user for user in range(5) if number >> user & 1]


def test_sets_are_worth_what_the_definition_says():
    worths = kernels.worths_of_sets(ROWS, WEIGHTS)
    assert worths[0] == 0
    assert [worths[s] for s in range(1, 32)] == [worth(members_of(s)) for s in range(1, 32)]


def test_a_user_with_each_of_the_others():
    worths = kernels.worth_with(ROWS, ROWS[2], WEIGHTS)
    assert worths.tolist() == [worth(sorted({user, 2})) for user in range(5)]


@pytest.mark.parametrize("groups", [1, 3, 5])
def test_the_best_parting_is_the_best_of_all(groups):
    worths = kernels.worths_of_sets(ROWS, WEIGHTS)
    best, taken = kernels.best_parting(worths, groups)
    assert best[0] == -np.inf
    for count in range(1, groups + 1):
        every = (p for p in oracle.partitions(5, groups) if len(p) == count)
        assert best[count] == max(sum(worth(group) for group in p) for p in every)
        left, total = 31, 0.0
        for parts in range(count, 0, -1):
            total += worths[taken[parts, left]]
            left -= taken[parts, left]
        assert (left, total) == (0, best[count])

import numpy as np
import pytest

from grouping.errors import InputError
from learners.dmtl.protocol import at_random, oracle, paper_split, rank


def test_the_split_is_that_of_surprise():
    """Rows that Surprise 1.1.5 drew for ten ratings, a test share of .25 and seed 42."""
    train, test = paper_split(10, 0.25)
    assert train.tolist() == [8, 1, 5, 0, 7, 2, 9]
    assert test.tolist() == [4, 3, 6]


def test_a_split_without_a_part_is_refused():
    """All or nothing to test on is no split."""
    for share in (0.0, 1.0):
        with pytest.raises(InputError, match="empty part"):
            paper_split(5, share)


def test_estimates_are_clipped_only_where_they_are_ratings():
    """Clipped to 1..5, 5.2 and 6 tie and keep their order; unclipped they do not."""
    truth = [1.0, 5.0, *[1.0] * 9]
    estimates = [5.2, 6.0, *[5.5] * 9]
    assert rank([0] * 11, truth, estimates).means == (0.1, 1.0)
    truth = [1.0] * 10 + [5.0]
    estimates = [5.2] * 10 + [6.0]
    assert rank([0] * 11, truth, estimates).means == (0.0, 0.0)
    assert rank([0] * 11, truth, estimates, clip=False).means == (0.1, 1.0)


def test_nothing_ranks_above_the_oracle():
    """No estimates, random ones included, reach more than the true ratings do, for any user."""
    rng = np.random.default_rng(0)
    users, truth = rng.integers(0, 5, 200), rng.integers(1, 6, 200)
    best = oracle(users, truth)
    for scored in (rank(users, truth, rng.random(200), clip=False), at_random(users, truth)):
        assert (scored.precision <= best.precision + 1e-12).all()
        assert (scored.recall <= best.recall + 1e-12).all()

"""Arguments out of range are refused where they are given, in words that name them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from grouping import InputError, evaluate, form
from grouping.aggregation import aggregation
from tests import oracle

X = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"semantics": "borda"}, "lm or av"),
        ({"agg": "mean"}, "min, max, sum, wsum, ndcg"),
        ({"groups": 0}, "number of groups must be at least 1"),
        ({"groups": 2.5}, "whole number"),
        ({"k": 0}, "list length"),
        ({"k": 4}, r"n_features = 3"),
        ({"k": "2"}, "whole number"),
        ({"method": "magic"}, "unknown method 'magic'"),
        ({"threads": 0}, "threads"),
        ({"time_limit": 0}, "time limit"),
        ({"iterations": 0}, "iterations"),
        ({"gap": -1}, "gap"),
        ({"seed": -1}, "seed"),
        ({"seed": True}, "seed"),
        ({"scale": (5, 1)}, "lower one first"),
        ({"position_weights": "inverse"}, "wsum, not with min"),
        ({"agg": "wsum", "position_weights": "steep"}, "inverse, log, or 2 numbers"),
        ({"agg": "wsum", "position_weights": [1]}, "give 2"),
        ({"agg": "wsum", "position_weights": [1, 2]}, "not increasing"),
        ({"agg": "wsum", "position_weights": [1, -1]}, "not negative"),
        ({"agg": "wsum", "position_weights": [1, float("nan")]}, "finite"),
        ({"agg": "wsum", "position_weights": 5.0}, "give inverse, log, or 2 numbers"),
        ({"agg": "wsum", "position_weights": ["a", "b"]}, "give inverse, log, or 2 numbers"),
        ({"time_limit": "5"}, "the time limit must be more than 0 seconds, not '5'"),
        ({"gap": "a"}, "the gap to stop at must be at least 0, not 'a'"),
        ({"round": "x"}, "multiples of a positive number, not of 'x'"),
        ({"round": 0}, "multiples of a positive number, not of 0"),
        ({"exclude": {"0": "12"}}, r"user 0: give a list of items, for example \['12'\]"),
        ({"exclude": {"0": 5}}, "user 0: give a list of items"),
        ({"exclude": 5}, "exclude 5: give a list of items"),
        ({"together": ["12"]}, r"together '12': give a list of users"),
        ({"together": "12"}, "together '12': give a list of lists of users"),
        ({"apart": [5]}, "apart 5: give a list of users"),
        ({"sizes": 5}, "sizes 5: give a list of sizes"),
        ({"balance": ["g"]}, "give a mapping of attribute to tolerance"),
        ({"fixed": [0]}, "give a mapping of user to group"),
        ({"no_isolated": 3}, "no_isolated 3: give a list of attributes"),
    ],
)
def test_an_argument_out_of_range_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        form(X, **({"k": 2, "groups": 2} | arguments))


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        ([1.0, 2.0], "expected 2D array"),
        ([[1, 2], [3]], "is no matrix of users x items"),
        ("ratings.csv", "ratings.csv: is a path: read the file by read_ratings"),
        (
            pd.DataFrame({"User ID": [1, 1, 2], "movie": [7, 8, 7], "rating": [5, 3, 4]}),
            "columns User ID, movie, rating look like a row a rating",
        ),
        (np.zeros((0, 3)), "0 users"),
        (np.zeros((3, 0)), "0 items"),
        ([["a", "b"]], "numeric"),
        ([[1 + 2j]], "[Cc]omplex"),
        (np.array([[2**63]], np.uint64), r"2\*\*63"),
    ],
)
def test_ratings_of_no_use_are_refused(ratings, message):
    with pytest.raises(InputError, match=message):
        form(ratings, "lm", "min", 1, 1)


@pytest.mark.parametrize(
    ("partition", "message"),
    [
        ([0, 0, 1], "3 group labels for 4 users"),
        ({"0": 0, "1": 0, "2": 1}, "user 3 has no group"),
        ({"0": 0, "1": 0, "2": 1, "3": 1, "4": 1}, "unknown user id '4'"),
        (["a", "b", "", "a"], "empty"),
    ],
)
def test_a_partition_that_does_not_cover_the_users_is_refused(partition, message):
    with pytest.raises(InputError, match=message):
        evaluate(X, partition, k=1)


@pytest.mark.parametrize("k", [1, 2, 7, 40])
def test_weights_by_name_are_those_of_the_paper(k):
    """1/j and 1/log2(j+1), by default the first."""
    for name, expected in [
        (None, oracle.inverse_weights(k)),
        ("inverse", oracle.inverse_weights(k)),
        ("log", oracle.log_weights(k)),
    ]:
        weights = aggregation("wsum", k, name).weights
        np.testing.assert_allclose(weights, expected, rtol=1e-15)


def test_numbers_of_numpy_are_numbers():
    """Counts and seeds that come out of arrays."""
    one = form(X, "lm", "min", np.int32(2), np.uint8(2), seed=np.int64(3))
    assert one.labels.tolist() == form(X, "lm", "min", 2, 2).labels.tolist()
    json_of = one.to_dict()
    assert type(json_of["seed"]) is int
    assert type(json_of["problem"]["k"]) is int

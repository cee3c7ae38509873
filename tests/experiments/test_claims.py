"""Claims are held against points by fixed rules."""

from __future__ import annotations

import pandas as pd
import pytest

from grouping.experiments import claims
from grouping.experiments.study import Claim


def points(**columns):
    """Points of one panel that differ in users, method and what else is given."""
    same = {"panel": "users", "data": "synthetic", "semantics": "lm", "agg": "max", "items": 9}
    same |= {"groups": 2, "k": 1, "step": None, "noise": 0.5, "run": 0}
    same |= {"density": None, "bound": 12.0, "status": "optimal"}
    return pd.DataFrame(same | columns)


def compared(greedy, other, method="baseline", **more):
    n = len(greedy)
    return points(
        users=list(range(1, n + 1)) * 2,
        method=["greedy"] * n + [method] * n,
        objective=[*greedy, *other],
        **more,
    )


@pytest.mark.parametrize(
    ("greedy", "baseline", "lower", "holds", "count"),
    [
        ([4, 4], [3, 2], False, True, "2 of 2"),
        ([4, 1], [3, 2], False, False, "1 of 2"),
        ([3, 4], [3, 2], False, False, "1 of 2"),  # equal is not above
        ([2, 1], [3, 2], True, True, "2 of 2"),
        ([3, None], [2, 2], False, True, "1 of 1"),
    ],
)
def test_above_means_at_every_point(greedy, baseline, lower, holds, count):
    """Points that lack one of the methods do not count."""
    frame = compared(greedy, baseline)
    claim = claims.above(frame, "greedy", "baseline", "objective", "text", lower=lower)
    assert claim.holds == holds
    assert count in claim.found


def test_what_was_not_measured_is_not_judged():
    frame = compared([1, 2], [1, 2])
    for claim in (
        claims.above(frame, "greedy", "refine", "objective", "text"),
        claims.near_optimum(frame, "greedy", "text"),
        claims.trend(frame, "items", "items", "greedy", "objective", True, "text"),
        claims.exponent(frame, "items", "items", "greedy", "objective", 0, 1, "text"),
    ):
        assert claim.holds is None
        assert claim.verdict == "not measured"


def test_near_the_optimum_counts_proven_points_only():
    status = ["feasible"] * 3 + ["optimal", "optimal", "time_limit"]
    frame = compared([9.0, 10.0, 1.0], [10.0, 10.0, 10.0], "exact", status=status)
    claim = claims.near_optimum(frame, "greedy", "text")
    assert claim.verdict == "undecided"
    assert "90 to 100 %" in claim.found
    assert "2 of 3 points" in claim.found
    assert "at least 8.33 % of the upper bound at all 3" in claim.found
    assert claims.near_optimum(frame.assign(status="optimal"), "greedy", "text").holds is False
    unproven = frame.assign(status="time_limit")
    assert claims.near_optimum(unproven, "greedy", "text").holds is None
    assert claims.near_optimum(unproven.assign(bound=1.0), "greedy", "text").holds


@pytest.mark.parametrize(
    ("values", "rises", "holds"),
    [
        ([1, 2, 3, 4], True, True),
        ([1, 2, 3, 4], False, False),
        ([4, 3, 3, 1], False, True),
        ([1, 3, 1, 3], True, False),
        ([2, 2, 2, 2], True, False),
    ],
)
def test_a_trend_is_a_clear_rank_correlation(values, rises, holds):
    frame = points(users=[10, 20, 30, 40], method="greedy", objective=values)
    claim = claims.trend(frame, "users", "users", "greedy", "objective", rises, "text")
    assert claim.holds == holds


def test_an_exponent_is_that_of_the_averages():
    frame = points(users=[10, 100, 100, 1000], method="greedy", objective=[1e-3, 5e-3, 15e-3, 0.1])
    linear = claims.exponent(frame, "users", "users", "greedy", "objective", 0.8, 1.2, "text")
    assert linear.holds
    assert "1 ms at 10, 100 ms at 1000; exponent 1.00" in linear.found
    assert not claims.exponent(
        frame, "users", "users", "greedy", "objective", -0.2, 0.2, "text"
    ).holds


def test_verdicts_in_words():
    found = [(True, "3"), (False, "3"), (None, "3"), (None, "")]
    assert [Claim("", *each).verdict for each in found] == [
        "confirmed",
        "not confirmed",
        "undecided",
        "not measured",
    ]

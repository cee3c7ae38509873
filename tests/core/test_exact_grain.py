"""The grain that bounds are rounded to: every rating is a multiple of it, exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from grouping.exact.grain import grain_of, rounded_down
from grouping.missing import complete
from grouping.ratings import Ratings


@pytest.mark.parametrize(
    ("cells", "grain"),
    [
        ([[1, 2], [3, 5]], 1.0),
        ([[2, 4], [6, -10]], 2.0),
        ([[0.5, 4], [3, 1.5]], 0.5),
        ([[1.5, 3], [-4.5, 0]], 1.5),
        ([[0.25, 4], [3, 1.5]], 0.25),
        ([[1.0, 2.0], [3.0, 0.1]], None),
        ([[0.0, 0.0]], None),
        ([[2.0**60, 1.0]], None),
    ],
)
def test_grain(cells, grain):
    """Whole numbers, halves, common divisors; none for tenths, zeros alone, or inexact sums."""
    assert grain_of(Ratings.of(np.array(cells)), 10) == grain


def test_the_fill_counts_as_a_rating():
    ratings = complete(Ratings.of(csr_array([[2.0, 0], [4, 2]])), 0.5)
    assert grain_of(ratings, 10) == 0.5


def test_sums_beyond_exact_arithmetic_have_no_grain():
    X = np.array([[2.0**40, 1.0]])
    assert grain_of(Ratings.of(X), 2**12) == 1.0
    assert grain_of(Ratings.of(X), 2**14) is None


@example(4.499999999999999, 1.5)
@given(st.floats(-1e6, 1e6), st.sampled_from([1.0, 0.5, 0.25, 1.5, 3.0]))
def test_rounding_down_reaches_the_largest_multiple_below(bound, grain):
    found = rounded_down(bound, grain)
    assert Fraction(found) % Fraction(grain) == 0
    assert Fraction(found) <= Fraction(bound) < Fraction(found) + Fraction(grain)


def test_without_a_grain_a_bound_stays():
    assert rounded_down(1.7, None) == 1.7

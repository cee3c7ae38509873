"""What the checkers of certificates share: rounding down to what all ratings are multiples of."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np


def rounded_down(X, weights, bound):
    """Largest number up to the bound that a sum of ratings so weighted can be."""
    if any(weight != round(weight) for weight in weights):
        return bound
    grain = Fraction(0)
    for value in np.unique(X):  # greatest common divisor of fractions
        a, b = Fraction(float(value)), grain
        grain = Fraction(
            math.gcd(a.numerator * b.denominator, b.numerator * a.denominator),
            a.denominator * b.denominator,
        )
    return float(Fraction(bound) // grain * grain) if grain else bound

"""Checker of bounds within sizes: nothing but the ratings, the sizes and weak duality.

It believes nothing that a certificate says: multipliers may be any numbers, weights any convex
ones; what the lists that are not named are worth, it works out itself, list by list. A certificate
that says too little makes the bound that is found here larger.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy.optimize import linprog

from tests.core.checkers_grain import rounded_down

LEAST, WEAKEST, VOTES = 0, 1, 2
ROUNDING = 1e-11  # of sums of floats here, before anything is rounded down


def checked_bound(X, semantics, agg, weights, low, caps, parts):
    """Largest objective that the certificate leaves possible; ValueError if it is no proof.

    `caps` are those of the l slots; `parts` are (factor, kind, k, multipliers, lists, weights).
    """
    wanted = needed(semantics, agg, list(weights))
    if [part[:3] for part in parts] != wanted:
        raise ValueError("not the parts of the objective")
    total = 0.0
    for factor, kind, k, multipliers, lists, hints in parts:
        found = part_bound(X, kind, k, multipliers, lists, hints, low, caps)
        total += factor * rounded_down(X, [1], found + ROUNDING * max(1.0, abs(found)))
    return rounded_down(X, weights, total + ROUNDING * max(1.0, abs(total)))


def needed(semantics, agg, weights):
    """Satisfaction as a sum of what lists of some lengths are worth."""
    k = len(weights)
    if semantics == "lm":
        return [(w, LEAST, j + 1) for j, w in enumerate(weights) if w > 0]
    if agg == "min":
        return [(1.0, WEAKEST if k > 1 else VOTES, k)]
    steps = [w - later for w, later in zip(weights, [*weights[1:], 0.0], strict=True)]
    return [(step, VOTES, j + 1) for j, step in enumerate(steps) if step > 0]


def part_bound(X, kind, k, multipliers, lists, hints, low, caps):
    named = {tuple(sorted(items)): at for at, items in enumerate(lists)}
    total = [*multipliers]
    for cap in set(caps):
        limit, additions, price = caps.count(cap), [], 0.0
        for items in itertools.combinations(range(X.shape[1]), k):
            at = named.get(items)
            if at is None and kind == WEAKEST:
                price = max(price, least_price(X[:, items], multipliers, low, cap))
                continue
            order = list(items if at is None else lists[at])
            w = hints[at] if kind == WEAKEST else np.ones(k)
            if kind == WEAKEST and not (np.min(w) >= 0 and math.isclose(sum(w), 1.0)):
                raise ValueError("weights are not convex")
            columns = [(0.0, X[:, order] @ w - multipliers)]
            if kind == LEAST:
                lowest = X[:, order].min(axis=1)
                columns = [(t, -multipliers[lowest >= t]) for t in set(lowest)]
            for gain, excess in columns:
                grown = growth(gain, np.sort(excess)[::-1], low, cap, limit)
                if at is None:
                    price = max(price, *grown[:1])
                additions += [] if at is None else grown
        best = sorted([a for a in additions if a > price], reverse=True)[:limit]
        total += best + [price] * (limit - len(best))
    return math.fsum(total)


def growth(gain, excess, low, cap, limit):
    """What each further group of a column adds."""
    sums, before, added = np.concatenate([[0.0], np.cumsum(excess)]), 0.0, []
    for r in range(1, limit + 1):
        if r * low > len(excess):
            break
        now = r * gain + sums[r * low : r * cap + 1].max()
        added.append(now - before)
        before = now
    return added or [-math.inf]


def least_price(ratings, multipliers, low, cap):
    """What a group is worth at most under the best weights of a list's items."""
    n, k = ratings.shape
    groups = [g for s in range(low, min(cap, n) + 1) for g in itertools.combinations(range(n), s)]
    if not groups:
        return 0.0
    rows = [[*ratings[list(g)].sum(axis=0), -1.0] for g in groups]
    limits = [multipliers[list(g)].sum() for g in groups]
    whole = [[1.0] * k + [0.0]]
    bounds = [(0, 1)] * k + [(None, None)]
    return linprog([0.0] * k + [1.0], rows, limits, whole, [1.0], bounds).fun

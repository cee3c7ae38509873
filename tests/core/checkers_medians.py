"""Checker of bounds for aggregate voting with max: the ratings, multipliers, and a tree.

It believes nothing that a certificate says. Multipliers may be any numbers; what is left to choose
below a node, it works out itself, so that a wrong certificate makes the bound found here larger.
"""

from __future__ import annotations

import math

import numpy as np

from tests.core.checkers_grain import rounded_down


def checked_bound(X, groups, weight, tokens, rows):
    """Largest objective that the certificate leaves possible; ValueError if it is no proof.

    ``2 * item + side`` decides an item: first comes the subtree with it for side 0, without it
    for side 1. Negative: a leaf, whose multipliers are row ``-token - 2``, or for -1 what users
    get from the chosen items. `weight` is that of the list's first position.
    """
    X, tokens = np.asarray(X, float), [int(token) for token in tokens]

    def leaf(token, chosen, out):
        if token == -1:
            multipliers = X[:, sorted(chosen)].max(axis=1) if chosen else np.full(len(X), X.min())
        elif -token - 2 < len(rows):
            multipliers = np.asarray(rows[-token - 2], float)
        else:
            raise ValueError("no such multipliers")
        # users get their multiplier, and from the best of the items at most all that exceeds it
        worths = np.maximum(X - multipliers[:, None], 0.0).sum(axis=0)
        free = [worths[item] for item in range(X.shape[1]) if item not in chosen | out]
        best = sorted(free, reverse=True)[: groups - len(chosen)]
        return math.fsum([*multipliers, *worths[sorted(chosen)], *best])

    def walk(chosen, out):
        if not tokens:
            raise ValueError("no whole tree")
        token = tokens.pop(0)
        if len(chosen) > groups:
            return skipped(token)
        if token < 0:
            return leaf(token, chosen, out)
        item, side = divmod(token, 2)
        if item >= X.shape[1] or item in chosen | out:
            raise ValueError("no item left of this number")
        both = [(chosen | {item}, out), (chosen, out | {item})]
        return max(walk(*both[side]), walk(*both[1 - side]))

    def skipped(token):
        """Pass over a subtree of too many items: nothing in it is a choice."""
        for _ in range(0 if token < 0 else 2):
            if not tokens:
                raise ValueError("no whole tree")
            skipped(tokens.pop(0))
        return -math.inf

    bound = walk(frozenset(), frozenset())
    if tokens:
        raise ValueError("more than a tree")
    return weight * rounded_down(X, [1], bound)

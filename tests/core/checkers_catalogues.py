"""Checker of bounds for aggregate voting with sums: nothing but the ratings and weak duality.

It believes nothing that a certificate says. Multipliers may be any numbers; which lists are worth
more than the price it finds out itself, and the tree it walks through. A certificate that says too
little makes the bound that is found here larger.
"""

from __future__ import annotations

import math

import numpy as np

from tests.core.checkers_grain import rounded_down


def checked_bound(X, groups, weights, multipliers, price, lists, tokens, rows):
    """Largest objective that the certificate leaves possible; ValueError if it is no proof."""
    X, w = np.asarray(X, float), [v for v in weights if v > 0]
    slots = min(groups, len(X))
    values = np.array([X[:, items] @ w for items in lists])
    price = dearest_other(X, w, multipliers, price, {kind(w, items) for items in lists.tolist()})
    found = tree_bound(values, slots, tokens, rows)
    if price >= 0:  # with a list that is not among those named
        worths = np.maximum(values - multipliers, 0).sum(axis=1).tolist()
        best = sorted([max(worth, price) for worth in worths] + [price] * slots, reverse=True)
        found = max(found, math.fsum([*multipliers, *best[: slots - 1], price]))
    return rounded_down(X, w, found)


def kind(w, items):
    """The same for lists that differ by the order of items of equal weight."""
    return tuple(sorted((-weight, item) for weight, item in zip(w, items, strict=True)))


def dearest_other(X, w, multipliers, price, known):
    """The price, or what a list that is not known is worth, if that is more."""
    k, best = len(w), -np.sort(-X, axis=1)

    def grow(path, sums):
        nonlocal price
        j = len(path)
        tail = best[:, : k - j - 1] @ np.array(w[j + 1 :])  # a user's own best for the rest
        most = np.maximum(sums + w[j] * X.T + tail - multipliers, 0).sum(axis=1)
        for item in np.argsort(-most).tolist():
            if most[item] <= price:
                break
            if item in path or (j and w[j] == w[j - 1] and item < path[-1]):
                continue
            if j + 1 < k:
                grow([*path, item], sums + w[j] * X[:, item])
            elif kind(w, [*path, item]) not in known:
                price = most[item]

    grow([], np.zeros(len(X)))
    return price


def tree_bound(values, slots, tokens, rows):
    """Most that a choice of at most `slots` columns is worth, by the leaves of the tree."""
    found, waiting = -math.inf, [{}]
    for token in tokens.tolist():
        if not waiting:
            raise ValueError("more than a tree")
        decided = waiting.pop()
        if token >= 0:
            column, first = token >> 1, token % 2 == 0
            if column in decided or column >= len(values):
                raise ValueError("no tree")
            waiting += [{**decided, column: not first}, {**decided, column: first}]
            continue
        chosen = [column for column, inside in decided.items() if inside]
        free = [column for column in range(len(values)) if column not in decided]
        served = values[chosen].max(axis=0) if chosen else np.full(values.shape[1], values.min())
        prices = served if token == -1 else rows[-token - 2].astype(float)
        worths = np.maximum(values - prices, 0).sum(axis=1)
        best = sorted(worths[free], reverse=True)
        if len(chosen) <= slots and (chosen or free):
            terms = [*prices, *worths[chosen], *best[: slots - len(chosen)]]
            found = max(found, math.fsum(terms))
    if waiting:
        raise ValueError("less than a tree")
    return found

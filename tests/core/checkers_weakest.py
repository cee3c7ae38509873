"""Checker of bounds for aggregate voting with min: nothing but the ratings and weak duality.

It believes nothing that a certificate says. Multipliers may be any numbers, weights any that are
not negative; which sets of items and which placements of users are left to look at, it works out
itself. A certificate that says too little makes the bound that is found here larger.
"""

from __future__ import annotations

import math

import numpy as np

from tests.core.checkers_grain import rounded_down


def checked_bound(X, groups, k, branches, leaves, most=10**5):
    """Largest objective that the certificate leaves possible; ValueError if it is no proof.

    `leaves` are pairs of multipliers and price proofs; a price proof is (price, order, parents,
    items, weights). No more than `most` sets of items are looked at.
    """
    n, m = X.shape
    slots = min(groups, n, math.comb(m, k))  # two groups with one list are as good as one
    tokens, proofs, budget = iter(branches), iter(leaves), [most]

    def walk(placed):
        user = next(tokens, None)
        if user == -1:
            return leaf_bound(X, slots, k, placed, *next(proofs), budget)
        if user is None or user in placed or not 0 <= user < n:
            raise ValueError("no tree of placements")
        like = [slot for other, slot in placed.items() if (X[other] == X[user]).all()]
        tried = range(max(like, default=0), min(len(set(placed.values())) + 1, slots))
        return max(walk({**placed, user: slot}) for slot in tried)

    found = walk({})
    if next(tokens, None) is not None or next(proofs, None) is not None:
        raise ValueError("more than a tree of placements")
    return rounded_down(X, [1], found)


def leaf_bound(X, slots, k, placed, multipliers, proofs, budget):
    free = [user for user in range(len(X)) if user not in placed]
    rows, prices = X[free].T, np.asarray(multipliers, float)[free]
    size = len(X) * np.abs(X).max() + np.abs(prices).sum()
    rounding = slots * (len(X) + 2 * k + 4) * np.finfo(float).eps * size
    opened = len(set(placed.values()))
    total = math.fsum(prices)
    for slot in range(opened):
        members = [user for user in placed if placed[user] == slot]
        total += best_lists(X[members].sum(axis=0), rows, prices, k, 1, proofs[slot], budget)[0]
    if opened < slots:
        none = np.zeros(X.shape[1])
        values = best_lists(none, rows, prices, k, slots - opened, proofs[opened], budget)
        total += sum(max(value, 0.0) for value in values)
    return total + rounding


def best_lists(own, rows, multipliers, k, count, proof, budget):
    """What the `count` best distinct lists are worth at most."""
    price, order, parents, items, weights = proof
    hints, paths = {}, []
    for parent, item, hint in zip(parents, items, weights, strict=True):
        paths.append((*paths[parent], int(item)) if parent >= 0 else (int(item),))
        hints[paths[-1]] = hint[: len(paths[-1])]

    def worth(path, hint):
        if budget[0] == 0:
            raise ValueError("far too little is proven")
        budget[0] -= 1
        if not (np.min(hint) >= 0 and np.sum(hint) > 0):
            raise ValueError("weights below 0")
        hint = hint / hint.sum()
        chosen = list(path)
        return hint @ own[chosen] + np.maximum(hint @ rows[chosen] - multipliers, 0.0).sum()

    found = []

    def grow(path, hint, most, later):
        if len(path) == k:
            found.append(most)
            return
        left = []
        for item in later:
            longer, size = (*path, item), len(path) + 1
            weighed = hints.get(longer, np.append(hint * (size - 1) / size, 1 / size))
            value = min(most, worth(longer, weighed))  # an item more never raises the least
            if value > price:
                left.append((longer, weighed, value))
        if len(path) + len(left) >= k:
            for at, (longer, weighed, value) in enumerate(left):
                grow(longer, weighed, value, [other[-1] for other, _, _ in left[at + 1 :]])

    named = list(dict.fromkeys(int(item) for item in order))
    grow((), np.empty(0), math.inf, named + [i for i in range(len(own)) if i not in named])
    return (sorted(found, reverse=True) + [price] * count)[:count]

"""Checker of bounds for least misery where lists count by their first item: columns and a tree.

It believes nothing that a certificate says: multipliers may be any numbers that are not negative.
What columns there are it finds out itself; one that is not listed and is worth more than the
certificate says raises the bound found here.
"""

from __future__ import annotations

import math

import numpy as np

from tests.core.checkers_grain import rounded_down


def checked_bound(X, groups, weights, floor, root, price, columns, crowds, branchings, leaves):
    """Largest objective that the certificate leaves possible; ValueError if it is no proof.

    A group is worth `weights[0]` times its members' lowest rating of some item: it is within the
    column of that item and rating, all who rate the item so high. `columns` are the (item, rating)
    listed; `root` and `leaves` are multipliers (of users, of crowds, of branchings above);
    `branchings` are (item, number, rating) in preorder, with item -1 for leaves.
    """
    X, weight = np.asarray(X, float), float(weights[0])
    if np.any(np.asarray(weights)[1:]) or weight <= 0:
        raise ValueError("more counts than the first item")
    told = [floor, *(part for weighing in (root, *leaves) for part in weighing)]
    if not all(np.isfinite(part).all() for part in told) or math.isnan(price) or price == math.inf:
        raise ValueError("not numbers")
    if any(number != int(number) for _, number, _ in branchings):
        raise ValueError("not a number of groups")
    groups, alone = min(groups, len(X)), weight * X.max(axis=1)
    record, leaves, listed = list(branchings), list(leaves), [*dict.fromkeys(columns)]
    covers = np.array([X[:, item] >= rating for item, rating in listed])

    def worths(values, covered, items, ratings, weighing, path):
        """What columns are worth with their multipliers, and the terms that do not depend on it."""
        users, crowded, counts = weighing
        if min([*users, *crowded, *counts], default=0) < 0 or len(counts) != len(path):
            raise ValueError("not multipliers")
        found, terms = values + covered @ users, [*-users]
        for crowd, multiplier in zip(crowds, crowded, strict=False):
            found = found - multiplier * ~(covered & ~crowd).any(axis=1)
            terms.append(multiplier * crowd.sum())
        for (item, number, rating, more), multiplier in zip(path, counts, strict=True):
            inside = (items == item) & (ratings >= rating)
            found = found + (multiplier if more else -multiplier) * inside
            terms.append(multiplier * (-(number + 1) if more else number))
        return found, math.fsum(terms)

    # a group worth no more than the floor, and others as good as anybody's own best
    others = np.sort(alone)[::-1][: groups - 1]
    bound = floor + others[others > 0].sum()
    # a group of a column that is not listed, and others of any column
    highest, known = -math.inf, set(listed)
    for item in range(X.shape[1]):
        ratings = np.unique(X[:, item])
        ratings = ratings[weight * ratings > floor]
        if len(ratings):
            covered, where = X[:, item] >= ratings[:, None], np.full(len(ratings), item)
            found, rest = worths(weight * ratings, covered, where, ratings, root, [])
            highest = max(highest, found.max())
            unknown = [(item, rating) not in known for rating in ratings.tolist()]
            price = max(price, found[unknown].max(initial=-math.inf))
    if highest > -math.inf:
        bound = max(bound, price + max(0.0, (groups - 1) * highest) + rest)

    def walk(path):
        """Choices of listed columns that agree with the branchings above."""
        if not record:
            raise ValueError("less than a tree")
        item, number, rating = record.pop(0)
        if item >= 0:
            sides = [walk([*path, (item, number, rating, more)]) for more in (True, False)]
            return max(sides)
        if not leaves:
            raise ValueError("more leaves than multipliers")
        items, ratings = np.array(listed).T
        found, rest = worths(weight * ratings, covers, items, ratings, leaves.pop(0), path)
        return max(found.max(), groups * found.max()) + rest

    if listed:
        bound = max(bound, walk([]))
    if record or leaves:
        raise ValueError("more than a tree")
    return rounded_down(X, weights, bound)

"""The slow truth: definitions and algorithms of the papers in plain loops, to test the fast ones.

Ratings are rows (users) of numbers (items); users and items are their positions. Any numbers do:
floats, as the package computes, or fractions, where a test wants the exact value. Nothing here
uses the package.
"""

from __future__ import annotations

import math
from fractions import Fraction

# --- scores, lists, satisfaction (sections 2.2 to 2.4 and 6) ---------------------------------


def item_score(rows, members, item, semantics):
    """The group's score of an item: the lowest rating (lm), or the sum in order of users (av)."""
    if semantics == "lm":
        lowest = rows[members[0]][item]
        for user in members:
            if rows[user][item] < lowest:
                lowest = rows[user][item]
        return lowest + 0  # no -0.0
    total = 0
    for user in members:
        total = total + rows[user][item]
    return total


def group_list(rows, members, k, semantics):
    """The k best items, best first, equal scores by ascending column; and their scores."""
    scored = [(item_score(rows, members, item, semantics), item) for item in range(len(rows[0]))]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    items = [item for _, item in scored[:k]]
    return items, [score for score, _ in scored[:k]]


def inverse_weights(k):
    return [1 / j for j in range(1, k + 1)]


def log_weights(k):
    return [1 / math.log2(j + 1) for j in range(1, k + 1)]


def aggregate(scores, agg, weights=None):
    """Satisfaction from the scores of a list, best first."""
    if agg == "min":
        return scores[-1]
    if agg == "max":
        return scores[0]
    total = 0
    for position, score in enumerate(scores):
        weight = 1 if agg == "sum" else weights[position]
        total = total + weight * score
    return total


def ndcg(rows, user, items, k):
    """NDCG@k of a list for a user: gain = rating, ideal = the user's own list; 1 if that is 0."""
    _, ratings = group_list(rows, [user], k, "lm")
    gain = ideal = 0
    for position, weight in enumerate(log_weights(k)):
        gain += weight * rows[user][items[position]]
        ideal += weight * ratings[position]
    return gain / ideal if ideal > 0 else 1


def satisfaction(rows, members, k, semantics, agg, weights=None):
    """A group's satisfaction with its list."""
    items, scores = group_list(rows, members, k, semantics)
    if agg != "ndcg":
        return aggregate(scores, agg, weights)
    values = [ndcg(rows, user, items, k) for user in members]
    return min(values) if semantics == "lm" else sum(values)


def objective(rows, groups, k, semantics, agg, weights=None):
    """Sum of the groups' satisfactions."""
    values = [satisfaction(rows, group, k, semantics, agg, weights) for group in groups]
    if all(isinstance(value, float) for value in values):
        return math.fsum(values)
    return sum(values)


# --- GRD (sections 4 to 6; keys and ties as the design notes fix them) -----------------------


def key(rows, user, k, semantics, agg):
    items, scores = group_list(rows, [user], k, "lm")
    if semantics == "av" or agg == "ndcg":
        return (tuple(items),)
    if agg == "min":
        return (tuple(items), scores[-1])
    if agg == "max":
        return (tuple(items), scores[0])
    return (tuple(items), tuple(scores))


def buckets(rows, k, semantics, agg, weights=None):
    """Users with equal keys, with their score, in the order in which GRD selects."""
    by_key = {}
    for user in range(len(rows)):
        by_key.setdefault(key(rows, user, k, semantics, agg), []).append(user)
    scored = [
        (satisfaction(rows, members, k, semantics, agg, weights), members)
        for members in by_key.values()
    ]
    scored.sort(key=lambda pair: (-pair[0], -len(pair[1]), pair[1][0]))
    return scored


def everyone_else(rows, groups):
    placed = [user for group in groups for user in group]
    return [user for user in range(len(rows)) if user not in placed]


def grd(rows, limit, k, semantics, agg, weights=None):
    """Groups in order of selection, the last group last."""
    ranked = buckets(rows, k, semantics, agg, weights)
    if len(ranked) < limit:
        return [members for _, members in ranked]
    groups = [members for _, members in ranked[: limit - 1]]
    return [*groups, everyone_else(rows, groups)]


def grd_split(rows, limit, k, agg, weights=None):
    """GRD under least misery with buckets split, level of score by level."""
    ranked = [(s, list(members)) for s, members in buckets(rows, k, "lm", agg, weights)]
    groups = []
    in_slots = []  # buckets that hold a slot, in order of level and size
    for level in sorted({s for s, _ in ranked}, reverse=True):
        of_level = [members for s, members in ranked if s == level]
        chosen = of_level[: max(0, limit - 1 - len(groups))]
        groups += chosen
        in_slots += chosen
        for members in chosen:
            while len(members) > 1 and len(groups) < limit - 1:
                groups.append([members.pop()])
    left = everyone_else(rows, groups)
    if left:
        return [*groups, left]
    for members in in_slots:
        if len(members) > 1 and len(groups) < limit:
            groups.append([members.pop()])
    return groups


# --- optimum and bounds ----------------------------------------------------------------------


def partitions(n, limit):
    """All partitions of 0..n-1 into at most `limit` groups."""

    def extend(groups, user):
        if user == n:
            yield [list(group) for group in groups]
            return
        for group in groups:
            group.append(user)
            yield from extend(groups, user + 1)
            group.pop()
        if len(groups) < limit:
            yield from extend([*groups, [user]], user + 1)

    yield from extend([], 0)


def optimum(rows, limit, k, semantics, agg, weights=None):
    """Best objective over all partitions into at most `limit` groups, and all that reach it."""
    known = {}
    best, reaching = None, []
    for groups in partitions(len(rows), limit):
        total = 0
        for group in groups:
            name = tuple(group)
            if name not in known:
                known[name] = satisfaction(rows, group, k, semantics, agg, weights)
            total += known[name]
        if best is None or total > best:
            best, reaching = total, [groups]
        elif total == best:
            reaching.append(groups)
    return best, reaching


def personal(rows, k, agg, weights=None):
    """What each user would be worth as a group of one, under least misery."""
    return [satisfaction(rows, [user], k, "lm", agg, weights) for user in range(len(rows))]


def own_list_bound(rows, limit, k, semantics, agg, weights=None):
    """The bound from each user's own list, as a fraction where the ratings are fractions.

    Where ratings are negative, fewer than `limit` groups can be better: personal satisfactions
    below 0 count only if nobody has a better one.
    """
    if agg == "ndcg":
        return min(len(rows), limit) if semantics == "lm" else len(rows)
    if semantics == "av" and agg == "min":
        return sum(Fraction(value) for value in personal(rows, k, "sum")) / k
    values = [Fraction(value) for value in personal(rows, k, agg, weights)]
    if semantics == "av":
        return sum(values)
    values.sort(reverse=True)
    return values[0] + sum(value for value in values[1:limit] if value > 0)


# --- missing ratings (None: unrated) ---------------------------------------------------------


def filled_constant(rows, value):
    return [[value if rating is None else rating for rating in row] for row in rows]


def lowest(rows):
    return min(rating for row in rows for rating in row if rating is not None)


def filled_means(rows):
    """Unrated cells as the item's mean; as the mean of all for an item without a rating."""
    every = [rating for row in rows for rating in row if rating is not None]
    means = []
    for item in range(len(rows[0])):
        rated = [row[item] for row in rows if row[item] is not None]
        means.append(sum(rated) / len(rated) if rated else sum(every) / len(every))
    return [
        [means[item] if rating is None else rating for item, rating in enumerate(row)]
        for row in rows
    ]


def on_grid(rows, step):
    """Ratings rounded to multiples of a step, halves to the even multiple."""
    return [[round(rating / step) * step for rating in row] for row in rows]

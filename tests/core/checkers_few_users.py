"""Checks a bound by a few users from the ratings alone: by every way to part them."""

from __future__ import annotations

import itertools
from fractions import Fraction


def worth(rows, members, k, weights):
    """Least misery: the weighted sum of the k highest of the members' lowest ratings."""
    lowest = [min(Fraction(rows[u][i]) for u in members) for i in range(len(rows[0]))]
    best = sorted(lowest, reverse=True)[:k]
    return sum(Fraction(w) * value for w, value in zip(weights, best, strict=True))


def partings(users):
    """All partitions of a list."""
    if not users:
        yield []
        return
    first, rest = users[0], users[1:]
    for size in range(len(rest) + 1):
        for others in itertools.combinations(rest, size):
            left = [u for u in rest if u not in others]
            for parting in partings(left):
                yield [[first, *others], *parting]


def accepts(rows, groups, k, weights, users, bound):
    """Whether no formation is worth more than the bound, by the users named.

    Groups that hold some of them are worth at most their shares of them; each other group is
    worth at most what one member is alone, members of two groups being two.
    """
    users = [int(user) for user in users]
    if len(set(users)) < len(users) or not users or not set(users) <= set(range(len(rows))):
        return False
    outside = [u for u in range(len(rows)) if u not in users]
    alone = sorted((worth(rows, [u], k, weights) for u in outside), reverse=True)
    for parting in partings(users):
        if len(parting) <= groups:
            others = alone[: groups - len(parting)]
            most = sum(worth(rows, group, k, weights) for group in parting)
            if most + sum(value for value in others if value > 0) > Fraction(bound):
                return False
    return True

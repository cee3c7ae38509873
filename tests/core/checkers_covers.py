"""Checker of bounds for least misery: nothing but the ratings, weak duality, and the record.

It believes nothing that a certificate says: multipliers may be any numbers that are not negative,
prices any at all. What a step of the record leaves to look at, it works out itself; a step that
leaves something worth more than the price is no proof.
"""

from __future__ import annotations

import math

import numpy as np

from tests.core.checkers_grain import rounded_down

SLACK = 1e-14  # prices are raised by so much, relatively, for the rounding errors of both sides


def checked_bound(X, groups, weights, branchings, values, leaves):
    """Largest objective that the certificate leaves possible; ValueError if it is no proof.

    `weights` are those of the k positions. `leaves` are (users, multipliers, levels, discounts,
    cuts, proofs); a proof is (price, windows, starts, steps, step_values) or None.
    """
    record, leaves = list(zip(np.asarray(branchings).tolist(), values, strict=True)), list(leaves)

    def walk(R, stands, above, up_to, apart):
        """Rows of those who stand for merged users hold the lowest ratings of these."""
        need(record)
        (kind, user, other), value = record.pop(0)
        if kind < 0:
            need(leaves)
            return leaf_bound(R, stands, above, up_to, apart, groups, weights, leaves.pop(0))
        low, high, merged = above.copy(), up_to.copy(), R.copy()
        need(stands[user])
        if kind == 1:
            low[user], high[user] = max(low[user], value), min(high[user], value)
            first = walk(R, stands, low, up_to, apart)
            return max(first, walk(R, stands, above, high, apart))
        need(user < other and stands[other])
        merged[user] = merged[[user, other]].min(axis=0)
        low[user], high[user] = above[[user, other]].max(), up_to[[user, other]].min()
        both = [tuple(sorted(user if u == other else u for u in pair)) for pair in apart]
        left = stands & (np.arange(len(R)) != other)
        first = walk(merged, left, low, high, list(dict.fromkeys(both)))
        return max(first, walk(R, stands, above, up_to, [*apart, (user, other)]))

    n = len(X)
    last = max(np.flatnonzero(weights), default=0)  # positions after it count nothing
    weights = np.asarray(weights, float)[: last + 1]
    everyone = np.ones(n, bool), np.full(n, -np.inf), np.full(n, np.inf)
    found = walk(np.asarray(X, float), *everyone, [])
    need(not record and not leaves)
    return rounded_down(X, weights, found)


def need(condition):
    if not condition:
        raise ValueError("no proof")


def leaf_bound(R, stands, above, up_to, apart, groups, weights, leaf):
    users, multipliers, levels, discounts, cuts, proofs = leaf
    need(len(cuts) > 0)
    need(np.all(multipliers >= 0) and np.all(np.diff(levels) > 0) and np.all(stands[users]))
    need(len(set(users)) == len(users) and np.all(np.diff(discounts, prepend=0.0) >= 0))
    alone, groups = np.zeros(len(R)), min(groups, stands.sum())
    for weight, scores in zip(weights, (-np.sort(-R)).T, strict=False):
        alone += weight * scores  # position by position, as the objective is defined
    price = -np.inf
    for low, high, proof in zip(cuts, [*cuts[1:], np.inf], proofs, strict=True):
        allowed = stands & (above < high) & (up_to > low)

        def count(value, low=low, high=high):
            """Value less the discount, never less than a lower value's; -inf if too low."""
            value = min(value, high)
            tried = [value, *(level for level in levels if low < level < value)]
            worth = [v - sum(np.diff(discounts, prepend=0.0)[levels < v]) for v in tried]
            return max(worth) if value > low else -np.inf

        price = max(price, count(alone[allowed].max(initial=-np.inf)))
        inside = allowed[users]
        if inside.any():
            where = {user: at for at, user in enumerate(users[inside])}
            pairs = [(where[u], where[w]) for u, w in apart if u in where and w in where]
            rows, priced = R[users[inside]], multipliers[inside]
            price = max(price, replayed(rows, priced, weights, count, pairs, *proof))
    places = [(alone[stands] > level).sum() for level in levels]
    total = np.diff(discounts, prepend=0.0) @ places - math.fsum(multipliers)
    others = np.sort(alone[stands])[::-1][: groups - 1]
    return max(max(price, groups * price) + total, cuts[0] + others[others > 0].sum())


def replayed(rows, multipliers, weights, count, apart, price, windows, starts, steps, values):
    """Price that no set of users is worth more than; ValueError if the steps leave one open."""
    total = multipliers.sum()
    need(windows[0] <= 0 and windows[-1] == np.inf and len(windows) == len(starts) > 1)
    price += SLACK * max(1.0, abs(price), total)
    for low, high, first, last in zip(windows, windows[1:], starts, starts[1:], strict=False):
        tree = Tree(rows, multipliers, weights, count, apart, price, (low - SLACK * total, high))
        tree.steps = list(zip(steps[first:last].tolist(), values[first:last], strict=True))
        tree.by_users = not (np.asarray(steps) >= 0).any()
        everyone, nobody = np.ones(len(rows), bool), np.zeros(len(rows), bool)
        tree.walk(everyone, nobody, {}, dict.fromkeys(range(rows.shape[1]), np.inf))
        need(not tree.steps)
    return price


class Tree:
    """Sets of users that lose from `low` to `high` of the multipliers, by items or by users."""

    def __init__(self, rows, multipliers, weights, count, apart, price, window):
        self.rows, self.multipliers, self.weights = rows, multipliers, weights
        self.count, self.apart, self.price, self.window = count, apart, price, window
        self.total = multipliers.sum()

    def value(self, minima):
        best = sorted(minima, reverse=True)[: len(self.weights)]
        if len(best) < len(self.weights):
            return -np.inf
        return self.count(sum(w * x for w, x in zip(self.weights, best, strict=True) if w))

    def walk(self, inside, fixed, listed, others):
        """Users who may be `inside` the set, and those `fixed` there.

        `listed` items are on the list, `others` may be; with caps on what they contribute.
        """
        need(self.steps)
        step, value = self.steps.pop(0)
        inside, fixed, listed, others = inside.copy(), fixed.copy(), dict(listed), dict(others)
        open_ = self.settle(inside, fixed, listed, others)
        if step == -1:
            need(not open_ or self.completed(inside, listed, others))
        elif step >= 0:
            cap = others.pop(step, -np.inf)
            self.walk(inside, fixed, {**listed, step: cap}, others)
            self.walk(inside, fixed, listed, others)
        elif step == -2:
            for user in self.apart[int(value)]:
                self.walk(inside & (np.arange(len(inside)) != user), fixed, listed, others)
        elif step == -3:
            user, before, caps = int(value), fixed.copy(), dict(others)
            without = inside & (np.arange(len(inside)) != user)
            self.fix(user, inside, fixed, others)
            self.walk(inside, fixed, listed, others)
            self.walk(without, before, listed, caps)
        else:
            item = list(listed)[-4 - step]
            self.walk(inside & (self.rows[:, item] >= value), fixed, listed, others)
            lower = self.rows[inside & (self.rows[:, item] < value), item].max(initial=-np.inf)
            self.walk(inside, fixed, {**listed, item: min(lower, listed[item])}, others)

    def least(self, inside):
        """Sets of this window that are worth more than the price are worth more without users."""
        kept = self.multipliers[inside].sum()
        return kept, self.price - min(kept, self.total - self.window[0])

    def losses(self, inside, item):
        """Ratings of an item, ascending, and what is lost with all who rate it lower."""
        ratings, at = np.unique(self.rows[inside, item], return_inverse=True)
        lost = np.bincount(at, self.multipliers[inside])
        return ratings, np.cumsum(lost) - lost

    def fix(self, user, inside, fixed, others):
        """Put a user into the set: caps every item, sends away whoever must be apart."""
        fixed[user] = True
        for item in others:
            others[item] = min(others[item], self.rows[user, item])
        for pair in self.apart:
            if user in pair:
                inside[sum(pair) - user] = False

    def settle(self, inside, fixed, listed, others):
        """Lower caps, drop users and items, until nothing changes; whether anything is left."""
        before = None
        while before != (before := (inside.sum(), fixed.sum(), dict(listed), dict(others))):
            kept, floor = self.least(inside)
            worth = self.value([*listed.values(), *top(others, len(self.weights) - len(listed))])
            room = min(worth + kept - self.price, self.window[1] - (self.total - kept))
            if not inside.any() or worth <= floor or room <= 0 or (fixed & ~inside).any():
                return False
            for caps in (listed, others):
                for item in caps:
                    ratings, lost = self.losses(inside, item)
                    if ratings[0] > caps[item]:
                        return False
                    caps[item] = ratings[(lost < room) & (ratings <= caps[item])].max()
            free = len(self.weights) - len(listed)
            for item in listed:
                rest = [cap for i, cap in listed.items() if i != item] + top(others, free)
                for rating in np.unique(self.rows[inside, item]):
                    if self.value([*rest, rating]) <= floor:
                        inside &= self.rows[:, item] > rating
            for item in list(others):
                cap = others.pop(item)
                with_it = [*listed.values(), *top(others, free - 1), cap]
                if free and self.value(with_it) > floor:
                    others[item] = cap
            for user in np.flatnonzero(inside & ~fixed) if self.by_users else ():
                limited = [min(cap, self.rows[user, item]) for item, cap in others.items()]
                if self.value(limited) <= floor:
                    inside[user] = False
                elif self.multipliers[user] >= room:
                    self.fix(user, inside, fixed, others)
        return True

    def completed(self, inside, listed, others):
        """Whether every way to put the last item on the list is worth too little."""
        kept, _ = self.least(inside)
        if len(listed) + 1 < len(self.weights):
            return False
        for item in others:
            for rating, lost in zip(*self.losses(inside, item), strict=True):
                if rating <= others[item] and lost < self.window[1] - (self.total - kept):
                    worth = self.value([*listed.values(), rating])
                    if worth + min(kept - lost, self.total - self.window[0]) > self.price:
                        return False
        return True


def top(caps, count):
    return sorted(caps.values(), reverse=True)[: max(count, 0)]

"""Small instances: every set of users is scored, and the best partition found by recursion.

``best[g, M]``, what at most g groups of the users in M are worth together, is the maximum over
the sets C within M that hold M's first user of ``v(C) + best[g - 1, M without C]``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.constraints import Constraints, Rule
from grouping.constraints.rules import groups_within
from grouping.exact.search import Search
from grouping.objective import score
from grouping.problem import Problem


@dataclass(frozen=True, eq=False)
class EnumerationCertificate:
    """That every partition was looked at: to be checked by looking again.

    Attributes
    ----------
    values : float64 array, shape (2**n,)
        What each set of users counts as a group, user u in it where bit u is set; 0 for none.
    bound : float
        Objective of the best partition.
    """

    values: NDArray[np.float64]
    bound: float


def solve(search: Search) -> None:
    """Score every set of users and put the best partition together.

    Parameters
    ----------
    search : Search
        Over a dozen users at the most: there are 2**n sets.
    """
    problem = search.problem
    n = problem.ratings.shape[0]
    values = set_values(problem)
    if problem.constraints:
        _within_constraints(search, values)
        return
    everyone = (1 << n) - 1
    best = np.full((min(problem.groups, n) + 1, everyone + 1), -np.inf)
    best[:, 0] = 0.0
    choice = np.zeros(best.shape, np.int64)
    for mask in range(1, everyone + 1):
        first = mask & -mask
        rest = mask ^ first
        part = rest
        while True:  # every subset of the rest, the first user with each
            with_first = part | first
            totals = values[with_first] + best[:-1, mask ^ with_first]
            better = totals > best[1:, mask]
            best[1:, mask][better] = totals[better]
            choice[1:, mask][better] = with_first
            if part == 0:
                break
            part = (part - 1) & rest
    if best[-1, everyone] == -np.inf:  # somebody excludes a list in every formation
        return
    labels = np.empty(n, np.int64)
    mask, groups = everyone, best.shape[0] - 1
    while mask:
        chosen = int(choice[groups, mask])
        labels[[user for user in range(n) if chosen >> user & 1]] = groups
        mask, groups = mask ^ chosen, groups - 1
    search.offer(labels)
    # the recursion adds up in another order than the definition does
    search.prove(EnumerationCertificate(values, max(search.objective, float(best[-1, everyone]))))


def set_values(problem: Problem) -> NDArray[np.float64]:
    """Satisfaction of every set of users: float64, shape (2**n,)."""
    n = problem.ratings.shape[0]
    values = np.zeros(1 << n)
    for mask in range(1, 1 << n):
        # users outside the set form a group of their own, which does not count here
        labels = np.array([0 if mask >> user & 1 else 1 for user in range(n)], np.int64)
        scored = score(problem, labels)
        counted = problem.counting.of_groups(scored.satisfaction, labels)
        values[mask] = counted[0] if problem.allows(scored.item_scores[:1]) else -np.inf
    return values


def _within_constraints(search: Search, values: NDArray[np.float64]) -> None:
    """The same recursion, a group at a time, over the sets that may be that group."""
    problem = search.problem
    constraints, n = problem.constraints, problem.ratings.shape[0]
    everyone = (1 << n) - 1
    most = constraints.high(problem.groups, n)
    allowed = [_allowed(constraints, n, group, int(most[group])) for group in range(problem.groups)]
    best: dict[int, tuple[float, tuple[int, ...]]] = {
        0: (0.0, ())
    }  # of the users placed so far: what they are worth, and their sets
    for may in allowed:
        after = {} if constraints.slotted else dict(best)
        for placed, (worth, sets) in best.items():
            rest = everyone ^ placed
            # groups that have no number are told apart by their first users
            first = 0 if constraints.slotted else rest & -rest
            part = rest
            while part:
                if may[part] and part & first == first:
                    total = worth + values[part]
                    if part | placed not in after or total > after[part | placed][0]:
                        after[part | placed] = (total, (*sets, part))
                part = (part - 1) & rest
        best = after
    worth, sets = best[everyone]
    labels = np.empty(n, np.int64)
    for group, members in enumerate(sets):
        labels[[user for user in range(n) if members >> user & 1]] = group
    search.offer(labels)
    search.prove(EnumerationCertificate(values, max(search.objective, worth)))


def _allowed(constraints: Constraints, n: int, group: int, most: int) -> NDArray[np.bool_]:
    """Which sets of users may be a group."""
    may = np.zeros(1 << n, bool)
    for members in range(1, 1 << n):
        if not constraints.low() <= members.bit_count() <= most:
            continue
        own = np.array([user for user in range(n) if members >> user & 1])
        inside = [[members >> user & 1 == 1 for user in rule.users] for rule in constraints.rules]
        may[members] = all(
            (rule.kind != "together" or len(set(its)) == 1)
            and (rule.kind != "apart" or sum(its) <= 1)
            and (rule.kind != "fixed" or its[0] == (rule.numbers[0] == group))
            and (rule.attribute is None or _keeps_to(rule, own))
            for rule, its in zip(constraints.rules, inside, strict=True)
        )
    return may


def _keeps_to(rule: Rule, members: NDArray[np.int64]) -> bool:
    """Whether a group of these users keeps to a rule about an attribute."""
    assert rule.attribute is not None
    values = rule.attribute.of_user[members]
    counts = np.bincount(values, minlength=len(rule.attribute.values))
    return bool(groups_within(rule, counts[None, :], np.array([len(members)])).all())

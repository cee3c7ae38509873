"""What is wrong with a partition that breaks a rule, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grouping.constraints.rules import Rule, groups_within
from grouping.ids import Ids


def breach(rule: Rule, labels: NDArray[np.int64], users: Ids, names: Sequence[str]) -> str:
    """Say how a partition breaks a rule: the first place, and how many more there are.

    Parameters
    ----------
    rule : Rule
        One that it breaks.
    labels : int64 array, shape (n,)
    users : Ids
    names : sequence of str
        Of the groups.

    Returns
    -------
    sentence : str
        Begins with the rule's own words.
    """
    sizes = np.bincount(labels, minlength=len(names))
    if rule.attribute is not None:
        return f"{rule.words}: {_of_attribute(rule, labels, sizes, names)}"
    its = rule.users
    if rule.kind == "together":
        there = ", ".join(names[group] for group in np.unique(labels[list(its)]).tolist())
        return f"{rule.words}: they are in groups {there}"
    if rule.kind == "apart":
        groups, counts = np.unique(labels[list(its)], return_counts=True)
        group = groups[counts > 1][0]
        met = " and ".join(users[user] for user in its if labels[user] == group)
        return f"{rule.words}: {met} are in group {names[group]}"
    if rule.kind == "fixed":
        return f"{rule.words}: {users[its[0]]} is in group {names[labels[its[0]]]}"
    limits = np.broadcast_to(np.array(rule.numbers), sizes.shape)
    wrong = np.flatnonzero(sizes < limits if rule.kind == "min_size" else sizes > limits)
    first = int(wrong[0])
    return f"{rule.words}: group {names[first]} has {sizes[first]}{_more(len(wrong))}"


def _of_attribute(
    rule: Rule, labels: NDArray[np.int64], sizes: NDArray[np.int64], names: Sequence[str]
) -> str:
    assert rule.attribute is not None
    counts = rule.attribute.counts(labels, len(names))
    groups, values = np.nonzero(~groups_within(rule, counts, sizes))
    group, value = int(groups[0]), int(values[0])
    held = f"group {names[group]} of {sizes[group]} has {counts[group, value]}"
    text = f"{held} with {rule.attribute.name} {rule.attribute.values[value]}"
    if rule.kind == "balance":
        text += f", and its share is {rule.attribute.shares[value] * sizes[group]:.3g}"
    return text + _more(len(np.unique(groups)))


def _more(groups: int) -> str:
    return "" if groups == 1 else f" (and {groups - 1} more group{'' if groups == 2 else 's'})"

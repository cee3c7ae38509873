"""Traits: values of attributes that rules count in every group, side by side for all rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.constraints.attributes import SLACK
from grouping.constraints.rules import Constraints, groups_within
from grouping.constraints.units import Units


@dataclass(frozen=True, eq=False)
class Traits:
    """What is counted of groups' members, and how many there may be.

    A trait is one value of the attribute of one rule.

    Attributes
    ----------
    of_user : int64 array, shape (n, rules)
        The trait that each user has for each rule about an attribute.
    shares : float64 array, shape (traits,)
        Of all users.
    tolerances : float64 array, shape (traits,)
        1 where shares do not matter: no count is farther off than the whole group.
    not_alone : bool array, shape (traits,)
        Whether just one user with the trait is not allowed in a group.
    slack : float
        Roundings that are forgiven.
    """

    of_user: NDArray[np.int64]
    shares: NDArray[np.float64]
    tolerances: NDArray[np.float64]
    not_alone: NDArray[np.bool_]
    slack: float = SLACK

    def of_units(self, units: Units) -> NDArray[np.int32]:
        """Users of each unit with each trait: int32, shape (units, traits)."""
        amounts = np.zeros((len(units.sizes), len(self.shares)), np.int32)
        for traits in self.of_user.T:
            np.add.at(amounts, (units.of_user, traits), 1)
        return amounts


def traits_of(constraints: Constraints, users: int) -> Traits:
    """Number the traits of all rules about attributes.

    Parameters
    ----------
    constraints : Constraints
    users : int

    Returns
    -------
    traits : Traits
        None of them where there are no such rules.
    """
    of_user: list[NDArray[np.int64]] = []
    shares: list[NDArray[np.float64]] = []
    tolerances: list[NDArray[np.float64]] = []
    not_alone: list[NDArray[np.bool_]] = []
    for rule in constraints.rules:
        if rule.attribute is None:
            continue
        before = sum(len(known) for known in shares)
        count = len(rule.attribute.values)
        of_user.append(before + rule.attribute.of_user)
        shares.append(rule.attribute.shares)
        by_share = rule.kind == "balance"
        tolerances.append(np.full(count, rule.tolerance if by_share else 1.0))
        # of a group with one user of every value: those that break the rule
        not_alone.append(
            np.zeros(count, bool)
            if by_share
            else ~groups_within(rule, np.ones((1, count), np.int64), np.array([count]))[0]
        )
    if not shares:
        nothing = np.zeros(0)
        return Traits(np.zeros((users, 0), np.int64), nothing, nothing, np.zeros(0, bool))
    return Traits(
        np.stack(of_user, axis=1),
        np.concatenate(shares),
        np.concatenate(tolerances),
        np.concatenate(not_alone),
    )

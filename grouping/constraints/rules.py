"""Constraints as rules, each with the words in which the user gave it."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.constraints.attributes import Attribute, Profiles, of_profiles, within
from grouping.errors import InputError
from grouping.ids import Ids, id_text, several


@dataclass(frozen=True)
class Rule:
    """One constraint.

    Attributes
    ----------
    kind : {"min_size", "max_size", "sizes", "together", "apart", "fixed", "balance",
            "no_isolated", "exclude"}
    words : str
        What the user wrote, for messages: an option with its value, or a file and line.
    users : tuple of int
        Positions of the users it is about.
    numbers : tuple of int
        Sizes; or the group to be in, for ``fixed``; or the position of the only value that is
        meant, for ``no_isolated``.
    attribute : Attribute or None
        Of all users, for ``balance`` and ``no_isolated``.
    tolerance : float
        For ``balance``.

    For ``exclude`` the rule is but a name: the ratings say what is excluded
    (`grouping.exclusions`).
    """

    kind: str
    words: str
    users: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()
    attribute: Attribute | None = None
    tolerance: float = 0.0


@dataclass(frozen=True)
class Constraints:
    """What a formation has to satisfy besides having at most l groups.

    Attributes
    ----------
    rules : tuple of Rule
    """

    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(
        cls,
        users: Ids,
        groups: int,
        *,
        min_size: int | None = None,
        max_size: int | None = None,
        sizes: Sequence[int] | None = None,
        together: Iterable[Iterable[Any]] = (),
        apart: Iterable[Iterable[Any]] = (),
        fixed: Mapping[Any, int] | None = None,
        balance: Mapping[str, float] | None = None,
        no_isolated: Iterable[str] | Mapping[str, Any] = (),
        profiles: Profiles = None,
    ) -> Constraints:
        """Read constraints as a caller gives them.

        Parameters
        ----------
        users : Ids
            Ids of all users.
        groups : int
            At most so many groups (l).
        min_size, max_size : int, optional
            Users in every group, at least and at most.
        sizes : sequence of int, optional
            Most users of group 0, 1, ...: l of them.
        together, apart : iterable of iterables of ids
            Users who must be in one group; users of whom no two may be.
        fixed : mapping of id to group, optional
        balance : mapping of attribute to tolerance, optional
            Every group's number of users with a value may be off the population's share of its
            size by 1, or by the tolerance times its size if that is more.
        no_isolated : iterable of attributes, or mapping of attribute to value, optional
            No group has just one user with a value, or with the value named.
        profiles : frame or mapping, optional
            Who has which value; see `of_profiles`.

        Returns
        -------
        constraints : Constraints

        Raises
        ------
        InputError
            If a user, a group, an attribute or a value is unknown, a number out of range, or sizes
            are given twice.
        """
        rules = []
        if min_size is not None:
            rules.append(one_size("min_size", min_size))
        if max_size is not None:
            if sizes is not None:
                raise InputError("max_size and sizes both say how large groups may be: give one")
            rules.append(one_size("max_size", max_size))
        if sizes is not None:
            rules.append(each_size(several(sizes, f"sizes {sizes!r}", "sizes"), groups))
        for kind, sets in (("together", together), ("apart", apart)):
            lists = several(sets, f"{kind} {sets!r}", "lists of users")
            rules.extend(
                named_users(users, kind, several(ids, f"{kind} {ids!r}", "users")) for ids in lists
            )
        for user, group in _mapping(fixed, "fixed", "user to group").items():
            rules.append(placed(users, user, group, groups))
        for name, tolerance in _mapping(balance, "balance", "attribute to tolerance").items():
            words = f"balance {name}:{tolerance}"
            rules.append(balanced(of_profiles(profiles, name, users, words), tolerance, words))
        named: Mapping[str, Any]
        if isinstance(no_isolated, Mapping):
            named = no_isolated
        else:
            several_of = several(no_isolated, f"no_isolated {no_isolated!r}", "attributes")
            named = dict.fromkeys(several_of)
        for name, value in named.items():
            words = f"no_isolated {name}" + ("" if value is None else f"={value}")
            found = of_profiles(profiles, name, users, words)
            rules.append(not_isolated(found, value, words))
        return cls(tuple(rules))

    def __bool__(self) -> bool:
        return bool(self.rules)

    def or_ready(self, ready: Constraints | None) -> Constraints:
        """Those given ready made, if there are; not both, so that none is dropped silently.

        Raises
        ------
        InputError
            If there are both.
        """
        if ready is None:
            return self
        if self:
            raise InputError(
                f"{self.rules[0].words}: constraints are given ready made, too: add it to them, "
                "or leave them out"
            )
        return ready

    def without(self, rule: Rule) -> Constraints:
        """All but one."""
        return Constraints(tuple(other for other in self.rules if other is not rule))

    def of_kind(self, kind: str) -> list[Rule]:
        """Rules of one kind."""
        return [rule for rule in self.rules if rule.kind == kind]

    @cached_property
    def slotted(self) -> bool:
        """Whether groups have numbers of their own: group g is slot g and is not renumbered."""
        return bool(self.of_kind("sizes") or self.of_kind("fixed"))

    def low(self) -> int:
        """Fewest users of a group that is there."""
        return max([1, *(rule.numbers[0] for rule in self.of_kind("min_size"))])

    def high(self, groups: int, users: int) -> NDArray[np.int64]:
        """Most users of each slot: int64, shape (groups,)."""
        most = np.full(groups, users, np.int64)
        for rule in self.of_kind("max_size"):
            np.minimum(most, rule.numbers[0], out=most)
        for rule in self.of_kind("sizes"):
            np.minimum(most, np.array(rule.numbers), out=most)
        return most

    def violated(self, labels: NDArray[np.int64], groups: int) -> list[Rule]:
        """Rules that a formation breaks.

        Parameters
        ----------
        labels : int64 array, shape (n,)
            Group of each user.
        groups : int
            Slots.

        Returns
        -------
        rules : list of Rule
        """
        sizes = np.bincount(labels, minlength=groups)
        return [rule for rule in self.rules if not _holds(rule, labels, sizes)]

    def satisfied(self, labels: NDArray[np.int64], groups: int) -> bool:
        """Whether a formation breaks no rule; where groups have numbers, none may be empty.

        Parameters
        ----------
        labels : int64 array, shape (n,)
        groups : int
            Slots.

        Returns
        -------
        satisfied : bool
        """
        if self.slotted and len(np.unique(labels)) < groups:
            return False
        return not self.violated(labels, groups)

    def as_dict(self, users: Ids) -> dict[str, Any]:
        """What the JSON document says of them."""
        document: dict[str, Any] = {}
        for rule in self.rules:
            ids = [users[user] for user in rule.users]
            if rule.kind in ("min_size", "max_size"):
                document[rule.kind] = rule.numbers[0]
            elif rule.kind == "sizes":
                document["sizes"] = list(rule.numbers)
            elif rule.kind == "exclude":
                continue
            elif rule.kind == "fixed":
                document.setdefault("fixed", {})[ids[0]] = rule.numbers[0]
            elif rule.attribute is not None:
                document.setdefault(rule.kind, []).append(_of_attribute(rule, rule.attribute))
            else:
                document.setdefault(rule.kind, []).append(ids)
        return document


def _mapping(given: Any, words: str, what: str) -> Mapping[Any, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{words} {given!r}: give a mapping of {what}")
    return given


def named_users(users: Ids, kind: str, ids: Sequence[Any], words: str | None = None) -> Rule:
    """Rule for users who must be together, or apart.

    Raises
    ------
    InputError
        If a user is unknown or named twice, or fewer than two are named.
    """
    words = words or f"{kind} {','.join(str(user) for user in ids)}"
    positions = []
    for user in ids:
        try:
            positions.append(users.position(id_text(user, "user")))
        except InputError as error:
            raise InputError(f"{words}: {error}") from error
    if len(set(positions)) < len(positions):
        raise InputError(f"{words}: names a user twice")
    if len(positions) < 2:
        raise InputError(f"{words}: names fewer than two users")
    return Rule(kind, words, tuple(positions))


def placed(users: Ids, user: Any, group: int, groups: int, words: str | None = None) -> Rule:
    """Rule for a user whose group is given.

    Raises
    ------
    InputError
        If there is no such user or group.
    """
    words = words or f"fixed {user}={group}"
    try:
        position = users.position(id_text(user, "user"))
    except InputError as error:
        raise InputError(f"{words}: {error}") from error
    try:
        group = operator.index(group)
    except TypeError as error:
        raise InputError(f"{words}: a group is a whole number, not {group!r}") from error
    if not 0 <= group < groups:
        raise InputError(f"{words}: groups are numbered from 0 to {groups - 1}")
    return Rule("fixed", words, (position,), (group,))


def one_size(kind: str, size: Any, words: str | None = None) -> Rule:
    """Rule for the size of every group: ``min_size`` or ``max_size``.

    Raises
    ------
    InputError
        If it is no whole number of at least 1.
    """
    words = words or f"{kind} {size}"
    return Rule(kind, words, (), (_positive(size, words),))


def each_size(sizes: Sequence[int], groups: int, words: str | None = None) -> Rule:
    """Rule for the most users of each group.

    Raises
    ------
    InputError
        If there is not one for each group, or one is no whole number of at least 1.
    """
    words = words or f"sizes {','.join(str(size) for size in sizes)}"
    if len(sizes) != groups:
        raise InputError(f"{words}: {len(sizes)} sizes for {groups} groups: give one for each")
    return Rule("sizes", words, (), tuple(_positive(size, words) for size in sizes))


def balanced(attribute: Attribute, tolerance: Any, words: str) -> Rule:
    """Rule that every group has about its share of each value.

    Raises
    ------
    InputError
        If the tolerance is no number of at least 0.
    """
    try:
        number = float(tolerance)
    except (TypeError, ValueError) as error:
        raise InputError(f"{words}: the tolerance {tolerance!r} is not a number") from error
    if not 0 <= number < float("inf"):
        raise InputError(f"{words}: the tolerance must be a number of at least 0, such as 0.1")
    return Rule("balance", words, attribute=attribute, tolerance=number)


def not_isolated(attribute: Attribute, value: Any, words: str) -> Rule:
    """Rule that nobody is the only one with a value in their group; None: any value.

    Raises
    ------
    InputError
        If no user has the value.
    """
    if value is None:
        return Rule("no_isolated", words, attribute=attribute)
    text = id_text(value, "value")
    if text not in attribute.values:
        shown = ", ".join(attribute.values[:10])
        more = ", ..." if len(attribute.values) > 10 else ""
        raise InputError(f"{words}: no user has that value; there is {shown}{more}")
    return Rule("no_isolated", words, (), (attribute.values.index(text),), attribute)


def _positive(size: Any, words: str) -> int:
    try:
        whole = operator.index(size)
    except TypeError as error:
        raise InputError(f"{words}: {size!r} is not a whole number") from error
    if whole < 1:
        raise InputError(f"{words}: a size must be at least 1")
    return whole


def _holds(rule: Rule, labels: NDArray[np.int64], sizes: NDArray[np.int64]) -> bool:
    if rule.attribute is not None:
        counts = rule.attribute.counts(labels, len(sizes))
        return bool(groups_within(rule, counts, sizes).all())
    its = labels[list(rule.users)].tolist()
    if rule.kind == "min_size":
        return bool(sizes[sizes > 0].min() >= rule.numbers[0])
    if rule.kind == "max_size":
        return bool(sizes.max() <= rule.numbers[0])
    if rule.kind == "sizes":
        return bool(np.all(sizes <= np.array(rule.numbers)))
    if rule.kind == "together":
        return len(set(its)) == 1
    if rule.kind == "apart":
        return len(set(its)) == len(its)
    if rule.kind == "exclude":
        return True
    return bool(its[0] == rule.numbers[0])


def groups_within(
    rule: Rule, counts: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Where groups keep to a rule about an attribute.

    Parameters
    ----------
    rule : Rule
        ``balance`` or ``no_isolated``.
    counts : int64 array, shape (groups, values)
        Users with each value of its attribute.
    sizes : int64 array, shape (groups,)

    Returns
    -------
    within : bool array, shape (groups, values)
    """
    assert rule.attribute is not None
    if rule.kind == "balance":
        return within(counts, sizes, rule.attribute.shares, rule.tolerance)
    many: NDArray[np.bool_] = counts != 1
    if rule.numbers:
        many[:, np.arange(many.shape[1]) != rule.numbers[0]] = True
    return many


def _of_attribute(rule: Rule, attribute: Attribute) -> dict[str, Any]:
    """What the JSON document says of a rule about an attribute."""
    if rule.kind == "balance":
        each = zip(attribute.values, attribute.shares.tolist(), strict=True)
        shares = {value: share for value, share in each if share > 0}
        return {"attribute": attribute.name, "tolerance": rule.tolerance, "shares": shares}
    value = attribute.values[rule.numbers[0]] if rule.numbers else None
    return {"attribute": attribute.name, "value": value}

"""Groups of users: any number of members, users in several groups or in none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grouping.errors import InputError
from grouping.ids import Ids, canonical_order
from grouping.report import counted

_SHOWN = 3  # names in a sentence


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups and their members.

    Attributes
    ----------
    names : Ids
    starts : int64 array, shape (groups + 1,)
    members : int64 array
        Positions of users; those of group g are ``members[starts[g]:starts[g + 1]]``, ascending,
        each once. No group is empty.
    """

    names: Ids
    starts: NDArray[np.int64]
    members: NDArray[np.int64]

    @classmethod
    def of(cls, names: Iterable[str] | int, members: Sequence[ArrayLike]) -> Groups:
        """Groups from lists of members.

        Parameters
        ----------
        names : iterable of str, or int
        members : sequence of array-like of int
            Positions of users, in any order; repeats count once.

        Returns
        -------
        groups : Groups

        Raises
        ------
        InputError
            If a group is empty, or there are not as many names as groups.
        """
        ids = Ids(names, "group")
        if len(ids) != len(members):
            raise InputError(f"{len(ids)} names for {len(members)} groups")
        distinct = [np.unique(np.asarray(held, dtype=np.int64)) for held in members]
        for position, held in enumerate(distinct):
            if not len(held):
                raise InputError(f"group {ids[position]} is empty: a group needs a member")
        sizes = [len(held) for held in distinct]
        flat = np.concatenate(distinct) if distinct else np.empty(0, dtype=np.int64)
        return cls(ids, np.concatenate(([0], np.cumsum(sizes))).astype(np.int64), flat)

    @classmethod
    def none(cls) -> Groups:
        """No groups."""
        return cls.of([], [])

    @classmethod
    def of_labels(cls, labels: ArrayLike) -> Groups:
        """Groups of a partition.

        Parameters
        ----------
        labels : array-like of int, shape (users,)
            Group of each user, every number from 0 at least once.

        Returns
        -------
        groups : Groups
        """
        group = np.asarray(labels, dtype=np.int64)
        count = int(group.max(initial=-1)) + 1
        return cls.of(count, [np.flatnonzero(group == g) for g in range(count)])

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Members of each group."""
        return np.diff(self.starts)

    def of_group(self, group: int) -> NDArray[np.int64]:
        """Positions of a group's members."""
        return self.members[self.starts[group] : self.starts[group + 1]]

    def take(self, chosen: ArrayLike) -> Groups:
        """Some of the groups, in the order given."""
        positions = np.asarray(chosen, dtype=np.int64)
        return Groups.of(self.names.take(positions), [self.of_group(g) for g in positions.tolist()])

    def require_users(self, count: int) -> None:
        """Refuse members that are not there.

        Parameters
        ----------
        count : int
            Number of users.

        Raises
        ------
        InputError
        """
        if len(self.members) and not 0 <= self.members.min() <= self.members.max() < count:
            raise InputError(f"a group has a member that is none of the {count} users")


@dataclass(frozen=True)
class ReadGroups:
    """Groups from a file, and who was left out of them.

    Attributes
    ----------
    groups : Groups
    unknown : tuple of str
        Members that are none of the users, left out.
    empty : tuple of str
        Groups of which no member is a user, left out.
    """

    groups: Groups
    unknown: tuple[str, ...]
    empty: tuple[str, ...] = ()

    def left_out(self, source: str) -> list[str]:
        """Sentences about what was left out; none where nothing was."""
        return [
            f"{source}: {said_in_short(names, *what)} left out"
            for names, what in (
                (self.unknown, ("member", "unknown to the ratings")),
                (self.empty, ("group", "without a known member")),
            )
            if names
        ]


def read_groups(path: str | os.PathLike[str], users: Ids, *, unknown: str = "error") -> ReadGroups:
    """Read groups: what `grouping form` wrote, or a table of users and groups.

    Parameters
    ----------
    path : path-like
        A formation as JSON, or a table (text or Parquet) with columns user and group. A user may
        be in several groups; a row that occurs twice counts once.
    users : Ids
    unknown : {"error", "skip"}
        Whether a member that is none of the users is refused or left out; groups that are left
        without a member are left out too.

    Returns
    -------
    read : ReadGroups
        Of a table, groups ascend; of a formation, they keep their order.

    Raises
    ------
    InputError
        If the file cannot be read, a member is unknown or a group without members and neither may
        be skipped, or no member of any group is known.
    """
    from grouping.reading.partition import groups_without_members, read_memberships

    if unknown not in ("error", "skip"):
        raise InputError(f"unknown = {unknown!r}: give 'error' or 'skip'")
    name = os.fspath(path)
    held: dict[str, list[int]] = {}
    strangers: dict[str, None] = {}
    for place, user, group in read_memberships(path):
        known = held.setdefault(group, [])
        if user in users:
            known.append(users.position(user))
        elif unknown == "error":
            raise InputError(
                f"{name}:{place}: user {user} of group {group} is not among the {len(users)} "
                "users of the ratings; leave such members out with --unknown skip"
            )
        else:
            strangers.setdefault(user)
    bare = groups_without_members(path)
    if bare and unknown == "error":
        raise InputError(
            f"{name}: group {bare[0]} has no members; leave such groups out with --unknown skip"
        )
    empty = (*bare, *(group for group, known in held.items() if not known))
    names = [group for group, known in held.items() if known]
    if not names:
        raise InputError(f"{name}: no member of any group is among the {len(users)} users")
    order = canonical_order(names).tolist()
    groups = Groups.of([names[g] for g in order], [held[names[g]] for g in order])
    return ReadGroups(groups, tuple(strangers), empty)


def said_in_short(names: Sequence[str], one: str, of_what_kind: str) -> str:
    """Return how many, of what, and the first few."""
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{counted(len(names), one)} {of_what_kind} ({', '.join(names[:_SHOWN])}{more})"

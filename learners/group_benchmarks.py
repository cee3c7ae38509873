"""Mafengwo, Mafengwo-S and CAMRa2011: the files that group recommenders are compared on.

Each test row is one item that a user or a group took, beside 100 items that it did not take.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids
from grouping.ratings import Ratings
from learners.archives import read_files
from learners.dmtl.groups import Groups
from learners.entries import Entries

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """Test rows.

    Attributes
    ----------
    raters : int64 array, shape (tests,)
        Users, or groups.
    items : int64 array, shape (tests, 1 + negatives)
        The item taken, then those not taken.
    """

    raters: Ints
    items: Ints

    def __len__(self) -> int:
        return len(self.raters)

    def take(self, chosen: NDArray[np.bool_]) -> LeaveOneOut:
        """Some of the rows."""
        return LeaveOneOut(self.raters[chosen], self.items[chosen])


@dataclass(frozen=True, eq=False)
class GroupBenchmark:
    """A data set with its published split.

    Attributes
    ----------
    name : str
    groups : Groups
        Members are users 0..users-1; groups are named by their numbers.
    users, items : int
    user_train, group_train : Entries
        Users, or groups, by items. A pair that occurs more than once has the mean of its values;
        without values, 1.
    user_test, group_test : LeaveOneOut
    """

    name: str
    groups: Groups
    users: int
    items: int
    user_train: Entries
    group_train: Entries
    user_test: LeaveOneOut
    group_test: LeaveOneOut

    def overlap(self) -> NDArray[np.bool_]:
        """Which group test rows ask for a pair that is also in the train part.

        Returns
        -------
        overlap : bool array, shape (group tests,)
        """
        trained = self.group_train.rows * self.items + self.group_train.columns
        asked = self.group_test.raters * self.items + self.group_test.items[:, 0]
        return np.isin(asked, trained)

    def without_overlap(self, *, members: bool = False) -> GroupBenchmark:
        """Take the group test pairs out of the train part; see `without_pairs`."""
        test = self.group_test
        return self.without_pairs(test.raters, test.items[:, 0], members=members)

    def without_pairs(self, groups: Ints, items: Ints, *, members: bool = False) -> GroupBenchmark:
        """Take pairs of a group and an item out of the train part.

        Parameters
        ----------
        groups, items : int64 arrays, shape (pairs,)
        members : bool
            Whether the members' own train ratings of these items go, too: where a group's rating
            is a member's under the group's name, the answer would stay in the train part.

        Returns
        -------
        data : GroupBenchmark
        """
        train = _without(self.group_train, groups * self.items + items, self.items)
        of_users = self.user_train
        if members:
            sizes = self.groups.sizes[groups]
            users = [self.groups.of_group(g) for g in groups]
            asked = np.concatenate([*users, np.empty(0, dtype=np.int64)]).astype(np.int64)
            asked = asked * self.items + np.repeat(items, sizes)
            of_users = _without(of_users, asked, self.items)
        return replace(self, group_train=train, user_train=of_users)

    @property
    def ratings(self) -> Ratings:
        """Train ratings of users."""
        return _matrix(self.user_train, self.users, self.items, f"{self.name} users")

    @property
    def group_ratings(self) -> Ratings:
        """Train ratings of groups."""
        return _matrix(self.group_train, len(self.groups), self.items, f"{self.name} groups")


def read_group_benchmark(path: str | os.PathLike[str], name: str | None = None) -> GroupBenchmark:
    """Read the folder of a data set, or its archive.

    Parameters
    ----------
    path : path-like
    name : str, optional
        The folder inside an archive that holds several: ``Mafengwo`` or ``MafengwoS``.

    Returns
    -------
    data : GroupBenchmark

    Raises
    ------
    InputError
        If it is not there, a file is missing, or a line cannot be read; the message names it.
    """
    files = read_files(path, name)
    title = name or os.path.splitext(os.path.basename(os.fspath(path)))[0]

    def lines(file: str) -> list[tuple[str, str]]:
        if file not in files:
            raise InputError(f"{os.fspath(path)}: {file} is not there")
        try:
            text = files[file].decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{title}/{file}: is not UTF-8 ({error.reason})") from error
        return [(f"{title}/{file}:{n}", t) for n, t in enumerate(text.splitlines(), 1) if t.strip()]

    members = dict(_members(place, line) for place, line in lines("groupMember.txt"))
    user_train, group_train = (_pairs(lines(f"{who}RatingTrain.txt")) for who in ("user", "group"))
    user_test, group_test = (
        _tests(lines(f"{who}RatingTest.txt"), lines(f"{who}RatingNegative.txt"))
        for who in ("user", "group")
    )
    count = 1 + max(members, default=-1)
    if sorted(members) != list(range(count)):
        raise InputError(f"{title}/groupMember.txt: groups are not numbered 0..{count - 1}")
    for entries in (group_train.rows, group_test.raters):
        if len(entries) and entries.max() >= count:
            raise InputError(f"{title}: group {entries.max()} has ratings but no members")
    users = 1 + max(
        int(part.max(initial=-1))
        for part in (user_train.rows, user_test.raters, *(np.array(m) for m in members.values()))
    )
    items = 1 + max(
        int(part.max(initial=-1))
        for part in (user_train.columns, group_train.columns, user_test.items, group_test.items)
    )
    return GroupBenchmark(
        title,
        Groups.of(count, [members[g] for g in range(count)]),
        users,
        items,
        _merged(user_train, items),
        _merged(group_train, items),
        user_test,
        group_test,
    )


def _members(place: str, line: str) -> tuple[int, list[int]]:
    fields = line.split()
    if len(fields) != 2:
        raise InputError(f"{place}: give a group and its members, 7 1,2,3 ({line.strip()[:40]})")
    group, *members = _numbers([fields[0], *fields[1].split(",")], place)
    return group, members


def _pairs(lines: Sequence[tuple[str, str]]) -> Entries:
    rows, columns, values = [], [], []
    for place, line in lines:
        fields = line.split()
        if len(fields) not in (2, 3):
            raise InputError(f"{place}: give two or three fields ({line.strip()[:40]})")
        row, column = _numbers(fields[:2], place)
        rows.append(row)
        columns.append(column)
        values.append(_value(fields[2], place) if len(fields) == 3 else 1.0)
    return Entries.of(rows, columns, values)


def _tests(tests: Sequence[tuple[str, str]], negatives: Sequence[tuple[str, str]]) -> LeaveOneOut:
    if len(tests) != len(negatives):
        raise InputError(f"{len(tests)} test rows, but {len(negatives)} rows of negatives")
    raters, items = [], []
    for (place, line), (other, drawn) in zip(tests, negatives, strict=True):
        asked = line.split()
        if len(asked) < 2:
            raise InputError(f"{place}: give a user or group, and an item ({line.strip()[:40]})")
        rater, item = _numbers(asked[:2], place)
        named, *rest = drawn.split()
        if _numbers(named.strip("()").split(","), other) != [rater, item]:
            raise InputError(f"{other}: negatives of {named}, but {place} is ({rater},{item})")
        raters.append(rater)
        items.append([item, *_numbers(rest, other)])
        if len(items[-1]) != len(items[0]) or len(items[-1]) < 2:
            raise InputError(f"{other}: {len(items[-1]) - 1} negatives, not {len(items[0]) - 1}")
    return LeaveOneOut(
        np.array(raters, dtype=np.int64), np.array(items, dtype=np.int64).reshape(len(items), -1)
    )


def _numbers(fields: Sequence[str], place: str) -> list[int]:
    try:
        numbers = [int(field) for field in fields]
    except ValueError as error:
        raise InputError(f"{place}: {error}") from error
    if any(number < 0 for number in numbers):
        raise InputError(f"{place}: a number is negative")
    return numbers


def _value(field: str, place: str) -> float:
    try:
        value = float(field)
    except ValueError as error:
        raise InputError(f"{place}: {error}") from error
    if not np.isfinite(value):
        raise InputError(f"{place}: the rating is not finite")
    return value


def _without(entries: Entries, cells: Ints, items: int) -> Entries:
    """Entries but those of some cells, ``row * items + column``."""
    return entries.where(~np.isin(entries.rows * items + entries.columns, cells))


def _merged(entries: Entries, items: int) -> Entries:
    """Each pair once, with the mean of its values."""
    cells, place = np.unique(entries.rows * items + entries.columns, return_inverse=True)
    sums = np.bincount(place, weights=entries.values, minlength=len(cells))
    counts = np.bincount(place, minlength=len(cells))
    return Entries.of(cells // items, cells % items, sums / np.maximum(counts, 1))


def _matrix(entries: Entries, rows: int, items: int, source: str) -> Ratings:
    csr: sp.csr_array = entries.csr((rows, items))
    return Ratings.of(csr, users=Ids(rows), items=Ids(items, "item"), source=source)

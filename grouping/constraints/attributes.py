"""What is known of users, of which groups shall have their share: who has which value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids, canonical_order, id_text

Profiles: TypeAlias = Any
"""A frame whose first column holds user ids; or by attribute, values by user id or by position."""

SLACK = 1e-9
"""Roundings that a comparison of counts with shares forgives."""


@dataclass(frozen=True, eq=False)
class Attribute:
    """One attribute of all users.

    Attributes
    ----------
    name : str
    values : tuple of str
        The values that occur: numeric ascending if all are whole numbers, else by code point.
    of_user : int64 array, shape (n,)
        Position of each user's value.
    of_population : float64 array, shape (values,), optional
        Shares to compare groups with, where these are not the users' own.
    """

    name: str
    values: tuple[str, ...]
    of_user: NDArray[np.int64]
    of_population: NDArray[np.float64] | None = None

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Each value's share of all users: float64, shape (values,)."""
        if self.of_population is not None:
            return self.of_population
        return np.bincount(self.of_user, minlength=len(self.values)) / len(self.of_user)

    def counts(self, labels: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
        """Users of each group with each value.

        Parameters
        ----------
        labels : int64 array, shape (n,)
        groups : int

        Returns
        -------
        counts : int64 array, shape (groups, values)
        """
        width = len(self.values)
        cells = np.bincount(labels * width + self.of_user, minlength=groups * width)
        return cells.reshape(groups, width)


def within(
    counts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    shares: NDArray[np.float64],
    tolerance: float,
) -> NDArray[np.bool_]:
    """Where groups have about as many users with a value as the population would send.

    That is ``|count - share x size| <= max(1, tolerance x size)``.

    Parameters
    ----------
    counts : int64 array, shape (groups, values)
    sizes : int64 array, shape (groups,)
    shares : float64 array, shape (values,)
    tolerance : float

    Returns
    -------
    within : bool array, shape (groups, values)
    """
    off = np.abs(counts - sizes[:, None] * shares)
    near: NDArray[np.bool_] = off <= np.maximum(1.0, tolerance * sizes)[:, None] + SLACK
    return near


def attribute(name: str, users: Ids, value_of: Mapping[str, str], words: str) -> Attribute:
    """Look up what every user has.

    Parameters
    ----------
    name : str
    users : Ids
    value_of : mapping of user id to value
        Of other users too, if you like.
    words : str
        What the caller wrote, for messages.

    Returns
    -------
    attribute : Attribute

    Raises
    ------
    InputError
        If a user has no value.
    """
    given = [value_of.get(user, "") for user in users]
    lacking = [user for user, value in zip(users, given, strict=True) if not value]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise InputError(
            f"{words}: user {lacking[0]}{more} has no {name}: give every user a value ('unknown' "
            "is one like any other)"
        )
    distinct = sorted(set(given))
    values = tuple(distinct[at] for at in canonical_order(distinct))
    position = {value: at for at, value in enumerate(values)}
    return Attribute(name, values, np.array([position[value] for value in given], np.int64))


def of_profiles(profiles: Profiles, name: str, users: Ids, words: str) -> Attribute:
    """Find an attribute in what a caller knows of the users.

    Parameters
    ----------
    profiles : pandas or polars frame, mapping, or None
        A frame has user ids in its first column. A mapping goes from the attribute's name to n
        values in the order of the users, or to a mapping of user id to value.
    name : str
    users : Ids
    words : str
        What the caller wrote, for messages.

    Returns
    -------
    attribute : Attribute

    Raises
    ------
    InputError
        If there is no such attribute, or a user has none or two values.
    """
    if profiles is None:
        raise InputError(f"{words}: profiles says who has which {name}: give it too")
    if not isinstance(profiles, Mapping):
        columns = [str(column) for column in profiles.columns]
        if name not in columns[1:]:
            raise _no_attribute(words, name, columns[1:])
        ids, column = profiles[profiles.columns[0]], profiles[profiles.columns[columns.index(name)]]
        return attribute(name, users, _by_user(ids, column, words), words)
    if name not in profiles:
        raise _no_attribute(words, name, [str(known) for known in profiles])
    given = profiles[name]
    if isinstance(given, Mapping):
        return attribute(name, users, _by_user(given.keys(), given.values(), words), words)
    values = list(given)
    if len(values) != len(users):
        raise InputError(f"{words}: {len(values)} values of {name} for {len(users)} users")
    return attribute(name, users, _by_user(users, values, words), words)


def _no_attribute(words: str, name: str, known: list[str]) -> InputError:
    return InputError(
        f"{words}: profiles has no {name}; it has {', '.join(known) or 'nothing but ids'}"
    )


def _by_user(ids: Iterable[Any], values: Iterable[Any], words: str) -> dict[str, str]:
    """Texts by text ids; what is missing is empty."""
    found: dict[str, str] = {}
    for given_id, value in zip(ids, values, strict=True):
        user = id_text(given_id, "user")
        if user in found:
            raise InputError(f"{words}: user {user} is twice in profiles: give each one row")
        missing = value is None or value != value  # None, NaN
        found[user] = "" if missing else id_text(value, "value")
    return found

"""Constraints as options: what was written, kept word for word for messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

from grouping.errors import InputError

if TYPE_CHECKING:
    import typer

    from grouping.constraints import Constraints, Rule
    from grouping.constraints.attributes import Attribute
    from grouping.exclusions import Exclusions
    from grouping.ids import Ids
    from grouping.ratings import Ratings
    from grouping.reading.side_table import Table


SEVERAL = ("together", "apart", "fix", "balance", "no_isolated")
"""Options that may be given again and again."""


@dataclass(frozen=True)
class RuleOptions:
    """The options that make constraints, as given."""

    min_size: int | None = None
    max_size: int | None = None
    sizes: str | None = None
    together: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    together_file: str | None = None
    apart_file: str | None = None
    fix: tuple[str, ...] = ()
    fix_file: str | None = None
    balance: tuple[str, ...] = ()
    no_isolated: tuple[str, ...] = ()
    profiles: str | None = None
    of_formation: bool = False
    """Whether a saved formation has constraints too, which profiles may be given for."""

    @classmethod
    def asked(cls, context: typer.Context) -> RuleOptions:
        """Take them from a command's parameters, those that it has.

        Raises
        ------
        InputError
            If two of them contradict each other.
        """
        names = [each.name for each in fields(cls) if each.name in context.params]
        given = {name: context.params[name] for name in names}
        several = {name: tuple(some) for name, some in given.items() if isinstance(some, list)}
        nothing = {name: () for name, some in given.items() if some is None and name in SEVERAL}
        return cls(**given | several | nothing, of_formation="formation" in context.params)

    def __post_init__(self) -> None:
        if self.sizes is not None and self.max_size is not None:
            raise InputError(
                "--sizes and --max-size both say how large groups may be: leave one out"
            )
        about = [
            *(f"--balance {text}" for text in self.balance),
            *(f"--no-isolated {text}" for text in self.no_isolated),
        ]
        if about and self.profiles is None:
            raise InputError(
                f"{about[0]}: who has which value? give --profiles FILE, a table of users"
            )
        if self.profiles is not None and not (about or self.of_formation):
            raise InputError(
                "--profiles: goes with --balance or --no-isolated; add one, or leave it out"
            )

    @property
    def slotted(self) -> bool:
        """Whether groups have numbers of their own."""
        return bool(self.sizes is not None or self.fix or self.fix_file is not None)

    def known(self) -> dict[str, dict[str, str]] | None:
        """Values by user id of each attribute in the table of users, where there is one.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        table = self._table
        if table is None:
            return None
        return {
            name: dict(zip(table.ids, column, strict=True))
            for name, column in table.columns.items()
        }

    @cached_property
    def _table(self) -> Table | None:
        """The table of users, read once: standard input and pipes cannot be read again."""
        from grouping.reading.side_table import read_table

        return None if self.profiles is None else read_table(self.profiles)

    def constraints(self, users: Ids, groups: int) -> Constraints:
        """Make the constraints, once the users are known.

        Raises
        ------
        InputError
            If an option or a line of a file cannot be read, or names an unknown user or group.
        """
        from grouping.constraints import Constraints

        return Constraints(tuple(self._rules(users, groups)))

    def _rules(self, users: Ids, groups: int) -> Iterator[Rule]:
        from grouping.constraints import rules
        from grouping.reading.partition import read_memberships
        from grouping.reading.user_sets import read_user_sets

        if self.min_size is not None:
            yield rules.one_size("min_size", self.min_size, f"--min-size {self.min_size}")
        if self.max_size is not None:
            yield rules.one_size("max_size", self.max_size, f"--max-size {self.max_size}")
        if self.sizes is not None:
            words = f"--sizes {self.sizes}"
            numbers = [_whole(size, words, "10,10,5") for size in self.sizes.split(",")]
            yield rules.each_size(numbers, groups, words)
        for kind, given, file in (
            ("together", self.together, self.together_file),
            ("apart", self.apart, self.apart_file),
        ):
            for text in given:
                ids = [user.strip() for user in text.split(",")]
                yield rules.named_users(users, kind, ids, f"--{kind} {text}")
            if file is not None:
                for line, ids in read_user_sets(file):
                    yield rules.named_users(users, kind, ids, f"{file}:{line} ({kind})")
        for text in self.fix:
            user, equals, group = text.rpartition("=")
            words = f"--fix {text}"
            if not equals:
                raise InputError(f"{words}: give USER=GROUP, for example --fix ann=0")
            yield rules.placed(users, user.strip(), _whole(group, words, "ann=0"), groups, words)
        if self.fix_file is not None:
            for place, user, group in read_memberships(self.fix_file):
                words = f"{self.fix_file}:{place}"
                number = _whole(group, words, "user,group with groups from 0")
                yield rules.placed(users, user, number, groups, f"{words} ({user}={number})")
        yield from self._about_attributes(users)

    def _about_attributes(self, users: Ids) -> Iterator[Rule]:
        from grouping.constraints import rules
        from grouping.constraints.attributes import attribute

        table = self._table
        if table is None:
            return

        def column(name: str, words: str) -> Attribute:
            if name not in table.columns:
                known = ", ".join(table.columns)
                raise InputError(f"{words}: {self.profiles} has no column {name}; it has {known}")
            values = dict(zip(table.ids, table.columns[name], strict=True))
            return attribute(name, users, values, f"{words}: {self.profiles}")

        for text in self.balance:
            words = f"--balance {text}"
            name, colon, tolerance = text.rpartition(":")
            if not colon:
                raise InputError(f"{words}: give ATTRIBUTE:TOLERANCE, as --balance gender:0.1")
            yield rules.balanced(column(name.strip(), words), tolerance.strip(), words)
        for text in self.no_isolated:
            words = f"--no-isolated {text}"
            name, value = text, None
            if text not in table.columns and "=" in text:
                name, _, value = text.partition("=")
            yield rules.not_isolated(column(name.strip(), words), value, words)


def _whole(text: str, words: str, example: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"{words}: {text.strip()!r} is no whole number: give {example}") from error


def exclusions(
    ratings: Ratings,
    items: list[str] | None,
    file: str | None,
    unknown: str = "",
    *,
    beyond: bool = False,
) -> Exclusions | None:
    """Make exclusions of ``--exclude`` and ``--exclude-file``.

    Parameters
    ----------
    ratings : Ratings
        Whose users and items they name.
    items : list of str or None
        For everybody.
    file : str or None
        For single users.
    unknown, beyond
        As for `Exclusions.of`.

    Returns
    -------
    exclusions : Exclusions or None

    Raises
    ------
    InputError
        If the file cannot be read, or a user or an item is unknown; the message names the place.
    """
    if not items and file is None:
        return None
    from grouping.exclusions import Exclusions, known
    from grouping.reading.excluded import read_excluded

    everybody = {known(ratings.items, item, f"--exclude {item}", unknown) for item in items or ()}
    named = (
        (f"{file}:{place}", f"{file}:{place}", user, item)
        for place, user, item in (() if file is None else read_excluded(file))
    )
    single = Exclusions.of_single(ratings.users, ratings.items, named, unknown, beyond=beyond)
    return replace(single, items=tuple(sorted(everybody)), words=f"--exclude-file {file}")

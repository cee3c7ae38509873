"""Which column of a table holds what: by header names, by position, or as the user says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from grouping.errors import InputError

Columns: TypeAlias = Mapping[str, str | int] | str

FORMATS = ("long", "wide", "movielens", "parquet", "npy", "npz")
ROLES = ("user", "item", "rating")

# In order of preference, lower case, without spaces and punctuation: "User ID" is "userid".
_WORDS = {
    "user": """
        userid user uid usernum username customerid customer reviewerid reviewer raterid rater
        memberid member visitorid visitor travellerid traveller travelerid traveler personid
        person clientid client""",
    "item": """
        itemid item iid itemname movieid movie filmid film productid product asin poiid poi
        bookid book isbn songid song trackid track artistid artist businessid venueid placeid
        hotelid restaurantid attractionid destinationid jokeid animeid gameid""",
    "rating": """
        rating ratings userrating bookrating score stars star value rate grade overall
        preference""",
    "timestamp": "timestamp time date datetime ts ratedat unixreviewtime",
}
_ALIASES = {role: words.split() for role, words in _WORDS.items()}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf(?:inity)?)", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """Where a table holds its users, items and ratings.

    Attributes
    ----------
    kind : str
        ``long`` or ``wide``.
    width : int
        Number of columns.
    user, item, rating : int
        Column numbers from 0; `item` and `rating` are -1 in a wide table.
    names : list of str or None
        The header.
    """

    kind: str
    width: int
    user: int = 0
    item: int = -1
    rating: int = -1
    names: list[str] | None = None

    def column(self, index: int) -> str:
        """Call a column by its name, or by its number where there is no header."""
        if self.names is not None and self.names[index].strip():
            return repr(self.names[index].strip())
        return f"number {index + 1}"


def is_number(text: str) -> bool:
    """Whether a field reads as a number, NaN and infinity included."""
    text = text.strip()
    return bool(_NUMBER.fullmatch(text) or _NOT_FINITE.fullmatch(text))


def known_roles(fields: Sequence[str]) -> int:
    """Count the fields that are usual names of a user, item, rating or timestamp column."""
    return sum(_role(field) is not None for field in fields)


def names_all_roles(fields: Sequence[str]) -> bool:
    """Whether fields are usual names of a user, an item and a rating column, and maybe others."""
    return {_role(field) for field in fields} >= {*ROLES}


def looks_like_header(first: Sequence[str], format: str | None, columns: Columns | None) -> bool:
    """Whether the first line of a text table names its columns.

    Parameters
    ----------
    first : sequence of str
        Its fields.
    format, columns : optional
        What the user said.

    Returns
    -------
    header : bool
    """
    if format == "wide":
        return True
    given = parse_columns(columns)
    if any(isinstance(name, str) and not name.isdecimal() for name in given.values()):
        return True
    if "rating" in given and 1 <= int(given["rating"]) <= len(first):
        cell = first[int(given["rating"]) - 1]
        return bool(cell.strip()) and not is_number(cell)
    if _role(first[0]) == "user" or known_roles(first) > 1:
        return True
    if len(first) in (3, 4):
        # a first row whose rating is spoilt is a bad row, not a header
        return bool(first[2].strip()) and not any(is_number(name) for name in first[:3])
    return True


def choose_layout(
    names: list[str] | None,
    numeric: Sequence[bool],
    *,
    format: str | None,
    columns: Columns | None,
    source: str,
) -> Layout:
    """Decide whether a table is long or wide, and which of its columns are read.

    Parameters
    ----------
    names : list of str or None
        The header, if there is one.
    numeric : sequence of bool
        By column: whether it holds numbers only.
    format : str, optional
        ``long``, ``wide`` or ``movielens`` if the user said so.
    columns : mapping or str, optional
        Where the user says that users, items and ratings stand.
    source : str
        The input's name.

    Returns
    -------
    layout : Layout

    Raises
    ------
    InputError
        If that cannot be told, or what the user said does not fit the table.
    """
    width = len(numeric)
    if columns is not None:
        if format == "wide":
            raise InputError(
                "--columns is for long tables; a wide table has its users first and an item in "
                "every other column"
            )
        return _long(_given_roles(names, width, columns, source), width, names, source)
    if names is None:
        if width in (3, 4):
            return Layout("long", width, 0, 1, 2)
        raise InputError(
            f"{source}: {width} columns and no header that names them; a long table without a "
            "header has user, item, rating and perhaps a timestamp; say which columns to read: "
            "--columns user=1,item=2,rating=3"
        )
    if format == "wide":
        return Layout("wide", width, names=names)
    roles = _named_roles(names, source)
    if format in ("long", "movielens"):
        usual = all(index == ROLES.index(role) for role, index in roles.items())
        if len(roles) < 3 and usual and width in (3, 4):
            roles = {"user": 0, "item": 1, "rating": 2}
        return _long(roles, width, names, source)
    if "item" in roles or "rating" in roles:
        return _long(roles, width, names, source)
    if width in (3, 4) and "user" not in roles and (numeric[0] or not all(numeric[1:])):
        shown = ",".join(name.strip() for name in names)
        raise InputError(
            f"{source}: the header {shown!r} does not say what its columns hold: either a long "
            "table (user, item, rating) or a wide one (an item a column); say --format long, "
            "--format wide, or --columns user=NAME,item=NAME,rating=NAME"
        )
    return Layout("wide", width, names=names)


def parse_columns(columns: Columns | None) -> dict[str, str | int]:
    """Read ``user=NAME,item=NAME,rating=NAME``; a name may be a 1-based column number.

    Parameters
    ----------
    columns : mapping or str, optional

    Returns
    -------
    given : dict
        By role: a name or a number.

    Raises
    ------
    InputError
        If it is not written so, or names anything but user, item, rating and timestamp.
    """
    if columns is None:
        return {}
    if isinstance(columns, str):
        pairs = [part.partition("=") for part in columns.split(",")]
        if not all(equals and role.strip() and name.strip() for role, equals, name in pairs):
            raise InputError(
                f"--columns {columns!r}: write it as user=NAME,item=NAME,rating=NAME "
                "(names of the header, or column numbers from 1)"
            )
        given: dict[str, str | int] = {role.strip(): name.strip() for role, _, name in pairs}
        if len(given) < len(pairs):
            raise InputError(f"--columns {columns!r}: names a column's role twice")
    else:
        given = dict(columns)
    for role in given:
        if role not in (*ROLES, "timestamp"):
            raise InputError(f"--columns: there is no {role!r}; there are user, item and rating")
    return given


def _role(name: str) -> str | None:
    plain = plain_name(name)
    return next((role for role, aliases in _ALIASES.items() if plain in aliases), None)


def plain_name(name: str) -> str:
    """Letters and digits of a column's name, in lower case: ``User ID`` is ``userid``."""
    return re.sub(r"[\W_]+", "", name).lower()


def _named_roles(names: Sequence[str], source: str) -> dict[str, int]:
    """Columns whose names are usual for a role, the more telling name first."""
    plain = [plain_name(name) for name in names]
    roles = {}
    for role in ROLES:
        for alias in _ALIASES[role]:
            if plain.count(alias) > 1:
                raise InputError(
                    f"{source}: two columns are named {alias!r}; say which to read: "
                    "--columns user=NUMBER,item=NUMBER,rating=NUMBER"
                )
            if alias in plain:
                roles[role] = plain.index(alias)
                break
    return roles


def _given_roles(
    names: list[str] | None, width: int, columns: Columns, source: str
) -> dict[str, int]:
    roles = _named_roles(names, source) if names and len(parse_columns(columns)) < 3 else {}
    for role, name in parse_columns(columns).items():
        if role in ROLES:
            roles[role] = _find_column(name, names, width, source)
    if len(set(roles.values())) < len(roles):
        raise InputError(f"{source}: --columns reads one column in two roles")
    return roles


def _find_column(name: str | int, names: list[str] | None, width: int, source: str) -> int:
    if isinstance(name, str):
        stripped = [other.strip() for other in names or ()]
        for candidates, wanted in (
            (stripped, name),
            ([other.casefold() for other in stripped], name.casefold()),
        ):
            if candidates.count(wanted) == 1:
                return candidates.index(wanted)
            if wanted in candidates:
                raise InputError(f"{source}: two columns are named {name!r}; give a number")
        if not name.isdecimal():
            there = ", ".join(stripped[:10]) if names else "it has no header; give numbers from 1"
            raise InputError(f"{source}: no column is named {name!r} ({there})")
    if not 1 <= int(name) <= width:
        raise InputError(f"{source}: there is no column {name}; the columns are 1 to {width}")
    return int(name) - 1


def _long(roles: dict[str, int], width: int, names: list[str] | None, source: str) -> Layout:
    missing = [role for role in ROLES if role not in roles]
    if missing:
        where = f"the header {', '.join(n.strip() for n in names[:10])!r}" if names else "--columns"
        raise InputError(
            f"{source}: {where} does not say which column holds the {' and the '.join(missing)}; "
            "say --columns user=NAME,item=NAME,rating=NAME (names, or numbers from 1), or "
            "--format wide if every column but the first is an item"
        )
    return Layout("long", width, roles["user"], roles["item"], roles["rating"], names)

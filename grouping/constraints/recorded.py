"""Constraints that a saved formation was formed under, as rules for those who come after."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from grouping.constraints.attributes import Attribute, Profiles, of_profiles
from grouping.constraints.rules import Rule, balanced, named_users, not_isolated, one_size, placed
from grouping.errors import InputError
from grouping.ids import Ids

NAMES = ("min_size", "max_size", "sizes", "together", "apart", "fixed", "balance", "no_isolated")
"""As the JSON document has them."""


def option_of(kind: str) -> str:
    """Name of a constraint on the command line, without dashes before it.

    Parameters
    ----------
    kind : str
        One of `NAMES`.

    Returns
    -------
    name : str
    """
    return "fix" if kind == "fixed" else kind.replace("_", "-")


def recorded(
    document: Mapping[str, Any],
    users: Ids,
    groups: int,
    *,
    profiles: Profiles = None,
    without: Collection[str] = (),
    about: Collection[tuple[str, str]] = (),
) -> list[Rule]:
    """Read rules back from what a document says of constraints.

    Parameters
    ----------
    document : mapping
        ``problem.constraints`` of a formation; what it says of exclusions is left aside.
    users : Ids
        All users: those of the document and others.
    groups : int
        How many there are.
    profiles : frame or mapping, optional
        Who has which value, as for `of_profiles`, for rules about attributes: a document has
        shares only.
    without : collection of str
        Kinds of rules to leave out.
    about : collection of (str, str)
        Kind and attribute of rules to leave out, as others were given in their place.

    Returns
    -------
    rules : list of Rule
        Shares that groups are compared with are those of the document.

    Raises
    ------
    InputError
        If it cannot be known who has which value.
    """
    rules = []
    for name in ("min_size", "max_size"):
        if name in document and name not in without:
            words = f"{name} {document[name]} of the formation"
            rules.append(one_size(name, int(document[name]), words))
    if "sizes" in document and "sizes" not in without:
        sizes = tuple(int(size) for size in document["sizes"][:groups])
        words = f"sizes {','.join(map(str, sizes))} of the formation"
        rules.append(Rule("sizes", words, (), sizes))
    for kind in ("together", "apart"):
        for ids in document.get(kind, ()) if kind not in without else ():
            words = f"{kind} {','.join(ids)} of the formation"
            rules.append(named_users(users, kind, ids, words))
    if "fixed" not in without:
        for user, group in document.get("fixed", {}).items():
            words = f"fixed {user}={group} of the formation"
            rules.append(placed(users, user, group, groups, words))
    for kind in ("balance", "no_isolated"):
        rules.extend(
            _about_attribute(kind, asked, users, profiles)
            for asked in document.get(kind, ())
            if kind not in without and (kind, asked["attribute"]) not in about
        )
    return rules


def _about_attribute(kind: str, asked: Mapping[str, Any], users: Ids, profiles: Profiles) -> Rule:
    name = asked["attribute"]
    of = f":{asked['tolerance']}" if kind == "balance" else ""
    if kind == "no_isolated" and asked["value"] is not None:
        of = f"={asked['value']}"
    words = f"{kind} {name}{of} of the formation"
    if profiles is None:
        raise InputError(
            f"{words}: who has which {name}? A formation does not keep it: give the profiles "
            f"(--profiles) of members and newcomers, or drop {kind} (--drop {option_of(kind)})"
        )
    found = of_profiles(profiles, name, users, words)
    if kind == "no_isolated":
        return not_isolated(found, asked["value"], words)
    return balanced(_with_shares(found, asked["shares"], words), asked["tolerance"], words)


def _with_shares(attribute: Attribute, shares: Mapping[str, float], words: str) -> Attribute:
    """Compare with the shares of before, of which a value that is new has none."""
    lost = next((value for value in shares if value not in attribute.values), None)
    if lost is not None:
        raise InputError(
            f"{words}: nobody has the value {lost} that members had when the groups were formed: "
            "is it another table of users?"
        )
    of_population = np.array([shares.get(value, 0.0) for value in attribute.values])
    return replace(attribute, of_population=of_population)

"""`assign`: newcomers join the groups of a formation, whose lists stay as they are."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.aggregation import Aggregation, aggregation
from grouping.constraints import Constraints, Rule
from grouping.constraints.attributes import Profiles
from grouping.constraints.joining import join_within
from grouping.constraints.recorded import NAMES, option_of, recorded
from grouping.counting import Counting
from grouping.counting import user_weights as weights_of
from grouping.errors import InfeasibleError, InputError
from grouping.exclusions import Exclusions
from grouping.formation import Formation, versions
from grouping.ids import Ids, canonical_order
from grouping.joining import own_satisfaction
from grouping.methods import Outcome
from grouping.missing import Missing, complete, policy_name
from grouping.objective import ratings_on_lists, score
from grouping.problem import Problem, positive
from grouping.ratings import Ratings

UNRATED = "no newcomer rated it and it is on no list: leave it out"
"""Why an item that is excluded may be unknown here."""


@dataclass(frozen=True, eq=False)
class Joining:
    """Who joined which group.

    Attributes
    ----------
    formation : Formation
        The members of before, in their order, then the newcomers, in theirs.
    newcomers : list of str
        Their ids, in the order of ids: numeric if all are whole numbers, else by code point.
    groups : int64 array, shape (newcomers,)
    satisfaction : float64 array, shape (newcomers,)
        Of each newcomer with the list that the group had, as if it were made for them alone.
    """

    formation: Formation
    newcomers: list[str]
    groups: NDArray[np.int64]
    satisfaction: NDArray[np.float64]


def assign(
    formation: Formation,
    X_new: Any,
    *,
    missing: Missing | None = None,
    scale: tuple[float, float] | None = None,
    round: float | None = None,
    max_size: int | None = None,
    sizes: Sequence[int] | None = None,
    together: Iterable[Iterable[Any]] = (),
    apart: Iterable[Iterable[Any]] = (),
    fixed: Mapping[Any, int] | None = None,
    balance: Mapping[str, float] | None = None,
    no_isolated: Iterable[str] | Mapping[str, Any] = (),
    profiles: Profiles = None,
    constraints: Constraints | None = None,
    drop: Iterable[str] = (),
    user_weights: Mapping[Any, float] | Sequence[float] | None = None,
    exclude: Any = None,
    relist: bool = False,
    threads: int | None = None,
) -> Formation:
    """Let newcomers join the groups of a formation.

    Members stay where they are, and lists as they are, with scores that count the newcomers too.
    Each newcomer joins the group whose list serves them best. Under aggregate voting that is the
    list that they alone would be most satisfied with (as `GroupFormer.predict` has it). Under
    least misery a member can pull the whole group down, so it is the group where joining leaves
    the objective highest; of equal ones the list that they would be most satisfied with. Of
    groups still equal it is the one with the lowest number.

    Where not everybody's first choice has room or keeps to the constraints, newcomers are placed
    together, so that what they lose (each as if they came alone) adds up to the least: neither
    the order of the rows nor coming first matters.

    What the formation was formed under holds on: sizes; who is together and who apart; what
    nobody is recommended; and of attributes (``balance``, ``no_isolated``) with the shares that
    they had then. Other constraints can be added, and dropped. What the groups broke before (of
    a partition that was evaluated) is not looked at, but that full groups get nobody.

    Parameters
    ----------
    formation : Formation
    X_new : array-like of shape (n, m), CSR, pandas or polars wide frame, or Ratings
        Ratings of newcomers; of members too, if you like, which help predictors and are needed
        for `relist`. Items are recognised by id, so they may come in any order; one of a list
        that nobody has rated counts as unrated. Rows of a bare matrix are newcomers, numbered on
        from the members, and its columns the items of the formation; with `relist` the members'
        rows come first, in their order.
    missing : {"error", "min", "mean"}, number or callable, optional
        What unrated items count as; by default by the policy that the groups were formed with,
        if that was ``"min"``, ``"mean"`` or a number, else ``"error"``. Unless lists are made
        anew, or for ``ndcg``, only items on lists matter.
    scale : (float, float), optional
        Lowest and highest rating; by default the observed range.
    round : float, optional
        Put ratings on a grid of this step; by default that of the formation.
    max_size : int, optional
        Most users of every group, with those that are there. By default what the formation was
        formed under, ``max_size`` or ``sizes``, holds on.
    sizes : whole numbers, optional
        Most users of group 0, 1, ...
    together, apart : iterable of iterables of user ids, optional
        Newcomers, and members, who must be in one group; of whom no two may be.
    fixed : mapping of user id to group, optional
        Newcomers whose group is given.
    balance, no_isolated : optional
        As for `form`, with the shares of members and newcomers together; in place of what the
        formation was formed under for the same attribute.
    profiles : frame, or mapping of attribute to values, optional
        Who has which value, of members and newcomers: as for `form`. Needed where the formation
        was formed under ``balance`` or ``no_isolated``.
    constraints : Constraints, optional
        Ready made, in place of ``max_size`` to ``no_isolated``, of the members and, after them,
        the newcomers in the order of their ids.
    drop : iterable of str, optional
        Constraints of the formation that no longer hold, by their names: ``min_size``,
        ``max_size``, ``sizes``, ``together``, ``apart``, ``fixed``, ``balance``, ``no_isolated``.
    user_weights : mapping of user id to weight, or numbers in the order of the rows, optional
        How much newcomers count; 1 for those not named. Members keep what they weigh.
    exclude : iterable of item ids, mapping of user id to item ids, or Exclusions, optional
        Items that nobody must be recommended, or that single users must not: a newcomer joins no
        group whose list has one. With `relist` none is on the new lists; members' have to be
        given again, which a formation does not keep. What nobody is recommended holds on.
    relist : bool
        Make every group's list anew when all have joined.
    threads : int, optional
        By default as many as there are. The result does not depend on it.

    Returns
    -------
    formation : Formation
        Of the members and, after them, the newcomers; its method is ``"assign"``. Without
        newcomers it is the formation as it was given.

    Raises
    ------
    InputError
        If the items are others, a rating is not valid or missing, or an argument is not valid.
    InfeasibleError
        If there are fewer places than newcomers, none where nothing is excluded for one, or no
        way to join that keeps to the constraints; or if lists that stay hold what is excluded.
    UndecidedError
        If it was not known in time whether there is one.
    GroupingError
        If memory does not suffice.
    """
    return join(
        formation,
        X_new,
        missing=missing,
        scale=scale,
        round=round,
        max_size=max_size,
        sizes=sizes,
        together=together,
        apart=apart,
        fixed=fixed,
        balance=balance,
        no_isolated=no_isolated,
        profiles=profiles,
        constraints=constraints,
        drop=drop,
        user_weights=user_weights,
        exclude=exclude,
        relist=relist,
        threads=threads,
    ).formation


def join(
    formation: Formation,
    X_new: Any,
    *,
    missing: Missing | None = None,
    scale: tuple[float, float] | None = None,
    round: float | None = None,
    max_size: int | None = None,
    sizes: Sequence[int] | None = None,
    together: Iterable[Iterable[Any]] = (),
    apart: Iterable[Iterable[Any]] = (),
    fixed: Mapping[Any, int] | None = None,
    balance: Mapping[str, float] | None = None,
    no_isolated: Iterable[str] | Mapping[str, Any] = (),
    profiles: Profiles = None,
    constraints: Constraints | None = None,
    drop: Iterable[str] = (),
    user_weights: Mapping[Any, float] | Sequence[float] | None = None,
    exclude: Any = None,
    relist: bool = False,
    threads: int | None = None,
) -> Joining:
    """Assign newcomers, and say who went where.

    Parameters
    ----------
    formation, X_new, missing, scale, round, max_size, sizes, together, apart, fixed, balance
    no_isolated, profiles, constraints, drop, user_weights, exclude, relist, threads
        As for `assign`.

    Returns
    -------
    joining : Joining

    Raises
    ------
    InputError, InfeasibleError, UndecidedError, GroupingError
        As `assign` does.
    """
    from grouping.kernels.jit import threads as on_threads

    if threads is not None:
        positive(threads, "the number of threads")
    drop = kinds_to_drop(drop)
    if missing is None:
        missing = formed_with(formation)
    step = formation.problem.get("round") if round is None else round
    started = time.perf_counter()
    with on_threads(threads):
        ratings = alongside(formation, Ratings.of(X_new, scale=scale), relist=relist)
        fresh = newcomers_among(formation, ratings)
        if len(fresh) == 0:
            return Joining(formation, [], np.empty(0, np.int64), np.empty(0))
        users = everyone(formation, ratings)
        asked = Constraints.of(
            users,
            len(formation.groups),
            max_size=max_size,
            sizes=sizes,
            together=together,
            apart=apart,
            fixed=fixed,
            balance=balance,
            no_isolated=no_isolated,
            profiles=profiles,
        )
        constraints = asked.or_ready(constraints)
        _require_dropped(formation, drop)
        before = _held_on(formation, constraints, users, profiles, drop)
        constraints = Constraints((*before, *constraints.rules))
        _require_room(formation, constraints, len(fresh))
        completed = complete(ratings, missing, step)
        predicted = time.perf_counter()
        given = weights_of(ratings.users, user_weights)
        weights = np.ones(len(fresh)) if given is None else given[fresh]
        counting = _counting(formation, weights)
        excluded = _excluded(formation, completed, exclude, relist=relist)
        visit = _Visit.of(formation, completed, fresh, weights)
        closed = np.zeros((len(fresh), len(formation.groups)), bool)
        if not relist:  # else lists of before close no group: they are made anew
            closed = _closed(formation, completed, fresh, excluded)
        broken = _broken(formation, before)
        kept = [rule for rule in constraints.rules if rule not in broken]
        if closed.any():
            kept.append(Rule("exclude", excluded.words))
        joined, proven = join_within(
            Constraints(tuple(kept)), formation.labels, visit.costs(formation), closed
        )
        labels = np.concatenate([formation.labels, joined])
        settings: dict[str, Any] = {
            "users": len(users),
            "missing": policy_name(missing),
            "round": None if step is None else float(step),
            "constraints": _recorded(
                formation, constraints, users, completed, excluded, relist=relist
            ),
        }
        if counting.weights is not None:
            settings["user_weights"] = counting.weights.tolist()
        if relist:
            result = _relisted(formation, completed, labels, users, settings, counting, excluded)
        else:
            result = _joined(formation, visit, labels, users, settings, counting)
        ended = time.perf_counter()
    seconds = {"predict": predicted - started, "form": ended - predicted}
    advice = [
        f"the groups broke {rule.words} before: who joins where does not look at it"
        for rule in broken
    ]
    if excluded.beyond:
        count = len(excluded.beyond)
        advice.append(
            f"excluded items that nobody rated and no list can have: {count}; if that is a "
            "surprise, look at their ids"
        )
    if not proven:
        advice.append(
            "it is not proven that newcomers lose the least: let fewer join at a time for that"
        )
    return Joining(
        replace(result, seconds=seconds, advice=[*result.advice, *advice]),
        users[len(formation.users) :],
        joined,
        visit.own[np.arange(len(fresh)), joined],
    )


def _counting(formation: Formation, weights: NDArray[np.float64]) -> Counting:
    """How much groups count, and members and newcomers in them.

    Raises
    ------
    InputError
        If newcomers have weights where these mean nothing.
    """
    asked = formation.problem
    counting = Counting(asked.get("weigh", "groups"))
    before = asked.get("user_weights")
    if before is None and np.all(weights == 1.0):
        return counting
    members = np.ones(len(formation.labels)) if before is None else np.array(before)
    counting = replace(counting, weights=np.concatenate([members, weights]))
    counting.check(
        asked["semantics"], aggregation(asked["agg"], asked["k"], asked["position_weights"])
    )
    return counting


def _excluded(formation: Formation, ratings: Ratings, exclude: Any, *, relist: bool) -> Exclusions:
    """What newcomers exclude; for new lists members too, and what nobody is recommended.

    Raises
    ------
    InputError
        If members' exclusions are needed and not given.
    InfeasibleError
        If lists stay that hold what nobody, or a member, must be recommended.
    """
    excluded = Exclusions.of(ratings.users, ratings.items, exclude, UNRATED, beyond=relist)
    before = (formation.problem.get("constraints") or {}).get("exclude") or {}
    if not relist:
        _require_lists_without(formation, ratings, excluded)
        return excluded
    given = _count_of_members(formation, ratings, excluded)
    if given < before.get("pairs", 0):
        raise InputError(
            f"the groups were formed with {before['pairs']} items that single users exclude, which "
            "a formation does not keep: give them again (exclude) for new lists; "
            f"{given or 'none'} of members {'is' if given < 2 else 'are'} given"
        )
    _require_known(formation, ratings, excluded, before.get("of_single_users"))
    gone = [item for item in before.get("items", ()) if item in ratings.items]
    everybody = {*excluded.items, *(ratings.items.position(item) for item in gone)}
    return replace(excluded, items=tuple(sorted(everybody)))


def _require_known(
    formation: Formation, ratings: Ratings, excluded: Exclusions, before: list[str] | None
) -> None:
    """Refuse members' exclusions of what is neither rated nor was excluded: most likely a slip."""
    if before is None:  # formed when that was not on record
        return
    members, known = set(formation.users), set(before)
    for user, item in excluded.beyond:
        (name,) = ratings.users.take([user])
        if name in members and item not in known:
            raise InputError(
                f"{excluded.words}: member {name} excludes {item!r}, which nobody rated and nobody "
                "excluded when the groups were formed: look at its id, or leave it out"
            )


def _count_of_members(formation: Formation, ratings: Ratings, excluded: Exclusions) -> int:
    """How many items single members exclude, those that no list can have among them."""
    member = np.isin(ratings.users.take(range(ratings.shape[0])), formation.users)
    return int(member[_excluding(excluded)].sum())


def _excluding(excluded: Exclusions) -> NDArray[np.int64]:
    """The user of each item that single users exclude: int64, (pairs and those beyond,)."""
    beyond = np.array([user for user, _ in excluded.beyond], np.int64)
    return beyond if excluded.pairs is None else np.concatenate([excluded.pairs[:, 0], beyond])


def _require_lists_without(formation: Formation, ratings: Ratings, excluded: Exclusions) -> None:
    """Refuse what lists that stay already hold."""
    nobody = set(excluded.items)
    pairs = np.empty((0, 2), np.int64) if excluded.pairs is None else excluded.pairs
    group_of = dict(zip(formation.users, formation.labels.tolist(), strict=True))
    listed = [
        {ratings.items.position(item) for item in group.item_ids} for group in formation.groups
    ]
    way_out = "lists stay: exclude less, or make them anew (relist)"
    for number, items in enumerate(listed):
        if items & nobody:
            item = ratings.items[min(items & nobody)]
            raise InfeasibleError(
                f"exclude {item}: it is on the list of group {number}, and {way_out}"
            )
    for user, item in pairs.tolist():
        number = group_of.get(ratings.users[user], -1)
        if number >= 0 and item in listed[number]:
            raise InfeasibleError(
                f"{excluded.words}: member {ratings.users[user]} excludes {ratings.items[item]}, "
                f"which is on the list of their group {number}, and {way_out}"
            )


def _closed(
    formation: Formation, ratings: Ratings, fresh: NDArray[np.int64], excluded: Exclusions
) -> NDArray[np.bool_]:
    """Groups whose lists have an item that a newcomer excludes: bool, (newcomers, groups).

    Raises
    ------
    InfeasibleError
        If that is every group, for one of them.
    """
    closed = np.zeros((len(fresh), len(formation.groups)), bool)
    if excluded.pairs is None:
        return closed
    row = np.full(ratings.shape[0], -1, np.int64)
    row[fresh] = np.arange(len(fresh))
    users, items = row[excluded.pairs[:, 0]], excluded.pairs[:, 1]
    for number, group in enumerate(formation.groups):
        listed = [ratings.items.position(item) for item in group.item_ids]
        closed[users[(users >= 0) & np.isin(items, listed)], number] = True
    nowhere = np.flatnonzero(closed.all(axis=1))
    if len(nowhere):
        user = ratings.users[int(fresh[nowhere[0]])]
        raise InfeasibleError(
            f"{excluded.words}: newcomer {user} excludes an item on every group's list: exclude "
            "less, or form groups anew"
        )
    return closed


def kinds_to_drop(drop: Iterable[str], *, as_option: bool = False) -> tuple[str, ...]:
    """Check which constraints of a formation shall no longer hold.

    Parameters
    ----------
    drop : iterable of str
        Names of constraints, with ``-`` or ``_``.
    as_option : bool
        Whether a refusal names them as the command line does.

    Returns
    -------
    kinds : tuple of str

    Raises
    ------
    InputError
        If there is no constraint of a name.
    """
    given = [drop] if isinstance(drop, str) else list(drop)
    kinds = tuple("fixed" if name == "fix" else name.replace("-", "_") for name in given)
    for name, kind in zip(given, kinds, strict=True):
        if kind not in NAMES:
            words = "--drop" if as_option else "drop"
            names = map(option_of, NAMES) if as_option else NAMES
            raise InputError(f"{words} {name}: choose one of {', '.join(names)}")
    return kinds


def _require_dropped(formation: Formation, drop: Iterable[str]) -> None:
    """Refuse to drop what the formation does not have: something else was meant.

    Raises
    ------
    InputError
        Naming it, and what there is.
    """
    there = formation.problem.get("constraints") or {}
    if formation.method == "assign":  # it may have been dropped then
        return
    for kind in drop:
        if kind not in there:
            has = ", ".join(map(option_of, there)) or "none"
            raise InputError(
                f"drop {option_of(kind)}: the groups were formed without it (constraints that they "
                f"have: {has}); leave it out"
            )


def _held_on(
    formation: Formation,
    given: Constraints,
    users: Ids,
    profiles: Profiles,
    drop: Iterable[str],
) -> list[Rule]:
    """What holds on of what the groups were formed under, where nothing is given in its place."""
    drop = {*drop}
    if given.of_kind("max_size") or given.of_kind("sizes"):
        drop |= {"max_size", "sizes"}
    about = {(rule.kind, rule.attribute.name) for rule in given.rules if rule.attribute is not None}
    return recorded(
        formation.problem.get("constraints") or {},
        users,
        len(formation.groups),
        profiles=profiles,
        without=drop,
        about=about,
    )


def _broken(formation: Formation, before: Iterable[Rule]) -> list[Rule]:
    """Rules of the formation that its members break, but for sizes, which close groups."""
    count, groups = len(formation.labels), len(formation.groups)
    broken = []
    for rule in before:
        if rule.kind in ("max_size", "sizes"):
            continue
        if rule.attribute is not None:
            own = replace(
                rule.attribute,
                of_user=rule.attribute.of_user[:count],
                of_population=rule.attribute.shares,
            )
            of_members = replace(rule, attribute=own)
        else:
            of_members = rule
        if Constraints((of_members,)).violated(formation.labels, groups):
            broken.append(rule)
    return broken


def formed_with(formation: Formation) -> str | float:
    """Tell what unrated items counted as when a formation was formed, if newcomers can have it.

    Parameters
    ----------
    formation : Formation

    Returns
    -------
    missing : {"min", "mean", "error"} or float
        ``"error"`` where nothing was missing, or it was predicted.
    """
    missing = formation.problem.get("missing")
    if isinstance(missing, (int, float)) or missing in ("min", "mean"):
        return missing
    return "error"


def alongside(formation: Formation, ratings: Ratings, *, relist: bool = False) -> Ratings:
    """Ratings with names of their own for newcomers, and with all items of the lists.

    Parameters
    ----------
    formation : Formation
    ratings : Ratings
        As for `assign`.
    relist : bool
        Whether rows of a bare matrix begin with the members.

    Returns
    -------
    ratings : Ratings
        The same where nothing is lacking.

    Raises
    ------
    InputError
        If the items are not those of the formation, or a member is lacking for `relist`.
    """
    if ratings.items.positional and ratings.shape[1] != formation.problem["items"]:
        raise InputError(
            f"{ratings.source}: has {ratings.shape[1]} items without names, and the formation "
            f"{formation.problem['items']}: give the same columns, or name the items"
        )
    if ratings.users.positional:
        members = set(formation.users)
        before = list(formation.users)[: ratings.shape[0]] if relist else []
        after = [str(len(members) + row) for row in range(ratings.shape[0] - len(before))]
        taken = next((name for name in after if name in members), None)
        if taken is not None:
            raise InputError(
                f"{ratings.source}: its rows have no names, and {taken}, the next number, is a "
                "member's: name the users"
            )
        ratings = replace(ratings, users=Ids([*before, *after], "user"))
    if relist:
        lacking = [user for user in formation.users if user not in ratings.users]
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise InputError(
                f"{ratings.source}: new lists need the ratings of all members, and user "
                f"{lacking[0]}{more} has none"
            )
    return _with_items(ratings, [item for group in formation.groups for item in group.item_ids])


def _with_items(ratings: Ratings, wanted: Sequence[str]) -> Ratings:
    """Append items that nobody has rated."""
    lacking = [item for item in dict.fromkeys(wanted) if item not in ratings.items]
    if not lacking:
        return ratings
    if len(lacking) == len(set(wanted)):
        raise InputError(
            f"{ratings.source}: rates none of the items on the formation's lists (such as "
            f"{lacking[0]}): is it of other items?"
        )
    items = Ids([*ratings.items, *lacking], "item")
    n, m = ratings.shape[0], len(items)
    if isinstance(ratings.matrix, np.ndarray):
        kind = ratings.dtype if ratings.dtype.kind == "f" else np.dtype(np.float64)
        unrated = np.full((n, len(lacking)), np.nan, kind)
        wider: Any = np.concatenate([ratings.matrix.astype(kind), unrated], axis=1)
    else:
        stored = ratings.matrix
        wider = sp.csr_array((stored.data, stored.indices, stored.indptr), shape=(n, m))
    return replace(ratings.with_matrix(wider, fill=ratings.fill), items=items)


def newcomers_among(formation: Formation, ratings: Ratings) -> NDArray[np.int64]:
    """Rows of users who are not members.

    Parameters
    ----------
    formation : Formation
    ratings : Ratings
        From `alongside`.

    Returns
    -------
    rows : int64 array
        In the order of their ids, which no order of rows can change.
    """
    members = set(formation.users)
    rows = [row for row, user in enumerate(ratings.users) if user not in members]
    order = canonical_order(ratings.users.take(rows))
    in_order: NDArray[np.int64] = np.array(rows, np.int64)[order]
    return in_order


def everyone(formation: Formation, ratings: Ratings) -> Ids:
    """Ids of the members, in their order, then of the newcomers, in that of `newcomers_among`.

    Parameters
    ----------
    formation : Formation
    ratings : Ratings
        From `alongside`.

    Returns
    -------
    users : Ids
    """
    fresh = newcomers_among(formation, ratings)
    return Ids([*formation.users, *ratings.users.take(fresh)], "user")


def _require_room(formation: Formation, constraints: Constraints, newcomers: int) -> None:
    """Refuse more newcomers than there are free places.

    Raises
    ------
    InfeasibleError
    """
    groups = len(formation.groups)
    most = constraints.high(groups, len(formation.labels) + newcomers)
    places = int(np.maximum(0, most - formation.sizes).sum())
    if places < newcomers:
        words = " and ".join(
            rule.words for rule in constraints.rules if rule.kind in ("max_size", "sizes")
        )
        raise InfeasibleError(
            f"{newcomers} newcomer{'' if newcomers == 1 else 's'} and {places} free "
            f"place{'' if places == 1 else 's'} in {groups} group{'' if groups == 1 else 's'} "
            f"under {words}: allow for larger groups, or form them anew"
        )


@dataclass(frozen=True, eq=False)
class _Visit:
    """What newcomers say of the groups' lists.

    Attributes
    ----------
    aggregation : Aggregation
    on_lists : float64 array, shape (groups, newcomers, k)
        Their ratings.
    own : float64 array, shape (newcomers, groups)
        How satisfied each alone would be.
    weights : float64 array, shape (newcomers,)
        How much each counts.
    """

    aggregation: Aggregation
    on_lists: NDArray[np.float64]
    own: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        formation: Formation,
        ratings: Ratings,
        fresh: NDArray[np.int64],
        weights: NDArray[np.float64],
    ) -> _Visit:
        asked = formation.problem
        lists = [
            [ratings.items.position(item) for item in group.item_ids] for group in formation.groups
        ]
        at = np.array(lists, np.int64)
        # what is on no list matters only for one's own best list, by which ndcg measures
        columns = np.arange(ratings.shape[1]) if asked["agg"] == "ndcg" else np.unique(at)
        problem = Problem.of(
            _cells(ratings, fresh, columns),
            "lm",
            asked["agg"],
            len(lists),
            asked["k"],
            position_weights=asked["position_weights"],
        )
        at = np.searchsorted(columns, at)
        everyone = np.zeros(len(fresh), np.int64)
        on_lists = np.stack([ratings_on_lists(problem, everyone, items[None, :]) for items in at])
        own = np.stack([own_satisfaction(problem, rated) for rated in on_lists], axis=1)
        return cls(problem.aggregation, on_lists, own, weights)

    def costs(self, formation: Formation) -> list[NDArray[np.float64]]:
        """What joining each group costs a newcomer, the first before the second."""
        if formation.problem["semantics"] == "av":
            return [-self.weights[:, None] * self.own]
        losses = []
        before_weights = formation.problem.get("user_weights")
        masses = np.bincount(formation.labels, before_weights, minlength=len(formation.groups))
        for group, rated, own, mass in zip(
            formation.groups, self.on_lists, self.own.T, masses.tolist(), strict=True
        ):
            if self.aggregation.per_member:
                before: Any = group.satisfaction
                after = np.minimum(before, own)
            else:
                before = self._satisfaction(group.item_scores[None, :])
                after = self._satisfaction(np.minimum(group.item_scores, rated))
            if formation.problem.get("weigh") == "members":
                before, after = mass * before, (mass + self.weights) * after
            losses.append(before - after)
        return [np.stack(losses, axis=1), -self.own]

    def _satisfaction(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.aggregation.of_scores(-np.sort(-scores, axis=1))


def _cells(ratings: Ratings, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Ratings:
    """Some users' ratings for some items; what is unrated stays so."""
    if isinstance(ratings.matrix, np.ndarray):
        cells: Any = ratings.matrix[np.ix_(rows, columns)]
    else:
        cells = ratings.matrix[rows][:, columns]
    some = Ratings.of(
        cells,
        users=ratings.users.take(rows),
        items=ratings.items.take(columns),
        scale=ratings.scale,
        source=ratings.source,
    )
    return replace(some, fill=ratings.fill)


def _joined(
    formation: Formation,
    visit: _Visit,
    labels: NDArray[np.int64],
    users: Ids,
    settings: dict[str, Any],
    counting: Counting,
) -> Formation:
    """Count newcomers in the scores of the lists that there are."""
    before, asked = len(formation.labels), formation.problem
    least = asked["semantics"] == "lm"
    groups = []
    for group, rated, own in zip(formation.groups, visit.on_lists, visit.own.T, strict=True):
        members = np.flatnonzero(labels == group.number)
        those = members[members >= before] - before
        scores, items = group.item_scores, group.items
        for newcomer in those.tolist():
            theirs = rated[newcomer]
            weight = visit.weights[newcomer]
            scores = np.minimum(scores, theirs) if least else scores + weight * theirs
        if visit.aggregation.per_member:  # the list keeps its order, by which NDCG is counted
            gained = own[those].tolist()
            satisfaction = (
                min([group.satisfaction, *gained])
                if least
                else math.fsum([group.satisfaction, *gained])
            )
        else:
            best_first = np.lexsort((items, -scores))
            scores, items = scores[best_first], items[best_first]
            satisfaction = float(visit.aggregation.of_scores(scores[None, :])[0])
        groups.append(
            replace(
                group,
                members=members,
                items=items,
                item_scores=scores,
                satisfaction=satisfaction,
                users_by_position=users,
            )
        )
    return Formation(
        labels,
        groups,
        math.fsum(counting.of_groups(np.array([group.satisfaction for group in groups]), labels)),
        None,
        "feasible",
        "assign",
        formation.seed,
        {},
        asked | settings,
        users,
        versions(),
    )


def _relisted(
    formation: Formation,
    ratings: Ratings,
    labels: NDArray[np.int64],
    users: Ids,
    settings: dict[str, Any],
    counting: Counting,
    excluded: Exclusions,
) -> Formation:
    """Give each group, with its newcomers, its best list.

    Raises
    ------
    InfeasibleError
        If a group has too few items left that none of its members excludes.
    """
    asked = formation.problem
    rows = np.array([ratings.users.position(user) for user in users], np.int64)
    if excluded.pairs is not None:
        row = np.full(ratings.shape[0], -1, np.int64)
        row[rows] = np.arange(len(rows))
        places = np.stack([row[excluded.pairs[:, 0]], excluded.pairs[:, 1]], axis=1)
        excluded = replace(excluded, pairs=places)
    problem = Problem.of(
        _cells(ratings, rows, np.arange(ratings.shape[1])),
        asked["semantics"],
        asked["agg"],
        asked["groups"],
        asked["k"],
        position_weights=asked["position_weights"],
        counting=counting,
        exclusions=excluded,
    )
    scored = score(problem, labels)
    for number, scores in enumerate(scored.item_scores):
        if not problem.allows(scores):
            raise InfeasibleError(
                f"{excluded.words}: group {number} has fewer than {problem.k} items that none of "
                "its members excludes: exclude fewer, or keep the lists"
            )
    names = [group.name for group in formation.groups]
    return Formation.of(
        problem,
        Outcome(labels),
        scored,
        method="assign",
        seed=formation.seed,
        seconds={},
        settings=settings,
        names=[str(name) for name in names] if names[0] is not None else None,
    )


def _recorded(
    formation: Formation,
    constraints: Constraints,
    users: Ids,
    ratings: Ratings,
    excluded: Exclusions,
    *,
    relist: bool,
) -> dict[str, Any]:
    """What the formation keeps to from now on."""
    document = constraints.as_dict(users)
    before = (formation.problem.get("constraints") or {}).get("exclude")
    if not (before or excluded):
        return document
    before = before or {"items": [], "pairs": 0}
    of_members = _count_of_members(formation, ratings, excluded)
    of_newcomers = len(_excluding(excluded)) - of_members
    if not relist:  # members' that are given again are known already
        of_members = max(before["pairs"], of_members)
    document["exclude"] = {
        "items": list(dict.fromkeys([*before["items"], *ratings.items.take(excluded.items)])),
        "pairs": of_members + of_newcomers,
    }
    known = before.get("of_single_users", None if before["pairs"] else [])
    now = excluded.of_single_users(ratings.items)
    if known is not None and (known or now):
        document["exclude"]["of_single_users"] = list(dict.fromkeys([*known, *now]))
    return document

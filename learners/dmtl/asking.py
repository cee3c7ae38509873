"""From files to what a model is told, and from a model to documents: what the commands share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from grouping.errors import InputError
from grouping.ids import Ids
from grouping.ratings import Ratings
from learners.dmtl.groups import Groups, read_groups, said_in_short
from learners.dmtl.labels import Labels, group_labels, read_labels
from learners.dmtl.model import DMTL
from learners.dmtl.profiling import Description, describe_classes, describe_groups
from learners.dmtl.recommending import METHODS, recommend
from learners.dmtl.told import Told
from learners.entries import Entries
from learners.features import Features, read_features
from learners.kinds import parse_kinds
from learners.observed import observed_csr

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Sources:
    """Files beside the ratings.

    Attributes
    ----------
    groups, group_ratings, profiles, attributes : str or None
    profile_kinds, attribute_kinds : str or None
    labels : str
        ``kmeans``, ``groups`` or a file.
    unknown : {"error", "skip"}
        What happens to members, groups and items that the ratings do not know.
    """

    groups: str | None = None
    group_ratings: str | None = None
    profiles: str | None = None
    attributes: str | None = None
    profile_kinds: str | None = None
    attribute_kinds: str | None = None
    labels: str = "kmeans"
    unknown: str = "error"


@dataclass(frozen=True, eq=False)
class Read:
    """What was read, and what was left out of it.

    Attributes
    ----------
    told : Told
    groups : Groups or None
        All groups of the file, also those without ratings.
    left_out : list of str
        Sentences.
    """

    told: Told
    groups: Groups | None
    left_out: list[str]


def read_told(ratings: Ratings, sources: Sources) -> Read:
    """Read everything that a model is told.

    Parameters
    ----------
    ratings : Ratings
    sources : Sources

    Returns
    -------
    read : Read

    Raises
    ------
    InputError
        If a file cannot be read, or does not go with the ratings.
    """
    left_out: list[str] = []
    groups = None
    if sources.groups is not None:
        found = read_groups(sources.groups, ratings.users, unknown=sources.unknown)
        groups = found.groups
        left_out += found.left_out(sources.groups)
    joint, rated = None, None
    if sources.group_ratings is not None:
        joint, rated, lines = read_group_ratings(
            sources.group_ratings,
            _needed(groups, sources.group_ratings),
            ratings.items,
            unknown=sources.unknown,
            scale=ratings.scale,
        )
        left_out += lines
    told = Told(
        ratings,
        rated,
        joint,
        _features(sources.profiles, ratings.users, sources.profile_kinds, left_out),
        _features(sources.attributes, ratings.items, sources.attribute_kinds, left_out),
        _labels(sources, groups, ratings, left_out),
    )
    return Read(told, groups, left_out)


@dataclass(frozen=True, eq=False)
class ToTest:
    """What a saved model is tested on; users and items are the model's.

    Attributes
    ----------
    ratings : Entries
        Of users, by their places in the model.
    groups : Groups or None
        Those that rated together.
    group_ratings : Entries or None
        Rows are places in `groups`.
    left_out : list of str
        Sentences.
    """

    ratings: Entries
    groups: Groups | None
    group_ratings: Entries | None
    left_out: list[str]


def read_to_test(model: DMTL, ratings: Ratings, sources: Sources) -> ToTest:
    """Read what a saved model is tested on.

    A part of the ratings lacks users and items that the model knows; so members, and what groups
    rated, are looked up in the model.

    Parameters
    ----------
    model : DMTL
    ratings : Ratings
        Of users and items that the model knows; see `check_fits`.
    sources : Sources
        Groups and their ratings.

    Returns
    -------
    test : ToTest

    Raises
    ------
    InputError
        If a file cannot be read, or does not go with the model.
    """
    entries = Entries.stored(observed_csr(ratings))
    users = np.array([model.users.position(name) for name in ratings.users], dtype=np.int64)
    items = np.array([model.items.position(name) for name in ratings.items], dtype=np.int64)
    moved = Entries.of(users[entries.rows], items[entries.columns], entries.values)
    left_out: list[str] = []
    groups, joint = None, None
    if sources.groups is not None:
        found = read_groups(sources.groups, model.users, unknown=sources.unknown)
        groups = found.groups
        left_out += found.left_out(sources.groups)
    if sources.group_ratings is not None:
        rated, groups, lines = read_group_ratings(
            sources.group_ratings,
            _needed(groups, sources.group_ratings),
            model.items,
            unknown=sources.unknown,
            scale=ratings.scale,
        )
        joint = Entries.stored(observed_csr(rated))
        left_out += lines
    return ToTest(moved, groups, joint, left_out)


def read_group_ratings(
    path: str,
    groups: Groups,
    items: Ids,
    *,
    unknown: str = "error",
    scale: tuple[float, float] | None = None,
) -> tuple[Ratings, Groups, list[str]]:
    """Read ratings that groups gave together: a table of group, item and rating.

    Parameters
    ----------
    path : str
        Its first three columns; an item rated more than once has the mean.
    groups : Groups
    items : Ids
        That count.
    unknown : {"error", "skip"}
        Whether ratings of other groups or items are refused or left out.
    scale : (float, float), optional
        The declared lowest and highest rating; one outside is refused.

    Returns
    -------
    ratings : Ratings
        A row a group that rated.
    groups : Groups
        Those groups.
    left_out : list of str
        Sentences.
    """
    from grouping.reading import read

    joint, _ = read(path, columns="user=1,item=2,rating=3", duplicates="mean", scale=scale)
    left_out = []
    for own, known, what in (
        (joint.users, groups.names, "groups"),
        (joint.items, items, "items"),
    ):
        strangers = [name for name in own if name not in known]
        if strangers and unknown == "error":
            raise InputError(
                f"{path}: {what[:-1]} {strangers[0]} is not among the {len(known)} {what}; leave "
                "such ratings out with --unknown skip"
            )
        if strangers:
            unknown_ones = said_in_short(strangers, what[:-1], "unknown to the ratings")
            left_out.append(f"{path}: {unknown_ones} left out")
    csr = observed_csr(joint).tocoo()
    row = np.array([groups.names.position(g) if g in groups.names else -1 for g in joint.users])
    column = np.array([items.position(i) if i in items else -1 for i in joint.items])
    rows, columns = row[csr.coords[0]], column[csr.coords[1]]
    kept = (rows >= 0) & (columns >= 0)
    rated, place = np.unique(rows[kept], return_inverse=True)
    if not len(rated):
        raise InputError(f"{path}: holds no rating of these groups for these items")
    matrix = sp.csr_array((csr.data[kept], (place, columns[kept])), shape=(len(rated), len(items)))
    made = Ratings.of(matrix, users=groups.names.take(rated), items=items, source=path)
    return made, groups.take(rated), left_out


def check_fits(model: DMTL, ratings: Ratings, source: str) -> None:
    """Refuse a model of other users or items.

    Parameters
    ----------
    model : DMTL
    ratings : Ratings
    source : str
        The model's folder.

    Raises
    ------
    InputError
    """
    for own, given, what in (
        (model.users, ratings.users, "user"),
        (model.items, ratings.items, "item"),
    ):
        for name in given:
            if name not in own:
                raise InputError(
                    f"{source}: the model does not fit {ratings.source}: it knows no {what} {name}"
                )


def lists_document(
    model: DMTL, groups: Groups, k: int, exclude: str, titles: Mapping[str, str] | None
) -> dict[str, Any]:
    """Lists of all groups, as JSON can hold them.

    Returns
    -------
    document : dict
        ``groups``: of each its ``group``, ``size``, ``members`` and the lists ``dmtl``, ``lm``
        and ``av``: items with scores, best first.
    """
    found = []
    for g, lists in enumerate(recommend(model, groups, k, exclude=exclude)):
        entry = _group_entry(model, groups, g)
        for name in METHODS:
            entry[name] = [
                _titled({"item": model.items[i], "score": score}, titles)
                for i, score in zip(
                    lists[name].items.tolist(), lists[name].scores.tolist(), strict=True
                )
            ]
        found.append(entry)
    return {"schema_version": SCHEMA_VERSION, "k": k, "exclude": exclude, "groups": found}


def profiles_document(
    model: DMTL, groups: Groups, top: int, titles: Mapping[str, str] | None
) -> dict[str, Any]:
    """What each group is like, as JSON can hold it.

    Returns
    -------
    document : dict
        ``classes``: by class its ``name`` and description; ``groups``: of each its ``group``,
        ``size``, ``members``, the most probable ``classes`` and a description. Both are None
        where the model knows no classes.
    """
    described = None
    probabilities = None
    if model.labels is not None:
        described = [
            {"name": name, **_described(one, titles)}
            for name, one in zip(model.labels.names, describe_classes(model, top=top), strict=True)
        ]
        probabilities = model.class_probabilities(groups)
    found = []
    for g, one in enumerate(describe_groups(model, groups, top=top)):
        entry = _group_entry(model, groups, g)
        entry["classes"] = None
        if probabilities is not None and model.labels is not None:
            order = np.argsort(-probabilities[g], kind="stable")[:top].tolist()
            entry["classes"] = [
                {"name": model.labels.names[c], "probability": float(probabilities[g, c])}
                for c in order
            ]
        found.append(entry | _described(one, titles))
    return {"schema_version": SCHEMA_VERSION, "classes": described, "groups": found}


def _needed(groups: Groups | None, path: str) -> Groups:
    if groups is None:
        raise InputError(f"{path}: ratings of groups need the groups: give --groups")
    return groups


def _group_entry(model: DMTL, groups: Groups, g: int) -> dict[str, Any]:
    members = groups.of_group(g)
    return {
        "group": groups.names[g],
        "size": len(members),
        "members": model.users.take(members),
    }


def _described(description: Description, titles: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "users": description.users,
        "liked": [_titled(asdict(one), titles) for one in description.liked],
        "distinctive": [_titled(asdict(one), titles) for one in description.distinctive],
        "traits": [asdict(one) for one in description.traits],
    }


def _titled(entry: dict[str, Any], titles: Mapping[str, str] | None) -> dict[str, Any]:
    if titles is not None:
        entry["title"] = titles.get(entry["item"])
    return entry


def _features(
    path: str | None, ids: Ids, kinds: str | None, left_out: list[str]
) -> Features | None:
    if path is None:
        return None
    features = read_features(path, ids, None if kinds is None else parse_kinds(kinds))
    lacking = features.lacking(ids, path)
    if features.listed is not None and not features.listed.any():
        raise InputError(lacking)
    if lacking:
        left_out.append(lacking)
    return features


def _labels(
    sources: Sources, groups: Groups | None, ratings: Ratings, left_out: list[str]
) -> Labels | None:
    if sources.labels == "kmeans":
        return None
    if sources.labels == "groups":
        if groups is None:
            raise InputError("--labels groups: which groups? give --groups FILE")
        return group_labels(groups, ratings.shape[0])
    labels, lines = read_labels(sources.labels, ratings.users, unknown=sources.unknown)
    left_out += lines
    return labels

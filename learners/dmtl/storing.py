"""A model on disk: a folder with a document and arrays, and all that predictions need in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids
from learners.dmtl.groups import Groups
from learners.dmtl.inputs import Known, Scale
from learners.dmtl.labels import Labels
from learners.dmtl.settings import Settings
from learners.entries import Entries
from learners.features import Features
from learners.training import saving
from learners.training.optimizers import Arrays

KIND = "dmtl"
_NETWORK = "network/"


@dataclass(frozen=True, eq=False)
class Stored:
    """What a model consists of; see `DMTL` for what the parts are.

    Attributes
    ----------
    settings : Settings
    users, items : Ids
    rated_groups : Groups
    known : Known
    labels : Labels or None
    epochs : int
    curve : list of dict
    arrays : dict of str to array
        Parameters of the network.
    """

    settings: Settings
    users: Ids
    items: Ids
    rated_groups: Groups
    known: Known
    labels: Labels | None
    epochs: int
    curve: list[dict[str, Any]]
    arrays: Arrays


def write(folder: str | os.PathLike[str], stored: Stored) -> None:
    """Write a model.

    Parameters
    ----------
    folder : path-like
    stored : Stored

    Raises
    ------
    InputError
        If the folder cannot be used.
    """
    known, groups = stored.known, stored.rated_groups
    features = (("profiles", known.profiles), ("attributes", known.attributes))
    document: dict[str, Any] = {
        "settings": stored.settings.to_dict(),
        "users": stored.users[:],
        "items": stored.items[:],
        "groups": groups.names[:],
        "scale": [known.scale.mean, known.scale.spread, known.scale.low, known.scale.high],
        "classes": None if stored.labels is None else list(stored.labels.names),
        "profiles": None if known.profiles is None else list(known.profiles.names),
        "attributes": None if known.attributes is None else list(known.attributes.names),
        "scales": {
            name: [] if part is None else [list(scale) for scale in part.scales]
            for name, part in features
        },
        "epochs": stored.epochs,
        "curve": stored.curve,
    }
    arrays = {_NETWORK + name: array for name, array in stored.arrays.items()}
    arrays |= {
        "ratings/rows": known.ratings.rows,
        "ratings/columns": known.ratings.columns,
        "ratings/values": known.ratings.values,
        "groups/starts": groups.starts,
        "groups/members": groups.members,
    }
    for name, part in features:
        if part is not None:
            arrays[name] = part.matrix
            if part.listed is not None:
                arrays[f"{name}/listed"] = part.listed.astype(np.uint8)
    if stored.labels is not None:
        arrays["labels"] = stored.labels.shares
    saving.save(folder, KIND, document, arrays)


def read(folder: str | os.PathLike[str]) -> Stored:
    """Read a model.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    stored : Stored

    Raises
    ------
    InputError
        If there is none, or it is damaged.
    """
    saved = saving.load(folder, KIND)
    with refusing_parts(saved.source):
        stored = _restored(saved)
        _check(stored)
        return stored


@contextmanager
def refusing_parts(source: str) -> Iterator[None]:
    """Turn what goes wrong where parts of a saved model do not go together into an `InputError`.

    Parameters
    ----------
    source : str
        The model's folder.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        said = f"{error} is missing" if isinstance(error, KeyError) else error
        raise InputError(f"{source}: is not a whole model ({said})") from error


def _check(stored: Stored) -> None:
    """Refuse parts that speak of other users, items, raters or classes than there are."""
    known, groups = stored.known, stored.rated_groups
    ratings = known.ratings
    starts, members = groups.starts, groups.members
    lengths = {len(part) for part in (ratings.rows, ratings.columns, ratings.values)}
    if len(lengths) > 1:
        raise ValueError("ratings without a rater or an item")
    _check_places("raters of ratings", ratings.rows, known.raters)
    _check_places("items of ratings", ratings.columns, known.items)
    if (np.diff(ratings.rows * known.items + ratings.columns) < 1).any():
        raise ValueError("ratings out of order")
    _check_places("members of groups", members, known.users)
    _check_places("starts of groups", starts, len(members) + 1)
    if len(starts) != len(groups.names) + 1 or starts[0] or starts[-1] != len(members):
        raise ValueError(f"members of {len(starts) - 1} groups, but {len(groups.names)} names")
    if (np.diff(starts) < 1).any():
        raise ValueError("a group has no members")
    tables = [
        ("profiles", known.profiles, known.users),
        ("attributes", known.attributes, known.items),
    ]
    for what, part, count in tables:
        if part is not None:
            _check_shape(what, part.matrix, (count, len(part.names)))
            if len(part.scales) != len(part.names):
                raise ValueError(f"{len(part.scales)} scales for {len(part.names)} {what}")
            if part.listed is not None:
                _check_shape(f"{what} listed", part.listed, (count,))
    if stored.labels is not None:
        labels = stored.labels
        _check_shape("labels", labels.shares, (known.users, len(labels.names)))


def _check_places(what: str, places: NDArray[Any], count: int) -> None:
    if places.ndim != 1 or places.dtype.kind not in "iu":
        raise ValueError(f"{what}: {places.dtype} of shape {places.shape}, not a list of places")
    if len(places) and not 0 <= places.min() <= places.max() < count:
        raise ValueError(f"{what}: a place that is none of {count}")


def _check_shape(what: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{what}: shape {array.shape}, not {shape}")


def _restored(saved: saving.Saved) -> Stored:
    found, arrays = saved.document, saved.arrays
    users, items = Ids(found["users"], "user"), Ids(found["items"], "item")
    groups = Groups(
        Ids(found["groups"], "group"), arrays["groups/starts"], arrays["groups/members"]
    )
    features = {
        name: None
        if found[name] is None
        else Features(
            tuple(found[name]),
            arrays[name],
            tuple((float(level), float(unit)) for level, unit in found["scales"][name]),
            arrays[f"{name}/listed"].astype(bool) if f"{name}/listed" in arrays else None,
        )
        for name in ("profiles", "attributes")
    }
    known = Known(
        len(users),
        len(groups),
        len(items),
        Entries(*(arrays[f"ratings/{part}"] for part in ("rows", "columns", "values"))),
        Scale(*found["scale"]),
        **features,
    )
    labels = None
    if found["classes"] is not None:
        labels = Labels(tuple(found["classes"]), arrays["labels"])
    return Stored(
        Settings.from_dict(found["settings"]),
        users,
        items,
        groups,
        known,
        labels,
        int(found["epochs"]),
        list(found["curve"]),
        {n[len(_NETWORK) :]: a for n, a in arrays.items() if n.startswith(_NETWORK)},
    )

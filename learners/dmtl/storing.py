"""A model on disk: a folder with a document and arrays, and all that predictions need in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

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
    try:
        return _restored(saved)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{saved.source}: is not a whole model ({error!r})") from error


def _restored(saved: saving.Saved) -> Stored:
    found, arrays = saved.document, saved.arrays
    users, items = Ids(found["users"], "user"), Ids(found["items"], "item")
    groups = Groups(
        Ids(found["groups"], "group"), arrays["groups/starts"], arrays["groups/members"]
    )
    groups.require_users(len(users))
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

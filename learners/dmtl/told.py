"""What a model is told, and that put together: users' and groups' ratings as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners.dmtl.groups import Groups
from learners.dmtl.inputs import Known, Scale
from learners.dmtl.labels import Labels
from learners.entries import Entries
from learners.features import Features
from learners.observed import mean_and_spread, observed_csr


@dataclass(frozen=True, eq=False)
class Told:
    """All that a model is given to learn from.

    Attributes
    ----------
    ratings : Ratings
        Of users; sparse, or dense with NaN.
    groups : Groups or None
        Those that rated together.
    group_ratings : Ratings or None
        A row a group of `groups`, in their order; columns as in `ratings`.
    profiles : Features or None
        Of the users.
    attributes : Features or None
        Of the items.
    labels : Labels or None
        None: KMeans makes them.
    """

    ratings: Ratings
    groups: Groups | None = None
    group_ratings: Ratings | None = None
    profiles: Features | None = None
    attributes: Features | None = None
    labels: Labels | None = None


def rated_groups(told: Told) -> Groups:
    """Return the groups whose ratings are learned from."""
    return told.groups if told.groups and told.group_ratings is not None else Groups.none()


def known_of(told: Told) -> Known:
    """Check that the parts fit together, and put users' and groups' ratings one below the other.

    Parameters
    ----------
    told : Told

    Returns
    -------
    known : Known

    Raises
    ------
    InputError
        If they do not fit together, or there is no rating.
    """
    groups = rated_groups(told)
    ratings = told.ratings
    n, m = ratings.shape
    groups.require_users(n)
    entries = Entries.stored(observed_csr(ratings))
    if not len(entries):
        raise InputError(f"{ratings.source}: holds no rating to learn from")
    values = entries.values
    low, high = ratings.scale or ratings.observed_range()
    if told.group_ratings is not None:
        joint = told.group_ratings
        if joint.items != ratings.items:
            raise InputError(f"{joint.source}: its items are not those of {ratings.source}")
        if joint.shape[0] != len(groups):
            raise InputError(f"{joint.source}: {joint.shape[0]} rows for {len(groups)} groups")
        of_groups = Entries.stored(observed_csr(joint))
        entries = Entries.of(
            np.concatenate([entries.rows, of_groups.rows + n]),
            np.concatenate([entries.columns, of_groups.columns]),
            np.concatenate([entries.values, of_groups.values]),
        )
        if len(of_groups):
            least, most = of_groups.values.min(), of_groups.values.max()
            if ratings.scale is None:
                low, high = min(low, float(least)), max(high, float(most))
            elif least < np.float32(low) or most > np.float32(high):
                raise InputError(
                    f"{joint.source}: holds ratings from {least:g} to {most:g}, outside the scale "
                    f"{low:g}..{high:g} of {ratings.source}"
                )
    for features, count, what in ((told.profiles, n, "users"), (told.attributes, m, "items")):
        if features is not None and len(features.matrix) != count:
            raise InputError(f"{len(features.matrix)} rows of features for {count} {what}")
    mean, spread = mean_and_spread(values)
    return Known(
        n,
        len(groups),
        m,
        entries,
        Scale(mean, spread, float(low), float(high)),
        told.profiles,
        told.attributes,
    )

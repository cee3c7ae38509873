"""Which class each user is of: the profiling task's y, made by KMeans, by groups, or given."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids
from learners.dmtl.groups import Groups, read_groups
from learners.dmtl.inputs import Known, describing


@dataclass(frozen=True, eq=False)
class Labels:
    """Classes of users.

    Attributes
    ----------
    names : tuple of str
        Of the classes.
    shares : float32 array, shape (users, classes)
        y_u: rows sum to 1; a user in several classes has a share in each, a user without a label
        a row of zeros, from which nothing is learned.
    """

    names: tuple[str, ...]
    shares: NDArray[np.float32]

    def without(self, users: NDArray[np.int64]) -> Labels:
        """Hide the labels of some users, to test on them."""
        shares = self.shares.copy()
        shares[users] = 0.0
        return Labels(self.names, shares)

    def of_groups(self, groups: Groups) -> NDArray[np.float32]:
        """Classes of groups: the mean over members that have a label.

        Parameters
        ----------
        groups : Groups

        Returns
        -------
        shares : float32 array, shape (groups, classes)
            A row of zeros where no member has a label.
        """
        sums = np.zeros((len(groups), len(self.names)), dtype=np.float32)
        of_member = np.repeat(np.arange(len(groups)), groups.sizes)
        np.add.at(sums, of_member, self.shares[groups.members])
        total = sums.sum(axis=1, keepdims=True)
        np.divide(sums, total, out=sums, where=total > 0)
        return sums


def cluster_labels(
    known: Known, *, classes: int = 20, source: str = "all", seed: int = 0
) -> Labels:
    """Cluster the users by KMeans, as the paper makes its groups.

    The paper clusters "users"; by which of their features it does not say.

    Parameters
    ----------
    known : Known
    classes : int
        Clusters at most; fewer where there are fewer different users.
    source : {"all", "ratings", "profiles"}
        What is clustered; see `describing`.
    seed : int

    Returns
    -------
    labels : Labels

    Raises
    ------
    InputError
        If nothing of the kind is known of the users.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    rows = describing(known, source)
    if rows.nnz == 0:
        raise InputError(
            f"labels from {source}: nothing of the kind is known of the users; give a table of "
            "users, or make the labels from ratings"
        )
    rows = rows.astype(np.float64)
    rows.indices, rows.indptr = rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
    model = KMeans(min(classes, known.users), n_init=10, random_state=seed)
    with warnings.catch_warnings():  # fewer different users than clusters
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = model.fit_predict(rows)
    used, label = np.unique(found, return_inverse=True)
    return hard_labels(label, [str(c) for c in range(len(used))])


def group_labels(groups: Groups, users: int) -> Labels:
    """Make each group a class, of which its members are.

    Parameters
    ----------
    groups : Groups
    users : int

    Returns
    -------
    labels : Labels
        A user of several groups has equal shares in them.
    """
    groups.require_users(users)
    shares = np.zeros((users, len(groups)), dtype=np.float32)
    shares[groups.members, np.repeat(np.arange(len(groups)), groups.sizes)] = 1.0
    total = shares.sum(axis=1, keepdims=True)
    np.divide(shares, total, out=shares, where=total > 0)
    return Labels(tuple(groups.names), shares)


def read_labels(
    path: str | os.PathLike[str], users: Ids, *, unknown: str = "error"
) -> tuple[Labels, list[str]]:
    """Read labels from a table with columns user and group, or a formation.

    Parameters
    ----------
    path : path-like
        See `read_groups`; users without a row are not learned from.
    users : Ids
    unknown : {"error", "skip"}
        Whether a label of somebody who is none of the users is refused or left out.

    Returns
    -------
    labels : Labels
    left_out : list of str
        Sentences.

    Raises
    ------
    InputError
        If the file cannot be read, or somebody is unknown and may not be left out.
    """
    found = read_groups(path, users, unknown=unknown)
    return group_labels(found.groups, len(users)), found.left_out(os.fspath(path))


def hard_labels(labels: NDArray[np.int64], names: Sequence[str]) -> Labels:
    """Make labels of numbers, -1 for none.

    Parameters
    ----------
    labels : int array, shape (users,)
    names : sequence of str
        Of the classes.

    Returns
    -------
    labels : Labels
    """
    shares = np.zeros((len(labels), len(names)), dtype=np.float32)
    known = np.flatnonzero(labels >= 0)
    shares[known, labels[known]] = 1.0
    return Labels(tuple(names), shares)

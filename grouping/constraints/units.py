"""Units: users who must stay together move as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from grouping.constraints.rules import Constraints

ANYWHERE = -1


@dataclass(frozen=True, eq=False)
class Units:
    """Who moves together, and what each unit may not do.

    Attributes
    ----------
    of_user : int64 array, shape (n,)
        Unit of each user; units are numbered by their first user.
    sizes : int64 array, shape (units,)
    slots : int64 array, shape (units,)
        Group that a unit must be in, or `ANYWHERE`.
    apart : csr_array of bool, shape (units, units)
        Symmetric: who may not be with whom. A unit on the diagonal cannot be anywhere.
    """

    of_user: NDArray[np.int64]
    sizes: NDArray[np.int64]
    slots: NDArray[np.int64]
    apart: sp.csr_array


def units_of(constraints: Constraints, users: int) -> Units | None:
    """Merge users who must be together.

    Parameters
    ----------
    constraints : Constraints
    users : int

    Returns
    -------
    units : Units or None
        None if users of one unit must be in different groups.
    """
    pairs = [
        (rule.users[0], other)
        for rule in constraints.of_kind("together")
        for other in rule.users[1:]
    ]
    edges = np.array(pairs, np.int64).reshape(-1, 2)
    graph = sp.coo_array((np.ones(len(edges), bool), (edges[:, 0], edges[:, 1])), (users, users))
    _, components = connected_components(graph, directed=False)
    _, first, parts = np.unique(components, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    of_user: NDArray[np.int64] = rank[parts]
    sizes = np.bincount(of_user).astype(np.int64)
    slots = np.full(len(sizes), ANYWHERE, np.int64)
    for rule in constraints.of_kind("fixed"):
        unit = of_user[rule.users[0]]
        if slots[unit] not in (ANYWHERE, rule.numbers[0]):
            return None
        slots[unit] = rule.numbers[0]
    clashes = [
        (of_user[u], of_user[v])
        for rule in constraints.of_kind("apart")
        for u in rule.users
        for v in rule.users
        if u != v
    ]
    at = np.array(clashes, np.int64).reshape(-1, 2)
    shape = (len(sizes), len(sizes))
    apart = sp.csr_array(sp.coo_array((np.ones(len(at), bool), (at[:, 0], at[:, 1])), shape))
    return None if apart.diagonal().any() else Units(of_user, sizes, slots, apart)

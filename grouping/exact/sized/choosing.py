"""Formations from columns: an integer program over those that are worth most."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.exact.sized.rooms import Rooms

NODES = 200
"""Of the solver's tree, at most: a limit that does not depend on the clock."""


def chosen_labels(
    values: NDArray[np.floating],
    gains: NDArray[np.float64],
    rooms: Rooms,
    seconds: float,
    nodes: int = NODES,
) -> NDArray[np.int64] | None:
    """Choose columns and place every user in a group of one of them.

    Parameters
    ----------
    values : float array, shape (columns, users)
        -infinity for users that a column cannot serve.
    gains : float64 array, shape (columns,)
    rooms : Rooms
        All of one kind.
    seconds : float
        Time limit.
    nodes : int

    Returns
    -------
    labels : int64 array, shape (users,), or None
        None if no choice was found.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    columns, users = values.shape
    low, cap, limit = int(rooms.lows[0]), int(rooms.caps[0]), int(rooms.limits[0])
    at, who = np.nonzero(values > -np.inf)
    edges = len(at)
    edge = np.arange(edges)
    ones = np.ones(edges)
    worth = np.concatenate([values[at, who].astype(np.float64), gains])
    none: Any = sp.csr_array((users, columns))
    placed = sp.hstack([sp.csr_array((ones, (who, edge)), (users, edges)), none])
    served: Any = sp.csr_array((ones, (at, edge)), (columns, edges))
    few = sp.hstack([served, -cap * sp.eye_array(columns)])
    opened: Any = sp.csr_array((ones, (edge, at)), (edges, columns))
    only = sp.hstack([sp.eye_array(edges), -opened])
    total = sp.csr_array(np.concatenate([np.zeros(edges), np.ones(columns)])[None])
    constraints = [
        LinearConstraint(placed, 1, 1),
        LinearConstraint(few, -np.inf, 0),
        LinearConstraint(only, -np.inf, 0),
        LinearConstraint(total, 0, limit),
    ]
    if low > 1:
        many = sp.hstack([served, -low * sp.eye_array(columns)])
        constraints.append(LinearConstraint(many, 0, np.inf))
    options: Any = {"time_limit": max(seconds, 0.1), "node_limit": nodes}
    found: Any = milp(
        -worth,
        integrality=np.concatenate([np.zeros(edges), np.ones(columns)]),
        bounds=Bounds(0, np.concatenate([ones, np.full(columns, limit)])),
        constraints=constraints,
        options=options,
    )
    if found.x is None:
        return None
    activity = np.rint(found.x[edges:]).astype(np.int64)
    return _placed(values, activity, low, cap)


def _placed(
    values: NDArray[np.floating], activity: NDArray[np.int64], low: int, cap: int
) -> NDArray[np.int64] | None:
    """Place users in the groups chosen, where they are worth most."""
    from grouping.kernels.transport import divide

    groups = np.repeat(np.arange(len(activity)), activity)
    users = values.shape[1]
    if not low * len(groups) <= users <= cap * len(groups):
        return None
    offered = values[groups].T.astype(np.float64)
    lowest = offered[np.isfinite(offered)].min()
    span = max(1.0, float(np.abs(offered[np.isfinite(offered)]).max()))
    offered[~np.isfinite(offered)] = lowest - 4.0 * span * users
    labels: NDArray[np.int64] = divide(
        offered, np.full(len(groups), low, np.int64), np.full(len(groups), cap, np.int64)
    )
    return labels

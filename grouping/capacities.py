"""Users into groups of limited room, all at once, at the least cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InfeasibleError

TIED = 1e-6
"""Costs that differ by less than this share of the largest count as equal where room is short."""


def place(
    costs: Sequence[NDArray[np.float64]],
    room: NDArray[np.int64],
    closed: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Place each user in a group so that the costs add up to the least.

    The first costs decide; among placements that are equal under them the second do, and so on;
    at last the lowest numbers of groups. Where each user's first choice fits, that is it. Else
    this is a transportation problem, whose linear program has whole solutions; the optima of each
    program are those that have no edge of positive reduced cost and fill every group that has a
    price, and among them the next program chooses.

    Parameters
    ----------
    costs : sequence of float64 arrays, shape (n, groups)
        Finite.
    room : int64 array, shape (groups,)
        Most users of each group: not below 0, and n or more together.
    closed : bool array, shape (n, groups), optional
        Groups that a user cannot join. At least one is open to each.

    Returns
    -------
    labels : int64 array, shape (n,)

    Raises
    ------
    InfeasibleError
        If they do not all find room in groups that are open to them.
    """
    if closed is None:
        closed = np.zeros(costs[0].shape, bool)
    chosen = _first_choices(costs, closed)
    if np.all(np.bincount(chosen, minlength=len(room)) <= room):
        return chosen
    numbers = np.broadcast_to(np.arange(len(room), dtype=np.float64), costs[0].shape)
    open_edges, full = ~closed, np.zeros(len(room), bool)
    if closed.any():  # whether they fit at all
        chosen = _cheapest(np.zeros(costs[0].shape), room, open_edges, full)
    for cost in [*costs, numbers]:
        scale = float(np.abs(cost).max())
        if scale > 0 and open_edges.sum() > len(open_edges):
            chosen = _cheapest(cost / scale, room, open_edges, full)
    return chosen


def _first_choices(
    costs: Sequence[NDArray[np.float64]], closed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Each user's cheapest group of those that are open."""
    equal = ~closed
    for cost in costs:
        among = np.where(equal, cost, np.inf)
        equal = among == among.min(axis=1, keepdims=True)
    chosen: NDArray[np.int64] = equal.argmax(axis=1)
    return chosen


def _cheapest(
    cost: NDArray[np.float64],
    room: NDArray[np.int64],
    open_edges: NDArray[np.bool_],
    full: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Solve one program, and narrow `open_edges` and `full` to its optima."""
    from scipy.optimize import linprog

    users, groups = cost.shape
    edge = np.arange(users * groups)
    ones = np.ones(len(edge))
    of_user: Any = sp.csr_array((ones, (edge // groups, edge)), (users, len(edge)))
    of_group: Any = sp.csr_array((ones, (edge % groups, edge)), (groups, len(edge)))
    program: dict[str, Any] = {
        "A_eq": sp.vstack([of_user, of_group[full]]),
        "b_eq": np.concatenate([np.ones(users), room[full]]),
        "bounds": [(0, None if is_open else 0) for is_open in open_edges.ravel().tolist()],
    }
    if not full.all():
        program |= {"A_ub": of_group[~full], "b_ub": room[~full]}
    solved: Any = linprog(cost.ravel(), method="highs-ds", **program)  # basic solutions are whole
    if solved.x is None:
        raise InfeasibleError("there is too little room in the groups that are open to users")
    prices = np.zeros(groups)
    prices[full] = solved.eqlin.marginals[users:]
    if not full.all():
        prices[~full] = solved.ineqlin.marginals
    reduced = cost - solved.eqlin.marginals[:users, None] - prices
    open_edges &= reduced <= TIED
    full |= prices < -TIED
    chosen: NDArray[np.int64] = solved.x.reshape(users, groups).argmax(axis=1)
    return chosen

"""Attributes balanced in groups whose sizes are given: shares of sizes, rounded.

With the sizes known, so is how many members with each value a group may have, and a user's place
is a matter of their values alone. For one attribute that is a transportation problem, which has
whole solutions at its corners and, where nobody's place is given, always has one: shares times
sizes add up to whole numbers both ways, so each can be rounded up or down such that they still do.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.constraints.attributes import SLACK
from grouping.constraints.programs import effort, milp
from grouping.constraints.traits import Traits

TRIED = 2 / 3
"""Share of the time left in which this is tried."""

WHOLE = 1e-6
"""How far from whole a number may be that counts as it."""


def rounded(
    traits: Traits,
    cells: NDArray[np.int64],
    homes: NDArray[np.int64],
    sizes: NDArray[np.int64],
    seated: NDArray[np.int64],
    held: NDArray[np.int64],
    deadline: float | None,
) -> NDArray[np.int64] | None:
    """Count who of each cell goes to each group, so that few leave theirs.

    Parameters
    ----------
    traits : Traits
    cells : int64 array, shape (cells, rules)
        The traits that the users of each cell have.
    homes : int64 array, shape (cells, groups)
        How many of them are where.
    sizes : int64 array, shape (groups,)
        Users of each group.
    seated : int64 array, shape (groups,)
        Those among them whose group is given.
    held : int64 array, shape (groups, traits)
        How many of these have each trait.
    deadline : float or None
        Of `time.perf_counter`; two thirds of the time left are taken at most.

    Returns
    -------
    counts : int64 array, shape (cells, groups), or None
        None where none was found, which need not mean that there is none.
    """
    from scipy.optimize import Bounds, LinearConstraint, linprog

    count, groups = homes.shape
    cells_times_groups = count * groups
    alone = np.flatnonzero(traits.not_alone)
    most_off = np.maximum(1.0, traits.tolerances * sizes[:, None])
    by_share = traits.shares * sizes[:, None]
    least = np.ceil(by_share - most_off - SLACK) - held
    most = np.floor(by_share + most_off + SLACK) - held
    least[held == 1] = np.where(traits.not_alone, np.maximum(1, least), least)[held == 1]
    # who stays and who comes, cell by cell; whether a group has somebody who may not be alone
    columns = 2 * cells_times_groups + len(alone) * groups
    one_group = sp.eye_array(groups)
    ones = np.ones((1, groups))
    having = [
        (cells == trait).any(axis=1).astype(np.float64) for trait in range(len(traits.shares))
    ]

    def rows_of(weights: NDArray[np.float64], some: Any = None) -> Any:
        """A row a group: what it gets of cells, by weight."""
        part = sp.kron(weights[None, :], one_group)
        rest = sp.csr_array((groups, len(alone) * groups)) if some is None else some
        return sp.hstack([part, part, rest])

    by_cell = sp.kron(sp.eye_array(count), ones)
    rows = [
        sp.hstack([by_cell, by_cell, sp.csr_array((count, len(alone) * groups))]),
        rows_of(np.ones(count)),
        *(rows_of(weights) for weights in having),
    ]
    low = [homes.sum(axis=1), sizes - seated, *least.T]
    high = [homes.sum(axis=1), sizes - seated, *most.T]
    for place, trait in enumerate(alone.tolist()):
        total = float(having[trait] @ homes.sum(axis=1))
        unit = sp.csr_array(([1.0], ([0], [place])), shape=(1, len(alone)))
        none = held[:, trait] == 0
        for times, limits in ((2.0, (0.0, np.inf)), (total, (-np.inf, 0.0))):
            rows.append(rows_of(having[trait], sp.kron(unit, -times * one_group)))
            low.append(np.where(none, limits[0], -np.inf))
            high.append(np.where(none, limits[1], np.inf))
    matrix, lower, upper = sp.csr_array(sp.vstack(rows)), np.concatenate(low), np.concatenate(high)
    if np.any(lower > upper):
        return None
    cost = np.zeros(columns)
    cost[:cells_times_groups] = -1.0
    largest = np.concatenate(
        [homes.ravel(), np.repeat(homes.sum(axis=1), groups), np.ones(len(alone) * groups)]
    )
    if deadline is not None:  # the program of everything may have to follow
        deadline -= (1.0 - TRIED) * max(0.0, deadline - time.perf_counter())
    found: Any = None
    if not len(alone):
        equal = lower == upper
        below, above = np.isfinite(upper) & ~equal, np.isfinite(lower) & ~equal
        program: dict[str, Any] = {
            "A_ub": sp.vstack([matrix[below], -matrix[above]]),
            "b_ub": np.concatenate([upper[below], -lower[above]]),
            "A_eq": matrix[equal],
            "b_eq": lower[equal],
            "bounds": np.stack([np.zeros(columns), largest], axis=1),
            "options": {"time_limit": effort(deadline)["time_limit"]},
        }
        found = linprog(cost, method="highs-ds", **program)  # which ends at a corner
        if found.x is not None and np.abs(found.x - np.rint(found.x)).max() > WHOLE:
            found = None
    if found is None:
        found = milp(
            cost,
            integrality=np.ones(columns, np.int64),
            bounds=Bounds(0, largest),
            constraints=LinearConstraint(matrix, lower, upper),
            options=effort(deadline, mip_rel_gap=0.01),
        )
    if found.x is None:
        return None
    whole = np.rint(found.x[: 2 * cells_times_groups]).astype(np.int64)
    counts: NDArray[np.int64] = whole.reshape(2, count, groups).sum(axis=0)
    return counts

"""Least misery made soft: a lowest rating that all members have a share in, harder and harder.

What the objective sees of a group are the lowest ratings of its items: most moves change none of
them, so that a search by the objective alone hardly knows where to go. Here a group's score of an
item is instead -s log(sum over members of exp(-rating / s)), which tends to the lowest rating as
the softness s tends to 0 and always says by how much each member lowers it. Moves and exchanges
that raise the objective under these scores are made, while s falls step by step. Users who are
hard to satisfy gather so in a few groups, as many as the sizes force.

The sums are kept up to date as those of aggregate voting are, of other numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from grouping import memory
from grouping.kernels import moves as kernels
from grouping.local.annealing import Annealing

STAGES = 12
"""Softnesses in one run."""

HARDEST = 60.0
"""The last softness: so often it goes into the range of the ratings."""

LARGEST = 50.0
"""Exponents are cut off here: items that must not be on a list have no rating at all."""

ROWS = 4096
"""Units whose exponentials are taken at a time."""

RENEWED = 1500
"""Steps after which sums are added up anew, without the steps' roundings."""


def soften(
    annealing: Annealing, labels: NDArray[np.int64], softest: float, steps: int
) -> Iterator[NDArray[np.int64]]:
    """Search with a softness that falls, stage by stage.

    Parameters
    ----------
    annealing : Annealing
        Of a problem of least misery: it knows the units, draws steps and knows when to stop.
    labels : int64 array, shape (n,)
        A formation that satisfies the constraints.
    softest : float
        The first softness: so often it goes into the range of the ratings.
    steps : int
        Of each stage.

    Yields
    ------
    labels : int64 array, shape (n,)
        After each stage. It satisfies the constraints and may be worse than the one before.
    """
    problem, instance = annealing.problem, annealing.instance
    span = problem.high - problem.low or 1.0  # where all are alike, some are still excluded
    found = labels[annealing.first_user]
    for stage in range(STAGES):
        times = softest * (HARDEST / softest) ** (stage / (STAGES - 1))
        soft = _softened(instance, problem.low, span / times)
        state = kernels.empty_state(soft, found)
        _climb(annealing, soft, state, steps)
        found = state.labels
        yield found[annealing.units.of_user]
        if annealing.stop():
            return


def _softened(instance: kernels.Instance, low: float, softness: float) -> kernels.Instance:
    """Instance whose sums stand for soft lowest ratings."""
    units, items = instance.rows.shape
    memory.require(
        4 * units * items, "scores that soften the lowest ratings", "take fewer users or items"
    )
    rows = np.empty((units, items), np.float32)
    for start in range(0, units, ROWS):
        some = slice(start, start + ROWS)
        exponents = (low - np.asarray(instance.rows[some], np.float64)) / softness
        rows[some] = -np.exp(np.minimum(exponents, LARGEST))
    return instance._replace(
        rows=rows, least_misery=False, softness=softness, origin=low, floor=-np.inf
    )


def _climb(annealing: Annealing, soft: kernels.Instance, state: kernels.State, steps: int) -> None:
    """Make moves and exchanges that do not lose, but for roundings.

    Where the one who leaves has nearly all of a sum, what is left of it are roundings, and a step
    may be made that loses. Adding up anew there changed 1 of 30 runs, and took longer.
    """
    unused = state.labels.copy()
    width = min(RENEWED, annealing.width)
    done = 0
    while done < steps and not annealing.stop():
        kernels.rebuild(soft, state)
        drawn = min(width, steps - done)
        moved, partners = annealing.draw(drawn)
        kernels.anneal(soft, state, moved, partners, np.zeros(drawn), 0.0, np.inf, unused)
        done += drawn

"""What training draws: ratings to hold out, and items that were not taken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.dmtl.inputs import Known
from learners.entries import Entries

Ints = NDArray[np.int64]

_RETRIES = 5  # of negatives that turn out to be rated


def hold_out(known: Known, share: float, seed: int) -> tuple[Entries, Entries]:
    """Hold out a share of the users' and of the groups' ratings, at least one of each.

    Parameters
    ----------
    known : Known
    share : float
    seed : int

    Returns
    -------
    kept, held : Entries
    """
    rng = np.random.default_rng([seed, 1])
    ratings = known.ratings
    out = np.zeros(len(ratings), dtype=bool)
    for chosen in (ratings.rows < known.users, ratings.rows >= known.users):
        places = np.flatnonzero(chosen)
        if len(places) > 1:
            size = min(len(places) - 1, max(1, round(share * len(places))))
            out[rng.choice(places, size, replace=False)] = True
    return ratings.where(~out), ratings.where(out)


class Negatives:
    """Draws items that raters have not rated.

    Parameters
    ----------
    known : Known
    """

    def __init__(self, known: Known) -> None:
        self.items = known.items
        self.rated = np.unique(self._cells(known.ratings))

    def avoid(self, entries: Entries) -> None:
        """Draw none of these, either."""
        self.rated = np.union1d(self.rated, self._cells(entries))

    def draw(self, raters: Ints, count: int, rng: np.random.Generator) -> Ints:
        """Draw so many for each rater; a few may be rated where nearly all items are.

        Parameters
        ----------
        raters : int64 array, shape (batch,)
        count : int
        rng : Generator

        Returns
        -------
        items : int64 array, shape (batch, count)
        """
        drawn = rng.integers(0, self.items, (len(raters), count))
        for _ in range(_RETRIES):
            cells = raters[:, None] * self.items + drawn
            place = np.minimum(np.searchsorted(self.rated, cells), len(self.rated) - 1)
            taken = self.rated[place] == cells
            if not taken.any():
                break
            drawn[taken] = rng.integers(0, self.items, int(taken.sum()))
        return drawn

    def _cells(self, entries: Entries) -> Ints:
        return entries.rows * self.items + entries.columns

"""What residuals give away: ratings rebuilt from the messages of the first round.

The first residuals of an organisation with squared error are ``2 (rating - mean of the column)``.
Within a column they differ from the ratings by a factor and one unknown shift, and ratings are
whole numbers on a known scale: the shift that makes all of them so is nearly always the only one,
or the likeliest.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from learners.mtal.messages import Residuals

_EXACT = 1e-3  # spread assumed of residuals without noise: that of rounding, generously


def reconstruct(
    message: Residuals,
    levels: NDArray[np.float64],
    prior: NDArray[np.float64],
    spread: float = 0.0,
) -> NDArray[np.float64]:
    """Guess the ratings behind the residuals of the first round.

    For each column, the shift of greatest likelihood is taken, given how often ratings of each
    level are anyway; then, for each entry, the level of greatest posterior probability.

    Parameters
    ----------
    message : Residuals
        Of the first round, from an organisation with explicit feedback.
    levels : float64 array
        The ratings that there are, for example 1 to 5.
    prior : float64 array
        How often each occurs, as far as an outsider knows.
    spread : float
        Standard deviation of the noise on the residuals.

    Returns
    -------
    ratings : float64 array
        A guess for each entry of the message.
    """
    halves = message.values.astype(np.float64) / 2.0
    width = max(spread / 2.0, _EXACT)
    guesses = np.empty(len(halves))
    order = np.argsort(message.columns, kind="stable")
    ends = np.searchsorted(message.columns[order], np.arange(message.width + 1))
    grid = np.linspace(levels.min(), levels.max(), 81) if spread > 0 else np.empty(0)
    for first, last in pairwise(ends):
        entries = order[first:last]
        if not len(entries):
            continue
        shifts = np.concatenate([levels - halves[entries[0]], grid])
        scores = _log_densities(halves[entries], shifts, levels, prior, width)
        best = int(np.argmax(np.logaddexp.reduce(scores, axis=2).sum(axis=1)))
        guesses[entries] = levels[scores[best].argmax(axis=1)]
    return guesses


def _log_densities(
    halves: NDArray[np.float64],
    shifts: NDArray[np.float64],
    levels: NDArray[np.float64],
    prior: NDArray[np.float64],
    width: float,
) -> NDArray[np.float64]:
    """Log of prior times density, up to a constant, by shift, entry and level."""
    errors = halves[None, :, None] + shifts[:, None, None] - levels[None, None, :]
    scores: NDArray[np.float64] = np.log(prior) - 0.5 * (errors / width) ** 2
    return scores

"""Differential privacy of what is sent: rows clipped, Gaussian noise added, the budget counted.

The guarantee is about one row (a user, if user-aligned) and the messages' rows about it: whatever
its ratings' values were, what its rows in all messages say differs little. It does not cover which
columns have residuals at all, nor what other rows' messages tell because a model or a mean was made
from all rows. See docs/concepts/mtal.md.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import GroupingError, InputError

ORDERS = [1.01, 1.03, *(1 + x / 10 for x in range(1, 100)), *range(12, 64), *range(64, 1025, 16)]
"""Orders of the Renyi divergence among which the tightest bound is taken."""


_A_ROUND = 2  # releases: residuals and predictions


@dataclass(frozen=True)
class Privacy:
    """What an organisation grants its rows.

    Attributes
    ----------
    noise : float
        Standard deviation of the noise as a multiple of how much a row can change what is sent,
        which is twice the clip.
    residual_clip, prediction_clip : float
        Largest Euclidean norm of a row of residuals, and of a row of predictions for all
        receivers together.
    delta : float
    epsilon : float
        Budget: what would exceed it is not sent.
    """

    noise: float
    residual_clip: float = 4.0
    prediction_clip: float = 4.0
    delta: float = 1e-5
    epsilon: float = math.inf

    def checked(self) -> Privacy:
        """Return the settings if they can be.

        Raises
        ------
        InputError
            Naming what is out of range.
        """
        for name in ("noise", "residual_clip", "prediction_clip", "epsilon"):
            if not getattr(self, name) > 0:
                raise InputError(f"privacy: {name} must be positive, not {getattr(self, name)}")
        if not 0 < self.delta < 1:
            raise InputError(f"privacy: delta must lie between 0 and 1, not {self.delta}")
        return self


class BudgetError(GroupingError):
    """Sending would exceed an organisation's budget."""


class Accountant:
    """Counts what an organisation has released.

    A round releases two things, the residuals and the predictions of its rows. Each is a Gaussian
    mechanism; the budget is that of their composition, by Renyi differential privacy as in Opacus.

    Parameters
    ----------
    privacy : Privacy
    """

    def __init__(self, privacy: Privacy) -> None:
        self.privacy = privacy
        self._rounds: set[int] = set()

    def begin(self, round_: int) -> None:
        """Count a round, once: sending the same numbers again tells nothing more.

        Parameters
        ----------
        round_ : int

        Raises
        ------
        BudgetError
            If all that it releases would exceed the budget; it is not counted then.
        """
        if round_ in self._rounds:
            return
        after = self._after(len(self._rounds) + 1)
        if after > self.privacy.epsilon:
            raise BudgetError(
                f"privacy budget: round {round_} would make epsilon {after:.3g}, more than "
                f"{self.privacy.epsilon:g}"
            )
        self.remember(round_)

    def remember(self, round_: int) -> None:
        """Count a round that was begun before a stop, whatever the budget says."""
        self._rounds.add(round_)

    def epsilon(self) -> float:
        """Epsilon of all that was released, at the delta agreed upon."""
        return self._after(len(self._rounds))

    def _after(self, rounds: int) -> float:
        return epsilon_after(_A_ROUND * rounds, self.privacy.noise, self.privacy.delta)


def epsilon_after(releases: int, noise: float, delta: float) -> float:
    """Epsilon of so many Gaussian releases.

    Parameters
    ----------
    releases : int
    noise : float
        Noise multiplier.
    delta : float

    Returns
    -------
    epsilon : float
    """
    if releases == 0:
        return 0.0
    rdp = _opacus()
    spent = rdp.compute_rdp(q=1.0, noise_multiplier=noise, steps=releases, orders=ORDERS)
    epsilon, _ = rdp.get_privacy_spent(orders=ORDERS, rdp=spent, delta=delta)
    return float(epsilon)


def noise_for(epsilon: float, delta: float, rounds: int) -> float:
    """Least noise multiplier that keeps so many rounds, of two releases each, within a budget.

    Parameters
    ----------
    epsilon, delta : float
    rounds : int

    Returns
    -------
    noise : float
        No more than a thousandth above the least, and 0.01 or more.
    """
    low, high = 1e-2, 1.0
    while epsilon_after(_A_ROUND * rounds, high, delta) > epsilon:
        low, high = high, 2 * high
        if high > 1e7:
            raise InputError(f"no noise keeps {rounds} rounds within epsilon {epsilon:g}")
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        if epsilon_after(_A_ROUND * rounds, middle, delta) > epsilon:
            low = middle
        else:
            high = middle
    return high


def noisy_rows(
    rows: sp.csr_array, clip: float, noise: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Clip sparse rows and add noise where they store something.

    Parameters
    ----------
    rows : csr_array
    clip : float
        Largest norm of a row.
    noise : float
        Noise multiplier.
    rng : numpy Generator
        Must not be known to the receivers.

    Returns
    -------
    values : float32 array
        In the order of the stored entries.
    """
    counts = np.diff(rows.indptr)
    norms = np.sqrt(rows.multiply(rows).sum(axis=1))
    scale = np.minimum(1.0, clip / np.maximum(norms, 1e-12))
    spread = noise * 2.0 * clip
    clipped = rows.data * np.repeat(scale, counts)
    noisy: NDArray[np.float64] = clipped + spread * rng.standard_normal(len(clipped))
    return noisy.astype(np.float32)


def noisy_block(
    block: NDArray[np.float32], clip: float, noise: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Clip dense rows and add noise to every entry; see `noisy_rows`."""
    norms = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64))
    scale = np.minimum(1.0, clip / np.maximum(norms, 1e-12))
    spread = noise * 2.0 * clip
    noisy: NDArray[np.float64] = block * scale[:, None] + spread * rng.standard_normal(block.shape)
    return noisy.astype(np.float32)


def _opacus() -> Any:
    try:
        from opacus.accountants.analysis import rdp  # type: ignore[import-untyped]
    except ImportError as error:
        raise GroupingError(
            "differential privacy is counted by Opacus, which is not installed: "
            "pip install 'grouping[privacy]'"
        ) from error
    # a budget that is absurdly large or small is at the end of any range of orders
    warnings.filterwarnings("ignore", message="Optimal order is the")
    return rdp

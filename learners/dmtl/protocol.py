"""The protocol behind the paper's Table III: its split, and how its rankings are scored.

Found by experiment: under it the table's nine Surprise rows come out to six decimals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grouping.errors import InputError
from learners.ranking import precision_recall

SCALE = (1.0, 5.0)
RELEVANT = 4.0
K = 10


def paper_split(
    count: int, share: float, seed: int = 42
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split rows as Surprise's ``train_test_split`` does.

    Parameters
    ----------
    count : int
        Rows, in the order of the file.
    share : float
        Of the rows to test on: .2 for MovieLens 100K, .5 for ITM-Rec.
    seed : int
        The paper's is 42.

    Returns
    -------
    train, test : int64 arrays
        Row numbers: of the permuted rows the first, and the last ceil(share * count).

    Raises
    ------
    InputError
        If the share leaves nothing to learn from or to test on.
    """
    held = int(np.ceil(share * count))
    if not 0 < held < count:
        raise InputError(f"a test share of {share} of {count} rows leaves an empty part")
    # the legacy generator is what the split was drawn with
    order = np.random.RandomState(seed).permutation(count).astype(np.int64)
    return order[: count - held], order[count - held :]


@dataclass(frozen=True, eq=False)
class Ranked:
    """How well each user's own test items were ranked.

    Attributes
    ----------
    precision, recall : float64 arrays
        P@10 and R@10 by user with a test rating, ascending.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    @property
    def means(self) -> tuple[float, float]:
        """P@10 and R@10 as the paper's table has them."""
        return float(self.precision.mean()), float(self.recall.mean())


def rank(users: ArrayLike, truth: ArrayLike, estimates: ArrayLike, *, clip: bool = True) -> Ranked:
    """Score estimates of the test ratings as the paper's table does.

    Parameters
    ----------
    users : array-like of int
        In the order of the split, which decides ties.
    truth, estimates : array-like
    clip : bool
        To 1..5, as Surprise does; estimates that mean something else (a probability, a rank)
        must not be clipped.

    Returns
    -------
    ranked : Ranked
    """
    scores = np.asarray(estimates, dtype=np.float64)
    scores = np.clip(scores, *SCALE) if clip else scores
    return Ranked(*precision_recall(users, truth, scores, k=K, relevant=RELEVANT))


def oracle(users: ArrayLike, truth: ArrayLike) -> Ranked:
    """What ranking by the true ratings reaches: nothing can be above it in P@10."""
    return rank(users, truth, truth)


def at_random(users: ArrayLike, truth: ArrayLike, *, orders: int = 20, seed: int = 0) -> Ranked:
    """What random orders reach, the mean of some by user."""
    rng = np.random.default_rng(seed)
    drawn = [
        rank(users, truth, rng.random(np.shape(np.asarray(truth))), clip=False)
        for _ in range(orders)
    ]
    return Ranked(
        np.mean([one.precision for one in drawn], axis=0),
        np.mean([one.recall for one in drawn], axis=0),
    )

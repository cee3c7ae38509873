"""How alike users' lists are, and samples of users who are alike, apart, or neither."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KINDS = ("similar", "dissimilar", "random")


def list_similarity(items: NDArray[np.int32], m: int) -> NDArray[np.float64]:
    """Similarity of every two users' top-k lists, item by item, normalised to 0..1.

    The paper's formula is lost in its text. This one follows its description: for each item on
    either list the positions are compared (k + 1 where it is absent), these differences are added
    up over the items, and 1 - sum / (k (k + 1)) is the similarity: 1 for equal lists, 0 for
    disjoint ones. The sum is the footrule of Fagin, Kumar and Sivakumar (SIAM Journal on Discrete
    Mathematics 17, 2003).

    Parameters
    ----------
    items : int array, shape (n, k)
        Each user's list.
    m : int
        Number of items.

    Returns
    -------
    similarity : float64 array, shape (n, n)
    """
    n, k = items.shape
    position = np.full((n, m), k + 1)
    np.put_along_axis(position, items.astype(np.int64), np.arange(1, k + 1)[None, :], axis=1)
    apart = np.abs(position[:, None, :] - position[None, :, :]).sum(axis=2)
    similarity: NDArray[np.float64] = 1 - apart / (k * (k + 1))
    return similarity


def sample(
    similarity: NDArray[np.float64], kind: str, size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw a seed user and add users one by one.

    Parameters
    ----------
    similarity : float64 array, shape (n, n)
    kind : {"similar", "dissimilar", "random"}
        Add who is most like those that were drawn (in sum), who is least, or anyone.
    size : int
    rng : numpy Generator

    Returns
    -------
    users : int64 array, shape (size,)
        Ascending.
    """
    n = len(similarity)
    if kind == "random":
        return np.sort(rng.choice(n, size, replace=False)).astype(np.int64)
    sign = 1.0 if kind == "similar" else -1.0
    drawn = [int(rng.integers(n))]
    total = sign * similarity[drawn[0]]
    for _ in range(size - 1):
        total[drawn] = -np.inf
        drawn.append(int(total.argmax()))
        total = total + sign * similarity[drawn[-1]]
    return np.sort(np.array(drawn, np.int64))

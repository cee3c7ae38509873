"""What the peers make of ratings: labels of groups that keep to the largest size."""

from __future__ import annotations

import time
import warnings

import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.peers import environment

MOST_RUNS = 30
"""Of one peer, where there is time for more."""

PEERS = ("k-means-constrained", "KMeans, balanced", "FasterPAM, balanced", "random")


def formations(peer: str, ratings: np.ndarray, groups: int, most: int, seconds: float):
    """Form groups by a peer, with seeds 0, 1, ... as long as there is time, at least once.

    Parameters
    ----------
    peer : str
        One of `PEERS`.
    ratings : float64 array, shape (n, m)
    groups, most : int
        Groups, and users of each at most.
    seconds : float

    Returns
    -------
    labels : list of int64 arrays, shape (n,)
    """
    if peer == "k-means-constrained":
        return list(environment.run(peer, ratings, groups, most, seconds))
    if peer == "FasterPAM, balanced":
        medoids = environment.run("fasterpam", ratings, groups, most, seconds)
        return [nearest(ratings, ratings[some], most) for some in np.unique(medoids, axis=0)]
    make = {"KMeans, balanced": _k_means, "random": _random}[peer]
    found = []
    started = time.perf_counter()
    while not found or (len(found) < MOST_RUNS and time.perf_counter() - started < seconds):
        found.append(make(ratings, groups, most, len(found)))
    return found


def nearest(points: np.ndarray, centres: np.ndarray, most: int) -> np.ndarray:
    """Assign points to centres, `most` to each at most, with the least sum of squared distances."""
    squares = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * points @ centres.T
    _, places = linear_sum_assignment(np.repeat(squares, most, axis=1))
    return places // most


def _k_means(ratings, groups, most, seed):
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        centres = KMeans(groups, n_init=1, random_state=seed).fit(ratings).cluster_centers_
    return nearest(ratings, centres, most)


def _random(ratings, groups, most, seed):
    shuffled = np.random.default_rng(seed).permutation(len(ratings))
    labels = np.empty(len(ratings), np.int64)
    labels[shuffled] = np.arange(len(ratings)) % groups
    return labels

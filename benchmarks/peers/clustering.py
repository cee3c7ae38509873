"""Run in the peers' environment: cluster points again and again, and save what was found.

python clustering.py k-means-constrained|fasterpam POINTS.npy GROUPS MOST SECONDS FOUND.npy
"""

from __future__ import annotations

import sys
import time

import numpy as np

MOST_RUNS = 30


def main() -> None:
    peer, points, groups, most, seconds, out = sys.argv[1:]
    cluster = {"k-means-constrained": k_means_constrained, "fasterpam": fasterpam}[peer]
    given = np.load(points)
    found = []
    started = time.perf_counter()
    while not found or (len(found) < MOST_RUNS and time.perf_counter() - started < float(seconds)):
        found.append(cluster(given, int(groups), int(most), len(found)))
    np.save(out, np.stack(found).astype(np.int64))


def k_means_constrained(points, groups, most, seed):
    from k_means_constrained import KMeansConstrained

    model = KMeansConstrained(groups, size_max=most, n_init=1, random_state=seed)
    return model.fit_predict(points)


def fasterpam(points, groups, most, seed):
    import kmedoids

    squares = (points**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * points @ points.T
    distances = np.sqrt(np.maximum(distances, 0)).astype(np.float32)
    return kmedoids.fasterpam(distances, groups, init="random", random_state=seed).medoids


main()

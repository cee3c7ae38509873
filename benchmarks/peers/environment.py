"""The peers, in an environment of their own (`benchmarks.environments`)."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.environments import interpreter

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
IMPORTS = "kmedoids, k_means_constrained"


def run(peer: str, points: np.ndarray, groups: int, most: int, seconds: float) -> np.ndarray:
    """Let a peer cluster points again and again for some seconds, at least once.

    Returns
    -------
    found : int64 array, shape (runs, n) or (runs, groups)
        Labels, or the medoids of clusters of any size.
    """
    python = interpreter("peers", REQUIREMENTS, IMPORTS)
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "points.npy", Path(folder) / "found.npy"
        np.save(given, points)
        subprocess.run(
            [python, HERE / "clustering.py", peer, given, *map(str, (groups, most, seconds)), out],
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        return np.load(out)

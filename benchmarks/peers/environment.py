"""An environment of their own for the peers, whose pins may clash with the project's.

It is made once, in the folder that GROUPING_PEERS names, else in the user's cache, by pip from
requirements.txt.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"


def interpreter() -> Path:
    """Python that can import the peers; its environment is made if it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("GROUPING_PEERS") or cache / "grouping" / "peers")
    python = folder / "bin" / "python"
    if _has_peers(python):
        return python
    print(f"making an environment for the peers in {folder}", file=sys.stderr)
    venv.create(folder, with_pip=True)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--requirement", REQUIREMENTS],
        check=True,
    )  # fmt: skip
    return python


def run(peer: str, points: np.ndarray, groups: int, most: int, seconds: float) -> np.ndarray:
    """Let a peer cluster points again and again for some seconds, at least once.

    Returns
    -------
    found : int64 array, shape (runs, n) or (runs, groups)
        Labels, or the medoids of clusters of any size.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "points.npy", Path(folder) / "found.npy"
        np.save(given, points)
        subprocess.run(
            [interpreter(), HERE / "clustering.py", peer, given, str(groups), str(most),
             str(seconds), out],
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        return np.load(out)


def _has_peers(python: Path) -> bool:
    if not python.is_file():
        return False
    asked = [python, "-c", "import kmedoids, k_means_constrained"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0

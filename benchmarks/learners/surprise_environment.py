"""scikit-surprise, whose numpy clashes with the project's, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np

from benchmarks.environments import interpreter

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "surprise-requirements.txt"


def estimate(row: str, rows: Path, out: Path) -> np.ndarray:
    """Estimates of the test rows by one row of the table, kept in `out` for the next time."""
    if not out.is_file():
        unfinished = out.with_suffix(".part.npy")
        subprocess.run(
            [
                interpreter("surprise", REQUIREMENTS, "surprise"),
                HERE / "surprise_rows.py",
                rows,
                row,
                unfinished,
            ],
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        unfinished.replace(out)
    return np.load(out)

"""An environment of its own for scikit-surprise, whose numpy clashes with the project's.

It is made once, in the folder that GROUPING_SURPRISE names, else in the user's cache, by pip from
surprise-requirements.txt.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "surprise-requirements.txt"


class NoSurpriseError(RuntimeError):
    """Surprise cannot be had here."""


def interpreter() -> Path:
    """Python that can import surprise; its environment is made if it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("GROUPING_SURPRISE") or cache / "grouping" / "surprise")
    python = folder / "bin" / "python"
    if _has_surprise(python):
        return python
    print(f"making an environment for scikit-surprise in {folder}", file=sys.stderr)
    try:
        venv.create(folder, with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--requirement", REQUIREMENTS],
            check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoSurpriseError(
            f"no environment with scikit-surprise could be made in {folder} ({error}); install "
            f"{REQUIREMENTS.name} yourself and set GROUPING_SURPRISE to its folder"
        ) from error
    if not _has_surprise(python):
        raise NoSurpriseError(f"{python} cannot import surprise")
    return python


def estimate(row: str, rows: Path, out: Path) -> np.ndarray:
    """Estimates of the test rows by one row of the table, kept in `out` for the next time."""
    if not out.is_file():
        unfinished = out.with_suffix(".part.npy")
        subprocess.run(
            [interpreter(), HERE / "surprise_rows.py", rows, row, unfinished],
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        unfinished.replace(out)
    return np.load(out)


def _has_surprise(python: Path) -> bool:
    if not python.is_file():
        return False
    asked = subprocess.run([python, "-c", "import surprise"], capture_output=True, check=False)
    return asked.returncode == 0

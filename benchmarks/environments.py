"""Environments of their own for what is compared with, whose pins may clash with the project's.

One is made once, in the folder that its variable names, else in the user's cache, by pip.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path


class NoEnvironmentError(RuntimeError):
    """It cannot be had here."""


def interpreter(name: str, requirements: Path, imports: str) -> Path:
    """Python of an environment, which is made if it is not there.

    Parameters
    ----------
    name : str
        Of the folder in the cache; ``GROUPING_NAME`` names another.
    requirements : Path
        For pip.
    imports : str
        What it must be able to import.

    Raises
    ------
    NoEnvironmentError
        If it cannot be made.
    """
    variable = f"GROUPING_{name.upper()}"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get(variable) or cache / "grouping" / name)
    python = folder / "bin" / "python"
    if _can_import(python, imports):
        return python
    print(f"making an environment for {name} in {folder}", file=sys.stderr)
    try:
        venv.create(folder, with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--requirement", requirements],
            check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoEnvironmentError(
            f"no environment for {name} could be made in {folder} ({error}); install "
            f"{requirements.name} yourself and set {variable} to its folder"
        ) from error
    if not _can_import(python, imports):
        raise NoEnvironmentError(f"{python} cannot import {imports}")
    return python


def _can_import(python: Path, imports: str) -> bool:
    if not python.is_file():
        return False
    asked = [python, "-c", f"import {imports}"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0

"""Clusterings that take long, kept in the folder of an experiment."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from grouping.files import replacing
from grouping.methods import Outcome


class Kept:
    """What methods that look at ratings alone found, and how long they took.

    Parameters
    ----------
    folder : Path
        Files go to ``clusters`` in it, one a clustering.
    settings : object
        What else decides them: version, ratings, threads; in terms that JSON holds.
    """

    def __init__(self, folder: Path, settings: Any) -> None:
        self.folder, self.settings = folder / "clusters", settings

    def find(self, sample: list[Any]) -> tuple[Outcome, float] | None:
        """Look up what was found for a sample, and its seconds.

        Parameters
        ----------
        sample : list
            Method, and what its groups depend on, in terms that JSON holds.

        Returns
        -------
        found : tuple of Outcome and float, or None
            None if nothing was kept, or the file cannot be read.
        """
        try:
            with self._path(sample).open("rb") as file, np.load(file) as kept:
                labels, seconds, advice = kept["labels"], kept["seconds"], kept["advice"]
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        return Outcome(labels.astype(np.int64), advice=advice.tolist()), float(seconds)

    def keep(self, sample: list[Any], outcome: Outcome, seconds: float) -> None:
        """Keep what was found.

        Parameters
        ----------
        sample : list
        outcome : Outcome
        seconds : float

        Raises
        ------
        OSError
            If it cannot be written.
        """
        path = self._path(sample)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez_compressed(
                file,
                labels=outcome.labels.astype(np.int32),
                seconds=seconds,
                advice=np.array(outcome.advice, dtype=np.str_),
            )

    def _path(self, sample: list[Any]) -> Path:
        text = json.dumps([self.settings, sample])
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.npz"

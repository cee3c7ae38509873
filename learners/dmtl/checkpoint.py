"""The folder that holds the last round of a training, to go on from."""

from __future__ import annotations

import os
from typing import Any

from grouping.errors import InputError
from learners.training import saving
from learners.training.optimizers import Arrays

KIND = "dmtl checkpoint"


class Checkpoint:
    """Written after every round, read when a training is resumed.

    Parameters
    ----------
    folder : path-like or None
        None: nothing is written.
    fingerprint : str
        Of data and settings; a checkpoint of others is refused.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, fingerprint: str) -> None:
        self.folder, self.fingerprint = folder, fingerprint

    def write(self, document: dict[str, Any], arrays: Arrays) -> None:
        """Write a round in place of the one before; there must be a folder."""
        assert self.folder is not None
        saving.save(self.folder, KIND, document | {"fingerprint": self.fingerprint}, arrays)

    def read(self) -> saving.Saved | None:
        """Read the last round; None where there is none yet.

        Raises
        ------
        InputError
            If there is no folder, or it holds a checkpoint of other data or settings.
        """
        if self.folder is None:
            raise InputError("resuming needs the folder of a checkpoint")
        if not saving.exists(self.folder):
            return None
        saved = saving.load(self.folder, KIND)
        if saved.document.get("fingerprint") != self.fingerprint:
            raise InputError(
                f"{saved.source}: the checkpoint is of other ratings or settings; name another "
                "folder, or train without resuming"
            )
        return saved

"""What an organisation keeps on disk: its model of every round, and where it stood after it.

One safetensors file a round: no pickle, nothing that could be run. Files appear whole or not at
all, so a run that is killed resumes from the last round that all organisations finished.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grouping.errors import InputError
from grouping.files import made, replacing
from learners.mtal.wire import pack, unpack

if TYPE_CHECKING:
    from learners.mtal.participant import Participant

FORMAT = 1
"""Of the files."""


class Checkpoint:
    """An organisation's folder.

    Parameters
    ----------
    folder : path
        Made when it is first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, round_: int) -> Path:
        """File of a round."""
        return self.folder / f"round-{round_:03d}.safetensors"

    def rounds(self) -> int:
        """How many rounds are there without a gap."""
        count = 0
        while self.path(count + 1).is_file():
            count += 1
        return count

    def save(self, organisation: Participant) -> None:
        """Keep the organisation's last round.

        Parameters
        ----------
        organisation : Participant
        """
        number = len(organisation.done())
        words = _identity(organisation, number)
        made(self.folder)
        with replacing(self.path(number)) as file:
            file.write(pack({**words, "seconds": organisation.seconds}, **organisation.kept()))

    def restore(self, organisation: Participant, rounds: int) -> None:
        """Put the organisation where it stood after some rounds; those it has stay.

        Parameters
        ----------
        organisation : Participant
            That has met its peers.
        rounds : int

        Raises
        ------
        InputError
            If a file is damaged, or was made of other data or with other settings.
        """
        for number in range(len(organisation.done()) + 1, rounds + 1):
            path = self.path(number)
            try:
                words, arrays = unpack(path.read_bytes())
                self._check(words, organisation, number, path)
                organisation.take_up(arrays)
                organisation.seconds = float(words["seconds"])
            except (OSError, ValueError, KeyError) as error:
                if isinstance(error, InputError):
                    raise
                raise InputError(f"{path}: cannot be read as a round ({error})") from error

    def drop_after(self, rounds: int) -> None:
        """Remove later rounds.

        Parameters
        ----------
        rounds : int
        """
        for number in range(rounds + 1, self.rounds() + 1):
            self.path(number).unlink()

    def _check(
        self, words: dict[str, Any], organisation: Participant, number: int, path: Path
    ) -> None:
        for what, value in _identity(organisation, number).items():
            if words.get(what) != value:
                raise InputError(
                    f"{path}: was made with another {what} of organisation "
                    f"{organisation.name!r}: go on with what it was begun with, or begin anew "
                    "elsewhere"
                )


def _identity(organisation: Participant, number: int) -> dict[str, Any]:
    """What a file was made of, and must be read for."""
    return {
        "format": FORMAT,
        "round": number,
        "organisation": organisation.name,
        "data": organisation.domain.digest(),
        "settings": organisation.settings.as_json(),
        "peers": {name: peer.columns for name, peer in organisation.peers.items()},
    }


def finished_rounds(folders: list[Path]) -> int:
    """How many rounds all organisations have finished.

    Parameters
    ----------
    folders : list of path

    Returns
    -------
    rounds : int
    """
    return int(np.min([Checkpoint(folder).rounds() for folder in folders]))

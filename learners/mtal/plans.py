"""How an organisation is made, said in a way that another process can follow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from learners.mtal.checkpoint import Checkpoint
from learners.mtal.domain import Domain
from learners.mtal.factoring import FactoringOrganisation
from learners.mtal.organisation import Organisation
from learners.mtal.participant import Participant
from learners.mtal.settings import Settings


class Source(Protocol):
    """Where an organisation's data come from."""

    @property
    def name(self) -> str:
        """Name of the organisation."""

    def load(self) -> Domain:
        """Read the data; only the organisation itself does."""


@dataclass(frozen=True, eq=False)
class Held:
    """Data at hand.

    Attributes
    ----------
    domain : Domain
    """

    domain: Domain

    @property
    def name(self) -> str:
        """Name of the organisation."""
        return self.domain.name

    def load(self) -> Domain:
        """The data."""
        return self.domain


@dataclass(frozen=True, eq=False)
class Plan:
    """All that it takes to make an organisation.

    Attributes
    ----------
    source : Source
    settings : Settings
    session : str
    key : bytes
        For matching rows.
    folder : Path or None
        Where it keeps its rounds.
    positive_from : float
        Implicit feedback: ratings from here on are likes.
    """

    source: Source
    settings: Settings
    session: str
    key: bytes
    folder: Path | None = None
    positive_from: float = 3.5

    def build(self) -> tuple[Participant, Checkpoint | None]:
        """Make the organisation, and its checkpoint if it has a folder."""
        domain = self.source.load().checked()
        if self.settings.feedback == "implicit":
            domain = domain.binarised(self.positive_from)
        kind = FactoringOrganisation if self.settings.method == "factors" else Organisation
        made = kind(domain, self.settings, self.session, self.key)
        return made, None if self.folder is None else Checkpoint(self.folder)

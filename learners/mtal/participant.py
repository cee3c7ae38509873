"""What every organisation in a federation does, by whatever method it learns: meet and report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from grouping.errors import GroupingError, InputError
from grouping.ratings import Ratings
from learners.entries import Entries
from learners.mtal.base import make_base
from learners.mtal.domain import Domain
from learners.mtal.matching import ascending, common_rows, digests
from learners.mtal.messages import VERSION, DisagreementError, Message, Offer, ProtocolError
from learners.mtal.overarching import Vector, mean_loss, of_feedback, quality, sigmoid
from learners.mtal.settings import Settings

PARTS = ("train", "validation", "test")
"""Of the ratings that an organisation holds."""

Arrays = dict[str, NDArray[Any]]


class DivergedError(GroupingError):
    """An organisation's scores run away; what it had before the round still stands."""


@dataclass(frozen=True)
class Report:
    """What an organisation tells whoever runs it of a round; peers are not told.

    Attributes
    ----------
    name : str
    round : int
    seconds : float
        What fitting its model took.
    squared : bool
        Whether its overarching loss is the squared error, else cross-entropy.
    train_loss, validation_loss : float
        Mean overarching loss; 0 without ratings.
    course : float
        Its loss on validation, else on train, as a multiple of the base's.
    validation, test : (float, int)
        Summed squared errors and number of ratings, or summed average precisions and number of
        rows; see `overarching.quality`.
    eta : float or None
        Of the round; none before the first.
    weights : dict of str to float
    common : dict of str to int
        Rows in common with each other organisation.
    epsilon : float or None
        Spent so far, where messages are noisy.
    """

    name: str
    round: int
    seconds: float
    squared: bool
    train_loss: float
    validation_loss: float
    course: float
    validation: tuple[float, int]
    test: tuple[float, int]
    eta: float | None = None
    weights: dict[str, float] = field(default_factory=dict)
    common: dict[str, int] = field(default_factory=dict)
    epsilon: float | None = None


@dataclass(eq=False)
class Peer:
    """What is known of another organisation.

    Attributes
    ----------
    columns : int
    rows : int64 array
        Own positions of the common rows, in the order of messages.
    fingerprint : str
    first : int
        Where its columns begin among all columns.
    public : uint8 array
        As it was offered.
    """

    columns: int
    rows: NDArray[np.int64]
    fingerprint: str
    first: int = 0
    public: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, dtype=np.uint8))


class Done(Protocol):
    """What an organisation keeps of a round, whatever else there is to it.

    Attributes
    ----------
    eta : float or None
    weights : float64 array or None
        Of all organisations by name.
    """

    @property
    def eta(self) -> float | None:
        """Rate of the round."""

    @property
    def weights(self) -> Vector | None:
        """Weights of the organisations."""


class Participant(ABC):
    """An organisation before it has a method: its data, whom it met, and where it stands.

    It is driven step by step by whoever runs it, and hears others only through `accept`.

    Parameters
    ----------
    domain : Domain
        Its data.
    settings : Settings
        Its choices.
    session : str
        Of the run.
    key : bytes
        Agreed upon by all organisations, for matching rows.

    Raises
    ------
    InputError
        If it cannot take part: no ratings, or settings that cannot be.
    """

    def __init__(self, domain: Domain, settings: Settings, session: str, key: bytes) -> None:
        domain.checked()
        self.name = domain.name
        self.domain = domain
        self.settings = settings.checked()
        self.loss = of_feedback(settings.feedback)
        self.session = session
        self.peers: dict[str, Peer] = {}
        self._key = key
        self._digests = np.empty((0, 32), dtype=np.uint8)
        self._offers: dict[str, Offer] = {}
        self._base = make_base(settings.base, domain.train, domain.shape, self.loss)
        self._cells, self._spans = _joined(domain)
        self.scores = self._base.at(self._cells.rows, self._cells.columns)
        self._start = {part: self._loss_on(part, self.scores) for part in PARTS[:2]}
        self.seconds = 0.0

    # what a method brings

    @abstractmethod
    def done(self) -> list[Any]:
        """What is kept of each round so far; see `Done`."""

    @abstractmethod
    def act(self, step: str) -> tuple[list[Message], Report | None]:
        """Take one of the steps of a round; a report ends the round."""

    @abstractmethod
    def hear(self, message: Message, peer: Peer) -> None:
        """Take in a message of the method, from someone met, or refuse it."""

    @abstractmethod
    def foretell(self, round_: int) -> list[Message]:
        """Prediction stage: what others need of a round to complete their ratings."""

    @abstractmethod
    def begin_completion(self, rounds: int) -> None:
        """Prediction stage: get ready to complete with the first rounds."""

    @abstractmethod
    def completed(self) -> Ratings:
        """All ratings of its users for its items: its own but those tested on, else predicted."""

    @abstractmethod
    def kept(self) -> Arrays:
        """All that it takes to go on after the last round."""

    @abstractmethod
    def take_up(self, arrays: Arrays) -> None:
        """Append a round from what was kept of it.

        Raises
        ------
        ValueError, KeyError
            If it does not fit.
        """

    # what others tell

    def accept(self, message: Message) -> None:
        """Take a message in, or refuse it.

        Parameters
        ----------
        message : Message

        Raises
        ------
        ProtocolError
            If it is of another version or session, not for this organisation, out of turn, or
            does not fit what was agreed upon.
        """
        if message.version != VERSION:
            raise message.refused(f"version {message.version}, {VERSION} is spoken here")
        if message.session != self.session:
            raise message.refused("belongs to another session")
        if message.receiver != self.name or message.sender == self.name:
            raise message.refused(f"reached {self.name!r}")
        if isinstance(message, Offer):
            self._accept_offer(message)
            return
        peer = self.peers.get(message.sender)
        if peer is None:
            raise message.refused("the sender was not met")
        self.hear(message, peer)

    def _accept_offer(self, offer: Offer) -> None:
        if self.peers or offer.sender in self._offers:
            raise offer.refused("came twice or too late")
        align, method, features = self.domain.align, self.settings.agreed(), self._features()
        if offer.align != align:
            raise offer.refused(
                f"aligned by {offer.align}, {align} is meant here", DisagreementError
            )
        if offer.method != method:
            raise offer.refused(
                f"learns by {offer.method}, {method} is meant here", DisagreementError
            )
        if offer.features != features:
            raise offer.refused(
                f"knows {offer.features or 'nothing of users and items'}, where {self.name!r} "
                f"knows {features or 'nothing of them'}: all must know the same by name, values "
                "and scale. Give one table for all, or kinds that name values and scale",
                DisagreementError,
            )
        if offer.round != 0:
            raise offer.refused("offers are made before the first round")
        self._offers[offer.sender] = offer

    def _in_turn(self, message: Message, rows: str, peer: Peer, again: bool) -> None:
        if message.round != len(self.done()) + 1 or again:
            raise message.refused(f"out of turn: round {len(self.done()) + 1} is on")
        if rows != peer.fingerprint:
            raise message.refused("for another set of rows than agreed upon")

    # what it does

    def offer(self, names: list[str]) -> list[Offer]:
        """Offer alignment to others.

        Parameters
        ----------
        names : list of str

        Returns
        -------
        offers : list of Offer
        """
        hashed = digests(self.domain.rows, self._key, self.session)
        self._digests = hashed
        return [
            Offer(
                **self._head(name, 0),
                digests=ascending(hashed),
                columns=self.domain.shape[1],
                align=self.domain.align,
                method=self.settings.agreed(),
                features=self._features(),
                public=self._public(),
            )
            for name in names
            if name != self.name
        ]

    def meet(self) -> Report:
        """Find the rows in common with those who made an offer.

        Returns
        -------
        report : Report

        Raises
        ------
        InputError
            If there are none in common with anybody.
        """
        for name, offer in sorted(self._offers.items()):
            rows, fingerprint = common_rows(self._digests, offer.digests)
            self.peers[name] = Peer(offer.columns, rows, fingerprint, public=offer.public)
        self._offers.clear()
        if not any(len(peer.rows) for peer in self.peers.values()):
            what = self.domain.rows.what
            raise InputError(
                f"organisation {self.name!r} shares no {what} with any other: it can neither help "
                f"nor be helped. Leave it out, or see whether {what}s have the same ids everywhere"
            )
        first = self.domain.shape[1]
        for peer in self.peers.values():
            peer.first = first
            first += peer.columns
        return self.report()

    def report(self) -> Report:
        """Where it stands."""
        done = self.done()[-1] if self.done() else None
        names = self._names()
        losses = {part: self._loss_on(part, self.scores) for part in self._start}
        judged = "validation" if len(self.domain.validation) else "train"
        return Report(
            self.name,
            len(self.done()),
            self.seconds,
            self.loss == "squared",
            losses["train"],
            losses["validation"],
            losses[judged] / max(self._start[judged], 1e-12),
            self._quality_on("validation"),
            self._quality_on("test"),
            None if done is None else done.eta,
            {}
            if done is None or done.weights is None
            else dict(zip(names, done.weights.tolist(), strict=True)),
            {name: len(peer.rows) for name, peer in self.peers.items()},
            self.spent(),
        )

    def held_out_scores(self, part: str = "test") -> NDArray[np.float64]:
        """Scores of the ratings to be tested on, or chosen on, for whoever examines it."""
        return self.scores[self._spans[part]].copy()

    def spent(self) -> float | None:
        """Epsilon spent so far, where messages are noisy."""
        return None

    # how

    def _head(self, receiver: str, round_: int) -> dict[str, Any]:
        return {
            "session": self.session,
            "sender": self.name,
            "receiver": receiver,
            "round": round_,
            "version": VERSION,
        }

    def _features(self) -> str:
        """What is known of users and items where all must know the same, in words for an offer."""
        return ""

    def _public(self) -> NDArray[np.uint8]:
        """What an offer says of one's secret, where there is one."""
        return np.empty(0, dtype=np.uint8)

    def _names(self) -> list[str]:
        return sorted([self.name, *self.peers])

    def _require(self, heard: dict[str, Any], what: str) -> None:
        missing = sorted(set(self.peers) - set(heard))
        if missing:
            raise ProtocolError(
                f"organisation {self.name!r}, round {len(self.done()) + 1}: no {what} from "
                f"{', '.join(map(repr, missing))}"
            )

    def _loss_on(self, part: str, scores: Vector) -> float:
        span = self._spans[part]
        truth = self._cells.values[span].astype(np.float64)
        return mean_loss(self.loss, scores[span], truth) if len(truth) else 0.0

    def _quality_on(self, part: str) -> tuple[float, int]:
        span = self._spans[part]
        truth = self._cells.values[span].astype(np.float64)
        return quality(self.loss, self._cells.rows[span], self.scores[span], truth)

    def _whole(self, scores: NDArray[np.float64]) -> Ratings:
        """Ratings of all cells from their scores; those not tested on are put back as they are."""
        domain = self.domain
        if self.loss == "squared":
            values = domain.train.values
            np.clip(scores, values.min(), values.max(), out=scores)
        else:
            scores = sigmoid(scores)
        whole = scores.astype(np.float32)
        for part in (domain.train, domain.validation):
            whole[part.rows, part.columns] = part.values
        sides = [domain.rows, domain.columns]
        if domain.align == "item":
            whole, sides = np.ascontiguousarray(whole.T), sides[::-1]
        return Ratings.of(whole, users=sides[0], items=sides[1], source=self.name)


def _joined(domain: Domain) -> tuple[Entries, dict[str, slice]]:
    """All own entries one part after the other, and where each part lies."""
    parts = [domain.train, domain.validation, domain.test]
    ends = np.cumsum([len(part) for part in parts])
    spans = {
        name: slice(int(end) - len(part), int(end))
        for name, part, end in zip(PARTS, parts, ends, strict=True)
    }
    joined = Entries(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.values for part in parts]),
    )
    return joined, spans
